//! Writes that must change exactly one row.

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::StoreError;

pub(super) trait ExecOne: Sized {
    /// Executes the write. Fails unless it changed exactly one row; `what` and `id` name that row.
    async fn exec_one(
        self,
        connection: &mut SqliteConnection,
        what: &'static str,
        id: impl ToString + Send,
    ) -> Result<(), StoreError>;

    /// Executes a write of a worker, whose statement names the token of its lease. [`StoreError::LeaseLost`] unless it
    /// changed exactly one row.
    async fn exec_leased(self, connection: &mut SqliteConnection) -> Result<(), StoreError>;
}

impl ExecOne for Query<'_, Sqlite, SqliteArguments> {
    async fn exec_one(
        self,
        connection: &mut SqliteConnection,
        what: &'static str,
        id: impl ToString + Send,
    ) -> Result<(), StoreError> {
        let changed = self.execute(connection).await?.rows_affected();
        if changed == 1 {
            return Ok(());
        }
        Err(StoreError::inconsistent(what, id, format!("a write changed {changed} rows instead of one")))
    }

    async fn exec_leased(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let changed = self.execute(connection).await?.rows_affected();
        if changed == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
    }
}
