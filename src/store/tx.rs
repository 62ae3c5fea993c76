//! A write transaction, and the batches in which its statements are sent to SQLite.
//!
//! One round trip to the SQLite thread costs more than most statements. So a statement that only writes is not sent
//! separately. It is sent with the next statement whose result is needed, or with the commit, in its order. The `BEGIN`
//! is sent with the first statement, the `COMMIT` with the last.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Either, Encode, Executor as _, Sqlite, Type};
use tokio::runtime::Handle;

use super::StoreError;
use super::files::Acknowledged;
use super::journal::Head;
use super::writer::WriteGuard;
use crate::domain::ids::SourceName;
use crate::proof::seal::MasterKey;

/// A batch of more statements than this is not cached: the same batch rarely occurs again.
const KEPT: usize = 24;

/// The minimum number of statements in a batch, if there are more to come.
const LOAD: usize = 12;

/// A write transaction. Nothing is written until [`Tx::commit`].
#[derive(Debug)]
pub struct Tx {
    /// `None` after the end of the transaction.
    guard: Option<WriteGuard>,
    /// The batches that are sent before `batch`.
    loads: Vec<Batch>,
    batch: Batch,
    pub(super) key: Arc<MasterKey>,
    paused_sources: Arc<ArcSwap<HashSet<SourceName>>>,
    /// The sources that are paused after this transaction, if it changed that.
    pub(super) pausing: Option<HashSet<SourceName>>,
    /// The journal's newest entry, once known: no other writer adds one meanwhile.
    pub(super) head: Option<Head>,
}

impl Tx {
    pub(super) fn begin(
        guard: WriteGuard,
        key: Arc<MasterKey>,
        paused_sources: Arc<ArcSwap<HashSet<SourceName>>>,
    ) -> Self {
        let mut batch = Batch::default();
        // Acquires the write lock first, so that the transaction cannot fail halfway for lack of it.
        batch.add("BEGIN IMMEDIATE");
        Self { guard: Some(guard), loads: Vec::new(), batch, key, paused_sources, pausing: None, head: None }
    }

    /// Commits all writes together. They are durable when this returns.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if let Some(guard) = &self.guard {
            guard.check_files()?;
        }
        self.statement("COMMIT").changed().await?;
        if let Some(guard) = self.guard.take() {
            let journal = self.head.map(|head| head.recorded(&self.key));
            let acknowledged = guard.acknowledge(Acknowledged { deliveries: 0, journal });
            guard.release();
            acknowledged?;
        }
        if let Some(paused) = self.pausing.take() {
            self.paused_sources.store(Arc::new(paused));
        }
        Ok(())
    }

    /// Whether another writer waits.
    pub fn is_awaited(&self) -> bool {
        self.guard.as_ref().is_some_and(WriteGuard::is_awaited)
    }

    /// Ends a part of the writes: later statements may be sent in another batch.
    pub fn end_part(&mut self) {
        if self.batch.count >= LOAD {
            self.loads.push(std::mem::take(&mut self.batch));
        }
    }

    /// Begins a statement. It is sent when its result is requested or, after [`Statement::later`], with another one.
    pub(super) fn statement(&mut self, sql: &str) -> Statement<'_> {
        self.batch.add(sql);
        Statement { tx: self }
    }

    /// Sends all batches. Returns the rows of all statements.
    pub(super) async fn rows(&mut self) -> Result<Vec<SqliteRow>, StoreError> {
        Ok(self.send().await?.1)
    }

    async fn send(&mut self) -> Result<(u64, Vec<SqliteRow>), StoreError> {
        let guard = self.guard.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        let mut rows = Vec::new();
        for load in self.loads.drain(..) {
            load.send(guard, &mut rows).await?;
        }
        let changed = std::mem::take(&mut self.batch).send(guard, &mut rows).await?;
        Ok((changed, rows))
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // Without a runtime the process and the connection end, and SQLite discards uncommitted writes.
        if let Some(guard) = self.guard.take()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(guard.roll_back()));
        }
    }
}

/// A statement under construction.
#[must_use = "say when it is to be sent"]
pub(super) struct Statement<'t> {
    tx: &'t mut Tx,
}

impl Statement<'_> {
    #[expect(single_use_lifetimes, reason = "an `impl` in this place takes no anonymous one")]
    pub(super) fn bind<'v>(self, value: impl Encode<'v, Sqlite> + Type<Sqlite>) -> Self {
        self.tx.batch.bind(value);
        self
    }

    /// Sends it with the next one, or with the commit.
    #[expect(clippy::unused_self, reason = "nothing is left to do: it is the word for that")]
    pub(super) fn later(self) {}

    /// The number of rows that it changed.
    pub(super) async fn changed(self) -> Result<u64, StoreError> {
        Ok(self.tx.send().await?.0)
    }

    pub(super) async fn rows(self) -> Result<Vec<SqliteRow>, StoreError> {
        self.tx.rows().await
    }

    /// Its first row, if it has any.
    pub(super) async fn row(self) -> Result<Option<SqliteRow>, StoreError> {
        Ok(self.rows().await?.into_iter().next())
    }

    pub(super) async fn the_row(self) -> Result<SqliteRow, StoreError> {
        Ok(self.row().await?.ok_or(sqlx::Error::RowNotFound)?)
    }
}

/// Statements that are sent together.
#[derive(Debug, Default)]
struct Batch {
    text: String,
    arguments: SqliteArguments,
    /// The number of statements.
    count: usize,
    unbound: Option<sqlx::error::BoxDynError>,
}

impl Batch {
    /// Adds a statement. The parameters of each statement start at one. In the batch they are numbered continuously, as
    /// `$7`: SQLite skips unused numbers then, where it would count them after a `?`.
    fn add(&mut self, sql: &str) {
        let base = self.arguments.len();
        let mut next = base;
        if self.count > 0 {
            self.text.push_str(";\n");
        }
        self.count += 1;
        let mut pieces = sql.split('?');
        self.text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = piece.split_at(digits);
            let number = match number.parse::<usize>() {
                Ok(number) => base + number,
                Err(_it_has_none) => {
                    next += 1;
                    next
                }
            };
            self.text.push('$');
            self.text.push_str(&number.to_string());
            self.text.push_str(rest);
        }
    }

    /// Sends the batch, and adds its rows to `rows`. Returns the number of rows that the last statement changed.
    async fn send(self, guard: &mut WriteGuard, rows: &mut Vec<SqliteRow>) -> Result<u64, StoreError> {
        if self.count == 0 {
            return Ok(0);
        }
        if let Some(error) = self.unbound {
            return Err(sqlx::Error::Encode(error).into());
        }
        let query = sqlx::query_with(AssertSqlSafe(self.text), self.arguments).persistent(self.count <= KEPT);
        let mut answers = guard.fetch_many(query);
        let mut changed = 0;
        while let Some(answer) = answers.try_next().await? {
            match answer {
                Either::Left(done) => changed = done.rows_affected(),
                Either::Right(row) => rows.push(row),
            }
        }
        Ok(changed)
    }

    #[expect(single_use_lifetimes, reason = "an `impl` in this place takes no anonymous one")]
    fn bind<'v>(&mut self, value: impl Encode<'v, Sqlite> + Type<Sqlite>) {
        if let Err(error) = self.arguments.add(value) {
            self.unbound.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_one_batch_number_their_parameters_continuously() {
        let mut batch = Batch::default();
        batch.add("UPDATE a SET x = ?, y = ? WHERE id = ?");
        for value in [1, 2, 3] {
            batch.bind(value);
        }
        batch.add("SELECT ?2, ?1 FROM b WHERE c = ?1");
        batch.bind(4);
        batch.bind(5);
        batch.add("SELECT ?");
        let expected = "UPDATE a SET x = $1, y = $2 WHERE id = $3;\nSELECT $5, $4 FROM b WHERE c = $4;\nSELECT $6";
        assert_eq!(batch.text, expected);
    }
}
