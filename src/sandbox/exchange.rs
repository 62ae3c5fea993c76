//! One call from its arrival to its answer, with the fault that hits it, if one does.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use super::Sandbox;
use super::call::{Call, CallName};
use super::calls::CallRecord;
use super::fault::{Fault, FaultTarget, FaultTiming};
use super::inbound::Inbound;
use super::options::SandboxOptions;
use super::response::SiteResponse;
use super::state::SandboxState;
use super::stream::KillSwitch;

/// In how many pieces a slow body comes.
const SLOW_CHUNKS: usize = 8;

/// Answers everything that is not the sandbox's own control surface.
pub(super) async fn respond(
    State(sandbox): State<Sandbox>,
    ConnectInfo(kill_switch): ConnectInfo<KillSwitch>,
    request: Request<Body>,
) -> Response {
    let Some(request) = Inbound::read(request).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let exchange = sandbox.with(|state, now| Exchange::start(state, &request, now));
    let fault = &exchange.fault;
    let delay = Duration::from_millis(fault.delay_ms);
    tokio::time::sleep(exchange.latency).await;
    if !fault.after_effect {
        tokio::time::sleep(delay).await;
    }
    if fault.drop == Some(FaultTiming::Before) {
        return drop_connection(&kill_switch);
    }
    let response = sandbox.with(|state, now| exchange.execute(state, &request, now));
    if fault.after_effect {
        tokio::time::sleep(delay).await;
    }
    if fault.drop.is_some() {
        return drop_connection(&kill_switch);
    }
    let date = sandbox.with(|state, now| {
        let SandboxOptions { date_ahead, date_behind, .. } = &state.options;
        now.saturating_add(date_ahead.get().saturating_sub(date_behind.get()))
    });
    let mut response = send(response, fault, &kill_switch).await;
    // The sandbox's clock may be another than the machine's, which would be the default. A fault's own header stays.
    if let Some(date) =
        date.ok().and_then(|date| rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).ok())
        && let Ok(date) = HeaderValue::try_from(date)
    {
        response.headers_mut().entry(header::DATE).or_insert(date);
    }
    response
}

/// A call that has come.
#[derive(Debug)]
struct Exchange {
    number: u64,
    call: Call,
    fault: Fault,
    latency: Duration,
}

impl Exchange {
    fn start(state: &mut SandboxState, request: &Inbound, now: Timestamp) -> Self {
        let call = Call::of(request, |cloud_id| state.is_at(cloud_id));
        let name = call.operation.name();
        let account_id = call.operation.account(request);
        let path_and_query = format!("{}?{}", request.path, request.query);
        let target = FaultTarget {
            call: name,
            method: request.method.as_str(),
            path_and_query: &path_and_query,
            account: account_id.as_deref(),
        };
        let fault = state.faults.take(&target).unwrap_or_default();
        let number = state.calls.record(CallRecord {
            number: 0,
            at: now,
            call: name,
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.clone(),
            account_id,
            status: None,
            changed: false,
        });
        let extra = if name == CallName::Revoke {
            state.options.revoke_latency.get()
        } else if name == CallName::Delete {
            state.options.delete_latency.get()
        } else {
            SignedDuration::ZERO
        };
        let latency = state.options.latency.get().saturating_add(extra).unsigned_abs();
        Self { number, call, fault, latency }
    }

    /// Carries the call out, unless the fault answers in its place, and writes down what became of it.
    fn execute(&self, state: &mut SandboxState, request: &Inbound, now: Timestamp) -> SiteResponse {
        let Self { number, call, fault, latency: _ } = self;
        let instead = fault.replacement(call.error_format);
        let done = (instead.is_none() || fault.after_effect).then(|| state.handle(request, call, now));
        let changed = done.as_ref().is_some_and(|response| response.changed);
        let response = instead.or(done).unwrap_or_else(|| SiteResponse::empty(StatusCode::NO_CONTENT));
        let response = fault.add_headers(response);
        let unheard = fault.drop.is_some() || (fault.reset && response.body.is_empty());
        state.calls.complete(*number, (!unheard).then_some(response.status.as_u16()), changed);
        response
    }
}

/// Closes the connection; the answer is only there because hyper wants one before it looks at the line.
fn drop_connection(kill_switch: &KillSwitch) -> Response {
    kill_switch.kill();
    StatusCode::NO_CONTENT.into_response()
}

async fn send(response: SiteResponse, fault: &Fault, kill_switch: &KillSwitch) -> Response {
    let SiteResponse { status, headers, body, changed: _ } = response;
    if body.is_empty() && fault.reset {
        return drop_connection(kill_switch);
    }
    let length = body.len();
    let body = match fault.slow_ms.map(Duration::from_millis) {
        _ if fault.reset => truncated_body(body, kill_switch.clone()),
        None => Body::from(body),
        Some(slow) if body.is_empty() => {
            tokio::time::sleep(slow).await;
            Body::empty()
        }
        Some(slow) => slow_body(&body, slow),
    };
    let mut response = (status, body).into_response();
    response.headers_mut().extend(headers);
    if length > 0 {
        // The length is promised even where the body does not come whole.
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

/// Half of the body, then a reset.
fn truncated_body(body: Bytes, kill_switch: KillSwitch) -> Body {
    Body::from_stream(stream::unfold(Some(body), move |half| {
        let kill_switch = kill_switch.clone();
        async move {
            if let Some(body) = half {
                return Some((Ok(body.slice(..body.len() / 2)), None));
            }
            // Time for the first half to go out: what lies in a buffer would be lost with the line.
            tokio::time::sleep(Duration::from_millis(20)).await;
            kill_switch.kill();
            Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
        }
    }))
}

/// The body in pieces, with a pause before each.
fn slow_body(body: &Bytes, over: Duration) -> Body {
    let size = body.len().div_ceil(SLOW_CHUNKS).max(1);
    let pieces: Vec<Bytes> = body.chunks(size).map(Bytes::copy_from_slice).collect();
    let pause = over / u32::try_from(pieces.len()).unwrap_or(1).max(1);
    Body::from_stream(stream::unfold(pieces.into_iter(), move |mut pieces| async move {
        let piece = pieces.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, std::convert::Infallible>(piece), pieces))
    }))
}
