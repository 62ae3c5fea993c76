//! Formats a case and its history as text.

use std::io;

use serde_json::Value;

use super::list::or_dash;
use super::options::Output;
use super::table::{print_facts, without_control_chars};
use crate::admin::api::{CaseView, HistoryView, JobView};
use crate::domain::case::{Hold, StateName};

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
        ("action", Some(case.action.to_string())),
        ("effective", Some(case.effective_at.to_string())),
        ("revoked", case.revoked_at.map(|at| at.to_string())),
        ("deletion from", case.delete_at.map(|at| at.to_string())),
        ("stoppable until", case.stoppable_until.map(|at| at.to_string())),
        ("deletion accepted", case.deletion_requested_at.map(|at| at.to_string())),
        ("deletion grace ends", case.grace_ends_at.map(|at| at.to_string())),
        ("re-invite from", case.reinvite_from.map(|at| at.to_string())),
        ("closed", case.closed_at.map(|at| at.to_string())),
        ("job", case.job.as_ref().map(job)),
        ("erase until", case.erase_until.map(|at| at.to_string())),
        ("answer", case.answer.clone()),
        ("approved by", if approvals.is_empty() { None } else { Some(approvals.join("; ")) }),
        ("policy", case.policy.as_ref().map(ToString::to_string)),
        ("requested by", case.requested_by.clone()),
        (
            "waits for",
            case.awaits.map(|awaits| format!("{}, {} approvals missing", awaits.stage, awaits.approvals_missing)),
        ),
        ("needs attention", case.attention.as_ref().map(|why| format!("{}: {}", why.reason, why.detail))),
    ];
    print_facts(&facts, output)
}

/// Prints one line per entry.
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
    let error = job.last_error.as_ref().map(|error| format!(", last error: {error}")).unwrap_or_default();
    format!("{}, {}, due {}, {} attempts{error}", job.kind, job.state, job.due_at, job.attempts)
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

/// Describes the kind of a journal entry. Kinds of newer versions are returned unchanged.
fn sentence(kind: &str) -> &str {
    match kind {
        "opened" => "opened",
        "due" => "effective time reached",
        "revoke_dispatched" => "revoke call sent",
        "revoke_confirmed" => "revoke confirmed by a read",
        "detach_dispatched" => "detach call sent",
        "detach_call_done" => "detach call answered",
        "detached" => "removed from organizations, service desks and requests",
        "deletion_dispatched" => "delete call sent",
        "deletion_accepted" => "deletion accepted by Atlassian",
        "gone_seen" => "deletion confirmed by a first read",
        "gone_confirmed" => "deletion confirmed by a read",
        "not_done" => "a read shows that the call had no effect",
        "grant_seen" => "a read shows that access was granted again",
        "reinvite_dispatched" => "invitation call sent",
        "reinvited" => "invited again",
        "call_unconfirmed" => "a call was sent, its outcome is unknown",
        "interrupted" => "the daemon stopped during a call, its outcome is unknown",
        "account_missing" => "no account has this email address",
        "withheld" => "held before the call",
        "attention_needed" => "needs attention",
        "departed" => "departure reported by the source",
        "stopped" => "departure cancelled by the source",
        "demands_ended" => "the source takes back some of its demands",
        "erasure_requested" => "erasure requested",
        "cancelled" => "cancelled",
        "held" => "held",
        "released" => "released",
        "brake_released" => "released from the brake",
        "approved" => "approved",
        "withdrawn" => "approval withdrawn",
        "deferred_by_brake" => "event of a frozen source, deferred until its release",
        "retried" => "retried",
        "resolved" => "resolved manually",
        other => other,
    }
}

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
