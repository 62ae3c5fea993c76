//! A case and its history, told in plain words.

use std::io;

use serde_json::Value;

use super::table::{print_facts, without_control_chars};
use super::{Output, or_dash};
use crate::admin::api::{CaseView, HistoryView, JobView};
use crate::domain::case::{Hold, StateName};

/// Tells where a case stands and what comes next.
pub(super) fn render_case(case: &CaseView, output: Output<'_>) -> io::Result<()> {
    writeln!(output, "case {}", case.id)?;
    writeln!(output, "  {} since {}: {}", case.state, case.since, meaning(case))?;
    let person = [&case.person.email.as_ref().map(|email| email.as_str().to_owned()), &person_id(case)];
    let person: Vec<&str> = person.into_iter().flatten().map(String::as_str).collect();
    let approvals = case.approvals.iter().map(|given| format!("{} for {} at {}", given.by, given.stage, given.at));
    let approvals: Vec<String> = approvals.collect();
    let facts = [
        ("person", if person.is_empty() { None } else { Some(person.join(", ")) }),
        ("account", account(case)),
        ("site", Some(case.site.to_string())),
        ("source", Some(case.source.as_ref().map_or_else(|| "an operator's request".to_owned(), ToString::to_string))),
        ("leads to", Some(case.action.to_string())),
        ("effective", Some(case.effective_at.to_string())),
        ("revoked", case.revoked_at.map(|at| at.to_string())),
        ("deletion from", case.delete_at.map(|at| at.to_string())),
        ("stoppable until", case.stoppable_until.map(|at| at.to_string())),
        ("deletion accepted", case.deletion_requested_at.map(|at| at.to_string())),
        ("deletion grace ends", case.grace_ends_at.map(|at| at.to_string())),
        ("re-invite from", case.reinvite_from.map(|at| at.to_string())),
        ("closed", case.closed_at.map(|at| at.to_string())),
        ("job", case.job.as_ref().map(job)),
        ("approved by", if approvals.is_empty() { None } else { Some(approvals.join("; ")) }),
        ("policy", case.policy.as_ref().map(ToString::to_string)),
        ("requested by", case.requested_by.clone()),
        (
            "waits for",
            case.awaits.map(|awaits| format!("{}, {} approvals missing", awaits.stage, awaits.approvals_missing)),
        ),
        ("needs a human", case.attention.as_ref().map(|why| format!("{}: {}", why.reason, why.detail))),
    ];
    print_facts(&facts, output)
}

/// Tells what happened, one line an entry.
pub(super) fn render_history(entries: &[HistoryView], output: Output<'_>) -> io::Result<()> {
    for entry in entries {
        let detail = |key: &str| entry.detail.get(key).and_then(Value::as_str);
        let mut line = format!("{}  {}", entry.at, sentence(&entry.kind));
        if let Some(by) = detail("by") {
            line.extend([", by ", by]);
        }
        if let (Some(from), Some(state)) = (detail("from"), detail("state")) {
            line.extend([" (", from, " → ", state, ")"]);
        }
        if let Some(attention) = detail("attention") {
            line.extend([": ", attention]);
        }
        if let Some(remark) = &entry.remark {
            line.extend([": “", remark, "”"]);
        }
        writeln!(output, "{}", without_control_chars(line))?;
    }
    Ok(())
}

fn person_id(case: &CaseView) -> Option<String> {
    case.person.id.as_ref().map(|id| format!("number {}", id.as_str()))
}

fn account(case: &CaseView) -> Option<String> {
    let account_type = case.account.account_type?;
    Some(match &case.account.id {
        Some(id) => format!("{} ({account_type})", id.as_str()),
        None => account_type.to_string(),
    })
}

fn job(job: &JobView) -> String {
    let error = job.last_error.as_ref().map(|error| format!(", last: {error}")).unwrap_or_default();
    format!("{}, {}, due {}, {} attempts{error}", job.kind, job.state, job.due_at, job.attempts)
}

/// A state, as product and people understand it.
fn meaning(case: &CaseView) -> &'static str {
    match case.state {
        StateName::Scheduled => "waits for its time",
        StateName::Held => match case.held {
            Some(Hold::Observe) => "the daemon only observes",
            Some(Hold::Approval) => "waits for approval",
            Some(Hold::Brake) => "a brake holds it",
            Some(Hold::Hold) | None => "an operator holds it",
        },
        StateName::Revoking => "access is being revoked",
        StateName::Revoked if case.delete_at.is_some() => "access is gone, the local grace runs",
        StateName::Revoked => "access is gone",
        StateName::Deleting => "the account is being deleted",
        StateName::DeletionGrace => "Atlassian accepted the deletion, its grace runs",
        StateName::Erased => "closed, the account is verified gone",
        StateName::Restoring => "waits until somebody grants access again",
        StateName::Restored => "closed, access is there again",
        StateName::Cancelled => "closed, nothing more is done",
        StateName::NoAccount => "closed, there was no account",
        StateName::NeedsAttention => "only a human can decide",
    }
}

/// A journal entry's kind in words; one that this version does not know is shown as it is.
fn sentence(kind: &str) -> &str {
    match kind {
        "opened" => "opened",
        "due" => "its time came",
        "revoke_dispatched" => "Atlassian is asked to revoke access",
        "revoke_confirmed" => "a read says that access is gone",
        "detach_dispatched" => "a call that leaves one organization, service desk or request is sent",
        "detach_call_done" => "that call was answered",
        "detached" => "taken out of organizations, service desks and requests",
        "deletion_dispatched" => "Atlassian is asked to delete the account",
        "deletion_accepted" => "Atlassian accepted the deletion",
        "gone_seen" => "a first read says that the account is gone",
        "gone_confirmed" => "a read says that the account is gone",
        "not_done" => "a read says that the deed was not done",
        "grant_seen" => "a read says that access is there again",
        "reinvite_dispatched" => "the invitation is sent",
        "reinvited" => "invited anew",
        "call_unconfirmed" => "a call was sent, and its outcome is not known",
        "interrupted" => "the daemon stopped while a call was sent; its outcome is not known",
        "account_missing" => "there is no account of this address",
        "withheld" => "held back before the call",
        "attention_needed" => "handed to a human",
        "departed" => "the source says: left",
        "stopped" => "the source says: stays",
        "erasure_requested" => "the person asked to be forgotten",
        "cancelled" => "cancelled",
        "held" => "held",
        "released" => "released",
        "brake_released" => "the brake was released",
        "approved" => "approved",
        "withdrawn" => "approval withdrawn",
        "deferred_by_brake" => "an event of a frozen source, deferred until its release",
        "retried" => "tried again",
        "resolved" => "settled by hand",
        other => other,
    }
}

/// The row of a case in a list.
pub(super) fn case_row(case: &CaseView) -> [String; 7] {
    let note = case.attention.as_ref().map(|why| why.reason.to_string());
    let note = note.or_else(|| case.held.map(|held| held.to_string()));
    [
        case.id.to_string(),
        case.state.to_string(),
        or_dash(note.as_ref()),
        case.person.email.as_ref().map_or_else(|| "-".to_owned(), |email| email.as_str().to_owned()),
        case.site.to_string(),
        or_dash(case.source.as_ref()),
        or_dash(case.job.as_ref().map(|job| format!("{} {}", job.kind, job.due_at)).as_ref()),
    ]
}
