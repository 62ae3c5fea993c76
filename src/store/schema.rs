//! The steps of the schema, compiled into the program.

use sqlx::migrate::Migrator;

pub static MIGRATOR: Migrator = sqlx::migrate!();
