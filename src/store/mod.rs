//! The database: the only place that contains SQL.
//!
//! SQLite: one writer connection and a few read-only ones over one file in WAL mode with `synchronous = FULL`: what is committed
//! is on the disk. PostgreSQL: see [`sql`], and [`terms`] for several daemons over one database. Reads that decide nothing are on [`Store`]; everything that writes, and every read that a write depends
//! on, is on [`Tx`]. Dropping a [`Tx`] rolls its writes back.
//!
//! Not here: the rules for changes of a case (see `domain`), and any notification about them.

mod anchor;
mod attempts;
mod balance;
mod bodies;
mod brake;
mod cases;
mod claims;
mod commit;
mod counts;
mod deadlines;
mod deliveries;
mod dialect;
mod dispatch;
mod doctor;
mod duties;
mod error;
mod events;
mod evidence;
mod evidence_key;
mod expiry;
mod facts;
mod fence;
mod file_id;
mod files;
mod gate;
mod guarded;
mod head;
mod history;
mod holds;
mod ignored;
mod imports;
mod integrity;
mod jobs;
mod journal;
mod journal_tree;
mod key_file;
mod leases;
mod listings;
mod lookups;
mod notices;
mod offered_secrets;
mod open;
mod overview;
mod paths;
mod pauses;
mod people;
mod period_keys;
mod private_file;
mod rejections;
mod replicas;
mod reseal;
mod restore;
mod retention;
mod rotation;
mod routed;
mod row;
mod schema;
mod sealed_columns;
mod sessions;
mod share;
mod sql;
mod stamp;
mod sums;
mod terms;
mod transfer;
mod turn;
mod tx;
mod unrouted;
mod verification;
mod wal;
mod watched;
mod writer;

pub use self::anchor::Anchor;
pub use self::attempts::{AttemptReport, Settlement};
pub use self::bodies::{Origin, PersonKeys};
pub use self::brake::{Actor, BrakeStatus, NotReleased, SourceEffect, digest_of};
pub use self::cases::{BulkFilter, CaseFilter, CaseRecord, CaseSort, KnownAccount, NewCase, Note, Transitioned};
pub use self::claims::{ClaimRequest, ClaimedJob, RecoveredJob};
pub use self::counts::{AttentionCount, Overview};
pub use self::deadlines::OpenErasure;
pub use self::deliveries::{
    DeliveryFilter, DeliveryRow, DeliveryStatus, Inserted, NewDelivery, StoredBody, UnroutedDelivery,
};
pub use self::dispatch::{Dispatch, Intent};
pub use self::doctor::{KeysInBackup, is_database, read_values};
pub use self::error::{StoreError, TransitionError};
pub use self::events::{EventOutcome, EventRow, EventStatus, NewEvent, StoredWaiting, WaitingEvent};
pub use self::evidence_key::read_or_make_evidence_key;
pub use self::expiry::{ExpiredRow, KeepFor};
pub use self::fence::Fence;
pub use self::history::HistoryEntry;
pub use self::ignored::{COUNTED_FOR, IgnoredWord, OTHER_WORDS};
pub use self::imports::{ImportRow, ImportState, ImportedCase, NewImport};
pub use self::integrity::{FenceReason, Finding};
pub use self::jobs::{JobFilter, JobRow, JobState};
pub use self::journal::{ExpectedEntry, JournalCheck, verify_journal, verify_journal_with};
pub use self::leases::Lease;
pub use self::listings::{CompanyEvent, ListedPage, Listing, ListingScope};
pub use self::lookups::{PendingLookup, WaitingLookups};
pub use self::notices::{NoticeEntry, PendingMessage};
pub use self::offered_secrets::OfferedSecret;
pub use self::open::{Database, KeyLocation};
pub use self::overview::{Badges, DeliveriesOfHour, JournalFilter, JournalRow, Planned};
pub use self::pauses::{PausedKind, SiteStatus, SourceStatus};
pub use self::people::{Owner, ReportedAddress};
pub use self::rejections::RejectedCall;
pub use self::replicas::{Replica, ReplicaListener, TermKeeper};
pub use self::reseal::Resealing;
pub use self::restore::Restored;
pub use self::retention::{Gauges, RetentionReport};
pub use self::routed::SettledEvents;
pub use self::schema::{MIGRATOR, POSTGRES_MIGRATOR};
pub use self::sessions::Session;
pub use self::sql::{Connection, ServerUrl};
pub use self::terms::Duty;
pub use self::transfer::{MoveProgress, Moved};
pub use self::tx::Tx;
pub use self::wal::{WalCheckpointer, WalStatus};
pub use self::watched::WatchLimits;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use self::terms::Terms;
use self::writer::Writer;
use crate::domain::ids::SourceName;
use crate::proof::seal::MasterKey;

#[derive(Debug, Clone)]
pub struct Store {
    reader: sql::Pool,
    writer: Writer,
    path: Arc<Path>,
    key: Arc<MasterKey>,
    paused_sources: Arc<ArcSwap<HashSet<SourceName>>>,
    /// Set when personal data was shredded: the write-ahead log still holds it.
    shredded: Arc<AtomicBool>,
    /// Notified after each commit.
    committed: Arc<Notify>,
    terms: Terms,
    /// The duty for which this handle is used.
    duty: Option<Arc<Duty>>,
}

#[derive(Debug, Clone)]
pub struct Page<T> {
    /// At most the requested number of items.
    pub items: Vec<T>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl Store {
    /// Begins a unit of work, after earlier ones have ended. [`StoreError::TermOver`] if another replica has the duty of this
    /// handle.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        match self.duty.as_deref() {
            Some(duty) => self.begin_on(std::slice::from_ref(duty)).await,
            None => self.begin_unit().await,
        }
    }

    async fn begin_unit(&self) -> Result<Tx, StoreError> {
        Ok(Tx::new(self.writer.begin().await?, Arc::clone(&self.key), Arc::clone(&self.shredded)))
    }

    /// Whether a source is paused, from memory: the intake checks this for every request.
    pub fn is_source_paused(&self, source: &SourceName) -> bool {
        self.paused_sources.load().contains(source)
    }

    fn period_file(&self) -> std::path::PathBuf {
        paths::with_suffix(&self.path, ".keys")
    }

    /// The master key, for callers that hash an email address to look it up.
    pub fn key(&self) -> &Arc<MasterKey> {
        &self.key
    }

    /// Fails if the database, its log or its key was replaced or removed under the daemon.
    pub fn check_files(&self) -> Result<(), StoreError> {
        self.writer.check_files()
    }

    /// Waits until the database is no longer in use, and closes it.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl<T> Page<T> {
    /// Builds a page of up to `limit` rows from a query for one more row.
    fn of(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn next_page_is_returned_only_if_there_is_one() {
        let page = |rows: usize| Page::of((0..rows).collect(), 2, usize::to_string);
        let items_and_next = |rows| (page(rows).items, page(rows).next);
        assert_eq!(items_and_next(1), (vec![0], None));
        assert_eq!(items_and_next(2), (vec![0, 1], None));
        assert_eq!(items_and_next(3), (vec![0, 1], Some("1".to_owned())));
    }
}
