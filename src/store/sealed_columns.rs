//! The columns that are sealed with the master key and the period.

use uuid::Uuid;

use super::StoreError;
use super::sql::Row;

/// A column that is sealed with the master key and the period.
pub(super) struct SealedColumn {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    /// The key columns, with the names under which `context` reads them.
    pub(super) key: &'static str,
    /// The rows that were not sealed with the key `$1`: their key columns `a`, `b` and `c`, and the ciphertext.
    pub(super) stale: &'static str,
    pub(super) count: &'static str,
    /// Replaces the ciphertext `$2` by `$1`.
    pub(super) write: &'static str,
    pub(super) context: fn(&Row) -> Result<Vec<u8>, StoreError>,
}

/// All of them. The data of cases is sealed with the key of its case, which stays.
pub(super) const COLUMNS: [SealedColumn; 12] = [
    SealedColumn {
        table: "deliveries",
        column: "body",
        key: "id AS a, NULL AS b, NULL AS c",
        stale: "SELECT id AS a, NULL AS b, NULL AS c, body AS sealed
             FROM deliveries
             WHERE body IS NOT NULL AND substr(body, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM deliveries WHERE body IS NOT NULL AND substr(body, 1, 8) <> $1",
        write: "UPDATE deliveries SET body = $1 WHERE body = $2 AND id = $3 AND $4 IS NULL AND $5 IS NULL",
        context: id_context,
    },
    SealedColumn {
        table: "events",
        column: "sealed",
        key: "id AS a, NULL AS b, NULL AS c",
        stale: "SELECT id AS a, NULL AS b, NULL AS c, sealed
             FROM events
             WHERE sealed IS NOT NULL AND substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM events WHERE sealed IS NOT NULL AND substr(sealed, 1, 8) <> $1",
        write: "UPDATE events SET sealed = $1 WHERE sealed = $2 AND id = $3 AND $4 IS NULL AND $5 IS NULL",
        context: id_context,
    },
    SealedColumn {
        table: "case_keys",
        column: "sealed",
        key: "case_id AS a, NULL AS b, NULL AS c",
        stale: "SELECT case_id AS a, NULL AS b, NULL AS c, sealed
             FROM case_keys
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM case_keys WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE case_keys SET sealed = $1 WHERE sealed = $2 AND case_id = $3 AND $4 IS NULL AND $5 IS NULL",
        context: id_context,
    },
    SealedColumn {
        table: "people",
        column: "sealed",
        key: "source AS a, person_hash AS b, NULL AS c",
        stale: "SELECT source AS a, person_hash AS b, NULL AS c, sealed
             FROM people
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM people WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE people SET sealed = $1 WHERE sealed = $2 AND source = $3 AND person_hash = $4 AND $5 IS NULL",
        context: hash_context,
    },
    SealedColumn {
        table: "former_addresses",
        column: "sealed",
        key: "source AS a, person_hash AS b, email_hash AS c",
        stale: "SELECT source AS a, person_hash AS b, email_hash AS c, sealed
             FROM former_addresses
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM former_addresses WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE former_addresses
             SET sealed = $1
             WHERE sealed = $2 AND source = $3 AND person_hash = $4 AND email_hash = $5",
        context: hash_context,
    },
    SealedColumn {
        table: "lookups",
        column: "sealed",
        key: "source AS a, person_hash AS b, NULL AS c",
        stale: "SELECT source AS a, person_hash AS b, NULL AS c, sealed
             FROM lookups
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM lookups WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE lookups SET sealed = $1 WHERE sealed = $2 AND source = $3 AND person_hash = $4 AND $5 IS NULL",
        context: hash_context,
    },
    SealedColumn {
        table: "offered_secrets",
        column: "sealed",
        key: "source AS a, hash AS b, NULL AS c",
        stale: "SELECT source AS a, hash AS b, NULL AS c, sealed
             FROM offered_secrets
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM offered_secrets WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE offered_secrets SET sealed = $1 WHERE sealed = $2 AND source = $3 AND hash = $4 AND $5 IS NULL",
        context: hash_context,
    },
    SealedColumn {
        table: "imports",
        column: "sealed",
        key: "id AS a, NULL AS b, NULL AS c",
        stale: "SELECT id AS a, NULL AS b, NULL AS c, sealed
             FROM imports
             WHERE sealed IS NOT NULL AND substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM imports WHERE sealed IS NOT NULL AND substr(sealed, 1, 8) <> $1",
        write: "UPDATE imports SET sealed = $1 WHERE sealed = $2 AND id = $3 AND $4 IS NULL AND $5 IS NULL",
        context: text_context,
    },
    SealedColumn {
        table: "import_rows",
        column: "sealed",
        key: "import_id AS a, CAST(CAST(line AS TEXT) AS BLOB) AS b, NULL AS c",
        stale: "SELECT import_id AS a, CAST(CAST(line AS TEXT) AS BLOB) AS b, NULL AS c, sealed
             FROM import_rows
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM import_rows WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE import_rows SET sealed = $1 WHERE sealed = $2 AND import_id = $3 AND CAST(CAST(line AS TEXT) AS BLOB) = $4 AND $5 IS NULL",
        context: line_context,
    },
    SealedColumn {
        table: "listings",
        column: "sealed",
        key: "id AS a, NULL AS b, NULL AS c",
        stale: "SELECT id AS a, NULL AS b, NULL AS c, sealed
             FROM listings
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM listings WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE listings SET sealed = $1 WHERE sealed = $2 AND id = $3 AND $4 IS NULL AND $5 IS NULL",
        context: text_context,
    },
    SealedColumn {
        table: "listed_customers",
        column: "sealed",
        key: "listing_id AS a, email_hash AS b, NULL AS c",
        stale: "SELECT listing_id AS a, email_hash AS b, NULL AS c, sealed
             FROM listed_customers
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM listed_customers WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE listed_customers SET sealed = $1 WHERE sealed = $2 AND listing_id = $3 AND email_hash = $4 AND $5 IS NULL",
        context: hash_context,
    },
    SealedColumn {
        table: "company_events",
        column: "sealed",
        key: "listing_id AS a, NULL AS b, NULL AS c",
        stale: "SELECT listing_id AS a, NULL AS b, NULL AS c, sealed
             FROM company_events
             WHERE substr(sealed, 1, 8) <> $1
             LIMIT $2 OFFSET $3",
        count: "SELECT COUNT(*) AS count FROM company_events WHERE substr(sealed, 1, 8) <> $1",
        write: "UPDATE company_events SET sealed = $1 WHERE sealed = $2 AND listing_id = $3 AND $4 IS NULL AND $5 IS NULL",
        context: text_context,
    },
];

fn id_context(row: &Row) -> Result<Vec<u8>, StoreError> {
    let id: String = row.try_get("a")?;
    let id: Uuid = id.parse().map_err(|error| StoreError::inconsistent("sealed row", &id, error))?;
    Ok(id.as_bytes().to_vec())
}

fn hash_context(row: &Row) -> Result<Vec<u8>, StoreError> {
    Ok(row.try_get("b")?)
}

fn text_context(row: &Row) -> Result<Vec<u8>, StoreError> {
    let id: String = row.try_get("a")?;
    Ok(id.into_bytes())
}

fn line_context(row: &Row) -> Result<Vec<u8>, StoreError> {
    let (id, line): (String, Vec<u8>) = (row.try_get("a")?, row.try_get("b")?);
    Ok([id.as_bytes(), b"/", &line].concat())
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::store::sql::query;
    use crate::store::{Database, KeyLocation};

    /// Columns of the same name that are sealed with another key: that of the case, or the master key without a period.
    const OTHERS: [&str; 3] = ["cases.sealed", "remarks.sealed", "store_key.sealed"];

    #[tokio::test]
    async fn every_sealed_column_is_listed_and_its_statements_fit_the_schema() {
        let dir = tempfile::tempdir().unwrap();
        let store = Database::file(dir.path().join("x.db"), KeyLocation::Given([7; 32])).open().await.unwrap();
        let rows = query(
            "SELECT m.name || '.' || c.name AS place
             FROM sqlite_schema m
                 JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND c.name IN ('sealed', 'body')",
        )
        .fetch_all(&store.reader)
        .await
        .unwrap();
        let mut sealed: Vec<String> = rows.iter().map(|row| row.try_get("place").unwrap()).collect();
        sealed.retain(|place| !OTHERS.contains(&place.as_str()));
        let mut listed: Vec<_> = COLUMNS.iter().map(|column| format!("{}.{}", column.table, column.column)).collect();
        sealed.sort();
        listed.sort();
        assert_eq!(listed, sealed);
        for column in &COLUMNS {
            assert!(column.stale.starts_with(&format!("SELECT {}, {}", column.key, column.column)), "{}", column.table);
        }
        assert_eq!(store.count_stale().await.unwrap(), 0);
        let mut tx = store.begin().await.unwrap();
        for column in &COLUMNS {
            let write = query(column.write).bind(vec![1_u8]).bind(vec![2_u8]).bind("a");
            write.bind(Some(vec![3_u8])).bind(Some(vec![4_u8])).execute(&mut *tx).await.unwrap();
        }
    }
}
