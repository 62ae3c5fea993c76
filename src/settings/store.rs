//! `[store]`: the database.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::secret::{Environment, SecretRef};
use super::store_url::{StoreUrl, check_server};
use super::wait::positive;
use crate::duration::ConfigDuration;

const NO_KEY: &str =
    "a PostgreSQL database has no file beside which a key could be made: make one with `openssl rand -hex 32`";

/// `[store]`: the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreTable {
    /// The database: the path of an SQLite file, or where the address of a PostgreSQL database is stored, like
    /// `postgres://user:password@host/database`. A relative path begins in the working directory. PostgreSQL requires
    /// `store.key` and `evidence.key`. Default: `"sqlite:offboardd.db"`. Example: `{ file = "/run/secrets/offboardd-store" }`.
    pub url: StoreUrl,
    /// The key that encrypts personal data: 32 bytes, as hexadecimal digits, as base64, or as raw bytes in a file. While it
    /// is rotated: the new key, and the old one on a second line. Default: a key file beside the database, which is created with mode 0600. Example: `{ file =
    /// "/run/secrets/offboardd-key" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// How long backups of the database are kept. After this time, and at most a quarter longer, no backup opens any more:
    /// the secrets of its time, which are in a file beside the database (`offboardd.db.keys`), are deleted. Default:
    /// `"30d"`. Example: `"90d"`.
    #[serde(deserialize_with = "positive")]
    pub keep_backups: ConfigDuration,
    /// How long the encrypted body of a routed delivery is kept for replay. Default: `"7d"`. Example: `"14d"`.
    pub keep_payloads: ConfigDuration,
    /// How long a routed delivery is listed, without its body. One that belongs to a stored case is kept with the case.
    /// Default: `"400d"`. Example: `"800d"`.
    pub keep_deliveries: ConfigDuration,
    /// How long a source's person is remembered after the last report: the email address of an id, and what is known about
    /// leaving and staying. Default: `"400d"`. Example: `"90d"`.
    pub keep_people: ConfigDuration,
    /// How long the attempts of a closed case are kept. Default: `"400d"`. Example: `"800d"`.
    pub keep_attempts: ConfigDuration,
    /// How long a closed case is kept. It holds no personal data, and evidence is made from it; the journal keeps its
    /// entries. Default: `"1100d"`. Example: `"3650d"`.
    pub keep_cases: ConfigDuration,
}

/// What follows from `[store]`: the resolved path and the key.
#[derive(Debug)]
pub struct StoreSettings {
    /// The file.
    pub path: PathBuf,
    /// The address of the database on a server, in place of the file.
    pub server: Option<SecretString>,
    /// What seals personal data; `None`: the key is in the file beside the database.
    pub key: Option<SealingKey>,
    /// Keys that only open: the key is being rotated.
    pub old_keys: Vec<SealingKey>,
    /// The file that `key` was read from, if it was a file.
    pub key_from: Option<PathBuf>,
}

/// The 32 bytes that seal personal data.
pub type SealingKey = SecretBox<[u8; 32]>;

impl StoreTable {
    pub(super) fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<StoreSettings, Problem> {
        let reference = self.key.as_ref().map(|reference| reference.based_on(base_dir));
        let keys = reference.as_ref().map(|reference| read_keys(reference, env)).transpose();
        let mut keys = keys.map_err(|problem| problem.under("key"))?.into_iter().flatten();
        let (path, server) = match &self.url {
            // In the working directory: in a container that is the volume, while the settings and the secrets beside them
            // are in a directory that is not writable.
            StoreUrl::File(path) => (path.clone(), None),
            StoreUrl::Server(reference) => {
                let reference = reference.based_on(base_dir);
                let url = reference.read(env).map_err(|error| Problem::from(error).under("url"))?;
                let checked = check_server(url.expose_secret());
                checked.map_err(|error| Problem::at("url", format!("{reference}: {error}")))?;
                if self.key.is_none() {
                    return Err(Problem::at("key", NO_KEY));
                }
                (PathBuf::new(), Some(url))
            }
        };
        Ok(StoreSettings {
            path,
            server,
            key: keys.next(),
            old_keys: keys.collect(),
            key_from: match reference {
                Some(SecretRef::File(path)) => Some(path),
                Some(SecretRef::Env(_)) | None => None,
            },
        })
    }
}

fn read_keys(reference: &SecretRef, env: &Environment<'_>) -> Result<Vec<SealingKey>, Problem> {
    let bytes = reference.read_bytes(env)?;
    let keys = match reference {
        SecretRef::File(_) => parse_keys(bytes.expose_secret()),
        SecretRef::Env(_) => parse_texts(bytes.expose_secret()),
    };
    let keys = keys.ok_or_else(|| {
        Problem::here(format!("{reference} does not hold 32 bytes: make them with `openssl rand -hex 32`"))
    })?;
    Ok(keys.into_iter().map(|key| SecretBox::new(Box::new(key))).collect())
}

/// The keys in the content of a key file, the newest first.
pub fn parse_keys(bytes: &[u8]) -> Option<Vec<[u8; 32]>> {
    <[u8; 32]>::try_from(bytes).map_or_else(|_no_raw_key| parse_texts(bytes), |raw| Some(vec![raw]))
}

fn parse_texts(bytes: &[u8]) -> Option<Vec<[u8; 32]>> {
    let decoded = |digits: &str| {
        let bytes = hex::decode(digits)
            .ok()
            .or_else(|| STANDARD_PAD_INDIFFERENT.decode(digits).ok())
            .or_else(|| URL_SAFE_PAD_INDIFFERENT.decode(digits).ok())?;
        <[u8; 32]>::try_from(bytes).ok()
    };
    let keys: Option<Vec<_>> = std::str::from_utf8(bytes).ok()?.split_whitespace().map(decoded).collect();
    keys.filter(|keys| !keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<[u8; 32], String> {
        let text = text.to_owned();
        read_keys(&SecretRef::Env("KEY".to_owned()), &move |_| Some(text.clone()))
            .map(|mut keys| *keys.swap_remove(0).expose_secret())
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_key_may_be_hexadecimal_or_base64() {
        for text in [
            "fbefff".repeat(10) + "fbef",
            "++//".repeat(10) + "++8=",
            "--__".repeat(10) + "--8",
            "++//".repeat(10) + "++8=\n",
        ] {
            assert_eq!(key(&text).map(|key| key.len()), Ok(32), "{text}");
        }
    }

    #[test]
    fn a_key_file_may_hold_the_bytes_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        std::fs::write(dir.path().join("key"), bytes).unwrap();
        let keys = read_keys(&SecretRef::File(dir.path().join("key")), &|_| None).unwrap();
        assert_eq!(*keys[0].expose_secret(), bytes);
    }

    #[test]
    fn old_keys_follow_the_new_one() {
        let both = format!("{}\n{}\n", "01".repeat(32), "02".repeat(32));
        assert_eq!(parse_keys(both.as_bytes()), Some(vec![[1; 32], [2; 32]]));
        assert_eq!(parse_keys(format!("{both} short").as_bytes()), None);
        assert_eq!(parse_keys(b" \n"), None);
    }

    #[test]
    fn a_key_of_another_length_is_refused_without_showing_it() {
        for text in ["hunter2", "00", &"x".repeat(32)] {
            assert_eq!(
                key(text).unwrap_err(),
                "the environment variable `KEY` does not hold 32 bytes: make them with `openssl rand -hex 32`"
            );
        }
    }
}
