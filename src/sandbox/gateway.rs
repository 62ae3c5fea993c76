//! What is neither Jira nor JSM: the site's cloud id, and access tokens for OAuth clients.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::inbound::Inbound;
use super::response::{ApiError, SiteResponse};
use super::state::SandboxState;
use crate::clock;

/// `GET /_edge/tenant_info`
pub(super) fn tenant_info(state: &SandboxState) -> SiteResponse {
    SiteResponse::ok(&json!({ "cloudId": state.cloud_id() }))
}

/// `POST /oauth/token`, as on `auth.atlassian.com`: client credentials only, as a form (RFC 6749) or as JSON. Atlassian's
/// guides for apps show JSON, its page on service accounts leaves the form open, and generic OAuth clients, which send
/// forms, are at work against it.
pub(super) fn token(state: &mut SandboxState, request: &Inbound, now: Timestamp) -> Result<SiteResponse, ApiError> {
    let TokenRequest { grant_type, client_id, client_secret } = request.form_or_json()?;
    if grant_type != "client_credentials" {
        return Err(ApiError::bad_request("Only the grant type client_credentials is known here."));
    }
    let known = match &state.options.clients {
        None => !client_id.is_empty() && !client_secret.is_empty(),
        Some(clients) => clients.get(&client_id) == Some(&client_secret),
    };
    if !known {
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    let lifetime = state.options.token_lifetime.get();
    let token = format!("sandbox-{}", hex::encode(clock::random::<16>()));
    state.access_tokens.insert(token.clone(), now.saturating_add(lifetime).unwrap_or(Timestamp::MAX));
    Ok(SiteResponse::ok(&json!({
        "access_token": token,
        "expires_in": lifetime.as_secs(),
        "token_type": "Bearer",
        "scope": "",
    })))
}

#[derive(Debug, Deserialize)]
struct TokenRequest {
    grant_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}
