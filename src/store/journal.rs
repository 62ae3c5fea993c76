//! The journal: entries are added, never changed.

use std::path::Path;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tracing::instrument;

use super::row::{RowReader, millis};
use super::{Store, StoreError, Tx};
use crate::domain::ids::CaseId;
use crate::proof::chain::{ChainEntry, ChainError, ChainVerifier, GENESIS, Link};

/// The newest entry of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    seq: i64,
    link: Link,
}

impl Head {
    pub(super) fn read(seq: i64, link: &[u8]) -> Result<Self, StoreError> {
        let link = link.try_into().map_err(|error| StoreError::inconsistent("journal entry", seq, error))?;
        Ok(Self { seq, link })
    }

    pub(super) const fn seq(self) -> i64 {
        self.seq
    }

    pub(super) const fn link(self) -> Link {
        self.link
    }
}

impl Tx {
    /// Adds an entry. Returns its number. `detail` holds no personal data.
    pub async fn write_journal(
        &mut self,
        case_id: Option<CaseId>,
        kind: &str,
        detail: &serde_json::Value,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let head = match self.head {
            Some(head) => head,
            None => match self.statement("SELECT seq, link FROM journal ORDER BY seq DESC LIMIT 1").row().await? {
                Some(row) => Head::read(row.try_get("seq")?, row.try_get("link")?)?,
                None => Head { seq: 0, link: GENESIS },
            },
        };
        let entry = ChainEntry {
            seq: head.seq.saturating_add(1),
            at: now,
            case_id: case_id.map(|id| id.to_string()),
            kind: kind.to_owned(),
            detail: detail.to_string(),
        };
        let link = entry.link(&head.link);
        self.statement("INSERT INTO journal (seq, at, case_id, kind, detail, link) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(entry.seq)
            .bind(millis(entry.at))
            .bind(entry.case_id)
            .bind(entry.kind)
            .bind(entry.detail)
            .bind(link.as_slice())
            .later();
        self.head = Some(Head { seq: entry.seq, link });
        Ok(entry.seq)
    }
}

impl Store {
    /// When the newest entry was written.
    #[instrument(name = "store.journal.newest", skip_all, err)]
    pub async fn newest_journal_entry(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query("SELECT seq AS id, at FROM journal ORDER BY seq DESC LIMIT 1");
        let row = row.fetch_optional(&self.reader).await?;
        row.map(|row| RowReader { what: "journal entry", row: &row }.at("at")).transpose()
    }
}

/// The result of a journal verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalCheck {
    /// Every entry follows from the previous one.
    Intact {
        /// The number of entries.
        entries: i64,
        /// The newest link.
        head: Link,
    },
    /// The first entry that does not follow.
    Broken(ChainError),
}

/// Verifies the whole chain of a database file; needs no key and changes nothing.
pub async fn verify_journal(path: &Path) -> Result<JournalCheck, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let check = walk(&pool).await;
    pool.close().await;
    check
}

async fn walk(pool: &sqlx::SqlitePool) -> Result<JournalCheck, StoreError> {
    let mut rows =
        sqlx::query("SELECT seq AS id, seq, at, case_id, kind, detail, link FROM journal ORDER BY seq").fetch(pool);
    let mut walk = ChainVerifier::default();
    while let Some(row) = rows.try_next().await? {
        let reader = RowReader { what: "journal entry", row: &row };
        let entry = ChainEntry {
            seq: row.try_get("seq")?,
            at: reader.at("at")?,
            case_id: reader.text_if_any("case_id")?,
            kind: reader.text("kind")?,
            detail: reader.text("detail")?,
        };
        if let Err(broken) = walk.step(&entry, row.try_get("link")?) {
            return Ok(JournalCheck::Broken(broken));
        }
    }
    Ok(JournalCheck::Intact { entries: walk.len(), head: walk.head() })
}
