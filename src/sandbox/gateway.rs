//! What is neither Jira nor JSM: the site's cloud id, and access tokens for OAuth clients.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, Refusal};
use super::inbound::Inbound;
use super::world::World;
use crate::clock;

/// `GET /_edge/tenant_info`
pub(super) fn tenant_info(world: &World) -> Answer {
    Answer::ok(&json!({ "cloudId": world.cloud_id() }))
}

/// `POST /oauth/token`, as on `auth.atlassian.com`: client credentials only, as a form (RFC 6749) or as JSON. Atlassian's
/// guides for apps show JSON, its page on service accounts leaves the form open, and generic OAuth clients, which send
/// forms, are at work against it.
pub(super) fn token(world: &mut World, request: &Inbound, now: Timestamp) -> Result<Answer, Refusal> {
    let TokenRequest { grant_type, client_id, client_secret } = request.form_or_json()?;
    if grant_type != "client_credentials" {
        return Err(Refusal::bad_request("Only the grant type client_credentials is known here."));
    }
    let known = match &world.settings.clients {
        None => !client_id.is_empty() && !client_secret.is_empty(),
        Some(clients) => clients.get(&client_id) == Some(&client_secret),
    };
    if !known {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    let lifetime = world.settings.token_lifetime;
    let token = format!("sandbox-{}", hex::encode(clock::random::<16>()));
    world.access_tokens.insert(token.clone(), now.saturating_add(lifetime).unwrap_or(Timestamp::MAX));
    Ok(Answer::ok(&json!({
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
