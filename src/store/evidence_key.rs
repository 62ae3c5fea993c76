//! The key that signs evidence: the one of the settings, or a file beside the database in OpenSSH's format.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::StoreError;
use super::files::file_error;
use super::paths::{nofollow, with_suffix};
use super::private_file::{self, require_private};
use crate::clock;
use crate::proof::signature::SigningKey;

/// No private key of this kind is longer.
const LONGEST: u64 = 16 * 1024;

/// Reads the evidence key beside the database, or makes one. A lost key is replaced by a new one: evidence that it signed
/// stays valid with its public key.
pub fn read_or_make_evidence_key(database: &Path) -> Result<SigningKey, StoreError> {
    let path = with_suffix(database, ".evidence-key");
    let key = match OpenOptions::new().read(true).custom_flags(nofollow()).open(&path) {
        Ok(file) => read(file),
        Err(error) if error.kind() == ErrorKind::NotFound => make(&path),
        Err(error) => Err(error),
    };
    key.map_err(|source| file_error(&path, source))
}

fn read(file: std::fs::File) -> std::io::Result<SigningKey> {
    require_private(&file)?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    SigningKey::read(&text).map_err(std::io::Error::other)
}

fn make(path: &Path) -> std::io::Result<SigningKey> {
    let key = SigningKey::from_seed(&clock::random::<32>()).map_err(std::io::Error::other)?;
    private_file::create(path, &key.write(u32::from_be_bytes(clock::random::<4>())))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn key_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("x.db");
        let key = read_or_make_evidence_key(&database).unwrap();
        let path = dir.path().join("x.db.evidence-key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_or_make_evidence_key(&database).unwrap().public(), key.public());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_or_make_evidence_key(&database), Err(StoreError::File { .. })));
    }

    #[test]
    fn link_in_place_of_the_key_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("x.db");
        let elsewhere = dir.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, dir.path().join("x.db.evidence-key")).unwrap();
        assert!(matches!(read_or_make_evidence_key(&database), Err(StoreError::File { .. })));
        std::fs::write(&elsewhere, "").unwrap();
        assert!(matches!(read_or_make_evidence_key(&database), Err(StoreError::File { .. })));
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"");
        std::fs::remove_file(dir.path().join("x.db.evidence-key")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, dir.path().join("x.db.evidence-key.new")).unwrap();
        read_or_make_evidence_key(&database).unwrap();
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"");
    }
}
