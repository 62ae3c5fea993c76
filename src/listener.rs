//! Serving HTTP/1.1 on a socket, with limits for those who are slow on purpose.
//!
//! `axum::serve` sets no time for the head of a request to arrive; here it has one, and there are only so many connections.
//! When there are too many, those that were silent longest are closed: whoever has something to say gets in, however many
//! only sit there.

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
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How long the head of a request may take to arrive, from the first byte of the connection or the end of the request
/// before; it also ends connections that idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How large a head may be; larger ones are answered 431. A connection reads into one buffer of this size, so that all heads
/// and all bodies that are being read take at most this times the number of connections.
const HEAD_BYTES: usize = 16 * 1024;

/// How many connections the public listener has at most.
const CONNECTIONS: u64 = 4096;

/// How many connections the private listener has at most: operators and their programs need few.
const PRIVATE_CONNECTIONS: u64 = 512;

/// How long a stop waits for requests that are under way, before their connections are closed.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Lets the process open as many files as the machine's owner allows; the limit that it starts with is often meant for
/// programs of another kind.
pub fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::info!(%error, "the limit of open files stays as it is");
    }
}

/// Serves until `stopping`, then finishes the requests that are under way.
pub async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    serve_at_most(CONNECTIONS, listener, router, stopping).await;
}

/// The same with fewer connections.
pub async fn serve_private(listener: TcpListener, router: Router, stopping: CancellationToken) {
    serve_at_most(PRIVATE_CONNECTIONS, listener, router, stopping).await;
}

async fn serve_at_most(most: u64, listener: TcpListener, router: Router, stopping: CancellationToken) {
    let router = router.layer(middleware::from_fn(require_host));
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let closing = CancellationToken::new();
    let table = ConnectionTable::new(connection_limit(getrlimit(Resource::Nofile).current, most));
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file descriptors, mostly: those in use will be given back.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (number, slot) = table.insert();
        let (active, touching) = (Arc::clone(&slot), Arc::clone(&table));
        let service = router.clone().map_request(move |request: hyper::Request<Incoming>| {
            touching.touch(&active);
            request.map(Body::new)
        });
        let service = TowerToHyperService::new(service);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = closing.clone().run_until_cancelled_owned(graceful.watch(connection));
        let (table, stopping) = (Arc::clone(&table), stopping.clone());
        connections.spawn(async move {
            tokio::select! {
                // A client that went away or spoke no HTTP is no news.
                ended = connection => if let Some(Err(error)) = ended {
                    tracing::debug!(%error, "a connection ended early");
                },
                () = slot.close.cancelled() => tracing::debug!("a connection is closed for others that want in"),
                () = slot.unused_at_stop(&stopping) => tracing::debug!("a connection that never asked anything is closed"),
            }
            table.remove(number);
        });
    }
    connections.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time: their connections are closed");
        closing.cancel();
    }
    connections.wait().await;
}

/// Rejects a request whose `Host` header is missing, repeated or malformed (RFC 9112, section 3.2): parts that read different
/// hosts out of one request disagree about whom it is for.
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
        // HTTP/1.0 has no such header; health checks still speak it.
        (None, None) => version == Version::HTTP_10,
        (_, Some(_)) => false,
    }
}

/// Whether it is a host, and perhaps a port.
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
        // It is gone already; that is found out soon enough.
        tracing::debug!(%error, "a connection takes no options");
    }
    Ok(stream)
}

/// How many connections one of the two listeners has, so that files remain for the database and for calls.
fn connection_limit(open_files: Option<u64>, most: u64) -> usize {
    let share = open_files.map_or(most, |files| files / 8 * 3);
    usize::try_from(share.clamp(1, most)).unwrap_or(1)
}

/// The connections of one listener.
#[derive(Debug)]
struct ConnectionTable {
    slots: Mutex<BTreeMap<u64, Arc<ConnectionSlot>>>,
    limit: usize,
    /// Counts whatever happens, to tell what was before what.
    sequence: AtomicU64,
}

#[derive(Debug)]
struct ConnectionSlot {
    opened_at: u64,
    /// When it was opened, or a request began on it.
    active_at: AtomicU64,
    close: CancellationToken,
}

impl ConnectionSlot {
    /// Ready at a stop when no request ever began here: hyper, which closes those that idle between two requests, would
    /// wait for the first. Polled beside the connection by the same task, so that none begins meanwhile.
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

    /// Seats a connection, if need be in the place of some that were silent longest. Those may be in the middle of a body:
    /// whoever is let in at their cost came later than they began, and nothing was promised to them yet.
    fn insert(&self) -> (u64, Arc<ConnectionSlot>) {
        let number = self.sequence.fetch_add(1, Ordering::Relaxed);
        let active_at = AtomicU64::new(number);
        let slot = Arc::new(ConnectionSlot { opened_at: number, active_at, close: CancellationToken::new() });
        let mut slots = self.slots();
        if slots.len() >= self.limit {
            // Several at once, so that one look at everybody serves as many as come next.
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
    fn who_was_silent_longest_makes_room() {
        let table = ConnectionTable::new(32);
        let slots: Vec<_> = (0..32).map(|_| table.insert()).collect();
        table.touch(&slots[0].1);
        assert!(slots.iter().all(|(_, slot)| !slot.close.is_cancelled()));
        let (_, late) = table.insert();
        let gone: Vec<_> = slots.iter().map(|(_, slot)| slot.close.is_cancelled()).collect();
        assert_eq!(gone.iter().filter(|gone| **gone).count(), 3);
        assert!(gone[1] && gone[2] && gone[3] && !gone[0] && !late.close.is_cancelled());
        // There is room again, and it is found again when somebody leaves.
        table.insert();
        table.insert();
        table.remove(slots[4].0);
        table.insert();
        assert!(!slots[5].1.close.is_cancelled());
        assert_eq!(table.slots().len(), 32);
    }

    #[test]
    fn files_remain_for_the_database_and_for_calls() {
        let limits = [Some(256), Some(1024), Some(1_048_576), None, Some(0)];
        assert_eq!(limits.map(|files| connection_limit(files, CONNECTIONS)), [96, 384, 4096, 4096, 1]);
    }

    #[test]
    fn host_is_one_name_or_address_with_a_port_or_none() {
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
    fn host_stands_in_a_request_exactly_once() {
        let headers = |hosts: &[&'static str]| -> HeaderMap {
            hosts.iter().map(|host| (header::HOST, HeaderValue::from_static(host))).collect()
        };
        assert!(has_one_host(Version::HTTP_11, &headers(&["a"])));
        assert!(!has_one_host(Version::HTTP_11, &headers(&[])) && has_one_host(Version::HTTP_10, &headers(&[])));
        assert!(!has_one_host(Version::HTTP_11, &headers(&["a", "a"])));
    }
}
