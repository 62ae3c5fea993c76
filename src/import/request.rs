//! Opens the case of an operator's request, and counts it for the brake of the operator's token.

use jiff::Timestamp;

use crate::domain::brake::Brake;
use crate::domain::case::{Escalation, Hold, State};
use crate::store::{Actor, CaseRecord, NewCase, Note, StoreError, Tx};

/// A request of an operator.
#[derive(Debug)]
pub(crate) struct NewRequest<'a> {
    /// The name of the admin token.
    pub(crate) operator: &'a str,
    pub(crate) case: NewCase,
    pub(crate) brake: Brake,
    pub(crate) note: Note,
    /// The number of requests that follow it: a flood is stopped before its first call.
    pub(crate) following: u32,
}

/// Opens the case. A tripped brake also holds the cases that were counted before.
pub(crate) async fn open_request(
    tx: &mut Tx,
    request: NewRequest<'_>,
    now: Timestamp,
) -> Result<CaseRecord, StoreError> {
    let NewRequest { operator, case, brake, note, following } = request;
    let is_braked = tx.is_operator_braked(operator).await?;
    let beginning = is_braked.then_some(State::Held(Hold::Brake));
    let record = tx.open_case(case, beginning, note, now).await?;
    let id = record.case.id;
    tx.count_escalation(Actor::Operator(operator), id, Escalation::Opened, now).await?;
    if is_braked {
        tx.add_to_operator_brake(operator, id).await?;
        return Ok(record);
    }
    let Some(tripped) = tx.brake_trip(Actor::Operator(operator), &brake, following, now).await? else {
        return Ok(record);
    };
    let held = tx.freeze_operator(operator, &tripped, now).await?;
    tracing::error!(operator, held, "operator {operator}: brake tripped ({tripped}), {held} requests held");
    let record = tx.case(id).await?;
    record.ok_or_else(|| StoreError::Inconsistent { what: "case", id: id.to_string(), why: "it is gone".to_owned() })
}
