//! The sandbox's own routes under `/_sandbox`: the methods of [`Sandbox`] for other processes. Atlassian has no such
//! routes.

use std::error::Error as _;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Sandbox;
use super::error::SandboxError;
use super::fault::Fault;

const INDEX: &str = "\
offboardd's sandbox: an Atlassian Cloud site with JSM, in memory.

the site      /rest/api/3/...  /rest/servicedeskapi/...  /_edge/tenant_info
the gateway   /ex/jira/{cloudId}/rest/...  /jsm/csm/cloudid/{cloudId}/api/v1/customer/account/{id}  /oauth/token

GET    /_sandbox/calls                 the log of calls, and what each changed
DELETE /_sandbox/calls                 delete the log
GET    /_sandbox/accounts              every account, with what has become of it
POST   /_sandbox/accounts              add one: {email, display_name, account_type, hidden, active, account_id}
GET    /_sandbox/accounts/{id}         one account
PATCH  /_sandbox/accounts/{id}         change one: the same keys
POST   /_sandbox/accounts/{id}/grant   play the human who clicks Grant access
POST   /_sandbox/grant                 the same by {email} or {account_id}
GET    /_sandbox/places                organizations, service desks and requests
POST   /_sandbox/seed                  add accounts and memberships, in the form of a seed file
GET    /_sandbox/faults                the faults that wait
POST   /_sandbox/faults                add one: {call, method, path_contains, account, skip, times,
                                       status, body, headers, retry_after, garbage, after_effect,
                                       delay_ms, drop: \"before\" | \"after\", reset, slow_ms}
DELETE /_sandbox/faults                take them all back
GET    /_sandbox/settings              the switches
PATCH  /_sandbox/settings              turn some of them
POST   /_sandbox/permissions           what the credentials may do: {administer: false, ...}
";

/// The routes.
pub(super) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/", get(index))
        .route("/_sandbox", get(index))
        .route("/_sandbox/calls", get(calls).delete(clear_calls))
        .route("/_sandbox/accounts", get(accounts).post(add_account))
        .route("/_sandbox/accounts/{id}", get(account).patch(change_account))
        .route("/_sandbox/accounts/{id}/grant", post(grant_account))
        .route("/_sandbox/grant", post(grant))
        .route("/_sandbox/places", get(memberships))
        .route("/_sandbox/seed", post(add_seed))
        .route("/_sandbox/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_sandbox/settings", get(options).patch(change_options))
        .route("/_sandbox/permissions", post(change_permissions))
        .route("/_sandbox/{*rest}", axum::routing::any(nothing))
}

async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], INDEX).into_response()
}

async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(json!({ "error": "see /_sandbox for what there is" }))).into_response()
}

async fn calls(State(sandbox): State<Sandbox>) -> Response {
    items(&sandbox.calls())
}

async fn clear_calls(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.clear_calls();
    StatusCode::NO_CONTENT
}

async fn accounts(State(sandbox): State<Sandbox>) -> Response {
    items(&sandbox.accounts())
}

async fn account(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Result<Response, ControlError> {
    Ok(view(&sandbox, StatusCode::OK, id)?)
}

async fn add_account(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Response, ControlError> {
    let id = sandbox.add(read(&body)?)?;
    Ok(view(&sandbox, StatusCode::CREATED, id)?)
}

async fn change_account(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ControlError> {
    sandbox.change_account(&id, read(&body)?)?;
    Ok(view(&sandbox, StatusCode::OK, id)?)
}

async fn grant_account(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Result<Response, ControlError> {
    let id = sandbox.grant(&id)?;
    Ok(view(&sandbox, StatusCode::OK, id)?)
}

async fn grant(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Response, ControlError> {
    let AccountSelector { account_id, email } = read(&body)?;
    let who = account_id
        .or(email)
        .ok_or_else(|| SandboxError::InvalidValue("say whom: {\"email\"} or {\"account_id\"}".to_owned()))?;
    let id = sandbox.grant(&who)?;
    Ok(view(&sandbox, StatusCode::OK, id)?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountSelector {
    #[serde(alias = "accountId")]
    account_id: Option<String>,
    #[serde(alias = "emailAddress")]
    email: Option<String>,
}

async fn memberships(State(sandbox): State<Sandbox>) -> Response {
    axum::Json(sandbox.memberships()).into_response()
}

async fn add_seed(State(sandbox): State<Sandbox>, body: Bytes) -> Result<StatusCode, ControlError> {
    sandbox.add_seed(read(&body)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn faults(State(sandbox): State<Sandbox>) -> Response {
    items(&sandbox.faults())
}

async fn add_fault(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Response, ControlError> {
    let fault: Fault = read(&body)?;
    sandbox.inject(fault.clone())?;
    Ok((StatusCode::CREATED, axum::Json(fault)).into_response())
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.clear_faults();
    StatusCode::NO_CONTENT
}

async fn options(State(sandbox): State<Sandbox>) -> Response {
    axum::Json(sandbox.options()).into_response()
}

async fn change_options(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Response, ControlError> {
    Ok(axum::Json(sandbox.patch_options(read(&body)?)?).into_response())
}

async fn change_permissions(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Response, ControlError> {
    let permissions: Value = read(&body)?;
    let options = sandbox.patch_options(json!({ "permissions": permissions }))?;
    Ok(axum::Json(options.permissions).into_response())
}

fn items<T: serde::Serialize>(items: &[T]) -> Response {
    axum::Json(json!({ "items": items })).into_response()
}

fn view(sandbox: &Sandbox, status: StatusCode, id: String) -> Result<Response, SandboxError> {
    let account = sandbox.account(&id).ok_or(SandboxError::NotUnique { who: id, found: 0 })?;
    Ok((status, axum::Json(account)).into_response())
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, SandboxError> {
    serde_json::from_slice(body).map_err(SandboxError::InvalidJson)
}

/// An error with its cause, so that the author of a test sees which key was wrong.
#[derive(Debug)]
struct ControlError(SandboxError);

impl From<SandboxError> for ControlError {
    fn from(error: SandboxError) -> Self {
        Self(error)
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let text = match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        (error.status(), axum::Json(json!({ "error": text }))).into_response()
    }
}
