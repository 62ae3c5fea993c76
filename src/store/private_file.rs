//! Small files that only their owner may read: written under another name first, so that no reader sees a part of one.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::paths::{nofollow, sync_folder, with_suffix};

/// Opens a file that only its owner may read from the moment it is created.
pub(super) fn open_private(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    let file = options.mode(0o600).open(path)?;
    // An existing file keeps its permissions. An empty file contains no data that others were allowed to read.
    if file.metadata()?.len() == 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Fails if others than the owner may use the file.
pub(super) fn require_private(file: &File) -> std::io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(std::io::Error::other("others may read it: allow it to its owner only (chmod 600)"));
    }
    Ok(())
}

/// Creates the file. Fails if there is one, or a link. The file and its name are on the disk when this returns: data that is
/// sealed with a key is lost with the key.
pub(super) fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = write_draft(path, text)?;
    std::fs::hard_link(&draft, path)?;
    std::fs::remove_file(&draft)?;
    sync_folder(path)
}

/// Replaces the file, or creates it.
pub(super) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = write_draft(path, text)?;
    std::fs::rename(&draft, path)?;
    sync_folder(path)
}

fn write_draft(path: &Path, text: &str) -> std::io::Result<std::path::PathBuf> {
    let draft = with_suffix(path, ".new");
    // The remains of a crashed attempt, or a link: removed, not followed.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = open_private(OpenOptions::new().write(true).create_new(true).custom_flags(nofollow()), &draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_file_keeps_its_permissions_unless_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (text, expected) in [("", 0o600), ("something", 0o644)] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            let file = open_private(OpenOptions::new().write(true), &path).unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, expected, "{text:?}");
        }
    }

    #[test]
    fn file_is_replaced_and_a_created_one_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        create(&path, "first").unwrap();
        assert_eq!(create(&path, "second").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        replace(&path, "third").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"third");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join("link")).unwrap();
        assert!(create(&dir.path().join("link"), "").is_err());
    }
}
