//! A request body of which the unread rest is discarded, not left in the socket.
//!
//! Closing a socket that has unread bytes resets the connection. A response in the middle of an upload, such as 413, would
//! then often be lost: the client reports a broken connection, and a proxy in front answers 502.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

/// How long the rest of an upload is read before the connection is closed nevertheless.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct RequestBody {
    /// `None` after the end.
    incoming: Option<Incoming>,
    /// With `Expect: 100-continue` and before the first read: the response stops the upload, and a read would start it.
    waits_for_continue: bool,
}

impl RequestBody {
    pub(super) fn new(headers: &HeaderMap, incoming: Incoming) -> Self {
        Self { incoming: Some(incoming), waits_for_continue: headers.contains_key(header::EXPECT) }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        self.waits_for_continue = false;
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(incoming).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.incoming = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.waits_for_continue || self.is_end_stream() {
            return;
        }
        if let (Some(incoming), Ok(runtime)) = (self.incoming.take(), Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(DISCARD_TIMEOUT, discard(incoming)));
        }
    }
}

async fn discard(mut incoming: Incoming) {
    while let Some(Ok(_discarded)) = incoming.frame().await {}
}
