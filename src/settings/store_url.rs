//! The URL of the database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text;

/// `sqlite:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(PathBuf);

impl StoreUrl {
    /// The database in this file.
    pub(super) fn file(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
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
        write!(f, "sqlite:{}", self.0.display())
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, "the database like \"sqlite:offboardd.db\"")
    }
}

/// A text that names no database of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Another kind of database, or none.
    #[error("the database is a file: write \"sqlite:PATH\", like \"sqlite:offboardd.db\", without parameters")]
    NotSqlite,
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
            ("postgres://localhost/a", StoreUrlError::NotSqlite),
            ("sqlite:", StoreUrlError::NotSqlite),
            ("sqlite:a.db?mode=ro", StoreUrlError::NotSqlite),
            ("sqlite::memory:", StoreUrlError::Memory),
        ] {
            assert_eq!(text.parse::<StoreUrl>(), Err(why), "{text}");
        }
    }
}
