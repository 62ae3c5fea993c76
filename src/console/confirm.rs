//! The page before an action: the question, what happens, whether it can be undone, and the button.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::failure::Failure;
use super::html::{Effect, Status};
use super::layout::{Shell, render};
use super::problems::Sentence;
use super::time::Moment;

/// A confirmation. Every action of the console has one.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(super) struct Confirm {
    pub(super) shell: Shell,
    /// The page above this one: its address and its name.
    pub(super) above: (String, String),
    /// The question, with the count.
    pub(super) question: String,
    pub(super) lede: String,
    /// Why the form came back.
    pub(super) problem: Option<Problem>,
    pub(super) effects: Vec<Effect>,
    pub(super) set: Option<Set>,
    pub(super) reason: Reason,
    /// What was entered before the form came back.
    pub(super) entered: String,
    /// The statement that must be checked before an irreversible action.
    pub(super) understood: Option<String>,
    /// Who may press the button, where the visitor may not.
    pub(super) who: Option<String>,
    /// Values that the form sends besides.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// The address that receives the form.
    pub(super) send_to: String,
    /// Verb and object.
    pub(super) button: String,
    pub(super) icon: &'static str,
    /// Whether the button is red: the action cannot be undone.
    pub(super) is_final: bool,
    /// Another decision about the same case: its address and its name.
    pub(super) instead: Option<(String, String)>,
    /// The way back: its address, and what stays.
    pub(super) back: (String, String),
}

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) heading: String,
    pub(super) text: String,
    /// What the API says.
    pub(super) detail: Option<Sentence>,
}

/// The cases of an action on many.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) heading: String,
    pub(super) caption: String,
    pub(super) rows: Vec<SetRow>,
    /// The list that shows all of them: its address and the link's text.
    pub(super) all: Option<(String, String)>,
    pub(super) digest: String,
}

#[derive(Debug)]
pub(super) struct SetRow {
    pub(super) href: String,
    pub(super) person: String,
    pub(super) state: Status,
    pub(super) what: String,
    pub(super) at: Option<Moment>,
}

/// Whether the form has a field for the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The API does not keep one.
    Unused,
    Required,
}

impl Confirm {
    pub(super) fn render_page(&self) -> Result<Response, Failure> {
        let mut response = render(self)?;
        if self.problem.is_some() {
            *response.status_mut() = StatusCode::CONFLICT;
        }
        Ok(response)
    }

    fn wants_reason(&self) -> bool {
        self.reason == Reason::Required
    }
}

/// The digest in groups of four, to be compared by eye.
pub(super) fn grouped(digest: &str) -> String {
    let characters: Vec<char> = digest.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
