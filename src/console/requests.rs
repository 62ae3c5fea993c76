//! `/cases/{id}/requests`: the person's open requests, read from the site on demand.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;

use super::cases::person;
use super::failure::Failure;
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::visitor::Visitor;
use crate::admin::api::{CaseView, List};
use crate::domain::ids::CaseId;
use crate::domain::operator::Role;

#[derive(Debug, Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    shell: Shell,
    id: String,
    heading: String,
    requests: Vec<DeskRequest>,
    is_read: bool,
    /// Why they could not be read, where that is known.
    problem: Option<Sentence>,
}

#[derive(Debug, Deserialize)]
struct DeskRequest {
    key: String,
    summary: String,
    status: String,
}

/// The person's open requests, read from the site now.
pub(super) async fn show(visitor: Visitor, Path(id): Path<CaseId>) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let t = visitor.t();
    let case: CaseView = visitor.get(&format!("/cases/{id}")).await?;
    let found: Result<List<DeskRequest>, Failure> = visitor.get(&format!("/cases/{id}/requests")).await;
    let (requests, is_read, problem) = match found {
        Ok(list) => (list.items, true, None),
        Err(Failure::Refused(why) | Failure::Invalid(why)) => (Vec::new(), false, Some(Sentence::of(t, &why))),
        Err(Failure::Unavailable) => (Vec::new(), false, None),
        Err(failure) => return Err(failure),
    };
    let shell = Shell::of(&visitor, Nav::Cases, t.s("requests-title")).await?;
    render(&RequestsPage { id: id.to_string(), heading: person(t, &case), requests, is_read, problem, shell })
}
