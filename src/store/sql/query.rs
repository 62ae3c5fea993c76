//! A statement and its parameters.

use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::connection::{Connection, Engine, On, Pool};
use super::value::{Bind, Value};
use super::{Row, StoreError};

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

    pub(in crate::store) async fn execute(self, on: impl Into<On<'_>>) -> Result<Done, sqlx::Error> {
        let done = match on.into() {
            On::Connection(Connection(Engine::Sqlite(connection))) => {
                self.for_sqlite().execute(connection.get()).await?
            }
            On::Pool(Pool::Sqlite(pool)) => self.for_sqlite().execute(pool).await?,
        };
        Ok(Done { rows_affected: done.rows_affected(), last_rowid: done.last_insert_rowid() })
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<Row>, sqlx::Error> {
        let rows = match on.into() {
            On::Connection(Connection(Engine::Sqlite(connection))) => {
                self.for_sqlite().fetch_all(connection.get()).await?
            }
            On::Pool(Pool::Sqlite(pool)) => self.for_sqlite().fetch_all(pool).await?,
        };
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }

    pub(in crate::store) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<Row>, sqlx::Error> {
        let row = match on.into() {
            On::Connection(Connection(Engine::Sqlite(connection))) => {
                self.for_sqlite().fetch_optional(connection.get()).await?
            }
            On::Pool(Pool::Sqlite(pool)) => self.for_sqlite().fetch_optional(pool).await?,
        };
        Ok(row.map(Row::Sqlite))
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
}

impl Done {
    pub(in crate::store) const fn rows_affected(self) -> u64 {
        self.rows_affected
    }

    /// The row number of the last inserted row.
    pub(in crate::store) const fn last_rowid(self) -> i64 {
        self.last_rowid
    }
}
