//! The hash chain of the journal.
//!
//! Each entry is a line of text, and each link is a hash over the previous link and the line, so that a changed, removed or
//! inserted entry is detected. `sha256sum` recomputes a link:
//!
//! ```sh
//! printf '%s\n%s\n' "$previous_link" "$line" | sha256sum
//! ```

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
    /// Details as JSON on one line, without personal data.
    pub detail: String,
}

impl ChainEntry {
    /// The entry as text, without a line feed: number, time in milliseconds, case or `-`, kind and details.
    pub fn line(&self) -> String {
        let Self { seq, at, case_id, kind, detail } = self;
        let case_id = case_id.as_deref().unwrap_or("-");
        format!("{seq} {at:.3} {case_id} {kind} {detail}")
    }

    /// The link after `previous` and this entry.
    pub fn link(&self, previous: &Link) -> Link {
        let mut hash = Sha256::new();
        hash.update(hex::encode(previous));
        hash.update("\n");
        hash.update(self.line());
        hash.update("\n");
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
    /// This entry forms no legal value.
    #[error("entry {seq} cannot be read: it was changed")]
    Unreadable { seq: i64 },
    /// The chain is consistent, but this entry was not written by a holder of the key.
    #[error("entry {seq} was not written with the key of this database: the journal was rewritten")]
    Forged { seq: i64 },
    /// The chain is consistent, but this is not the entry that was recorded outside the database.
    #[error("entry {seq} is not the one that was recorded: the journal was rewritten, or the database is another one")]
    Rewritten { seq: i64 },
    /// The newest entries are missing.
    #[error(
        "the journal ends at entry {entries}, but entry {recorded} was recorded: the newest entries were cut off, or the \
         database is an older copy"
    )]
    Cut {
        /// The number of entries found.
        entries: i64,
        /// The number of the newest recorded entry.
        recorded: i64,
    },
}

impl ChainVerifier {
    /// Continues after an entry, as if the chain up to it were whole.
    pub fn after(seq: i64, link: Link) -> Self {
        Self { seq, link }
    }

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
    fn link_is_what_sha256sum_prints() {
        let entry = ChainEntry {
            seq: 1,
            at: Timestamp::from_millisecond(1_798_761_600_250).unwrap(),
            case_id: None,
            kind: "source_paused".to_owned(),
            detail: "{\"by\":\"rosa\"}".to_owned(),
        };
        assert_eq!(entry.line(), "1 2027-01-01T00:00:00.250Z - source_paused {\"by\":\"rosa\"}");
        let expected = "f34dd2b830edd8e03a1cb1de95c38fa2c1cfbffdf013b056a98f22e87a94dd07";
        assert_eq!(hex::encode(entry.link(&GENESIS)), expected);
    }

    #[test]
    fn untouched_chain_is_verified_to_its_end() {
        assert_eq!(walk(&chain()), Ok(5));
    }

    #[test]
    fn changed_entry_is_found() {
        let mut chain = chain();
        chain[2].0.detail = "{\"by\":\"eve\"}".to_owned();
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
