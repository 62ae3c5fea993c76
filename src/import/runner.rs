//! Opens the cases of stored imports, some in each transaction.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::request::{NewRequest, open_request};
use crate::clock::Clock;
use crate::domain::case::Cause;
use crate::store::{ImportRow, ImportedCase, NewCase, Note, Store, StoreError, Tx};

/// The period of the fallback in case a notification is missed.
const PERIOD: Duration = Duration::from_secs(1);

/// The number of cases that one transaction opens: it limits how long other transactions wait.
const BATCH: u32 = 25;

/// Opens the cases of imports.
#[derive(Debug, Clone)]
pub(crate) struct Importer {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    /// Notified when an import was stored.
    pub(crate) awakened: Arc<Notify>,
    /// Notifies the worker of new jobs.
    pub(crate) worker: Arc<Notify>,
}

impl Importer {
    /// Works until `stopping`. A stop between two batches loses nothing: the next start continues.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        loop {
            let awakened = self.awakened.notified();
            if let Err(error) = self.open_all(&stopping).await {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "import: cases cannot be opened, retry in a moment");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = awakened => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn open_all(&self, stopping: &CancellationToken) -> Result<(), StoreError> {
        for import in self.store.running_imports().await? {
            while !stopping.is_cancelled() {
                if self.open_batch(&import).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Opens some cases. Returns whether the import is done.
    async fn open_batch(&self, import: &ImportRow) -> Result<bool, StoreError> {
        let (id, now) = (&import.id, self.clock.now());
        let mut tx = self.store.begin().await?;
        let rows = tx.take_import_rows(id, BATCH).await?;
        let is_done = rows.is_empty();
        let (mut opened, mut skipped) = (0, 0);
        let mut following =
            tx.count_import_rows(id).await?.saturating_add(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        for (_, row) in rows {
            following = following.saturating_sub(1);
            if self.open(&mut tx, import, row, following).await? { opened += 1 } else { skipped += 1 }
        }
        tx.count_import(id, opened, skipped, is_done, now).await?;
        if is_done {
            tx.write_journal(None, "import_done", &json!({ "import": id }), now).await?;
        }
        tx.commit().await?;
        self.worker.notify_one();
        if is_done {
            tracing::info!("import {id}: done");
        }
        Ok(is_done)
    }

    /// Opens one case, unless the person has an open one meanwhile.
    async fn open(
        &self,
        tx: &mut Tx,
        import: &ImportRow,
        row: ImportedCase,
        following: u32,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let (email_hash, _) = tx.hashes(&import.site, None, &row.person);
        if tx.open_case_of(&import.site, email_hash, None).await?.is_some() {
            return Ok(false);
        }
        let case = NewCase {
            site: import.site.clone(),
            source: None,
            person: row.person,
            terms: row.terms,
            cause: Cause::Operator,
            effective_at: row.effective_at.unwrap_or(now),
            deadline: None,
        };
        let note = Note {
            by: Some(import.operator.clone()),
            remark: import.reason.clone(),
            detail: json!({ "import": import.id }),
        };
        let request = NewRequest { operator: &import.operator, case, brake: import.brake, note, following };
        let record = open_request(tx, request, now).await?;
        let id = record.case.id;
        tracing::info!(case.id = %id, case.state = %record.case.state.name(), "case {id}: opened by import {}", import.id);
        Ok(true)
    }
}
