//! Faults that make the site misbehave, once or permanently. A fault selects calls and states what happens to them. The
//! sandbox's log shows whether the call had its effect.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::CallName;
use super::response::{ApiError, ErrorFormat, SiteResponse};

/// One fault. A call must match every selector that is given.
///
/// In order: the call waits `delay_ms`; it is dropped, or answered with `status`, or carried out; then the answer may be
/// replaced, cut off or slowed down.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Hits this call only.
    pub call: Option<CallName>,
    /// Hits this method only.
    pub method: Option<String>,
    /// Hits calls with this text in path or query only, as it was sent.
    pub path_contains: Option<String>,
    /// Hits calls about this account only.
    pub account: Option<String>,
    /// Lets so many calls pass first.
    pub skip: u32,
    /// Hits so many calls, then is over; without it, it stays until faults are cleared.
    pub times: Option<u32>,

    /// Answers with this status. The call has no effect, unless `after_effect`.
    pub status: Option<u16>,
    /// Answers with this body: text goes out as HTML, anything else as JSON. The default status is 200.
    pub body: Option<Value>,
    /// Adds these headers to the answer, whatever it is.
    pub headers: BTreeMap<String, String>,
    /// Adds `Retry-After`, seconds or an HTTP date. The default status is 429.
    pub retry_after: Option<Value>,
    /// Answers 200, or `status`, with a body that contradicts its content type. The call has no effect, unless
    /// `after_effect`.
    pub garbage: bool,
    /// The call has its effect first: the delay and the other response follow.
    pub after_effect: bool,
    /// Waits so long.
    pub delay_ms: u64,
    /// Closes the connection without an answer.
    pub drop: Option<FaultTiming>,
    /// Resets the connection in the middle of the body. An answer without a body is not sent at all.
    pub reset: bool,
    /// Spreads the body over so long.
    pub slow_ms: Option<u64>,
}

/// Before or after the effect of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultTiming {
    /// The call has no effect.
    Before,
    /// The call has its effect, and its response is lost.
    After,
}

/// What selects the calls that a fault hits.
#[derive(Debug)]
pub(super) struct FaultTarget<'a> {
    pub(super) call: CallName,
    pub(super) method: &'a str,
    pub(super) path_and_query: &'a str,
    pub(super) account: Option<&'a str>,
}

impl Fault {
    /// What cannot be served, before it surprises a test.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(status) = self.status
            && !(200..=599).contains(&status)
        {
            return Err(format!("`status` is between 200 and 599, not {status}"));
        }
        if self.times == Some(0) {
            return Err("`times` is at least 1".to_owned());
        }
        match self.headers.keys().find(|name| HeaderName::try_from(name.as_str()).is_err()) {
            Some(name) => Err(format!("`{name}` is not the name of a header")),
            None => Ok(()),
        }
    }

    fn matches(&self, target: &FaultTarget<'_>) -> bool {
        self.call.is_none_or(|call| call == target.call)
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(target.method))
            && self.path_contains.as_ref().is_none_or(|part| target.path_and_query.contains(part))
            && self.account.as_ref().is_none_or(|account| target.account == Some(account))
    }

    /// The answer that is given instead of the true one, if there is one.
    pub(super) fn replacement(&self, error_format: ErrorFormat) -> Option<SiteResponse> {
        let default = if self.retry_after.is_some() {
            StatusCode::TOO_MANY_REQUESTS
        } else if self.body.is_some() || self.garbage {
            StatusCode::OK
        } else {
            StatusCode::from_u16(self.status?).ok()?
        };
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(default);
        let bare = SiteResponse::empty(status);
        Some(match &self.body {
            Some(Value::String(text)) => bare.with_body("text/html;charset=UTF-8", text.clone().into()),
            Some(value) => SiteResponse::json(status, value),
            None if self.garbage => bare.with_body("application/json;charset=UTF-8", Bytes::from_static(GARBAGE)),
            None if status.is_success() => bare,
            None => ApiError::new(status, "This response was injected as a fault.").into_response(error_format),
        })
    }

    /// The same answer with this fault's headers.
    pub(super) fn add_headers(&self, mut response: SiteResponse) -> SiteResponse {
        if let Some(retry_after) = &self.retry_after {
            let value = retry_after.as_str().map_or_else(|| retry_after.to_string(), str::to_owned);
            response = response.with_header(header::RETRY_AFTER, &value);
        }
        for (name, value) in &self.headers {
            if let Ok(name) = HeaderName::try_from(name.as_str()) {
                response.headers.retain(|(other, _)| *other != name);
                response = response.with_header(name, value);
            }
        }
        response
    }
}

/// Starts like an answer of theirs and is none.
const GARBAGE: &[u8] = b"{\"values\": [<!doctype html><title>Bad Gateway</title>";

/// The faults that wait for their calls.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn pending(&self) -> &[Fault] {
        &self.0
    }

    /// The first fault that hits this call; it counts as used.
    pub(super) fn take(&mut self, target: &FaultTarget<'_>) -> Option<Fault> {
        for (at, fault) in self.0.iter_mut().enumerate() {
            if !fault.matches(target) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            let hit = fault.clone();
            match &mut fault.times {
                None => {}
                Some(left) if *left > 1 => *left -= 1,
                Some(_) => {
                    self.0.remove(at);
                }
            }
            return Some(hit);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(call: CallName) -> FaultTarget<'static> {
        FaultTarget { call, method: "PUT", path_and_query: "/rest/x", account: Some("qm:1") }
    }

    #[test]
    fn a_fault_skips_hits_and_is_over() {
        let mut faults = Faults::default();
        faults.add(Fault { call: Some(CallName::Revoke), skip: 1, times: Some(2), ..Fault::default() });
        let hits: Vec<bool> = (0..5).map(|_| faults.take(&target(CallName::Revoke)).is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(faults.pending().is_empty());
    }

    #[test]
    fn a_fault_hits_only_what_it_aims_at() {
        let hits = |fault: Fault| fault.matches(&target(CallName::Revoke));
        assert!(hits(Fault::default()));
        assert!(hits(Fault { method: Some("put".to_owned()), ..Fault::default() }));
        assert!(!hits(Fault { method: Some("GET".to_owned()), ..Fault::default() }));
        assert!(!hits(Fault { call: Some(CallName::Delete), ..Fault::default() }));
        assert!(!hits(Fault { account: Some("qm:2".to_owned()), ..Fault::default() }));
        assert!(!hits(Fault { path_contains: Some("/y".to_owned()), ..Fault::default() }));
    }
}
