//! Pages that say why something cannot be shown or done, and what to do now.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::failure::Failure;
use super::fields::Fields;
use super::i18n::Lang;
use super::layout::{Frame, render, role};
use super::problems::Sentence;
use super::visitor::{Console, Preferences};
use crate::proof::confirm_link::LinkError;

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    heading: String,
    text: String,
    /// What the API says.
    detail: Option<Sentence>,
    /// The way on: its address and its name.
    back: (String, String),
}

/// An address that neither the console nor the API has. A program gets the API's problem.
pub(super) async fn no_such_page(headers: HeaderMap) -> Response {
    if shows_pages(&headers) { Failure::NotFound.into_response() } else { StatusCode::NOT_FOUND.into_response() }
}

/// Whether the client is a browser that opens an address.
fn shows_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// Middleware: makes a page of a [`Failure`], and keeps a language that the address selects.
pub(super) async fn show(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let preferences = Preferences::of(request.headers(), request.uri());
    let selected = Fields::of(request.uri()).get("lang").and_then(Lang::parse);
    let is_browser = shows_pages(request.headers());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = page(&console, &preferences, &failure);
    } else if is_browser && is_rejected(&response) {
        // An id that is none, or a form that was opened as an address.
        response = page(&console, &preferences, &Failure::NotFound);
    }
    if let Some(language) = selected {
        let cookie = format!("lang={}; Path=/; Max-Age=31536000; SameSite=Strict", language.as_str());
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// Whether the router or an extractor rejected the request, and no handler saw it.
fn is_rejected(response: &Response) -> bool {
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|found| found.as_bytes().starts_with(b"text/html"));
    response.status().is_client_error() && !is_page
}

fn page(console: &Console, preferences: &Preferences, failure: &Failure) -> Response {
    let t = preferences.t;
    let (id, detail) = match failure {
        Failure::OtherOrigin => ("error-other-origin", None),
        Failure::RoleTooLow(_) => ("error-role", None),
        Failure::SignIn(_) | Failure::NotFound => ("error-not-found", None),
        Failure::Invalid(detail) => ("error-invalid", Some(Sentence::of(t, detail))),
        Failure::Refused(detail) => ("error-refused", Some(Sentence::of(t, detail))),
        Failure::Link(LinkError::Invalid, _) => ("link-invalid", None),
        Failure::Link(LinkError::Expired, _) => ("link-expired", None),
        Failure::Link(LinkError::Used, _) => ("link-used", None),
        Failure::Unavailable => ("error-unavailable", None),
    };
    let text = match failure {
        Failure::RoleTooLow(needs) => t.v("error-role-text", "role", role(t, *needs)),
        Failure::Link(..) => t.s("link-text"),
        Failure::OtherOrigin
        | Failure::SignIn(_)
        | Failure::NotFound
        | Failure::Invalid(_)
        | Failure::Refused(_)
        | Failure::Unavailable => t.s(&format!("{id}-text")),
    };
    let back = match failure {
        Failure::Link(_, case) => (format!("/cases/{case}"), t.s("link-open-case")),
        Failure::RoleTooLow(_)
        | Failure::OtherOrigin
        | Failure::SignIn(_)
        | Failure::NotFound
        | Failure::Invalid(_)
        | Failure::Refused(_)
        | Failure::Unavailable => ("/".to_owned(), t.s("error-back")),
    };
    let heading = t.s(id);
    let frame = Frame::new(preferences, heading.clone(), "UTC".to_owned(), console.admin.clock.now());
    let mut response = render(&ErrorPage { frame, heading, text, detail, back }).unwrap_or_default();
    *response.status_mut() = failure.status();
    response
}
