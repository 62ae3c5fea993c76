//! Imports: the rows of an approved plan that have no case yet, and how far each import is.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::{Store, StoreError, Tx, dialect};
use crate::clock;
use crate::domain::brake::Brake;
use crate::domain::case::Terms;
use crate::domain::ids::{CaseId, SiteName};
use crate::domain::named;
use crate::domain::person::Person;
use crate::proof::seal::KeyedHash;

/// The number of hashes that are searched together.
const HASHES: usize = 500;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportState {
    /// Its rows are being stored. An import that is found so at a start was not acknowledged, and is deleted.
    Loading,
    /// Its cases are being opened.
    Running,
    Done,
}

named!(ImportState { Loading = "loading", Running = "running", Done = "done" });

/// An import.
#[derive(Debug, Clone)]
pub struct ImportRow {
    pub id: String,
    /// The name of the admin token.
    pub operator: String,
    pub site: SiteName,
    pub format: String,
    pub digest: String,
    pub brake: Brake,
    pub state: ImportState,
    pub total: u32,
    /// The number of cases that it opened.
    pub opened: u32,
    /// The number of rows whose person had an open case meanwhile.
    pub skipped: u32,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// The operator's reason; `None` after the import is done.
    pub reason: Option<String>,
}

/// An import to be stored.
#[derive(Debug)]
pub struct NewImport<'a> {
    pub operator: &'a str,
    pub site: &'a SiteName,
    pub format: &'a str,
    pub digest: &'a str,
    pub brake: Brake,
    pub reason: &'a str,
    /// Identifies the file of a watched folder.
    pub file: Option<&'a str>,
    pub total: usize,
}

/// A row of an import: the case to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportedCase {
    pub person: Person,
    pub terms: Terms,
    /// `None`: when it is opened.
    pub effective_at: Option<Timestamp>,
}

impl Tx {
    /// Stores an import without its rows. Returns its id.
    #[instrument(name = "store.import.create", skip_all, err)]
    pub async fn create_import(&mut self, new: &NewImport<'_>, now: Timestamp) -> Result<String, StoreError> {
        let id = clock::new_id(now).to_string();
        query(
            "INSERT INTO imports (id, operator, site, format, digest, brake, sealed, file, total, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&id)
        .bind(new.operator)
        .bind(new.site.as_str())
        .bind(new.format)
        .bind(new.digest)
        .bind(super::cases::to_json(&new.brake)?)
        .bind(self.key.seal(id.as_bytes(), new.reason.as_bytes()))
        .bind(new.file)
        .bind(i64::try_from(new.total).unwrap_or(i64::MAX))
        .bind(millis(now))
        .exec_one(self, "import", &id)
        .await?;
        Ok(id)
    }

    /// Stores a part of the rows of an import, by their lines.
    #[instrument(name = "store.import.rows", skip_all, fields(count = rows.len()), err)]
    pub async fn add_import_rows(&mut self, id: &str, rows: &[(u64, ImportedCase)]) -> Result<(), StoreError> {
        for (line, row) in rows {
            let json = super::cases::to_json(row)?;
            let sealed = self.key.seal(format!("{id}/{line}").as_bytes(), json.as_bytes());
            query("INSERT INTO import_rows (import_id, line, sealed) VALUES ($1, $2, $3)")
                .bind(id)
                .bind(i64::try_from(*line).unwrap_or(i64::MAX))
                .bind(sealed)
                .exec_one(self, "row of an import", id)
                .await?;
        }
        Ok(())
    }

    /// Begins an import whose rows are stored.
    #[instrument(name = "store.import.begin", skip_all, err)]
    pub async fn begin_import(&mut self, id: &str) -> Result<(), StoreError> {
        query("UPDATE imports SET state = 'running' WHERE id = $1 AND state = 'loading'")
            .bind(id)
            .exec_one(self, "import", id)
            .await
    }

    /// Deletes imports whose rows were not stored completely.
    #[instrument(name = "store.import.delete_incomplete", skip_all, err)]
    pub async fn delete_incomplete_imports(&mut self, before: Timestamp) -> Result<(), StoreError> {
        query(
            "DELETE FROM import_rows
             WHERE import_id IN (SELECT id FROM imports WHERE state = 'loading' AND created_at < $1)",
        )
        .bind(millis(before))
        .execute(&mut **self)
        .await?;
        query("DELETE FROM imports WHERE state = 'loading' AND created_at < $1")
            .bind(millis(before))
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Takes the next rows of an import: they are deleted with the transaction that opens their cases.
    #[instrument(name = "store.import.take", skip_all, err)]
    pub async fn take_import_rows(&mut self, id: &str, limit: u32) -> Result<Vec<(u64, ImportedCase)>, StoreError> {
        let rows = query(
            "SELECT import_id AS id, line, sealed
             FROM import_rows
             WHERE import_id = $1
             ORDER BY line
             LIMIT $2",
        )
        .bind(id)
        .bind(limit)
        .fetch_all(&mut **self)
        .await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            let line: i64 = row.try_get("line")?;
            let sealed: Vec<u8> = row.try_get("sealed")?;
            let plain = self
                .key
                .open(format!("{id}/{line}").as_bytes(), &sealed)
                .map_err(|source| StoreError::Sealed { what: "row of an import", source })?;
            let case = serde_json::from_slice(&plain)
                .map_err(|error| StoreError::inconsistent("row of an import", id, error))?;
            taken.push((u64::try_from(line).unwrap_or_default(), case));
            query("DELETE FROM import_rows WHERE import_id = $1 AND line = $2")
                .bind(id)
                .bind(line)
                .exec_one(self, "row of an import", id)
                .await?;
        }
        Ok(taken)
    }

    /// The number of rows without a case.
    #[instrument(name = "store.import.left", skip_all, err)]
    pub async fn count_import_rows(&mut self, id: &str) -> Result<u32, StoreError> {
        let row = query("SELECT '' AS id, COUNT(*) AS count FROM import_rows WHERE import_id = $1")
            .bind(id)
            .fetch_one(&mut **self)
            .await?;
        RowReader { what: "import", row: &row }.count("count")
    }

    /// Counts what became of rows. Without rows left, the import is done and its reason is deleted.
    #[instrument(name = "store.import.count", skip_all, err)]
    pub async fn count_import(
        &mut self,
        id: &str,
        opened: u32,
        skipped: u32,
        is_done: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE imports
             SET opened = opened + $1,
                 skipped = skipped + $2,
                 state = CASE WHEN $3 = 1 THEN 'done' ELSE state END,
                 finished_at = CASE WHEN $3 = 1 THEN $4 END,
                 sealed = CASE WHEN $3 = 1 THEN NULL ELSE sealed END
             WHERE id = $5",
        )
        .bind(opened)
        .bind(skipped)
        .bind(is_done)
        .bind(millis(now))
        .bind(id)
        .exec_one(self, "import", id)
        .await
    }
}

impl Store {
    /// The open cases of these email addresses on a site, by their hash.
    #[instrument(name = "store.import.open_cases", skip_all, fields(count = hashes.len()), err)]
    pub async fn open_cases_among(
        &self,
        site: &SiteName,
        hashes: &[KeyedHash],
    ) -> Result<HashMap<KeyedHash, CaseId>, StoreError> {
        let mut found = HashMap::new();
        for part in hashes.chunks(HASHES) {
            let texts: Vec<String> = part.iter().map(|hash| hex::encode_upper(hash.0)).collect();
            let rows = query(dialect::OPEN_CASES_OF_ADDRESSES)
                .bind(site.as_str())
                .bind(super::cases::to_json(&texts)?)
                .fetch_all(&self.reader)
                .await?;
            for row in &rows {
                let hash: Vec<u8> = row.try_get("email_hash")?;
                if let Ok(hash) = hash.try_into() {
                    found.insert(KeyedHash(hash), RowReader { what: "case", row }.word("id")?);
                }
            }
        }
        Ok(found)
    }

    /// The imports whose cases are being opened, oldest first.
    #[instrument(name = "store.import.running", skip_all, err)]
    pub async fn running_imports(&self) -> Result<Vec<ImportRow>, StoreError> {
        let rows = query("SELECT * FROM imports WHERE state = 'running' ORDER BY id").fetch_all(&self.reader).await?;
        rows.iter().map(|row| self.read_import(row)).collect()
    }

    #[instrument(name = "store.import.find", skip_all, err)]
    pub async fn import(&self, id: &str) -> Result<Option<ImportRow>, StoreError> {
        let row = query("SELECT * FROM imports WHERE id = $1 AND state <> 'loading'")
            .bind(id)
            .fetch_optional(&self.reader)
            .await?;
        row.map(|row| self.read_import(&row)).transpose()
    }

    /// Whether a file of a watched folder was imported.
    #[instrument(name = "store.import.has_file", skip_all, err)]
    pub async fn is_imported(&self, file: &str) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM imports WHERE file = $1 AND state <> 'loading'")
            .bind(file)
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.is_some())
    }

    fn read_import(&self, row: &Row) -> Result<ImportRow, StoreError> {
        let reader = RowReader { what: "import", row };
        let id = reader.text("id")?;
        let reason = reader
            .bytes_if_any("sealed")?
            .map(|sealed| self.key.open(id.as_bytes(), &sealed))
            .transpose()
            .map_err(|source| StoreError::Sealed { what: "import", source })?;
        Ok(ImportRow {
            operator: reader.text("operator")?,
            site: reader.word("site")?,
            format: reader.text("format")?,
            digest: reader.text("digest")?,
            brake: reader.json("brake")?,
            state: reader.word("state")?,
            total: reader.count("total")?,
            opened: reader.count("opened")?,
            skipped: reader.count("skipped")?,
            created_at: reader.at("created_at")?,
            finished_at: reader.at_if_any("finished_at")?,
            reason: reason.map(|reason| String::from_utf8_lossy(&reason).into_owned()),
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::person::EmailAddress;
    use crate::domain::policy::Action;
    use crate::store::{Database, KeyLocation};

    #[tokio::test]
    async fn import_that_was_not_stored_completely_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::file(folder.path().join("x.db"), KeyLocation::Given([7; 32]));
        let store = database.open().await.unwrap();
        let (site, now) = ("acme".parse().unwrap(), Timestamp::UNIX_EPOCH);
        let new = NewImport {
            operator: "rosa",
            site: &site,
            format: "departures",
            digest: "d",
            brake: Brake::default(),
            reason: "because",
            file: Some("f"),
            total: 1,
        };
        let email = EmailAddress::parse("ann@example.com").unwrap();
        let terms = Terms {
            action: Action::Revoke,
            local_grace: jiff::SignedDuration::ZERO,
            approvals: crate::domain::policy::Approvals::default(),
            detach: Vec::new(),
            reinvite: false,
            requested_by: None,
            policy: None,
        };
        let row = ImportedCase { person: Person { id: None, email: Some(email) }, terms, effective_at: None };
        for is_complete in [false, true] {
            let mut tx = store.begin().await.unwrap();
            let id = tx.create_import(&new, now).await.unwrap();
            tx.add_import_rows(&id, &[(2, row.clone())]).await.unwrap();
            if is_complete {
                tx.begin_import(&id).await.unwrap();
            }
            tx.commit().await.unwrap();
            let mut tx = store.begin().await.unwrap();
            tx.delete_incomplete_imports(Timestamp::MAX).await.unwrap();
            assert_eq!(tx.count_import_rows(&id).await.unwrap(), u32::from(is_complete));
            tx.commit().await.unwrap();
            assert_eq!(store.is_imported("f").await.unwrap(), is_complete);
            assert_eq!(store.running_imports().await.unwrap().len(), usize::from(is_complete));
        }
    }
}
