//! Access tokens for those who hand them out for a client's id and secret (RFC 6749, 4.4).

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::{receive, transient};
use crate::domain::retry::Failure;

/// A token that does not say how long it lives is trusted for so long.
const DEFAULT_LIFETIME_S: u32 = 300;

/// Nobody's token lives longer without being renewed.
const MAX_LIFETIME_S: u32 = 24 * 60 * 60;

/// The access token of one lookup.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<Option<Token>>);

#[derive(Debug)]
struct Token {
    secret: SecretString,
    renew_at: Timestamp,
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    expires_in: Option<u32>,
}

/// Who asks for a token, and what for.
#[derive(Debug)]
pub(super) struct TokenRequest<'a> {
    pub(super) token_url: &'a Url,
    pub(super) client_id: &'a SecretString,
    pub(super) client_secret: &'a SecretString,
    pub(super) scope: &'a Option<String>,
    pub(super) audience: &'a Option<String>,
}

impl Tokens {
    /// A token that is good as far as we know.
    pub(super) async fn get(
        &self,
        http: &reqwest::Client,
        client: &TokenRequest<'_>,
        now: Timestamp,
    ) -> Result<SecretString, Failure> {
        let mut held = self.0.lock().await;
        if let Some(token) = held.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.secret.clone());
        }
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client.client_id.expose_secret()),
            ("client_secret", client.client_secret.expose_secret()),
        ];
        form.extend(client.scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(client.audience.as_deref().map(|audience| ("audience", audience)));
        let answer = receive(http.post(client.token_url.clone()).form(&form), now).await?;
        if answer.status.as_u16() == 400 {
            // RFC 6749, 5.2: an unknown client, and a token request without the scope that the vendor wants.
            let what = match (client.scope, client.audience) {
                (None, None) => "is refused, or the vendor wants a `scope` or an `audience` in `auth`",
                _ => "is refused, or the `scope` or `audience` is not one of the vendor's",
            };
            return Err(Failure::AccessDenied { detail: format!("lookup: 400: the client's id or secret {what}") });
        }
        if answer.status.as_u16() != 200 {
            return Err(answer.failure());
        }
        let grant: Grant =
            serde_json::from_slice(&answer.body).map_err(|_not_repeated| transient("the token cannot be read"))?;
        let life = grant.expires_in.unwrap_or(DEFAULT_LIFETIME_S).min(MAX_LIFETIME_S);
        // A tenth early, at most a minute: an answer takes a while, and clocks differ.
        let usable = SignedDuration::from_secs((life - (life / 10).min(60)).into());
        let token = Token { secret: grant.access_token, renew_at: now.saturating_add(usable).unwrap_or(now) };
        Ok(held.insert(token).secret.clone())
    }

    /// Forgets a token that was refused.
    pub(super) async fn clear(&self) {
        *self.0.lock().await = None;
    }
}
