//! `/deliveries`: what came, what was read out of it, and once more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::List;
use super::extract::{Body, DeliveryPath, Params, ReasonBody};
use crate::admin::AdminState;
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::ApiError;
use crate::domain::ids::{CaseId, DeliveryId, SourceName};
use crate::store::{DeliveryFilter, DeliveryRow, DeliveryStatus, EventRow, EventStatus};

/// A delivery as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryView {
    /// Its id, as the vendor was told.
    pub id: DeliveryId,
    /// Whose.
    pub source: SourceName,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When it was read.
    pub routed_at: Option<Timestamp>,
    /// ReasonBody it could not be read.
    pub problem: Option<String>,
    /// Whether its body is still there.
    pub replayable: bool,
    /// What was read out of it; only where one delivery is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventView>>,
}

/// An event as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventView {
    /// Its place in the delivery.
    pub position: u32,
    /// What happened, in one word.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What became of it.
    pub status: EventStatus,
    /// ReasonBody it led to nothing, or why it could not be read.
    pub reason: Option<String>,
    /// The case that it moved.
    pub case: Option<CaseId>,
}

/// Deliveries, newest first.
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

/// One delivery with its events.
pub(super) async fn show(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    DeliveryPath(id): DeliveryPath,
) -> Result<Json<DeliveryView>, ApiError> {
    find(&admin, id).await
}

/// Reads a delivery once more, after the mapping was mended.
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
        return Err(ApiError::Refused("its body is forgotten: let the source send it again".to_owned()));
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
