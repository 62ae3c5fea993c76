//! Requests that change something are accepted from the console's own pages only.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::failure::Failure;

/// Middleware of every page. Browsers send `Sec-Fetch-Site`, older ones `Origin`; a page of another origin can set neither.
pub(super) async fn require_same(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || is_same(request.headers()) { next.run(request).await } else { Failure::OtherOrigin.into_response() }
}

fn is_same(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

/// Whether the browser reached this page over TLS, which a proxy in front of the listener ends.
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("origin") {
        Some(origin) if origin != "null" => origin.starts_with("https://"),
        _ => text("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_same_origin_may_change_something() {
        let host = ("host", "127.0.0.1:9090");
        for same in [
            vec![host, ("sec-fetch-site", "same-origin")],
            vec![host, ("origin", "http://127.0.0.1:9090")],
            vec![("host", "console.example"), ("origin", "https://console.example")],
        ] {
            assert!(is_same(&headers(&same)), "{same:?}");
        }
        for other in [
            vec![host],
            vec![host, ("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:9090")],
            vec![host, ("sec-fetch-site", "cross-site")],
            vec![host, ("sec-fetch-site", "none")],
            vec![host, ("origin", "http://evil.example")],
            vec![host, ("origin", "http://127.0.0.1:9091")],
            vec![host, ("origin", "null")],
        ] {
            assert!(!is_same(&headers(&other)), "{other:?}");
        }
    }

    #[test]
    fn tls_is_recognized_by_what_the_browser_or_the_proxy_states() {
        assert!(is_secure(&headers(&[("origin", "https://console.example")])));
        assert!(is_secure(&headers(&[("x-forwarded-proto", "https")])));
        assert!(!is_secure(&headers(&[("origin", "http://127.0.0.1:9090"), ("x-forwarded-proto", "https")])));
        assert!(!is_secure(&headers(&[])));
    }
}
