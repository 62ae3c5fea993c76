//! The walk over the history: the journal, every case with its job, and the rows that decide. It finds what was changed by
//! another hand.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tracing::instrument;

use super::cases::{CaseRecord, read_case};
use super::integrity::{FenceReason, Finding};
use super::jobs::{due_code, urgencies};
use super::open::load_keys_of_copy;
use super::row::RowReader;
use super::sql::{Pool, Row, query};
use super::{Database, KeyLocation, Store, StoreError, guarded, journal, period_keys};
use crate::domain::case::JobKind;
use crate::domain::ids::{JobId, SiteName, SourceName};
use crate::proof::seal::{CaseKey, MasterKey};

/// The number of cases, or of entries of the journal, that are verified in one read.
const PART: i64 = 500;

/// Each case with its key, its open job, and the version that the newest entry of the journal states.
const CASES: &str = "SELECT
         c.*,
         NULL AS sealed_key,
         k.sealed AS case_key,
         o.id AS job_id,
         o.kind AS job_kind,
         o.site AS job_site,
         o.source AS job_source,
         o.urgency AS job_urgency,
         o.due_at AS job_due_at,
         o.code AS job_code,
         (
             SELECT CAST(CASE WHEN json_valid(j.detail) THEN j.detail ->> 'version' END AS TEXT)
             FROM journal j
             WHERE j.case_id = c.id AND CASE WHEN json_valid(j.detail) THEN j.detail ->> 'version' END IS NOT NULL
             ORDER BY j.seq DESC
             LIMIT 1) AS journaled_version
     FROM cases c
         LEFT JOIN case_keys k ON k.case_id = c.id
         LEFT JOIN jobs o ON o.case_id = c.id AND o.state IN ('queued', 'running')
     WHERE c.id > $1
     ORDER BY c.id
     LIMIT $2";

/// The cases of these entries of the journal that are not stored, and were not deleted by age.
const MISSING: &str = "SELECT j.case_id
     FROM journal j
     WHERE j.seq > $1
         AND j.seq <= $2
         AND j.kind = 'opened'
         AND NOT EXISTS (SELECT 1 FROM cases WHERE id = j.case_id)
         AND NOT EXISTS (SELECT 1 FROM journal d WHERE d.case_id = j.case_id AND d.kind = 'expired')";

impl Store {
    /// Returns everything that was changed by another hand.
    #[instrument(name = "store.verification.walk", skip_all, err)]
    pub async fn verify_history(&self) -> Result<Vec<Finding>, StoreError> {
        findings(&self.reader, &self.key, true).await
    }
}

impl Database {
    /// [`Store::verify_history`] of a file beside a daemon, or of a backup. Changes nothing, and creates no key.
    #[instrument(name = "store.verification.walk_file", skip_all, err)]
    pub async fn verify_history(&self) -> Result<Vec<Finding>, StoreError> {
        if self.server.is_some() {
            let store = self.open_existing().await?;
            let found = store.verify_history().await;
            store.close().await;
            return found;
        }
        let options = SqliteConnectOptions::new().filename(&self.path).read_only(true);
        let pool = Pool::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?);
        let found = async {
            let mut connection = pool.acquire().await?;
            let key = load_keys_of_copy(&mut connection, &self.keys(true)?).await?;
            drop(connection);
            // A backup is authentic, too, after the secrets that open it were deleted.
            let periods = self.period_file();
            let opens = periods.exists();
            if opens {
                key.set_periods(&period_keys::read(&periods)?);
            }
            findings(&pool, &key, opens).await
        };
        let found = found.await;
        pool.close().await;
        found
    }

    /// The same database in another file, such as a backup, with the key of this one.
    pub fn copy_at(&self, path: &Path) -> Result<Self, StoreError> {
        let mut keys = self.keys(true)?.into_iter();
        let bytes = keys.next().ok_or(StoreError::WrongKey)?;
        let key = KeyLocation::Read { bytes, old: keys.collect(), from: None, parse: |_| None };
        Ok(Self::file(path, key))
    }
}

/// `opens`: the keys of open cases must open.
async fn findings(pool: &Pool, key: &MasterKey, opens: bool) -> Result<Vec<Finding>, StoreError> {
    let mut findings: Vec<_> = journal::breaks(pool, key).await?.into_iter().map(Finding::of).collect();
    findings.extend(guarded::altered_tables(pool, key).await?);
    findings.extend(altered_cases(pool, key, opens).await?);
    findings.extend(missing_cases(pool).await?);
    Ok(findings)
}

fn changed(detail: String) -> Finding {
    Finding { reason: FenceReason::Changed, detail }
}

/// The cases whose row, key or job is not as a holder of the key wrote it last.
async fn altered_cases(pool: &Pool, key: &MasterKey, opens: bool) -> Result<Vec<Finding>, StoreError> {
    let (mut last, mut findings) = (String::new(), Vec::new());
    loop {
        let rows = query(CASES).bind(&last).bind(PART).fetch_all(pool).await?;
        let Some(newest) = rows.last() else { return Ok(findings) };
        last = newest.try_get("id")?;
        for row in &rows {
            let id: String = row.try_get("id")?;
            let why = match read_case(row, key) {
                Ok(record) => match fault_of(&record, row, key, opens) {
                    Ok(fault) => fault.map(str::to_owned),
                    Err(error) if error.is_about_one_row() => Some("has a job that cannot be read".to_owned()),
                    Err(error) => return Err(error),
                },
                Err(error) if error.is_about_one_row() => {
                    tracing::error!(%error, "a case cannot be read");
                    // Not the error's text, which may quote a value of the row.
                    Some("was changed by another hand, or is damaged".to_owned())
                }
                Err(error) => return Err(error),
            };
            findings.extend(why.map(|why| changed(format!("rows: case {id} {why}"))));
        }
    }
}

/// What is wrong with a case that can be read.
fn fault_of(record: &CaseRecord, row: &Row, key: &MasterKey, opens: bool) -> Result<Option<&'static str>, StoreError> {
    if row.try_get::<Option<String>>("journaled_version")? != Some(record.version.to_string()) {
        return Ok(Some("is an earlier version of itself: the journal states a newer one"));
    }
    let is_closed = record.case.state.name().is_closed();
    let case_key: Option<&[u8]> = row.try_get("case_key")?;
    if case_key.is_some() == is_closed {
        return Ok(Some(if is_closed { "is closed and has a key" } else { "has lost its key" }));
    }
    let does_not_open = |sealed: &[u8]| CaseKey::unseal(key, record.case.id.as_bytes(), sealed).is_err();
    if opens && case_key.is_some_and(does_not_open) {
        return Ok(Some("has a key that was changed by another hand, or is damaged"));
    }
    let reader = RowReader { what: "case", row };
    let (wanted, job_id) = (record.case.job_wanted(), reader.word_if_any::<JobId>("job_id")?);
    let (Some(wanted), Some(job_id)) = (wanted, job_id) else {
        let is_as_wanted = wanted.is_none() && job_id.is_none();
        return Ok((!is_as_wanted).then_some("and its job do not belong together: it lacks a job, or has one too many"));
    };
    let kind: JobKind = reader.word("job_kind")?;
    let (site, source): (SiteName, Option<SourceName>) = (reader.word("job_site")?, reader.word_if_any("job_source")?);
    let is_of_case = kind == wanted.kind
        && site == record.case.site
        && source == record.case.source
        && urgencies(kind).contains(&row.try_get("job_urgency")?);
    let code = due_code(key, job_id, reader.at("job_due_at")?);
    let is_authentic = row.try_get::<Option<&[u8]>>("job_code")? == Some(code.as_slice());
    Ok((!is_of_case || !is_authentic).then_some("has a job that was changed by another hand"))
}

/// The cases that the journal opened and that are not stored.
async fn missing_cases(pool: &Pool) -> Result<Vec<Finding>, StoreError> {
    let newest = query("SELECT COALESCE(MAX(seq), 0) AS newest FROM journal").fetch_one(pool).await?;
    let newest: i64 = newest.try_get("newest")?;
    let (mut seq, mut findings) = (0, Vec::new());
    while seq < newest {
        let until = seq.saturating_add(PART).min(newest);
        let rows = query(MISSING).bind(seq).bind(until).fetch_all(pool).await?;
        for row in rows {
            let id: Option<String> = row.try_get("case_id")?;
            let id = id.unwrap_or_default();
            findings.push(changed(format!("rows: case {id} was deleted by another hand")));
        }
        seq = until;
    }
    Ok(findings)
}
