//! Secrets that vendors offer in handshakes. An approver can accept them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, SourcePath};
use super::sources::{SourceView, changed, require_configured};
use crate::admin::auth::Approver;
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::AdminState;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acceptance {
    /// The `id` of the reviewed offer. Anyone can send an offer, so the reviewed one must be named.
    offer: String,
    /// Whether secrets that were accepted before are deleted.
    #[serde(default)]
    replace: bool,
    /// Accepted for uniformity, and not stored: no case key could seal it.
    #[serde(default, rename = "reason")]
    _reason: Option<String>,
}

/// Accepts an offered secret. It is valid within seconds, and after every restart.
#[utoipa::path(
    post,
    path = "/sources/{name}/accept",
    tag = "sources",
    security(("token" = ["approver"])),
    operation_id = "offered_secrets_accept",
    params(
        ("name" = String, Path, description = "The name of the source"),
    ),
    request_body = Acceptance,
    responses(
        (status = 200, description = "The source", body = SourceView),
        (status = 404, description = "There is no such source or offer", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn accept(
    Approver(caller): Approver,
    State(admin): State<Arc<AdminState>>,
    SourcePath(name): SourcePath,
    Body(request): Body<Acceptance>,
) -> Result<Json<SourceView>, ApiError> {
    require_configured(&admin, &name)?;
    let mut tx = admin.store.begin().await?;
    if !tx.accept_offered_secret(&name, &request.offer, request.replace, &caller.name, admin.clock.now()).await? {
        return Err(ApiError::NotFound("offer"));
    }
    tx.commit().await?;
    tracing::info!(source = %name, by = caller.name, "source {name}: offered secret accepted by {}", caller.name);
    admin.secrets.notify_one();
    changed(&admin, &name, &caller).await
}
