//! What the journal's entries of a case show: approvals, calls with their outcomes, reads.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::proof::chain::ChainEntry;

#[derive(Debug, Serialize)]
pub(super) struct Commitment {
    entry: i64,
    sha256: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ApprovalStep {
    entry: i64,
    at: Timestamp,
    what: String,
    by: String,
    #[serde(rename = "for")]
    stage: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct OperatorStep {
    entry: i64,
    at: Timestamp,
    what: String,
    by: String,
}

/// A call that changes something at Atlassian.
#[derive(Debug, Serialize)]
pub(super) struct Call {
    #[serde(rename = "call")]
    name: &'static str,
    /// Written before the call.
    intent: Mark,
    /// Written after it.
    outcomes: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
pub(super) struct Mark {
    entry: i64,
    at: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    entry: i64,
    at: Timestamp,
    what: String,
    /// Who caused it: `done_by_us`, or the account was changed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ReadBack {
    entry: i64,
    at: Timestamp,
    found: &'static str,
}

/// A journal entry with its details.
pub(super) struct Entry<'a> {
    pub(super) entry: &'a ChainEntry,
    pub(super) detail: Value,
}

impl Entry<'_> {
    fn kind(&self) -> &str {
        &self.entry.kind
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.detail.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    pub(super) fn commitment(&self) -> Option<Commitment> {
        Some(Commitment { entry: self.entry.seq, sha256: self.text("commitment")? })
    }

    pub(super) fn approval(&self) -> Option<ApprovalStep> {
        let is_one = matches!(self.kind(), "approved" | "withdrawn");
        is_one.then_some(())?;
        Some(ApprovalStep {
            entry: self.entry.seq,
            at: self.entry.at,
            what: self.kind().to_owned(),
            by: self.text("by")?,
            stage: self.text("for"),
        })
    }

    pub(super) fn operator(&self) -> Option<OperatorStep> {
        let by = self.text("by")?;
        Some(OperatorStep { entry: self.entry.seq, at: self.entry.at, what: self.kind().to_owned(), by })
    }

    pub(super) fn read_back(&self) -> Option<ReadBack> {
        let found = match self.kind() {
            "revoke_confirmed" => "no access",
            "gone_seen" | "gone_confirmed" => "no account",
            "account_missing" => "no account with this address",
            "not_done" => "the call had no effect",
            "grant_seen" => "access was granted again",
            _ => return None,
        };
        Some(ReadBack { entry: self.entry.seq, at: self.entry.at, found })
    }
}

/// The names of calls, and the kinds of the entries that begin and that end one.
const CALLS: [(&str, &str, &[&str]); 4] = [
    ("revoke", "revoke_dispatched", &["revoke_confirmed"]),
    ("detach", "detach_dispatched", &["detach_call_done"]),
    ("delete", "deletion_dispatched", &["deletion_accepted"]),
    ("reinvite", "reinvite_dispatched", &["reinvited"]),
];

/// The kinds of entries that end a call of any name.
const ENDS_ANY_CALL: [&str; 6] =
    ["call_unconfirmed", "call_rejected", "interrupted", "not_done", "attention_needed", "account_missing"];

pub(super) fn calls(entries: &[Entry<'_>]) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for entry in entries {
        let mark = Mark { entry: entry.entry.seq, at: entry.entry.at };
        if let Some((call, _, _)) = CALLS.iter().find(|(_, begins, _)| *begins == entry.kind()) {
            calls.push(Call { name: call, intent: mark, outcomes: Vec::new() });
            continue;
        }
        let ended_by_this = CALLS.iter().find(|(_, _, ends)| ends.contains(&entry.kind())).map(|(call, _, _)| *call);
        let call = match ended_by_this {
            Some(name) => calls.iter_mut().rev().find(|call| call.name == name),
            None if ENDS_ANY_CALL.contains(&entry.kind()) => calls.last_mut().filter(|call| call.is_unsettled()),
            None => None,
        };
        if let Some(call) = call {
            let what = entry.kind().to_owned();
            call.outcomes.push(Outcome { entry: mark.entry, at: mark.at, what, how: entry.text("how") });
        }
    }
    calls
}

impl Call {
    /// Whether no entry reports that the call took effect.
    fn is_unsettled(&self) -> bool {
        let ends = CALLS.iter().flat_map(|(_, _, ends)| ends.iter());
        let ends: Vec<&&str> = ends.collect();
        self.outcomes.iter().all(|outcome| !ends.iter().any(|end| **end == outcome.what))
    }
}
