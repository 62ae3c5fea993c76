//! One call and back: address, credentials, turn, request, answer; measured and traced.
//!
//! Spans and metrics name the call and the site, never whom it is about.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug, info_span};

use super::address::address;
use super::answer::{Answer, receive};
use super::call::{Api, Call};
use super::failure;
use super::metrics::{Ending, Metrics};
use super::oauth::AccessTokens;
use super::pacing::Pacer;
use super::site::{Auth, Site};
use crate::clock::Clock;
use crate::domain::retry::Failure;

/// The line to one site.
pub(super) struct Link {
    pub(super) site: Arc<Site>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) access_tokens: AccessTokens,
    http: reqwest::Client,
    metrics: Metrics,
    pacer: Pacer,
}

/// What a call says besides its name.
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

impl Link {
    pub(super) fn new(site: Arc<Site>, http: reqwest::Client, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        Self { site, clock, access_tokens: AccessTokens::default(), http, metrics, pacer: Pacer::default() }
    }

    /// Makes the call, once. Only an OAuth token that was refused is renewed, and the call, which was not carried out
    /// then, made again with the new one.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Answer, Failure> {
        let call = request.call;
        let unsigned = || self.prepare(call, request.id, request.query, request.body.as_ref());
        match &self.site.auth {
            _ if call.endpoint().api == Api::Anonymous => self.exchange(call, unsigned()?).await,
            Auth::Basic { email, token } => {
                self.exchange(call, unsigned()?.basic_auth(email, Some(token.expose_secret()))).await
            }
            Auth::Bearer(token) => self.exchange(call, signed(unsigned()?, token)).await,
            Auth::Client { client_id, client_secret } => {
                let token = self.access_token(client_id, client_secret, None).await?;
                let answer = self.exchange(call, signed(unsigned()?, &token)).await?;
                if !answer.is(401) {
                    return Ok(answer);
                }
                let renewed = self.access_token(client_id, client_secret, Some(&token)).await?;
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
        let url = address(&self.site, call, id, query).map_err(|why| failure::no_address(call, why))?;
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
        }
        Ok(request)
    }

    /// Waits for the call's turn, sends the request as it is, and reads the answer.
    pub(super) async fn exchange(&self, call: Call, request: RequestBuilder) -> Result<Answer, Failure> {
        self.pacer.turn(call, self.clock.now()).await.map_err(|until| failure::held_back(call, until))?;
        let span = info_span!(
            "atlassian.call",
            call = call.as_str(),
            site = %self.site.name,
            http.status = Empty,
            duration_ms = Empty
        );
        self.observed(call, request).instrument(span).await
    }

    async fn observed(&self, call: Call, request: RequestBuilder) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let received = receive(call, request, self.clock.as_ref()).await;
        match received {
            Ok(answer) => {
                self.observe(call, Ending::Status(answer.status), begun.elapsed());
                if answer.is(429)
                    && let Failure::RateLimited { retry_at, .. } = answer.failure()
                {
                    self.pacer.close(call, retry_at, answer.at);
                }
                Ok(answer)
            }
            Err(lost) => {
                self.observe(call, lost.ending(), begun.elapsed());
                Err(failure::of_lost(call, &lost))
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

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("site", &self.site.name).finish_non_exhaustive()
    }
}

fn signed(request: RequestBuilder, token: &SecretString) -> RequestBuilder {
    request.bearer_auth(token.expose_secret())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::{BoxFuture, join_all};
    use jiff::SignedDuration;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tracing_subscriber::fmt::format::FmtSpan;
    use url::Url;

    use super::super::client::Client;
    use super::super::detach::{OrganizationId, RequestKey, ServiceDeskId};
    use super::super::scripted::{Far, Reply, reply, site_at};
    use super::*;
    use crate::domain::account::AccountId;
    use crate::domain::person::EmailAddress;

    const SOMEBODY: &str = "zita.quill@example.com";
    const THEIR_ID: &str = "qm:7f3c:99";

    fn id() -> AccountId {
        AccountId::from(THEIR_ID.to_owned())
    }

    /// What every call about somebody came to, where it failed.
    async fn failures(client: &Client) -> Vec<(Call, Failure)> {
        let (email, id) = (EmailAddress::parse(SOMEBODY).unwrap(), id());
        let organization = OrganizationId::from("3".to_owned());
        let desk = ServiceDeskId::from("4".to_owned());
        let request = RequestKey::from("H-5".to_owned());
        let asked: [(Call, BoxFuture<'_, Option<Failure>>); 15] = [
            (Call::Search, client.search(&email).map(Result::err).boxed()),
            (Call::Scan, client.scan(&email).map(Result::err).boxed()),
            (Call::Read, client.read(&id).map(Result::err).boxed()),
            (Call::Revoke, client.revoke(&id).map(Result::err).boxed()),
            (Call::DeleteCustomerAccount, client.delete(&id).map(Result::err).boxed()),
            (Call::Organizations, client.organizations(&id).map(Result::err).boxed()),
            (Call::LeaveOrganization, client.leave_organization(&organization, &id).map(Result::err).boxed()),
            (Call::ServiceDesks, client.service_desks().map(Result::err).boxed()),
            (Call::LeaveServiceDesk, client.leave_service_desk(&desk, &id).map(Result::err).boxed()),
            (Call::OpenRequests, client.open_requests(&id).map(Result::err).boxed()),
            (Call::LeaveRequest, client.leave_request(&request, &id).map(Result::err).boxed()),
            (Call::Reinvite, client.reinvite(&email, "Zita Quill").map(Result::err).boxed()),
            (Call::Myself, client.probe().map(Result::err).boxed()),
            (Call::ServerInfo, client.server_info().map(Result::err).boxed()),
            (Call::TenantInfo, client.tenant_info().map(Result::err).boxed()),
        ];
        let answers = asked.map(|(call, asked)| asked.map(move |failure| Some((call, failure?))));
        join_all(answers).await.into_iter().flatten().collect()
    }

    /// Where a test's log goes.
    #[derive(Debug, Default, Clone)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn names_nobody(failure: &Failure) -> bool {
        let text = format!("{failure:?}").to_lowercase();
        ["zita", "quill", "example.com", "7f3c", "qm:", "qm%3a", "%40", "bot@", "secret"]
            .iter()
            .all(|word| !text.contains(word))
    }

    fn counted(metrics: &Metrics) -> String {
        let mut registry = Registry::default();
        metrics.register_in(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[tokio::test]
    async fn no_failure_names_anybody_whatever_the_far_side_writes() {
        let body = format!(
            r#"{{"errorMessages":["{SOMEBODY}"],"errorMessage":"{THEIR_ID}","message":"Zita Quill","code":"{THEIR_ID}",
                "error":"{SOMEBODY}","errors":{{"{THEIR_ID}":"{SOMEBODY}"}},"values":"{SOMEBODY}","accountId":["{THEIR_ID}"]}}"#
        );
        for status in [200, 201, 202, 302, 400, 401, 403, 404, 405, 409, 412, 422, 429, 500, 503] {
            for body in [body.clone(), format!("<html>{SOMEBODY} {THEIR_ID}</html>"), format!("{SOMEBODY} {THEIR_ID}")]
            {
                let far = Far::says(move |_, _| reply(status, body.clone()).with("location", "/qm:7f3c:99")).await;
                for (call, failure) in failures(&far.client()).await {
                    assert!(names_nobody(&failure), "{call} {status}: {failure:?}");
                }
            }
        }
    }

    #[tokio::test]
    async fn no_log_names_anybody_at_any_level() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let far = Far::says(|_, _| reply(503, SOMEBODY)).await;
        // Other tests run without a subscriber: what is logged from is made known first, and then asked about again here.
        failures(&far.client()).await;
        let _guard = tracing::subscriber::set_default(subscriber);
        tracing::callsite::rebuild_interest_cache();
        failures(&far.client()).await;
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("call=\"revoke\" site=acme http.status=\"503\" duration_ms="), "{text}");
        for word in ["zita", "quill", "example.com", "7f3c", "qm:", "qm%3A", "%40", "secret"] {
            assert!(!text.to_lowercase().contains(word), "{word} in:\n{text}");
        }
    }

    #[tokio::test]
    async fn far_sides_that_are_ill_are_asked_again_later() {
        let far_sides = [
            (Far::says(|_, _| reply(204, "").after(Duration::from_secs(99))).await, "timeout"),
            (Far::says(|_, _| Reply::stuck(200)).await, "timeout"),
            (Far::says(|_, _| Reply::broken(200)).await, "reset"),
            (Far::says(|_, _| Reply::endless(200)).await, "error"),
            (Far::says(|_, _| reply(500, "<html>Oops</html>")).await, "500"),
            (Far::says(|_, _| Reply::stuck(503)).await, "503"),
        ];
        for (far, status) in far_sides {
            let timeout = SignedDuration::from_secs(if status == "timeout" { 1 } else { 60 });
            let client = far.client_of(Site { timeout, ..site_at(&far.url) });
            let failures = failures(&client).await;
            assert_eq!(failures.len(), 15, "{status}");
            for (call, failure) in &failures {
                assert!(matches!(failure, Failure::Transient { retry_at: None, .. }), "{call}: {failure:?}");
                assert!(names_nobody(failure), "{failure:?}");
            }
            assert_eq!(far.lines().len(), 15, "{status}: each call was made once");
            let line = format!("requests_total{{call=\"revoke\",status=\"{status}\"}} 1");
            assert!(counted(&far.metrics).contains(&line), "{line}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_dropped_before_the_answer_is_a_reset() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                connection.readable().await.unwrap();
                drop(connection);
            }
        });
        let far = Far::always(204, "").await;
        let failure = far.client_of(site_at(&url)).revoke(&id()).await.unwrap_err();
        assert!(matches!(failure, Failure::Transient { .. }), "{failure:?}");
        assert!(counted(&far.metrics).contains("status=\"reset\"} 1"));
    }

    #[tokio::test]
    async fn nobody_at_home_says_why() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", closed.local_addr().unwrap())).unwrap();
        drop(closed);
        let far = Far::always(204, "").await;
        let failure = far.client_of(site_at(&url)).read(&id()).await.unwrap_err();
        assert!(failure.detail().contains("cannot connect: Connection refused"), "{failure:?}");
        assert!(counted(&far.metrics).contains("status=\"error\"} 1"));
    }

    #[tokio::test]
    async fn an_error_whose_body_does_not_come_is_still_that_error() {
        for (status, refused) in [(403, true), (422, false)] {
            let far = Far::says(move |_, _| Reply::stuck(status)).await;
            let failure = far.client().read(&id()).await.unwrap_err();
            assert_eq!(matches!(failure, Failure::SiteRefuses { .. }), refused, "{failure:?}");
        }
    }

    #[tokio::test]
    async fn after_a_429_only_that_call_waits_and_asks_nobody() {
        let far = Far::says(|request, _| {
            if request.line.starts_with("DELETE") {
                reply(429, "{").with("retry-after", "1847")
            } else {
                reply(204, "")
            }
        })
        .await;
        let client = far.client();
        for _ in 0..3 {
            let Err(Failure::RateLimited { retry_at, .. }) = client.delete(&id()).await else { panic!("not limited") };
            assert_eq!(retry_at.unwrap().duration_since(far.clock.now()), SignedDuration::from_secs(1847));
            assert!(client.revoke(&id()).await.is_ok());
        }
        assert_eq!(far.lines().iter().filter(|line| line.starts_with("DELETE")).count(), 1);
        far.clock.advance(SignedDuration::from_secs(1847));
        assert!(client.delete(&id()).await.is_err());
        assert_eq!(far.lines().iter().filter(|line| line.starts_with("DELETE")).count(), 2);
    }

    #[tokio::test]
    async fn calls_are_spaced_below_the_burst() {
        let far = Far::always(204, "").await;
        let client = far.client();
        let begun = Instant::now();
        for _ in 0..30 {
            client.revoke(&id()).await.unwrap();
        }
        assert!(begun.elapsed() > Duration::from_millis(550), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let far = Far::says(|_, _| reply(302, "").with("location", "/elsewhere")).await;
        let failure = far.client().revoke(&id()).await.unwrap_err();
        assert!(
            matches!(&failure, Failure::Permanent { detail } if detail.contains("the URL is wrong")),
            "{failure:?}"
        );
        assert_eq!(far.lines().len(), 1);
    }

    #[tokio::test]
    async fn credentials_and_our_name_are_sent() {
        let far = Far::always(404, "").await;
        far.client().read(&id()).await.unwrap();
        far.client_of(Site { auth: Auth::Bearer("t0ken".into()), ..site_at(&far.url) }).read(&id()).await.unwrap();
        let seen = far.seen();
        assert_eq!(seen[0].header("authorization"), "Basic Ym90QGV4YW1wbGUuY29tOnNlY3JldA==");
        assert_eq!(seen[1].header("authorization"), "Bearer t0ken");
        assert_eq!(seen[0].header("accept"), "application/json");
        assert_eq!(seen[0].header("user-agent"), concat!("offboardd/", env!("CARGO_PKG_VERSION")));
        assert_eq!(seen[0].header("accept-encoding"), "");
    }

    #[tokio::test]
    async fn credentials_that_no_header_can_carry_are_the_sites_trouble() {
        let far = Far::always(204, "").await;
        let client = far.client_of(Site { auth: Auth::Bearer("t0ken\n".into()), ..site_at(&far.url) });
        let failure = client.revoke(&id()).await.unwrap_err();
        assert!(matches!(&failure, Failure::SiteRefuses { detail } if !detail.contains("t0ken")), "{failure:?}");
        assert!(far.lines().is_empty());
    }

    #[tokio::test]
    async fn without_a_cloud_id_the_gateway_is_not_called() {
        let far = Far::always(204, "").await;
        let client = far.client_of(Site { cloud_id: None, ..site_at(&far.url) });
        let failure = client.delete(&id()).await.unwrap_err();
        assert!(matches!(&failure, Failure::Permanent { detail } if detail.contains("cloud_id")), "{failure:?}");
        assert!(client.revoke(&id()).await.is_ok());
    }

    #[test]
    fn debug_shows_the_site_and_no_secret() {
        let site = Arc::new(site_at(&Url::parse("http://127.0.0.1:1").unwrap()));
        let clock = Arc::new(crate::clock::SystemClock);
        let client = Client::new(site, super::super::http::http().unwrap(), clock, Metrics::default());
        assert_eq!(format!("{client:?}"), "Client { link: Link { site: SiteName(\"acme\"), .. } }");
    }
}
