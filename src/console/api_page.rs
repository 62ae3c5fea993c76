//! `/api`: how to use the API, and its document to read.

use askama::Template;
use axum::response::Response;

use super::failure::Failure;
use super::layout::{Nav, Shell, render};
use super::visitor::Visitor;

#[derive(Debug, Template)]
#[template(path = "api.html")]
struct ApiPage {
    shell: Shell,
}

pub(super) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let t = visitor.t();
    render(&ApiPage { shell: Shell::of(&visitor, Nav::Api, t.s("nav-api")).await? })
}
