//! `/deliveries/{id}/explain`: what the settings of now read from a stored body, and what would follow.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::deliveries::event_name;
use super::failure::Failure;
use super::html::{Status, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::time::{Calendar, Moment};
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{
    Basis, Because, Consequence, DeliveryView, ExplainLookup, ExplainedItem, Explanation, Lack, Match,
};
use crate::domain::event::EventType;
use crate::domain::ids::DeliveryId;
use crate::domain::operator::Role;

#[derive(Debug, Template)]
#[template(path = "explain.html")]
struct ExplainPage {
    shell: Shell,
    id: String,
    short: String,
    source: String,
    policy: String,
    items: Vec<Item>,
    /// Why nothing can be explained, or why the whole body is unreadable.
    problem: Option<Sentence>,
    may_replay: bool,
}

/// What is read out of one item of a body.
#[derive(Debug)]
struct Item {
    position: usize,
    name: String,
    status: Status,
    person: Option<String>,
    effective: Option<Moment>,
    reason: Option<String>,
    unreadable: Option<Sentence>,
    then: Vec<String>,
}

pub(super) async fn show(visitor: Visitor, Path(id): Path<DeliveryId>) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let t = visitor.t();
    let view: DeliveryView = visitor.get(&format!("/deliveries/{id}")).await?;
    let explained: Result<Explanation, Failure> = visitor.get(&format!("/deliveries/{id}/explain")).await;
    let (policy, items, problem) = match explained {
        Ok(explanation) => {
            let problem = explanation.unreadable.map(|why| Sentence::of(t, &why));
            (explanation.policy, explanation.items, problem)
        }
        Err(Failure::Refused(_) | Failure::Invalid(_)) if !view.replayable => {
            (String::new(), Vec::new(), Some(Sentence::translated(t.s("delivery-expired"))))
        }
        Err(Failure::Refused(why) | Failure::Invalid(why)) => (String::new(), Vec::new(), Some(Sentence::of(t, &why))),
        Err(failure) => return Err(failure),
    };
    let calendar = visitor.calendar(policy.parse().ok().as_ref());
    render(&ExplainPage {
        id: id.to_string(),
        short: words::short(id),
        source: view.source.to_string(),
        policy,
        items: items.into_iter().map(|item| self::item(t, &calendar, item)).collect(),
        problem,
        may_replay: view.replayable,
        shell: Shell::of(&visitor, Nav::Deliveries, t.s("explain-title")).await?,
    })
}

fn item(t: Texts, calendar: &Calendar, item: ExplainedItem) -> Item {
    let person = item.event.as_ref().map(|event| &event.person).and_then(|person| {
        let email = person.email.as_ref().map(|email| email.as_str().to_owned());
        let id = person.id.as_ref().map(|id| t.v("case-of-person-id", "id", id.as_str()));
        let parts: Vec<String> = email.into_iter().chain(id).collect();
        (!parts.is_empty()).then(|| parts.join(" · "))
    });
    let is_read = item.event.is_some();
    Item {
        position: item.position + 1,
        name: item.event.map_or_else(|| t.s("explain-item"), |event| name(t, event.event_type)),
        status: if is_read {
            Status::new(Tone::Ok, "check", t.s("explain-readable"))
        } else {
            Status::new(Tone::Bad, "alert", t.s("event-status-unreadable"))
        },
        person,
        effective: item.effective_at.map(|at| calendar.full(at)),
        reason: item.because.map(|because| reason(t, &because)),
        unreadable: item.unreadable.map(|why| Sentence::of(t, &why)),
        then: item.consequences.iter().map(|consequence| sentence(t, calendar, consequence)).collect(),
    }
}

fn name(t: Texts, event: EventType) -> String {
    event_name(t, event.as_str())
}

/// The rule or the word that made it this event.
fn reason(t: Texts, because: &Because) -> String {
    let why = match &because.matched {
        Match::Rule { condition } => t.v("rule-holds", "condition", condition),
        Match::Word { place, word } => t.values("rule-word", &[("place", place), ("word", word)]),
        Match::Skipped { condition } => t.v("rule-skipped", "condition", condition),
        Match::UnknownWord => t.s("rule-unknown"),
    };
    let event = name(t, because.event);
    match because.lacks {
        None => t.values("rule-event", &[("why", &why), ("event", &event)]),
        Some(Lack::IdOrAddress) => t.values("rule-without-id", &[("why", &why), ("event", &event)]),
        Some(Lack::AnotherAddress) => t.values("rule-same-address", &[("why", &why), ("event", &event)]),
    }
}

fn sentence(t: Texts, calendar: &Calendar, consequence: &Consequence) -> String {
    match consequence {
        Consequence::Unreadable => t.s("then-unreadable"),
        Consequence::Ignored { preset: None } => t.s("then-ignored"),
        Consequence::Ignored { preset: Some(preset) } => t.v("then-ignored-preset", "preset", preset),
        Consequence::IgnoredByPolicy { event } => t.v("then-ignored-policy", "event", name(t, *event)),
        Consequence::AddressStored => t.s("then-address-stored"),
        Consequence::Stops => t.s("then-stops"),
        Consequence::NothingWithoutCase => t.s("then-nothing"),
        Consequence::EachCustomer => t.s("then-each-customer"),
        Consequence::OldAddressOnly => t.s("then-old-address"),
        Consequence::StoredOldAddress => t.s("then-stored-old-address"),
        Consequence::StoredAddress { lookup } => t.s(match lookup {
            ExplainLookup::Configured => "then-stored-address-lookup",
            ExplainLookup::Available => "then-stored-address-preset",
            ExplainLookup::None => "then-stored-address",
        }),
        Consequence::Policy { event, action } => {
            let (event, action) = (name(t, *event), words::action(t, *action));
            t.values("then-policy", &[("event", &event), ("action", &action)])
        }
        Consequence::Effective { at, basis, zone, .. } => {
            let at = calendar.full(*at).text().to_owned();
            let id = match basis {
                Basis::Arrival => return t.v("then-effective-arrival", "at", at),
                Basis::Instant => return t.v("then-effective-instant", "at", at),
                Basis::LocalTime => "then-effective-time",
                Basis::StartOfDay => "then-effective-start",
                Basis::EndOfDay => "then-effective-end",
            };
            t.values(id, &[("at", &at), ("zone", zone)])
        }
        Consequence::Revoked { approvals } => t.n("then-revoked", *approvals),
        Consequence::Detached { from } => {
            let from: Vec<String> = from.iter().map(|what| t.s(&format!("detach-{what}"))).collect();
            t.v("then-detached", "from", from.join(", "))
        }
        Consequence::Deleted { after_grace, at, approvals, .. } => {
            let at = calendar.full(*at).text().to_owned();
            let id = if *after_grace { "then-deleted-later" } else { "then-deleted" };
            t.count(id, *approvals, &[("at", &at)])
        }
        Consequence::Brake { per_hour, per_day } => t.values("then-brake", &[("hour", per_hour), ("day", per_day)]),
        Consequence::Observed => t.s("then-observed"),
    }
}
