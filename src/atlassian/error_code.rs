//! The code in the body or the headers of an error: the only part of Atlassian's words that a text repeats.
//!
//! A sentence of Atlassian's may contain an email address or an id, a code cannot.

use serde_json::Value;

use super::response::ApiResponse;

/// The reasons of a 429 that Atlassian documents.
const LIMITS: [&str; 4] =
    ["jira-burst-based", "jira-quota-global-based", "jira-quota-tenant-based", "jira-per-issue-on-write"];

/// The reason in Atlassian's response, in brackets, if it is a code.
pub(super) fn reason(response: &ApiResponse) -> String {
    let code = match response.status {
        // The body of a 429 is not even read.
        429 => response.header("ratelimit-reason").filter(|r| LIMITS.contains(r)).map(str::to_owned),
        _ => error_code(&response.body),
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

/// The gateway reports it in a sentence (as users report), and the remedy differs from that for a wrong token.
pub(super) fn scope_is_missing(response: &ApiResponse) -> bool {
    const SENTENCE: &[u8] = b"scope does not match";
    response.body.windows(SENTENCE.len()).any(|window| window == SENTENCE)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::super::call::Call;
    use super::*;

    fn reason_of(status: u16, headers: HeaderMap, body: &str) -> String {
        let (body, at) = (body.as_bytes().to_vec(), "2026-09-07T12:00:00Z".parse().unwrap());
        reason(&ApiResponse { call: Call::DeleteUser, status, headers, body, at })
    }

    fn code_in(body: &str) -> String {
        reason_of(400, HeaderMap::new(), body)
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
            assert_eq!(code_in(body), format!(" ({code})"));
        }
        for body in [
            "",
            "qm:1",
            "[",
            "null",
            r#"{"code":"qm:1","error":"ann@example.com"}"#,
            r#"{"errorMessages":[],"errors":{"ann@example.com":"x","5b10a2844c20165700ede21g":"y"}}"#,
        ] {
            assert_eq!(code_in(body), "");
        }
        assert_eq!(code_in("<html>ann@example.com</html>"), "");
    }

    #[test]
    fn only_documented_limits_are_repeated() {
        let limited = |reason| {
            reason_of(
                429,
                HeaderMap::from_iter([(HeaderName::from_static("ratelimit-reason"), HeaderValue::from_static(reason))]),
                "",
            )
        };
        assert_eq!(limited("jira-burst-based"), " (jira-burst-based)");
        assert_eq!(limited("ann"), "");
    }
}
