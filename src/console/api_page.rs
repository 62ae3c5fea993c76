//! `/api`: how to use the API, and its document to read.

use askama::Template;
use axum::response::Response;

use super::failure::Failure;
use super::layout::{Nav, Shell, render};
use super::openapi::{Document, Operation, document};
use super::visitor::Visitor;

#[derive(Debug, Template)]
#[template(path = "api.html")]
struct ApiPage {
    shell: Shell,
    document: &'static Document,
}

impl ApiPage {
    /// Who may call it.
    fn who(&self, operation: &Operation) -> String {
        let t = self.shell.frame.t;
        match operation.role {
            Some(needed) => t.v("api-role", "role", needed),
            None => t.s("api-no-token"),
        }
    }
}

pub(super) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let t = visitor.t();
    render(&ApiPage { document: document(), shell: Shell::of(&visitor, Nav::Api, t.s("nav-api")).await? })
}
