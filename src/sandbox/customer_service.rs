//! Customer Service Management's calls: customer accounts of this site's directory, and nothing else.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::account::{AccountType, State};
use super::answer::{Answer, Refusal};
use super::platform::earlier;
use super::world::World;

/// `GET customer/account/{customerId}`
///
/// The reference does not show the answer's shape to those who are not signed in: this is the least that it can be.
pub(super) fn read(world: &World, id: &str, now: Timestamp) -> Result<Answer, Refusal> {
    let then = earlier(now, world.settings.read_lag);
    let facts = world.accounts.get(id).and_then(|account| account.as_of(then)).ok_or_else(no_customer)?;
    if facts.account_type != AccountType::Customer || facts.state == State::Deleted {
        return Err(no_customer());
    }
    let email = facts.email.as_ref().filter(|_| !facts.hidden);
    Ok(Answer::ok(&json!({ "id": id, "displayName": facts.display_name, "email": email })))
}

/// `DELETE customer/account/{customerId}`
pub(super) fn delete(world: &mut World, id: &str, now: Timestamp) -> Result<Answer, Refusal> {
    let status = StatusCode::from_u16(world.settings.delete_answer).unwrap_or(StatusCode::NO_CONTENT);
    world.customer(id).ok_or_else(no_customer)?.delete(now);
    let answer =
        if status == StatusCode::NO_CONTENT { Answer::empty(status) } else { Answer::json(status, &json!({})) };
    Ok(answer.that_changed(true))
}

fn no_customer() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "The customer account does not exist.")
}
