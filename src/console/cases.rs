//! `/cases`: the list. Filters are in the address; a search is exact.

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;

use super::failure::Failure;
use super::fields::{Fields, Query};
use super::html::Status;
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::time::{Calendar, Moment, span};
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{CaseView, List};
use crate::domain::case::{Hold, StateName};
use crate::store::Badges;

/// The filters of the list and of actions on many cases.
pub(super) const FILTERS: &[&str] = &["state", "held", "source", "site", "attention"];

const PAGE_SIZES: [u32; 3] = [50, 100, 200];

#[derive(Debug, Template)]
#[template(path = "cases.html")]
struct CasesPage {
    shell: Shell,
    sees_people: bool,
    may_change: bool,
    query: String,
    states: Vec<Choice>,
    sources: Vec<Choice>,
    sites: Vec<Choice>,
    orders: Vec<Choice>,
    sizes: Vec<Choice>,
    chips: Vec<Chip>,
    caption: String,
    rows: Vec<CaseRow>,
    is_filtered: bool,
    /// Addresses of the confirmations for all cases of the filter, with their texts.
    bulk: Vec<(String, String)>,
    next: Option<String>,
    first: Option<String>,
}

/// An option of a selection.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) name: String,
    pub(super) chosen: bool,
}

#[derive(Debug)]
struct Chip {
    href: String,
    icon: &'static str,
    name: String,
    count: Option<u32>,
    current: bool,
}

/// A case in a list.
#[derive(Debug)]
pub(super) struct CaseRow {
    pub(super) href: String,
    pub(super) person: String,
    pub(super) person_id: Option<String>,
    pub(super) place: String,
    pub(super) state: Status,
    pub(super) next: String,
    pub(super) at: Option<Moment>,
    pub(super) stop: String,
    pub(super) since: Moment,
}

pub(super) async fn list(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    let t = visitor.t();
    let api = api_query(&fields);
    let page: List<CaseView> = visitor.get(&api.on("/cases")).await?;
    let badges = visitor.admin().store.badges().await?;
    let own = own_query(&fields);
    let filter = fields.only(FILTERS);
    let person = fields.get("q").is_some() || fields.get("email").is_some() || fields.get("person_id").is_some();
    let rows: Vec<CaseRow> = page.items.iter().map(|case| row(&visitor, case)).collect();
    let caption = if page.next.is_some() || fields.get("cursor").is_some() {
        t.n("cases-caption-page", rows.len())
    } else {
        t.n("cases-caption", rows.len())
    };
    let bulk = if filter.is_empty() || person || !visitor.is_operator() || rows.is_empty() {
        Vec::new()
    } else {
        bulk_links(&visitor, &fields, &filter)
    };
    render(&CasesPage {
        sees_people: visitor.caller.sees_personal_data(),
        may_change: visitor.is_operator(),
        query: ["q", "email", "person_id"].into_iter().find_map(|name| fields.get(name)).unwrap_or_default().to_owned(),
        states: states(t, &fields),
        sources: choices(visitor.admin().sources.keys(), fields.get("source")),
        sites: choices(visitor.admin().sites.keys(), fields.get("site")),
        orders: orders(t, &fields),
        sizes: sizes(&fields),
        chips: chips(t, &fields, badges),
        caption,
        is_filtered: !filter.is_empty() || person,
        next: page.next.map(|cursor| own.clone().with("cursor", cursor).on("/cases")),
        first: fields.get("cursor").map(|_| own.clone().without("cursor").on("/cases")),
        bulk,
        rows,
        shell: Shell::with(&visitor, Nav::Cases, t.s("nav-cases"), badges),
    })
}

/// The filters of the address as the API names them.
fn api_query(fields: &Fields) -> Query {
    let mut query = fields.only(&["held", "source", "site", "email", "person_id", "cursor"]);
    match fields.get("state") {
        // `held` says more than the state.
        Some("attention") => query = query.with("attention", "true"),
        Some(state) => query = query.with("state", state),
        None => query = query.with_some("attention", fields.get("attention")),
    }
    if let Some(person) = fields.get("q") {
        query = query.with(if person.contains('@') { "email" } else { "person_id" }, person);
    }
    if order(fields) == "next" {
        query = query.with("sort", "next");
    }
    query.with("limit", size(fields))
}

/// The address of this list.
fn own_query(fields: &Fields) -> Query {
    fields.only(&["q", "email", "person_id", "state", "held", "source", "site", "attention", "sort", "limit", "cursor"])
}

fn order(fields: &Fields) -> &str {
    fields.get("sort").unwrap_or("next")
}

fn size(fields: &Fields) -> u32 {
    let wanted = fields.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or_default();
    if PAGE_SIZES.contains(&wanted) { wanted } else { 50 }
}

fn states(t: Texts, fields: &Fields) -> Vec<Choice> {
    let chosen = fields.get("state").unwrap_or_default();
    let all = Choice { value: String::new(), name: t.s("cases-all-states"), chosen: chosen.is_empty() };
    let attention =
        Choice { value: "attention".to_owned(), name: t.s("cases-attention"), chosen: chosen == "attention" };
    let state = |state: &StateName| Choice {
        value: state.to_string(),
        name: words::state(t, *state).word,
        chosen: chosen == state.as_str(),
    };
    [all, attention].into_iter().chain(StateName::ALL.iter().map(state)).collect()
}

fn orders(t: Texts, fields: &Fields) -> Vec<Choice> {
    let order = order(fields);
    let choice = |value: &str, text| Choice { value: value.to_owned(), name: t.s(text), chosen: value == order };
    vec![choice("next", "cases-order-next"), choice("newest", "cases-order-newest")]
}

fn sizes(fields: &Fields) -> Vec<Choice> {
    let size = size(fields);
    PAGE_SIZES.iter().map(|n| Choice { value: n.to_string(), name: n.to_string(), chosen: *n == size }).collect()
}

pub(super) fn choices<'a, T: ToString + 'a>(names: impl Iterator<Item = &'a T>, chosen: Option<&str>) -> Vec<Choice> {
    let names = names.map(ToString::to_string);
    names.map(|name| Choice { chosen: chosen == Some(&name), value: name.clone(), name }).collect()
}

fn chips(t: Texts, fields: &Fields, badges: Badges) -> Vec<Chip> {
    let here = fields.only(FILTERS);
    let chip = |query: Query, icon, name: String, count| Chip {
        current: query == here,
        href: query.on("/cases"),
        icon,
        name,
        count,
    };
    let state =
        |state: StateName, icon| chip(Query::default().with("state", state), icon, words::state(t, state).word, None);
    vec![
        chip(Query::default().with("state", "attention"), "alert", t.s("cases-attention"), Some(badges.attention)),
        chip(Query::default().with("state", "held"), "pause", words::state(t, StateName::Held).word, Some(badges.held)),
        state(StateName::Scheduled, "clock"),
        state(StateName::Revoked, "lock"),
        state(StateName::DeletionGrace, "glass"),
        state(StateName::Erased, "check"),
    ]
}

fn bulk_links(visitor: &Visitor, fields: &Fields, filter: &Query) -> Vec<(String, String)> {
    let t = visitor.t();
    let held = fields.get("held").and_then(|held| held.parse::<Hold>().ok());
    let attention = fields.get("state") == Some("attention") || fields.get("attention") == Some("true");
    let link = |action: &str, text: &str| (filter.clone().with("action", action).on("/cases/bulk"), t.s(text));
    let mut links = Vec::new();
    match held {
        Some(Hold::Approval) if visitor.is_approver() => {
            links.push((
                filter.clone().with("action", "approve").with("for", "revoke").on("/cases/bulk"),
                t.s("bulk-link-approve-revoke"),
            ));
            links.push((
                filter.clone().with("action", "approve").with("for", "delete").on("/cases/bulk"),
                t.s("bulk-link-approve-delete"),
            ));
        }
        Some(Hold::Observe | Hold::Hold) => links.push(link("release", "bulk-link-release")),
        Some(Hold::Brake) if visitor.is_approver() => links.push(link("release", "bulk-link-release")),
        Some(Hold::Approval | Hold::Brake) | None => {}
    }
    if attention {
        links.push(link("retry", "bulk-link-retry"));
        links.push(link("resolve", "bulk-link-resolve"));
    }
    links.push(link("hold", "bulk-link-hold"));
    links.push(link("cancel", "bulk-link-cancel"));
    links
}

/// A case as a row of a list.
pub(super) fn row(visitor: &Visitor, case: &CaseView) -> CaseRow {
    let t = visitor.t();
    let calendar = visitor.calendar(case.policy.as_ref());
    let (next, at) = next(t, case);
    CaseRow {
        href: format!("/cases/{}", case.id),
        person: person(t, case),
        person_id: case.person.id.as_ref().filter(|_| case.person.email.is_some()).map(|id| id.as_str().to_owned()),
        place: place(t, case),
        state: words::of_case(t, case),
        next,
        at: at.map(|at| calendar.short(at, visitor.now)),
        stop: stop(t, case, visitor.now),
        since: calendar.short(case.since, visitor.now),
    }
}

/// Who the case is about, as far as the visitor may see it.
pub(super) fn person(t: Texts, case: &CaseView) -> String {
    let of_person = case.person.email.as_ref().map(|email| email.as_str().to_owned());
    let of_id = || case.person.id.as_ref().map(|id| t.v("case-of-person-id", "id", id.as_str()));
    of_person.or_else(of_id).unwrap_or_else(|| t.v("case-title", "id", words::short(case.id)))
}

/// `bamboohr → acme`
pub(super) fn place(t: Texts, case: &CaseView) -> String {
    let source = match (&case.source, &case.requested_by) {
        (Some(source), _) => source.to_string(),
        (None, Some(operator)) => t.v("case-by-operator", "operator", operator),
        (None, None) => t.s("case-by-an-operator"),
    };
    format!("{source} → {}", case.site)
}

/// What happens next, and when.
pub(super) fn next(t: Texts, case: &CaseView) -> (String, Option<Timestamp>) {
    if let Some(attention) = &case.attention {
        return (words::attention(t, attention.reason), None);
    }
    if let Some(awaits) = &case.awaits {
        let stage = words::stage(t, awaits.stage);
        let text = if case.held == Some(Hold::Approval) && awaits.approvals_missing > 0 {
            t.count("next-needs-approvals", awaits.approvals_missing, &[("stage", &stage)])
        } else {
            stage
        };
        return (text, awaits.not_before);
    }
    match &case.job {
        Some(job) => (words::job(t, job.kind), Some(job.due_at)),
        None => ("–".to_owned(), None),
    }
}

fn stop(t: Texts, case: &CaseView, now: Timestamp) -> String {
    match (case.state, case.stoppable_until) {
        (StateName::Erased | StateName::Restored | StateName::Cancelled | StateName::NoAccount, _) => {
            t.s("stop-closed")
        }
        (StateName::DeletionGrace, _) => t.s("stop-final"),
        (StateName::Restoring, _) => t.s("stop-off"),
        (_, Some(until)) if until > now => t.v("stop-for", "time", span(t, until.duration_since(now))),
        (StateName::Deleting | StateName::Revoking, _) => t.s("stop-until-call"),
        (StateName::Scheduled | StateName::Held | StateName::Revoked | StateName::NeedsAttention, _) => t.s("stop-yes"),
    }
}

/// For pages that show a few cases.
pub(super) fn calendar_of(visitor: &Visitor, case: &CaseView) -> Calendar {
    visitor.calendar(case.policy.as_ref())
}
