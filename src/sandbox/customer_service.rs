//! Customer Service Management's calls: customer accounts of this site's directory, and nothing else.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::account::{AccountType, State};
use super::platform::earlier;
use super::response::{ApiError, SiteResponse};
use super::state::SandboxState;

/// `GET customer/account/{customerId}`
///
/// The public reference omits the shape of the response: this is the minimum.
pub(super) fn read(state: &SandboxState, id: &str, now: Timestamp) -> Result<SiteResponse, ApiError> {
    let then = earlier(now, state.options.read_lag.get());
    let facts = state.accounts.get(id).and_then(|account| account.as_of(then)).ok_or_else(no_customer)?;
    if facts.account_type != AccountType::Customer || facts.state == State::Deleted {
        return Err(no_customer());
    }
    let email = facts.email.as_ref().filter(|_| !facts.hidden);
    Ok(SiteResponse::ok(&json!({ "id": id, "displayName": facts.display_name, "email": email })))
}

/// `DELETE customer/account/{customerId}`
pub(super) fn delete(state: &mut SandboxState, id: &str, now: Timestamp) -> Result<SiteResponse, ApiError> {
    let status = StatusCode::from_u16(state.options.delete_answer).unwrap_or(StatusCode::NO_CONTENT);
    state.customer(id).ok_or_else(no_customer)?.delete(now);
    let response = if status == StatusCode::NO_CONTENT {
        SiteResponse::empty(status)
    } else {
        SiteResponse::json(status, &json!({}))
    };
    Ok(response.with_changed(true))
}

fn no_customer() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "The customer account does not exist.")
}
