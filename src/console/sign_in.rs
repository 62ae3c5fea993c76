//! Sign-in with an admin token, sign-out, and the theme.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

use super::failure::{Failure, see_other};
use super::fields::{Fields, Form};
use super::layout::{Frame, render};
use super::session;
use super::visitor::{Console, Preferences};

#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    hours: i64,
    /// The page to show afterwards.
    next: String,
    failed: bool,
    /// Whether the settings name any admin token.
    has_tokens: bool,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    uri: Uri,
    fields: Fields,
) -> Result<Response, Failure> {
    let next = local_path(fields.get("next"));
    if session::caller(&console.admin, &headers).await?.is_some() {
        return Ok(see_other(&next));
    }
    page(&console, &headers, &uri, next, false)
}

/// A wrong token is counted and delayed like one of the API.
pub(super) async fn begin(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    uri: Uri,
    Form(form): Form,
) -> Result<Response, Failure> {
    let next = local_path(form.get("next"));
    let Some(token) = console.admin.access.sign_in(form.get("token").unwrap_or_default()).await else {
        let mut response = page(&console, &headers, &uri, next, true)?;
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(response);
    };
    let cookie = session::begin(&console.admin, &token, &headers).await?;
    tracing::info!(by = token.name, "console: {} signed in", token.name);
    Ok(with_cookie(see_other(&next), cookie))
}

pub(super) async fn end(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Failure> {
    let cookie = session::end(&console.admin, &headers, form.get("everywhere").is_some()).await?;
    Ok(with_cookie(see_other("/sign-in"), cookie))
}

/// Selects the theme. The page that was shown is shown again.
pub(super) async fn display(Form(form): Form) -> Response {
    let theme = match form.get("theme") {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    };
    let cookie = format!("theme={theme}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict");
    let response = see_other(&local_path(form.get("here")));
    match HeaderValue::try_from(cookie) {
        Ok(cookie) => with_cookie(response, cookie),
        Err(_) => response,
    }
}

fn page(console: &Console, headers: &HeaderMap, uri: &Uri, next: String, failed: bool) -> Result<Response, Failure> {
    let preferences = Preferences::of(headers, uri);
    let title = preferences.t.s("sign-in");
    let frame = Frame::new(&preferences, title, "UTC".to_owned(), console.admin.clock.now());
    let has_tokens = !console.admin.access.tokens.load().is_empty();
    render(&SignInPage { frame, hours: session::LIFETIME.as_hours(), next, failed, has_tokens })
}

/// A path of this listener. Any other address would send the visitor to another site.
fn local_path(text: Option<&str>) -> String {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    text.filter(is_local).unwrap_or("/").to_owned()
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_listener_follow_a_sign_in() {
        for path in ["/", "/cases?state=held", "/cases/1"] {
            assert_eq!(local_path(Some(path)), path);
        }
        for other in ["//evil.example", "https://evil.example", "/\\evil.example", "cases", "/a b", "/\r\nx: y"] {
            assert_eq!(local_path(Some(other)), "/", "{other}");
        }
    }
}
