//! The Merkle tree over the journal, read page by page.

use super::StoreError;
use super::journal::read_entry;
use super::sql::{Connection, query};
use crate::proof::chain::{ChainEntry, ChainVerifier, Link};
use crate::proof::evidence::document::{self, Checkpoint};
use crate::proof::tree::{Hash, Tree};

/// The number of journal entries in memory while the tree is built.
const PAGE: i64 = 2000;

/// The tree of the journal, built entry by entry. The chain is verified on the way: a broken journal proves nothing.
#[derive(Debug, Default)]
pub(super) struct JournalTree {
    pub(super) tree: Tree,
    pub(super) chain: ChainVerifier,
    first_link: Option<Link>,
}

impl JournalTree {
    pub(super) fn proving(entries: &[ChainEntry]) -> Self {
        Self { tree: Tree::proving(entries.iter().map(|entry| index_of(entry.seq)).collect()), ..Self::default() }
    }

    /// The checkpoint of the entries so far.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        self.checkpoint_of(self.tree.root())
    }

    pub(super) fn checkpoint_of(&self, root: Hash) -> Checkpoint {
        Checkpoint { origin: document::origin(self.first_link.as_ref()), size: self.tree.size(), root }
    }

    pub(super) fn head(&self) -> (i64, Link) {
        (self.chain.len(), self.chain.head())
    }

    /// Reads the entries from the last one read to `head`. `visit` receives each.
    pub(super) async fn read_to(
        &mut self,
        head: i64,
        connection: &mut Connection,
        mut visit: impl FnMut(&ChainEntry),
    ) -> Result<(), StoreError> {
        while self.chain.len() < head {
            let rows = query(
                "SELECT seq AS id, seq, at, case_id, kind, detail, link
                 FROM journal
                 WHERE seq > $1 AND seq <= $2
                 ORDER BY seq
                 LIMIT $3",
            )
            .bind(self.chain.len())
            .bind(head)
            .bind(PAGE)
            .fetch_all(&mut *connection)
            .await?;
            if rows.is_empty() {
                return Err(StoreError::inconsistent("journal", head, "its newest entries are missing"));
            }
            for row in &rows {
                let entry = read_entry(row)?;
                let link: &[u8] = row.try_get("link")?;
                let verified = self.chain.step(&entry, link);
                verified.map_err(|broken| StoreError::inconsistent("journal entry", entry.seq, broken))?;
                self.first_link.get_or_insert_with(|| self.chain.head());
                self.tree.push(entry.line().as_bytes());
                visit(&entry);
            }
        }
        Ok(())
    }
}

/// The index of an entry in the tree.
pub(super) fn index_of(seq: i64) -> u64 {
    u64::try_from(seq.saturating_sub(1)).unwrap_or_default()
}
