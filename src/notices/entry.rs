//! Journal entries to notices.

use serde_json::Value;

use crate::domain::case::{AttentionReason, Hold, StateName};
use crate::domain::notice::{Notice, NoticeGroup, NoticeKind};
use crate::store::NoticeEntry;

/// The transition that a human should know, if the entry is one.
pub(super) fn notice_of(entry: &NoticeEntry) -> Option<Notice> {
    let (kind, reason) = match entry.kind.as_str() {
        "site_paused" => (NoticeKind::SitePaused, text(&entry.detail, "reason")),
        "site_kind_paused" => {
            let kind = text(&entry.detail, "kind");
            (NoticeKind::SitePaused, format!("only {kind}: {}", text(&entry.detail, "reason")))
        }
        "brake_tripped" => (NoticeKind::Brake, text(&entry.detail, "brake")),
        "source_quiet" => (NoticeKind::SourceQuiet, "no delivery for longer than quiet_after".to_owned()),
        "delivery_unreadable" => (NoticeKind::Unreadable, text(&entry.detail, "delivery")),
        "fence_raised" => (NoticeKind::Fence, text(&entry.detail, "found")),
        "deadline" => (NoticeKind::Deadline, text(&entry.detail, "step")),
        _ => of_case(entry)?,
    };
    let named = |key: &str| word(&entry.detail, key).map(str::to_owned);
    let operator = named("operator").map(|name| format!("operator:{name}"));
    let group = if entry.case_id.is_some() {
        NoticeGroup { kind, site: entry.site.clone(), source: entry.source.clone() }
    } else {
        NoticeGroup { kind, site: named("site"), source: operator.or_else(|| named("source")) }
    };
    Some(Notice { group, at: entry.at, case: entry.case_id, reason })
}

/// A case that came into a state that a human should know. An entry that repeats the state of the previous one is none.
fn of_case(entry: &NoticeEntry) -> Option<(NoticeKind, String)> {
    entry.case_id?;
    let status = Status::of(&entry.detail)?;
    if entry.before.as_ref().and_then(Status::of) == Some(status) {
        return None;
    }
    match status.state {
        StateName::NeedsAttention => Some((NoticeKind::Attention, status.attention?.to_string())),
        StateName::Restoring => Some((NoticeKind::Attention, AttentionReason::GrantNeeded.to_string())),
        StateName::Held => match status.held? {
            Hold::Approval => Some((NoticeKind::Approval, "approval".to_owned())),
            // One notice of the brake covers all of its cases, and an operator knows of the own hold.
            Hold::Brake | Hold::Observe | Hold::Hold => None,
        },
        StateName::Erased | StateName::Restored | StateName::Cancelled | StateName::NoAccount => {
            Some((NoticeKind::Closed, status.state.to_string()))
        }
        StateName::Scheduled
        | StateName::Revoking
        | StateName::Revoked
        | StateName::Deleting
        | StateName::DeletionGrace => None,
    }
}

/// What an entry states about its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Status {
    state: StateName,
    held: Option<Hold>,
    attention: Option<AttentionReason>,
}

impl Status {
    fn of(detail: &Value) -> Option<Self> {
        Some(Self {
            state: word(detail, "state")?.parse().ok()?,
            held: word(detail, "held").and_then(|held| held.parse().ok()),
            attention: word(detail, "attention").and_then(|reason| reason.parse().ok()),
        })
    }
}

fn word<'a>(detail: &'a Value, key: &str) -> Option<&'a str> {
    detail.get(key)?.as_str()
}

fn text(detail: &Value, key: &str) -> String {
    word(detail, key).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::domain::ids::CaseId;

    fn entry(kind: &str, detail: Value, before: Option<Value>) -> NoticeEntry {
        let is_case = detail.get("state").is_some();
        NoticeEntry {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            case_id: is_case.then(|| CaseId::from(uuid::Uuid::nil())),
            kind: kind.to_owned(),
            detail,
            before,
            site: is_case.then(|| "acme".to_owned()),
            source: is_case.then(|| "hr".to_owned()),
        }
    }

    fn kind(kind: &str, detail: Value, before: Option<Value>) -> Option<(NoticeKind, String)> {
        notice_of(&entry(kind, detail, before)).map(|notice| (notice.group.kind, notice.reason))
    }

    #[test]
    fn state_that_a_human_should_know_is_reported_once() {
        let stuck = json!({ "state": "needs_attention", "attention": "protected" });
        let expected = Some((NoticeKind::Attention, "protected".to_owned()));
        assert_eq!(kind("attention_needed", stuck.clone(), Some(json!({ "state": "revoking" }))), expected);
        assert_eq!(kind("opened", stuck.clone(), None), expected);
        assert_eq!(kind("departed", stuck.clone(), Some(stuck.clone())), None);
        let other = json!({ "state": "needs_attention", "attention": "regranted" });
        assert_eq!(kind("attention_needed", stuck, Some(other)), expected);
    }

    #[test]
    fn only_a_hold_for_approval_is_reported() {
        let held = |why: &str| json!({ "state": "held", "held": why });
        let approval = Some((NoticeKind::Approval, "approval".to_owned()));
        assert_eq!(kind("withheld", held("approval"), Some(held("observe"))), approval);
        assert_eq!(kind("departed", held("approval"), Some(held("approval"))), None);
        for why in ["observe", "brake", "hold"] {
            assert_eq!(kind("withheld", held(why), None), None, "{why}");
        }
    }

    #[test]
    fn closed_cases_and_entries_without_a_case_are_reported() {
        let closed = kind("cancelled", json!({ "state": "cancelled" }), Some(json!({ "state": "scheduled" })));
        assert_eq!(closed, Some((NoticeKind::Closed, "cancelled".to_owned())));
        assert_eq!(kind("revoke_confirmed", json!({ "state": "revoked" }), None), None);
        let brake = notice_of(&entry("brake_tripped", json!({ "operator": "rosa", "brake": "per_hour" }), None));
        assert_eq!(brake.unwrap().group.source.as_deref(), Some("operator:rosa"));
        let paused = notice_of(&entry("site_paused", json!({ "site": "acme", "reason": "401" }), None)).unwrap();
        assert_eq!((paused.group.site.as_deref(), paused.reason.as_str()), (Some("acme"), "401"));
        let deadline = json!({ "step": "tenth_left", "until": "2026-10-01T00:00:00Z" });
        assert_eq!(kind("deadline", deadline, None), Some((NoticeKind::Deadline, "tenth_left".to_owned())));
        assert_eq!(kind("brake_released", json!({ "source": "hr" }), None), None);
    }
}
