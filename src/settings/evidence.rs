//! `[evidence]`: the key that signs evidence, and the file with the journal's head.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::problem::{Faults, Problem};
use super::secret::{Environment, SecretRef};

const KEY_BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";

/// For a database without files.
pub(super) const NO_KEY: &str = "a PostgreSQL database has no file beside which a key could be made: make one with \
                                 `ssh-keygen -t ed25519 -N '' -f FILE`";

/// `[evidence]`: signed proof of cases and periods.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceTable {
    /// The Ed25519 key that signs evidence, in OpenSSH's format and without a passphrase. Default: a key file beside the
    /// database, which is created with mode 0600. Example: `{ file = "/run/secrets/offboardd-evidence" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// The file to which the journal's signed head is written at start, hourly and at a stop. Put it outside the volume of
    /// the database. A relative path begins in the working directory. Default: no file. Example:
    /// `"/var/lib/offboardd-anchor/head"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<PathBuf>,
}

/// How evidence is signed and anchored.
#[derive(Debug)]
pub struct EvidenceSettings {
    /// The text of the private key; `None`: the key is in the file beside the database.
    pub key: Option<SecretString>,
    /// The file for the journal's head.
    pub anchor: Option<PathBuf>,
}

impl EvidenceTable {
    pub(super) fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<EvidenceSettings, Vec<Problem>> {
        let mut faults = Faults::default();
        let key = self.key.as_ref().map(|reference| read_key(&reference.based_on(base_dir), env)).transpose();
        let key = faults.take(key.map_err(|problem| problem.under("key")));
        let anchor = faults.take(self.check_anchor());
        faults.or(key.zip(anchor).map(|(key, ())| EvidenceSettings { key, anchor: self.anchor.clone() }))
    }

    fn check_anchor(&self) -> Result<(), Problem> {
        let Some(path) = &self.anchor else { return Ok(()) };
        if path.file_name().is_none() || path.is_dir() {
            return Err(Problem::at("anchor", "names no file: write the path of a file, in a folder that exists"));
        }
        Ok(())
    }
}

fn read_key(reference: &SecretRef, env: &Environment<'_>) -> Result<SecretString, Problem> {
    let text = reference.read(env)?;
    if text.expose_secret().trim_start().starts_with(KEY_BEGIN) {
        return Ok(text);
    }
    Err(Problem::here(format!(
        "{reference} holds no private key in OpenSSH's format: make one with `ssh-keygen -t ed25519 -N '' -f FILE`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(table: &EvidenceTable) -> Vec<String> {
        let converted = table.convert(Path::new(""), &|_| Some("hunter2".to_owned()));
        converted.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn key_of_another_format_and_anchor_without_a_file_are_refused() {
        let table = EvidenceTable { key: Some(SecretRef::Env("KEY".to_owned())), anchor: Some("/".into()) };
        let problems = problems(&table);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("key: the environment variable `KEY` holds no private key"), "{problems:?}");
        assert!(problems[1].starts_with("anchor: names no file"), "{problems:?}");
    }
}
