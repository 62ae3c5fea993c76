//! The key file beside the database: 64 hexadecimal digits, readable by its owner only. While the key is rotated, the old one is
//! on a second line.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use super::StoreError;
use super::files::file_error;
use super::private_file::{self, require_private};
use crate::clock;

/// Reads the key, or creates one if there is none. `sealed`: data is sealed with an existing key, so a new one is
/// useless.
pub(super) fn read_or_make(path: &Path, sealed: bool) -> Result<Vec<[u8; 32]>, StoreError> {
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

fn read(file: File) -> std::io::Result<Vec<[u8; 32]>> {
    require_private(&file)?;
    let text = std::io::read_to_string(file)?;
    parse(text.as_bytes()).ok_or_else(|| std::io::Error::other("it does not hold 64 hexadecimal digits"))
}

/// The keys in such a file, the newest first.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<[u8; 32]>> {
    let digits = |word: &str| {
        let mut key = [0; 32];
        hex::decode_to_slice(word, &mut key).ok().map(|()| key)
    };
    let keys: Option<Vec<_>> = std::str::from_utf8(bytes).ok()?.split_whitespace().map(digits).collect();
    keys.filter(|keys| !keys.is_empty())
}

/// Replaces the keys in the file.
pub(super) fn write(path: &Path, keys: &[[u8; 32]]) -> Result<(), StoreError> {
    let line = |key: &[u8; 32]| format!("{}\n", hex::encode(key));
    let text: String = keys.iter().map(line).collect();
    private_file::replace(path, &text).map_err(|source| file_error(path, source))
}

fn make(path: &Path) -> std::io::Result<Vec<[u8; 32]>> {
    let key = clock::random::<32>();
    private_file::create(path, &format!("{}\n", hex::encode(key)))?;
    Ok(vec![key])
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
