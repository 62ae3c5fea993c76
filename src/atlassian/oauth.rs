//! Access tokens of the site's OAuth client.

use secrecy::SecretString;

use super::call::Call;
use super::transport::Transport;
use crate::domain::retry::Failure;
use crate::outbound::{Grant, TokenCache, client_credentials};

impl Transport {
    /// A valid access token other than the `rejected` one.
    ///
    /// The token request is a form, which every OAuth server must accept. Atlassian's guides for apps show JSON at the same
    /// URL; generic OAuth clients use forms there.
    pub(super) async fn access_token(
        &self,
        tokens: &TokenCache,
        client_id: &str,
        client_secret: &SecretString,
        rejected: Option<&SecretString>,
    ) -> Result<SecretString, Failure> {
        let fetch = async {
            let request =
                self.prepare(Call::Token, None, &[], None)?.form(&client_credentials(client_id, client_secret));
            let response = self.exchange(Call::Token, request).await?;
            Ok((response.read::<Grant>()?, response.at))
        };
        tokens.get(self.clock.now(), rejected, fetch).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::client::Client;
    use super::super::fake_server::{FakeServer, Reply, reply, site_at};
    use super::super::site::{Auth, Site};
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::account::AccountId;

    /// A gateway that hands out `token-1`, `token-2` … and calls `judge` with the token of each request.
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
        assert_eq!(server.request_lines().len(), 4, "a token, a rejection, a token, the call");
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
