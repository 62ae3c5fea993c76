//! Notices: the transitions that a human should receive a message about.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::CaseId;
use super::named;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A case needs a decision of a human.
    Attention,
    /// A case waits for an approval.
    Approval,
    /// A brake tripped: nothing of the source or the operator is carried out until an approver releases it.
    Brake,
    /// A site, or one kind of calls to it, is paused.
    SitePaused,
    /// A source sent nothing for longer than `quiet_after`.
    SourceQuiet,
    /// The deadline of a request for erasure comes nearer, or has passed.
    Deadline,
    /// A delivery cannot be read.
    Unreadable,
    /// A case closed.
    Closed,
    /// The database is not what was recorded: no change is made until an approver lifts the fence.
    Fence,
}

named!(NoticeKind {
    Attention = "attention",
    Approval = "approval",
    Brake = "brake",
    SitePaused = "site_paused",
    SourceQuiet = "source_quiet",
    Deadline = "deadline",
    Unreadable = "unreadable",
    Closed = "closed",
    Fence = "fence",
});

/// One transition to report. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub group: NoticeGroup,
    pub at: Timestamp,
    pub case: Option<CaseId>,
    /// The reason in a word or a sentence.
    pub reason: String,
}

/// Transitions of one group that happen together are one notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeGroup {
    pub kind: NoticeKind,
    /// The name of the site.
    pub site: Option<String>,
    /// The name of the source or, as `operator:NAME`, of the operator.
    pub source: Option<String>,
}

/// The transitions of a notice: their number, the first cases, and how often each reason occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSample {
    pub count: u32,
    pub cases: Vec<SampledCase>,
    pub reasons: BTreeMap<String, u32>,
}

/// A case of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledCase {
    pub id: CaseId,
    pub reason: String,
}

/// The maximum number of cases that a notice lists, of reasons that it counts, and of characters of a reason.
const CASES: usize = 20;
const REASONS: usize = 20;
const REASON_LENGTH: usize = 300;

impl NoticeSample {
    /// Adds a transition. What is listed stays bounded; the count does not.
    pub fn add(&mut self, notice: &Notice) {
        let reason: String = notice.reason.chars().take(REASON_LENGTH).collect();
        self.count = self.count.saturating_add(1);
        if let Some(id) = notice.case
            && self.cases.len() < CASES
            && !self.cases.iter().any(|case| case.id == id)
        {
            self.cases.push(SampledCase { id, reason: reason.clone() });
        }
        if self.reasons.len() < REASONS || self.reasons.contains_key(&reason) {
            let count = self.reasons.entry(reason).or_default();
            *count = count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flood_is_counted_and_listed_in_part() {
        let mut sample = NoticeSample::default();
        for n in 0..812_u32 {
            let group = NoticeGroup { kind: NoticeKind::Attention, site: None, source: None };
            let case = Some(CaseId::from(uuid::Uuid::from_u128(n.into())));
            sample.add(&Notice { group, at: Timestamp::UNIX_EPOCH, case, reason: format!("reason {}", n % 100) });
        }
        assert_eq!((sample.count, sample.cases.len(), sample.reasons.len()), (812, CASES, REASONS));
        assert_eq!(sample.reasons.get("reason 0"), Some(&9));
    }
}
