//! `/deliveries`: list, one delivery with its events, replay.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::extract::{Body, DeliveryPath, Params, ReasonBody};
use super::list::List;
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::ids::{CaseId, DeliveryId, SourceName};
use crate::store::{DeliveryFilter, DeliveryRow, DeliveryStatus, EventRow, EventStatus};

#[derive(Debug, Clone, Serialize, Deserialize)]
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
}

#[derive(Debug, Clone, Serialize, Deserialize)]
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
pub(super) async fn list(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    mut params: Params,
) -> Result<Json<List<DeliveryView>>, ApiError> {
    let filter = DeliveryFilter {
        source: params.word("source")?,
        status: params.word("status")?,
        cursor: params.cursor()?,
        limit: params.limit()?,
    };
    params.finish()?;
    Ok(Json(List::of(admin.store.deliveries(&filter).await?, |row| view(row, None))))
}

pub(super) async fn show(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    DeliveryPath(id): DeliveryPath,
) -> Result<Json<DeliveryView>, ApiError> {
    find(&admin, id).await
}

/// Routes a stored delivery again, after a fix of the mapping.
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
        return Err(ApiError::Conflict("the stored body has expired: have the vendor resend the delivery".to_owned()));
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
    DeliveryView { id, source, received_at, status, routed_at, problem, replayable, events }
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        let EventRow { position, event_type, status, reason, case_id } = row;
        Self { position, event_type, status, reason, case: case_id }
    }
}
