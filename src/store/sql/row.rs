//! The columns of rows.

use sqlx::Row as _;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Type};

/// A row of a result.
pub(in crate::store) enum Row {
    Sqlite(SqliteRow),
}

/// A type of Rust as which a column can be read.
pub(in crate::store) trait Column<'r>: Decode<'r, Sqlite> + Type<Sqlite> {}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite>> Column<'r> for T {}

impl Row {
    pub(in crate::store) fn try_get<'r, T: Column<'r>>(&'r self, column: &str) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
        }
    }
}
