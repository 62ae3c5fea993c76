//! `/sites`: health, pauses, and the calls that a site rejects.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::confirm::{Confirm, Problem, Reason};
use super::failure::{Failure, see_other};
use super::fields::Form;
use super::health;
use super::html::{Effect, Status, Tone};
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::time::{Moment, days};
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{List, SiteView};
use crate::domain::ids::SiteName;
use crate::domain::operator::Role;

#[derive(Debug, Template)]
#[template(path = "sites.html")]
struct SitesPage {
    shell: Shell,
    sites: Vec<Site>,
    may_change: bool,
}

#[derive(Debug)]
struct Site {
    name: String,
    url: String,
    status: Status,
    paused_at: Option<Moment>,
    reason: Option<Sentence>,
    calls: Vec<Call>,
    grace: String,
    is_paused: bool,
}

#[derive(Debug)]
struct Call {
    kind: String,
    at: Moment,
    reason: Sentence,
}

pub(super) async fn list(visitor: Visitor) -> Result<Response, Failure> {
    let t = visitor.t();
    let calendar = visitor.calendar(None);
    let sites: List<SiteView> = visitor.get("/sites").await?;
    let site = |view: SiteView| Site {
        status: health::site(t, &view),
        url: view.url.to_string(),
        paused_at: view.paused_at.map(|at| calendar.full(at)),
        is_paused: view.paused_at.is_some() || !view.paused_calls.is_empty(),
        grace: visitor.admin().sites.get(&view.name).map_or_else(String::new, |site| days(t, site.deletion_grace)),
        reason: view.reason.map(|reason| Sentence::of(t, &reason)),
        calls: view
            .paused_calls
            .into_iter()
            .map(|call| Call {
                kind: words::job(t, call.kind),
                at: calendar.full(call.paused_at),
                reason: Sentence::of(t, &call.reason),
            })
            .collect(),
        name: view.name.to_string(),
    };
    render(&SitesPage {
        sites: sites.items.into_iter().map(site).collect(),
        may_change: visitor.is_operator(),
        shell: Shell::of(&visitor, Nav::Sites, t.s("nav-sites")).await?,
    })
}

pub(super) async fn confirm(
    visitor: Visitor,
    Path((name, action)): Path<(SiteName, String)>,
) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    page(&visitor, &name, &action, None, String::new()).await
}

pub(super) async fn carry_out(
    visitor: Visitor,
    Path((name, action)): Path<(SiteName, String)>,
    Form(form): Form,
) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let reason = form.get("reason").unwrap_or_default();
    if !matches!(action.as_str(), "pause" | "resume") {
        return Err(Failure::NotFound);
    }
    let sent = visitor.post::<Value>(&format!("/sites/{name}/{action}"), &json!({ "reason": reason })).await;
    match sent {
        Ok(_site) => Ok(see_other("/sites")),
        Err(Failure::Refused(why)) => {
            let t = visitor.t();
            let problem = Problem {
                heading: t.s("problem-changed"),
                text: t.s("problem-changed-text"),
                detail: Some(Sentence::of(t, &why)),
            };
            page(&visitor, &name, &action, Some(problem), reason.to_owned()).await
        }
        Err(failure) => Err(failure),
    }
}

async fn page(
    visitor: &Visitor,
    name: &SiteName,
    action: &str,
    problem: Option<Problem>,
    entered: String,
) -> Result<Response, Failure> {
    if !visitor.admin().sites.contains_key(name) {
        return Err(Failure::NotFound);
    }
    let t = visitor.t();
    let effect = |tone, icon, key: &str| Effect::new(tone, icon, t.s(key), t.s(&format!("{key}-text")));
    let (key, icon, effects) = match action {
        "pause" => (
            "site-pause",
            "pause",
            vec![
                effect(Tone::Ok, "pause", "effect-site-paused"),
                effect(Tone::Ok, "in", "effect-site-deliveries"),
                effect(Tone::Ok, "undo", "effect-site-resumable"),
            ],
        ),
        "resume" => ("site-resume", "run", vec![effect(Tone::Warn, "run", "effect-site-resumed")]),
        _ => return Err(Failure::NotFound),
    };
    let confirm = Confirm {
        above: ("/sites".to_owned(), t.s("nav-sites")),
        question: t.v(&format!("question-{key}"), "site", name),
        lede: String::new(),
        problem,
        effects,
        set: None,
        reason: Reason::Unused,
        entered,
        understood: None,
        who: None,
        hidden: Vec::new(),
        send_to: format!("/sites/{name}/{action}"),
        button: t.v(&format!("do-{key}"), "site", name),
        icon,
        is_final: false,
        instead: None,
        back: ("/sites".to_owned(), t.s("keep-as-it-is")),
        shell: Shell::of(visitor, Nav::Sites, t.v(&format!("do-{key}"), "site", name)).await?,
    };
    confirm.render_page()
}
