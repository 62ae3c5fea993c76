//! What `offboardd doctor` reads: the values of a database, the keys in a backup, and whether the database is older than its
//! anchors.

use std::collections::HashSet;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _};
use tracing::instrument;

use super::files::recorded_head;
use super::integrity::{self, FenceReason, Finding};
use super::open::load_keys_of_copy;
use super::paths::with_suffix;
use super::sql::{Connection, query};
use super::{Database, StoreError, period_keys};
use crate::proof::evidence::document;

/// The keys of cases in a backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeysInBackup {
    /// Those of cases that are closed now, or not there any more.
    pub of_closed_cases: usize,
    /// How many of them can still be opened.
    pub openable: usize,
}

impl Database {
    /// Whether the database lacks entries that were recorded outside of it.
    #[instrument(name = "store.doctor.compare", skip_all, err)]
    pub async fn compare_with_anchors(&self, anchor: Option<&Path>) -> Result<Vec<Finding>, StoreError> {
        // Read before the database: a running daemon adds entries meanwhile.
        let recorded = recorded_head(&self.path);
        let anchored = anchor.and_then(|path| std::fs::read_to_string(path).ok());
        let mut connection = open(&self.path, false).await?;
        let mut findings = Vec::new();
        if let Some(recorded) = recorded {
            let key = load_keys_of_copy(&mut connection, &self.keys(true)?).await?;
            findings.extend(integrity::compare_with_record(&mut connection, &key, recorded).await?);
        }
        match anchored.as_deref().map(document::anchored_head) {
            Some(Some((seq, link))) if seq > 0 => {
                findings.extend(integrity::compare(&mut connection, seq, &link).await?);
            }
            Some(None) => findings.push(Finding {
                reason: FenceReason::Changed,
                detail: "journal: the file of evidence.anchor is not one that offboardd wrote".to_owned(),
            }),
            Some(Some(_)) | None => {}
        }
        connection.close().await?;
        Ok(findings)
    }

    /// The keys in a backup of cases that are closed in this database.
    #[instrument(name = "store.doctor.keys", skip_all, err)]
    pub async fn keys_in_backup(&self, backup: &Path) -> Result<KeysInBackup, StoreError> {
        let mut connection = open(&self.path, false).await?;
        let rows = query("SELECT id FROM cases WHERE closed_at IS NULL").fetch_all(&mut connection).await?;
        let open_cases: HashSet<String> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let key = load_keys_of_copy(&mut connection, &self.keys(true)?).await?;
        connection.close().await?;
        let mut periods = period_keys::read(&self.period_file())?;
        let beside = with_suffix(backup, ".keys");
        if beside.exists() {
            periods = period_keys::merged(&periods, &period_keys::read(&beside)?);
        }
        key.set_periods(&periods);
        let mut copy = open(backup, true).await?;
        let rows = query("SELECT case_id, sealed FROM case_keys").fetch_all(&mut copy).await?;
        copy.close().await?;
        let mut keys = KeysInBackup::default();
        for row in &rows {
            let (id, sealed): (String, Vec<u8>) = (row.try_get("case_id")?, row.try_get("sealed")?);
            if !open_cases.contains(&id) {
                keys.of_closed_cases += 1;
                keys.openable += usize::from(key.knows(&sealed));
            }
        }
        Ok(keys)
    }
}

/// Whether a file is an SQLite database that has the tables of this program.
pub async fn is_database(path: &Path) -> bool {
    let Ok(mut connection) = open(path, true).await else { return false };
    let found = query("SELECT 1 FROM case_keys LIMIT 1").fetch_optional(&mut connection).await.is_ok();
    // A copy that cannot be closed was read all the same.
    drop(connection.close().await);
    found
}

/// Calls `visit` with each value of each table: the name of table and column, and the bytes. A long value is spread over the
/// file in parts, so that a search of the file alone would miss it.
pub async fn read_values(path: &Path, is_copy: bool, mut visit: impl FnMut(&str, &[u8])) -> Result<(), StoreError> {
    use futures_util::TryStreamExt as _;

    let mut connection = SqliteConnection::connect_with(&options(path, is_copy)).await?;
    let tables = sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'table'").fetch_all(&mut connection).await?;
    for table in &tables {
        let name: String = table.try_get("name")?;
        // The name is one of the schema, in quotes.
        let all = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
        let mut rows = sqlx::query(AssertSqlSafe(all)).fetch(&mut connection);
        while let Some(row) = rows.try_next().await? {
            visit_row(&name, &row, &mut visit)?;
        }
    }
    connection.close().await?;
    Ok(())
}

fn visit_row(table: &str, row: &SqliteRow, visit: &mut impl FnMut(&str, &[u8])) -> Result<(), StoreError> {
    for column in row.columns() {
        let value = row.try_get_raw(column.ordinal())?;
        let place = format!("{table}.{}", column.name());
        match value.type_info().name() {
            "TEXT" => visit(&place, row.try_get::<String, _>(column.ordinal()).unwrap_or_default().as_bytes()),
            "BLOB" => visit(&place, row.try_get(column.ordinal())?),
            _ => {}
        }
    }
    Ok(())
}

/// `is_copy`: no process uses the file, and none is to be created beside it.
async fn open(path: &Path, is_copy: bool) -> Result<Connection, StoreError> {
    Ok(Connection::sqlite(&options(path, is_copy)).await?)
}

fn options(path: &Path, is_copy: bool) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).read_only(true).immutable(is_copy)
}
