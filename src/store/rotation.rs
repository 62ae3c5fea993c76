//! The beginning and the end of a rotation of the master key.

use super::files::{self, Files};
use super::{Database, KeyLocation, StoreError, key_file};
use crate::clock;

impl Database {
    /// Puts a new key before the present one, unless an earlier run did. A configured key must be followed by the old one.
    /// Returns whether the key is in the file beside the database, which this program writes.
    pub fn begin_rotation(&self) -> Result<bool, StoreError> {
        let keys = self.keys(true)?;
        match &self.key {
            KeyLocation::Beside => {
                if keys.len() == 1 {
                    let keys: Vec<_> = std::iter::once(clock::random()).chain(keys).collect();
                    key_file::write(&self.key_file(), &keys)?;
                }
                Ok(true)
            }
            KeyLocation::Given(_) | KeyLocation::Read { .. } if keys.len() == 1 => Err(StoreError::NoNewKey),
            KeyLocation::Given(_) | KeyLocation::Read { .. } => Ok(false),
        }
    }

    /// Removes the old keys from the file beside the database.
    pub fn end_rotation(&self) -> Result<(), StoreError> {
        let keys = self.keys(true)?;
        key_file::write(&self.key_file(), keys.get(..1).unwrap_or_default())
    }

    /// Whether a daemon uses the database.
    pub async fn is_in_use(&self) -> Result<bool, StoreError> {
        if let Some(server) = &self.server {
            return server.is_in_use().await;
        }
        if !files::examine(&self.path)? {
            return Ok(false);
        }
        match Files::lock(&self.path) {
            Ok(_lock) => Ok(false),
            Err(StoreError::InUse { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
