//! `/sites`: list, resume.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::extract::{Body, Params, ReasonBody, SitePath};
use super::list::List;
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::case::JobKind;
use crate::domain::ids::SiteName;
use crate::store::PausedKind;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SiteView {
    pub(crate) name: SiteName,
    pub(crate) url: Url,
    /// `None` unless the site is paused.
    pub(crate) paused_at: Option<Timestamp>,
    /// Why the site is paused, and the fix.
    pub(crate) reason: Option<String>,
    /// Kinds of jobs that are paused because the site rejects their call.
    #[serde(default)]
    pub(crate) paused_calls: Vec<PausedCall>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PausedCall {
    pub(crate) kind: JobKind,
    pub(crate) paused_at: Timestamp,
    /// The rejected call, and the fix.
    pub(crate) reason: String,
}

pub(super) async fn list(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<List<SiteView>>, ApiError> {
    params.finish()?;
    Ok(Json(List::whole(views(&admin).await?)))
}

/// Resumes a site and its paused calls. A reason is accepted and not stored: no case key could seal it.
pub(super) async fn resume(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    SitePath(name): SitePath,
    Body(_): Body<ReasonBody>,
) -> Result<Json<SiteView>, ApiError> {
    if !admin.sites.contains_key(&name) {
        return Err(ApiError::NotFound("site"));
    }
    let mut tx = admin.store.begin().await?;
    tx.resume_site(&name, &caller.name, admin.clock.now()).await?;
    tx.resume_kinds(&name, None, &caller.name, admin.clock.now()).await?;
    tx.commit().await?;
    admin.wake();
    let view = views(&admin).await?.into_iter().find(|view| view.name == name);
    view.map(Json).ok_or(ApiError::NotFound("site"))
}

async fn views(admin: &AdminState) -> Result<Vec<SiteView>, ApiError> {
    let standing = admin.store.sites().await?;
    let view = |(name, configured): (&SiteName, &crate::admin::state::ConfiguredSite)| {
        let standing = standing.iter().find(|standing| standing.name == *name);
        SiteView {
            name: name.clone(),
            url: configured.url.clone(),
            paused_at: standing.and_then(|standing| standing.paused_at),
            reason: standing.and_then(|standing| standing.reason.clone()),
            paused_calls: standing
                .map(|standing| standing.paused_kinds.iter().map(paused_call).collect())
                .unwrap_or_default(),
        }
    };
    Ok(admin.sites.iter().map(view).collect())
}

fn paused_call(paused: &PausedKind) -> PausedCall {
    PausedCall { kind: paused.kind, paused_at: paused.paused_at, reason: paused.reason.clone() }
}
