//! Counts for the status and the metrics.

use std::cmp::Reverse;

use jiff::Timestamp;
use tracing::instrument;

use super::row::RowReader;
use super::sql::query;
use super::{Store, StoreError};
use crate::domain::case::{AttentionReason, Hold};
use crate::domain::ids::{SiteName, SourceName};

/// What waits for a human.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    pub held: Vec<(SiteName, Hold, u64)>,
    /// By site and reason. Cases that wait for granted access count as `grant_needed`.
    pub attention: Vec<AttentionCount>,
    /// Deliveries that could not be read.
    pub unreadable: u64,
    /// Deliveries that are not read yet.
    pub unread: u64,
}

impl Overview {
    /// The cases that need a human by reason, most frequent first, with the longest wait.
    pub fn attention_by_reason(&self) -> Vec<(AttentionReason, u64, Timestamp)> {
        let mut reasons: Vec<(AttentionReason, u64, Timestamp)> = Vec::new();
        for AttentionCount { reason, cases, since, .. } in &self.attention {
            match reasons.iter_mut().find(|(known, ..)| known == reason) {
                Some((_, sum, oldest)) => (*sum, *oldest) = (sum.saturating_add(*cases), (*oldest).min(*since)),
                None => reasons.push((*reason, *cases, *since)),
            }
        }
        reasons.sort_by_key(|(reason, cases, _)| (Reverse(*cases), reason.as_str()));
        reasons
    }

    /// The held cases by what they wait for, most frequent first.
    pub fn held_by_reason(&self) -> Vec<(Hold, u64)> {
        let mut holds: Vec<(Hold, u64)> = Vec::new();
        for (_, hold, cases) in &self.held {
            match holds.iter_mut().find(|(known, _)| known == hold) {
                Some((_, sum)) => *sum = sum.saturating_add(*cases),
                None => holds.push((*hold, *cases)),
            }
        }
        holds.sort_by_key(|(hold, cases)| (Reverse(*cases), hold.as_str()));
        holds
    }
}

/// The cases of a site that need a human for one reason.
#[derive(Debug, Clone)]
pub struct AttentionCount {
    pub site: SiteName,
    pub reason: AttentionReason,
    pub cases: u64,
    /// The longest wait among them.
    pub since: Timestamp,
}

impl Store {
    #[instrument(name = "store.overview", skip_all, err)]
    pub async fn overview(&self) -> Result<Overview, StoreError> {
        let deliveries = query(
            "SELECT
                 (SELECT COUNT(*) FROM deliveries WHERE status = 'unreadable') AS unreadable,
                 (SELECT COUNT(*) FROM deliveries WHERE status = 'received') AS unread",
        )
        .fetch_one(&self.reader)
        .await?;
        let count = |column: &str| {
            Ok::<u64, StoreError>(RowReader { what: "delivery", row: &deliveries }.count(column)?.into())
        };
        Ok(Overview {
            held: self.held().await?,
            attention: self.attention().await?,
            unreadable: count("unreadable")?,
            unread: count("unread")?,
        })
    }

    async fn held(&self) -> Result<Vec<(SiteName, Hold, u64)>, StoreError> {
        let rows = query(
            "SELECT site AS id, site, held, COUNT(*) AS count
             FROM cases
             WHERE held IS NOT NULL
             GROUP BY held, site",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "case", row };
                Ok((reader.word("site")?, reader.word("held")?, reader.count("count")?.into()))
            })
            .collect()
    }

    async fn attention(&self) -> Result<Vec<AttentionCount>, StoreError> {
        let rows = query(
            "SELECT site AS id, site, attention AS reason, COUNT(*) AS cases, MIN(since) AS since
             FROM cases
             WHERE attention IS NOT NULL
             GROUP BY site, attention
             UNION ALL
             SELECT site, site, 'grant_needed', COUNT(*), MIN(since)
             FROM cases
             WHERE state = 'restoring'
             GROUP BY site",
        )
        .fetch_all(&self.reader)
        .await?;
        let mut counts: Vec<AttentionCount> = Vec::new();
        for row in &rows {
            let reader = RowReader { what: "case", row };
            let (site, reason): (SiteName, AttentionReason) = (reader.word("site")?, reader.word("reason")?);
            let (cases, since) = (reader.count("cases")?.into(), reader.at("since")?);
            match counts.iter_mut().find(|known| known.site == site && known.reason == reason) {
                Some(known) => (known.cases, known.since) = (known.cases.saturating_add(cases), known.since.min(since)),
                None => counts.push(AttentionCount { site, reason, cases, since }),
            }
        }
        Ok(counts)
    }

    /// Whether there was ever a case.
    #[instrument(name = "store.case.any", skip_all, err)]
    pub async fn has_cases(&self) -> Result<bool, StoreError> {
        let row = query("SELECT EXISTS (SELECT 1 FROM cases) AS known").fetch_one(&self.reader).await?;
        Ok(row.try_get("known")?)
    }

    /// The sites of all cases, also those that are no longer configured.
    #[instrument(name = "store.case.sites", skip_all, err)]
    pub async fn sites_of_cases(&self) -> Result<Vec<SiteName>, StoreError> {
        let rows = query("SELECT DISTINCT site AS id, site FROM cases ORDER BY site").fetch_all(&self.reader).await?;
        rows.iter().map(|row| RowReader { what: "case", row }.word("site")).collect()
    }

    /// The sources of all cases, also those that are no longer configured.
    #[instrument(name = "store.case.sources", skip_all, err)]
    pub async fn sources_of_cases(&self) -> Result<Vec<SourceName>, StoreError> {
        let rows = query("SELECT DISTINCT source AS id, source FROM cases WHERE source IS NOT NULL ORDER BY source")
            .fetch_all(&self.reader)
            .await?;
        let names = rows.iter().map(|row| RowReader { what: "case", row }.word("source"));
        names.collect()
    }

    /// Whether anything was ever received from or stored for this source.
    #[instrument(name = "store.source.is_known", skip_all, fields(source = %source), err)]
    pub async fn is_known_source(&self, source: &SourceName) -> Result<bool, StoreError> {
        let row = query(
            "SELECT EXISTS (SELECT 1 FROM sources WHERE name = $1) OR EXISTS (SELECT 1 FROM cases WHERE source = $1) AS known",
        )
        .bind(source.as_str())
        .fetch_one(&self.reader)
        .await?;
        Ok(row.try_get("known")?)
    }

    /// Whether any case is on this site.
    #[instrument(name = "store.site.is_known", skip_all, fields(site = %site), err)]
    pub async fn is_known_site(&self, site: &SiteName) -> Result<bool, StoreError> {
        let row = query("SELECT EXISTS (SELECT 1 FROM cases WHERE site = $1) AS known")
            .bind(site.as_str())
            .fetch_one(&self.reader)
            .await?;
        Ok(row.try_get("known")?)
    }
}
