//! The head of the journal as it is recorded outside the database: the number and the link of its newest entry, with a
//! code that only a holder of the key can compute.

use std::fmt;
use std::str::FromStr;

use crate::proof::chain::{GENESIS, Link};
use crate::proof::seal::MasterKey;

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
