//! JSM's calls: `/rest/servicedeskapi`.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::{NewAccount, State};
use super::call::{AccountIds, Call};
use super::inbound::Inbound;
use super::platform::indexed;
use super::response::{ApiError, SiteResponse};
use super::shapes::Shapes;
use super::state::SandboxState;

/// `PUT customer/user/{accountId}/revoke-portal-only-access`
pub(super) fn revoke(state: &mut SandboxState, id: &str, now: Timestamp) -> Result<SiteResponse, ApiError> {
    let second = status(state.options.second_revoke);
    let invalid = status(state.options.invalid_revoke);
    let account =
        state.customer(id).ok_or_else(|| ApiError::new(invalid, "The account id is not a portal-only customer's."))?;
    if account.facts.state == State::Present {
        account.revoke(now);
        return Ok(SiteResponse::empty(StatusCode::NO_CONTENT).with_changed(true));
    }
    if second.is_success() {
        return Ok(SiteResponse::empty(second));
    }
    Err(ApiError::new(second, "The customer has no portal-only access."))
}

/// `POST customer`: creates the customer. An address that was deleted waits for the end of the deletion grace.
pub(super) fn invite(
    state: &mut SandboxState,
    request: &Inbound,
    call: &Call,
    now: Timestamp,
) -> Result<SiteResponse, ApiError> {
    let CreateCustomer { email, display_name } = request.json()?;
    if !email.contains('@') {
        return Err(ApiError::bad_request("The email address is invalid."));
    }
    if state.with_address(&email).any(|account| account.facts.state != State::Deleted) {
        let strict = request.parameter("strictConflictStatusCode").as_deref() == Some("true");
        let status = if strict { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST };
        return Err(ApiError::new(status, "An account already exists for this email."));
    }
    let grace = state.options.deletion_grace.get();
    let ends = |at: Timestamp| at.saturating_add(grace).unwrap_or(Timestamp::MAX);
    let banned = state.with_address(&email).filter_map(|account| account.deleted_at).any(|at| now < ends(at));
    if banned {
        return Err(ApiError::bad_request("The account of this email is being deleted and cannot be invited yet."));
    }
    let new = NewAccount { email: Some(email), display_name, ..NewAccount::default() };
    let id = state
        .add(new, now, now)
        .map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let created =
        state.accounts.get(&id).map(|account| Shapes::of(state, request, call).customer(account, &account.facts));
    Ok(SiteResponse::json(StatusCode::CREATED, &created.unwrap_or_default()).with_changed(true))
}

/// `additionalProperties: false` in the reference.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateCustomer {
    email: String,
    display_name: Option<String>,
}

/// `GET organization`
pub(super) fn organizations(state: &SandboxState, request: &Inbound, call: &Call) -> Result<SiteResponse, ApiError> {
    let member = request.parameter("accountId");
    let shapes = Shapes::of(state, request, call);
    let fits = |organization: &&super::memberships::Organization| {
        member.as_ref().is_none_or(|member| organization.members.contains(member))
    };
    let found: Vec<Value> = state
        .memberships
        .organizations
        .values()
        .filter(fits)
        .map(|organization| {
            let id = &organization.id;
            json!({
                "id": id,
                "uuid": format!("00000000-0000-4000-8000-{id:0>12}"),
                "name": organization.name,
                "_links": { "self": shapes.service_desk_link(&format!("organization/{id}")) },
            })
        })
        .collect();
    Ok(SiteResponse::ok(&shapes.page(request, state.options.page_caps.jsm, &found)?))
}

/// `GET organization/{id}/user`: the list states no account type.
pub(super) fn organization_members(
    state: &SandboxState,
    request: &Inbound,
    call: &Call,
    id: &str,
) -> Result<SiteResponse, ApiError> {
    let organization =
        state.memberships.organizations.get(id).ok_or_else(|| not_found("The organization does not exist."))?;
    let shapes = Shapes::of(state, request, call);
    let members = organization.members.iter().filter_map(|member| state.accounts.get(member));
    let members: Vec<Value> = members
        .filter(|account| account.facts.state != State::Deleted)
        .map(|account| shapes.customer(account, &account.facts))
        .collect();
    Ok(SiteResponse::ok(&shapes.page(request, state.options.page_caps.jsm, &members)?))
}

/// `DELETE organization/{id}/user`
pub(super) fn leave_organization(
    state: &mut SandboxState,
    request: &Inbound,
    id: &str,
) -> Result<SiteResponse, ApiError> {
    let leaving = accounts(state, request)?;
    let organization =
        state.memberships.organizations.get_mut(id).ok_or_else(|| not_found("The organization does not exist."))?;
    let changed = leaving.iter().filter(|account| organization.members.remove(*account)).count() > 0;
    Ok(SiteResponse::empty(StatusCode::NO_CONTENT).with_changed(changed))
}

/// `GET servicedesk`
pub(super) fn desks(state: &SandboxState, request: &Inbound, call: &Call) -> Result<SiteResponse, ApiError> {
    let shapes = Shapes::of(state, request, call);
    let found: Vec<Value> = state
        .memberships
        .desks
        .values()
        .map(|desk| {
            json!({
                "id": desk.id,
                "projectId": format!("10{:0>3}", desk.id),
                "projectName": desk.name,
                "projectKey": desk.key,
                "_links": { "self": shapes.service_desk_link(&format!("servicedesk/{}", desk.id)) },
            })
        })
        .collect();
    Ok(SiteResponse::ok(&shapes.page(request, state.options.page_caps.jsm, &found)?))
}

/// `GET servicedesk/{id}/customer`: finds revoked customers too. On an open desk all people are customers.
pub(super) fn desk_customers(
    state: &SandboxState,
    request: &Inbound,
    call: &Call,
    id: &str,
    now: Timestamp,
) -> Result<SiteResponse, ApiError> {
    let desk = state.memberships.desks.get(id).ok_or_else(|| not_found("The service desk does not exist."))?;
    let query = request.parameter("query").unwrap_or_default().to_lowercase();
    let found = indexed(state, now, |account, facts| {
        let belongs = desk.customers.contains(&account.id) || (desk.open && facts.account_type.name() == "customer");
        belongs && facts.state != State::Deleted && (query.is_empty() || facts.matches(&query))
    });
    let shapes = Shapes::of(state, request, call);
    let customers: Vec<Value> = found.into_iter().map(|(account, facts)| shapes.customer(account, facts)).collect();
    Ok(SiteResponse::ok(&shapes.page(request, state.options.page_caps.jsm, &customers)?))
}

/// `DELETE servicedesk/{id}/customer`: an open desk has no list to remove from.
pub(super) fn leave_desk(state: &mut SandboxState, request: &Inbound, id: &str) -> Result<SiteResponse, ApiError> {
    let leaving = accounts(state, request)?;
    let desk = state.memberships.desks.get_mut(id).ok_or_else(|| not_found("The service desk does not exist."))?;
    if desk.open {
        return Err(ApiError::bad_request("Customers cannot be removed from a service desk with open access."));
    }
    let changed = leaving.iter().filter(|account| desk.customers.remove(*account)).count() > 0;
    Ok(SiteResponse::empty(StatusCode::NO_CONTENT).with_changed(changed))
}

/// `DELETE request/{key}/participant`: answers with the participants who are left.
pub(super) fn leave_request(
    state: &mut SandboxState,
    request: &Inbound,
    call: &Call,
    key: &str,
) -> Result<SiteResponse, ApiError> {
    let leaving = accounts(state, request)?;
    let issue = state.memberships.requests.get_mut(key).ok_or_else(|| not_found("The request does not exist."))?;
    if leaving.contains(&issue.reporter) {
        return Err(ApiError::bad_request("The reporter of a request cannot be removed from it."));
    }
    if !leaving.iter().all(|account| issue.participants.contains(account)) {
        return Err(ApiError::bad_request("The user is not a participant of this request."));
    }
    issue.participants.retain(|account| !leaving.contains(account));
    let left = issue.participants.clone();
    let shapes = Shapes::of(state, request, call);
    let left: Vec<Value> = left
        .iter()
        .filter_map(|id| state.accounts.get(id))
        .map(|account| shapes.customer(account, &account.facts))
        .collect();
    Ok(SiteResponse::ok(&shapes.page(request, state.options.page_caps.jsm, &left)?).with_changed(true))
}

/// The accounts that the body names; all of them must exist.
fn accounts(state: &SandboxState, request: &Inbound) -> Result<Vec<String>, ApiError> {
    let AccountIds { account_ids } = request.json()?;
    match account_ids.iter().find(|id| !state.accounts.contains_key(*id)) {
        Some(_) => Err(ApiError::bad_request("One or more account ids are invalid.")),
        None if account_ids.is_empty() => Err(ApiError::bad_request("At least one account id is required.")),
        None => Ok(account_ids),
    }
}

fn not_found(message: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, message)
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
