//! Conversion of columns to values: instants, ids, words.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;

use super::StoreError;
use super::sql::Row;

/// Reads the columns of one row of table `what`. An error names the row.
pub(super) struct RowReader<'a> {
    pub(super) what: &'static str,
    pub(super) row: &'a Row,
}

impl RowReader<'_> {
    pub(super) fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn text_if_any(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn bytes_if_any(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn count(&self, column: &str) -> Result<u32, StoreError> {
        let count: i64 = self.row.try_get(column)?;
        u32::try_from(count).map_err(|error| self.broken(column, error))
    }

    /// A word of this program: an id, a name, a state.
    pub(super) fn word<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(column)?.parse().map_err(|error| self.broken(column, error))
    }

    pub(super) fn word_if_any<T>(&self, column: &str) -> Result<Option<T>, StoreError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let word = self.text_if_any(column)?;
        word.map(|word| word.parse().map_err(|error| self.broken(column, error))).transpose()
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.broken(column, error))
    }

    pub(super) fn at(&self, column: &str) -> Result<Timestamp, StoreError> {
        instant(self.row.try_get(column)?).map_err(|error| self.broken(column, error))
    }

    pub(super) fn at_if_any(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let millis: Option<i64> = self.row.try_get(column)?;
        millis.map(|millis| instant(millis).map_err(|error| self.broken(column, error))).transpose()
    }

    fn broken(&self, column: &str, error: impl Display) -> StoreError {
        let id: Result<String, _> = self.row.try_get("id");
        StoreError::inconsistent(self.what, id.unwrap_or_default(), format!("column `{column}`: {error}"))
    }
}

/// An instant as it is stored.
pub(super) fn millis(instant: Timestamp) -> i64 {
    instant.as_millisecond()
}

/// An instant as it is stored, if there is one.
pub(super) fn millis_if_any(instant: Option<Timestamp>) -> Option<i64> {
    instant.map(millis)
}

/// jiff rejects the milliseconds of its own last instant, which lies within the last second that it accepts. A date far
/// ahead is stored as that instant, and one such row must not fail a list of others.
fn instant(at: i64) -> Result<Timestamp, jiff::Error> {
    if at == millis(Timestamp::MAX) {
        return Ok(Timestamp::MAX);
    }
    Timestamp::from_millisecond(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instant_that_can_be_stored_can_be_read() {
        for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let read = instant(millis(at));
            assert!(read.is_ok(), "{at}: {read:?}");
        }
    }
}
