//! The JSON of a case.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::blocked::{BlockedView, Blocks};
use super::jobs::JobView;
use crate::admin::auth::Caller;
use crate::admin::state::AdminState;
use crate::domain::account::{AccountId, AccountType, Candidate};
use crate::domain::case::{Approval, Attention, AttentionReason, Case, Direction, Hold, Stage, State, StateName};
use crate::domain::ids::{CaseId, PolicyName, SiteName, SourceName};
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::policy::Action;
use crate::store::{CaseRecord, HistoryEntry, JobRow, StoreError};

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct CaseView {
    pub(crate) id: CaseId,
    pub(crate) site: SiteName,
    /// `None` for a case that an operator opened.
    pub(crate) source: Option<SourceName>,
    pub(crate) state: StateName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<Hold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) awaits: Option<AwaitsView>,
    #[serde(default)]
    pub(crate) policy: Option<PolicyName>,
    /// The operator who opened the case.
    #[serde(default)]
    pub(crate) requested_by: Option<String>,
    /// Start of the current state.
    pub(crate) since: Timestamp,
    pub(crate) action: Action,
    pub(crate) person: PersonView,
    pub(crate) account: AccountView,
    pub(crate) effective_at: Timestamp,
    /// When a read confirmed the revoke.
    pub(crate) revoked_at: Option<Timestamp>,
    /// The earliest time of the deletion.
    pub(crate) delete_at: Option<Timestamp>,
    /// When Atlassian accepted the deletion.
    pub(crate) deletion_requested_at: Option<Timestamp>,
    pub(crate) grace_ends_at: Option<Timestamp>,
    /// When the email address can be invited again.
    pub(crate) reinvite_from: Option<Timestamp>,
    /// Until when the deletion can be stopped: its planned time or, if that has passed, the due time of its job. `None` if
    /// there is no such time: it cannot be stopped any more, none is planned, or it waits for a human or a pause.
    pub(crate) stoppable_until: Option<Timestamp>,
    pub(crate) closed_at: Option<Timestamp>,
    pub(crate) attention: Option<AttentionView>,
    /// The open job.
    pub(crate) job: Option<JobView>,
    pub(crate) approvals: Vec<ApprovalView>,
    /// By when a request for erasure must be carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erase_until: Option<Timestamp>,
    /// The answer to the person whose request for erasure was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<String>,
    /// The accounts among which a human decides (`ambiguous_account`). Not for viewers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) candidates: Vec<Candidate>,
    /// What prevents the calls of an open case: a fence, a pause, a brake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) blocked: Vec<BlockedView>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ApprovalView {
    /// The name of the admin token.
    pub(crate) by: String,
    #[serde(rename = "for")]
    pub(crate) stage: Stage,
    pub(crate) at: Timestamp,
}

/// The next action of a held case.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(crate) struct AwaitsView {
    #[serde(rename = "for")]
    pub(crate) stage: Stage,
    pub(crate) approvals_missing: usize,
    pub(crate) not_before: Option<Timestamp>,
}

/// Empty for viewers, and after shredding.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct PersonView {
    /// The person id of the source.
    pub(crate) id: Option<PersonId>,
    pub(crate) email: Option<EmailAddress>,
}

/// Empty until the account is found.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct AccountView {
    /// `None` for viewers, and after shredding.
    pub(crate) id: Option<AccountId>,
    #[serde(rename = "type")]
    pub(crate) account_type: Option<AccountType>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct AttentionView {
    pub(crate) reason: AttentionReason,
    pub(crate) detail: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct HistoryView {
    /// Sequence number in the journal.
    pub(crate) seq: i64,
    pub(crate) at: Timestamp,
    pub(crate) kind: String,
    /// As in the journal.
    pub(crate) detail: Value,
    /// The reason of an operator. `None` for viewers, and after shredding.
    pub(crate) remark: Option<String>,
}

impl CaseView {
    /// Omits personal data that the caller may not see.
    fn of(admin: &AdminState, blocks: &Blocks, record: CaseRecord, job: Option<JobRow>, caller: &Caller) -> Self {
        let now = admin.clock.now();
        let CaseRecord { case, person, account, account_type, candidates, .. } = record;
        let is_ambiguous = case.attention().is_some_and(|why| why.reason == AttentionReason::AmbiguousAccount);
        let is_open = case.closed_at().is_none();
        let blocked = if is_open {
            blocks.of(&case.site, case.source.as_ref(), job.as_ref().map(|job| job.kind))
        } else {
            Vec::new()
        };
        let (person, account_id) = if caller.sees_personal_data() {
            (PersonView { id: person.id, email: person.email }, account.map(|account| account.id))
        } else {
            (PersonView::default(), None)
        };
        Self {
            id: case.id,
            state: case.state.name(),
            held: if let State::Held(hold) = case.state { Some(hold) } else { None },
            awaits: awaits(&case),
            policy: policy(admin, &case),
            requested_by: case.terms.requested_by.clone(),
            since: case.since,
            action: case.terms.action,
            person,
            account: AccountView { id: account_id, account_type },
            effective_at: case.effective_at,
            revoked_at: case.progress.revoked_at,
            delete_at: planned_deletion(&case),
            deletion_requested_at: case.progress.deletion_requested_at,
            grace_ends_at: case.progress.grace_ends_at,
            reinvite_from: case.reinvite_from(),
            candidates: if is_ambiguous && caller.sees_personal_data() { candidates } else { Vec::new() },
            stoppable_until: stoppable_until(&case, job.as_ref(), !blocked.is_empty(), now),
            blocked,
            closed_at: case.closed_at(),
            attention: case.attention().map(|Attention { reason, detail }| AttentionView { reason, detail }),
            job: job.map(JobView::from),
            erase_until: case.erasure_deadline().map(|deadline| deadline.until),
            answer: case.answer(),
            approvals: case.approvals.into_iter().map(ApprovalView::from).collect(),
            site: case.site,
            source: case.source,
        }
    }
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        let Approval { by, stage, at, not_before: _, account: _ } = approval;
        Self { by, stage, at }
    }
}

/// Never in the past: a deletion whose time has passed can be stopped until its job is due, or until a human or the end of a
/// pause lets it continue, for which there is no time.
fn stoppable_until(case: &Case, job: Option<&JobRow>, is_blocked: bool, now: Timestamp) -> Option<Timestamp> {
    let planned = case.stoppable_until()?;
    if planned > now {
        return Some(planned);
    }
    job.filter(|_| !is_blocked).map(|job| job.due_at.max(now))
}

fn awaits(case: &Case) -> Option<AwaitsView> {
    let (State::Held(_), Some(stage)) = (&case.state, case.next_stage()) else { return None };
    Some(AwaitsView { stage, approvals_missing: case.approvals_missing(stage), not_before: case.planned_at(stage) })
}

/// The policy that the case stores, or the current policy of its source for a case that stores none.
fn policy(admin: &AdminState, case: &Case) -> Option<PolicyName> {
    let of_source = || admin.sources.get(case.source.as_ref()?).map(|source| source.policy.clone());
    case.terms.policy.clone().or_else(of_source)
}

impl HistoryView {
    pub(super) fn of(entry: HistoryEntry, caller: &Caller) -> Self {
        let HistoryEntry { seq, at, kind, detail, remark } = entry;
        Self { seq, at, kind, detail, remark: remark.filter(|_| caller.sees_personal_data()) }
    }
}

pub(super) async fn show(admin: &AdminState, record: CaseRecord, caller: &Caller) -> Result<CaseView, StoreError> {
    let job = admin.store.job_of(record.case.id).await?;
    let blocks = Blocks::read(&admin.store).await?;
    Ok(CaseView::of(admin, &blocks, record, job, caller))
}

/// Keeps the order.
pub(super) async fn show_all(
    admin: &AdminState,
    records: Vec<CaseRecord>,
    caller: &Caller,
) -> Result<Vec<CaseView>, StoreError> {
    let ids: Vec<CaseId> = records.iter().map(|record| record.case.id).collect();
    let jobs = admin.store.jobs_of(&ids).await?;
    let mut jobs: HashMap<CaseId, JobRow> = jobs.into_iter().map(|job| (job.case_id, job)).collect();
    let blocks = Blocks::read(&admin.store).await?;
    let view = |record: CaseRecord| {
        let job = jobs.remove(&record.case.id);
        CaseView::of(admin, &blocks, record, job, caller)
    };
    Ok(records.into_iter().map(view).collect())
}

/// The planned or past time of the deletion. `None` if the case cannot delete the account any more.
fn planned_deletion(case: &Case) -> Option<Timestamp> {
    let stopped = case.direction == Direction::Returning && case.progress.deletion_requested_at.is_none();
    let closed_without_deletion = match case.state.name() {
        StateName::Cancelled | StateName::Restored | StateName::NoAccount => {
            case.progress.deletion_requested_at.is_none()
        }
        StateName::Scheduled
        | StateName::Held
        | StateName::Revoking
        | StateName::Revoked
        | StateName::Deleting
        | StateName::DeletionGrace
        | StateName::Erased
        | StateName::Restoring
        | StateName::NeedsAttention => false,
    };
    if stopped || closed_without_deletion { None } else { case.delete_at() }
}
