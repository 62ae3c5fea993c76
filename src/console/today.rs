//! `/`: what needs me, what comes next, what is held, and whether everything works.

use askama::Template;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::cases::{person, row};
use super::failure::Failure;
use super::fields::Query;
use super::health;
use super::html::{Icon, Status, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::time::{Moment, span};
use super::timeline::{self, Timeline};
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{CaseView, List, SiteView, SourceView};
use crate::domain::case::{Hold, JobKind, Stage, StateName};
use crate::domain::ids::{CaseId, SiteName};
use crate::store::Overview;

/// The number of coming calls that are listed.
const NEXT: u32 = 6;

/// The number of cases that wait for an approval and are part of the time line.
const WAITING: u32 = 500;

/// The number of outcomes that are listed.
const DONE: u32 = 8;

#[derive(Debug, Template)]
#[template(path = "today.html")]
struct TodayPage {
    shell: Shell,
    heading: String,
    time: Moment,
    next_call: Option<String>,
    next_deletion: Option<String>,
    tasks: Vec<Task>,
    timeline: Timeline,
    calls: Vec<Call>,
    held: Vec<Held>,
    parts: Vec<health::Part>,
    done: Vec<Done>,
    first_steps: Option<Vec<FirstStep>>,
}

/// What needs a human, with the next step.
#[derive(Debug)]
pub(super) struct Task {
    count: u64,
    tone: Tone,
    icon: Icon,
    name: String,
    text: String,
    href: String,
    link: String,
}

#[derive(Debug)]
struct Call {
    at: Moment,
    what: Status,
    href: String,
    person: String,
    stop: String,
}

#[derive(Debug)]
struct Held {
    why: Status,
    href: String,
    cases: u64,
    released_by: String,
}

#[derive(Debug)]
struct Done {
    at: Moment,
    href: String,
    case: String,
    outcome: String,
    icon: Icon,
    tone: Tone,
}

/// A step of the first start.
#[derive(Debug)]
struct FirstStep {
    number: usize,
    status: Status,
    name: String,
    text: String,
    code: Option<String>,
}

pub(super) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let t = visitor.t();
    let store = &visitor.admin().store;
    let now = visitor.now;
    let calendar = visitor.calendar(None);
    let badges = store.badges().await?;
    let sources: List<SourceView> = visitor.get("/sources").await?;
    let sites: List<SiteView> = visitor.get("/sites").await?;
    let names: Vec<&SiteName> = visitor.admin().sites.keys().collect();
    let planned = store.planned(&names, now, timeline::end(&calendar, now)).await?;
    let waiting = store.cases_awaiting_approval(WAITING).await?;
    let waiting: Vec<(Stage, Timestamp)> = waiting
        .iter()
        .filter_map(|case| case.next_stage().and_then(|stage| Some((stage, case.planned_at(stage)?))))
        .filter(|(_, at)| *at < timeline::end(&calendar, now))
        .collect();
    let timeline = Timeline::of(t, &calendar, &planned, &waiting, now);
    let calls = next_calls(&visitor, &names).await?;
    let overview = store.overview().await?;
    let tasks = tasks(&visitor, badges.fenced, &overview, &sources.items, &sites.items);
    let count: u64 = tasks.iter().map(|task| task.count).sum();
    let is_new = calls.is_empty() && count == 0 && !store.has_cases().await?;
    let due = |kind: Option<JobKind>| {
        let next = calls.iter().find(|(job, _)| kind.is_none_or(|kind| job.kind == kind));
        next.map(|(job, _)| span(t, job.due_at.duration_since(now)))
    };
    let page = TodayPage {
        heading: match count {
            0 if is_new => t.s("today-first"),
            0 => t.s("today-nothing"),
            count => t.n("today-tasks", count),
        },
        time: calendar.full(now),
        next_call: due(None).map(|left| t.v("today-next-call", "time", left)),
        next_deletion: due(Some(JobKind::Delete)).map(|left| t.v("today-next-deletion", "time", left)),
        tasks,
        calls: calls
            .iter()
            .map(|(job, case)| {
                let row = row(&visitor, case);
                Call {
                    at: visitor.calendar(case.policy.as_ref()).short(job.due_at, now),
                    what: words::call(t, job.kind),
                    href: row.href,
                    person: row.person,
                    stop: stop(visitor.t(), job.kind),
                }
            })
            .collect(),
        held: held(&visitor, &overview),
        parts: health::parts(&visitor, &sites.items, &sources.items),
        done: done(&visitor).await?,
        first_steps: is_new.then(|| first_steps(&visitor, &sites.items, &sources.items)),
        timeline,
        shell: Shell::with(&visitor, Nav::Today, t.s("nav-today"), badges).refreshed(15),
    };
    render(&page)
}

/// Each of them can be stopped until it is made; what follows differs.
fn stop(t: Texts, kind: JobKind) -> String {
    t.s(match kind {
        JobKind::Delete => "call-stop-delete",
        JobKind::Revoke => "call-stop-revoke",
        JobKind::Detach | JobKind::Verify | JobKind::Restore | JobKind::Reinvite => "call-stop-other",
    })
}

async fn next_calls(visitor: &Visitor, sites: &[&SiteName]) -> Result<Vec<(crate::store::JobRow, CaseView)>, Failure> {
    let mut calls = Vec::new();
    for job in visitor.admin().store.next_calls(sites, NEXT).await? {
        // A case may close between the two reads.
        if let Some(case) = visitor.get_if_any::<CaseView>(&format!("/cases/{}", job.case_id)).await? {
            calls.push((job, case));
        }
    }
    Ok(calls)
}

/// The most serious first: what stops everything, what stops many, what stops one.
fn tasks(
    visitor: &Visitor,
    fenced: bool,
    overview: &Overview,
    sources: &[SourceView],
    sites: &[SiteView],
) -> Vec<Task> {
    let t = visitor.t();
    let calendar = visitor.calendar(None);
    let task = |tone, icon, count, name: String, text: String, href: String, link: &str| Task {
        count,
        tone,
        icon: Icon(icon),
        name,
        text,
        href,
        link: t.s(link),
    };
    let mut tasks = Vec::new();
    if fenced {
        let (name, text) = (t.s("fence-banner"), t.s("fence-banner-text"));
        tasks.push(task(Tone::Bad, "alert", 1, name, text, "/fence".to_owned(), "fence-link"));
    }
    for source in sources {
        if let Some(brake) = &source.brake {
            let name = t.v("task-frozen", "source", &source.name);
            let all = brake.held.saturating_add(brake.carried_out);
            let text = t.values("task-frozen-text", &[("done", &brake.carried_out), ("all", &all)]);
            let released = format!("/sources/{}/release", source.name);
            let href = if visitor.is_approver() { released } else { format!("/sources#{}", source.name) };
            tasks.push(task(Tone::Bad, "snow", 1, name, text, href, "task-frozen-link"));
        }
    }
    for site in sites {
        if let Some(paused_at) = site.paused_at {
            let name = t.v("task-paused", "site", &site.name);
            let since = calendar.full(paused_at).text().to_owned();
            let text = t.v("task-paused-text", "since", since);
            tasks.push(task(Tone::Bad, "pause", 1, name, text, "/sites".to_owned(), "task-paused-link"));
        } else if !site.paused_calls.is_empty() {
            let name = t.v("task-calls-paused", "site", &site.name);
            let text = t.s("task-calls-paused-text");
            tasks.push(task(Tone::Warn, "pause", 1, name, text, "/sites".to_owned(), "task-paused-link"));
        }
    }
    for (reason, cases, since) in overview.attention_by_reason() {
        let name = words::attention(t, reason.as_str());
        let since = calendar.full(since).text().to_owned();
        let text = format!("{} {}", t.s(&format!("attention-{reason}-what")), t.v("task-oldest", "since", since));
        let href = Query::default().with("state", "attention").on("/cases");
        tasks.push(task(Tone::Bad, "alert", cases, name, text, href, "task-attention-link"));
    }
    for (_, cases) in overview.held_by_reason().into_iter().filter(|(hold, _)| *hold == Hold::Approval) {
        let href = Query::default().with("state", "held").with("held", "approval").on("/cases");
        let (name, text) = (t.s("task-approval"), t.s("task-approval-text"));
        tasks.push(task(Tone::Warn, "user", cases, name, text, href, "task-approval-link"));
    }
    if overview.unreadable > 0 {
        let (name, text) = (t.s("task-unreadable"), t.s("task-unreadable-text"));
        let href = Query::default().with("status", "unreadable").on("/deliveries");
        tasks.push(task(Tone::Warn, "in", overview.unreadable, name, text, href, "task-unreadable-link"));
    }
    for source in sources.iter().filter(|source| source.quiet) {
        let name = t.v("task-quiet", "source", &source.name);
        let text = t.s("task-quiet-text");
        tasks.push(task(Tone::Warn, "clock", 1, name, text, format!("/sources#{}", source.name), "task-quiet-link"));
    }
    tasks
}

fn held(visitor: &Visitor, overview: &Overview) -> Vec<Held> {
    let t = visitor.t();
    let held = overview.held_by_reason().into_iter().map(|(hold, cases)| Held {
        why: words::hold(t, hold),
        href: Query::default().with("state", StateName::Held).with("held", hold).on("/cases"),
        cases,
        released_by: t.s(&format!("released-by-{hold}")),
    });
    held.collect()
}

async fn done(visitor: &Visitor) -> Result<Vec<Done>, Failure> {
    let t = visitor.t();
    let day = SignedDuration::from_hours(24);
    let since = visitor.now.checked_sub(day).unwrap_or(Timestamp::MIN);
    let entries = visitor.admin().store.outcomes(since, DONE).await?;
    let calendar = visitor.calendar(None);
    let mut done = Vec::new();
    for entry in entries {
        let Some(id) = entry.case_id else { continue };
        let case = visitor.get_if_any::<CaseView>(&format!("/cases/{id}")).await?;
        let (tone, icon) = outcome(&entry.kind);
        done.push(Done {
            at: calendar.short(entry.at, visitor.now),
            href: format!("/cases/{id}"),
            case: case.map_or_else(|| title(visitor, id), |case| person(t, &case)),
            outcome: t.s(&format!("journal-{}", entry.kind.replace('_', "-"))),
            icon: Icon(icon),
            tone,
        });
    }
    Ok(done)
}

fn title(visitor: &Visitor, id: CaseId) -> String {
    visitor.t().v("case-title", "id", words::short(id))
}

fn outcome(kind: &str) -> (Tone, &'static str) {
    match kind {
        "revoke_confirmed" => (Tone::Go, "lock"),
        "deletion_accepted" => (Tone::Warn, "glass"),
        "gone_confirmed" | "grant_seen" | "reinvited" => (Tone::Ok, "check"),
        "attention_needed" => (Tone::Bad, "alert"),
        "account_missing" => (Tone::Plain, "none"),
        _ => (Tone::Plain, "x"),
    }
}

fn first_steps(visitor: &Visitor, sites: &[SiteView], sources: &[SourceView]) -> Vec<FirstStep> {
    let t = visitor.t();
    let finished = || Status::new(Tone::Ok, "check", t.s("first-done"));
    let yours = || Status::new(Tone::Warn, "clock", t.s("first-yours"));
    let later = || Status::new(Tone::Plain, "pause", t.s("first-later"));
    let site = sites.first().map(|site| site.name.to_string());
    let source = sources.first().map(|source| source.name.to_string());
    let name = source.clone().unwrap_or_else(|| "hr".to_owned());
    let steps = [
        (
            if site.is_some() { finished() } else { yours() },
            "first-site",
            if site.is_some() { None } else { Some("offboardd check --online".to_owned()) },
        ),
        (
            if source.is_some() { finished() } else { yours() },
            "first-source",
            if source.is_some() { None } else { Some("offboardd preset list".to_owned()) },
        ),
        (
            if source.is_some() { yours() } else { later() },
            "first-webhook",
            Some(format!(
                "offboardd preset show {name} --example > sample.json\noffboardd send {name} --body sample.json"
            )),
        ),
        (
            if visitor.admin().enforce { finished() } else { later() },
            "first-enforce",
            (!visitor.admin().enforce).then(|| "mode = \"enforce\"".to_owned()),
        ),
    ];
    let step = |(index, (status, id, code)): (usize, (Status, &str, Option<String>))| FirstStep {
        number: index + 1,
        status,
        name: t.s(id),
        text: t.s(&format!("{id}-text")),
        code,
    };
    steps.into_iter().enumerate().map(step).collect()
}
