//! `/deliveries`: list, one delivery with its events, explanation, replay.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::delivery_path::DeliveryPath;
use super::extract::{Body, Params, ReasonBody};
use super::list::List;
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::AdminState;
use crate::domain::ids::{CaseId, DeliveryId, SourceName};
use crate::domain::operator::Role;
use crate::explain::Explanation;
use crate::store::{DeliveryFilter, DeliveryRow, DeliveryStatus, EventRow, EventStatus, StoredBody};

const EXPIRED: &str = "the stored body has expired: have the vendor resend the delivery";

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeliveryView {
    pub(crate) id: DeliveryId,
    pub(crate) source: SourceName,
    pub(crate) received_at: Timestamp,
    pub(crate) status: DeliveryStatus,
    pub(crate) routed_at: Option<Timestamp>,
    pub(crate) problem: Option<String>,
    /// Whether the body is still stored.
    pub(crate) replayable: bool,
    /// `None` in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<Vec<EventView>>,
    /// The body as received, after the headers that the mapping reads. Only on request, and for approvers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct EventView {
    /// Index in the delivery, from 0.
    pub(crate) position: u32,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) status: EventStatus,
    /// Why it was ignored or unreadable.
    pub(crate) reason: Option<String>,
    /// The case that it opened or changed.
    pub(crate) case: Option<CaseId>,
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/deliveries",
    tag = "deliveries",
    security(("token" = ["viewer"])),
    operation_id = "deliveries_list",
    params(
        ("source" = Option<SourceName>, Query, description = "Only deliveries of this source"),
        ("status" = Option<DeliveryStatus>, Query, description = "Only deliveries with this status"),
        ("limit" = Option<u16>, Query, description = "The maximum number of items: 1 to 500, default 50", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "The `next` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of deliveries", body = List<DeliveryView>),
    )
)]
pub(super) async fn list(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    mut params: Params,
) -> Result<Json<List<DeliveryView>>, ApiError> {
    let filter = DeliveryFilter {
        source: params.known_source(&admin).await?,
        status: params.word("status")?,
        cursor: params.cursor()?,
        limit: params.limit()?,
    };
    params.finish()?;
    Ok(Json(List::of(admin.store.deliveries(&filter).await?, |row| view(row, None))))
}

/// With `body=true`, which requires the role approver, the stored body as well. That is written into the journal.
#[utoipa::path(
    get,
    path = "/deliveries/{id}",
    tag = "deliveries",
    security(("token" = ["viewer"])),
    operation_id = "deliveries_show",
    params(
        ("id" = String, Path, description = "The id of the delivery, or a unique end of it from 4 characters on"),
        ("body" = Option<bool>, Query, description = "Whether to add the stored body: for approvers, and written into the journal"),
    ),
    responses(
        (status = 200, description = "The delivery and its events", body = DeliveryView),
        (status = 403, description = "Only an approver reads the body", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    DeliveryPath(id): DeliveryPath,
    mut params: Params,
) -> Result<Json<DeliveryView>, ApiError> {
    let with_body = params.flag("body")?.unwrap_or_default();
    params.finish()?;
    let Json(view) = find(&admin, id).await?;
    if !with_body {
        return Ok(Json(view));
    }
    caller.require(Role::Approver)?;
    let body = stored_body(&admin, id).await?.1;
    let mut tx = admin.store.begin().await?;
    let detail = json!({ "delivery": id, "by": caller.name });
    tx.write_journal(None, "delivery_body_read", &detail, admin.clock.now()).await?;
    tx.commit().await?;
    Ok(Json(DeliveryView { body: Some(String::from_utf8_lossy(&body).into_owned()), ..view }))
}

/// Which events the stored body contains with the current settings, and what each would do. Changes nothing.
#[utoipa::path(
    get,
    path = "/deliveries/{id}/explain",
    tag = "deliveries",
    security(("token" = ["operator"])),
    operation_id = "deliveries_explain",
    params(
        ("id" = String, Path, description = "The id of the delivery, or a unique end of it from 4 characters on"),
    ),
    responses(
        (status = 200, description = "The events of the stored body, and what each would do", body = Explanation),
    )
)]
pub(super) async fn explain(
    Operator(_): Operator,
    State(admin): State<Arc<AdminState>>,
    DeliveryPath(id): DeliveryPath,
) -> Result<Json<Explanation>, ApiError> {
    let (stored, body) = stored_body(&admin, id).await?;
    let explained = (admin.ports.explain)(&stored.source, stored.content_type.as_deref(), &body, admin.clock.now());
    let why = || ApiError::Conflict(format!("the source {} is not configured any more", stored.source));
    explained.map(Json).ok_or_else(why)
}

async fn stored_body(admin: &AdminState, id: DeliveryId) -> Result<(StoredBody, Vec<u8>), ApiError> {
    let mut stored = admin.store.body_of(id).await?.ok_or(ApiError::NotFound("delivery"))?;
    let body = stored.body.take().ok_or_else(|| ApiError::Conflict(EXPIRED.to_owned()))?;
    Ok((stored, body))
}

/// Routes a stored delivery again, after a fix of the mapping.
#[utoipa::path(
    post,
    path = "/deliveries/{id}/replay",
    tag = "deliveries",
    security(("token" = ["operator"])),
    operation_id = "deliveries_replay",
    params(
        ("id" = String, Path, description = "The id of the delivery, or a unique end of it from 4 characters on"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The delivery, queued for the router", body = DeliveryView),
    )
)]
pub(super) async fn replay(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    DeliveryPath(id): DeliveryPath,
    Body(_): Body<ReasonBody>,
) -> Result<Json<DeliveryView>, ApiError> {
    if admin.store.delivery(id).await?.is_none() {
        return Err(ApiError::NotFound("delivery"));
    }
    let mut tx = admin.store.begin().await?;
    if !tx.replay(id).await? {
        return Err(ApiError::Conflict(EXPIRED.to_owned()));
    }
    let detail = json!({ "delivery": id, "by": caller.name });
    tx.write_journal(None, "delivery_replayed", &detail, admin.clock.now()).await?;
    tx.commit().await?;
    admin.wake();
    find(&admin, id).await
}

async fn find(admin: &AdminState, id: DeliveryId) -> Result<Json<DeliveryView>, ApiError> {
    let row = admin.store.delivery(id).await?.ok_or(ApiError::NotFound("delivery"))?;
    let events = admin.store.events_of(id).await?;
    Ok(Json(view(row, Some(events.into_iter().map(EventView::from).collect()))))
}

fn view(row: DeliveryRow, events: Option<Vec<EventView>>) -> DeliveryView {
    let DeliveryRow { id, source, received_at, status, routed_at, problem, replayable } = row;
    DeliveryView { id, source, received_at, status, routed_at, problem, replayable, events, body: None }
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        let EventRow { position, event_type, status, reason, case_id } = row;
        Self { position, event_type, status, reason, case: case_id }
    }
}
