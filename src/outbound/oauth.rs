//! OAuth 2.0 client credentials (RFC 6749, 4.4): one access token, fetched when first needed and renewed before it expires.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

/// Lifetime of a token whose grant states none.
const DEFAULT_LIFETIME_S: u32 = 300;

/// No token is used longer without being renewed: a clock that was set back must not keep one.
const MAX_LIFETIME_S: u32 = 24 * 60 * 60;

/// The access token of one client. The lock is held while a new one is fetched, so that parallel calls fetch one.
#[derive(Debug, Default)]
pub(crate) struct TokenCache(Mutex<Option<AccessToken>>);

#[derive(Debug)]
struct AccessToken {
    secret: SecretString,
    stated_lifetime: Option<SignedDuration>,
    fetched_at: Timestamp,
    renew_at: Timestamp,
}

/// The response of a token endpoint.
#[derive(Deserialize)]
pub(crate) struct Grant {
    access_token: SecretString,
    expires_in: Option<u32>,
}

/// The form of a token request.
pub(crate) fn client_credentials<'a>(client_id: &'a str, client_secret: &'a SecretString) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
    ]
}

impl TokenCache {
    /// A valid token other than the `rejected` one; `fetch` returns a grant and the time at which it arrived.
    pub(crate) async fn get<E>(
        &self,
        now: Timestamp,
        rejected: Option<&SecretString>,
        fetch: impl Future<Output = Result<(Grant, Timestamp), E>> + Send,
    ) -> Result<SecretString, E> {
        let mut cached = self.0.lock().await;
        if let Some(token) = cached.as_ref().filter(|token| token.is_valid(now) && !token.is(rejected)) {
            return Ok(token.secret.clone());
        }
        let (grant, at) = fetch.await?;
        Ok(cached.insert(AccessToken::of(grant, at)).secret.clone())
    }

    /// The lifetime that the grant of the current token stated.
    pub(crate) async fn stated_lifetime(&self) -> Option<SignedDuration> {
        self.0.lock().await.as_ref()?.stated_lifetime
    }

    /// Drops a token that was rejected.
    pub(crate) async fn clear(&self) {
        *self.0.lock().await = None;
    }
}

impl AccessToken {
    fn of(grant: Grant, fetched_at: Timestamp) -> Self {
        let lifetime = grant.expires_in.unwrap_or(DEFAULT_LIFETIME_S).min(MAX_LIFETIME_S);
        // A tenth early, at most a minute: a response takes a while, and clocks differ.
        let usable = SignedDuration::from_secs((lifetime - (lifetime / 10).min(60)).into());
        Self {
            secret: grant.access_token,
            stated_lifetime: grant.expires_in.map(|seconds| SignedDuration::from_secs(seconds.into())),
            fetched_at,
            renew_at: fetched_at.saturating_add(usable).unwrap_or(fetched_at),
        }
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        (self.fetched_at..self.renew_at).contains(&now)
    }

    fn is(&self, other: Option<&SecretString>) -> bool {
        other.is_some_and(|other| other.expose_secret() == self.secret.expose_secret())
    }
}
