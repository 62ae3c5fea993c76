//! `/deliveries`: what arrived, why it could not be read, replay.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::cases::{Choice, choices};
use super::confirm::{Confirm, Problem, Reason};
use super::failure::{Failure, see_other};
use super::fields::{Fields, Form};
use super::html::{Effect, Status, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::time::{Calendar, Moment};
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{DeliveryView, EventView, List};
use crate::domain::ids::DeliveryId;
use crate::domain::operator::Role;
use crate::store::{DeliveryStatus, EventStatus};

#[derive(Debug, Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage {
    shell: Shell,
    unreadable: u32,
    sources: Vec<Choice>,
    statuses: Vec<Choice>,
    caption: String,
    rows: Vec<Row>,
    is_filtered: bool,
    next: Option<String>,
}

#[derive(Debug)]
struct Row {
    id: String,
    short: String,
    at: Moment,
    source: String,
    status: Status,
    problem: Option<Sentence>,
}

#[derive(Debug, Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    shell: Shell,
    id: String,
    short: String,
    source: String,
    status: Status,
    received: Moment,
    routed: Option<Moment>,
    problem: Option<Sentence>,
    replayable: bool,
    is_unreadable: bool,
    events: Vec<Event>,
    may_replay: bool,
}

#[derive(Debug)]
struct Event {
    position: u32,
    name: String,
    status: Status,
    reason: Option<Sentence>,
    case: Option<(String, String)>,
}

pub(super) async fn list(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    let t = visitor.t();
    let calendar = visitor.calendar(None);
    let own = fields.only(&["source", "status", "cursor"]);
    let page: List<DeliveryView> = visitor.get(&own.clone().with("limit", 50).on("/deliveries")).await?;
    let badges = visitor.admin().store.badges().await?;
    let chosen = fields.get("status").unwrap_or_default();
    let status = |status: &DeliveryStatus| Choice {
        value: status.to_string(),
        name: words::delivery(t, *status).word,
        chosen: chosen == status.as_str(),
    };
    let rows: Vec<Row> = page.items.into_iter().map(|view| row(t, &calendar, view)).collect();
    render(&DeliveriesPage {
        unreadable: badges.unreadable,
        sources: choices(visitor.admin().sources.keys(), fields.get("source")),
        statuses: DeliveryStatus::ALL.iter().map(status).collect(),
        caption: t.n("deliveries-caption", rows.len()),
        rows,
        is_filtered: !own.is_empty(),
        next: page.next.map(|cursor| own.with("cursor", cursor).on("/deliveries")),
        shell: Shell::with(&visitor, Nav::Deliveries, t.s("nav-deliveries"), badges),
    })
}

fn row(t: Texts, calendar: &Calendar, view: DeliveryView) -> Row {
    Row {
        id: view.id.to_string(),
        short: words::short(view.id),
        at: calendar.full(view.received_at),
        source: view.source.to_string(),
        status: words::delivery(t, view.status),
        problem: view.problem.map(|problem| Sentence::of(t, &problem)),
    }
}

pub(super) async fn show(visitor: Visitor, Path(id): Path<DeliveryId>) -> Result<Response, Failure> {
    let t = visitor.t();
    let calendar = visitor.calendar(None);
    let view: DeliveryView = visitor.get(&format!("/deliveries/{id}")).await?;
    let short = words::short(id);
    render(&DeliveryPage {
        id: id.to_string(),
        source: view.source.to_string(),
        status: words::delivery(t, view.status),
        received: calendar.exact(view.received_at),
        routed: view.routed_at.map(|at| calendar.exact(at)),
        problem: view.problem.map(|problem| Sentence::of(t, &problem)),
        replayable: view.replayable,
        is_unreadable: view.status == DeliveryStatus::Unreadable,
        events: view.events.unwrap_or_default().iter().map(|event| self::event(t, event)).collect(),
        may_replay: visitor.is_operator() && view.replayable,
        shell: Shell::of(&visitor, Nav::Deliveries, t.v("delivery-title", "id", &short)).await?,
        short,
    })
}

fn event(t: Texts, event: &EventView) -> Event {
    let (tone, icon) = match event.status {
        EventStatus::Waiting => (Tone::Plain, "clock"),
        EventStatus::Applied => (Tone::Ok, "check"),
        EventStatus::Ignored => (Tone::Plain, "none"),
        EventStatus::Unreadable => (Tone::Bad, "alert"),
    };
    Event {
        position: event.position + 1,
        name: event_name(t, &event.event_type),
        status: Status::new(tone, icon, t.s(&format!("event-status-{}", event.status))),
        reason: event.reason.as_deref().map(|reason| Sentence::of_reason(t, reason)),
        case: event.case.map(|case| (format!("/cases/{case}"), words::short(case))),
    }
}

pub(super) fn event_name(t: Texts, event_type: &str) -> String {
    // An item that cannot be read has no event.
    if event_type == EventStatus::Unreadable.as_str() {
        return t.s("explain-item");
    }
    t.find(&format!("event-{}", event_type.replace('_', "-"))).unwrap_or_else(|| event_type.to_owned())
}

pub(super) async fn confirm(visitor: Visitor, Path(id): Path<DeliveryId>) -> Result<Response, Failure> {
    page(&visitor, id, None).await
}

/// Routes it again, after a fix of the mapping.
pub(super) async fn replay(
    visitor: Visitor,
    Path(id): Path<DeliveryId>,
    Form(_form): Form,
) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    match visitor.post::<Value>(&format!("/deliveries/{id}/replay"), &json!({})).await {
        Ok(_delivery) => Ok(see_other(&format!("/deliveries/{id}"))),
        Err(Failure::Refused(why)) => {
            let t = visitor.t();
            let problem = Problem {
                heading: t.s("problem-changed"),
                text: t.s("replay-expired"),
                detail: Some(Sentence::of(t, &why)),
            };
            page(&visitor, id, Some(problem)).await
        }
        Err(failure) => Err(failure),
    }
}

async fn page(visitor: &Visitor, id: DeliveryId, problem: Option<Problem>) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let t = visitor.t();
    let view: DeliveryView = visitor.get(&format!("/deliveries/{id}")).await?;
    let effect = |tone, icon, key: &str| Effect::new(tone, icon, t.s(key), t.s(&format!("{key}-text")));
    let confirm = Confirm {
        above: (format!("/deliveries/{id}"), t.v("delivery-title", "id", words::short(id))),
        question: t.v("question-replay", "id", words::short(id)),
        lede: format!("{} · {}", view.source, visitor.calendar(None).full(view.received_at).text()),
        problem,
        effects: vec![effect(Tone::Warn, "run", "effect-replayed"), effect(Tone::Ok, "check", "effect-replayed-once")],
        set: None,
        reason: Reason::Unused,
        entered: String::new(),
        understood: None,
        who: None,
        hidden: Vec::new(),
        send_to: format!("/deliveries/{id}/replay"),
        button: t.s("do-replay"),
        icon: "undo",
        is_final: false,
        instead: None,
        back: (format!("/deliveries/{id}"), t.s("keep-as-it-is")),
        shell: Shell::of(visitor, Nav::Deliveries, t.s("do-replay")).await?,
    };
    confirm.render_page()
}
