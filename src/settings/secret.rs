//! Secrets, which the settings only refer to.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Returns the value of an environment variable.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where a secret is to be found. The secret itself never stands in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// `{ env = "NAME" }`: in this variable of the environment.
    Env(String),
    /// `{ file = "PATH" }`: in this file, without the newline at its end. A relative path begins where the settings
    /// file is.
    File(PathBuf),
}

/// No secret of ours is longer; a path to something endless must not fill the memory.
const LONGEST_FILE: u64 = 64 * 1024;

impl SecretRef {
    /// The same secret, found from anywhere: a relative path is taken from `base_dir`.
    pub(super) fn based_on(&self, base_dir: &Path) -> Self {
        match self {
            Self::Env(name) => Self::Env(name.clone()),
            Self::File(path) => Self::File(base_dir.join(path)),
        }
    }

    /// Reads the secret as text.
    pub fn read(&self, env: &Environment<'_>) -> Result<SecretString, SecretError> {
        let bytes = self.read_bytes(env)?;
        let text = str::from_utf8(bytes.expose_secret()).map_err(|_ignored| SecretError::NotText(self.clone()))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(SecretError::Empty(self.clone()));
        }
        if text.contains('\0') {
            return Err(SecretError::Nul(self.clone()));
        }
        Ok(SecretString::from(text))
    }

    /// Reads a secret that is sent in an HTTP header, which carries no blanks or control characters.
    pub(super) fn read_token(&self, env: &Environment<'_>) -> Result<SecretString, SecretError> {
        let secret = self.read(env)?;
        let fits = secret.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(secret) } else { Err(SecretError::NotAToken) }
    }

    /// Reads the bytes of the secret, including a newline at the end.
    pub(super) fn read_bytes(&self, env: &Environment<'_>) -> Result<SecretSlice<u8>, SecretError> {
        let bytes = match self {
            Self::Env(name) => env(name).ok_or_else(|| SecretError::NotSet(name.clone()))?.into_bytes(),
            Self::File(path) => {
                read_file(path).map_err(|source| SecretError::Unreadable { path: path.clone(), source })?
            }
        };
        Ok(bytes.into())
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read > LONGEST_FILE) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than any secret"));
    }
    Ok(bytes)
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the file `{}`", path.display()),
        }
    }
}

/// Why a secret cannot be had. Says where it was looked for, never what was found.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is no such variable.
    #[error("the environment variable `{0}` is not set")]
    NotSet(String),
    /// There is no such file, or it is not for us.
    #[error("cannot read the secret file `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing but line ends.
    #[error("{0} is empty: store the secret there")]
    Empty(SecretRef),
    /// A NUL, which no secret has.
    #[error("{0} has a NUL character in it: store the secret as text")]
    Nul(SecretRef),
    /// Not UTF-8.
    #[error("{0} is not UTF-8 text: store the secret as text")]
    NotText(SecretRef),
    /// It has characters that no HTTP header carries.
    #[error("the secret contains spaces or other characters that no token has: store only the token")]
    NotAToken,
}

const INLINE: &str = r#"a secret must not be written in the settings: write { env = "NAME" } or { file = "PATH" }"#;
const EITHER: &str = r#"a secret is { env = "NAME" } or { file = "PATH" }"#;

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reference)
    }
}

/// By hand, since a derived one would repeat an inline secret in its refusal.
struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"{ env = "NAME" } or { file = "PATH" }"#)
    }

    fn visit_str<E: Error>(self, _secret: &str) -> Result<SecretRef, E> {
        Err(E::custom(INLINE))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let key = map.next_key::<String>()?;
        let reference = match key.as_deref() {
            Some("env") => SecretRef::Env(variable_name(map.next_value()?)?),
            Some("file") => SecretRef::File(path(map.next_value()?)?),
            _ => return Err(A::Error::custom(EITHER)),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom(EITHER));
        }
        Ok(reference)
    }
}

/// Refuses what cannot be a name without repeating it: it may be the secret itself.
fn variable_name<E: Error>(name: String) -> Result<String, E> {
    let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if fits { Ok(name) } else { Err(E::custom("`env` takes the name of a variable: letters, digits and `_`")) }
}

fn path<E: Error>(path: PathBuf) -> Result<PathBuf, E> {
    if path.as_os_str().is_empty() { Err(E::custom("`file` takes the path of a file")) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(value: &'static str) -> Result<SecretString, String> {
        let env = move |name: &str| (name == "KEY").then(|| value.to_owned());
        SecretRef::Env("KEY".to_owned()).read(&env).map_err(|error| error.to_string())
    }

    fn file(bytes: &[u8]) -> Result<SecretString, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("key"), bytes).unwrap();
        let reference = SecretRef::File("key".into()).based_on(dir.path());
        reference.read(&|_| None).map_err(|error| error.to_string().replace(&dir.path().display().to_string(), "DIR"))
    }

    #[test]
    fn the_newline_at_the_end_of_a_file_is_not_of_the_secret() {
        for bytes in ["hunter2", "hunter2\n", "hunter2\r\n"] {
            assert_eq!(file(bytes.as_bytes()).unwrap().expose_secret(), "hunter2");
        }
        assert_eq!(variable(" hunter2 ").unwrap().expose_secret(), " hunter2 ");
    }

    #[test]
    fn what_is_no_secret_is_refused_without_showing_it() {
        assert_eq!(variable("").unwrap_err(), "the environment variable `KEY` is empty: store the secret there");
        assert_eq!(file(b"\n").unwrap_err(), "the file `DIR/key` is empty: store the secret there");
        assert_eq!(
            file(b"hun\0ter2").unwrap_err(),
            "the file `DIR/key` has a NUL character in it: store the secret as text"
        );
        assert_eq!(file(b"\xff\xfe").unwrap_err(), "the file `DIR/key` is not UTF-8 text: store the secret as text");
        assert_eq!(file(&b"x".repeat(70_000)).unwrap_err(), "cannot read the secret file `DIR/key`");
        assert_eq!(
            SecretRef::Env("NONE".to_owned()).read(&|_| None).unwrap_err().to_string(),
            "the environment variable `NONE` is not set"
        );
    }
}
