//! The URL of the database.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::secret::SecretRef;

/// The database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:PATH`.
    File(PathBuf),
    /// Where `postgres://user:password@host/database` is stored.
    Server(SecretRef),
}

impl StoreUrl {
    /// The database in this file.
    pub(super) fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }
}

/// Refuses the text of a secret that is no address of a PostgreSQL database.
pub(super) fn check_server(text: &str) -> Result<(), StoreUrlError> {
    let url = url::Url::parse(text).map_err(|_not_repeated| StoreUrlError::NotPostgres)?;
    let is_database = matches!(url.scheme(), "postgres" | "postgresql") && url.path().len() > 1;
    if is_database { Ok(()) } else { Err(StoreUrlError::NotPostgres) }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if ["postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(StoreUrlError::InlinePassword);
        }
        let path = text.strip_prefix("sqlite:").ok_or(StoreUrlError::NotSqlite)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.contains(":memory:") || path.contains("mode=memory") {
            return Err(StoreUrlError::Memory);
        }
        if path.is_empty() || path.contains(['?', '\0']) {
            return Err(StoreUrlError::NotSqlite);
        }
        Ok(Self::file(path))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite:{}", path.display()),
            Self::Server(reference) => write!(f, "the PostgreSQL database in {reference}"),
        }
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::File(_) => serializer.collect_str(self),
            Self::Server(reference) => reference.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrReference)
    }
}

struct TextOrReference;

impl<'de> Visitor<'de> for TextOrReference {
    type Value = StoreUrl;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database like \"sqlite:offboardd.db\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StoreUrl, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StoreUrl, A::Error> {
        SecretRef::deserialize(MapAccessDeserializer::new(map)).map(StoreUrl::Server)
    }
}

/// A text that names no database of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Another kind of database, or none.
    #[error("the database is a file: write \"sqlite:PATH\", like \"sqlite:offboardd.db\", without parameters")]
    NotSqlite,
    /// A secret in the settings.
    #[error(
        "the address of a server contains a password: store \"postgres://user:password@host/database\" as a secret and \
         write {{ env = \"NAME\" }} or {{ file = \"PATH\" }}"
    )]
    InlinePassword,
    /// Another kind of server, or no database.
    #[error("it does not contain the address of a database like \"postgres://user:password@host/database\"")]
    NotPostgres,
    /// Gone with the process.
    #[error("a database in memory loses acknowledged deliveries: write \"sqlite:PATH\"")]
    Memory,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_is_a_database() {
        for (text, path) in [("sqlite:a.db", "a.db"), ("sqlite://a.db", "a.db"), ("sqlite:///data/a.db", "/data/a.db")]
        {
            assert_eq!(text.parse(), Ok(StoreUrl::file(path)), "{text}");
        }
        for (text, why) in [
            ("offboardd.db", StoreUrlError::NotSqlite),
            ("postgres://localhost/a", StoreUrlError::InlinePassword),
            ("sqlite:", StoreUrlError::NotSqlite),
            ("sqlite:a.db?mode=ro", StoreUrlError::NotSqlite),
            ("sqlite::memory:", StoreUrlError::Memory),
        ] {
            assert_eq!(text.parse::<StoreUrl>(), Err(why), "{text}");
        }
    }

    #[test]
    fn address_of_a_server_names_a_database() {
        for text in ["postgres://a:b@db/offboardd", "postgresql://db:5433/offboardd?sslmode=require"] {
            assert_eq!(check_server(text), Ok(()), "{text}");
        }
        for text in ["postgres://a:b@db", "postgres://a:b@db/", "mysql://db/offboardd", "sqlite:a.db", "hunter2", ""] {
            assert_eq!(check_server(text), Err(StoreUrlError::NotPostgres), "{text}");
        }
    }
}
