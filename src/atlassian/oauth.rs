//! Access tokens of OAuth clients: fetched when first needed, renewed before they expire and when one is refused.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::call::Call;
use super::transport::Transport;
use crate::domain::retry::Failure;

/// A token that does not say how long it lives is trusted for so long. Atlassian's live for an hour, says its support
/// page on service accounts.
const DEFAULT_LIFETIME_S: u32 = 300;

/// Nobody's token lives longer without being renewed: a clock that was set back must not keep one for ever.
const MAX_LIFETIME_S: u32 = 24 * 60 * 60;

/// The access token of one site. The lock is held while a new one is fetched, so that many calls fetch one.
#[derive(Debug, Default)]
pub(super) struct AccessTokens(Mutex<Option<AccessToken>>);

#[derive(Debug)]
struct AccessToken {
    secret: SecretString,
    token_lifetime: Option<SignedDuration>,
    fetched_at: Timestamp,
    renew_at: Timestamp,
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    expires_in: Option<u32>,
}

impl AccessTokens {
    /// How long the token lives, as it was said when it was given.
    pub(super) async fn token_lifetime(&self) -> Option<SignedDuration> {
        self.0.lock().await.as_ref()?.token_lifetime
    }
}

impl Transport {
    /// A token that is good as far as we know, and is not the one that was just `refused`.
    pub(super) async fn access_token(
        &self,
        tokens: &AccessTokens,
        client_id: &str,
        client_secret: &SecretString,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, Failure> {
        let mut held = tokens.0.lock().await;
        let now = self.clock.now();
        match held.as_ref() {
            Some(token) if token.is_fresh(now) && !token.is(refused) => Ok(token.secret.clone()),
            Some(_) | None => {
                let token = self.fetch(client_id, client_secret).await?;
                Ok(held.insert(token).secret.clone())
            }
        }
    }

    /// The client credentials grant (RFC 6749, 4.4) as a form, which every such server must take. Atlassian's guides for apps
    /// show JSON at the same address; generic OAuth clients are at work there with forms.
    async fn fetch(&self, client_id: &str, client_secret: &SecretString) -> Result<AccessToken, Failure> {
        let request = self.prepare(Call::Token, None, &[], None)?.form(&[
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret.expose_secret()),
        ]);
        let response = self.exchange(Call::Token, request).await?;
        let grant: Grant = response.read()?;
        let life = grant.expires_in.unwrap_or(DEFAULT_LIFETIME_S).min(MAX_LIFETIME_S);
        // A tenth early, at most a minute: an answer takes a while, and clocks differ.
        let usable = SignedDuration::from_secs((life - (life / 10).min(60)).into());
        Ok(AccessToken {
            secret: grant.access_token,
            token_lifetime: grant.expires_in.map(|seconds| SignedDuration::from_secs(seconds.into())),
            fetched_at: response.at,
            renew_at: response.at.saturating_add(usable).unwrap_or(response.at),
        })
    }
}

impl AccessToken {
    fn is_fresh(&self, now: Timestamp) -> bool {
        (self.fetched_at..self.renew_at).contains(&now)
    }

    fn is(&self, other: Option<&SecretString>) -> bool {
        other.is_some_and(|other| other.expose_secret() == self.secret.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::client::Client;
    use super::super::fake_server::{FakeServer, Reply, reply, site_at};
    use super::super::site::{Auth, Site};
    use super::*;
    use crate::domain::account::AccountId;

    /// A gateway that hands out `token-1`, `token-2` … and asks `judge` what it thinks of the one presented.
    async fn gateway(judge: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (FakeServer, Client) {
        let handed_out = AtomicUsize::new(0);
        let server = FakeServer::scripted(move |request, _| {
            if request.line == "POST /oauth/token" {
                let number = handed_out.fetch_add(1, Ordering::Relaxed) + 1;
                return reply(
                    200,
                    format!(r#"{{"access_token":"token-{number}","expires_in":3600,"token_type":"Bearer"}}"#),
                );
            }
            judge(request.header("authorization"))
        })
        .await;
        let auth = Auth::Client { client_id: "bot".to_owned(), client_secret: "s&cret".into() };
        let client = server.client_of(Site { auth, via_gateway: true, ..site_at(&server.url) });
        (server, client)
    }

    fn id() -> AccountId {
        AccountId::from("qm:a:1".to_owned())
    }

    fn tokens_fetched(server: &FakeServer) -> usize {
        server.request_lines().iter().filter(|line| *line == "POST /oauth/token").count()
    }

    #[tokio::test]
    async fn many_calls_share_one_token() {
        let (server, client) = gateway(|_| reply(404, "")).await;
        let id = id();
        let (first, second) = tokio::join!(client.read(&id), client.read(&id));
        assert_eq!((first, second), (Ok(None), Ok(None)));
        assert_eq!(tokens_fetched(&server), 1);
        let requests = server.requests();
        assert_eq!(requests[0].body, "grant_type=client_credentials&client_id=bot&client_secret=s%26cret");
        assert_eq!(requests[1].header("authorization"), "Bearer token-1");
        assert_eq!(requests[1].line, "GET /ex/jira/cloud-1/rest/api/3/user?accountId=qm%3Aa%3A1");
    }

    #[tokio::test]
    async fn a_token_is_renewed_before_it_expires() {
        let (server, client) = gateway(|_| reply(404, "")).await;
        client.read(&id()).await.unwrap();
        server.clock.advance(SignedDuration::from_secs(3500));
        client.read(&id()).await.unwrap();
        assert_eq!(tokens_fetched(&server), 1);
        server.clock.advance(SignedDuration::from_secs(50));
        client.read(&id()).await.unwrap();
        assert_eq!(tokens_fetched(&server), 2);
    }

    #[tokio::test]
    async fn a_refused_token_is_renewed_once_and_the_call_made_again() {
        let (server, client) = gateway(|token| reply(if token == "Bearer token-1" { 401 } else { 204 }, "")).await;
        assert!(client.revoke(&id()).await.is_ok());
        assert_eq!(server.request_lines().len(), 4, "a token, a refusal, a token, the deed");
    }

    #[tokio::test]
    async fn a_token_that_is_refused_again_is_the_sites_trouble() {
        let (server, client) = gateway(|_| reply(401, "")).await;
        assert!(matches!(client.revoke(&id()).await, Err(Failure::AccessDenied { .. })));
        assert_eq!(server.request_lines().len(), 4);
    }

    #[tokio::test]
    async fn a_client_that_is_refused_never_gets_to_call() {
        let server = FakeServer::always(400, r#"{"error":"invalid_client","error_description":"s&cret"}"#).await;
        let auth = Auth::Client { client_id: "bot".to_owned(), client_secret: "s&cret".into() };
        let client = server.client_of(Site { auth, ..site_at(&server.url) });
        let Err(Failure::AccessDenied { detail }) = client.read(&id()).await else { panic!("not refused") };
        assert!(detail.contains("invalid_client") && !detail.contains("s&cret"), "{detail}");
        assert_eq!(server.request_lines(), ["POST /oauth/token"]);
    }
}
