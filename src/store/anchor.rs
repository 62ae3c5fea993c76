//! The journal's head outside the database: after a replacement by an older database, or after a cut of the journal, this
//! file shows that entries are missing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::instrument;

use super::files::file_error;
use super::head::Head;
use super::integrity::{self, FenceReason, Finding};
use super::journal_tree::JournalTree;
use super::{Store, StoreError, private_file};
use crate::proof::chain::Link;
use crate::proof::evidence::document;
use crate::proof::signature::SigningKey;

/// Writes the anchor file. It keeps the tree, so that only new entries are read.
#[derive(Debug)]
pub struct Anchor {
    store: Store,
    key: Arc<SigningKey>,
    path: Option<PathBuf>,
    journal: JournalTree,
}

impl Anchor {
    /// Without a path, no file is written.
    pub fn new(store: Store, key: Arc<SigningKey>, path: Option<PathBuf>) -> Self {
        Self { store, key, path, journal: JournalTree::default() }
    }

    /// Writes the signed checkpoint and the head. Returns the head: the newest entry's number and link.
    #[instrument(name = "store.anchor.write", skip_all, err)]
    pub async fn write(&mut self) -> Result<(i64, Link), StoreError> {
        let mut connection = self.store.reader.acquire().await?;
        let head = Head::newest(&mut connection).await?;
        let Some(path) = &self.path else { return Ok((head.seq, head.link)) };
        self.journal.read_to(head.seq, &mut connection, |_| {}).await?;
        let (_, link) = self.journal.head();
        let text = document::anchor_file(&self.journal.checkpoint(), &link, &self.key);
        private_file::replace(path, &text).map_err(|source| file_error(path, source))?;
        Ok((head.seq, head.link))
    }
}

impl Store {
    /// Compares the journal with the anchor file that an earlier process wrote. A missing file proves nothing.
    #[instrument(name = "store.anchor.compare", skip_all, err)]
    pub async fn compare_with_anchor(&self, path: &Path) -> Result<Option<Finding>, StoreError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(file_error(path, source)),
        };
        let Some((seq, link)) = document::anchored_head(&text) else {
            let detail = "journal: the file of evidence.anchor is not one that offboardd wrote".to_owned();
            return Ok(Some(Finding { reason: FenceReason::Changed, detail }));
        };
        if seq == 0 {
            return Ok(None);
        }
        let mut connection = self.reader.acquire().await?;
        integrity::compare(&mut connection, seq, &link).await
    }
}
