//! A statement of PostgreSQL that takes the columns of many rows: each parameter is an array, read with `UNNEST`.

use sqlx::postgres::{PgArguments, PgHasArrayType, Postgres};
use sqlx::{Encode, Type};
use tokio::time::timeout;

use super::connection::{ANSWER, Connection, Engine};
use super::query::Done;

#[must_use]
pub(in crate::store) struct ColumnsQuery(sqlx::query::Query<'static, Postgres, PgArguments>);

pub(in crate::store) fn columns_query(text: &'static str) -> ColumnsQuery {
    ColumnsQuery(sqlx::query(text))
}

impl ColumnsQuery {
    /// Binds the next column.
    pub(in crate::store) fn bind<T>(self, column: impl Iterator<Item = T>) -> Self
    where
        T: PgHasArrayType + Type<Postgres> + for<'q> Encode<'q, Postgres> + Send + 'static,
    {
        Self(self.0.bind(column.collect::<Vec<_>>()))
    }

    /// Fails over SQLite, which has no arrays.
    pub(in crate::store) async fn execute(self, connection: &mut Connection) -> Result<Done, sqlx::Error> {
        let Engine::Postgres(remote) = &mut connection.0 else {
            return Err(sqlx::Error::InvalidArgument("SQLite has no arrays".to_owned()));
        };
        remote.require_answers()?;
        // Boxed, so that the futures of all callers stay small.
        let answer = Box::pin(timeout(ANSWER, self.0.execute(remote.get()))).await;
        remote.answered(answer).map(Done::from)
    }
}
