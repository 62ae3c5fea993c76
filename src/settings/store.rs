//! `[store]`: the database.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT};
use secrecy::{ExposeSecret as _, SecretBox};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::secret::{Environment, SecretRef};
use super::store_url::StoreUrl;
use crate::duration::ConfigDuration;

/// `[store]`: the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreTable {
    /// The database file. A relative path begins in the working directory. Default: `"sqlite:offboardd.db"`. Example:
    /// `"sqlite:/data/offboardd.db"`.
    pub url: StoreUrl,
    /// The key that encrypts personal data: 32 bytes, as hexadecimal digits, as base64, or as raw bytes in a file.
    /// Default: a key file beside the database, which is created with mode 0600. Example: `{ file =
    /// "/run/secrets/offboardd-key" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// How long the encrypted body of a routed delivery is kept for replay. Default: `"7d"`. Example: `"14d"`.
    pub keep_payloads: ConfigDuration,
}

/// What follows from `[store]`: the resolved path and the key.
#[derive(Debug)]
pub struct StoreSettings {
    /// The file.
    pub path: PathBuf,
    /// What seals personal data; `None`: the key is in the file beside the database.
    pub key: Option<SealingKey>,
    /// The file that `key` was read from, if it was a file.
    pub key_from: Option<PathBuf>,
}

/// The 32 bytes that seal personal data.
pub type SealingKey = SecretBox<[u8; 32]>;

impl StoreTable {
    pub(super) fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<StoreSettings, Problem> {
        let reference = self.key.as_ref().map(|reference| reference.based_on(base_dir));
        let key = reference.as_ref().map(|reference| read_key(reference, env)).transpose();
        Ok(StoreSettings {
            // In the working directory: in a container that is the volume, while the settings and the secrets beside them
            // are in a directory that is not writable.
            path: self.url.path().to_owned(),
            key: key.map_err(|problem| problem.under("key"))?,
            key_from: match reference {
                Some(SecretRef::File(path)) => Some(path),
                Some(SecretRef::Env(_)) | None => None,
            },
        })
    }
}

fn read_key(reference: &SecretRef, env: &Environment<'_>) -> Result<SealingKey, Problem> {
    let bytes = reference.read_bytes(env)?;
    if let (SecretRef::File(_), Ok(raw)) = (reference, <[u8; 32]>::try_from(bytes.expose_secret())) {
        return Ok(SecretBox::new(Box::new(raw)));
    }
    let text = reference.read(env)?;
    let digits = text.expose_secret().trim();
    let decoded = hex::decode(digits)
        .ok()
        .or_else(|| STANDARD_PAD_INDIFFERENT.decode(digits).ok())
        .or_else(|| URL_SAFE_PAD_INDIFFERENT.decode(digits).ok())
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| {
            Problem::here(format!("{reference} does not hold 32 bytes: make them with `openssl rand -hex 32`"))
        })?;
    Ok(SecretBox::new(Box::new(decoded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<[u8; 32], String> {
        let text = text.to_owned();
        read_key(&SecretRef::Env("KEY".to_owned()), &move |_| Some(text.clone()))
            .map(|key| *key.expose_secret())
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
        let key = read_key(&SecretRef::File(dir.path().join("key")), &|_| None).unwrap();
        assert_eq!(*key.expose_secret(), bytes);
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
