//! `/fence`: why no change is made at any site, and lifting it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Params};
use crate::admin::auth::{Approver, Viewer};
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::AdminState;
use crate::store::{Fence, FenceReason};

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct FenceView {
    /// Whether it stands: no change is made at any site.
    pub(crate) raised: bool,
    /// Why it stands.
    pub(crate) findings: Vec<FindingView>,
    /// The number of open cases, to be compared with the site.
    pub(crate) open_cases: usize,
    /// Identifies the findings, these cases and what is planned for them: required to lift the fence.
    pub(crate) digest: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct FindingView {
    pub(crate) reason: FenceReason,
    /// What was found.
    pub(crate) detail: String,
    pub(crate) raised_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lift {
    digest: String,
    /// Accepted and not stored: no case key could seal it.
    #[serde(default, rename = "reason")]
    _reason: Option<String>,
}

/// Whether changes are stopped, and why.
#[utoipa::path(
    get,
    path = "/fence",
    tag = "fence",
    security(("token" = ["viewer"])),
    operation_id = "fence_show",
    responses(
        (status = 200, description = "Whether changes are stopped, and why", body = FenceView),
    )
)]
pub(super) async fn show(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<FenceView>, ApiError> {
    params.finish()?;
    Ok(Json(view(&admin).await?))
}

/// Lifts the fence for exactly the reviewed findings and open cases. A changed list is rejected. Repeating it changes nothing.
#[utoipa::path(
    post,
    path = "/fence/lift",
    tag = "fence",
    security(("token" = ["approver"])),
    operation_id = "fence_lift",
    request_body = Lift,
    responses(
        (status = 200, description = "The lifted fence", body = FenceView),
        (status = 409, description = "The findings or the open cases have changed since they were reviewed", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn lift(
    Approver(caller): Approver,
    State(admin): State<Arc<AdminState>>,
    Body(request): Body<Lift>,
) -> Result<Json<FenceView>, ApiError> {
    let mut tx = admin.store.begin().await?;
    let fences = tx.fences().await?;
    if !fences.is_empty() {
        let (_, digest) = admin.store.fence_digest(&fences).await?;
        if digest != request.digest {
            let why = "the findings or the open cases have changed since they were reviewed: review them again";
            return Err(ApiError::Conflict(why.to_owned()));
        }
        tx.lift_fence(&caller.name, admin.clock.now()).await?;
        tracing::warn!(by = caller.name, "the fence was lifted: changes at Atlassian continue");
    }
    tx.commit().await?;
    admin.wake();
    Ok(Json(view(&admin).await?))
}

async fn view(admin: &AdminState) -> Result<FenceView, ApiError> {
    let fences = admin.store.fences().await?;
    let (open_cases, digest) = admin.store.fence_digest(&fences).await?;
    let raised = !fences.is_empty();
    let findings =
        fences.into_iter().map(|Fence { reason, detail, raised_at, .. }| FindingView { reason, detail, raised_at });
    Ok(FenceView { raised, findings: findings.collect(), open_cases, digest })
}
