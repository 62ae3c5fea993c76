//! Releasing what was held while the daemon only observed: all at once, after a look at how many they are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::open::spoken;
use super::reading::Body;
use crate::admin::AdminState;
use crate::admin::auth::{Caller, Operator};
use crate::admin::error::ApiError;
use crate::domain::case::{Happening, Hold, State as CaseState};
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::store::{HappenError, Note};

/// How many cases one transaction releases, so that no delivery waits long for its own.
const BATCH: usize = 50;

/// What to release.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    held: Hold,
    #[serde(default)]
    source: Option<SourceName>,
    #[serde(default)]
    site: Option<SiteName>,
    expect: usize,
    reason: String,
}

/// What a bulk release did.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Released {
    /// How many cases go on.
    pub released: usize,
}

/// Releases every case that observe mode held, if they are as many as expected.
///
/// The number is compared before the first one is released. If it ends half-way, the others are still held, and their
/// number is told when it is tried again.
pub(super) async fn release(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    Body(request): Body<Request>,
) -> Result<Json<Released>, ApiError> {
    if request.held != Hold::Observe {
        let problem = "expected `observe`: only what observe mode held is released in bulk".to_owned();
        return Err(ApiError::Body { key: "held".to_owned(), problem });
    }
    let reason = spoken(request.reason)?;
    if !admin.enforce {
        return Err(ApiError::Refused("the daemon only observes: set mode = \"enforce\" first".to_owned()));
    }
    let held = admin.store.held_cases(Hold::Observe, request.source.as_ref(), request.site.as_ref()).await?;
    if held.len() != request.expect {
        return Err(ApiError::OtherCount { count: held.len(), expected: request.expect });
    }
    let mut released = 0;
    for batch in held.chunks(BATCH) {
        released += release_batch(&admin, &caller, batch, &reason).await?;
        admin.wake();
    }
    Ok(Json(Released { released }))
}

async fn release_batch(admin: &AdminState, caller: &Caller, batch: &[CaseId], reason: &str) -> Result<usize, ApiError> {
    let now = admin.clock.now();
    let mut released = 0;
    let mut tx = admin.store.begin().await?;
    for id in batch {
        let Some(dossier) = tx.case(*id).await? else { continue };
        // Meanwhile somebody may have cancelled or held it: that stands.
        if dossier.case.state != CaseState::Held(Hold::Observe) {
            continue;
        }
        let note =
            Note { by: Some(caller.name.clone()), remark: Some(reason.to_owned()), detail: json!({ "bulk": true }) };
        match tx.interfere(dossier, &Happening::Released { enforce: admin.enforce }, note, now).await {
            Ok(_) => released += 1,
            Err(HappenError::Refused(_) | HappenError::TooLate) => {}
            Err(HappenError::Store(error)) => return Err(error.into()),
        }
    }
    tx.commit().await?;
    Ok(released)
}
