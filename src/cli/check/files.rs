//! Whether other users of this machine may read what only the daemon should read.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::settings::{SecretRef, Settings};

/// Everybody may read it.
const OTHERS_READ: u32 = 0o004;

/// A warning for each file of the database and its key that everybody may read.
pub(super) fn open_to_others(settings: &Settings) -> Vec<String> {
    let database = settings.store.path.clone();
    let key = match &settings.file.store.key {
        Some(SecretRef::File(path)) => Some(settings.beside(path)),
        Some(SecretRef::Env(_)) => None,
        None => Some(with_suffix(&database, ".key")),
    };
    let files = [
        ("store.url", Some(database.clone())),
        ("store.url", Some(with_suffix(&database, "-wal"))),
        ("store.key", key),
    ];
    let mut warnings = Vec::new();
    for (setting, path) in files.into_iter().filter_map(|(setting, path)| Some((setting, path?))) {
        let mode = std::fs::metadata(&path).map(|metadata| metadata.permissions().mode()).unwrap_or_default();
        if mode & OTHERS_READ != 0 {
            let path = path.display();
            warnings.push(format!("{setting}: every user of this machine can read `{path}`: run `chmod 600 {path}`"));
        }
    }
    warnings
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;

    #[test]
    fn a_key_or_database_that_everybody_can_read_is_warned_of() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["x.db", "x.db-wal", "x.db.key"] {
            write(at(name), "x").unwrap();
            set_permissions(at(name), Permissions::from_mode(0o600)).unwrap();
        }
        let text = format!("[store]\nurl = \"sqlite:{}\"", at("x.db").display());
        let settings = || Settings::parse(&text, dir.path(), &|_| None).unwrap();
        assert_eq!(open_to_others(&settings()), Vec::<String>::new());
        for (name, setting) in [("x.db", "store.url"), ("x.db-wal", "store.url"), ("x.db.key", "store.key")] {
            set_permissions(at(name), Permissions::from_mode(0o644)).unwrap();
            let warnings = open_to_others(&settings());
            assert!(warnings.len() == 1 && warnings[0].starts_with(setting), "{warnings:?}");
            set_permissions(at(name), Permissions::from_mode(0o600)).unwrap();
        }
    }
}
