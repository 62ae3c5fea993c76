//! Opens a case at the request of an operator, without an event. Approvals and brake apply as to any other case.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::extract::Body;
use super::view::{self, CaseView};
use crate::admin::auth::{Caller, Operator};
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::AdminState;
use crate::domain::case::Cause;
use crate::domain::event::Effective;
use crate::domain::ids::{PolicyName, SiteName};
use crate::domain::own_request::{NoPolicy, PolicyChoice, RequestRules};
use crate::domain::person::{EmailAddress, Person};
use crate::domain::policy::{Action, Approvals};
use crate::import::{NewRequest, open_request};
use crate::store::{NewCase, Note};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenCaseRequest {
    site: SiteName,
    email: EmailAddress,
    action: Action,
    reason: String,
    #[serde(default)]
    /// A date in the zone of the policy, or a time; without it now.
    #[schema(value_type = Option<String>, example = "2026-12-31")]
    effective_at: Option<DateOrTime>,
    #[serde(default)]
    policy: Option<PolicyName>,
}

/// The opened case, and the terms that it takes.
#[derive(Debug, Serialize, ToSchema)]
struct OpenedCase {
    #[serde(flatten)]
    case: CaseView,
    /// Why the case takes its policy.
    policy_chosen: PolicyChoice,
    /// The strictest approvals of the policy and the policies of the site's sources.
    approvals_required: Approvals,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct DateOrTime(Effective);

/// Opens a case for the person with this email address.
#[utoipa::path(
    post,
    path = "/cases",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "cases_open",
    request_body = OpenCaseRequest,
    responses(
        (status = 201, description = "The new case", body = OpenedCase, headers(("location" = String, description = "The path of the case"))),
        (status = 409, description = "The person has an open case on this site, or there are not enough other approvers", body = ProblemView, content_type = "application/problem+json"),
    )
)]
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
    let rules = rules(&admin, &request.site, request.policy.as_ref())?;
    require_enough_approvers(&admin, &caller, &rules, request.action)?;
    let now = admin.clock.now();
    let effective = request.effective_at.map_or(Effective::Immediately, |when| when.0);
    let new = NewCase {
        terms: rules.terms(&caller.name, request.action),
        effective_at: rules.policy.effective_at(effective, now),
        site: request.site,
        source: None,
        cause: Cause::Operator,
        person: Person { id: None, email: Some(request.email) },
        deadline: None,
    };
    let detail = json!({ "policy": rules.policy_name, "policy_chosen": rules.chosen });
    let note = Note { by: Some(caller.name.clone()), remark: Some(reason), detail };

    let mut tx = admin.store.begin().await?;
    let (email_hash, _) = tx.hashes(&new.site, None, &new.person);
    if let Some(open) = tx.open_case_of(&new.site, email_hash, None).await? {
        return Err(ApiError::AlreadyOpen(open.case.id));
    }
    let new = NewRequest { operator: &caller.name, case: new, brake: rules.brake, note, following: 0 };
    let record = open_request(&mut tx, new, now).await?;
    tx.commit().await?;
    admin.wake();
    let location = format!("/api/v1/cases/{}", record.case.id);
    let case = view::show(&admin, record, &caller).await?;
    let opened = OpenedCase { case, policy_chosen: rules.chosen, approvals_required: rules.approvals };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(opened)).into_response())
}

/// The rules of the operators' requests on a site.
pub(super) fn rules(admin: &AdminState, site: &SiteName, named: Option<&PolicyName>) -> Result<RequestRules, ApiError> {
    let of_site = admin.sources.values().filter(|source| source.sites.contains(site));
    let of_site: Vec<_> = of_site.map(|source| &source.policy).collect();
    RequestRules::of(named, &of_site, &admin.policies).map_err(|error| match error {
        NoPolicy::Unknown(_) => wrong("policy", error.to_string()),
        NoPolicy::NoneConfigured => ApiError::Conflict(error.to_string()),
    })
}

/// Rejects a request that cannot get enough approvals, because the requester cannot approve it.
pub(super) fn require_enough_approvers(
    admin: &AdminState,
    caller: &Caller,
    rules: &RequestRules,
    action: Action,
) -> Result<(), ApiError> {
    let (needed, others) = (rules.approvals_needed(action), admin.approvers_besides(&caller.name));
    if usize::from(needed) <= others {
        return Ok(());
    }
    Err(ApiError::Conflict(format!(
        "this request requires {} by other people, and the settings have {}: add [[admin.tokens]] with the role approver, or \
         have another operator make the request",
        counted(usize::from(needed), "approval"),
        counted(others, "other approver"),
    )))
}

/// A number with its noun.
fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn non_empty_reason(reason: String) -> Result<String, ApiError> {
    if reason.trim().is_empty() { Err(wrong("reason", "expected a text")) } else { Ok(reason) }
}

pub(super) fn wrong(key: &str, problem: impl Into<String>) -> ApiError {
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
