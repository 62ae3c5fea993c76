//! Which approvals count: those that covered a call when it was made, and those that stand now. The case itself holds only
//! the approvals of its next action, so this reads the journal.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::proof::chain::ChainEntry;

/// The entries right before a call that needs approval, and the action that the approval names.
const APPROVED_CALLS: [(&str, &str); 2] = [("revoke_dispatched", "revoke"), ("deletion_dispatched", "delete")];

/// An approval that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenApproval {
    pub by: String,
    #[serde(rename = "for")]
    pub stage: String,
    pub at: Timestamp,
}

impl GivenApproval {
    fn is_named_by(&self, detail: &Value) -> bool {
        named(detail) == Some((&self.by, &self.stage))
    }
}

/// Who approves, and which action, as the entry's detail names them.
fn named(detail: &Value) -> Option<(&str, &str)> {
    Some((detail.get("by")?.as_str()?, detail.get("for")?.as_str()?))
}

/// The approvals of a case that count, in the order in which they were given.
///
/// Fails if the detail of an entry is not JSON.
pub fn given_approvals(entries: &[ChainEntry]) -> Result<Vec<GivenApproval>, serde_json::Error> {
    let (mut standing, mut used): (Vec<GivenApproval>, Vec<GivenApproval>) = (Vec::new(), Vec::new());
    for entry in entries {
        let detail: Value = serde_json::from_str(&entry.detail)?;
        if matches!(entry.kind.as_str(), "approved" | "withdrawn") {
            standing.retain(|approval| !approval.is_named_by(&detail));
        }
        if let Some((by, stage)) = named(&detail).filter(|_| entry.kind == "approved") {
            standing.push(GivenApproval { by: by.to_owned(), stage: stage.to_owned(), at: entry.at });
        }
        for lapsed in detail.get("approvals_lapsed").and_then(Value::as_array).into_iter().flatten() {
            standing.retain(|approval| !approval.is_named_by(lapsed));
        }
        let called = APPROVED_CALLS.iter().find(|(kind, _)| *kind == entry.kind).map(|(_, stage)| *stage);
        let covering = |approval: &&GivenApproval| called == Some(approval.stage.as_str()) && !used.contains(approval);
        let newly_used: Vec<_> = standing.iter().filter(covering).cloned().collect();
        used.extend(newly_used);
    }
    standing.retain(|approval| !used.contains(approval));
    used.append(&mut standing);
    used.sort_by_key(|approval| approval.at);
    Ok(used)
}

/// The names of the people who gave them.
pub(super) fn names_of(approvals: &[GivenApproval]) -> BTreeSet<String> {
    approvals.iter().map(|approval| approval.by.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64, kind: &str, detail: &str) -> ChainEntry {
        let at = Timestamp::from_second(seq).unwrap();
        ChainEntry { seq, at, case_id: None, kind: kind.to_owned(), detail: detail.to_owned() }
    }

    fn given(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        let entries: Vec<_> = (1..).zip(entries).map(|(seq, (kind, detail))| entry(seq, kind, detail)).collect();
        given_approvals(&entries).unwrap().into_iter().map(|approval| (approval.by, approval.stage)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(by, stage)| ((*by).to_owned(), (*stage).to_owned())).collect()
    }

    const ROSA: (&str, &str) = ("approved", r#"{"by":"rosa","for":"delete"}"#);
    const TOM: (&str, &str) = ("approved", r#"{"by":"tom","for":"delete"}"#);
    const ROSA_LAPSED: (&str, &str) = ("demand_added", r#"{"approvals_lapsed":[{"by":"rosa","for":"delete"}]}"#);
    const CALL: (&str, &str) = ("deletion_dispatched", "{}");

    #[test]
    fn withdrawn_or_lapsed_approval_does_not_count() {
        assert_eq!(given(&[ROSA, TOM]), pairs(&[("rosa", "delete"), ("tom", "delete")]));
        assert_eq!(given(&[ROSA, ROSA_LAPSED, TOM, CALL]), pairs(&[("tom", "delete")]));
        assert_eq!(given(&[ROSA, ("withdrawn", ROSA.1), TOM, CALL]), pairs(&[("tom", "delete")]));
        assert_eq!(given(&[ROSA, ROSA_LAPSED, ROSA]), pairs(&[("rosa", "delete")]), "given again");
    }

    #[test]
    fn approval_that_covered_a_call_counts_although_it_lapsed_later() {
        assert_eq!(given(&[ROSA, CALL, ROSA_LAPSED]), pairs(&[("rosa", "delete")]));
        assert_eq!(given(&[ROSA, ("revoke_dispatched", "{}"), ROSA_LAPSED]), pairs(&[]), "it covered another action");
    }

    #[test]
    fn detail_that_is_no_json_is_an_error() {
        assert!(given_approvals(&[entry(1, "approved", "{")]).is_err());
    }
}
