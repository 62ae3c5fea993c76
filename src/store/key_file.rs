//! The key file beside the database: 64 hexadecimal digits, readable by its owner only.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::StoreError;
use super::files::{file_error, nofollow, private, sync_folder, with_suffix};
use crate::clock;

/// Reads the key, or creates one if there is none. `sealed`: data is sealed with an existing key, so a new one is
/// useless.
pub(super) fn read_or_make(path: &Path, sealed: bool) -> Result<[u8; 32], StoreError> {
    let key = match File::open(path) {
        Ok(file) => read(file),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if sealed {
                return Err(StoreError::KeyLost { path: path.display().to_string() });
            }
            make(path)
        }
        Err(error) => Err(error),
    };
    key.map_err(|source| file_error(path, source))
}

fn read(file: File) -> std::io::Result<[u8; 32]> {
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(std::io::Error::other("others may read it: allow it to its owner only (chmod 600)"));
    }
    let mut key = [0; 32];
    hex::decode_to_slice(std::io::read_to_string(file)?.trim(), &mut key)
        .map_err(|_not_hex| std::io::Error::other("it does not hold 64 hexadecimal digits"))?;
    Ok(key)
}

/// Written under another name and renamed, so that a crash leaves no partial key, and synced with its folder: after a
/// power cut, data that is sealed with an unsynced key is lost. No prepared link is followed.
fn make(path: &Path) -> std::io::Result<[u8; 32]> {
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(std::io::Error::other("it is a symbolic link to a file that does not exist"));
    }
    let key = clock::random::<32>();
    let draft = with_suffix(path, ".new");
    // The remains of a crashed attempt, or a link: removed, not followed.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true).custom_flags(nofollow()), &draft)?;
    writeln!(file, "{}", hex::encode(key))?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    sync_folder(path)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_not_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        std::fs::write(&elsewhere, "").unwrap();
        let path = dir.path().join("x.db.key");
        std::os::unix::fs::symlink(&elsewhere, dir.path().join("x.db.key.new")).unwrap();
        let key = read_or_make(&path, false).unwrap();
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"");
        assert_eq!(read_or_make(&path, true).unwrap(), key);
        assert!(!std::fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[test]
    fn dangling_link_in_place_of_the_key_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db.key");
        std::os::unix::fs::symlink(dir.path().join("nowhere"), &path).unwrap();
        assert!(matches!(read_or_make(&path, false), Err(StoreError::File { .. })));
        assert!(!dir.path().join("nowhere").exists());
    }
}
