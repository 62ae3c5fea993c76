//! Moving a database to the other engine: all rows, in one transaction of the target, which is verified after that.
//!
//! The journal is copied as it is, so that its chain stays unbroken. What is sealed with the secret of a period is sealed again
//! for a server: there is no file beside it for such secrets. The previous database keeps its rows and gets a fence, so that no
//! daemon that still uses it makes a change.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tracing::instrument;

use super::files::file_error;
use super::integrity::{self, FenceReason, Finding};
use super::journal::JournalCheck;
use super::open::is_sealed;
use super::paths::with_suffix;
use super::sql::{Connection, Options, ServerUrl, Sharing};
use super::{Database, Resealing, StoreError, files, period_keys};
use crate::proof::ring::Period;

/// All tables, each after those that it refers to, but those about running daemons.
const TABLES: [&str; 37] = [
    "deliveries",
    "body_people",
    "events",
    "people",
    "former_addresses",
    "lookups",
    "ignored_words",
    "offered_secrets",
    "facts",
    "cases",
    "deadline_steps",
    "holds",
    "escalations",
    "brake_holds",
    "brake_deferred",
    "case_people",
    "case_keys",
    "jobs",
    "attempts",
    "sites",
    "paused_kinds",
    "sources",
    "source_sites",
    "fences",
    "journal",
    "remarks",
    "sessions",
    "store_key",
    "notice_cursor",
    "notices",
    "notice_messages",
    "used_links",
    "listings",
    "listed_customers",
    "company_events",
    "imports",
    "import_rows",
];

/// The numbers that PostgreSQL assigns continue after the copied ones.
const CONTINUE_NUMBERS: &str = "
    SELECT setval(pg_get_serial_sequence('deliveries', 'seq'), (SELECT COALESCE(MAX(seq), 0) + 1 FROM deliveries), FALSE);
    SELECT setval(pg_get_serial_sequence('events', 'seq'), (SELECT COALESCE(MAX(seq), 0) + 1 FROM events), FALSE);
    SELECT setval(pg_get_serial_sequence('brake_deferred', 'seq'), (SELECT COALESCE(MAX(seq), 0) + 1 FROM brake_deferred), FALSE);
    SELECT setval(pg_get_serial_sequence('fences', 'id'), (SELECT COALESCE(MAX(id), 0) + 1 FROM fences), FALSE)";

/// The bytes that are sent to a server at a time.
const CHUNK: usize = 256 * 1024;

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    pub rows: u64,
    /// The number of journal entries.
    pub entries: i64,
}

/// A column and its type in PostgreSQL.
struct TableColumn {
    name: String,
    column_type: ColumnType,
}

#[derive(Clone, Copy)]
enum ColumnType {
    Integer,
    Text,
    Bytes,
}

impl Database {
    /// The database of this URL, `sqlite:PATH` or `postgres://…`, with the key of this one.
    pub fn elsewhere(&self, url: &str) -> Result<Self, StoreError> {
        let path = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        let copy = self.copy_at(Path::new(path.unwrap_or_default()))?;
        let server = if path.is_none() { Some(url.parse()?) } else { None };
        Ok(Self { server, ..copy })
    }

    /// Copies everything to the other engine. `target` must not hold a database yet, and no daemon may run.
    #[instrument(name = "store.move", skip_all, err)]
    pub async fn move_to(&self, target: &Self) -> Result<Moved, StoreError> {
        match (&self.server, &target.server) {
            (None, Some(server)) => self.move_to_server(target, server).await,
            (Some(server), None) => self.move_to_file(server, target).await,
            (None, None) | (Some(_), Some(_)) => {
                Err(unusable(&target.place(), "it is of the same engine: use its own tools for a copy"))
            }
        }
    }

    async fn move_to_server(&self, target: &Self, server: &ServerUrl) -> Result<Moved, StoreError> {
        if !files::examine(&self.path)? {
            return Err(files::unusable(&self.path, "it does not exist"));
        }
        let lock = self.claim().await?;
        self.bring_up_to_date().await?;
        let mut from = SqliteConnection::connect_with(&self.options()).await?;
        let options = Options::PostgresLocked(server.options().clone(), Sharing::Alone);
        let mut locked = options.claimed().await?;
        server.migrate().await?;
        if is_sealed(&mut locked).await? {
            return Err(unusable(&target.place(), "it holds a database already: name an empty one"));
        }
        let mut to = PgConnection::connect_with(&server.without_timeouts()).await?;
        let rows = copy_to_server(&mut from, &mut to).await?;
        to.close().await?;
        locked.close().await?;
        from.close().await?;
        let periods = period_keys::read(&self.period_file())?;
        target.seal_without_periods(&periods).await?;
        let moved = Moved { rows, entries: target.verify_moved(self).await? };
        drop(lock);
        self.fence_off(target).await?;
        Ok(moved)
    }

    async fn move_to_file(&self, server: &ServerUrl, target: &Self) -> Result<Moved, StoreError> {
        if files::examine(&target.path)? {
            return Err(files::unusable(&target.path, "it exists already: name a new file"));
        }
        server.require_schema().await?;
        let locked = Options::PostgresLocked(server.options().clone(), Sharing::Alone).claimed().await?;
        let mut from = PgConnection::connect_with(&server.without_timeouts()).await?;
        let copied = async {
            let lock = target.claim().await?;
            target.bring_up_to_date().await?;
            let mut to = SqliteConnection::connect_with(&target.options()).await?;
            let rows = copy_to_file(&mut from, &mut to).await?;
            to.close().await?;
            period_keys::read_or_make(&target.period_file(), false)?;
            drop(lock);
            Ok(Moved { rows, entries: target.verify_moved(self).await? })
        };
        let copied = copied.await;
        from.close().await?;
        locked.close().await?;
        match copied {
            Ok(moved) => {
                self.fence_off(target).await?;
                Ok(moved)
            }
            Err(error) => {
                for suffix in ["", "-wal", "-shm", ".keys"] {
                    let path = with_suffix(&target.path, suffix);
                    if path.exists() {
                        std::fs::remove_file(&path).map_err(|source| file_error(&path, source))?;
                    }
                }
                Err(error)
            }
        }
    }

    /// Seals everything again that is sealed with a period.
    async fn seal_without_periods(&self, periods: &[Period]) -> Result<(), StoreError> {
        let store = self.open().await?;
        let without = Period::new(0, 0, [0; 32]);
        store.key().set_periods(&[periods, &[without]].concat());
        let mut progress = Resealing::default();
        while store.reseal_step(&mut progress).await? {}
        store.close().await;
        Ok(())
    }

    /// Verifies all rows of a copy, and that its journal ends as that of the original. Returns the number of entries.
    async fn verify_moved(&self, original: &Self) -> Result<i64, StoreError> {
        let faulty = |why: String| unusable(&self.place(), &why);
        let (ours, theirs) = (self.verify_journal_with(&[], |_| ()), original.verify_journal_with(&[], |_| ()));
        let (ours, theirs) = (ours.await?, theirs.await?);
        let JournalCheck::Intact { entries, .. } = ours else {
            return Err(faulty("the journal of the copy is broken: the original is unchanged".to_owned()));
        };
        if ours != theirs {
            return Err(faulty("the journal of the copy differs from the original, which is unchanged".to_owned()));
        }
        match self.verify_history().await?.first() {
            Some(finding) => {
                Err(faulty(format!("the copy does not verify ({}): the original is unchanged", finding.detail)))
            }
            None => Ok(entries),
        }
    }

    /// Raises the fence in the previous database.
    async fn fence_off(&self, target: &Self) -> Result<(), StoreError> {
        let detail = format!("this database was moved to {}: use that one", target.place());
        let finding = Finding { reason: FenceReason::Older, detail };
        let options = match &self.server {
            Some(server) => Options::Postgres(server.options().clone()),
            None => Options::Sqlite(self.options()),
        };
        let mut connection: Connection = options.connect().await?;
        integrity::raise_at_opening(&mut connection, &finding).await?;
        connection.close().await?;
        Ok(())
    }
}

fn unusable(place: &str, why: &str) -> StoreError {
    StoreError::Unusable { path: place.to_owned(), why: why.to_owned() }
}

/// The columns of a table, without the number that PostgreSQL needs in place of SQLite's own.
async fn columns_of(connection: &mut PgConnection, table: &str) -> Result<Vec<TableColumn>, StoreError> {
    let query = "SELECT column_name::text AS name, data_type::text AS type
         FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = $1 AND column_name <> 'rowid'
         ORDER BY ordinal_position";
    let rows = sqlx::query(query).bind(table).fetch_all(connection).await?;
    let column = |row: &PgRow| {
        let column_type: String = row.try_get("type")?;
        let column_type = match column_type.as_str() {
            "bigint" => ColumnType::Integer,
            "bytea" => ColumnType::Bytes,
            _ => ColumnType::Text,
        };
        Ok(TableColumn { name: row.try_get("name")?, column_type })
    };
    rows.iter().map(column).collect()
}

fn names(columns: &[TableColumn]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The names are those of the schema.
fn select(table: &str, columns: &[TableColumn]) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT {} FROM {table}", names(columns)))
}

async fn copy_to_server(from: &mut SqliteConnection, to: &mut PgConnection) -> Result<u64, StoreError> {
    let mut copied = 0;
    let mut transaction = to.begin().await?;
    for table in TABLES {
        let columns = columns_of(&mut transaction, table).await?;
        let mut rows = sqlx::query(select(table, &columns)).fetch(&mut *from);
        let mut copy = transaction.copy_in_raw(&format!("COPY {table} ({}) FROM STDIN", names(&columns))).await?;
        let mut chunk = String::new();
        while let Some(row) = rows.try_next().await? {
            push_line(&mut chunk, &row, &columns)?;
            if chunk.len() > CHUNK {
                copy.send(std::mem::take(&mut chunk).into_bytes()).await?;
            }
        }
        copy.send(chunk.into_bytes()).await?;
        copied += copy.finish().await?;
    }
    sqlx::raw_sql(CONTINUE_NUMBERS).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(copied)
}

/// A line in PostgreSQL's text format.
fn push_line(chunk: &mut String, row: &SqliteRow, columns: &[TableColumn]) -> Result<(), StoreError> {
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            chunk.push('\t');
        }
        let name = column.name.as_str();
        match column.column_type {
            ColumnType::Integer => match row.try_get::<Option<i64>, _>(name)? {
                Some(number) => chunk.push_str(&number.to_string()),
                None => chunk.push_str("\\N"),
            },
            ColumnType::Text => match row.try_get::<Option<String>, _>(name)? {
                Some(text) => push_escaped(chunk, &text),
                None => chunk.push_str("\\N"),
            },
            ColumnType::Bytes => match row.try_get::<Option<Vec<u8>>, _>(name)? {
                Some(bytes) => {
                    chunk.push_str("\\\\x");
                    chunk.push_str(&hex::encode(bytes));
                }
                None => chunk.push_str("\\N"),
            },
        }
    }
    chunk.push('\n');
    Ok(())
}

fn push_escaped(chunk: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' => chunk.push_str("\\\\"),
            '\t' => chunk.push_str("\\t"),
            '\n' => chunk.push_str("\\n"),
            '\r' => chunk.push_str("\\r"),
            // PostgreSQL has no such character in a text.
            '\0' => chunk.push('\u{fffd}'),
            other => chunk.push(other),
        }
    }
}

async fn copy_to_file(from: &mut PgConnection, to: &mut SqliteConnection) -> Result<u64, StoreError> {
    let mut copied = 0;
    let mut transaction = to.begin().await?;
    for table in TABLES {
        let columns = columns_of(from, table).await?;
        let places = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO {table} ({}) VALUES ({places})", names(&columns));
        let mut rows = sqlx::query(select(table, &columns)).fetch(&mut *from);
        while let Some(row) = rows.try_next().await? {
            let mut insert = sqlx::query(AssertSqlSafe(insert.clone()));
            for column in &columns {
                let name = column.name.as_str();
                insert = match column.column_type {
                    ColumnType::Integer => insert.bind(row.try_get::<Option<i64>, _>(name)?),
                    ColumnType::Text => insert.bind(row.try_get::<Option<String>, _>(name)?),
                    ColumnType::Bytes => insert.bind(row.try_get::<Option<Vec<u8>>, _>(name)?),
                };
            }
            copied += insert.execute(&mut *transaction).await?.rows_affected();
        }
    }
    transaction.commit().await?;
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_copied() {
        let schema = crate::store::MIGRATOR.iter().map(|step| step.sql.as_str().to_owned()).collect::<String>();
        let mut tables: Vec<_> = schema
            .lines()
            .filter_map(|line| line.strip_prefix("CREATE TABLE "))
            .filter_map(|rest| rest.split(' ').next())
            .collect();
        let of_running_daemons = ["terms", "replicas"];
        let mut copied = [TABLES.as_slice(), &of_running_daemons].concat();
        tables.sort_unstable();
        copied.sort_unstable();
        assert_eq!(tables, copied);
    }

    #[test]
    fn text_is_escaped_for_the_copy() {
        let mut chunk = String::new();
        push_escaped(&mut chunk, "a\tb\\c\nd\r\0é");
        assert_eq!(chunk, "a\\tb\\\\c\\nd\\r\u{fffd}é");
    }
}
