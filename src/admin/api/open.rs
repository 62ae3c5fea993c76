//! Opens a case at the request of an operator, without an event. Approvals and brake apply as to any other case.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde_json::Value;

use super::extract::Body;
use super::view;
use crate::admin::auth::{Caller, Operator};
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::brake::Brake;
use crate::domain::case::{Cause, Escalation, Hold, State as CaseState, Terms};
use crate::domain::event::Effective;
use crate::domain::ids::{PolicyName, SiteName};
use crate::domain::person::{EmailAddress, Person};
use crate::domain::policy::{Action, Approvals, Policy};
use crate::store::{Actor, CaseRecord, NewCase, Note, Tx};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenCaseRequest {
    site: SiteName,
    email: EmailAddress,
    action: Action,
    reason: String,
    #[serde(default)]
    effective_at: Option<DateOrTime>,
    #[serde(default)]
    policy: Option<PolicyName>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct DateOrTime(Effective);

/// Opens a case for the person with this email address.
pub(super) async fn open(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    Body(request): Body<OpenCaseRequest>,
) -> Result<Response, ApiError> {
    if !admin.sites.contains_key(&request.site) {
        return Err(wrong("site", format!("expected one of: {}", listed(admin.sites.keys()))));
    }
    if request.action == Action::Ignore {
        return Err(wrong("action", "expected one of: revoke, revoke_then_delete, delete"));
    }
    let reason = non_empty_reason(request.reason)?;
    let (policy_name, policy) = policy(&admin, &request.site, request.policy.as_ref())?;
    let limits = Limits::of(&admin, &request.site, policy);
    limits.require_enough_approvers(&admin, &caller, request.action)?;
    let now = admin.clock.now();
    let new = NewCase {
        terms: Terms {
            requested_by: Some(caller.name.clone()),
            policy: Some(policy_name.clone()),
            approvals: limits.approvals,
            ..Terms::of(policy, request.action)
        },
        effective_at: policy.effective_at(request.effective_at.map_or(Effective::Immediately, |when| when.0), now),
        site: request.site,
        source: None,
        cause: Cause::Operator,
        person: Person { id: None, email: Some(request.email) },
    };
    let note = Note { by: Some(caller.name.clone()), remark: Some(reason), detail: Value::Null };

    let mut tx = admin.store.begin().await?;
    let (email_hash, _) = tx.hashes(&new.site, None, &new.person);
    if let Some(open) = tx.open_case_of(&new.site, email_hash, None).await? {
        return Err(ApiError::AlreadyOpen(open.case.id));
    }
    let record = open_counted(&mut tx, &caller.name, new, limits.brake, note, now).await?;
    tx.commit().await?;
    admin.wake();
    let location = format!("/api/v1/cases/{}", record.case.id);
    let case = view::show(&admin, record, &caller).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(case)).into_response())
}

/// Opens the case and counts it for the brake of the operator's token. A tripped brake also holds the cases that were counted
/// before.
async fn open_counted(
    tx: &mut Tx,
    name: &str,
    new: NewCase,
    brake: Brake,
    note: Note,
    now: Timestamp,
) -> Result<CaseRecord, ApiError> {
    let is_braked = tx.is_operator_braked(name).await?;
    let beginning = is_braked.then_some(CaseState::Held(Hold::Brake));
    let record = tx.open_case(new, beginning, note, now).await?;
    let id = record.case.id;
    tx.count_escalation(Actor::Operator(name), id, Escalation::Opened, now).await?;
    if is_braked {
        tx.add_to_operator_brake(name, id).await?;
    } else if let Some(tripped) = brake.trips(&tx.recent_activity(Actor::Operator(name), now).await?) {
        let held = tx.freeze_operator(name, &tripped, now).await?;
        tracing::error!(operator = name, held, "operator {name}: brake tripped ({tripped}), {held} requests held");
        return tx.case(id).await?.ok_or(ApiError::NotFound("case"));
    }
    Ok(record)
}

/// The limits of an operator's request: the strictest of the named policy and the policies of the site's sources. If the site
/// has no source, all policies apply.
struct Limits {
    approvals: Approvals,
    brake: Brake,
}

impl Limits {
    fn of(admin: &AdminState, site: &SiteName, named: &Policy) -> Self {
        let of_site = admin.sources.values().filter(|source| source.site == *site);
        let mut policies: Vec<&Policy> = of_site.filter_map(|source| admin.policies.get(&source.policy)).collect();
        if policies.is_empty() {
            policies.extend(admin.policies.values());
        }
        let start = Self { approvals: named.approvals, brake: named.brake };
        policies.into_iter().fold(start, |limits, policy| Self {
            approvals: limits.approvals.strictest(policy.approvals),
            brake: limits.brake.strictest(policy.brake),
        })
    }

    /// Rejects a request that cannot get enough approvals, because the requester cannot approve it.
    fn require_enough_approvers(&self, admin: &AdminState, caller: &Caller, action: Action) -> Result<(), ApiError> {
        let revoke = if action.revokes() { self.approvals.revoke } else { 0 };
        let delete = if action.deletes() { self.approvals.delete } else { 0 };
        let (needed, others) = (usize::from(revoke.max(delete)), admin.approvers_besides(&caller.name));
        if needed <= others {
            return Ok(());
        }
        Err(ApiError::Conflict(format!(
            "this request requires {needed} approvals by other people, but only {others} other approvers are configured: add \
             [[admin.tokens]] with the role approver, or have another operator make the request"
        )))
    }
}

pub(super) fn non_empty_reason(reason: String) -> Result<String, ApiError> {
    if reason.trim().is_empty() { Err(wrong("reason", "expected a text")) } else { Ok(reason) }
}

/// Returns the named policy, or the most careful one of the site's sources: most approvals first, then the longest local grace.
/// If the site has no source, all policies are considered.
fn policy<'a>(
    admin: &'a AdminState,
    site: &SiteName,
    named: Option<&PolicyName>,
) -> Result<(&'a PolicyName, &'a Policy), ApiError> {
    if let Some(name) = named {
        let expected = || wrong("policy", format!("expected one of: {}", listed(admin.policies.keys())));
        return admin.policies.get_key_value(name).ok_or_else(expected);
    }
    let of_site = admin.sources.values().filter(|source| source.site == *site);
    let of_site = of_site.filter_map(|source| admin.policies.get_key_value(&source.policy));
    let careful = |(name, policy): &(&PolicyName, &Policy)| {
        (policy.approvals.delete, policy.approvals.revoke, policy.local_grace, Reverse(name.as_str().to_owned()))
    };
    let most_careful = of_site.max_by_key(careful).or_else(|| admin.policies.iter().max_by_key(careful));
    let none = || ApiError::Conflict("no policy is configured: add [policies.NAME] to the settings".to_owned());
    most_careful.ok_or_else(none)
}

fn wrong(key: &str, problem: impl Into<String>) -> ApiError {
    ApiError::Body { key: key.to_owned(), problem: problem.into() }
}

fn listed(names: impl Iterator<Item = impl ToString>) -> String {
    names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

impl TryFrom<String> for DateOrTime {
    type Error = NotADateOrTime;

    fn try_from(text: String) -> Result<Self, NotADateOrTime> {
        let is_day = text.len() == "2026-12-31".len();
        let day = || if is_day { text.parse::<Date>().map(Effective::On).ok() } else { None };
        let instant = || text.parse::<Timestamp>().map(Effective::At).ok();
        let local = || text.parse::<DateTime>().map(Effective::Local).ok();
        day().or_else(instant).or_else(local).map(Self).ok_or(NotADateOrTime)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected a date (2026-12-31) or a time (2026-12-31T18:00:00Z)")]
struct NotADateOrTime;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_time_and_local_time_are_distinguished() {
        let when = |text: &str| DateOrTime::try_from(text.to_owned()).ok().map(|when| when.0);
        assert_eq!(when("2026-12-31"), Some(Effective::On("2026-12-31".parse().unwrap())));
        assert_eq!(when("2026-12-31T18:00:00+01:00"), Some(Effective::At("2026-12-31T17:00:00Z".parse().unwrap())));
        assert_eq!(when("2026-12-31T18:00:00"), Some(Effective::Local("2026-12-31T18:00:00".parse().unwrap())));
        assert_eq!(when("tomorrow"), None);
        assert_eq!(when("2026-02-30"), None);
    }
}
