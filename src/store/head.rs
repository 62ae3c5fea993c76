//! The head of the journal: the number and the link of its newest entry. Outside the database it is recorded with a code
//! that only a holder of the key can compute.

use std::fmt;
use std::str::FromStr;

use super::StoreError;
use super::sql::{Connection, query};
use crate::proof::chain::{GENESIS, Link};
use crate::proof::seal::MasterKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// 0 while the journal is empty.
    pub(super) seq: i64,
    pub(super) link: Link,
}

impl Head {
    /// Reads the newest entry.
    pub(super) async fn newest(connection: &mut Connection) -> Result<Self, StoreError> {
        let newest = query("SELECT seq, link FROM journal ORDER BY seq DESC LIMIT 1");
        let Some(row) = newest.fetch_optional(connection).await? else { return Ok(Self { seq: 0, link: GENESIS }) };
        let (seq, link): (i64, &[u8]) = (row.try_get("seq")?, row.try_get("link")?);
        let link = link.try_into().map_err(|error| StoreError::inconsistent("journal entry", seq, error))?;
        Ok(Self { seq, link })
    }

    /// The form that is recorded outside the database.
    pub(super) fn recorded(self, key: &MasterKey) -> RecordedHead {
        RecordedHead::new(self.seq, self.link, key)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordedHead {
    pub(super) seq: i64,
    pub(super) link: Link,
    code: [u8; 32],
}

impl RecordedHead {
    /// Stands for an empty journal.
    pub(super) const NONE: Self = Self { seq: 0, link: GENESIS, code: [0; 32] };

    pub(super) fn new(seq: i64, link: Link, key: &MasterKey) -> Self {
        Self { seq, link, code: key.authenticate_head(seq, &link).0 }
    }

    /// Whether a holder of the key recorded it.
    pub(super) fn is_authentic(&self, key: &MasterKey) -> bool {
        *self == Self::new(self.seq, self.link, key)
    }
}

impl fmt::Display for RecordedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020} {} {}", self.seq, hex::encode(self.link), hex::encode(self.code))
    }
}

impl FromStr for RecordedHead {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut words = text.split(' ');
        let seq = words.next().and_then(|seq| seq.parse().ok()).ok_or(hex::FromHexError::InvalidStringLength)?;
        let (mut link, mut code) = ([0; 32], [0; 32]);
        hex::decode_to_slice(words.next().unwrap_or_default(), &mut link)?;
        hex::decode_to_slice(words.next().unwrap_or_default(), &mut code)?;
        Ok(Self { seq, link, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_head_is_read_as_written_and_a_changed_one_is_not_authentic() {
        let (key, _) = MasterKey::generate(&[7; 32]);
        let head = RecordedHead::new(42, [9; 32], &key);
        assert_eq!(head.to_string().parse(), Ok(head));
        assert!(head.is_authentic(&key));
        assert!(!RecordedHead { seq: 41, ..head }.is_authentic(&key));
        assert!(!RecordedHead { link: [8; 32], ..head }.is_authentic(&key));
        assert!("42".parse::<RecordedHead>().is_err());
    }
}
