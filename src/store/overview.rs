//! What the console shows beside single cases: the tasks of the navigation, what comes next, what was done, and the journal.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tracing::instrument;

use super::cases::readable;
use super::jobs::{read_job, urgencies};
use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::{DeliveryStatus, JobRow, Page, Store, StoreError};
use crate::domain::case::{Case, JobKind};
use crate::domain::ids::{CaseId, SiteName, SourceName};

/// The maximum of entries that one search of the journal reads.
const SEARCHED: i64 = 20_000;

const HOUR_MS: i64 = 3_600_000;

/// The maximum of deliveries that are counted by the hour.
const COUNTED: i64 = 50_000;

/// The number of tasks behind each entry of the navigation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Badges {
    /// Cases that need a human.
    pub attention: u32,
    pub held: u32,
    pub unreadable: u32,
    pub frozen_sources: u32,
    pub paused_sites: u32,
    pub fenced: bool,
}

/// Calls that are planned for one hour.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    pub kind: JobKind,
    /// The beginning of the hour.
    pub hour: Timestamp,
    pub jobs: u32,
}

/// The deliveries of a source that were received in one hour.
#[derive(Debug, Clone)]
pub struct DeliveriesOfHour {
    pub source: SourceName,
    pub status: DeliveryStatus,
    /// The beginning of the hour.
    pub hour: Timestamp,
    pub deliveries: u32,
}

/// An entry of the journal.
#[derive(Debug, Clone)]
pub struct JournalRow {
    pub seq: i64,
    pub at: Timestamp,
    pub case_id: Option<CaseId>,
    pub kind: String,
    pub detail: String,
}

/// The entries to list.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    pub case_id: Option<CaseId>,
    pub kinds: Vec<&'static str>,
    /// The last entry of the previous page.
    pub cursor: Option<i64>,
    pub limit: usize,
}

impl Store {
    #[instrument(name = "store.overview.badges", skip_all, err)]
    pub async fn badges(&self) -> Result<Badges, StoreError> {
        let row = query(
            "SELECT
                 '' AS id,
                 (SELECT COUNT(*) FROM cases WHERE attention IS NOT NULL)
                     + (SELECT COUNT(*) FROM cases WHERE state = 'restoring') AS attention,
                 (SELECT COUNT(*) FROM cases WHERE held IS NOT NULL) AS held,
                 (SELECT COUNT(*) FROM deliveries WHERE status = 'unreadable') AS unreadable,
                 (SELECT COUNT(*) FROM sources WHERE braked_at IS NOT NULL) AS frozen,
                 (SELECT COUNT(*) FROM sites WHERE paused_at IS NOT NULL) AS paused,
                 (SELECT COUNT(*) FROM fences WHERE lifted_at IS NULL) AS fences",
        )
        .fetch_one(&self.reader)
        .await?;
        let reader = RowReader { what: "badge", row: &row };
        Ok(Badges {
            attention: reader.count("attention")?,
            held: reader.count("held")?,
            unreadable: reader.count("unreadable")?,
            frozen_sources: reader.count("frozen")?,
            paused_sites: reader.count("paused")?,
            fenced: reader.count("fences")? > 0,
        })
    }

    /// The revokes and deletions that are queued until a time, by the hour. What is due already counts for the hour of `now`.
    #[instrument(name = "store.overview.planned", skip_all, err)]
    pub async fn planned(
        &self,
        sites: &[&SiteName],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Planned>, StoreError> {
        let this_hour = millis(now).div_euclid(HOUR_MS).saturating_mul(HOUR_MS);
        let mut planned = Vec::new();
        for (site, kind, urgency) in queues(sites) {
            // Each hour is one range of the queue's index. Sorting the jobs by their hour takes five times as long.
            let rows = query(
                "WITH RECURSIVE hours (hour, begins_at, ends_at) AS (
                     SELECT $1, $2, $1 + $3
                     UNION ALL
                     SELECT ends_at, ends_at, ends_at + $3
                     FROM hours
                     WHERE ends_at < $4)
                 SELECT
                     hour AS id,
                     hour,
                     (SELECT COUNT(*)
                      FROM jobs
                      WHERE state = 'queued' AND site = $5 AND urgency = $6 AND due_at >= begins_at AND due_at < ends_at
                          AND due_at < $4 AND kind = $7) AS jobs
                 FROM hours",
            )
            .bind(this_hour)
            .bind(0_i64)
            .bind(HOUR_MS)
            .bind(millis(until))
            .bind(site.as_str())
            .bind(urgency)
            .bind(kind.as_str())
            .fetch_all(&self.reader)
            .await?;
            for row in &rows {
                let reader = RowReader { what: "hour", row };
                let jobs = reader.count("jobs")?;
                if jobs > 0 {
                    planned.push(Planned { kind, hour: reader.at("hour")?, jobs });
                }
            }
        }
        Ok(planned)
    }

    /// The next revokes and deletions, in the order of their time.
    #[instrument(name = "store.overview.next", skip_all, err)]
    pub async fn next_calls(&self, sites: &[&SiteName], limit: u32) -> Result<Vec<JobRow>, StoreError> {
        let mut jobs = Vec::new();
        for (site, kind, urgency) in queues(sites) {
            let rows = query(
                "SELECT *
                 FROM jobs
                 WHERE state = 'queued' AND site = $1 AND urgency = $2 AND kind = $3
                 ORDER BY due_at
                 LIMIT $4",
            )
            .bind(site.as_str())
            .bind(urgency)
            .bind(kind.as_str())
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
            for row in &rows {
                jobs.push(read_job(row)?);
            }
        }
        jobs.sort_by_key(|job| job.due_at);
        jobs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(jobs)
    }

    /// The deliveries of each source since a time, by the hour; of many deliveries the newest.
    #[instrument(name = "store.overview.deliveries", skip_all, err)]
    pub async fn deliveries_by_day(&self, since: Timestamp) -> Result<Vec<DeliveriesOfHour>, StoreError> {
        let rows = query(
            "SELECT source AS id, source, status, received_at / 3600000 * 3600000 AS hour, COUNT(*) AS deliveries
             FROM deliveries
             WHERE seq > (SELECT COALESCE(MAX(seq), 0) FROM deliveries) - $1 AND received_at >= $2
             GROUP BY source, status, received_at / 3600000",
        )
        .bind(COUNTED)
        .bind(millis(since))
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "delivery", row };
                Ok(DeliveriesOfHour {
                    source: reader.word("source")?,
                    status: reader.word("status")?,
                    hour: reader.at("hour")?,
                    deliveries: reader.count("deliveries")?,
                })
            })
            .collect()
    }

    /// Up to `limit` cases that wait for an approval, without the data about their persons.
    #[instrument(name = "store.overview.awaiting_approval", skip_all, err)]
    pub async fn cases_awaiting_approval(&self, limit: u32) -> Result<Vec<Case>, StoreError> {
        let rows = query(
            "SELECT c.*, NULL AS sealed_key
             FROM cases c
             WHERE c.held = 'approval'
             ORDER BY c.site, c.id
             LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        readable(&rows, &self.key).map(|records| records.into_iter().map(|record| record.case).collect())
    }

    /// What was done since a time, newest first.
    #[instrument(name = "store.overview.outcomes", skip_all, err)]
    pub async fn outcomes(&self, since: Timestamp, limit: u32) -> Result<Vec<JournalRow>, StoreError> {
        let rows = query(
            "SELECT seq AS id, seq, at, case_id, kind, detail
             FROM journal
             WHERE kind IN ('revoke_confirmed', 'deletion_accepted', 'gone_confirmed', 'account_missing', 'grant_seen',
                     'reinvited', 'cancelled', 'stopped', 'attention_needed')
                 AND at >= $1
             ORDER BY at DESC, seq DESC
             LIMIT $2",
        )
        .bind(millis(since))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(read_entry).collect()
    }

    /// Entries of the journal, newest first. A search reads the newest entries before the cursor only.
    #[instrument(name = "store.overview.journal", skip_all, err)]
    pub async fn journal(&self, filter: &JournalFilter) -> Result<Page<JournalRow>, StoreError> {
        let kinds = (!filter.kinds.is_empty()).then(|| serde_json::json!(filter.kinds).to_string());
        let text = if filter.case_id.is_some() { super::dialect::JOURNAL_OF_CASE } else { super::dialect::JOURNAL };
        let rows = query(text)
            .bind(filter.case_id.map(|id| id.to_string()))
            .bind(kinds)
            .bind(filter.cursor)
            .bind(i64::try_from(filter.limit.saturating_add(1)).unwrap_or(i64::MAX))
            .bind(SEARCHED)
            .fetch_all(&self.reader)
            .await?;
        let items: Result<Vec<JournalRow>, StoreError> = rows.iter().map(read_entry).collect();
        Ok(Page::of(items?, filter.limit, |row| row.seq.to_string()))
    }
}

/// The queues in which the revokes and deletions of these sites wait: each is a part of the queue's index in the order of
/// its due times.
fn queues<'a>(sites: &'a [&'a SiteName]) -> impl Iterator<Item = (&'a SiteName, JobKind, i64)> {
    sites.iter().copied().flat_map(|site| {
        [JobKind::Revoke, JobKind::Delete].into_iter().flat_map(move |kind| {
            let urgencies: BTreeSet<i64> = urgencies(kind).into();
            urgencies.into_iter().map(move |urgency| (site, kind, urgency))
        })
    })
}

fn read_entry(row: &Row) -> Result<JournalRow, StoreError> {
    let reader = RowReader { what: "journal entry", row };
    Ok(JournalRow {
        seq: row.try_get("seq")?,
        at: reader.at("at")?,
        case_id: reader.word_if_any("case_id")?,
        kind: reader.text("kind")?,
        detail: reader.text("detail")?,
    })
}
