//! `/sites`: list, pause, resume.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::extract::{Body, Params, ReasonBody, SitePath};
use super::list::List;
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::case::JobKind;
use crate::domain::ids::SiteName;
use crate::store::PausedKind;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct SiteView {
    pub(crate) name: SiteName,
    #[schema(value_type = String, format = "uri")]
    pub(crate) url: Url,
    /// `None` unless the site is paused.
    pub(crate) paused_at: Option<Timestamp>,
    /// Why the site is paused, and the fix.
    pub(crate) reason: Option<String>,
    /// The operator who paused it: no probe resumes it.
    #[serde(default)]
    pub(crate) paused_by: Option<String>,
    /// When the site last answered successfully, since the start of the daemon.
    #[serde(default)]
    pub(crate) last_ok_at: Option<Timestamp>,
    /// How far this machine's clock is ahead of the site's, by its latest response.
    #[serde(default)]
    pub(crate) clock_offset_seconds: Option<f64>,
    /// Kinds of jobs that are paused because the site rejects their call.
    #[serde(default)]
    pub(crate) paused_calls: Vec<PausedCall>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PausedCall {
    pub(crate) kind: JobKind,
    pub(crate) paused_at: Timestamp,
    /// The rejected call, and the fix.
    pub(crate) reason: String,
}

/// The configured sites.
#[utoipa::path(
    get,
    path = "/sites",
    tag = "sites",
    security(("token" = ["viewer"])),
    operation_id = "sites_list",
    responses(
        (status = 200, description = "The configured sites", body = List<SiteView>),
    )
)]
pub(super) async fn list(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<List<SiteView>>, ApiError> {
    params.finish()?;
    Ok(Json(List::whole(views(&admin).await?)))
}

/// Pauses a site: no call is made until an operator resumes it. A reason is accepted and not stored: no case key could seal
/// it.
#[utoipa::path(
    post,
    path = "/sites/{name}/pause",
    tag = "sites",
    security(("token" = ["operator"])),
    operation_id = "sites_pause",
    params(
        ("name" = String, Path, description = "The name of the site"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The paused site", body = SiteView),
    )
)]
pub(super) async fn pause(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    SitePath(name): SitePath,
    Body(_): Body<ReasonBody>,
) -> Result<Json<SiteView>, ApiError> {
    require_configured(&admin, &name)?;
    let mut tx = admin.store.begin().await?;
    tx.pause_site_by_operator(&name, &caller.name, admin.clock.now()).await?;
    tx.commit().await?;
    changed(&admin, &name).await
}

/// Resumes a site and its paused calls. A reason is accepted and not stored: no case key could seal it.
#[utoipa::path(
    post,
    path = "/sites/{name}/resume",
    tag = "sites",
    security(("token" = ["operator"])),
    operation_id = "sites_resume",
    params(
        ("name" = String, Path, description = "The name of the site"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The resumed site", body = SiteView),
    )
)]
pub(super) async fn resume(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    SitePath(name): SitePath,
    Body(_): Body<ReasonBody>,
) -> Result<Json<SiteView>, ApiError> {
    require_configured(&admin, &name)?;
    let mut tx = admin.store.begin().await?;
    tx.resume_site(&name, &caller.name, admin.clock.now()).await?;
    tx.resume_kinds(&name, None, &caller.name, admin.clock.now()).await?;
    tx.commit().await?;
    changed(&admin, &name).await
}

fn require_configured(admin: &AdminState, name: &SiteName) -> Result<(), ApiError> {
    if admin.sites.contains_key(name) { Ok(()) } else { Err(ApiError::NotFound("site")) }
}

async fn changed(admin: &AdminState, name: &SiteName) -> Result<Json<SiteView>, ApiError> {
    admin.wake();
    let view = views(admin).await?.into_iter().find(|view| view.name == *name);
    view.map(Json).ok_or(ApiError::NotFound("site"))
}

pub(super) async fn views(admin: &AdminState) -> Result<Vec<SiteView>, ApiError> {
    let standing = admin.store.sites().await?;
    let view = |(name, configured): (&SiteName, &crate::admin::state::ConfiguredSite)| {
        let standing = standing.iter().find(|standing| standing.name == *name);
        let health = (admin.ports.health)(name);
        SiteView {
            last_ok_at: health.last_ok_at,
            clock_offset_seconds: health.clock_offset.map(|offset| offset.as_secs_f64()),
            paused_by: standing.and_then(|standing| standing.paused_by.clone()),
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
