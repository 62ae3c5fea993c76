//! How demands change a case.
//!
//! Every source of a site, and every operator, may demand something of one case. Each demand keeps its own date, so that a
//! later departure never delays an erasure request, and one source never postpones what another one reported. The case
//! carries out the earliest and the strongest of all demands.

use jiff::Timestamp;

use super::demand::{Cause, Demand, EndedDemands};
use super::offboarding::{Case, Direction};
use super::state::State;
use super::transition::InvalidTransition;
use crate::domain::ids::SourceName;

impl Case {
    /// The person leaves, leaves at another time, or requests erasure.
    pub(super) fn leave(&mut self, demand: &Demand, now: Timestamp) -> Result<(), InvalidTransition> {
        self.ensure_open("reopened")?;
        if self.direction == Direction::Returning {
            // The demands of before the stop are over.
            self.demands.clear();
            self.direction = Direction::Leaving;
        } else if self.progress.deletion_requested_at.is_some() {
            return Err(self.forbid("moved to another time", "the deletion is already in progress"));
        }
        let before = self.demands.clone();
        self.add_demand(demand);
        if self.demands == before && demand.cause == Cause::ErasureRequested {
            return Err(self.forbid("erased", "it already ends there"));
        }
        match self.state {
            // A human decides: only what is shown, and where the case continues, changes.
            State::Held(_) | State::NeedsAttention(_) => {}
            State::Revoked if demand.action.revokes() && self.delete_at().is_none() => self.revoke_again(now),
            State::Scheduled
            | State::Revoking
            | State::Revoked
            | State::Deleting
            | State::DeletionGrace
            | State::Erased
            | State::Restoring
            | State::Restored
            | State::Cancelled
            | State::NoAccount => self.proceed(now),
        }
        Ok(())
    }

    /// Adds a demand, or replaces the one that the same source made for the same cause.
    fn add_demand(&mut self, demand: &Demand) {
        let same = |known: &&mut Demand| known.source == demand.source && known.cause == demand.cause;
        match self.demands.iter_mut().find(same) {
            Some(known) if demand.cause == Cause::ErasureRequested => known.join(demand),
            Some(known) => known.clone_from(demand),
            None => self.demands.push(demand.clone()),
        }
        self.terms.approvals = self.terms.approvals.strictest(demand.approvals);
        for what in &demand.detach {
            if !self.terms.detach.contains(what) {
                self.terms.detach.push(*what);
            }
        }
        self.derive_action_and_date();
    }

    fn derive_action_and_date(&mut self) {
        if let Some(strongest) = self.demands.iter().map(|demand| demand.action).max() {
            self.terms.action = strongest;
        }
        if let Some(earliest) = self.demands.iter().map(|demand| demand.effective_at).min() {
            self.effective_at = earliest;
        }
    }

    /// The person left again while the case rests in `revoked`. Access may have been granted by hand since, so the account is
    /// read again on the new day, and revoked again if it is active. Until then access counts as possibly revoked, so that a
    /// stop still waits for a grant instead of closing the case.
    fn revoke_again(&mut self, now: Timestamp) {
        self.progress.revoke_dispatched_at = self.progress.revoke_dispatched_at.or(self.progress.revoked_at);
        self.progress.revoked_at = None;
        self.progress.detached_at = None;
        let due = self.revoke_at().is_some_and(|at| now >= at);
        self.state = if due { State::Revoking } else { State::Scheduled };
    }

    /// Lets a deletion without a revoke come first where it is due: it takes access away as well, and must not wait for the
    /// approval of a revoke. What is demanded besides it stays, because the deletion may still be taken back.
    pub(super) fn supersede_revoke(&mut self, now: Timestamp) {
        let is_pending = self.progress.revoke_dispatched_at.is_none() && self.progress.revoked_at.is_none();
        let Some(delete_at) = self.direct_delete_at().filter(|at| is_pending && *at <= now) else { return };
        for demand in self.demands.iter_mut().filter(|demand| demand.action.revokes()) {
            demand.effective_at = demand.effective_at.max(delete_at);
        }
    }

    /// A source takes back some of its demands. The other demands continue, without the approvals of before. It is a stop
    /// where no demand is left, and where the deletion cannot be taken back.
    pub(super) fn end_demands(
        &mut self,
        source: &SourceName,
        ended: EndedDemands,
        now: Timestamp,
    ) -> Result<(), InvalidTransition> {
        let is_ended = |demand: &Demand| demand.source.as_ref() == Some(source) && ended.include(demand);
        if !self.demands.iter().any(is_ended) {
            return Err(self.forbid("stopped", "the source has no such demand"));
        }
        let is_stop = self.demands.iter().all(is_ended) || self.progress.deletion_requested_at.is_some();
        if is_stop || self.direction == Direction::Returning || self.state.name().is_closed() {
            return self.stop(now);
        }
        self.demands.retain(|demand| !is_ended(demand));
        self.derive_action_and_date();
        self.approvals.clear();
        // What waits for a human continues to wait: only what is shown changes.
        if !matches!(self.state, State::Held(_) | State::NeedsAttention(_)) {
            self.proceed(now);
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        self.ensure_open("stopped")?;
        if self.direction == Direction::Returning {
            return Err(self.forbid("stopped", "it has been stopped before"));
        }
        self.direction = Direction::Returning;
        self.proceed(now);
        Ok(())
    }
}
