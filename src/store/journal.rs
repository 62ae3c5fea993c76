//! The journal: entries are added, never changed.

use std::path::Path;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tracing::instrument;

use super::files::{self, recorded_head};
use super::head::Head;
use super::row::{RowReader, millis};
use super::sql::{Pool, Row, query};
use super::{Database, Store, StoreError, Tx, stamp};
use crate::domain::ids::CaseId;
use crate::proof::chain::{ChainEntry, ChainError, ChainVerifier, GENESIS, Link};
use crate::proof::seal::MasterKey;

/// The number of entries that are verified in one read.
const PART: i64 = 5_000;

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
            None => Head::newest(self).await?,
        };
        let entry = ChainEntry {
            seq: head.seq.saturating_add(1),
            at: now,
            case_id: case_id.map(|id| id.to_string()),
            kind: kind.to_owned(),
            detail: detail.to_string(),
        };
        let link = entry.link(&head.link);
        query("INSERT INTO journal (seq, at, case_id, kind, detail, link, code) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(entry.seq)
            .bind(millis(entry.at))
            .bind(entry.case_id)
            .bind(entry.kind)
            .bind(entry.detail)
            .bind(link.as_slice())
            .bind(self.key.authenticate_entry(&link).0.as_slice())
            .execute(&mut **self)
            .await?;
        self.head = Some(Head { seq: entry.seq, link });
        self.journaled_at = Some(now);
        Ok(entry.seq)
    }
}

impl Store {
    /// When the newest entry was written.
    #[instrument(name = "store.journal.newest", skip_all, err)]
    pub async fn newest_journal_entry(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = query("SELECT seq AS id, at FROM journal ORDER BY seq DESC LIMIT 1");
        let row = row.fetch_optional(&self.reader).await?;
        row.map(|row| RowReader { what: "journal entry", row: &row }.at("at")).transpose()
    }
}

/// What is known about the journal from outside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedEntry {
    pub seq: i64,
    pub link: Link,
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

/// [`verify_journal_with`] without further expectations.
pub async fn verify_journal(path: &Path) -> Result<JournalCheck, StoreError> {
    verify_journal_with(path, &[], |_entries| ()).await
}

/// Verifies the whole chain of a database file. Needs no key and changes nothing.
///
/// The file must also contain the expected entries, and the head that the daemon recorded beside it. `progress` gets the
/// number of verified entries.
pub async fn verify_journal_with(
    path: &Path,
    expected: &[ExpectedEntry],
    progress: impl Fn(i64),
) -> Result<JournalCheck, StoreError> {
    // Read before the database: a running daemon adds entries meanwhile.
    let recorded = recorded_head(path).map(|head| ExpectedEntry { seq: head.seq, link: head.link });
    let expected: Vec<_> = expected.iter().copied().chain(recorded).collect();
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let pool = Pool::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?);
    let check = match require_readable(&pool, path).await {
        Ok(()) => walk(&pool, &expected, progress).await,
        Err(error) => Err(error),
    };
    pool.close().await;
    check
}

/// Fails if a newer version wrote the file, or if it has no schema yet. The journal of an older version is verified.
async fn require_readable(pool: &Pool, path: &Path) -> Result<(), StoreError> {
    let version = stamp::schema_version(&mut pool.acquire().await?, path).await?;
    let why = "it has no schema of this version: `offboardd migrate` makes it";
    version.map(|_older_or_same| ()).ok_or_else(|| files::unusable(path, why))
}

impl Database {
    /// [`verify_journal_with`] for this database, on a server, too.
    pub async fn verify_journal_with(
        &self,
        expected: &[ExpectedEntry],
        progress: impl Fn(i64),
    ) -> Result<JournalCheck, StoreError> {
        let Some(server) = &self.server else { return verify_journal_with(&self.path, expected, progress).await };
        server.require_schema().await?;
        let pool = Pool::Postgres(server.readers().await?);
        let check = walk(&pool, expected, progress).await;
        pool.close().await;
        check
    }
}

/// Verifies the chain up to the first break.
async fn walk(pool: &Pool, expected: &[ExpectedEntry], progress: impl Fn(i64)) -> Result<JournalCheck, StoreError> {
    let mut verifier = ChainVerifier::default();
    loop {
        let entries = part_after(pool, verifier.len()).await?;
        if entries.is_empty() {
            break;
        }
        for StoredEntry { seq, entry, link, .. } in entries {
            if let Err(broken) = entry.and_then(|entry| verifier.step(&entry, &link)) {
                return Ok(JournalCheck::Broken(broken));
            }
            let unexpected = |known: &&ExpectedEntry| known.seq == seq && known.link != verifier.head();
            if let Some(known) = expected.iter().find(unexpected) {
                return Ok(JournalCheck::Broken(ChainError::Rewritten { seq: known.seq }));
            }
        }
        progress(verifier.len());
    }
    if let Some(known) = expected.iter().filter(|known| known.seq > verifier.len()).max_by_key(|known| known.seq) {
        return Ok(JournalCheck::Broken(ChainError::Cut { entries: verifier.len(), recorded: known.seq }));
    }
    Ok(JournalCheck::Intact { entries: verifier.len(), head: verifier.head() })
}

/// All breaks of the chain, and all entries that were not written with the key: the walk continues after each with what is
/// stored.
pub(super) async fn breaks(pool: &Pool, key: &MasterKey) -> Result<Vec<ChainError>, StoreError> {
    let (mut verifier, mut breaks) = (ChainVerifier::default(), Vec::new());
    loop {
        let entries = part_after(pool, verifier.len()).await?;
        if entries.is_empty() {
            return Ok(breaks);
        }
        for StoredEntry { seq, entry, link, code } in entries {
            let step = entry.and_then(|entry| verifier.step(&entry, &link));
            let link = link.try_into().unwrap_or(GENESIS);
            if let Err(broken) = step {
                breaks.push(broken);
                verifier = ChainVerifier::after(seq, link);
            } else if key.authenticate_entry(&link).0 != code.as_slice() {
                breaks.push(ChainError::Forged { seq });
            }
        }
    }
}

/// An entry as it is stored.
struct StoredEntry {
    seq: i64,
    entry: Result<ChainEntry, ChainError>,
    link: Vec<u8>,
    code: Vec<u8>,
}

/// The next entries: a part of them, so that no read holds the write-ahead log for long.
async fn part_after(pool: &Pool, seq: i64) -> Result<Vec<StoredEntry>, StoreError> {
    let rows = query(
        "SELECT seq AS id, seq, at, case_id, kind, detail, link, code
         FROM journal
         WHERE seq > $1
         ORDER BY seq
         LIMIT $2",
    )
    .bind(seq)
    .bind(PART)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let (seq, link, code) = (row.try_get("seq")?, row.try_get("link")?, row.try_get("code")?);
            Ok(StoredEntry {
                seq,
                entry: read_entry(row).map_err(|_damaged| ChainError::Unreadable { seq }),
                link,
                code,
            })
        })
        .collect()
}

/// Reads a row with the columns of `journal`, and its number as `id`.
pub(super) fn read_entry(row: &Row) -> Result<ChainEntry, StoreError> {
    let reader = RowReader { what: "journal entry", row };
    Ok(ChainEntry {
        seq: row.try_get("seq")?,
        at: reader.at("at")?,
        case_id: reader.text_if_any("case_id")?,
        kind: reader.text("kind")?,
        detail: reader.text("detail")?,
    })
}
