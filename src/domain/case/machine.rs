//! The transition function: from a case and a transition to the case after it.

use jiff::Timestamp;

use super::approval::Stage;
use super::offboarding::{Case, Direction};
use super::state::{Hold, State};
use super::transition::{InvalidTransition, Transition};

impl Case {
    /// The case after `transition`, or why its state does not allow it.
    ///
    /// * **Time** moves `scheduled` to `revoking` or `deleting`, and `revoked` to `deleting`, never before its instant.
    /// * **A stop** (`returned`, `departure_cancelled`, an operator's cancel) before the revoke cancels. After the revoke the
    ///   deletion is off and the case waits until access is granted again. Inside the deletion grace nothing can be stopped:
    ///   an event is recorded (and may lead to a new invitation), an operator's cancel is rejected.
    /// * **`erased`** takes two reads: one at the end of the deletion grace, and the last one some time later. A person who is
    ///   to be invited again does not wait for the last one.
    /// * **A demand** (`departed`, `erasure_requested`) in an open case replaces what its source demanded before: earlier,
    ///   later or stronger, in every state until the deletion was accepted. After the revoke a later last day moves the
    ///   deletion. A departure never postpones an erasure request. After a stop, no earlier demand and no earlier approval
    ///   counts.
    /// * **Some demands end** when the person is here but the address is a former one, or the other way round: the demands
    ///   that are left decide what follows and when. A case without any demand is stopped.
    /// * **A lost response**: a call without a known outcome may still take effect for a while. Until that is over, no read
    ///   closes the case or cancels it; a revoke that took effect after a stop waits for a grant.
    /// * **A departure of a case that rests** in `revoked` has the account read again on the new day, and revoked again if
    ///   access was granted since.
    /// * **An operator's hold** wins over every other reason to be held, and applies to the person: only an operator's
    ///   release or cancel lifts it. A case that is stopped and departs again is held again.
    /// * **An approval** lapses when its action becomes earlier or stronger, when the case is stopped, and when access was
    ///   granted again. A case that waits for an approval which its terms no longer require proceeds.
    pub fn apply(&self, transition: &Transition, now: Timestamp) -> Result<Self, InvalidTransition> {
        let mut next = self.clone();
        match transition {
            Transition::Due => next.fall_due(now),
            Transition::RevokeDispatched
            | Transition::RevokeConfirmed
            | Transition::DetachDispatched
            | Transition::DetachCallDone
            | Transition::Detached
            | Transition::DeletionDispatched
            | Transition::DeletionAccepted { .. }
            | Transition::GoneSeen { .. }
            | Transition::GoneConfirmed
            | Transition::NotDone
            | Transition::ReinviteDispatched
            | Transition::GrantSeen
            | Transition::Reinvited
            | Transition::AccountMissing => next.apply_result(transition, now)?,
            Transition::Withheld(hold) => {
                next.ensure_open("held")?;
                next.state = State::Held(*hold);
            }
            Transition::AttentionNeeded(attention) => {
                next.ensure_open("handed to a human")?;
                next.state = State::NeedsAttention(attention.clone());
            }
            Transition::Departed(demand) | Transition::ErasureRequested(demand) => next.leave(demand, now)?,
            Transition::Stopped => next.stop(now)?,
            Transition::DemandsEnded { source, ended } => next.end_demands(source, *ended, now)?,
            Transition::Cancelled => next.cancel(now)?,
            Transition::Held => next.hold()?,
            Transition::Released { enforce } => next.release(*enforce, now)?,
            Transition::BrakeReleased => next.release_brake(now)?,
            Transition::Approved { by, stage, account } => next.approve(by, *stage, account.as_ref(), now)?,
            Transition::Withdrawn { by, stage } => next.withdraw(by, *stage)?,
            Transition::Retried => next.retry(now)?,
            Transition::Resolved => next.resolve()?,
        }
        next.after_transition(self, transition, now);
        if next.state.name() != self.state.name() {
            next.since = now;
        }
        Ok(next)
    }

    /// Sets the state that follows from progress, terms, direction and time.
    ///
    /// The state is never `held` nor `needs_attention`: a case leaves those by proceeding.
    pub(super) fn proceed(&mut self, now: Timestamp) {
        self.supersede_revoke(now);
        let progress = &self.progress;
        self.state = if progress.deletion_requested_at.is_some() {
            let invites = self.direction == Direction::Returning && self.terms.reinvite;
            if progress.gone_at.is_some() && !invites { State::Erased } else { State::DeletionGrace }
        } else if progress.deletion_dispatched_at.is_some() {
            // The deletion may have taken effect: the account is read before anything else, whatever is planned now.
            State::Deleting
        } else {
            match self.direction {
                Direction::Leaving => self.state_on_the_way_out(now),
                Direction::Returning if progress.revoked_at.or(progress.revoke_dispatched_at).is_some() => {
                    State::Restoring
                }
                Direction::Returning => State::Cancelled,
            }
        };
    }

    /// The state of a case that is not stopped, and whose deletion was not dispatched.
    fn state_on_the_way_out(&self, now: Timestamp) -> State {
        if self.next_stage() == Some(Stage::Revoke) {
            let due = self.revoke_at().is_some_and(|at| now >= at);
            return if due || self.progress.revoke_dispatched_at.is_some() {
                State::Revoking
            } else {
                State::Scheduled
            };
        }
        match self.delete_at() {
            Some(delete_at) if now >= delete_at => State::Deleting,
            Some(_) if self.progress.revoked_at.is_none() => State::Scheduled,
            Some(_) | None => State::Revoked,
        }
    }

    /// Applies the rules that follow every transition: approvals lapse, a hold for an approval that is not required ends,
    /// and an operator's hold stays.
    fn after_transition(&mut self, before: &Self, transition: &Transition, now: Timestamp) {
        self.lapse_approvals(before, now);
        let withheld = matches!(transition, Transition::Withheld(_));
        if self.state == State::Held(Hold::Approval) && !withheld {
            self.supersede_revoke(now);
            let missing = self.next_stage().map_or(0, |stage| self.approvals_missing(stage));
            if missing == 0 {
                self.proceed(now);
            }
        }
        *self = self.clone().with_hold();
    }

    pub(super) fn ensure_open(&self, what: &'static str) -> Result<(), InvalidTransition> {
        if self.state.name().is_closed() { Err(self.forbid(what, "it is closed")) } else { Ok(()) }
    }

    pub(super) fn forbid(&self, what: &'static str, why: &'static str) -> InvalidTransition {
        InvalidTransition::Forbidden { state: self.state.name(), what, why }
    }
}
