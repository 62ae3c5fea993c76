//! Why a call failed: status, headers and broken connections become a [`Failure`] here and nowhere else.
//!
//! The texts are for an admin. Of Atlassian's response they repeat error *codes* only (letters, dots, a number), never
//! a sentence: it may name the person.

use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::endpoint_url::UrlError;
use super::error_code::{reason, scope_is_missing};
use super::pacing::LONGEST_REST;
use super::response::ApiResponse;
use crate::domain::clock_check::ClockProblem;
use crate::domain::retry::Failure;
use crate::outbound::{BodyError, TransportError, retry_instant};

impl ApiResponse {
    /// Reads the body of a successful response.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if !(self.has_status(200) || self.has_status(201)) {
            return Err(self.failure());
        }
        serde_json::from_slice(&self.body).map_err(|error| not_json(self.call, &error))
    }

    pub(super) fn failure(&self) -> Failure {
        of_response(self)
    }
}

/// Classifies a response that is not the expected one. A status that the caller should have handled is an unexpected
/// response.
pub(super) fn of_response(response: &ApiResponse) -> Failure {
    let ApiResponse { call, status, .. } = *response;
    let seen = format!("{call}: {status}{}", reason(response));
    match status {
        429 => Failure::RateLimited { detail: format!("{seen}: too many requests"), retry_at: retry_at(response) },
        408 | 425 | 500.. if !(call.is_about_the_site() && response.is_from_proxy()) => {
            Failure::Transient { detail: format!("{seen}: Atlassian failed"), retry_at: retry_at(response) }
        }
        409 if call == Call::Scan => Failure::Transient {
            detail: format!("{seen}: listing the users took Atlassian too long"),
            retry_at: retry_at(response),
        },
        400 | 401 | 403 if call == Call::Token => Failure::AccessDenied {
            detail: format!(
                "{seen}: the OAuth client's id or secret is refused; make a new credential for the service account, put \
                 it where the settings read it, and resume the site"
            ),
        },
        401 | 403 => Failure::AccessDenied { detail: format!("{seen}: {}", why_refused(response)) },
        300..500 if call.is_about_the_site() => unavailable(response, &seen),
        _ if call.is_about_the_site() && response.is_from_proxy() => unavailable(response, &seen),
        300..400 | 407 | 410 => Failure::Permanent { detail: format!("{seen}: {}", what_is_there(response)) },
        400..500 if response.is_web_page() => {
            Failure::Permanent { detail: format!("{seen}: {}", what_is_there(response)) }
        }
        400..500 => Failure::Permanent { detail: seen },
        _ => Failure::Transient { detail: format!("{seen}: unexpected response"), retry_at: None },
    }
}

fn unavailable(response: &ApiResponse, seen: &str) -> Failure {
    Failure::SiteUnavailable { detail: format!("{seen}: {}", what_is_there(response)) }
}

/// One kind of call is rejected while the site answers another: `forbidden` if the account lacks a permission.
pub(super) fn of_rejected_call(response: &ApiResponse, forbidden: bool, works_otherwise: bool) -> Failure {
    let ApiResponse { call, status, .. } = *response;
    let seen = format!("{call}: {status}{}", reason(response));
    let cause = match (special_cause(response), forbidden, works_otherwise) {
        (Some(cause), ..) => cause.to_owned(),
        (None, true, true) => format!(
            "the same call works for other accounts: only this account is rejected; see it in the administration. If it \
             is not the account, the call needs {}",
            call.needs()
        ),
        (None, true, false) => format!("the configured account may not make this call: it needs {}", call.needs()),
        (None, false, _) => what_is_there(response).to_owned(),
    };
    Failure::CallRefused { detail: format!("{seen}, while the credentials work: {cause}"), forbidden, works_otherwise }
}

/// The site responds, but treats the request as anonymous.
pub(super) fn unauthenticated(response: &ApiResponse) -> Failure {
    let ApiResponse { call, status, .. } = *response;
    let cause = special_cause(response).unwrap_or(NEW_CREDENTIALS);
    Failure::AccessDenied {
        detail: format!(
            "{call}: {status}, but the site treats the request as anonymous (X-Seraph-LoginReason): {cause}"
        ),
    }
}

/// The site treats the request as anonymous.
pub(super) fn anonymous() -> Failure {
    Failure::AccessDenied {
        detail: format!("{}: the site treats the request as anonymous: {NEW_CREDENTIALS}", Call::Myself),
    }
}

/// Without this permission every search is empty.
pub(super) const CANNOT_BROWSE_USERS: &str = "our account lacks the permission \"Browse users and groups\"";

/// Nothing that is read of accounts counts without a permission.
pub(super) fn cannot_browse_users() -> Failure {
    Failure::AccessDenied { detail: CANNOT_BROWSE_USERS.to_owned() }
}

/// The organization's IP allowlist rejects the call: other credentials do not help.
pub const ALLOWLIST: &str = "the IP allowlist of the organization rejects this machine: add its IP address at \
     admin.atlassian.com → Security → IP allowlists";

const NEW_CREDENTIALS: &str = "the credentials are refused: wrong, expired (API tokens last a year at most) or revoked; make \
     a new token, put it where the settings read it, and resume the site. A token with scopes works only with via = \"gateway\"";

/// Why the site rejects every call, as far as the response shows.
fn why_refused(response: &ApiResponse) -> String {
    match (special_cause(response), response.status) {
        (Some(cause), _) => cause.to_owned(),
        (None, 401) if scope_is_missing(response) => {
            format!("the token lacks a scope; the call needs {}", response.call.needs())
        }
        (None, 401) => NEW_CREDENTIALS.to_owned(),
        (None, _) => format!("access denied (403): the configured account needs {}", response.call.needs()),
    }
}

/// Causes that Atlassian or a proxy names, whatever the call is.
fn special_cause(response: &ApiResponse) -> Option<&'static str> {
    let says = |words: &[&str]| {
        let text = String::from_utf8_lossy(&response.body).to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let denied = response.header("x-authentication-denied-reason").unwrap_or_default();
    if denied.to_ascii_uppercase().contains("CAPTCHA") || says(&["captcha"]) {
        Some("Atlassian wants a CAPTCHA after failed sign-ins: sign in once as the configured account in a browser")
    } else if matches!(response.status, 401 | 403)
        && says(&["ip address", "ip allowlist", "allowlist", "allow list", "allowed list", "whitelist"])
    {
        Some(ALLOWLIST)
    } else if response.status == 403 && response.is_web_page() {
        Some(
            "a web page instead of Atlassian's response: a proxy or an IP allowlist between us and Atlassian rejects the call",
        )
    } else {
        None
    }
}

/// What seems to be there instead of the API.
fn what_is_there(response: &ApiResponse) -> &'static str {
    match response.status {
        300..400 => {
            "a redirect, which is not followed: the site moved, or its URL is wrong; does it begin with https, and is the site \
             still called that?"
        }
        407 => "a proxy wants credentials: see HTTPS_PROXY",
        410 => "this API was removed",
        404 if !response.is_web_page() => {
            "there is no such API at the site's URL or gateway: the site is suspended, moved, or not the one that the settings \
             mean"
        }
        500.. => "the page of a proxy, or of a site in maintenance",
        _ => {
            "a web page instead of a response: a login, a maintenance page or a proxy; there is no such API at the site's URL"
        }
    }
}

/// A response with the right status and an unexpected body. Whether the call took effect is unknown.
pub(super) fn unreadable(call: Call, what: &str) -> Failure {
    Failure::Transient { detail: format!("{call}: the response cannot be read: {what}"), retry_at: None }
}

/// A body that is not the JSON of the reference. The text states the position, never the content.
pub(super) fn not_json(call: Call, error: &serde_json::Error) -> Failure {
    unreadable(call, &format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()))
}

/// No answer, or only the beginning of one.
pub(super) fn of_transport_error(call: Call, error: &BodyError) -> Failure {
    let what = match error {
        BodyError::Transport(TransportError::Unsendable) => {
            return Failure::AccessDenied {
                detail: format!(
                    "{call}: the credentials hold characters that no header can carry; is a line break in them?"
                ),
            };
        }
        BodyError::Transport(TransportError::Timeout) => "no response in time".to_owned(),
        BodyError::Transport(TransportError::Unreachable { cause }) => {
            return Failure::SiteUnavailable { detail: format!("{call}: cannot connect: {cause}") };
        }
        BodyError::Transport(TransportError::Broken) => {
            "the connection broke before the response was complete".to_owned()
        }
        BodyError::TooLong => "the response is longer than any should be".to_owned(),
    };
    Failure::Transient { detail: format!("{call}: {what}"), retry_at: None }
}

/// Not called: its lane is closed, or full for longer than a task should wait.
pub(super) fn deferred_by_pacer(call: Call, until: Timestamp) -> Failure {
    Failure::RateLimited {
        detail: format!("{call}: deferred by the local rate limit for this endpoint"),
        retry_at: Some(until),
    }
}

/// Not called: our own clock cannot be trusted.
pub(super) fn wrong_clock(problem: &ClockProblem) -> Failure {
    Failure::AccessDenied { detail: problem.to_string() }
}

/// Not called: there is no address for it.
pub(super) fn no_url(call: Call, why: UrlError) -> Failure {
    let why = match why {
        UrlError::NoCloudId => "the settings lack the site's `cloud_id`, which calls through the gateway need",
        UrlError::UnusableId => "the id in the request is empty or invalid",
    };
    Failure::Permanent { detail: format!("{call}: not called: {why}") }
}

/// When a limit is over: `Retry-After`, or a later `X-RateLimit-Reset` where that says "now" or nothing that can be read.
fn retry_at(response: &ApiResponse) -> Option<Timestamp> {
    let retry_after = response.header(RETRY_AFTER.as_str()).and_then(|text| instant(text, response));
    let reset = || response.header("x-ratelimit-reset").and_then(|text| instant(text, response));
    match retry_after {
        Some(at) if at > response.at => Some(at),
        at => reset().max(at),
    }
}

fn instant(text: &str, response: &ApiResponse) -> Option<Timestamp> {
    retry_instant(text, &response.headers, response.at, LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const NOW: &str = "2026-09-07T12:00:00Z";

    fn response(call: Call, status: u16, headers: &[(&'static str, &'static str)], body: &str) -> ApiResponse {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        ApiResponse { call, status, headers, body: body.as_bytes().to_vec(), at: NOW.parse().unwrap() }
    }

    fn detail(call: Call, status: u16, body: &str) -> String {
        of_response(&response(call, status, &[], body)).detail().to_owned()
    }

    #[test]
    fn every_status_has_its_kind() {
        let kind = |call, status| match of_response(&response(call, status, &[], "")) {
            Failure::Transient { .. } => "transient",
            Failure::RateLimited { .. } => "rate limited",
            Failure::AccessDenied { .. } => "site refuses",
            Failure::SiteUnavailable { .. } => "site unavailable",
            Failure::CallRefused { .. } => "call refused",
            Failure::Permanent { .. } => "permanent",
        };
        for call in Call::ALL {
            for (statuses, expected) in [
                (&[200, 201, 202, 204, 206, 408, 425, 500, 501, 502, 503, 504, 599][..], "transient"),
                (&[429], "rate limited"),
                (&[401, 403], "site refuses"),
                (&[301, 302, 304, 307, 308, 404, 405, 407, 410, 412, 413, 415, 418, 422, 451], "permanent"),
            ] {
                let expected = match expected {
                    "permanent" if call.is_about_the_site() => "site unavailable",
                    other => other,
                };
                for status in statuses {
                    assert_eq!(kind(*call, *status), expected, "{call} {status}");
                }
            }
        }
        assert_eq!(kind(Call::Scan, 409), "transient");
        assert_eq!(kind(Call::Reinvite, 409), "permanent");
        assert_eq!(kind(Call::DeleteUser, 400), "permanent");
        assert_eq!(kind(Call::Token, 400), "site refuses");
    }

    #[test]
    fn waits_are_read_in_all_their_forms() {
        let waits = |status, headers: &[(&'static str, &'static str)]| {
            let (Failure::Transient { retry_at, .. } | Failure::RateLimited { retry_at, .. }) =
                of_response(&response(Call::Read, status, headers, ""))
            else {
                panic!("not a failure that waits");
            };
            retry_at.map(|at| at.as_second() - NOW.parse::<Timestamp>().unwrap().as_second())
        };
        for status in [429, 503] {
            assert_eq!(waits(status, &[("retry-after", "1847")]), Some(1847));
            assert_eq!(waits(status, &[("retry-after", "Mon, 07 Sep 2026 12:02:00 GMT")]), Some(120));
            assert_eq!(waits(status, &[("retry-after", "Mon, 07 Sep 2026 11:00:00 GMT")]), Some(0), "past");
            for absurd in ["99999999", "1788782460", "1788782460000", "1e300", "Thu, 31 Dec 2099 23:59:59 GMT"] {
                assert_eq!(waits(status, &[("retry-after", absurd)]), Some(3600), "{absurd}");
            }
            assert_eq!(waits(status, &[("retry-after", "1.2")]), Some(2));
            assert_eq!(waits(status, &[("retry-after", "2026-09-07T12:01:00Z")]), Some(60));
            for garbage in ["soon", "", "NaN", "12 s"] {
                assert_eq!(waits(status, &[("retry-after", garbage)]), None, "{garbage}");
            }
            assert_eq!(waits(status, &[("retry-after", "-5")]), Some(0));
            let theirs = [("date", "Mon, 07 Sep 2026 11:50:00 GMT"), ("retry-after", "Mon, 07 Sep 2026 11:51:00 GMT")];
            assert_eq!(waits(status, &theirs), Some(60), "by their clock");
            assert_eq!(waits(status, &[]), None);
        }
        assert_eq!(waits(429, &[("x-ratelimit-reset", "2026-09-07T12:05Z")]), Some(300));
        assert_eq!(waits(429, &[("x-ratelimit-reset", "2026-09-07T12:00:30Z")]), Some(30));
        for now_or_nothing in ["0", "soon", "Mon, 07 Sep 2026 11:00:00 GMT"] {
            let headers = [("retry-after", now_or_nothing), ("x-ratelimit-reset", "2026-09-07T12:05Z")];
            assert_eq!(waits(429, &headers), Some(300), "{now_or_nothing}");
        }
        assert_eq!(waits(429, &[("x-ratelimit-reset", "2026-09-08T12:05Z")]), Some(3600));
        assert_eq!(waits(429, &[("retry-after", "7"), ("x-ratelimit-reset", "2026-09-07T12:05Z")]), Some(7));
    }

    #[test]
    fn rejection_names_its_fix() {
        assert!(detail(Call::Read, 401, "").contains("make a new token"));
        assert!(detail(Call::Revoke, 403, "").contains("site admin"));
        assert!(detail(Call::DeleteCustomerAccount, 403, "").contains("Administer Jira"));
        let scope = detail(Call::Revoke, 401, r#"{"code":401,"message":"Unauthorized; scope does not match"}"#);
        assert!(scope.contains("manage:servicedesk-customer"), "{scope}");
        assert!(detail(Call::Read, 302, "").contains("the site moved, or its URL is wrong"));
    }

    #[test]
    fn a_rejected_call_says_whose_problem_it_is() {
        let refused = |call, works_otherwise, headers: &[(&'static str, &'static str)], body: &str| {
            of_rejected_call(&response(call, 403, headers, body), true, works_otherwise).detail().to_owned()
        };
        assert!(refused(Call::DeleteCustomerAccount, false, &[], "").contains("organization admin"));
        assert!(refused(Call::Revoke, false, &[], "").contains("manage:servicedesk-customer"));
        assert!(refused(Call::Revoke, true, &[], "").contains("only this account is rejected"));
        let captcha = [("x-authentication-denied-reason", "CAPTCHA_CHALLENGE; login-url=https://acme.example/login")];
        assert!(refused(Call::Revoke, false, &captcha, "").contains("CAPTCHA"));
        let allowlist = r#"{"errorMessages":["IP address rejected: it is not on the allowed list"]}"#;
        assert!(refused(Call::Revoke, false, &[], allowlist).contains("IP allowlist"));
        assert!(refused(Call::Revoke, true, &[("content-type", "text/html")], "<html>").contains("proxy"));
    }
}
