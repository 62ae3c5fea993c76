//! Counts for the status and the metrics.

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
    /// Cases that wait for granted access count as `grant_needed`.
    pub attention: Vec<(SiteName, AttentionReason, u64)>,
    /// Deliveries that could not be read.
    pub unreadable: u64,
    /// Deliveries that are not read yet.
    pub unread: u64,
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
             WHERE state = 'held'
             GROUP BY site, held",
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

    async fn attention(&self) -> Result<Vec<(SiteName, AttentionReason, u64)>, StoreError> {
        let rows = query(
            "SELECT site AS id, site, COALESCE(attention, 'grant_needed') AS reason, COUNT(*) AS count
             FROM cases
             WHERE state IN ('needs_attention', 'restoring')
             GROUP BY site, COALESCE(attention, 'grant_needed')",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "case", row };
                Ok((reader.word("site")?, reader.word("reason")?, reader.count("count")?.into()))
            })
            .collect()
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
