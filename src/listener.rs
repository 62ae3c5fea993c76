//! Serving HTTP/1.1 on a socket, with limits for those who are slow on purpose.
//!
//! `axum::serve` sets no time for the head of a request to arrive; here it has one, and there are only so many connections.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How long the head of a request may take to arrive, from the first byte of the connection or the end of the request
/// before; it also ends connections that idle.
const HEAD: Duration = Duration::from_secs(15);

/// How large a head may be.
const HEAD_BYTES: usize = 64 * 1024;

/// How many connections one listener has at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 4096;

/// How long a stop waits for requests that are under way, before their connections are closed.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// Serves until `stopping`, then finishes the requests that are under way.
pub async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let closing = CancellationToken::new();
    let room = std::sync::Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: those in use will be given back.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = router.clone().map_request(|request: hyper::Request<Incoming>| request.map(Body::new));
        let service = TowerToHyperService::new(service);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = closing.clone().run_until_cancelled_owned(graceful.watch(connection));
        connections.spawn(async move {
            // A client that went away or spoke no HTTP is no news.
            if let Some(Err(error)) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    connections.close();
    if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time: their connections are closed");
        closing.cancel();
    }
    connections.wait().await;
}

async fn accept(
    listener: &TcpListener,
    room: &std::sync::Arc<Semaphore>,
) -> std::io::Result<(tokio::net::TcpStream, Option<tokio::sync::OwnedSemaphorePermit>)> {
    // The semaphore is never closed, so a permit always comes.
    let permit = std::sync::Arc::clone(room).acquire_owned().await.ok();
    let (stream, _peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}
