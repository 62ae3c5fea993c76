//! The hash chain of the journal: each entry carries a hash over itself and the previous entry, so that a changed,
//! removed or inserted entry is detected.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// A link of the chain.
pub type Link = [u8; 32];

/// The link before the first entry.
pub const GENESIS: Link = [0; 32];

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEntry {
    /// Counted from 1, without gaps.
    pub seq: i64,
    pub at: Timestamp,
    /// The case, if the entry is about one.
    pub case_id: Option<String>,
    /// The kind of the entry, in one word.
    pub kind: String,
    /// Details as JSON, without personal data.
    pub detail: String,
}

impl ChainEntry {
    /// The link after `previous` and this entry: SHA-256 over both, each part preceded by its length.
    pub fn link(&self, previous: &Link) -> Link {
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.as_millisecond().to_be_bytes());
        for part in [self.case_id.as_deref().unwrap_or(""), &self.kind, &self.detail] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// Verifies a chain entry by entry.
#[derive(Debug)]
pub struct ChainVerifier {
    seq: i64,
    link: Link,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self { seq: 0, link: GENESIS }
    }
}

/// The first entry at which a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// An entry is missing before this one.
    #[error("entry {expected} is missing: {found} stands in its place")]
    Gap {
        /// The number that should follow.
        expected: i64,
        /// The number of the entry found instead.
        found: i64,
    },
    /// This entry or the previous one was changed.
    #[error("entry {seq} does not follow from the entry before it: one of them was changed")]
    Changed { seq: i64 },
}

impl ChainVerifier {
    /// Verifies the next entry against the link that is stored with it.
    pub fn step(&mut self, entry: &ChainEntry, written: &[u8]) -> Result<(), ChainError> {
        let expected = self.seq.saturating_add(1);
        if entry.seq != expected {
            return Err(ChainError::Gap { expected, found: entry.seq });
        }
        let link = entry.link(&self.link);
        if link.as_slice() != written {
            return Err(ChainError::Changed { seq: entry.seq });
        }
        *self = Self { seq: expected, link };
        Ok(())
    }

    /// The number of entries verified.
    pub fn len(&self) -> i64 {
        self.seq
    }

    pub fn is_empty(&self) -> bool {
        self.seq == 0
    }

    /// The newest link. A copy that is kept elsewhere proves later that no entry was cut off.
    pub fn head(&self) -> Link {
        self.link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<(ChainEntry, Link)> {
        let mut link = GENESIS;
        (1..=5)
            .map(|seq| {
                let at = Timestamp::from_second(seq).unwrap();
                let entry = ChainEntry {
                    seq,
                    at,
                    case_id: Some("c".to_owned()),
                    kind: "due".to_owned(),
                    detail: "{}".to_owned(),
                };
                link = entry.link(&link);
                (entry, link)
            })
            .collect()
    }

    fn walk(chain: &[(ChainEntry, Link)]) -> Result<i64, ChainError> {
        let mut walk = ChainVerifier::default();
        for (entry, link) in chain {
            walk.step(entry, link)?;
        }
        Ok(walk.len())
    }

    #[test]
    fn untouched_chain_is_verified_to_its_end() {
        assert_eq!(walk(&chain()), Ok(5));
    }

    #[test]
    fn changed_entry_is_found() {
        let mut chain = chain();
        chain[2].0.detail = "{\"by\":\"nobody\"}".to_owned();
        assert_eq!(walk(&chain), Err(ChainError::Changed { seq: 3 }));
    }

    #[test]
    fn changed_entry_with_recomputed_link_breaks_the_next() {
        let mut chain = chain();
        chain[2].0.kind = "held".to_owned();
        chain[2].1 = chain[2].0.link(&chain[1].1);
        assert_eq!(walk(&chain), Err(ChainError::Changed { seq: 4 }));
    }

    #[test]
    fn missing_entry_is_found() {
        let mut chain = chain();
        chain.remove(1);
        assert_eq!(walk(&chain), Err(ChainError::Gap { expected: 2, found: 3 }));
    }
}
