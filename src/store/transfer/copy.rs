//! Copies the rows of all tables from one engine to the other. Their number does not matter to the memory.

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::progress::{MoveProgress, Progress};
use crate::proof::seal::MasterKey;
use crate::store::StoreError;
use crate::store::sealed_columns::{COLUMNS, SealedColumn};
use crate::store::sql::Row;

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

/// The rows of one statement of SQLite: its thread is woken once for all of them. A body of a delivery may have a mebibyte.
const ROWS: usize = 16;

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

/// Copies a file to an empty database on a server, in one transaction. `key` opens what is sealed in the file, and seals it for the
/// server. Returns the number of rows.
pub(super) async fn to_server(
    from: &mut SqliteConnection,
    to: &mut PgConnection,
    key: &MasterKey,
    progress: Progress<'_>,
) -> Result<u64, StoreError> {
    let (mut copied, mut sent) = (0, 0);
    let mut transaction = to.begin().await?;
    for table in TABLES {
        let columns = columns_of(&mut transaction, table).await?;
        let sealed = COLUMNS.iter().find(|sealed| sealed.table == table);
        let mut rows = sqlx::query(select(table, &columns, sealed)).fetch(&mut *from);
        let mut copy = transaction.copy_in_raw(&format!("COPY {table} ({}) FROM STDIN", names(&columns))).await?;
        let mut chunk = String::new();
        while let Some(row) = rows.try_next().await? {
            push_line(&mut chunk, &Row::Sqlite(row), &columns, sealed, key)?;
            sent += 1;
            if chunk.len() > CHUNK {
                copy.send(std::mem::take(&mut chunk).into_bytes()).await?;
                progress(MoveProgress::Copied(sent));
            }
        }
        copy.send(chunk.into_bytes()).await?;
        copied += copy.finish().await?;
    }
    sqlx::raw_sql(CONTINUE_NUMBERS).execute(&mut *transaction).await?;
    transaction.commit().await?;
    // The server would choose its plans without knowing the sizes until its own next turn.
    sqlx::raw_sql("ANALYZE").execute(to).await?;
    Ok(copied)
}

/// Copies a database on a server to an empty file, in one transaction. Returns the number of rows.
pub(super) async fn to_file(
    from: &mut PgConnection,
    to: &mut SqliteConnection,
    progress: Progress<'_>,
) -> Result<u64, StoreError> {
    let mut copied = 0;
    let mut transaction = to.begin().await?;
    for table in TABLES {
        let columns = columns_of(from, table).await?;
        let mut rows = sqlx::query(select(table, &columns, None)).fetch(&mut *from);
        let mut batch = Vec::with_capacity(ROWS);
        while let Some(row) = rows.try_next().await? {
            batch.push(row);
            if batch.len() == ROWS {
                copied += insert(&mut transaction, table, &columns, &batch).await?;
                batch.clear();
                progress(MoveProgress::Copied(copied));
            }
        }
        if !batch.is_empty() {
            copied += insert(&mut transaction, table, &columns, &batch).await?;
        }
    }
    transaction.commit().await?;
    Ok(copied)
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

/// The names are those of the schema. What a sealed column is bound to follows under the names that its context reads.
fn select(table: &str, columns: &[TableColumn], sealed: Option<&SealedColumn>) -> AssertSqlSafe<String> {
    let key = sealed.map(|sealed| format!(", {}", sealed.key)).unwrap_or_default();
    AssertSqlSafe(format!("SELECT {}{key} FROM {table}", names(columns)))
}

/// A line in PostgreSQL's text format.
fn push_line(
    chunk: &mut String,
    row: &Row,
    columns: &[TableColumn],
    sealed: Option<&SealedColumn>,
    key: &MasterKey,
) -> Result<(), StoreError> {
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            chunk.push('\t');
        }
        let name = column.name.as_str();
        match column.column_type {
            ColumnType::Integer => match row.try_get::<Option<i64>>(name)? {
                Some(number) => chunk.push_str(&number.to_string()),
                None => chunk.push_str("\\N"),
            },
            ColumnType::Text => match row.try_get::<Option<&str>>(name)? {
                Some(text) => push_escaped(chunk, text),
                None => chunk.push_str("\\N"),
            },
            ColumnType::Bytes => match row.try_get::<Option<&[u8]>>(name)? {
                Some(bytes) => {
                    let sealed_again = match sealed.filter(|sealed| sealed.column == name) {
                        Some(sealed) => seal_again(key, &(sealed.context)(row)?, bytes),
                        None => None,
                    };
                    chunk.push_str("\\\\x");
                    chunk.push_str(&hex::encode(sealed_again.as_deref().unwrap_or(bytes)));
                }
                None => chunk.push_str("\\N"),
            },
        }
    }
    chunk.push('\n');
    Ok(())
}

/// `None` for what cannot be opened: it is damaged, or its secret was deleted on purpose, and stays as it is.
fn seal_again(key: &MasterKey, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let plain = key.open(context, sealed).ok()?;
    Some(key.seal(context, &plain))
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

async fn insert(
    to: &mut SqliteConnection,
    table: &str,
    columns: &[TableColumn],
    rows: &[PgRow],
) -> Result<u64, StoreError> {
    let places = format!("({})", vec!["?"; columns.len()].join(", "));
    let places = vec![places.as_str(); rows.len()].join(", ");
    let statement = format!("INSERT INTO {table} ({}) VALUES {places}", names(columns));
    let mut insert = sqlx::query(AssertSqlSafe(statement));
    for row in rows {
        for column in columns {
            let name = column.name.as_str();
            insert = match column.column_type {
                ColumnType::Integer => insert.bind(row.try_get::<Option<i64>, _>(name)?),
                ColumnType::Text => insert.bind(row.try_get::<Option<String>, _>(name)?),
                ColumnType::Bytes => insert.bind(row.try_get::<Option<Vec<u8>>, _>(name)?),
            };
        }
    }
    Ok(insert.execute(to).await?.rows_affected())
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
