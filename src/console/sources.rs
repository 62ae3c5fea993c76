//! `/sources`: deliveries of the last days, ignored words, the brake with its list, pause and resume.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::bulk::set;
use super::confirm::{Confirm, Problem, Reason};
use super::failure::{Failure, see_other};
use super::fields::{Fields, Form, Query};
use super::health;
use super::html::{Effect, Status, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::plot::Plot;
use super::problems::Sentence;
use super::time::{Moment, days};
use super::visitor::Visitor;
use crate::admin::api::{BulkView, List, SourceView};
use crate::domain::ids::SourceName;
use crate::domain::operator::Role;

#[derive(Debug, Template)]
#[template(path = "sources.html")]
struct SourcesPage {
    shell: Shell,
    sources: Vec<Source>,
    may_change: bool,
    may_release: bool,
}

#[derive(Debug)]
struct Source {
    name: String,
    status: Status,
    place: String,
    preset: Option<String>,
    plot: Plot,
    last: Option<Moment>,
    quiet_after: Option<String>,
    paused: Option<(Moment, String)>,
    brake: Option<Brake>,
    ignored: Vec<(String, u64)>,
    /// Refused requests of the last hour, by reason.
    refused: Vec<(String, u64)>,
    lookup: Option<(String, Option<Sentence>)>,
    offers: Vec<Offer>,
    accepted: usize,
}

#[derive(Debug)]
struct Brake {
    carried_out: u32,
    of: u32,
    held: u32,
    since: Moment,
    /// The limit.
    why: Sentence,
    cancel: String,
}

#[derive(Debug)]
struct Offer {
    id: String,
    at: Moment,
    token: Option<String>,
}

pub(super) async fn list(visitor: Visitor) -> Result<Response, Failure> {
    let t = visitor.t();
    let calendar = visitor.calendar(None);
    let views: List<SourceView> = visitor.get("/sources").await?;
    let counts = visitor.admin().store.deliveries_by_day(super::plot::begin(&calendar, visitor.now)).await?;
    let source = |view: SourceView| Source {
        status: health::source(&visitor, &view),
        place: format!("{} → {}", view.policy, sites(&view)),
        plot: Plot::of(t, &calendar, &view.name, &counts, visitor.now),
        last: view.last_delivery_at.map(|at| calendar.full(at)),
        quiet_after: view.quiet_after_seconds.map(|seconds| days(t, jiff::SignedDuration::from_secs(seconds))),
        paused: view.paused_at.map(|at| (calendar.full(at), view.paused_by.clone().unwrap_or_default())),
        brake: view.brake.as_ref().map(|brake| Brake {
            carried_out: brake.carried_out,
            of: brake.held.saturating_add(brake.carried_out),
            held: brake.held,
            since: calendar.full(brake.since),
            why: Sentence::of(t, &brake.why),
            cancel: Query::default()
                .with("held", "brake")
                .with("source", &view.name)
                .with("action", "cancel")
                .on("/cases/bulk"),
        }),
        refused: view
            .refused
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(reason, count)| (refusal(t, reason), *count))
            .collect(),
        ignored: view.ignored.iter().map(|ignored| (ignored.word.clone(), ignored.count)).collect(),
        lookup: view.lookup.as_ref().map(|lookup| {
            let problem = lookup.problem.as_ref().map(|problem| Sentence::of(t, problem));
            (t.n("source-lookups", lookup.waiting), problem)
        }),
        offers: view
            .offered
            .iter()
            .map(|offer| Offer {
                id: offer.id.clone(),
                at: calendar.full(offer.offered_at),
                token: offer.token.clone(),
            })
            .collect(),
        accepted: view.accepted_secrets,
        preset: view.preset.clone(),
        name: view.name.to_string(),
    };
    let mut views = views.items;
    // What needs a human first; the others by name.
    views.sort_by_key(|view| (view.brake.is_none(), view.offered.is_empty(), view.paused_at.is_none(), !view.quiet));
    render(&SourcesPage {
        sources: views.into_iter().map(source).collect(),
        may_change: visitor.is_operator(),
        may_release: visitor.is_approver(),
        shell: Shell::of(&visitor, Nav::Sources, t.s("nav-sources")).await?,
    })
}

/// Why requests were refused.
fn refusal(t: Texts, reason: &str) -> String {
    t.find(&format!("refused-{}", reason.replace('_', "-"))).unwrap_or_else(|| reason.to_owned())
}

fn sites(view: &SourceView) -> String {
    view.sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

const fn role(action: &str) -> Role {
    if matches!(action.as_bytes(), b"release") { Role::Approver } else { Role::Operator }
}

pub(super) async fn confirm(
    visitor: Visitor,
    Path((name, action)): Path<(SourceName, String)>,
) -> Result<Response, Failure> {
    visitor.require(role(&action))?;
    page(&visitor, &name, &action, None, String::new()).await
}

pub(super) async fn carry_out(
    visitor: Visitor,
    Path((name, action)): Path<(SourceName, String)>,
    Form(form): Form,
) -> Result<Response, Failure> {
    visitor.require(role(&action))?;
    let t = visitor.t();
    let entered = form.get("reason").unwrap_or_default().to_owned();
    let body = match action.as_str() {
        "pause" | "resume" => json!({ "reason": entered }),
        "release" if entered.is_empty() => {
            let problem = Problem { heading: t.s("problem-reason"), text: t.s("problem-nothing-done"), detail: None };
            return page(&visitor, &name, &action, Some(problem), entered).await;
        }
        "release" => json!({ "reason": entered, "digest": form.get("digest").unwrap_or_default() }),
        _ => return Err(Failure::NotFound),
    };
    match visitor.post::<Value>(&format!("/sources/{name}/{action}"), &body).await {
        Ok(_source) => Ok(see_other(&format!("/sources#{name}"))),
        Err(Failure::Refused(why)) => {
            let text = t.s("problem-set-changed-text");
            let problem = Problem { heading: t.s("problem-set-changed"), text, detail: Some(Sentence::of(t, &why)) };
            page(&visitor, &name, &action, Some(problem), entered).await
        }
        Err(failure) => Err(failure),
    }
}

async fn page(
    visitor: &Visitor,
    name: &SourceName,
    action: &str,
    problem: Option<Problem>,
    entered: String,
) -> Result<Response, Failure> {
    if !visitor.admin().sources.contains_key(name) {
        return Err(Failure::NotFound);
    }
    let t = visitor.t();
    let effect = |tone, icon, key: &str| Effect::new(tone, icon, t.s(key), t.s(&format!("{key}-text")));
    let mut held = None;
    let (key, icon, effects) = match action {
        "pause" => (
            "source-pause",
            "pause",
            vec![
                effect(Tone::Ok, "in", "effect-source-paused"),
                effect(Tone::Ok, "pause", "effect-source-jobs"),
                effect(Tone::Ok, "undo", "effect-source-resumable"),
            ],
        ),
        "resume" => ("source-resume", "run", vec![effect(Tone::Warn, "run", "effect-source-resumed")]),
        "release" => {
            let filter = json!({ "action": "release", "filter": { "held": "brake", "source": name } });
            let view: BulkView = visitor.post("/cases/bulk", &filter).await?;
            let mut effects = vec![effect(Tone::Warn, "alert", "effect-brake-check")];
            effects.push(Effect::new(
                Tone::Warn,
                "run",
                t.n("effect-brake-released", view.count),
                t.s("effect-brake-released-text"),
            ));
            if view.irreversible > 0 {
                let irreversible = t.n("effect-bulk-irreversible", view.irreversible);
                effects.push(Effect::new(Tone::Bad, "trash", irreversible, t.s("effect-bulk-irreversible-text")));
            }
            let list = Query::default().with("state", "held").with("held", "brake").with("source", name).on("/cases");
            held = Some((set(visitor, &view, list).await?, view.count));
            ("source-release", "run", effects)
        }
        _ => return Err(Failure::NotFound),
    };
    let count = held.as_ref().map_or(0, |(_, count)| *count);
    let text = |id: String| t.count(&id, count, &[("source", name)]);
    let confirm = Confirm {
        above: ("/sources".to_owned(), t.s("nav-sources")),
        question: text(format!("question-{key}")),
        lede: String::new(),
        problem,
        effects,
        reason: if held.is_some() { Reason::Required } else { Reason::Unused },
        is_final: held.is_some(),
        set: held.map(|(set, _)| set),
        entered,
        understood: None,
        who: None,
        hidden: Vec::new(),
        send_to: format!("/sources/{name}/{action}"),
        button: text(format!("do-{key}")),
        icon,
        instead: None,
        back: (format!("/sources#{name}"), t.s("keep-as-it-is")),
        shell: Shell::of(visitor, Nav::Sources, text(format!("do-{key}"))).await?,
    };
    confirm.render_page()
}

/// A secret that the vendor offered in its handshake.
pub(super) async fn confirm_offer(
    visitor: Visitor,
    Path(name): Path<SourceName>,
    fields: Fields,
) -> Result<Response, Failure> {
    visitor.require(Role::Approver)?;
    let t = visitor.t();
    let offer = fields.get("offer").ok_or(Failure::NotFound)?;
    let views: List<SourceView> = visitor.get("/sources").await?;
    let source = views.items.iter().find(|view| view.name == name).ok_or(Failure::NotFound)?;
    if !source.offered.iter().any(|offered| offered.id == offer) {
        return Err(Failure::NotFound);
    }
    let effect = |tone, icon, key: &str| Effect::new(tone, icon, t.s(key), t.s(&format!("{key}-text")));
    let confirm = Confirm {
        above: ("/sources".to_owned(), t.s("nav-sources")),
        question: t.v("question-accept", "source", &name),
        lede: String::new(),
        problem: None,
        effects: vec![
            effect(Tone::Warn, "alert", "effect-offer-check"),
            effect(Tone::Ok, "check", "effect-offer-accepted"),
        ],
        set: None,
        reason: Reason::Unused,
        entered: String::new(),
        understood: None,
        who: None,
        hidden: vec![("offer", offer.to_owned())],
        send_to: format!("/sources/{name}/accept"),
        button: t.s("do-accept"),
        icon: "check",
        is_final: false,
        instead: None,
        back: (format!("/sources#{name}"), t.s("keep-as-it-is")),
        shell: Shell::of(&visitor, Nav::Sources, t.s("do-accept")).await?,
    };
    confirm.render_page()
}

pub(super) async fn accept_offer(
    visitor: Visitor,
    Path(name): Path<SourceName>,
    Form(form): Form,
) -> Result<Response, Failure> {
    visitor.require(Role::Approver)?;
    let body = json!({ "offer": form.get("offer").unwrap_or_default() });
    visitor.post::<Value>(&format!("/sources/{name}/accept"), &body).await?;
    Ok(see_other(&format!("/sources#{name}")))
}
