//! What a case plans: the next action, its time, and the job that the queue must hold.

use jiff::Timestamp;

use super::approval::{Escalation, Stage};
use super::attention::Attention;
use super::job::{JobKind, WantedJob};
use super::offboarding::{Case, Direction};
use super::state::{Hold, State};
use crate::domain::policy::Action;

impl Case {
    /// The next action on the way out.
    pub fn next_stage(&self) -> Option<Stage> {
        if self.direction == Direction::Returning
            || self.progress.deletion_requested_at.is_some()
            || self.state.name().is_closed()
        {
            return None;
        }
        let revoke_at = self.revoke_at().filter(|_| self.progress.revoked_at.is_none());
        match (revoke_at, self.direct_delete_at()) {
            // The deletion takes access away as well.
            (Some(revoke_at), Some(delete_at)) if delete_at <= revoke_at => Some(Stage::Delete),
            (Some(_), _) => Some(Stage::Revoke),
            (None, _) => self.demands.iter().any(|demand| demand.action.deletes()).then_some(Stage::Delete),
        }
    }

    /// The earliest time of the revoke, if anything demands one.
    pub(super) fn revoke_at(&self) -> Option<Timestamp> {
        self.demands.iter().filter(|demand| demand.action.revokes()).map(|demand| demand.effective_at).min()
    }

    /// The earliest time of a deletion without a revoke before it.
    pub(super) fn direct_delete_at(&self) -> Option<Timestamp> {
        self.demands.iter().filter(|demand| demand.action == Action::Delete).map(|demand| demand.effective_at).min()
    }

    /// The earliest time of the deletion; before the revoke this is the plan. A later last day moves it: the deletion is
    /// never before the new day plus the local grace.
    pub fn delete_at(&self) -> Option<Timestamp> {
        let dates = self.demands.iter().filter_map(|demand| match demand.action {
            Action::Ignore | Action::Revoke => None,
            Action::RevokeThenDelete => {
                let from = self.progress.revoked_at.map_or(demand.effective_at, |at| at.max(demand.effective_at));
                Some(from.saturating_add(demand.local_grace).unwrap_or(Timestamp::MAX))
            }
            Action::Delete => Some(demand.effective_at),
        });
        dates.min()
    }

    /// The earliest time of an action; `None` if the case does not (or no longer) lead to it.
    pub fn planned_at(&self, stage: Stage) -> Option<Timestamp> {
        let over = self.direction == Direction::Returning || self.state.name().is_closed();
        match stage {
            _ if over || self.progress.deletion_requested_at.is_some() => None,
            // A deletion that comes first takes access away as well.
            Stage::Revoke if self.progress.revoked_at.is_some() || self.next_stage() == Some(Stage::Delete) => None,
            Stage::Revoke => self.revoke_at(),
            Stage::Delete => self.delete_at(),
        }
    }

    /// How the destructive actions of the case differ from those that it had `before`, if they became earlier or stronger.
    pub fn escalation(&self, before: &Self, now: Timestamp) -> Option<Escalation> {
        if self.direction == Direction::Returning || self.state.name().is_closed() {
            return None;
        }
        if before.direction == Direction::Returning {
            return Some(Escalation::Opened);
        }
        if self.terms.action > before.terms.action {
            return Some(Escalation::Stronger);
        }
        let earlier = [Stage::Revoke, Stage::Delete].into_iter().any(|stage| {
            let planned = self.planned_at(stage);
            // A deletion that came first would have taken access away as well.
            let planned_before = before.planned_at(stage).or_else(|| before.planned_at(Stage::Delete));
            // An action that was due already does not become earlier.
            planned.is_some_and(|at| planned_before.is_none_or(|before| at.max(now) < before.max(now)))
        });
        earlier.then_some(Escalation::Earlier)
    }

    /// Until when the deletion, which nothing can undo, can be stopped.
    pub fn stoppable_until(&self) -> Option<Timestamp> {
        let open = self.direction == Direction::Leaving && !self.state.name().is_closed();
        let dispatched = self.progress.deletion_dispatched_at.or(self.progress.deletion_requested_at).is_some();
        self.delete_at().filter(|_| open && !dispatched)
    }

    /// The first instant at which the email address can be invited again.
    pub fn reinvite_from(&self) -> Option<Timestamp> {
        self.progress.grace_ends_at
    }

    /// Whether access was revoked before the last day that is known now.
    pub fn was_revoked_early(&self) -> bool {
        self.progress.revoked_at.is_some_and(|at| self.revoke_at().is_some_and(|planned| at < planned))
    }

    /// Why a human is needed, also where the case waits for one in another state than `needs_attention`.
    pub fn attention(&self) -> Option<Attention> {
        match &self.state {
            State::NeedsAttention(attention) => Some(attention.clone()),
            State::Restoring => Some(Attention::grant_needed()),
            State::Scheduled
            | State::Held(_)
            | State::Revoking
            | State::Revoked
            | State::Deleting
            | State::DeletionGrace
            | State::Erased
            | State::Restored
            | State::Cancelled
            | State::NoAccount => None,
        }
    }

    /// The job that the queue must hold for this case. The store writes it in the transaction that writes the state.
    pub fn job_wanted(&self) -> Option<WantedJob> {
        let wanted = |kind, due_at| Some(WantedJob { kind, due_at });
        match &self.state {
            State::Scheduled => match self.next_stage()? {
                Stage::Revoke => wanted(JobKind::Revoke, self.revoke_at()?),
                Stage::Delete => wanted(JobKind::Delete, self.delete_at()?),
            },
            State::Revoking => wanted(JobKind::Revoke, self.since),
            State::Revoked if self.has_to_detach() => wanted(JobKind::Detach, self.since),
            State::Revoked => wanted(JobKind::Delete, self.delete_at()?),
            State::Deleting => match self.direction {
                Direction::Leaving => wanted(JobKind::Delete, self.since),
                Direction::Returning => wanted(JobKind::Verify, self.since),
            },
            State::DeletionGrace => match self.progress.gone_at {
                None => wanted(JobKind::Verify, self.progress.last_read_at.or(self.progress.grace_ends_at)?),
                Some(gone_at) => wanted(JobKind::Reinvite, gone_at),
            },
            State::Restoring => wanted(JobKind::Restore, self.since),
            // A deletion that needs no revoke does not wait for the approval of one.
            State::Held(Hold::Approval) if self.next_stage() == Some(Stage::Revoke) => {
                wanted(JobKind::Delete, self.direct_delete_at()?)
            }
            State::Held(_)
            | State::Erased
            | State::Restored
            | State::Cancelled
            | State::NoAccount
            | State::NeedsAttention(_) => None,
        }
    }

    /// Whether the case waits for its time. An attempt that began before the case was moved there is over.
    pub fn waits_for_its_time(&self, now: Timestamp) -> bool {
        let waits = matches!(self.state, State::Scheduled | State::Revoked);
        waits && self.job_wanted().is_some_and(|wanted| wanted.due_at > now)
    }

    pub(super) fn has_to_detach(&self) -> bool {
        !self.terms.detach.is_empty() && self.progress.detached_at.is_none()
    }
}
