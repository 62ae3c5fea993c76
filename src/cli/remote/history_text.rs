//! Formats the history of a case as text.

use std::io;

use serde_json::Value;

use super::options::Output;
use super::table::without_control_chars;
use crate::admin::api::HistoryView;

/// Prints one line per entry.
pub(super) fn render_history(entries: &[HistoryView], output: Output<'_>) -> io::Result<()> {
    for entry in entries {
        let detail = |key: &str| entry.detail.get(key).and_then(Value::as_str);
        let mut line = format!("{}  {}", entry.at, sentence(&entry.kind));
        if let Some(by) = detail("by") {
            line.extend([", by ", by]);
        }
        if let (Some(policy), Some(chosen)) = (detail("policy"), detail("policy_chosen")) {
            line.extend([", policy ", policy, " (", &chosen.replace('_', " "), ")"]);
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
