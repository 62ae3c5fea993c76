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
use super::answer::Answer;
use super::call::{Call, CallName};
use super::calls::CallRecord;
use super::fault::{Aim, Fault, Moment};
use super::inbound::Inbound;
use super::line::Cord;
use super::world::World;

/// In how many pieces a slow body comes.
const PIECES: usize = 8;

/// Answers everything that is not the sandbox's own control surface.
pub(super) async fn answer(
    State(sandbox): State<Sandbox>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    request: Request<Body>,
) -> Response {
    let Some(request) = Inbound::read(request).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let visit = sandbox.with(|world, now| Visit::begin(world, &request, now));
    let fault = &visit.fault;
    let delay = Duration::from_millis(fault.delay_ms);
    tokio::time::sleep(visit.latency).await;
    if !fault.after_deed {
        tokio::time::sleep(delay).await;
    }
    if fault.drop == Some(Moment::Before) {
        return hang_up(&cord);
    }
    let answer = sandbox.with(|world, now| visit.deed(world, &request, now));
    if fault.after_deed {
        tokio::time::sleep(delay).await;
    }
    if fault.drop.is_some() {
        return hang_up(&cord);
    }
    let date = sandbox.with(|world, now| now.saturating_add(world.settings.date_offset));
    let mut response = send(answer, fault, &cord).await;
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
struct Visit {
    number: u64,
    call: Call,
    fault: Fault,
    latency: Duration,
}

impl Visit {
    fn begin(world: &mut World, request: &Inbound, now: Timestamp) -> Self {
        let call = Call::of(request, |cloud_id| world.is_at(cloud_id));
        let name = call.operation.name();
        let account_id = call.operation.account(request);
        let target = format!("{}?{}", request.path, request.query);
        let aim = Aim { call: name, method: request.method.as_str(), target: &target, account: account_id.as_deref() };
        let fault = world.faults.take(&aim).unwrap_or_default();
        let number = world.calls.came(CallRecord {
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
            world.settings.revoke_latency
        } else if name == CallName::Delete {
            world.settings.delete_latency
        } else {
            SignedDuration::ZERO
        };
        let latency = world.settings.latency.saturating_add(extra).unsigned_abs();
        Self { number, call, fault, latency }
    }

    /// Carries the call out, unless the fault answers in its place, and writes down what became of it.
    fn deed(&self, world: &mut World, request: &Inbound, now: Timestamp) -> Answer {
        let Self { number, call, fault, latency: _ } = self;
        let instead = fault.instead(call.dialect);
        let done = (instead.is_none() || fault.after_deed).then(|| world.answer(request, call, now));
        let changed = done.as_ref().is_some_and(|answer| answer.changed);
        let answer = instead.or(done).unwrap_or_else(|| Answer::empty(StatusCode::NO_CONTENT));
        let answer = fault.dress(answer);
        let unheard = fault.drop.is_some() || (fault.reset && answer.body.is_empty());
        world.calls.settled(*number, (!unheard).then_some(answer.status.as_u16()), changed);
        answer
    }
}

/// Closes the connection; the answer is only there because hyper wants one before it looks at the line.
fn hang_up(cord: &Cord) -> Response {
    cord.pull();
    StatusCode::NO_CONTENT.into_response()
}

async fn send(answer: Answer, fault: &Fault, cord: &Cord) -> Response {
    let Answer { status, headers, body, changed: _ } = answer;
    if body.is_empty() && fault.reset {
        return hang_up(cord);
    }
    let length = body.len();
    let body = match fault.slow_ms.map(Duration::from_millis) {
        _ if fault.reset => cut_off(body, cord.clone()),
        None => Body::from(body),
        Some(slow) if body.is_empty() => {
            tokio::time::sleep(slow).await;
            Body::empty()
        }
        Some(slow) => slowly(&body, slow),
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
fn cut_off(body: Bytes, cord: Cord) -> Body {
    Body::from_stream(stream::unfold(Some(body), move |half| {
        let cord = cord.clone();
        async move {
            if let Some(body) = half {
                return Some((Ok(body.slice(..body.len() / 2)), None));
            }
            // Time for the first half to go out: what lies in a buffer would be lost with the line.
            tokio::time::sleep(Duration::from_millis(20)).await;
            cord.pull();
            Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
        }
    }))
}

/// The body in pieces, with a pause before each.
fn slowly(body: &Bytes, over: Duration) -> Body {
    let size = body.len().div_ceil(PIECES).max(1);
    let pieces: Vec<Bytes> = body.chunks(size).map(Bytes::copy_from_slice).collect();
    let pause = over / u32::try_from(pieces.len()).unwrap_or(1).max(1);
    Body::from_stream(stream::unfold(pieces.into_iter(), move |mut pieces| async move {
        let piece = pieces.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, std::convert::Infallible>(piece), pieces))
    }))
}
