//! A case as it is shown.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JobView;
use crate::admin::AdminState;
use crate::admin::auth::Caller;
use crate::domain::account::{AccountId, AccountType};
use crate::domain::case::{Approval, Attention, AttentionReason, Case, Direction, Hold, Stage, State, StateName};
use crate::domain::ids::{CaseId, PolicyName, SiteName, SourceName};
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::policy::Action;
use crate::store::{Dossier, HistoryEntry, JobRow, StoreError};

/// A case as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseView {
    /// Its id.
    pub id: CaseId,
    /// Where.
    pub site: SiteName,
    /// Whose event opened it; `None` for an operator's own request.
    pub source: Option<SourceName>,
    /// Where it stands.
    pub state: StateName,
    /// What it waits for, where it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
    /// What a held case waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<AwaitsView>,
    /// The policy whose terms apply.
    #[serde(default)]
    pub policy: Option<PolicyName>,
    /// The operator whose own request it is.
    #[serde(default)]
    pub requested_by: Option<String>,
    /// Since when it stands there.
    pub since: Timestamp,
    /// What it leads to.
    pub action: Action,
    /// Whose case it is.
    pub person: PersonView,
    /// The account that it is about.
    pub account: AccountView,
    /// Nothing is done before.
    pub effective_at: Timestamp,
    /// When a read said that access is gone.
    pub revoked_at: Option<Timestamp>,
    /// When the account is deleted at the earliest.
    pub delete_at: Option<Timestamp>,
    /// When Atlassian accepted the deletion.
    pub deletion_requested_at: Option<Timestamp>,
    /// When Atlassian's deletion grace ends.
    pub grace_ends_at: Option<Timestamp>,
    /// When the address can be invited anew.
    pub reinvite_from: Option<Timestamp>,
    /// Until when the deletion can be stopped.
    pub stoppable_until: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// ReasonBody a human is needed.
    pub attention: Option<AttentionView>,
    /// Its open job.
    pub job: Option<JobView>,
    /// Who approved what.
    pub approvals: Vec<ApprovalView>,
}

/// An approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalView {
    /// The name of the admin token.
    pub by: String,
    /// The approved action.
    #[serde(rename = "for")]
    pub stage: Stage,
    /// When it was given.
    pub at: Timestamp,
}

/// The next action of a held case.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct AwaitsView {
    /// The action.
    #[serde(rename = "for")]
    pub stage: Stage,
    /// How many approvals of it are missing.
    pub approvals_missing: usize,
    /// It is not carried out before.
    pub not_before: Option<Timestamp>,
}

/// The person of a case: both empty for viewers and when the case has forgotten.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PersonView {
    /// The source's own number.
    pub id: Option<PersonId>,
    /// The address.
    pub email: Option<EmailAddress>,
}

/// The account of a case: empty until it is found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AccountView {
    /// Its id; hidden from viewers, and forgotten with the case.
    pub id: Option<AccountId>,
    /// What it is.
    #[serde(rename = "type")]
    pub account_type: Option<AccountType>,
}

/// ReasonBody a human is needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttentionView {
    /// In one word.
    pub reason: AttentionReason,
    /// In a sentence.
    pub detail: String,
}

/// One entry of a case's history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HistoryView {
    /// Its number in the journal.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What happened, in one word.
    pub kind: String,
    /// The particulars, as the journal has them.
    pub detail: Value,
    /// What an operator wrote; hidden from viewers, and forgotten with the case.
    pub remark: Option<String>,
}

impl CaseView {
    /// The case as `caller` may see it.
    pub(super) fn of(admin: &AdminState, dossier: Dossier, job: Option<JobRow>, caller: &Caller) -> Self {
        let Dossier { case, person, account, account_type, .. } = dossier;
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
            stoppable_until: case.stoppable_until(),
            closed_at: case.closed_at(),
            attention: case.attention().map(|Attention { reason, detail }| AttentionView { reason, detail }),
            job: job.map(JobView::from),
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

/// What a held case waits for: its next action.
fn awaits(case: &Case) -> Option<AwaitsView> {
    let (State::Held(_), Some(stage)) = (&case.state, case.next_stage()) else { return None };
    Some(AwaitsView { stage, approvals_missing: case.approvals_missing(stage), not_before: case.planned_at(stage) })
}

/// The policy of an own request, or that of the source whose event opened the case.
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

/// One case with its open job.
pub(super) async fn show(admin: &AdminState, dossier: Dossier, caller: &Caller) -> Result<CaseView, StoreError> {
    let job = admin.store.job_of(dossier.case.id).await?;
    Ok(CaseView::of(admin, dossier, job, caller))
}

/// Many cases with their open jobs, in their order.
pub(super) async fn show_all(
    admin: &AdminState,
    dossiers: Vec<Dossier>,
    caller: &Caller,
) -> Result<Vec<CaseView>, StoreError> {
    let ids: Vec<CaseId> = dossiers.iter().map(|dossier| dossier.case.id).collect();
    let jobs = admin.store.jobs_of(&ids).await?;
    let mut jobs: HashMap<CaseId, JobRow> = jobs.into_iter().map(|job| (job.case_id, job)).collect();
    let view = |dossier: Dossier| {
        let job = jobs.remove(&dossier.case.id);
        CaseView::of(admin, dossier, job, caller)
    };
    Ok(dossiers.into_iter().map(view).collect())
}

/// When the account is deleted, or was to be when it was: nothing where it will not come to that any more.
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
