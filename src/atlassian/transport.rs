//! One call and back: address, credentials, turn, request, answer; measured and traced.
//!
//! Spans and metrics name the call and the site, never whom it is about.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, CONTENT_LENGTH};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug, info_span};

use super::call::{Api, Call};
use super::clock_watch::{self, ClockWatch};
use super::endpoint_url::endpoint_url;
use super::failure;
use super::metrics::{Ending, Metrics};
use super::outcomes::Outcomes;
use super::pacing::Pacer;
use super::response::{ApiResponse, ending_of, receive};
use super::site::{Auth, Site};
use crate::clock::Clock;
use crate::domain::retry::Failure;
use crate::domain::site_health::SiteHealth;
use crate::outbound::TokenCache;

/// The line to one site.
pub(super) struct Transport {
    pub(super) site: Arc<Site>,
    pub(super) clock: Arc<dyn Clock>,
    /// Who we are there, which may be exchanged while calls are made.
    credentials: ArcSwap<Credentials>,
    http: reqwest::Client,
    metrics: Metrics,
    pacer: Pacer,
    pub(super) clock_watch: ClockWatch,
    pub(super) outcomes: Outcomes,
    /// The time of the latest successful response, in milliseconds since 1970 UTC; 0 before the first.
    last_ok_at: AtomicI64,
}

/// Who we are, with the access token that was handed out for it.
struct Credentials {
    auth: Auth,
    access_tokens: TokenCache,
}

impl Credentials {
    fn new(auth: Auth) -> Self {
        Self { auth, access_tokens: TokenCache::default() }
    }
}

/// The parameters of a call.
#[derive(Debug)]
pub(super) struct Request<'a> {
    call: Call,
    id: Option<&'a str>,
    query: &'a [(&'a str, &'a str)],
    body: Option<Value>,
}

impl<'a> Request<'a> {
    pub(super) fn of(call: Call) -> Self {
        Self { call, id: None, query: &[], body: None }
    }

    pub(super) const fn call(&self) -> Call {
        self.call
    }

    pub(super) fn id(self, id: &'a str) -> Self {
        Self { id: Some(id), ..self }
    }

    pub(super) fn query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    pub(super) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Transport {
    pub(super) fn new(site: Arc<Site>, http: reqwest::Client, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        let credentials = ArcSwap::from_pointee(Credentials::new(site.auth.clone()));
        let clock_watch = ClockWatch::new(clock.as_ref());
        let (pacer, outcomes) = (Pacer::default(), Outcomes::default());
        let last_ok_at = AtomicI64::new(0);
        Self { site, clock, credentials, http, metrics, pacer, clock_watch, outcomes, last_ok_at }
    }

    /// What the latest responses show.
    pub(super) fn health(&self) -> SiteHealth {
        let last_ok_at = self.last_ok_at.load(Ordering::Relaxed);
        SiteHealth {
            last_ok_at: Timestamp::from_millisecond(last_ok_at).ok().filter(|_at| last_ok_at > 0),
            clock_offset: self.clock_watch.offset(self.clock.as_ref()),
        }
    }

    /// Replaces the credentials from the next call on.
    pub(super) fn set_auth(&self, auth: Auth) {
        self.credentials.store(Arc::new(Credentials::new(auth)));
    }

    /// Lifetime of the access token, if its grant stated one.
    pub(super) async fn token_lifetime(&self) -> Option<SignedDuration> {
        self.credentials.load_full().access_tokens.stated_lifetime().await
    }

    /// Makes the call, once. Only an OAuth token that was refused is renewed, and the call, which was not carried out
    /// then, made again with the new one.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<ApiResponse, Failure> {
        let call = request.call;
        let unsigned = || self.prepare(call, request.id, request.query, request.body.as_ref());
        let credentials = self.credentials.load_full();
        match &credentials.auth {
            _ if call.endpoint().api == Api::Anonymous => self.exchange(call, unsigned()?).await,
            Auth::Basic { email, token } => {
                self.exchange(call, unsigned()?.basic_auth(email, Some(token.expose_secret()))).await
            }
            Auth::Bearer(token) => self.exchange(call, signed(unsigned()?, token)).await,
            Auth::Client { client_id, client_secret } => {
                let token = self.access_token(&credentials.access_tokens, client_id, client_secret, None).await?;
                let response = self.exchange(call, signed(unsigned()?, &token)).await?;
                if !response.has_status(401) {
                    return Ok(response);
                }
                let renewed =
                    self.access_token(&credentials.access_tokens, client_id, client_secret, Some(&token)).await?;
                self.exchange(call, signed(unsigned()?, &renewed)).await
            }
        }
    }

    /// The request without credentials.
    pub(super) fn prepare(
        &self,
        call: Call,
        id: Option<&str>,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<RequestBuilder, Failure> {
        let endpoint = call.endpoint();
        let url = endpoint_url(&self.site, call, id, query).map_err(|why| failure::no_url(call, why))?;
        let mut request = self
            .http
            .request(endpoint.method.clone(), url)
            .timeout(self.site.timeout.unsigned_abs())
            .header(ACCEPT, "application/json");
        if endpoint.experimental {
            request = request.header("X-ExperimentalApi", "opt-in");
        }
        if let Some(body) = body {
            request = request.json(body);
        } else if *endpoint.method == Method::PUT {
            // RFC 9110, 8.6: strict proxies reject a PUT without it (411).
            request = request.header(CONTENT_LENGTH, "0");
        }
        Ok(request)
    }

    /// Waits for the call's turn, sends the request as it is, and reads the answer.
    pub(super) async fn exchange(&self, call: Call, request: RequestBuilder) -> Result<ApiResponse, Failure> {
        self.pacer.acquire(call, self.clock.now()).await.map_err(|until| failure::deferred_by_pacer(call, until))?;
        if call.changes_something() {
            self.clock_watch.check(self.clock.as_ref()).map_err(|problem| failure::wrong_clock(&problem))?;
        }
        let span = info_span!(
            "atlassian.call",
            call = call.as_str(),
            site = %self.site.name,
            http.status = Empty,
            duration_ms = Empty
        );
        self.observed(call, request).instrument(span).await
    }

    async fn observed(&self, call: Call, request: RequestBuilder) -> Result<ApiResponse, Failure> {
        let begun = Instant::now();
        let sent = clock_watch::read(self.clock.as_ref());
        let received = receive(call, request, self.clock.as_ref()).await;
        match received {
            Ok(response) => {
                self.observe(call, Ending::Status(response.status), begun.elapsed());
                self.clock_watch.observe(&response.headers, sent);
                if response.is_accepted() && call.endpoint().api != Api::Anonymous {
                    self.last_ok_at.store(response.at.as_millisecond(), Ordering::Relaxed);
                }
                if response.has_status(429)
                    && let Failure::RateLimited { retry_at, .. } = response.failure()
                {
                    self.pacer.close(call, retry_at, response.at);
                }
                Ok(response)
            }
            Err(error) => {
                self.observe(call, ending_of(&error), begun.elapsed());
                Err(failure::of_transport_error(call, &error))
            }
        }
    }

    fn observe(&self, call: Call, ending: Ending, took: Duration) {
        self.metrics.observe(call, ending, took);
        let span = Span::current();
        span.record("http.status", ending.label());
        span.record("duration_ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        debug!("called Atlassian");
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("site", &self.site.name).finish_non_exhaustive()
    }
}

fn signed(request: RequestBuilder, token: &SecretString) -> RequestBuilder {
    request.bearer_auth(token.expose_secret())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::client::Client;
    use super::super::fake_server::{FakeServer, site_at};
    use super::*;
    use crate::domain::account::AccountId;
    use crate::outbound::http;

    fn id() -> AccountId {
        AccountId::from("qm:7f3c:99".to_owned())
    }

    #[tokio::test]
    async fn calls_are_spaced_below_the_burst() {
        let server = FakeServer::always(204, "").await;
        let client = server.client();
        let begun = Instant::now();
        for _ in 0..30 {
            client.revoke(&id()).await.unwrap();
        }
        assert!(begun.elapsed() > Duration::from_millis(550), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn credentials_and_our_name_are_sent() {
        let server = FakeServer::always(404, "").await;
        server.client().read(&id()).await.unwrap();
        server
            .client_of(Site { auth: Auth::Bearer("t0ken".into()), ..site_at(&server.url) })
            .read(&id())
            .await
            .unwrap();
        let seen = server.requests();
        assert_eq!(seen[0].header("authorization"), "Basic Ym90QGV4YW1wbGUuY29tOnNlY3JldA==");
        assert_eq!(seen[1].header("authorization"), "Bearer t0ken");
        assert_eq!(seen[0].header("accept"), "application/json");
        assert_eq!(seen[0].header("user-agent"), concat!("offboardd/", env!("CARGO_PKG_VERSION")));
        assert_eq!(seen[0].header("accept-encoding"), "");
    }

    #[tokio::test]
    async fn credentials_that_no_header_can_carry_are_the_sites_trouble() {
        let server = FakeServer::always(204, "").await;
        let client = server.client_of(Site { auth: Auth::Bearer("t0ken\n".into()), ..site_at(&server.url) });
        let failure = client.revoke(&id()).await.unwrap_err();
        assert!(matches!(&failure, Failure::AccessDenied { detail } if !detail.contains("t0ken")), "{failure:?}");
        assert!(server.request_lines().is_empty());
    }

    #[tokio::test]
    async fn without_a_cloud_id_the_gateway_is_not_called() {
        let server = FakeServer::always(204, "").await;
        let client = server.client_of(Site { cloud_id: None, ..site_at(&server.url) });
        let failure = client.delete(&id()).await.unwrap_err();
        assert!(matches!(&failure, Failure::Permanent { detail } if detail.contains("cloud_id")), "{failure:?}");
        assert!(client.revoke(&id()).await.is_ok());
    }

    #[test]
    fn debug_shows_the_site_and_no_secret() {
        let site = Arc::new(site_at(&Url::parse("http://127.0.0.1:1").unwrap()));
        let clock = Arc::new(crate::clock::SystemClock);
        let client = Client::new(site, http().unwrap(), clock, Metrics::default());
        assert_eq!(format!("{client:?}"), "Client { transport: Transport { site: SiteName(\"acme\"), .. } }");
    }
}
