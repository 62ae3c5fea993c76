//! `/sites`: where nothing is called at the moment, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::List;
use super::extract::{Body, Params, ReasonBody, SitePath};
use crate::admin::AdminState;
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::ApiError;
use crate::domain::case::JobKind;
use crate::domain::ids::SiteName;
use crate::store::PausedKind;

/// A site as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SiteView {
    /// Its name.
    pub name: SiteName,
    /// Where it is.
    pub url: Url,
    /// Since when nothing is called there.
    pub paused_at: Option<Timestamp>,
    /// ReasonBody, and how to mend it.
    pub reason: Option<String>,
    /// The kinds of jobs whose call the site rejects, while the others run.
    #[serde(default)]
    pub paused_calls: Vec<PausedCall>,
}

/// A kind of jobs that waits because the site rejects its call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PausedCall {
    /// The kind of jobs.
    pub kind: JobKind,
    /// Since when.
    pub paused_at: Timestamp,
    /// Which call, and how to fix it.
    pub reason: String,
}

/// The sites of the settings.
pub(super) async fn list(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<List<SiteView>>, ApiError> {
    params.finish()?;
    Ok(Json(List::whole(views(&admin).await?)))
}

/// Lets a site's jobs run again. A reason is taken as everywhere, and not kept: there is no case to seal it with.
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
    let view = |(name, configured): (&SiteName, &crate::admin::ConfiguredSite)| {
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
