//! What an operator may do to one case. Whether it may be done is decided by the case's rules, in the transaction.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::reading::{Body, TheCase, Why};
use super::view::{self, CaseView};
use crate::admin::AdminState;
use crate::admin::auth::{Approver, Caller, Operator};
use crate::admin::error::ApiError;
use crate::domain::case::Happening;
use crate::domain::ids::CaseId;
use crate::store::Note;

type Moved = Result<Json<CaseView>, ApiError>;
type Admin = State<Arc<AdminState>>;

/// Consents to the next deed.
pub(super) async fn approve(
    Approver(caller): Approver,
    State(admin): Admin,
    TheCase(id): TheCase,
    Body(why): Body<Why>,
) -> Moved {
    let approved = Happening::Approved { by: caller.name.clone() };
    carry_out(&admin, &caller, id, approved, why).await
}

/// Cancels it, as far as that is possible.
pub(super) async fn cancel(
    Operator(caller): Operator,
    State(admin): Admin,
    TheCase(id): TheCase,
    Body(why): Body<Why>,
) -> Moved {
    carry_out(&admin, &caller, id, Happening::Cancelled, why).await
}

/// Holds it until somebody releases it.
pub(super) async fn hold(
    Operator(caller): Operator,
    State(admin): Admin,
    TheCase(id): TheCase,
    Body(why): Body<Why>,
) -> Moved {
    carry_out(&admin, &caller, id, Happening::Held, why).await
}

/// Lets it go on.
pub(super) async fn release(
    Operator(caller): Operator,
    State(admin): Admin,
    TheCase(id): TheCase,
    Body(why): Body<Why>,
) -> Moved {
    let released = Happening::Released { enforce: admin.enforce };
    carry_out(&admin, &caller, id, released, why).await
}

/// Tries it again now.
pub(super) async fn retry(
    Operator(caller): Operator,
    State(admin): Admin,
    TheCase(id): TheCase,
    Body(why): Body<Why>,
) -> Moved {
    carry_out(&admin, &caller, id, Happening::Retried, why).await
}

/// Says that it was settled by hand.
pub(super) async fn resolve(
    Operator(caller): Operator,
    State(admin): Admin,
    TheCase(id): TheCase,
    Body(why): Body<Why>,
) -> Moved {
    carry_out(&admin, &caller, id, Happening::Resolved, why).await
}

async fn carry_out(admin: &AdminState, caller: &Caller, id: CaseId, happening: Happening, why: Why) -> Moved {
    let now = admin.clock.now();
    let note = Note { by: Some(caller.name.clone()), remark: why.reason, detail: Value::Null };
    let mut tx = admin.store.begin().await?;
    let dossier = tx.case(id).await?.ok_or(ApiError::NotFound("case"))?;
    let happened = tx.interfere(dossier, &happening, note, now).await?;
    tx.commit().await?;
    admin.wake();
    Ok(Json(view::show(admin, happened.dossier, caller).await?))
}
