//! Every call against a server that fails in every way.

use std::io::Write;
use std::sync::{Arc, Mutex};
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

use super::call::Call;
use super::client::Client;
use super::detach::{OrganizationId, RequestKey, ServiceDeskId};
use super::fake_server::{FakeServer, Reply, reply, site_at};
use super::metrics::Metrics;
use super::site::Site;
use crate::clock::Clock as _;
use crate::domain::account::AccountId;
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;

const ZITA: &str = "zita.quill@example.com";
const THEIR_ID: &str = "qm:7f3c:99";

fn id() -> AccountId {
    AccountId::from(THEIR_ID.to_owned())
}

/// The failures of every call about one person.
async fn failures(client: &Client) -> Vec<(Call, Failure)> {
    let (email, id) = (EmailAddress::parse(ZITA).unwrap(), id());
    let organization = OrganizationId::from("3".to_owned());
    let desk = ServiceDeskId::from("4".to_owned());
    let request = RequestKey::from("H-5".to_owned());
    let calls: [(Call, BoxFuture<'_, Option<Failure>>); 15] = [
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
    let responses = calls.map(|(call, made)| made.map(move |failure| Some((call, failure?))));
    join_all(responses).await.into_iter().flatten().collect()
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

fn names_no_person(failure: &Failure) -> bool {
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
async fn no_failure_contains_personal_data_from_a_response() {
    let body = format!(
        r#"{{"errorMessages":["{ZITA}"],"errorMessage":"{THEIR_ID}","message":"Zita Quill","code":"{THEIR_ID}",
            "error":"{ZITA}","errors":{{"{THEIR_ID}":"{ZITA}"}},"values":"{ZITA}","accountId":["{THEIR_ID}"]}}"#
    );
    for status in [200, 201, 202, 302, 400, 401, 403, 404, 405, 409, 412, 422, 429, 500, 503] {
        for body in [body.clone(), format!("<html>{ZITA} {THEIR_ID}</html>"), format!("{ZITA} {THEIR_ID}")] {
            let server =
                FakeServer::scripted(move |_, _| reply(status, body.clone()).with("location", "/qm:7f3c:99")).await;
            let failures = failures(&server.client()).await;
            assert!(!failures.is_empty(), "{status}");
            for (call, failure) in failures {
                assert!(names_no_person(&failure), "{call} {status}: {failure:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_log_contains_personal_data_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let server = FakeServer::scripted(|_, _| reply(503, ZITA)).await;
    let _guard = tracing::subscriber::set_default(subscriber);
    // Another test thread without a subscriber may register a log callsite first, and its lack of interest is cached.
    // After one round every callsite is registered, and its interest is computed again.
    failures(&server.client()).await;
    tracing::callsite::rebuild_interest_cache();
    failures(&server.client()).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("call=\"revoke\" site=acme http.status=\"503\" duration_ms="), "{text}");
    for word in ["zita", "quill", "example.com", "7f3c", "qm:", "qm%3a", "%40", "secret"] {
        assert!(!text.to_lowercase().contains(word), "{word} in:\n{text}");
    }
}

#[tokio::test]
async fn failing_server_is_retried_later() {
    let servers = [
        (FakeServer::scripted(|_, _| reply(204, "").after(Duration::from_secs(99))).await, "timeout"),
        (FakeServer::scripted(|_, _| Reply::stuck(200)).await, "timeout"),
        (FakeServer::scripted(|_, _| Reply::broken(200)).await, "reset"),
        (FakeServer::scripted(|_, _| Reply::endless(200)).await, "error"),
        (FakeServer::scripted(|_, _| reply(500, "<html>Oops</html>")).await, "500"),
        (FakeServer::scripted(|_, _| Reply::stuck(503)).await, "503"),
    ];
    for (server, status) in servers {
        let timeout = SignedDuration::from_secs(if status == "timeout" { 1 } else { 30 });
        let client = server.client_of(Site { timeout, ..site_at(&server.url) });
        let failures = failures(&client).await;
        assert_eq!(failures.len(), 15, "{status}");
        for (call, failure) in &failures {
            assert!(matches!(failure, Failure::Transient { retry_at: None, .. }), "{call}: {failure:?}");
            assert!(names_no_person(failure), "{failure:?}");
        }
        assert_eq!(server.request_lines().len(), 15, "{status}: each call was made once");
        let line = format!("requests_total{{call=\"revoke\",status=\"{status}\"}} 1");
        assert!(counted(&server.metrics).contains(&line), "{line}");
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
    let server = FakeServer::always(204, "").await;
    let failure = server.client_of(site_at(&url)).revoke(&id()).await.unwrap_err();
    assert!(matches!(failure, Failure::Transient { .. }), "{failure:?}");
    assert!(counted(&server.metrics).contains("status=\"reset\"} 1"));
}

#[tokio::test]
async fn failed_connection_reports_its_cause() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", closed.local_addr().unwrap())).unwrap();
    drop(closed);
    let server = FakeServer::always(204, "").await;
    let failure = server.client_of(site_at(&url)).read(&id()).await.unwrap_err();
    assert!(failure.detail().contains("cannot connect: Connection refused"), "{failure:?}");
    assert!(counted(&server.metrics).contains("status=\"error\"} 1"));
}

#[tokio::test]
async fn an_error_whose_body_does_not_come_is_still_that_error() {
    for (status, refused) in [(403, true), (422, false)] {
        let server = FakeServer::scripted(move |_, _| Reply::stuck(status)).await;
        let site = Site { timeout: SignedDuration::from_secs(2), ..site_at(&server.url) };
        let failure = server.client_of(site).read(&id()).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::AccessDenied { .. }), refused, "{failure:?}");
    }
}

#[tokio::test]
async fn after_a_429_only_that_call_is_deferred() {
    let server = FakeServer::scripted(|request, _| {
        if request.line.starts_with("DELETE") { reply(429, "{").with("retry-after", "1847") } else { reply(204, "") }
    })
    .await;
    let client = server.client();
    for _ in 0..3 {
        let Err(Failure::RateLimited { retry_at, .. }) = client.delete(&id()).await else { panic!("not limited") };
        assert_eq!(retry_at.unwrap().duration_since(server.clock.now()), SignedDuration::from_secs(1847));
        assert!(client.revoke(&id()).await.is_ok());
    }
    assert_eq!(server.request_lines().iter().filter(|line| line.starts_with("DELETE")).count(), 1);
    server.clock.advance(SignedDuration::from_secs(1847));
    assert!(client.delete(&id()).await.is_err());
    assert_eq!(server.request_lines().iter().filter(|line| line.starts_with("DELETE")).count(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = FakeServer::scripted(|_, _| reply(302, "").with("location", "/elsewhere")).await;
    let failure = server.client().revoke(&id()).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::SiteUnavailable { detail } if detail.contains("the site moved")),
        "{failure:?}"
    );
    assert_eq!(
        server.request_lines(),
        ["PUT /rest/servicedeskapi/customer/user/qm%3A7f3c%3A99/revoke-portal-only-access", "GET /rest/api/3/myself",]
    );
}
