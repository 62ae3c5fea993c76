//! The journal's head outside the database: after a replacement by an older database, or after a cut of the journal, this
//! file shows that entries are missing.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::Row as _;
use tracing::instrument;

use super::evidence::JournalTree;
use super::files::{file_error, nofollow, private, sync_folder, with_suffix};
use super::integrity::{self, FenceReason, Finding};
use super::{Store, StoreError};
use crate::proof::chain::{GENESIS, Link};
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
        let row = sqlx::query("SELECT seq, link FROM journal ORDER BY seq DESC LIMIT 1");
        let mut connection = self.store.reader.acquire().await?;
        let row = row.fetch_optional(&mut *connection).await?;
        let head = match row {
            Some(row) => {
                let (seq, link): (i64, Vec<u8>) = (row.try_get("seq")?, row.try_get("link")?);
                let link: Result<Link, _> = link.try_into();
                (seq, link.map_err(|_length| StoreError::inconsistent("journal entry", seq, "its link is too short"))?)
            }
            None => (0, GENESIS),
        };
        let Some(path) = &self.path else { return Ok(head) };
        self.journal.read_to(head.0, &mut connection, |_| {}).await?;
        let (_, link) = self.journal.head();
        let text = document::anchor_file(&self.journal.checkpoint(), &link, &self.key);
        replace(path, text.as_bytes()).map_err(|source| file_error(path, source))?;
        Ok(head)
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

/// Written under another name and renamed: a reader never sees a partial file. No prepared link is followed.
fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let draft = with_suffix(path, ".new");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true).custom_flags(nofollow()), &draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    sync_folder(path)
}
