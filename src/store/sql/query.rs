//! A statement and its parameters.

use sqlx::postgres::{PgArguments, PgQueryResult, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteQueryResult};

use tokio::time::timeout;

use super::connection::{ANSWER, Connection, Engine, On, Pool, answered};
use super::row::Row;
use super::value::{Bind, Value};
use crate::store::error::StoreError;

/// A statement to run.
#[derive(Debug)]
#[must_use]
pub(in crate::store) struct Query {
    text: &'static str,
    values: Vec<Value>,
}

/// The effect of a write.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Done {
    rows_affected: u64,
    last_rowid: i64,
}

pub(in crate::store) const fn query(text: &'static str) -> Query {
    Query { text, values: Vec::new() }
}

impl Query {
    /// Binds the next parameter.
    pub(in crate::store) fn bind(mut self, value: impl Bind) -> Self {
        self.values.push(value.value());
        self
    }

    // What a server needs is boxed, so that the futures of all callers stay small.
    pub(in crate::store) async fn execute(self, on: impl Into<On<'_>>) -> Result<Done, sqlx::Error> {
        match on.into() {
            On::Connection(Connection(Engine::Sqlite(connection))) => {
                self.for_sqlite().execute(connection.get()).await.map(Done::from)
            }
            On::Connection(Connection(Engine::Postgres(remote))) => {
                remote.require_answers()?;
                let statement = Box::pin(timeout(ANSWER, self.for_postgres().execute(remote.get())));
                let answer = statement.await;
                remote.answered(answer).map(Done::from)
            }
            On::Pool(Pool::Sqlite(pool)) => self.for_sqlite().execute(pool).await.map(Done::from),
            On::Pool(Pool::Postgres(pool)) => {
                let mut connection = Box::pin(pool.acquire()).await?;
                let answer = Box::pin(timeout(ANSWER, self.for_postgres().execute(&mut *connection))).await;
                answered(answer, connection).map(Done::from)
            }
        }
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<Row>, sqlx::Error> {
        let sqlite = |rows: Vec<_>| rows.into_iter().map(Row::Sqlite).collect();
        let postgres = |rows: Vec<_>| rows.into_iter().map(Row::Postgres).collect();
        match on.into() {
            On::Connection(Connection(Engine::Sqlite(connection))) => {
                self.for_sqlite().fetch_all(connection.get()).await.map(sqlite)
            }
            On::Connection(Connection(Engine::Postgres(remote))) => {
                remote.require_answers()?;
                let statement = Box::pin(timeout(ANSWER, self.for_postgres().fetch_all(remote.get())));
                let answer = statement.await;
                remote.answered(answer).map(postgres)
            }
            On::Pool(Pool::Sqlite(pool)) => self.for_sqlite().fetch_all(pool).await.map(sqlite),
            On::Pool(Pool::Postgres(pool)) => {
                let mut connection = Box::pin(pool.acquire()).await?;
                let answer = Box::pin(timeout(ANSWER, self.for_postgres().fetch_all(&mut *connection))).await;
                answered(answer, connection).map(postgres)
            }
        }
    }

    pub(in crate::store) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<Row>, sqlx::Error> {
        match on.into() {
            On::Connection(Connection(Engine::Sqlite(connection))) => {
                Ok(self.for_sqlite().fetch_optional(connection.get()).await?.map(Row::Sqlite))
            }
            On::Connection(Connection(Engine::Postgres(remote))) => {
                remote.require_answers()?;
                let statement = Box::pin(timeout(ANSWER, self.for_postgres().fetch_optional(remote.get())));
                let answer = statement.await;
                Ok(remote.answered(answer)?.map(Row::Postgres))
            }
            On::Pool(Pool::Sqlite(pool)) => Ok(self.for_sqlite().fetch_optional(pool).await?.map(Row::Sqlite)),
            On::Pool(Pool::Postgres(pool)) => {
                let mut connection = Box::pin(pool.acquire()).await?;
                let answer = Box::pin(timeout(ANSWER, self.for_postgres().fetch_optional(&mut *connection))).await;
                Ok(answered(answer, connection)?.map(Row::Postgres))
            }
        }
    }

    pub(in crate::store) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<Row, sqlx::Error> {
        self.fetch_optional(on).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// Executes a write. Fails unless it changed exactly one row; `what` and `id` name that row.
    pub(in crate::store) async fn exec_one(
        self,
        connection: &mut Connection,
        what: &'static str,
        id: impl ToString + Send,
    ) -> Result<(), StoreError> {
        let changed = self.execute(connection).await?.rows_affected();
        if changed == 1 {
            return Ok(());
        }
        Err(StoreError::inconsistent(what, id, format!("a write changed {changed} rows instead of one")))
    }

    /// Executes a write of a worker, whose statement names the token of its lease. [`StoreError::LeaseLost`] unless it
    /// changed exactly one row.
    pub(in crate::store) async fn exec_leased(self, connection: &mut Connection) -> Result<(), StoreError> {
        let changed = self.execute(connection).await?.rows_affected();
        if changed == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
    }

    fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        let query = sqlx::query(self.text);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Integer(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        })
    }

    fn for_postgres(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
        let query = sqlx::query(self.text);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Integer(value) => query.bind(value),
            Value::Text(value) => query.bind(value.map(without_nul)),
            Value::Bytes(value) => query.bind(value),
        })
    }
}

/// PostgreSQL rejects texts with the character U+0000, which a vendor may send.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

impl From<SqliteQueryResult> for Done {
    fn from(done: SqliteQueryResult) -> Self {
        Self { rows_affected: done.rows_affected(), last_rowid: done.last_insert_rowid() }
    }
}

impl From<PgQueryResult> for Done {
    fn from(done: PgQueryResult) -> Self {
        Self { rows_affected: done.rows_affected(), last_rowid: 0 }
    }
}

impl Done {
    pub(in crate::store) const fn rows_affected(self) -> u64 {
        self.rows_affected
    }

    /// The row number of the last inserted row, as far as the engine reports it: SQLite.
    pub(in crate::store) const fn last_rowid(self) -> i64 {
        self.last_rowid
    }
}
