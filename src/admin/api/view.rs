//! A case as it is shown.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JobView;
use crate::admin::AdminState;
use crate::admin::auth::Caller;
use crate::domain::account::{AccountId, AccountType};
use crate::domain::case::{Approval, Attention, Case, Course, Hold, Reason, State, StateName};
use crate::domain::ids::{CaseId, SiteName, SourceName};
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
    /// Why a human is needed.
    pub attention: Option<AttentionView>,
    /// Its open job.
    pub job: Option<JobView>,
    /// Who approved what.
    pub approvals: Vec<Approval>,
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

/// Why a human is needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttentionView {
    /// In one word.
    pub reason: Reason,
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
    pub(super) fn of(dossier: Dossier, job: Option<JobRow>, caller: &Caller) -> Self {
        let Dossier { case, person, account, account_type, .. } = dossier;
        let (person, account_id) = if caller.sees_people() {
            (PersonView { id: person.id, email: person.email }, account.map(|account| account.id))
        } else {
            (PersonView::default(), None)
        };
        Self {
            id: case.id,
            state: case.state.name(),
            held: if let State::Held(hold) = case.state { Some(hold) } else { None },
            since: case.since,
            action: case.terms.action,
            person,
            account: AccountView { id: account_id, account_type },
            effective_at: case.effective_at,
            revoked_at: case.deeds.revoked_at,
            delete_at: planned_deletion(&case),
            deletion_requested_at: case.deeds.deletion_requested_at,
            grace_ends_at: case.deeds.grace_ends_at,
            reinvite_from: case.reinvite_from(),
            stoppable_until: case.stoppable_until(),
            closed_at: case.closed_at(),
            attention: case.attention().map(|Attention { reason, detail }| AttentionView { reason, detail }),
            job: job.map(JobView::from),
            approvals: case.approvals,
            site: case.site,
            source: case.source,
        }
    }
}

impl HistoryView {
    pub(super) fn of(entry: HistoryEntry, caller: &Caller) -> Self {
        let HistoryEntry { seq, at, kind, detail, remark } = entry;
        Self { seq, at, kind, detail, remark: remark.filter(|_| caller.sees_people()) }
    }
}

/// One case with its open job.
pub(super) async fn show(admin: &AdminState, dossier: Dossier, caller: &Caller) -> Result<CaseView, StoreError> {
    let job = admin.store.job_of(dossier.case.id).await?;
    Ok(CaseView::of(dossier, job, caller))
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
        CaseView::of(dossier, job, caller)
    };
    Ok(dossiers.into_iter().map(view).collect())
}

/// When the account is deleted, or was to be when it was: nothing where it will not come to that any more.
fn planned_deletion(case: &Case) -> Option<Timestamp> {
    let called_off = case.course == Course::Returning && case.deeds.deletion_requested_at.is_none();
    let closed_without = match case.state.name() {
        StateName::Cancelled | StateName::Restored | StateName::NoAccount => case.deeds.deletion_requested_at.is_none(),
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
    if called_off || closed_without { None } else { case.delete_at() }
}
