//! The steps of the schema, compiled into the program: the same numbers for both engines.

use sqlx::migrate::Migrator;

/// The steps for SQLite.
pub static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// The steps for PostgreSQL.
pub static POSTGRES_MIGRATOR: Migrator = sqlx::migrate!("migrations/postgres");

/// The newest schema version that this program supports.
pub(super) fn newest_version() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default()
}
