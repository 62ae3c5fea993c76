//! `/cases/new`: an operator's own request, without an event.

use askama::Template;
use axum::response::Response;
use serde_json::{Value, json};

use super::cases::{Choice, choices};
use super::failure::{Failure, see_other};
use super::fields::{Fields, Form};
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::visitor::Visitor;
use super::words;
use crate::domain::operator::Role;
use crate::domain::policy::Action;

#[derive(Debug, Template)]
#[template(path = "new_case.html")]
struct NewCasePage {
    shell: Shell,
    sites: Vec<Choice>,
    policies: Vec<Choice>,
    actions: Vec<Choice>,
    email: String,
    effective_at: String,
    reason: String,
    /// What the API refused, in its words.
    problem: Option<Sentence>,
}

pub(super) async fn form(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    page(&visitor, &fields, None).await
}

pub(super) async fn open(visitor: Visitor, Form(form): Form) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let text = |name: &str| form.get(name).unwrap_or_default();
    let mut body = json!({
        "site": text("site"),
        "email": text("email"),
        "action": text("action"),
        "reason": text("reason"),
    });
    if let Some(body) = body.as_object_mut() {
        for name in ["policy", "effective_at"] {
            body.extend(form.get(name).map(|value| (name.to_owned(), json!(value))));
        }
    }
    match visitor.post::<Value>("/cases", &body).await {
        Ok(case) => {
            let id = case.get("id").and_then(Value::as_str).unwrap_or_default();
            Ok(see_other(&format!("/cases/{id}")))
        }
        Err(Failure::Refused(why) | Failure::Invalid(why)) => page(&visitor, &form, Some(why)).await,
        Err(failure) => Err(failure),
    }
}

async fn page(visitor: &Visitor, fields: &Fields, problem: Option<String>) -> Result<Response, Failure> {
    let t = visitor.t();
    let chosen = fields.get("action").unwrap_or("revoke");
    let actions = [Action::Revoke, Action::RevokeThenDelete, Action::Delete];
    let text = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let mut response = render(&NewCasePage {
        sites: choices(visitor.admin().sites.keys(), fields.get("site")),
        policies: choices(visitor.admin().policies.keys(), fields.get("policy")),
        actions: actions
            .iter()
            .map(|action| Choice {
                value: action.to_string(),
                name: words::action(t, *action),
                chosen: chosen == action.as_str(),
            })
            .collect(),
        email: text("email"),
        effective_at: text("effective_at"),
        reason: text("reason"),
        shell: Shell::of(visitor, Nav::Cases, t.s("new-title")).await?,
        problem: problem.as_ref().map(|why| Sentence::of(t, why)),
    })?;
    if problem.is_some() {
        *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
