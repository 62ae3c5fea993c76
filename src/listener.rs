//! Serves HTTP/1.1 on a socket, with limits against slow clients.
//!
//! `axum::serve` has no timeout for request heads and no connection limit; this module has both. At the connection limit, the
//! longest idle connections are closed.

mod request_body;

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use self::request_body::RequestBody;

/// The timeout of a request head, from the start of the connection or the end of the previous request. It also closes idle
/// connections.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum size of a request head; a larger one is answered with 431. It is also the read buffer of a connection, so all
/// read buffers together take at most this times the number of connections.
const HEAD_BYTES: usize = 16 * 1024;

/// The connection limit of the public listener.
const CONNECTIONS: u64 = 4096;

/// The connection limit of the private listener.
const PRIVATE_CONNECTIONS: u64 = 512;

/// How long a shutdown waits for running requests before it closes their connections.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Raises the soft limit of open files to the hard limit. The default soft limit is often too low for a server.
pub fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::info!(%error, "cannot raise the limit of open files");
    }
}

/// Serves until `stopping`, then finishes the running requests.
pub async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    serve_at_most(CONNECTIONS, listener, router, stopping).await;
}

/// The same with the connection limit of the private listener.
pub async fn serve_private(listener: TcpListener, router: Router, stopping: CancellationToken) {
    serve_at_most(PRIVATE_CONNECTIONS, listener, router, stopping).await;
}

async fn serve_at_most(limit: u64, listener: TcpListener, router: Router, stopping: CancellationToken) {
    let router = router.layer(middleware::from_fn(require_host));
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let closing = CancellationToken::new();
    let table = ConnectionTable::new(connection_limit(getrlimit(Resource::Nofile).current, limit));
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        match accepted {
            Ok(stream) => {
                let (number, slot) = table.insert();
                let connection = graceful.watch(connection(stream, router.clone(), &table, &slot));
                let connection = closing.clone().run_until_cancelled_owned(connection);
                let (table, stopping) = (Arc::clone(&table), stopping.clone());
                connections.spawn(async move {
                    tokio::select! {
                        ended = connection => if let Some(Err(error)) = ended {
                            tracing::debug!(%error, "connection ended with an error");
                        },
                        () = slot.close.cancelled() => tracing::debug!("connection closed at the connection limit"),
                        () = slot.unused_at_stop(&stopping) => tracing::debug!("connection without a request closed"),
                    }
                    table.remove(number);
                });
            }
            Err(error) => {
                // Usually out of file descriptors: wait until connections close.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    connections.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests did not finish within {DRAIN_TIMEOUT:?}: closing their connections");
        closing.cancel();
    }
    connections.wait().await;
}

/// Serves one connection. Each request updates the slot's activity.
fn connection(
    stream: TcpStream,
    router: Router,
    table: &Arc<ConnectionTable>,
    slot: &Arc<ConnectionSlot>,
) -> impl GracefulConnection<Error = hyper::Error> + use<> {
    let (table, slot) = (Arc::clone(table), Arc::clone(slot));
    let service = router.map_request(move |request: hyper::Request<Incoming>| {
        table.touch(&slot);
        let (head, incoming) = request.into_parts();
        let body = RequestBody::new(&head.headers, incoming);
        Request::from_parts(head, Body::new(body))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
}

/// Rejects a request whose `Host` header is missing, repeated or malformed (RFC 9112, section 3.2). A proxy and
/// the daemon could otherwise read different hosts.
async fn require_host(request: Request, next: Next) -> Response {
    if has_one_host(request.version(), request.headers()) {
        return next.run(request).await;
    }
    let problem = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"send exactly one well-formed Host header"}"#;
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::BAD_REQUEST, headers, problem).into_response()
}

fn has_one_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host.as_bytes()),
        // HTTP/1.0 has no such header; some health checks use it.
        (None, None) => version == Version::HTTP_10,
        (_, Some(_)) => false,
    }
}

/// Whether the value is a host with an optional port.
fn is_host(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else { return false };
    let port_fits =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok());
    if let Some(bracketed) = host.strip_prefix('[') {
        let Some((address, rest)) = bracketed.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok()
            && (rest.is_empty() || rest.strip_prefix(':').is_some_and(port_fits));
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    named && port_fits(port)
}

async fn accept(listener: &TcpListener) -> std::io::Result<TcpStream> {
    let (stream, _peer) = listener.accept().await?;
    if let Err(error) = stream.set_nodelay(true) {
        // The connection is closed; serving it reports the error.
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    Ok(stream)
}

/// The connection limit of one listener. Both together use 3/4 of the open files; the rest is for database and calls.
fn connection_limit(open_files: Option<u64>, limit: u64) -> usize {
    let share = open_files.map_or(limit, |files| files / 8 * 3);
    usize::try_from(share.clamp(1, limit)).unwrap_or(1)
}

/// The connections of one listener.
#[derive(Debug)]
struct ConnectionTable {
    slots: Mutex<BTreeMap<u64, Arc<ConnectionSlot>>>,
    limit: usize,
    /// Orders openings and requests.
    sequence: AtomicU64,
}

#[derive(Debug)]
struct ConnectionSlot {
    opened_at: u64,
    /// The sequence number of the opening, or of the last request.
    active_at: AtomicU64,
    close: CancellationToken,
}

impl ConnectionSlot {
    /// Completes at a stop if the connection had no request. hyper closes connections that idle between two requests, and
    /// waits for the first request of the others. The task that polls this also polls the connection, so that no request can
    /// start in between.
    async fn unused_at_stop(&self, stopping: &CancellationToken) {
        stopping.cancelled().await;
        if self.active_at.load(Ordering::Relaxed) != self.opened_at {
            std::future::pending::<()>().await;
        }
    }
}

impl ConnectionTable {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default(), limit, sequence: AtomicU64::default() })
    }

    /// Adds a connection. At the limit, closes the longest idle ones, also during an upload: no response was sent for it, so
    /// the client repeats it.
    fn insert(&self) -> (u64, Arc<ConnectionSlot>) {
        let number = self.sequence.fetch_add(1, Ordering::Relaxed);
        let active_at = AtomicU64::new(number);
        let slot = Arc::new(ConnectionSlot { opened_at: number, active_at, close: CancellationToken::new() });
        let mut slots = self.slots();
        if slots.len() >= self.limit {
            // One sort frees slots for several new connections.
            let mut by_activity: Vec<_> =
                slots.iter().map(|(number, slot)| (slot.active_at.load(Ordering::Relaxed), *number)).collect();
            by_activity.sort_unstable();
            for (_, number) in by_activity.into_iter().take(self.limit / 16 + 1) {
                if let Some(slot) = slots.remove(&number) {
                    slot.close.cancel();
                }
            }
        }
        slots.insert(number, Arc::clone(&slot));
        (number, slot)
    }

    fn touch(&self, slot: &ConnectionSlot) {
        slot.active_at.store(self.sequence.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    fn remove(&self, number: u64) {
        self.slots().remove(&number);
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<ConnectionSlot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn longest_idle_connections_are_closed_at_the_limit() {
        let table = ConnectionTable::new(32);
        let slots: Vec<_> = (0..32).map(|_| table.insert()).collect();
        table.touch(&slots[0].1);
        assert!(slots.iter().all(|(_, slot)| !slot.close.is_cancelled()));
        let (_, late) = table.insert();
        let gone: Vec<_> = slots.iter().map(|(_, slot)| slot.close.is_cancelled()).collect();
        assert_eq!(gone.iter().filter(|gone| **gone).count(), 3);
        assert!(gone[1] && gone[2] && gone[3] && !gone[0] && !late.close.is_cancelled());
        // The freed slots and the slot of a closed connection are used first.
        table.insert();
        table.insert();
        table.remove(slots[4].0);
        table.insert();
        assert!(!slots[5].1.close.is_cancelled());
        assert_eq!(table.slots().len(), 32);
    }

    #[test]
    fn connection_limit_leaves_files_for_database_and_calls() {
        let limits = [Some(256), Some(1024), Some(1_048_576), None, Some(0)];
        assert_eq!(limits.map(|files| connection_limit(files, CONNECTIONS)), [96, 384, 4096, 4096, 1]);
    }

    #[test]
    fn host_is_a_name_or_an_address_with_an_optional_port() {
        for host in [
            "localhost",
            "hooks.acme.example:8080",
            "127.0.0.1:1",
            "[::1]:9090",
            "[::1]",
            "xn--bcher-kva.example",
            "a:",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            " ",
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a:1:2",
            "a:99999",
            "a,b",
            "[::1",
            "[x]",
            "[::1]x",
            "http://a",
            "a?b",
            "b\u{fc}cher",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn request_has_exactly_one_host() {
        let headers = |hosts: &[&'static str]| -> HeaderMap {
            hosts.iter().map(|host| (header::HOST, HeaderValue::from_static(host))).collect()
        };
        assert!(has_one_host(Version::HTTP_11, &headers(&["a"])));
        assert!(!has_one_host(Version::HTTP_11, &headers(&[])) && has_one_host(Version::HTTP_10, &headers(&[])));
        assert!(!has_one_host(Version::HTTP_11, &headers(&["a", "a"])));
    }
}
