//! Why a call failed: status, headers and broken connections become a [`Failure`] here and nowhere else.
//!
//! The words are for an admin. Of what the far side wrote they repeat error *codes* only (letters, dots, a number), never
//! a sentence: it may name the person.

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::address::NoAddress;
use super::answer::{Answer, Lost};
use super::call::Call;
use super::pacing::LONGEST_REST;
use crate::domain::clock_check::ClockProblem;
use crate::domain::retry::Failure;

/// The reasons of a 429 that Atlassian documents.
const LIMITS: [&str; 4] =
    ["jira-burst-based", "jira-quota-global-based", "jira-quota-tenant-based", "jira-per-issue-on-write"];

/// An answer whose status is not what the call is about. Total: a status that should have been understood by the caller
/// is an answer that we do not know.
pub(super) fn of_answer(answer: &Answer) -> Failure {
    let Answer { call, status, .. } = *answer;
    let seen = format!("{call}: {status}{}", reason(answer));
    match status {
        429 => Failure::RateLimited {
            detail: format!("{seen}: too many requests"),
            retry_at: retry_after(answer).or_else(|| limit_reset(answer)),
        },
        408 | 425 | 500.. => {
            Failure::Transient { detail: format!("{seen}: Atlassian's own trouble"), retry_at: retry_after(answer) }
        }
        409 if call == Call::Scan => Failure::Transient {
            detail: format!("{seen}: listing the users took Atlassian too long"),
            retry_at: retry_after(answer),
        },
        400 | 401 | 403 if call == Call::Token => Failure::SiteRefuses {
            detail: format!(
                "{seen}: the OAuth client's id or secret is refused; make a new credential for the service account, put \
                 it where the settings read it, and resume the site"
            ),
        },
        401 if scope_is_missing(answer) => {
            Failure::SiteRefuses { detail: format!("{seen}: the token lacks a scope; the call needs {}", call.needs()) }
        }
        401 => Failure::SiteRefuses {
            detail: format!(
                "{seen}: the credentials are refused: wrong, expired (API tokens last a year at most) or revoked; make \
                 a new token, put it where the settings read it, and resume the site"
            ),
        },
        403 => {
            Failure::SiteRefuses { detail: format!("{seen}: our account may not do this; it needs {}", call.needs()) }
        }
        300..400 => Failure::Permanent {
            detail: format!(
                "{seen}: a redirect, which is not followed; the URL is wrong: does it begin with https, and is the site \
                 still called that?"
            ),
        },
        404 if answer.is_web_page() => Failure::Permanent {
            detail: format!(
                "{seen}: a web page instead of an answer; there is no such API at the site's URL or gateway"
            ),
        },
        400..500 => Failure::Permanent { detail: seen },
        _ => Failure::Transient { detail: format!("{seen}: not an answer that we know"), retry_at: None },
    }
}

/// An answer of the right status whose body is not what the reference says. Whether a deed was done is not known.
pub(super) fn unreadable(call: Call, what: &str) -> Failure {
    Failure::Transient { detail: format!("{call}: the answer cannot be read: {what}"), retry_at: None }
}

/// A body that is not the JSON of the reference: says where, never what stood there.
pub(super) fn not_json(call: Call, error: &serde_json::Error) -> Failure {
    unreadable(call, &format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()))
}

/// No answer, or only the beginning of one.
pub(super) fn of_lost(call: Call, lost: &Lost) -> Failure {
    let what = match lost {
        Lost::Unsendable => {
            return Failure::SiteRefuses {
                detail: format!(
                    "{call}: the credentials hold characters that no header can carry; is a line break in them?"
                ),
            };
        }
        Lost::Timeout => "no answer in time".to_owned(),
        Lost::Unreachable { cause } => format!("cannot connect: {cause}"),
        Lost::Broken => "the connection broke before the answer was complete".to_owned(),
        Lost::TooLong => "the answer is longer than any should be".to_owned(),
    };
    Failure::Transient { detail: format!("{call}: {what}"), retry_at: None }
}

/// Not called: its lane is closed, or full for longer than a task should wait.
pub(super) fn held_back(call: Call, until: Timestamp) -> Failure {
    Failure::RateLimited {
        detail: format!("{call}: held back to keep below Atlassian's limits"),
        retry_at: Some(until),
    }
}

/// Not called: our own clock cannot be trusted.
pub(super) fn wrong_clock(problem: &ClockProblem) -> Failure {
    Failure::SiteRefuses { detail: problem.to_string() }
}

/// Not called: there is no address for it.
pub(super) fn no_address(call: Call, why: NoAddress) -> Failure {
    let why = match why {
        NoAddress::NoCloudId => "the settings lack the site's `cloud_id`, which calls through the gateway need",
        NoAddress::UnusableId => "what is asked for is empty or no id",
    };
    Failure::Permanent { detail: format!("{call}: not called: {why}") }
}

/// `Retry-After`, in seconds or as an HTTP date.
fn retry_after(answer: &Answer) -> Option<Timestamp> {
    let text = header(&answer.headers, RETRY_AFTER.as_str())?;
    let at = match text.parse::<u32>() {
        Ok(seconds) => answer.at.saturating_add(SignedDuration::from_secs(seconds.into())).ok()?,
        Err(_) => rfc2822::parse(text).ok()?.timestamp(),
    };
    Some(within_reason(at, answer.at))
}

/// `X-RateLimit-Reset`: ISO 8601, with or without seconds.
fn limit_reset(answer: &Answer) -> Option<Timestamp> {
    let at = header(&answer.headers, "x-ratelimit-reset")?.parse().ok()?;
    Some(within_reason(at, answer.at))
}

fn within_reason(at: Timestamp, now: Timestamp) -> Timestamp {
    at.clamp(now, now.saturating_add(LONGEST_REST).unwrap_or(Timestamp::MAX))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// What the far side said of the reason, in brackets, as far as it is a code.
fn reason(answer: &Answer) -> String {
    let code = match answer.status {
        // The body of a 429 is not even read.
        429 => header(&answer.headers, "ratelimit-reason").filter(|r| LIMITS.contains(r)).map(str::to_owned),
        _ => error_code(&answer.body),
    };
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

/// The code in an error body of any of the families: JSM, gateway, OAuth, admin; the platform has only names of fields.
fn error_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    ["/i18nErrorMessage/i18nKey", "/errorCode", "/code", "/error", "/errors/0/code"]
        .into_iter()
        .filter_map(|pointer| body.pointer(pointer))
        .find_map(as_code)
        .or_else(|| body.get("errors")?.as_object()?.keys().find_map(|field| as_code(&Value::from(field.as_str()))))
}

/// A short number, or words of letters with dots, dashes and underscores between: no address and no id looks like that.
fn as_code(value: &Value) -> Option<String> {
    if let Some(number) = value.as_u64() {
        return (number < 100_000).then(|| number.to_string());
    }
    let text = value.as_str()?;
    let fits = (1..=80).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'-' | b'_'));
    fits.then(|| text.to_owned())
}

/// The gateway says so in a sentence of its own, as users report, and the remedy is another than for a wrong token.
fn scope_is_missing(answer: &Answer) -> bool {
    const SENTENCE: &[u8] = b"scope does not match";
    answer.body.windows(SENTENCE.len()).any(|window| window == SENTENCE)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const NOW: &str = "2026-09-07T12:00:00Z";

    fn answer(call: Call, status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Answer { call, status, headers, body: body.as_bytes().to_vec(), at: NOW.parse().unwrap() }
    }

    fn detail(call: Call, status: u16, body: &str) -> String {
        of_answer(&answer(call, status, &[], body)).detail().to_owned()
    }

    #[test]
    fn every_status_has_its_kind() {
        let kind = |call, status| match of_answer(&answer(call, status, &[], "")) {
            Failure::Transient { .. } => "transient",
            Failure::RateLimited { .. } => "rate limited",
            Failure::SiteRefuses { .. } => "site refuses",
            Failure::Permanent { .. } => "permanent",
        };
        for call in Call::ALL {
            for (statuses, expected) in [
                (&[200, 201, 202, 204, 206, 408, 425, 500, 501, 502, 503, 504, 599][..], "transient"),
                (&[429], "rate limited"),
                (&[401, 403], "site refuses"),
                (&[301, 302, 304, 307, 308, 404, 405, 410, 412, 413, 415, 418, 422, 451], "permanent"),
            ] {
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
                of_answer(&answer(Call::Read, status, headers, ""))
            else {
                panic!("not a failure that waits");
            };
            retry_at.map(|at| at.as_second() - NOW.parse::<Timestamp>().unwrap().as_second())
        };
        for status in [429, 503] {
            assert_eq!(waits(status, &[("retry-after", "1847")]), Some(1847));
            assert_eq!(waits(status, &[("retry-after", "Mon, 07 Sep 2026 12:02:00 GMT")]), Some(120));
            assert_eq!(waits(status, &[("retry-after", "Mon, 07 Sep 2026 11:00:00 GMT")]), Some(0), "past");
            assert_eq!(waits(status, &[("retry-after", "99999999")]), Some(24 * 3600), "absurd");
            assert_eq!(waits(status, &[("retry-after", "soon")]), None);
            assert_eq!(waits(status, &[]), None);
        }
        assert_eq!(waits(429, &[("x-ratelimit-reset", "2026-09-07T12:05Z")]), Some(300));
        assert_eq!(waits(429, &[("x-ratelimit-reset", "2026-09-07T12:00:30Z")]), Some(30));
        assert_eq!(waits(429, &[("retry-after", "7"), ("x-ratelimit-reset", "2026-09-07T12:05Z")]), Some(7));
    }

    #[test]
    fn every_family_of_error_bodies_gives_its_code() {
        for (body, code) in [
            (
                r#"{"errorMessage":"Ann!","i18nErrorMessage":{"i18nKey":"sd.customer.not.found","parameters":[]}}"#,
                "sd.customer.not.found",
            ),
            (r#"{"errorMessages":["no ann@example.com"],"errors":{"accountId":"qm:1 is bad"}}"#, "accountId"),
            (r#"{"code":404,"message":"ann@example.com"}"#, "404"),
            (r#"{"error":"invalid_client","error_description":"qm:1"}"#, "invalid_client"),
            (r#"{"errors":[{"code":"USER_IS_MANAGED","detail":"ann@example.com"}]}"#, "USER_IS_MANAGED"),
        ] {
            assert_eq!(detail(Call::DeleteUser, 400, body), format!("delete_user: 400 ({code})"));
        }
        for body in [
            "",
            "<html>ann@example.com</html>",
            "qm:1",
            "[",
            "null",
            r#"{"code":"qm:1","error":"ann@example.com"}"#,
            r#"{"errorMessages":[],"errors":{"ann@example.com":"x","5b10a2844c20165700ede21g":"y"}}"#,
        ] {
            assert_eq!(detail(Call::DeleteUser, 400, body), "delete_user: 400");
        }
    }

    #[test]
    fn refusals_say_what_mends_them() {
        assert!(detail(Call::Read, 401, "").contains("make a new token"));
        assert!(detail(Call::Revoke, 403, "").contains("site admin"));
        assert!(detail(Call::DeleteCustomerAccount, 403, "").contains("Administer Jira"));
        let scope = detail(Call::Revoke, 401, r#"{"code":401,"message":"Unauthorized; scope does not match"}"#);
        assert!(scope.contains("manage:servicedesk-customer"), "{scope}");
        assert!(detail(Call::Read, 302, "").contains("the URL is wrong"));
    }

    #[test]
    fn only_documented_limits_are_repeated() {
        let limited =
            |reason| of_answer(&answer(Call::Read, 429, &[("ratelimit-reason", reason)], "")).detail().to_owned();
        assert_eq!(limited("jira-burst-based"), "read: 429 (jira-burst-based): too many requests");
        assert_eq!(limited("ann"), "read: 429: too many requests");
    }
}
