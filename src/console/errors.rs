//! Pages that say why something cannot be shown or done, and what to do now.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::failure::Failure;
use super::fields::Fields;
use super::i18n::Lang;
use super::layout::{Frame, render, role};
use super::visitor::{Console, Preferences};

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    heading: String,
    text: String,
    /// The API's own words, in English.
    detail: Option<String>,
}

/// Middleware: makes a page of a [`Failure`], and keeps a language that the address selects.
pub(super) async fn show(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let preferences = Preferences::of(request.headers(), request.uri());
    let selected = Fields::of(request.uri()).get("lang").and_then(Lang::parse);
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = page(&console, &preferences, &failure);
    }
    if let Some(language) = selected {
        let cookie = format!("lang={}; Path=/; Max-Age=31536000; SameSite=Strict", language.as_str());
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

fn page(console: &Console, preferences: &Preferences, failure: &Failure) -> Response {
    let t = preferences.t;
    let (id, detail) = match failure {
        Failure::OtherOrigin => ("error-other-origin", None),
        Failure::RoleTooLow(_) => ("error-role", None),
        Failure::SignIn(_) | Failure::NotFound => ("error-not-found", None),
        Failure::Invalid(detail) => ("error-invalid", Some(detail.clone())),
        Failure::Refused(detail) => ("error-refused", Some(detail.clone())),
        Failure::Unavailable => ("error-unavailable", None),
    };
    let text = match failure {
        Failure::RoleTooLow(needs) => t.v("error-role-text", "role", role(t, *needs)),
        Failure::OtherOrigin
        | Failure::SignIn(_)
        | Failure::NotFound
        | Failure::Invalid(_)
        | Failure::Refused(_)
        | Failure::Unavailable => t.s(&format!("{id}-text")),
    };
    let heading = t.s(id);
    let frame = Frame::new(preferences, heading.clone(), "UTC".to_owned(), console.admin.clock.now());
    let mut response = render(&ErrorPage { frame, heading, text, detail }).unwrap_or_default();
    *response.status_mut() = failure.status();
    response
}
