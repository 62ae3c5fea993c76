//! Access tokens of a vendor that takes OAuth client credentials.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::response::{receive, transient};
use crate::domain::retry::Failure;
use crate::outbound::{Grant, TokenCache, client_credentials};

/// A token request: the client, with scope and audience.
#[derive(Debug)]
pub(super) struct TokenRequest<'a> {
    pub(super) token_url: &'a Url,
    pub(super) client_id: &'a SecretString,
    pub(super) client_secret: &'a SecretString,
    pub(super) scope: &'a Option<String>,
    pub(super) audience: &'a Option<String>,
}

impl TokenRequest<'_> {
    /// A valid token.
    pub(super) async fn token(
        &self,
        tokens: &TokenCache,
        http: &reqwest::Client,
        now: Timestamp,
    ) -> Result<SecretString, Failure> {
        let fetch = async { Ok((self.fetch(http, now).await?, now)) };
        tokens.get(now, None, fetch).await
    }

    async fn fetch(&self, http: &reqwest::Client, now: Timestamp) -> Result<Grant, Failure> {
        let mut form = client_credentials(self.client_id.expose_secret(), self.client_secret);
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(self.audience.as_deref().map(|audience| ("audience", audience)));
        let response = receive(http.post(self.token_url.clone()).form(&form), now).await?;
        if response.status.as_u16() == 400 {
            // RFC 6749, 5.2: an unknown client, or a token request without a scope that the vendor requires.
            let what = match (self.scope, self.audience) {
                (None, None) => "is rejected, or the vendor requires a `scope` or an `audience` in `auth`",
                _ => "is rejected, or the `scope` or `audience` is not one of the vendor's",
            };
            return Err(Failure::AccessDenied { detail: format!("lookup: 400: the client's id or secret {what}") });
        }
        if response.status.as_u16() != 200 {
            return Err(response.failure());
        }
        serde_json::from_slice(&response.body).map_err(|_not_repeated| transient("the token cannot be read"))
    }
}
