//! Formats a case as text: what it is, what it waits for, and the command that continues.

use std::io;

use super::facts::{print_fact, print_facts};
use super::history_text;
use super::options::Output;
use super::screen::Screen;
use super::times::{Times, end_of};
use crate::admin::api::{CaseView, JobView};
use crate::domain::account::Candidate;
use crate::domain::case::{Hold, JobKind, Stage, StateName};
use crate::domain::desk_request::DeskRequest;

pub(super) use history_text::render_history;

pub(super) fn render(case: &CaseView, times: &Times, screen: Screen, output: Output<'_>) -> io::Result<()> {
    writeln!(output, "{}", screen.bold(&format!("case {}", case.id)))?;
    let state = format!("{} since {}: {}", case.state, times.full(case.since), meaning(case));
    write!(output, "{}", screen.beside("  ", 2, &state))?;
    let approvals =
        case.approvals.iter().map(|given| format!("{} for {} at {}", given.by, given.stage, times.full(given.at)));
    let approvals: Vec<String> = approvals.collect();
    let at = |at: Option<jiff::Timestamp>| at.map(|at| times.full(at));
    let facts = [
        ("person", person(case)),
        ("account", account(case)),
        ("site", Some(case.site.to_string())),
        ("source", Some(case.source.as_ref().map_or_else(|| "an operator's request".to_owned(), ToString::to_string))),
        ("policy", case.policy.as_ref().map(ToString::to_string)),
        ("requested by", case.requested_by.clone()),
        ("action", Some(case.action.to_string())),
        ("effective", at(Some(case.effective_at))),
        ("revoked", at(case.revoked_at)),
        ("deletion from", at(case.delete_at.filter(|_| case.deletion_requested_at.is_none()))),
        ("stoppable until", at(case.stoppable_until)),
        ("deletion accepted", at(case.deletion_requested_at)),
        ("grace ends", at(case.grace_ends_at)),
        ("re-invite from", at(case.reinvite_from)),
        ("closed", at(case.closed_at)),
        ("job", case.job.as_ref().map(|open| job(open, times))),
        ("erase until", at(case.erase_until)),
        ("answer", case.answer.clone()),
        ("approved by", if approvals.is_empty() { None } else { Some(approvals.join("; ")) }),
        ("awaits", awaits(case, times)),
        ("needs attention", case.attention.as_ref().map(|why| format!("{}: {}", why.reason, why.detail))),
    ];
    print_facts(&facts, screen, output)?;
    for candidate in &case.candidates {
        print_fact("candidate", &of_candidate(candidate), screen, output)?;
    }
    for blocked in &case.blocked {
        print_fact("blocked", &blocked.meaning, screen, output)?;
    }
    for command in commands(case) {
        print_fact("next", &command, screen, output)?;
    }
    Ok(())
}

/// Prints the open requests of the person, which a deletion would leave without a reporter.
pub(super) fn render_requests(requests: &[DeskRequest], screen: Screen, output: Output<'_>) -> io::Result<()> {
    if requests.is_empty() {
        return print_fact("open requests", "none", screen, output);
    }
    for DeskRequest { key, summary, status } in requests {
        print_fact("open request", &format!("{key} {summary} ({status})"), screen, output)?;
    }
    Ok(())
}

/// Whether the next change is the deletion.
pub(super) fn is_before_deletion(case: &CaseView) -> bool {
    let awaits = case.awaits.is_some_and(|awaits| awaits.stage == Stage::Delete);
    let queued = case.job.as_ref().is_some_and(|job| job.kind == JobKind::Delete);
    case.closed_at.is_none() && case.deletion_requested_at.is_none() && (awaits || queued)
}

pub(super) fn row(case: &CaseView, times: &Times) -> [String; 6] {
    let note = case.attention.as_ref().map(|why| why.reason.to_string());
    let note = note.or_else(|| case.held.map(|held| held.to_string()));
    let state = note.map_or_else(|| case.state.to_string(), |note| format!("{}: {note}", case.state));
    [
        end_of(&case.id),
        state,
        case.person.email.as_ref().map_or_else(|| "-".to_owned(), |email| email.as_str().to_owned()),
        case.site.to_string(),
        case.source.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        next(case, times),
    ]
}

fn next(case: &CaseView, times: &Times) -> String {
    let next = match (&case.job, case.awaits) {
        (Some(job), _) => format!("{} {}", job.kind, times.distance(job.due_at)),
        (None, Some(awaits)) => match awaits.not_before {
            Some(at) if at > times.now => format!("{}, not before {}", awaits.stage, times.distance(at)),
            Some(_) | None if case.held == Some(Hold::Approval) => format!("{} if approved", awaits.stage),
            Some(_) | None => format!("{} if released", awaits.stage),
        },
        (None, None) if case.attention.is_some() => "a decision".to_owned(),
        (None, None) => "-".to_owned(),
    };
    case.blocked.first().map_or_else(|| next.clone(), |blocked| format!("{next}, {}", blocked.by))
}

fn person(case: &CaseView) -> Option<String> {
    let email = case.person.email.as_ref().map(|email| email.as_str().to_owned());
    let id = case.person.id.as_ref().map(|id| format!("number {}", id.as_str()));
    let known: Vec<String> = email.into_iter().chain(id).collect();
    if known.is_empty() { None } else { Some(known.join(", ")) }
}

fn account(case: &CaseView) -> Option<String> {
    let account_type = case.account.account_type?;
    Some(match &case.account.id {
        Some(id) => format!("{} ({account_type})", id.as_str()),
        None => account_type.to_string(),
    })
}

fn of_candidate(candidate: &Candidate) -> String {
    let Candidate { id, account_type, active, email } = candidate;
    let access = if *active { "active" } else { "no access" };
    let email = email.as_ref().map(|email| format!(", {}", email.as_str())).unwrap_or_default();
    format!("{} ({account_type}, {access}{email})", id.as_str())
}

fn job(job: &JobView, times: &Times) -> String {
    let error = job.last_error.as_ref().map(|error| format!(", last error: {error}")).unwrap_or_default();
    format!("{}, {}, due {}, {} attempts{error}", job.kind, job.state, times.full(job.due_at), job.attempts)
}

fn awaits(case: &CaseView, times: &Times) -> Option<String> {
    let awaits = case.awaits?;
    let missing = match awaits.approvals_missing {
        0 => String::new(),
        1 => ", 1 approval missing".to_owned(),
        count => format!(", {count} approvals missing"),
    };
    let not_before = awaits.not_before.filter(|at| *at > times.now);
    let not_before = not_before.map(|at| format!(", not before {}", times.full(at))).unwrap_or_default();
    Some(format!("{}{missing}{not_before}", awaits.stage))
}

/// The commands that continue the case or stop it.
fn commands(case: &CaseView) -> Vec<String> {
    let end = end_of(&case.id);
    let stage = case.awaits.map_or("delete", |awaits| awaits.stage.as_str());
    let with_reason = |verb: &str| format!("offboardd case {verb} {end} --reason …");
    match case.state {
        StateName::Held => match case.held {
            Some(Hold::Approval) => {
                vec![with_reason("approve").replace(" --reason", &format!(" --for {stage} --reason"))]
            }
            Some(Hold::Observe) => {
                vec!["set mode = \"enforce\", restart, then".to_owned(), with_reason("release")]
            }
            Some(Hold::Brake) if case.source.is_some() => {
                let source = case.source.as_ref().map(ToString::to_string).unwrap_or_default();
                vec![format!("offboardd case release --held brake --source {source}")]
            }
            Some(Hold::Brake | Hold::Hold) | None => vec![with_reason("release")],
        },
        StateName::NeedsAttention => {
            vec![with_reason("retry"), with_reason("resolve"), with_reason("cancel")]
        }
        StateName::Restoring => vec![
            "admin.atlassian.com → Apps → the site → Jira Service Management → Portal-only customers → Grant access"
                .to_owned(),
        ],
        StateName::Scheduled | StateName::Revoking | StateName::Revoked | StateName::Deleting => {
            vec![format!("nothing to do; to stop it: offboardd case cancel {end} --reason …")]
        }
        StateName::DeletionGrace
        | StateName::Erased
        | StateName::Restored
        | StateName::Cancelled
        | StateName::NoAccount => Vec::new(),
    }
}

fn meaning(case: &CaseView) -> &'static str {
    match case.state {
        StateName::Scheduled => "waits for its effective time",
        StateName::Held => match case.held {
            Some(Hold::Observe) => "held, the daemon observes only",
            Some(Hold::Approval) => "waits for approval",
            Some(Hold::Brake) => "held by a brake",
            Some(Hold::Hold) | None => "held by an operator",
        },
        StateName::Revoking => "access is being revoked",
        StateName::Revoked if case.delete_at.is_some() => "access is revoked, the local grace is running",
        StateName::Revoked => "access is revoked",
        StateName::Deleting => "the account is being deleted",
        StateName::DeletionGrace => "Atlassian accepted the deletion, the deletion grace is running",
        StateName::Erased => "closed, the account is verified as deleted",
        StateName::Restoring => "waits until access is granted again",
        StateName::Restored => "closed, access was granted again",
        StateName::Cancelled => "closed, no further calls",
        StateName::NoAccount => "closed, no account was found",
        StateName::NeedsAttention => "waits for a decision of an operator",
    }
}
