//! `/cases/{id}`: what will happen to whom, until when it can be stopped, why, and what to do now.

use askama::Template;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use super::case_actions::{self, Act};
use super::cases::{calendar_of, person, place};
use super::failure::Failure;
use super::graces::{Drawing, Graces};
use super::html::{Status, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::situation::{self, Situation};
use super::time::{Calendar, Moment, parts};
use super::visitor::Visitor;
use super::way::{self, SiteGraces, Step};
use super::words;
use crate::admin::api::{CaseView, HistoryView, List};
use crate::domain::account::{AccountType, Candidate};
use crate::domain::blocked::BlockedBy;
use crate::domain::case::{Case, JobKind, Stage, StateName};
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
    candidates: Vec<CandidateRow>,
    facts: Vec<(String, String)>,
    /// Why the last attempt failed.
    error: Option<Sentence>,
    times: Vec<(String, Moment)>,
    sees_people: bool,
    is_closed: bool,
    shows_requests: bool,
    /// The answer to a person who requested erasure.
    answer: Option<Sentence>,
}

/// The time left until the next call that can be stopped.
#[derive(Debug)]
struct Countdown {
    parts: Vec<(i64, String)>,
    until: Timestamp,
    label: String,
    deadline: Moment,
}

#[derive(Debug)]
struct Approval {
    by: String,
    stage: String,
    at: Moment,
}

/// An account among which a human decides.
#[derive(Debug)]
struct CandidateRow {
    id: String,
    kind: String,
    access: Status,
    email: Option<String>,
    verdict: Status,
}

impl CandidateRow {
    fn of(t: Texts, candidate: &Candidate) -> Self {
        let access = if candidate.active {
            Status::new(Tone::Ok, "check", t.s("account-active"))
        } else {
            Status::new(Tone::Plain, "lock", t.s("account-revoked"))
        };
        let verdict = if candidate.account_type == AccountType::Customer {
            Status::new(Tone::Warn, "q", t.s("candidate-possible"))
        } else {
            Status::new(Tone::Plain, "none", t.s("candidate-never"))
        };
        Self {
            id: candidate.id.as_str().to_owned(),
            kind: t.s(&format!("account-type-{}", candidate.account_type)),
            access,
            email: candidate.email.as_ref().map(|email| email.as_str().to_owned()),
            verdict,
        }
    }
}

pub(super) async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let case: CaseView = visitor.get(&format!("/cases/{}", segment(&id))).await?;
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
        blocked: case.blocked.iter().map(|blocked| blocked_text(t, blocked.by, blocked.name.as_deref())).collect(),
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
        candidates: case.candidates.iter().map(|candidate| CandidateRow::of(t, candidate)).collect(),
        facts: facts(t, &case, &record.case, &calendar),
        answer: case.answer.as_ref().map(|answer| Sentence::of(t, answer)),
        error: case.job.as_ref().and_then(|job| Some(Sentence::of(t, job.last_error.as_ref()?))),
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

fn blocked_text(t: Texts, by: BlockedBy, name: Option<&str>) -> String {
    t.v(&format!("blocked-{}", by.as_str().replace('_', "-")), "name", name.unwrap_or_default())
}

/// To the next call that takes something away. None while a human has to decide first: time does not move such a case.
fn countdown(visitor: &Visitor, calendar: &Calendar, case: &CaseView) -> Option<Countdown> {
    if waits(case) {
        return None;
    }
    let revoke = case.job.as_ref().filter(|job| job.kind == JobKind::Revoke && case.state == StateName::Scheduled);
    let (until, label) = match revoke {
        Some(job) => (job.due_at, "case-countdown-revoke"),
        None => (case.stoppable_until?, "case-countdown"),
    };
    if until <= visitor.now {
        return None;
    }
    let t = visitor.t();
    let parts = parts(t, until.duration_since(visitor.now));
    Some(Countdown { parts, until, label: t.s(label), deadline: calendar.deadline(until) })
}

/// Whether nothing is called before a human decided.
fn waits(case: &CaseView) -> bool {
    matches!(case.state, StateName::Held | StateName::NeedsAttention)
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
        waits: waits(case),
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

fn facts(t: Texts, case: &CaseView, rules: &Case, calendar: &Calendar) -> Vec<(String, String)> {
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
    // A state does not show that approvals are missing before their time has come.
    let missing = [Stage::Revoke, Stage::Delete].into_iter().filter_map(|stage| {
        let missing = rules.planned_at(stage).map_or(0, |_| rules.approvals_missing(stage));
        (missing > 0)
            .then(|| t.values("fact-approvals-text", &[("stage", &words::stage(t, stage)), ("missing", &missing)]))
    });
    let missing: Vec<String> = missing.collect();
    add("fact-approvals", (!missing.is_empty()).then(|| missing.join(", ")));
    add("fact-case", Some(case.id.to_string()));
    facts
}

fn times(t: Texts, case: &CaseView, calendar: &Calendar) -> Vec<(String, Moment)> {
    let times = [
        ("fact-erase-until", case.erase_until),
        ("fact-since", Some(case.since)),
        ("fact-effective", Some(case.effective_at)),
        ("fact-next-attempt", case.job.as_ref().map(|job| job.due_at)),
        ("fact-reinvite", case.reinvite_from),
    ];
    times.into_iter().filter_map(|(name, at)| Some((t.s(name), calendar.full(at?)))).collect()
}
