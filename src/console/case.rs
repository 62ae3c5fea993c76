//! `/cases/{id}`: what will happen to whom, until when it can be stopped, why, and what to do now.

use askama::Template;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::case_actions::{self, Act};
use super::cases::{calendar_of, person, place};
use super::failure::Failure;
use super::graces::{Drawing, Graces};
use super::html::{Status, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::situation::{self, Situation};
use super::time::{Calendar, Moment, parts};
use super::visitor::Visitor;
use super::way::{self, SiteGraces, Step};
use super::words;
use crate::admin::api::{CaseView, HistoryView, List};
use crate::domain::case::StateName;
use crate::domain::ids::CaseId;
use crate::domain::operator::Role;

#[derive(Debug, Template)]
#[template(path = "case.html")]
struct CasePage {
    shell: Shell,
    id: String,
    short: String,
    heading: String,
    status: Status,
    action: String,
    place: String,
    situation: Situation,
    blocked: Vec<String>,
    /// The address to search in Atlassian's administration, and the site's name.
    address: Option<String>,
    site: String,
    countdown: Option<Countdown>,
    acts: Vec<Act>,
    who: String,
    drawing: Option<Drawing>,
    steps: Vec<Step>,
    approvals: Vec<Approval>,
    candidates: Vec<Candidate>,
    facts: Vec<(String, String)>,
    times: Vec<(String, Moment)>,
    sees_people: bool,
    is_closed: bool,
    shows_requests: bool,
}

/// The time left until the last moment to stop.
#[derive(Debug)]
struct Countdown {
    parts: Vec<(i64, String)>,
    until: Timestamp,
    deadline: Moment,
}

#[derive(Debug)]
struct Approval {
    by: String,
    stage: String,
    at: Moment,
}

/// What the API adds where it applies.
#[derive(Debug, Default, Deserialize)]
struct Extras {
    #[serde(default)]
    candidates: Vec<Candidate>,
    #[serde(default)]
    blocked: Vec<Blocked>,
}

/// An account among which a human decides.
#[derive(Debug, Deserialize)]
struct Candidate {
    id: String,
    #[serde(rename = "type")]
    account_type: String,
    active: bool,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Blocked {
    by: String,
    #[serde(default)]
    name: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "askama passes references")]
impl Candidate {
    fn access(&self, t: &Texts) -> Status {
        if self.active {
            Status::new(Tone::Ok, "check", t.s("account-active"))
        } else {
            Status::new(Tone::Plain, "lock", t.s("account-revoked"))
        }
    }

    fn verdict(&self, t: &Texts) -> Status {
        if self.account_type == "customer" {
            Status::new(Tone::Warn, "q", t.s("candidate-possible"))
        } else {
            Status::new(Tone::Plain, "none", t.s("candidate-never"))
        }
    }

    fn kind(&self, t: &Texts) -> String {
        t.find(&format!("account-type-{}", self.account_type)).unwrap_or_else(|| self.account_type.clone())
    }
}

pub(super) async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let value: Value = visitor.get(&format!("/cases/{}", segment(&id))).await?;
    let extras: Extras = serde_json::from_value(value.clone()).unwrap_or_default();
    let case: CaseView = serde_json::from_value(value).map_err(|_error| Failure::Unavailable)?;
    let history: List<HistoryView> = visitor.get(&format!("/cases/{}/history", case.id)).await?;
    let record = visitor.admin().store.case(case.id).await?.ok_or(Failure::NotFound)?;
    let t = visitor.t();
    let calendar = calendar_of(&visitor, &case);
    let heading = person(t, &case);
    let is_closed = case.closed_at.is_some();
    let graces = site_graces(&visitor, &case);
    let page = CasePage {
        id: case.id.to_string(),
        short: words::short(case.id),
        status: words::of_case(t, &case),
        action: words::action(t, case.action),
        place: place(t, &case),
        situation: situation::of(t, &case),
        blocked: extras.blocked.iter().map(|blocked| blocked_text(t, blocked)).collect(),
        address: case.person.email.as_ref().map(|email| email.as_str().to_owned()),
        site: case.site.to_string(),
        countdown: countdown(&visitor, &calendar, &case),
        acts: case_actions::acts(&visitor, &case, &record),
        who: who(&visitor, &case),
        drawing: drawing(&visitor, &calendar, &case, graces),
        steps: way::steps(t, &calendar, &case, &history.items, graces, visitor.now),
        approvals: case
            .approvals
            .iter()
            .map(|approval| Approval {
                by: approval.by.clone(),
                stage: words::stage(t, approval.stage),
                at: calendar.full(approval.at),
            })
            .collect(),
        candidates: extras.candidates,
        facts: facts(t, &case, &calendar),
        times: times(t, &case, &calendar),
        sees_people: visitor.caller.sees_personal_data(),
        is_closed,
        shows_requests: visitor.is_operator() && !is_closed,
        shell: Shell::of(&visitor, Nav::Cases, format!("{heading} · {}", t.s("nav-cases"))).await?.refreshed(20),
        heading,
    };
    render(&page)
}

/// A segment of a path: the API finds a case by its id, by the end of it, or by an address.
pub(super) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The signed file, as a download.
pub(super) async fn evidence(visitor: Visitor, Path(id): Path<CaseId>) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let text = visitor.text(&format!("/cases/{id}/evidence")).await?;
    Ok(download(text, &format!("{id}.evidence")))
}

pub(super) fn download(text: String, name: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, text).into_response()
}

fn blocked_text(t: Texts, blocked: &Blocked) -> String {
    let name = blocked.name.clone().unwrap_or_default();
    let id = format!("blocked-{}", blocked.by.replace('_', "-"));
    if t.has(&id) { t.v(&id, "name", name) } else { format!("{} {name}", blocked.by) }
}

fn countdown(visitor: &Visitor, calendar: &Calendar, case: &CaseView) -> Option<Countdown> {
    let until = case.stoppable_until.filter(|until| *until > visitor.now)?;
    let parts = parts(visitor.t(), until.duration_since(visitor.now));
    Some(Countdown { parts, until, deadline: calendar.deadline(until) })
}

fn site_graces(visitor: &Visitor, case: &CaseView) -> Option<SiteGraces> {
    let site = visitor.admin().sites.get(&case.site)?;
    Some(SiteGraces { deletion_grace: site.deletion_grace, look_back: site.look_back })
}

/// Only for a case that deletes: a revoke alone has no grace.
fn drawing(visitor: &Visitor, calendar: &Calendar, case: &CaseView, graces: Option<SiteGraces>) -> Option<Drawing> {
    if matches!(case.state, StateName::Restoring | StateName::Restored | StateName::Cancelled | StateName::NoAccount) {
        return None;
    }
    let delete = case.deletion_requested_at.or(case.delete_at)?;
    let planned_end = || Some(delete.saturating_add(graces?.deletion_grace).unwrap_or(Timestamp::MAX));
    let end = case.grace_ends_at.or_else(planned_end)?;
    let planned_revoke = || case.action.revokes().then_some(case.effective_at);
    let revoke = case.revoked_at.or_else(planned_revoke).filter(|revoke| *revoke <= delete);
    let graces = Graces {
        revoke,
        delete,
        end,
        now: case.closed_at.is_none().then_some(visitor.now),
        revoked: case.revoked_at.is_some(),
        deleted: case.deletion_requested_at.is_some(),
    };
    Some(graces.draw(visitor.t(), calendar))
}

/// Who may press the buttons that this visitor does not see.
fn who(visitor: &Visitor, case: &CaseView) -> String {
    let t = visitor.t();
    if case.closed_at.is_some() {
        return t.s("who-closed");
    }
    let tokens = visitor.admin().access.tokens.load();
    let names = |role: Role| {
        let names = tokens.iter().filter(|token| token.role >= role).map(|token| token.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let (operators, approvers) = (names(Role::Operator), names(Role::Approver));
    let values: &[(&str, &dyn std::fmt::Display)] = &[("operators", &operators), ("approvers", &approvers)];
    match visitor.caller.role {
        Role::Viewer => t.values("who-viewer", values),
        Role::Operator => t.v("who-operator", "approvers", approvers),
        Role::Approver if case.requested_by.as_ref() == Some(&visitor.caller.name) => {
            t.v("who-own", "approvers", approvers)
        }
        Role::Approver => t.values("who-approver", values),
    }
}

fn facts(t: Texts, case: &CaseView, calendar: &Calendar) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.push((t.s(name), value));
        }
    };
    add("fact-email", case.person.email.as_ref().map(|email| email.as_str().to_owned()));
    add("fact-person-id", case.person.id.as_ref().map(|id| id.as_str().to_owned()));
    add("fact-account", case.account.id.as_ref().map(|id| id.as_str().to_owned()));
    let kind = case.account.account_type.map(|kind| t.s(&format!("account-type-{kind}")));
    add("fact-account-type", kind);
    add("fact-action", Some(words::action(t, case.action)));
    add("fact-policy", case.policy.as_ref().map(ToString::to_string));
    add("fact-zone", Some(calendar.zone.iana_name().unwrap_or("UTC").to_owned()));
    add("fact-requested-by", case.requested_by.clone());
    let job = case.job.as_ref().map(|job| {
        let state = words::job_state(t, job.state);
        t.count("fact-job-text", job.attempts, &[("job", &words::job(t, job.kind)), ("state", &state)])
    });
    add("fact-job", job);
    add("fact-error", case.job.as_ref().and_then(|job| job.last_error.clone()));
    add("fact-case", Some(case.id.to_string()));
    facts
}

fn times(t: Texts, case: &CaseView, calendar: &Calendar) -> Vec<(String, Moment)> {
    let times = [
        ("fact-since", Some(case.since)),
        ("fact-effective", Some(case.effective_at)),
        ("fact-next-attempt", case.job.as_ref().map(|job| job.due_at)),
        ("fact-reinvite", case.reinvite_from),
    ];
    times.into_iter().filter_map(|(name, at)| Some((t.s(name), calendar.full(at?)))).collect()
}

#[derive(Debug, Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    shell: Shell,
    id: String,
    heading: String,
    requests: Vec<DeskRequest>,
    /// Why they could not be read.
    problem: Option<String>,
}

#[derive(Debug, Deserialize)]
struct DeskRequest {
    key: String,
    summary: String,
    status: String,
}

/// The person's open requests, read from the site now.
pub(super) async fn requests(visitor: Visitor, Path(id): Path<CaseId>) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let t = visitor.t();
    let case: CaseView = visitor.get(&format!("/cases/{id}")).await?;
    let found: Result<List<DeskRequest>, Failure> = visitor.get(&format!("/cases/{id}/requests")).await;
    let (requests, problem) = match found {
        Ok(list) => (list.items, None),
        Err(Failure::Refused(why) | Failure::Invalid(why)) => (Vec::new(), Some(why)),
        Err(Failure::Unavailable) => (Vec::new(), Some(String::new())),
        Err(failure) => return Err(failure),
    };
    let shell = Shell::of(&visitor, Nav::Cases, t.s("requests-title")).await?;
    render(&RequestsPage { id: id.to_string(), heading: person(t, &case), requests, problem, shell })
}
