//! What prevents the calls of a case, although its own state allows them: a fence, a pause, a brake.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::blocked::BlockedBy;
use crate::domain::case::JobKind;
use crate::domain::ids::{SiteName, SourceName};
use crate::store::{Fence, SiteStatus, SourceStatus, Store, StoreError};

/// One thing that prevents calls.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct BlockedView {
    pub(crate) by: BlockedBy,
    /// The name of the site or the source.
    pub(crate) name: Option<String>,
    pub(crate) since: Option<Timestamp>,
    /// What it means, and how it ends.
    pub(crate) meaning: String,
}

/// Everything that prevents calls at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks {
    fences: Vec<Fence>,
    sites: BTreeMap<SiteName, SiteStatus>,
    sources: BTreeMap<SourceName, SourceStatus>,
}

impl Blocks {
    pub(crate) async fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            fences: store.fences().await?,
            sites: store.sites().await?.into_iter().map(|site| (site.name.clone(), site)).collect(),
            sources: store.sources().await?.into_iter().map(|source| (source.name.clone(), source)).collect(),
        })
    }

    /// What prevents the calls of a case; `kind` is the kind of its open job.
    pub(crate) fn of(&self, site: &SiteName, source: Option<&SourceName>, kind: Option<JobKind>) -> Vec<BlockedView> {
        let mut blocked: Vec<_> = self.fence().into_iter().collect();
        if let Some(status) = self.sites.get(site) {
            blocked.extend(of_site(status, kind));
        }
        if let Some(status) = source.and_then(|source| self.sources.get(source)) {
            blocked.extend(of_source(status));
        }
        blocked
    }

    pub(crate) fn fence(&self) -> Option<BlockedView> {
        let oldest = self.fences.first()?;
        let meaning = format!(
            "no change is made at any site: {}; compare the open cases with the site, then `offboardd fence lift`",
            oldest.detail
        );
        Some(BlockedView { by: BlockedBy::Fence, name: None, since: oldest.raised_at, meaning })
    }
}

fn of_site(status: &SiteStatus, kind: Option<JobKind>) -> Vec<BlockedView> {
    let name = &status.name;
    let view = |by, since, meaning| BlockedView { by, name: Some(name.to_string()), since: Some(since), meaning };
    if let Some(since) = status.paused_at {
        let meaning = match (&status.paused_by, &status.reason) {
            (Some(by), _) => format!("{by} paused the site: no call until `offboardd site resume {name}`"),
            (None, reason) => {
                let reason = reason.as_deref().unwrap_or("it rejected a call");
                format!("no call to the site until a probe succeeds: {reason}")
            }
        };
        return vec![view(BlockedBy::SitePaused, since, meaning)];
    }
    let paused = status.paused_kinds.iter().filter(|paused| kind.is_none_or(|kind| kind == paused.kind));
    let view_of_kind = |paused: &crate::store::PausedKind| {
        let meaning = format!("no {} until a probe succeeds: {}", paused.kind, paused.reason);
        view(BlockedBy::CallPaused, paused.paused_at, meaning)
    };
    paused.map(view_of_kind).collect()
}

fn of_source(status: &SourceStatus) -> Vec<BlockedView> {
    let name = &status.name;
    let view = |by, since, meaning| BlockedView { by, name: Some(name.to_string()), since: Some(since), meaning };
    let paused = status.paused_at.map(|since| {
        let by = status.paused_by.as_deref().unwrap_or("an operator");
        let meaning = format!("{by} paused the source: no call for its cases until `offboardd source resume {name}`");
        view(BlockedBy::SourcePaused, since, meaning)
    });
    let frozen = status.braked_at.map(|since| {
        let why = status.brake.as_deref().unwrap_or("too many departures");
        let meaning = format!(
            "the brake tripped ({why}): the source can only stop cases until `offboardd source release {name}`"
        );
        view(BlockedBy::SourceFrozen, since, meaning)
    });
    paused.into_iter().chain(frozen).collect()
}
