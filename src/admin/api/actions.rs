//! Actions on one case. The rules of the case decide in the transaction whether an action is allowed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::case_path::CasePath;
use super::extract::{ApprovalBody, Body, HoldBody, ReasonBody, WithdrawBody, named_stage};
use super::view::{self, CaseView};
use crate::admin::auth::{Approver, Caller, Operator};
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::AdminState;
use crate::domain::case::{Hold, InvalidTransition, Stage, State as CaseState, Transition};
use crate::domain::ids::CaseId;
use crate::domain::operator::Role;
use crate::proof::confirm_link::{ConfirmLink, LinkError};
use crate::store::{CaseRecord, Note, Transitioned, Tx};

type ActionResult = Result<Json<CaseView>, ApiError>;
type Admin = State<Arc<AdminState>>;

/// Approves the revoke or the deletion that a case waits for.
#[utoipa::path(
    post,
    path = "/cases/{id}/approve",
    tag = "cases",
    security(("token" = ["approver"])),
    operation_id = "actions_approve",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    request_body = ApprovalBody,
    responses(
        (status = 200, description = "The case, changed or as an earlier repetition left it", body = CaseView),
        (status = 409, description = "The state of the case forbids it, a call is in progress, or the name fits several cases", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn approve(
    Approver(caller): Approver,
    State(admin): Admin,
    CasePath(id): CasePath,
    Body(body): Body<ApprovalBody>,
) -> ActionResult {
    let stage = named_stage(body.stage)?;
    let record = admin.store.case(id).await?.ok_or(ApiError::NotFound("case"))?;
    let account = record.account_hash(admin.store.key());
    let approved = Transition::Approved { by: caller.name.clone(), stage, account };
    let link = body.link.map(|token| Link { token, stage: Some(stage) });
    carry_out(&admin, &caller, id, approved, body.reason, link).await
}

/// Withdraws the caller's own approval before the call is made.
#[utoipa::path(
    post,
    path = "/cases/{id}/withdraw",
    tag = "cases",
    security(("token" = ["approver"])),
    operation_id = "actions_withdraw",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    request_body = WithdrawBody,
    responses(
        (status = 200, description = "The case, changed or as an earlier repetition left it", body = CaseView),
        (status = 409, description = "The state of the case forbids it, a call is in progress, or the name fits several cases", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn withdraw(
    Approver(caller): Approver,
    State(admin): Admin,
    CasePath(id): CasePath,
    Body(body): Body<WithdrawBody>,
) -> ActionResult {
    let stage = named_stage(body.stage)?;
    let withdrawn = Transition::Withdrawn { by: caller.name.clone(), stage };
    carry_out(&admin, &caller, id, withdrawn, body.reason, None).await
}

/// Cancels a case before its next call; calls that were made are not undone.
#[utoipa::path(
    post,
    path = "/cases/{id}/cancel",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "actions_cancel",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The case, changed or as an earlier repetition left it", body = CaseView),
        (status = 409, description = "The state of the case forbids it, a call is in progress, or the name fits several cases", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn cancel(
    Operator(caller): Operator,
    State(admin): Admin,
    CasePath(id): CasePath,
    Body(why): Body<ReasonBody>,
) -> ActionResult {
    carry_out(&admin, &caller, id, Transition::Cancelled, why.reason, None).await
}

/// Holds a case until it is released.
#[utoipa::path(
    post,
    path = "/cases/{id}/hold",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "actions_hold",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    request_body = HoldBody,
    responses(
        (status = 200, description = "The case, changed or as an earlier repetition left it", body = CaseView),
        (status = 409, description = "The state of the case forbids it, a call is in progress, or the name fits several cases", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn hold(
    Operator(caller): Operator,
    State(admin): Admin,
    CasePath(id): CasePath,
    Body(body): Body<HoldBody>,
) -> ActionResult {
    let link = body.link.map(|token| Link { token, stage: None });
    carry_out(&admin, &caller, id, Transition::Held, body.reason, link).await
}

/// Releases a held case.
#[utoipa::path(
    post,
    path = "/cases/{id}/release",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "actions_release",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The case, changed or as an earlier repetition left it", body = CaseView),
        (status = 409, description = "The state of the case forbids it, a call is in progress, or the name fits several cases", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn release(
    Operator(caller): Operator,
    State(admin): Admin,
    CasePath(id): CasePath,
    Body(why): Body<ReasonBody>,
) -> ActionResult {
    let released = Transition::Released { enforce: admin.enforce };
    carry_out(&admin, &caller, id, released, why.reason, None).await
}

/// Retries a case that needs attention.
#[utoipa::path(
    post,
    path = "/cases/{id}/retry",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "actions_retry",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The case, changed or as an earlier repetition left it", body = CaseView),
        (status = 409, description = "The state of the case forbids it, a call is in progress, or the name fits several cases", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn retry(
    Operator(caller): Operator,
    State(admin): Admin,
    CasePath(id): CasePath,
    Body(why): Body<ReasonBody>,
) -> ActionResult {
    carry_out(&admin, &caller, id, Transition::Retried, why.reason, None).await
}

/// Closes a case that was handled manually.
#[utoipa::path(
    post,
    path = "/cases/{id}/resolve",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "actions_resolve",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The case, changed or as an earlier repetition left it", body = CaseView),
        (status = 409, description = "The state of the case forbids it, a call is in progress, or the name fits several cases", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn resolve(
    Operator(caller): Operator,
    State(admin): Admin,
    CasePath(id): CasePath,
    Body(why): Body<ReasonBody>,
) -> ActionResult {
    carry_out(&admin, &caller, id, Transition::Resolved, why.reason, None).await
}

/// The one-time link of a notice, and the action that it must be about.
struct Link {
    token: String,
    stage: Option<Stage>,
}

async fn carry_out(
    admin: &AdminState,
    caller: &Caller,
    id: CaseId,
    transition: Transition,
    reason: Option<String>,
    link: Option<Link>,
) -> ActionResult {
    let now = admin.clock.now();
    let note = Note { by: Some(caller.name.clone()), remark: reason, detail: Value::Null };
    let mut tx = admin.store.begin().await?;
    let record = tx.case(id).await?.ok_or(ApiError::NotFound("case"))?;
    if tx.is_repeated(&record, &transition, now).await? {
        return Ok(Json(view::show(admin, record, caller).await?));
    }
    if let Some(Link { token, stage }) = link {
        let link = ConfirmLink::verify_for(admin.store.key(), &token, (id, stage), now)?;
        if !tx.use_link(&link, now).await? {
            return Err(LinkError::Used.into());
        }
    }
    // On the heap: the futures of the seven actions hold it.
    let transitioned = Box::pin(operate(&mut tx, admin, caller, record, &transition, note)).await?;
    tx.commit().await?;
    admin.wake();
    Ok(Json(view::show(admin, transitioned.record, caller).await?))
}

/// Applies an operator's action to one case. Only an approver who did not make the request can release a case that the brake
/// of an operator holds.
pub(super) async fn operate(
    tx: &mut Tx,
    admin: &AdminState,
    caller: &Caller,
    record: CaseRecord,
    transition: &Transition,
    note: Note,
) -> Result<Transitioned, ApiError> {
    let now = admin.clock.now();
    let of_operator = record.case.source.is_none() && record.case.state == CaseState::Held(Hold::Brake);
    if !of_operator || !matches!(transition, Transition::Released { .. }) {
        return Ok(tx.transition_unless_dispatched(record, transition, note, now).await?);
    }
    if caller.role < Role::Approver {
        return Err(ApiError::RoleTooLow { has: caller.role, needs: Role::Approver });
    }
    if record.case.terms.requested_by.as_deref() == Some(caller.name.as_str()) {
        return Err(ApiError::OwnRequest(InvalidTransition::OwnRequest));
    }
    Ok(tx.release_from_operator_brake(record, note, now).await?)
}
