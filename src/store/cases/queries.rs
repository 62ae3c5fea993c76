//! Queries for cases: one by its id or its person, many by shared properties.

use std::sync::Arc;

use tracing::instrument;

use super::CaseRecord;
use super::rows::{read_case, to_json};
use crate::domain::case::{Case, Hold, StateName};
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::named;
use crate::proof::seal::{KeyedHash, MasterKey};
use crate::store::row::RowReader;
use crate::store::sql::{Connection, Row, query};
use crate::store::{Page, Store, StoreError, Tx, dialect};

/// The cases to list.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    pub state: Option<StateName>,
    pub source: Option<SourceName>,
    pub site: Option<SiteName>,
    /// Only cases with one of these hashes: one email address on each queried site.
    pub email_hashes: Option<Vec<KeyedHash>>,
    /// Only cases with one of these hashes: one person id of each queried source.
    pub person_hashes: Option<Vec<KeyedHash>>,
    /// Only cases held for this reason.
    pub held: Option<Hold>,
    /// Only those that need a human, or only those that do not.
    pub attention: Option<bool>,
    pub sort: CaseSort,
    /// The last case of the previous page.
    pub cursor: Option<CaseId>,
    /// The maximum number of cases.
    pub limit: usize,
}

impl CaseFilter {
    /// Whether most of the cases with an open job match: then these jobs are read in their order. Otherwise too many of them
    /// would be skipped.
    fn matches_most(&self) -> bool {
        let selects = self.held.is_some() || self.attention.is_some();
        !selects && self.state.is_none_or(|state| state == StateName::Scheduled)
    }
}

/// The order of a list of cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CaseSort {
    #[default]
    Newest,
    /// By the due time of the open job. Cases without a job come last.
    Next,
}

named!(CaseSort { Newest = "newest", Next = "next" });

/// The open cases that a bulk action concerns.
#[derive(Debug, Clone, Copy, Default)]
pub struct BulkFilter<'a> {
    pub state: Option<StateName>,
    /// Only cases held for this reason.
    pub held: Option<Hold>,
    pub source: Option<&'a SourceName>,
    pub site: Option<&'a SiteName>,
    /// Own requests of this operator.
    pub requested_by: Option<&'a str>,
    /// Only those that need a human, or only those that do not.
    pub attention: Option<bool>,
}

/// Reads rows of cases. A row that cannot be read is logged and omitted, so that it does not hide the others.
pub(in crate::store) fn readable(rows: &[Row], key: &MasterKey) -> Result<Vec<CaseRecord>, StoreError> {
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        match read_case(row, key) {
            Ok(record) => records.push(record),
            Err(error) if error.is_about_one_row() => {
                tracing::error!(%error, "a case cannot be read and is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}

/// The case with this id.
pub(in crate::store) async fn find_case(
    connection: &mut Connection,
    id: CaseId,
    key: &MasterKey,
) -> Result<Option<CaseRecord>, StoreError> {
    let row = query(
        "SELECT c.*, k.sealed AS sealed_key
         FROM cases c
             LEFT JOIN case_keys k ON k.case_id = c.id
         WHERE c.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    row.map(|row| read_case(&row, key)).transpose()
}

impl Tx {
    #[instrument(name = "store.case.find", skip_all, fields(case.id = %id), err)]
    pub async fn case(&mut self, id: CaseId) -> Result<Option<CaseRecord>, StoreError> {
        let key = Arc::clone(&self.key);
        find_case(self, id, &key).await
    }

    /// The open case of this email address or, without one, of this person id.
    #[instrument(name = "store.case.find_open", skip_all, err)]
    pub async fn open_case_of(
        &mut self,
        site: &SiteName,
        email_hash: Option<KeyedHash>,
        person_hash: Option<KeyedHash>,
    ) -> Result<Option<CaseRecord>, StoreError> {
        // A cross join, so that SQLite begins with the person and not with all open cases of the site.
        let rows = query(
            "SELECT c.*, k.sealed AS sealed_key
             FROM (
                 SELECT id
                 FROM cases
                 WHERE email_hash = $2
                 UNION
                 SELECT id
                 FROM cases
                 WHERE person_hash = $3) found
                 CROSS JOIN cases c
                 LEFT JOIN case_keys k ON k.case_id = c.id
             WHERE c.id = found.id AND c.site = $1 AND c.closed_at IS NULL
             ORDER BY (c.email_hash IS NOT DISTINCT FROM $2) DESC, c.id DESC
             LIMIT 1",
        )
        .bind(site.as_str())
        .bind(email_hash.map(|hash| hash.0.to_vec()))
        .bind(person_hash.map(|hash| hash.0.to_vec()))
        .fetch_optional(&mut **self)
        .await?;
        rows.map(|row| read_case(&row, &self.key)).transpose()
    }
}

impl Tx {
    /// Stores that a departure or an erasure request of this person id joined an open case.
    #[instrument(name = "store.case.join", skip_all, fields(case.id = %case_id))]
    pub async fn join_case(&mut self, case_id: CaseId, person_hash: KeyedHash) -> Result<(), StoreError> {
        query("INSERT INTO case_people (person_hash, case_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(person_hash.0.as_slice())
            .bind(case_id.to_string())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Whether a departure or an erasure request of another person id of this source joined the case.
    #[instrument(name = "store.case.has_other_people", skip_all, fields(case.id = %case_id), err)]
    pub async fn has_other_people(
        &mut self,
        case_id: CaseId,
        source: &SourceName,
        person_hash: KeyedHash,
    ) -> Result<bool, StoreError> {
        let row = query(
            "SELECT 1
             FROM case_people j
                 JOIN people p ON p.source = $1 AND p.person_hash = j.person_hash
             WHERE j.case_id = $2 AND j.person_hash <> $3",
        )
        .bind(source.as_str())
        .bind(case_id.to_string())
        .bind(person_hash.0.as_slice())
        .fetch_optional(&mut **self)
        .await?;
        Ok(row.is_some())
    }

    /// All open cases of this email address, of this person id, and those that a departure of this person id joined,
    /// oldest first.
    #[instrument(name = "store.case.find_all_open", skip_all, err)]
    pub async fn open_cases_of(
        &mut self,
        site: &SiteName,
        email_hash: Option<KeyedHash>,
        person_hash: Option<KeyedHash>,
    ) -> Result<Vec<CaseRecord>, StoreError> {
        let rows = query(
            "SELECT c.*, k.sealed AS sealed_key
             FROM (
                 SELECT id
                 FROM cases
                 WHERE email_hash = $2
                 UNION
                 SELECT id
                 FROM cases
                 WHERE person_hash = $3
                 UNION
                 SELECT case_id
                 FROM case_people
                 WHERE person_hash = $3) found
                 CROSS JOIN cases c
                 LEFT JOIN case_keys k ON k.case_id = c.id
             WHERE c.id = found.id AND c.site = $1 AND c.closed_at IS NULL
             ORDER BY c.id",
        )
        .bind(site.as_str())
        .bind(email_hash.map(|hash| hash.0.to_vec()))
        .bind(person_hash.map(|hash| hash.0.to_vec()))
        .fetch_all(&mut **self)
        .await?;
        rows.iter().map(|row| read_case(row, &self.key)).collect()
    }
}

impl Store {
    #[instrument(name = "store.case.read", skip_all, fields(case.id = %id), err)]
    pub async fn case(&self, id: CaseId) -> Result<Option<CaseRecord>, StoreError> {
        find_case(&mut self.reader.acquire().await?, id, &self.key).await
    }

    /// The cases whose id ends with these hexadecimal digits: at most two, since more than one is ambiguous.
    #[instrument(name = "store.case.ending", skip_all, err)]
    pub async fn cases_ending(&self, end: &str) -> Result<Vec<CaseId>, StoreError> {
        let rows = query("SELECT id FROM cases WHERE substr(id, LENGTH(id) - LENGTH($1) + 1) = $1 LIMIT 2")
            .bind(end)
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(|row| RowReader { what: "case", row }.word("id")).collect()
    }

    /// Cases in the order of the filter.
    #[instrument(name = "store.case.list", skip_all, err)]
    pub async fn cases(&self, filter: &CaseFilter) -> Result<Page<CaseRecord>, StoreError> {
        let of_person = filter.email_hashes.is_some() || filter.person_hashes.is_some();
        let text = match filter.sort {
            CaseSort::Newest | CaseSort::Next if of_person => dialect::LIST_CASES_OF_PERSON,
            CaseSort::Newest => dialect::LIST_CASES,
            CaseSort::Next if filter.matches_most() => dialect::LIST_MOST_CASES_BY_NEXT,
            CaseSort::Next => dialect::LIST_CASES_BY_NEXT,
        };
        let mut listing = query(text)
            .bind(filter.state.map(StateName::as_str))
            .bind(filter.source.as_ref().map(SourceName::as_str))
            .bind(filter.site.as_ref().map(SiteName::as_str))
            .bind(filter.held.map(Hold::as_str))
            .bind(filter.attention)
            .bind(filter.cursor.map(|id| id.to_string()))
            .bind(i64::try_from(filter.limit.saturating_add(1)).unwrap_or(i64::MAX));
        if of_person {
            listing = listing
                .bind(listed(filter.email_hashes.as_deref())?)
                .bind(listed(filter.person_hashes.as_deref())?)
                .bind(filter.sort == CaseSort::Next);
        }
        let rows = listing.fetch_all(&self.reader).await?;
        // The page is cut by its rows, so that a row that cannot be read does not end the list.
        let ids: Vec<String> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let page = Page::of(ids, filter.limit, String::clone);
        let shown = rows.get(..page.items.len()).unwrap_or_default();
        Ok(Page { items: readable(shown, &self.key)?, next: page.next })
    }

    /// The open cases that a bulk action may concern, oldest first, without the data about their persons. A case that
    /// cannot be read is omitted and stays unchanged.
    #[instrument(name = "store.case.open_cases", skip_all, err)]
    pub async fn open_cases(&self, filter: &BulkFilter<'_>) -> Result<Vec<Case>, StoreError> {
        let rows = query(
            "SELECT c.*, NULL AS sealed_key
             FROM cases c
             WHERE c.closed_at IS NULL
                 AND ($1 IS NULL OR c.state = $1)
                 AND ($2 IS NULL OR c.held = $2)
                 AND ($3 IS NULL OR c.source = $3)
                 AND ($4 IS NULL OR c.site = $4)
                 AND ($5 IS NULL OR c.terms ->> 'requested_by' = $5)
                 AND ($6 IS NULL OR CASE WHEN c.state IN ('needs_attention', 'restoring') THEN 1 ELSE 0 END = $6)
             ORDER BY c.id",
        )
        .bind(filter.state.map(StateName::as_str))
        .bind(filter.held.map(Hold::as_str))
        .bind(filter.source.map(SourceName::as_str))
        .bind(filter.site.map(SiteName::as_str))
        .bind(filter.requested_by)
        .bind(filter.attention)
        .fetch_all(&self.reader)
        .await?;
        readable(&rows, &self.key).map(|records| records.into_iter().map(|record| record.case).collect())
    }

    /// The number of cases in each state on each site.
    #[instrument(name = "store.case.count", skip_all, err)]
    pub async fn count_cases(&self) -> Result<Vec<(SiteName, StateName, u64)>, StoreError> {
        let rows = query("SELECT site AS id, site, state, COUNT(*) AS count FROM cases GROUP BY site, state")
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "case", row };
                Ok((reader.word("site")?, reader.word("state")?, reader.count("count")?.into()))
            })
            .collect()
    }
}

/// Hashes as a JSON list of hexadecimal digits.
fn listed(hashes: Option<&[KeyedHash]>) -> Result<Option<String>, StoreError> {
    let digits = |hashes: &[KeyedHash]| hashes.iter().map(|hash| hex::encode_upper(hash.0)).collect::<Vec<_>>();
    hashes.map(|hashes| to_json(&digits(hashes))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, KeyLocation};

    #[tokio::test]
    async fn person_is_found_by_the_indexes_of_the_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Database::file(&path, KeyLocation::Given([7; 32])).open().await.unwrap();
        let reader = rusqlite::Connection::open(&path).unwrap();
        let text = format!("EXPLAIN QUERY PLAN {}", dialect::LIST_CASES_OF_PERSON);
        let mut statement = reader.prepare(&text).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan += &(row.get::<_, String>("detail").unwrap() + "\n");
        }
        for index in ["cases_by_address (email_hash=?)", "cases_by_person_id (person_hash=?)"] {
            assert!(plan.contains(index), "{plan}");
        }
        for scan in ["SCAN c\n", "SCAN c USING", "SCAN cases"] {
            assert!(!plan.contains(scan), "{plan}");
        }
        store.close().await;
    }
}
