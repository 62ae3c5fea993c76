//! Pauses of sites and sources, and the time of a source's last delivery.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::json;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::sums::Guarded;
use super::{Store, StoreError, Tx};
use crate::domain::case::{Case, JobKind};
use crate::domain::ids::{SiteName, SourceName};

/// The status of a site.
#[derive(Debug, Clone)]
pub struct SiteStatus {
    pub name: SiteName,
    /// When the pause began.
    pub paused_at: Option<Timestamp>,
    /// The reason, and how to fix it.
    pub reason: Option<String>,
    /// The operator who paused it: no probe resumes it. `None`: the daemon did.
    pub paused_by: Option<String>,
    /// The kinds of jobs that are paused while the others run.
    pub paused_kinds: Vec<PausedKind>,
}

/// A kind of jobs that is paused because the site rejects its calls.
#[derive(Debug, Clone)]
pub struct PausedKind {
    pub kind: JobKind,
    pub paused_at: Timestamp,
    /// The rejected call, and how to fix the cause.
    pub reason: String,
}

/// The status of a source.
#[derive(Debug, Clone)]
pub struct SourceStatus {
    pub name: SourceName,
    /// When the pause began.
    pub paused_at: Option<Timestamp>,
    pub paused_by: Option<String>,
    pub last_delivery_at: Option<Timestamp>,
    /// When the source was reported as quiet.
    pub quiet_since: Option<Timestamp>,
    /// When its brake tripped.
    pub braked_at: Option<Timestamp>,
    /// The limit that was exceeded.
    pub brake: Option<String>,
}

impl Tx {
    /// Pauses a site: it gets no calls until it is resumed. Returns false if it was paused before.
    #[instrument(name = "store.site.pause", skip_all, fields(site = %site), err)]
    pub async fn pause_site(&mut self, site: &SiteName, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        let done = query(
            "INSERT INTO sites (name, paused_at, reason)
             VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE
             SET paused_at = $2, reason = $3
             WHERE sites.paused_at IS NULL
             RETURNING *",
        )
        .bind(site.as_str())
        .bind(millis(now))
        .bind(reason)
        .fetch_all(&mut **self)
        .await?;
        let paused = !done.is_empty();
        if paused {
            self.guarded_added(Guarded::Sites, &done)?;
            self.write_journal(None, "site_paused", &json!({ "site": site, "reason": reason }), now).await?;
        }
        Ok(paused)
    }

    /// Pauses a site until an operator resumes it, also one that the daemon paused. Returns false if an operator paused it
    /// before.
    #[instrument(name = "store.site.pause_by_operator", skip_all, fields(site = %site), err)]
    pub async fn pause_site_by_operator(
        &mut self,
        site: &SiteName,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let before = self.site_row(site.as_str()).await?;
        let done = query(
            "INSERT INTO sites (name, paused_at, reason, paused_by)
             VALUES ($1, $2, NULL, $3)
             ON CONFLICT (name) DO UPDATE
             SET paused_at = COALESCE(sites.paused_at, $2), paused_by = $3
             WHERE sites.paused_by IS NULL
             RETURNING *",
        )
        .bind(site.as_str())
        .bind(millis(now))
        .bind(by)
        .fetch_all(&mut **self)
        .await?;
        let paused = !done.is_empty();
        if paused {
            self.guarded_removed(Guarded::Sites, &before)?;
            self.guarded_added(Guarded::Sites, &done)?;
            self.write_journal(None, "site_paused", &json!({ "site": site, "by": by }), now).await?;
        }
        Ok(paused)
    }

    /// Pauses one kind of jobs of a site. Returns false if it was paused before.
    #[instrument(name = "store.site.pause_kind", skip_all, fields(site = %site, job.kind = %kind), err)]
    pub async fn pause_kind(
        &mut self,
        site: &SiteName,
        kind: JobKind,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = query(
            "INSERT INTO paused_kinds (site, kind, paused_at, reason)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (site, kind) DO NOTHING
             RETURNING *",
        )
        .bind(site.as_str())
        .bind(kind.as_str())
        .bind(millis(now))
        .bind(reason)
        .fetch_all(&mut **self)
        .await?;
        let paused = !done.is_empty();
        if paused {
            self.guarded_added(Guarded::PausedKinds, &done)?;
            let detail = json!({ "site": site, "kind": kind, "reason": reason });
            self.write_journal(None, "site_kind_paused", &detail, now).await?;
        }
        Ok(paused)
    }

    /// Resumes one kind of jobs of a site, or all of them. Returns false if none was paused.
    #[instrument(name = "store.site.resume_kinds", skip_all, fields(site = %site), err)]
    pub async fn resume_kinds(
        &mut self,
        site: &SiteName,
        kind: Option<JobKind>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = query("DELETE FROM paused_kinds WHERE site = $1 AND ($2 IS NULL OR kind = $2) RETURNING *")
            .bind(site.as_str())
            .bind(kind.map(JobKind::as_str))
            .fetch_all(&mut **self)
            .await?;
        let resumed = !done.is_empty();
        if resumed {
            self.guarded_removed(Guarded::PausedKinds, &done)?;
            let detail = json!({ "site": site, "kind": kind, "by": by });
            self.write_journal(None, "site_kind_resumed", &detail, now).await?;
        }
        Ok(resumed)
    }

    /// Resumes the jobs of a site. Returns false if it was not paused.
    #[instrument(name = "store.site.resume", skip_all, fields(site = %site), err)]
    pub async fn resume_site(&mut self, site: &SiteName, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let paused = self.site_row(site.as_str()).await?;
        let done = query(
            "UPDATE sites
             SET paused_at = NULL, reason = NULL, paused_by = NULL
             WHERE name = $1 AND paused_at IS NOT NULL",
        )
        .bind(site.as_str())
        .execute(&mut **self)
        .await?
        .rows_affected();
        let resumed = done > 0;
        if resumed {
            self.guarded_removed(Guarded::Sites, &paused)?;
            self.write_journal(None, "site_resumed", &json!({ "site": site, "by": by }), now).await?;
        }
        Ok(resumed)
    }

    /// Resumes a site that the daemon paused, after a probe. Returns false if it was not paused, or by an operator.
    #[instrument(name = "store.site.resume_probed", skip_all, fields(site = %site), err)]
    pub async fn resume_probed_site(&mut self, site: &SiteName, now: Timestamp) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM sites WHERE name = $1 AND paused_by IS NOT NULL")
            .bind(site.as_str())
            .fetch_optional(&mut **self)
            .await?;
        if row.is_some() { Ok(false) } else { self.resume_site(site, "probe", now).await }
    }

    /// Pauses a source: its deliveries are rejected for now, and its jobs wait. Returns false if it was paused before.
    #[instrument(name = "store.source.pause", skip_all, fields(source = %source), err)]
    pub async fn pause_source(&mut self, source: &SourceName, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let before = self.source_row(source.as_str()).await?;
        let done = query(
            "INSERT INTO sources (name, paused_at, paused_by)
             VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE
             SET paused_at = $2, paused_by = $3
             WHERE sources.paused_at IS NULL",
        )
        .bind(source.as_str())
        .bind(millis(now))
        .bind(by)
        .execute(&mut **self)
        .await?
        .rows_affected();
        let paused = done > 0;
        if paused {
            self.count_source_change(source.as_str(), &before).await?;
            self.pausing = Some(self.paused_sources().await?);
            self.delete_waiting_secrets(source).await?;
            self.write_journal(None, "source_paused", &json!({ "source": source, "by": by }), now).await?;
        }
        Ok(paused)
    }

    /// Resumes a paused source. Returns false if it was not paused.
    #[instrument(name = "store.source.resume", skip_all, fields(source = %source), err)]
    pub async fn resume_source(&mut self, source: &SourceName, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let before = self.source_row(source.as_str()).await?;
        let done = query(
            "UPDATE sources
             SET paused_at = NULL, paused_by = NULL
             WHERE name = $1 AND paused_at IS NOT NULL",
        )
        .bind(source.as_str())
        .execute(&mut **self)
        .await?
        .rows_affected();
        let resumed = done > 0;
        if resumed {
            self.count_source_change(source.as_str(), &before).await?;
            self.pausing = Some(self.paused_sources().await?);
            self.write_journal(None, "source_resumed", &json!({ "source": source, "by": by }), now).await?;
        }
        Ok(resumed)
    }

    /// Stores that a source is quiet, or sends again. Returns false if that was known.
    #[instrument(name = "store.source.quiet", skip_all, fields(source = %source), err)]
    pub async fn set_source_quiet(
        &mut self,
        source: &SourceName,
        is_quiet: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = query(
            "INSERT INTO sources (name, quiet_since)
             VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE
             SET quiet_since = $2
             WHERE (sources.quiet_since IS NULL) <> ($2 IS NULL)",
        )
        .bind(source.as_str())
        .bind(is_quiet.then(|| millis(now)))
        .execute(&mut **self)
        .await?
        .rows_affected();
        let changed = done > 0;
        if changed {
            let kind = if is_quiet { "source_quiet" } else { "source_active" };
            self.write_journal(None, kind, &json!({ "source": source }), now).await?;
        }
        Ok(changed)
    }

    /// Whether the jobs of this kind of a case are paused, by its site or by its source.
    pub(super) async fn is_paused(&mut self, case: &Case, kind: JobKind) -> Result<bool, StoreError> {
        let row = query(
            "SELECT EXISTS (SELECT 1 FROM sites WHERE name = $1 AND paused_at IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM paused_kinds WHERE site = $1 AND kind = $2)
                 OR EXISTS (SELECT 1 FROM sources WHERE name = $3 AND paused_at IS NOT NULL) AS is_paused",
        )
        .bind(case.site.as_str())
        .bind(kind.as_str())
        .bind(case.source.as_ref().map(SourceName::as_str))
        .fetch_one(&mut **self)
        .await?;
        Ok(row.try_get("is_paused")?)
    }

    pub(super) async fn paused_sources(&mut self) -> Result<HashSet<SourceName>, StoreError> {
        let rows =
            query("SELECT name AS id, name FROM sources WHERE paused_at IS NOT NULL").fetch_all(&mut **self).await?;
        rows.iter().map(|row| RowReader { what: "source", row }.word("name")).collect()
    }
}

impl Store {
    /// The status of all sites that were ever paused.
    #[instrument(name = "store.site.list", skip_all, err)]
    pub async fn sites(&self) -> Result<Vec<SiteStatus>, StoreError> {
        let rows = query(
            "SELECT name AS id, name, paused_at, reason, paused_by
             FROM sites
             UNION ALL
             SELECT DISTINCT site, site, CAST(NULL AS BIGINT), NULL, NULL
             FROM paused_kinds
             WHERE site NOT IN (SELECT name FROM sites)",
        )
        .fetch_all(&self.reader)
        .await?;
        let mut kinds = self.paused_kinds().await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "site", row };
                let name = reader.word("name")?;
                Ok(SiteStatus {
                    paused_kinds: kinds.remove(&name).unwrap_or_default(),
                    name,
                    paused_at: reader.at_if_any("paused_at")?,
                    reason: reader.text_if_any("reason")?,
                    paused_by: reader.text_if_any("paused_by")?,
                })
            })
            .collect()
    }

    async fn paused_kinds(&self) -> Result<HashMap<SiteName, Vec<PausedKind>>, StoreError> {
        let rows = query(
            "SELECT site AS id, site, kind, paused_at, reason
                 FROM paused_kinds
                 ORDER BY site, kind",
        )
        .fetch_all(&self.reader)
        .await?;
        let mut kinds = HashMap::<SiteName, Vec<PausedKind>>::new();
        for row in &rows {
            let reader = RowReader { what: "paused kind of jobs", row };
            kinds.entry(reader.word("site")?).or_default().push(PausedKind {
                kind: reader.word("kind")?,
                paused_at: reader.at("paused_at")?,
                reason: reader.text_if_any("reason")?.unwrap_or_default(),
            });
        }
        Ok(kinds)
    }

    /// The status of all sources that ever delivered or were paused.
    #[instrument(name = "store.source.list", skip_all, err)]
    pub async fn sources(&self) -> Result<Vec<SourceStatus>, StoreError> {
        let rows = query(
            "SELECT name AS id, name, paused_at, paused_by, last_delivery_at, quiet_since, braked_at, brake
             FROM sources",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "source", row };
                Ok(SourceStatus {
                    name: reader.word("name")?,
                    paused_at: reader.at_if_any("paused_at")?,
                    paused_by: reader.text_if_any("paused_by")?,
                    last_delivery_at: reader.at_if_any("last_delivery_at")?,
                    quiet_since: reader.at_if_any("quiet_since")?,
                    braked_at: reader.at_if_any("braked_at")?,
                    brake: reader.text_if_any("brake")?,
                })
            })
            .collect()
    }
}
