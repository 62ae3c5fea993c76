//! A server for tests that replies by a script, over a real socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request as Incoming;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use super::client::Client;
use super::metrics::Metrics;
use super::site::{Auth, DeleteWith, Site, WatchErased};
use crate::clock::{Clock as _, ManualClock};
use crate::domain::guard::Protection;
use crate::outbound::http;

/// The server and its recorded requests. It stops when it is dropped.
pub(super) struct FakeServer {
    pub(super) url: Url,
    pub(super) clock: Arc<ManualClock>,
    pub(super) metrics: Metrics,
    seen: Arc<Mutex<Vec<RecordedRequest>>>,
    _server: JoinSet<()>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct RecordedRequest {
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// What is answered, and how late.
pub(super) struct Reply {
    response: Response,
    after: Duration,
}

impl FakeServer {
    /// Answers each request by `script`; the first request is number 0.
    pub(super) async fn scripted(script: impl Fn(&RecordedRequest, usize) -> Reply + Send + Sync + 'static) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
        let seen = Arc::new(Mutex::new(Vec::<RecordedRequest>::new()));
        let (log, script) = (Arc::clone(&seen), Arc::new(script));
        let time = Arc::clone(&clock);
        let app = Router::new().fallback(move |request: Incoming| {
            let (log, script, time) = (Arc::clone(&log), Arc::clone(&script), Arc::clone(&time));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let line = format!("{} {}", head.method, head.uri);
                let request =
                    RecordedRequest { line, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() };
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                let Reply { mut response, after } = script(&request, number);
                tokio::time::sleep(after).await;
                let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time.now()).unwrap();
                response.headers_mut().entry("date").or_insert(date.parse().unwrap());
                response
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, clock, metrics: Metrics::default(), seen, _server: server }
    }

    /// Answers every request the same.
    pub(super) async fn always(status: u16, body: &'static str) -> Self {
        Self::scripted(move |_, _| reply(status, body)).await
    }

    /// Accepts the credentials and answers every other request the same.
    pub(super) async fn authenticated(status: u16, body: &'static str) -> Self {
        Self::scripted(move |request, _| {
            let myself = request.line.ends_with("/myself");
            if myself { reply(200, r#"{"accountId":"5b1"}"#) } else { reply(status, body) }
        })
        .await
    }

    pub(super) fn client(&self) -> Client {
        self.client_of(site_at(&self.url))
    }

    pub(super) fn client_of(&self, site: Site) -> Client {
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        Client::new(Arc::new(site), http().unwrap(), clock, self.metrics.clone())
    }

    pub(super) fn requests(&self) -> Vec<RecordedRequest> {
        self.seen.lock().unwrap().clone()
    }

    /// Method, path and query of each request.
    pub(super) fn request_lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|seen| seen.line).collect()
    }
}

impl RecordedRequest {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter of the query, read as a number.
    pub(super) fn number(&self, name: &str) -> usize {
        let url = Url::parse("http://server").unwrap().join(self.line.split_once(' ').unwrap().1).unwrap();
        url.query_pairs().find(|(key, _)| key == name).unwrap().1.parse().unwrap()
    }
}

impl Reply {
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.response.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub(super) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// The answer begins, and then the connection breaks.
    pub(super) fn broken(status: u16) -> Self {
        Self::streamed(
            status,
            futures_util::stream::iter([
                Ok(Bytes::from_static(b"{\"accountId\":")),
                Err(std::io::Error::other("broken on purpose")),
            ]),
        )
    }

    /// The answer begins, and then nothing comes.
    pub(super) fn stuck(status: u16) -> Self {
        let begin = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
        Self::streamed(status, futures_util::StreamExt::chain(begin, futures_util::stream::pending()))
    }

    /// An answer that never ends.
    pub(super) fn endless(status: u16) -> Self {
        let chunk = Bytes::from(vec![b' '; 64 * 1024]);
        Self::streamed(status, futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone())))
    }

    fn streamed(
        status: u16,
        stream: impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    ) -> Self {
        let mut reply = reply(status, "");
        *reply.response.body_mut() = Body::from_stream(stream);
        reply
    }
}

pub(super) fn reply(status: u16, body: impl Into<String>) -> Reply {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Reply { response, after: Duration::ZERO }
}

/// A site that is all at `url`, with Basic credentials and CSM deletion.
pub(super) fn site_at(url: &Url) -> Site {
    Site {
        name: "acme".parse().unwrap(),
        url: url.clone(),
        cloud_id: Some("cloud-1".to_owned()),
        gateway: url.clone(),
        via_gateway: false,
        auth: Auth::Basic { email: "bot@example.com".to_owned(), token: "secret".into() },
        delete_with: DeleteWith::CustomerAccount,
        deletion_grace: SignedDuration::from_hours(14 * 24),
        look_back: SignedDuration::from_hours(24),
        protect: Protection::default(),
        look_again: Vec::new(),
        watch_grant: SignedDuration::from_hours(1),
        watch_erased: WatchErased::Ignore,
        watch_erased_every: SignedDuration::from_hours(24),
        probe_every: SignedDuration::from_mins(1),
        probe_idle: SignedDuration::ZERO,
        concurrency: 4,
        timeout: SignedDuration::from_secs(30),
    }
}
