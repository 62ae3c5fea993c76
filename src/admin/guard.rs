//! Response headers, request counters and request ids of the private listener.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::Limited;
use jiff::fmt::rfc2822;

use super::error::ApiError;
use super::state::AdminState;

/// The maximum length of a client's request id, in bytes.
const MAX_ID_LENGTH: usize = 64;

/// The maximum size of a body, and of the file of an import.
const MAX_BODY: usize = 64 * 1024;
const MAX_FILE: usize = 16 * 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The query parameters of each route, by method and path.
pub(super) type QueryParameters = BTreeMap<(String, String), BTreeSet<String>>;

pub(super) async fn count(State(admin): State<Arc<AdminState>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    // The daemon's own clock, by which clients show how far away a time is.
    let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&admin.clock.now());
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    // An unmatched path is counted as `none`: a client could create any number of labels.
    let route = route.as_ref().map(MatchedPath::as_str).filter(|route| !route.contains('*'));
    admin.access.count(route.unwrap_or("none"), response.status().as_u16());
    response
}

/// Rejects query parameters that the document does not name: a misspelled filter would return every item.
pub(super) async fn reject_unknown_parameters(
    State(known): State<Arc<QueryParameters>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    if let (Some(route), Some(query)) = (route, request.uri().query())
        && let Some(known) = known.get(&(request.method().to_string(), route))
    {
        let given = form_urlencoded::parse(query.as_bytes());
        if let Some((name, _)) = given.into_iter().find(|(name, _)| !known.contains(name.as_ref())) {
            let problem = "unknown, or given more than once".to_owned();
            return Err(ApiError::Parameter { name: name.into_owned(), problem });
        }
    }
    Ok(next.run(request).await)
}

/// Nothing from another origin is loaded, and no other origin may frame a page or receive a form.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Responses may contain personal data: prevents caching (except of the console's assets), content sniffing, and that other
/// origins embed or link them.
pub(super) async fn secure_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Addresses of pages may contain an email address that was searched.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Ends a body that is too large. The length that a client states is checked before the body is read.
pub(super) async fn limit_body(request: Request) -> Result<Request, ApiError> {
    let limit = if matches!(request.uri().path(), "/api/v1/import" | "/import") { MAX_FILE } else { MAX_BODY };
    let stated =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if stated.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge);
    }
    Ok(request.map(|body| Body::new(Limited::new(body, limit))))
}

/// Removes a client's request id that is too long or contains other characters than letters, digits, `.`, `_` and `-`. A
/// later layer sets a new one.
pub(super) async fn limit_request_id(mut request: Request) -> Request {
    if !is_usable_id(request.headers()) {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

fn is_usable_id(headers: &HeaderMap) -> bool {
    let mut ids = headers.get_all(REQUEST_ID).iter();
    let (Some(id), None) = (ids.next(), ids.next()) else { return false };
    let id = id.as_bytes();
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=MAX_ID_LENGTH).contains(&id.len()) && id.iter().all(is_safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_usable(ids: &[&str]) -> bool {
        is_usable_id(&ids.iter().map(|id| (REQUEST_ID, HeaderValue::from_str(id).unwrap())).collect())
    }

    #[test]
    fn request_id_is_short_safe_and_single() {
        let longest = "a".repeat(MAX_ID_LENGTH);
        for usable in ["1", "req-1_A.b", "550e8400-e29b-41d4-a716-446655440000", &longest] {
            assert!(is_usable(&[usable]), "{usable}");
        }
        let longer = "a".repeat(MAX_ID_LENGTH + 1);
        for other in ["", "a b", "a/b", "{}", "ann@example.com", "a=b", &longer] {
            assert!(!is_usable(&[other]), "{other}");
        }
        assert!(!is_usable(&["a", "b"]) && !is_usable(&[]));
    }
}
