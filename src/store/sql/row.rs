//! The columns of rows.

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgRow, PgValueRef, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row as _, Type, ValueRef as _};

/// A row of a result.
pub(in crate::store) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A type of Rust as which a column can be read.
pub(in crate::store) trait Column<'r>: Decode<'r, Sqlite> + Type<Sqlite> {
    fn from_postgres(value: PgValueRef<'r>) -> Result<Self, BoxDynError>;
}

impl Row {
    pub(in crate::store) fn try_get<'r, T: Column<'r>>(&'r self, column: &str) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => {
                let broken = |source| sqlx::Error::ColumnDecode { index: column.to_owned(), source };
                T::from_postgres(row.try_get_raw(column)?).map_err(broken)
            }
        }
    }
}

macro_rules! columns {
    ($($type:ty,)+) => {
        $(impl<'r> Column<'r> for $type {
            fn from_postgres(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                <$type as Decode<'r, Postgres>>::decode(value)
            }
        })+
    };
}

// An integer of PostgreSQL is read in any width.
columns! { String, &'r [u8], Vec<u8>, i32, i64, }

impl<'r> Column<'r> for &'r str {
    fn from_postgres(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        <Self as Decode<'r, Postgres>>::decode(value)
    }
}

impl<'r> Column<'r> for u32 {
    fn from_postgres(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self::try_from(i64::from_postgres(value)?)?)
    }
}

/// A column of a table holds 0 or 1, as in SQLite; a condition is a boolean.
impl<'r> Column<'r> for bool {
    fn from_postgres(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if *value.type_info() == <Self as Type<Postgres>>::type_info() {
            return <Self as Decode<'r, Postgres>>::decode(value);
        }
        Ok(i64::from_postgres(value)? != 0)
    }
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn from_postgres(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.is_null() { Ok(None) } else { T::from_postgres(value).map(Some) }
    }
}
