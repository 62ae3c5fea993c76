//! Who approves an action, and when an approval lapses.
//!
//! An approval covers one action (the revoke or the deletion) on one account, not before the time that was planned when it
//! was given. It lapses when the action becomes earlier or stronger, when the case is stopped, and when access was granted
//! again. The rules run after every transition, so that no transition can keep an approval that it invalidates.

use jiff::Timestamp;

use super::approval::{Approval, Stage};
use super::attention::{Attention, AttentionReason};
use super::offboarding::{Case, Direction};
use super::state::State;
use super::transition::InvalidTransition;

impl Case {
    /// How many approvals of `stage` are missing.
    pub fn approvals_missing(&self, stage: Stage) -> usize {
        let given = self.approvals.iter().filter(|approval| approval.stage == stage).count();
        self.approvals_required(stage).saturating_sub(given)
    }

    fn approvals_required(&self, stage: Stage) -> usize {
        usize::from(match stage {
            Stage::Revoke => self.terms.approvals.revoke,
            Stage::Delete => self.terms.approvals.delete,
        })
    }

    pub(super) fn approve(
        &mut self,
        by: &str,
        stage: Stage,
        account: Option<&String>,
        now: Timestamp,
    ) -> Result<(), InvalidTransition> {
        // A repetition changes nothing: approvals come from different people.
        if self.approvals.iter().any(|approval| approval.stage == stage && approval.by == by) {
            return Ok(());
        }
        let not_before = self.ensure_planned(stage, "approved")?;
        if self.approvals_required(stage) == 0 {
            return Err(self.forbid("approved", "its terms require no approval of this action"));
        }
        if self.terms.requested_by.as_deref() == Some(by) {
            return Err(InvalidTransition::OwnRequest);
        }
        self.approvals.push(Approval { by: by.to_owned(), stage, at: now, not_before, account: account.cloned() });
        Ok(())
    }

    pub(super) fn withdraw(&mut self, by: &str, stage: Stage) -> Result<(), InvalidTransition> {
        self.ensure_planned(stage, "changed in its approvals")?;
        self.approvals.retain(|approval| !(approval.stage == stage && approval.by == by));
        Ok(())
    }

    fn ensure_planned(&self, stage: Stage, what: &'static str) -> Result<Timestamp, InvalidTransition> {
        self.ensure_open(what)?;
        self.planned_at(stage).ok_or_else(|| match stage {
            _ if self.direction == Direction::Returning => self.forbid(what, "it was stopped: no action is planned"),
            Stage::Revoke if self.progress.revoked_at.is_some() => self.forbid(what, "access is already revoked"),
            Stage::Revoke => self.forbid(what, "no revoke is planned"),
            Stage::Delete if self.progress.deletion_requested_at.is_some() => {
                self.forbid(what, "Atlassian already accepted the deletion")
            }
            Stage::Delete => self.forbid(what, "no deletion is planned"),
        })
    }

    /// Removes the approvals that do not cover what the case plans now.
    pub(super) fn lapse_approvals(&mut self, before: &Self, now: Timestamp) {
        let stopped = self.direction == Direction::Returning;
        let stronger = self.terms.action > before.terms.action;
        let revoked_again = before.progress.revoked_at.is_some() && self.progress.revoked_at.is_none();
        if stopped || stronger || revoked_again || self.was_granted_again() {
            self.approvals.clear();
            return;
        }
        let planned = [Stage::Revoke, Stage::Delete].map(|stage| (stage, self.planned_at(stage)));
        self.approvals.retain(|approval| {
            let earlier = |at: Timestamp| at < approval.not_before && now < approval.not_before;
            !planned.iter().any(|(stage, at)| *stage == approval.stage && at.is_some_and(earlier))
        });
    }

    /// Removes the approvals that were given for another account than `account`.
    pub fn lapse_approvals_of_other_accounts(&mut self, account: &str) {
        self.approvals.retain(|approval| approval.account.as_ref().is_none_or(|approved| approved == account));
    }

    /// The approvals among `before` that no longer stand.
    pub fn approvals_lost_since<'a>(&self, before: &'a [Approval]) -> Vec<&'a Approval> {
        before.iter().filter(|approval| !self.approvals.contains(approval)).collect()
    }

    fn was_granted_again(&self) -> bool {
        matches!(&self.state, State::NeedsAttention(Attention { reason: AttentionReason::Regranted, .. }))
    }
}
