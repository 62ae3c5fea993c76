//! The single moves: what each transition does where it may happen, and why it may not elsewhere.

use jiff::Timestamp;

use super::{
    AttentionReason, Case, Cause, Demand, Direction, Hold, InvalidTransition, JobKind, Progress, State, Transition,
};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "here what is not named is refused or left as it is: a new state is closed to everything until named. Where a \
              new state must be thought of (`proceed`, `job_wanted`, `attention`, `is_closed`), every state is named"
)]
impl Case {
    pub(super) fn fall_due(&mut self, now: Timestamp) {
        let deletes = self.job_wanted().is_some_and(|wanted| wanted.kind == JobKind::Delete);
        match self.state {
            State::Scheduled => self.proceed(now),
            State::Revoked if deletes => self.proceed(now),
            State::Held(Hold::Approval) if deletes && self.direct_delete_at().is_some_and(|at| at <= now) => {
                self.proceed(now);
            }
            _ => {}
        }
    }

    pub(super) fn apply_result(&mut self, transition: &Transition, now: Timestamp) -> Result<(), InvalidTransition> {
        match (transition, &self.state) {
            (Transition::RevokeDispatched, State::Revoking) => {
                self.must_be_time(self.revoke_at().is_some_and(|at| now >= at))?;
                self.progress.revoke_dispatched_at = Some(now);
            }
            (Transition::RevokeConfirmed, State::Revoking) => {
                self.progress.revoked_at = Some(now);
                // Even without a local grace the case is seen to be revoked before it is deleted.
                self.state = State::Revoked;
            }
            // The answer to the revoke was lost, and the case was stopped since: access is gone after all.
            (Transition::RevokeConfirmed, State::Restoring) => {
                self.progress.revoked_at = self.progress.revoked_at.or(Some(now));
            }
            (Transition::DetachDispatched | Transition::DetachCallDone, State::Revoked) => {
                self.must_be_time(self.must_detach())?;
            }
            (Transition::Detached, State::Revoked) => self.progress.detached_at = Some(now),
            (Transition::DeletionDispatched, State::Deleting) => {
                self.must_be_time(
                    self.direction == Direction::Leaving && self.delete_at().is_some_and(|at| now >= at),
                )?;
                self.progress.deletion_dispatched_at = Some(now);
            }
            (Transition::DeletionAccepted { grace_ends_at }, State::Deleting) => {
                self.progress.deletion_requested_at = Some(now);
                self.progress.grace_ends_at = Some(*grace_ends_at);
                self.state = State::DeletionGrace;
            }
            (Transition::GoneSeen { last_look_at }, State::DeletionGrace) if self.progress.last_look_at.is_none() => {
                self.must_be_time(self.progress.grace_ends_at.is_some_and(|at| now >= at))?;
                self.progress.last_look_at = Some(*last_look_at);
            }
            (Transition::GoneConfirmed, State::DeletionGrace) => {
                self.progress.gone_at = Some(now);
                self.proceed(now);
            }
            (Transition::NotDone, State::Revoking) => {
                self.progress.revoke_dispatched_at = None;
                self.proceed(now);
            }
            (Transition::NotDone, State::Deleting) => {
                self.progress.deletion_dispatched_at = None;
                self.proceed(now);
            }
            (Transition::ReinviteDispatched, State::DeletionGrace) => {
                let invites =
                    self.direction == Direction::Returning && self.terms.reinvite && self.progress.gone_at.is_some();
                self.must_be_time(invites && self.progress.grace_ends_at.is_some_and(|at| now >= at))?;
                self.progress.reinvite_dispatched_at = Some(now);
            }
            (Transition::GrantSeen, State::Restoring) | (Transition::Reinvited, State::DeletionGrace) => {
                self.state = State::Restored;
            }
            (Transition::AccountMissing, State::Revoking | State::Deleting) => self.state = State::NoAccount,
            _ => return Err(self.forbids("moved by the far side", "it is not waiting for that")),
        }
        Ok(())
    }

    /// The person leaves, leaves at another time, or asks for erasure.
    pub(super) fn leave(&mut self, demand: &Demand, now: Timestamp) -> Result<(), InvalidTransition> {
        self.must_be_open("reopened")?;
        if self.direction == Direction::Returning {
            // What was demanded before the stop is over.
            self.demands.clear();
            self.direction = Direction::Leaving;
        } else if self.progress.deletion_requested_at.is_some() {
            return Err(self.forbids("moved to another time", "the deletion is already in progress"));
        }
        let before = self.demands.clone();
        self.add_demand(demand);
        if self.demands == before && demand.cause == Cause::ErasureRequested {
            return Err(self.forbids("erased", "it already ends there"));
        }
        match &self.state {
            // A human looks at it: only what is shown, and where it continues, changes.
            State::Held(_) | State::NeedsAttention(_) => {}
            State::Revoked if demand.action.revokes() && self.delete_at().is_none() => self.revoke_again(now),
            _ => self.proceed(now),
        }
        Ok(())
    }

    /// The person left again while the case rests in `revoked`: access may have been granted by hand since, so the account is
    /// read again on the new day, and revoked again if it is active. Until then access counts as possibly revoked, so that a
    /// stop still waits for a grant instead of closing the case.
    fn revoke_again(&mut self, now: Timestamp) {
        self.progress.revoke_dispatched_at = self.progress.revoke_dispatched_at.or(self.progress.revoked_at);
        self.progress.revoked_at = None;
        self.progress.detached_at = None;
        let due = self.revoke_at().is_some_and(|at| now >= at);
        self.state = if due { State::Revoking } else { State::Scheduled };
    }

    pub(super) fn stop(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        self.must_be_open("stopped")?;
        if self.direction == Direction::Returning {
            return Err(self.forbids("stopped", "it has been stopped before"));
        }
        self.direction = Direction::Returning;
        self.proceed(now);
        Ok(())
    }

    pub(super) fn cancel(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        self.on_hold = false;
        match self.state {
            State::DeletionGrace => {
                Err(self.forbids("cancelled", "Atlassian accepted the deletion, which cannot be taken back"))
            }
            State::Restoring => {
                self.state = State::Cancelled;
                Ok(())
            }
            _ => self.stop(now),
        }
    }

    pub(super) fn release(&mut self, enforce: bool, now: Timestamp) -> Result<(), InvalidTransition> {
        match self.state {
            _ if self.on_hold && !matches!(self.state, State::Held(_)) => {
                // A human is asked something else about it, or it is closed: only the hold on the person ends.
                self.on_hold = false;
                return Ok(());
            }
            State::Held(Hold::Hold) => self.on_hold = false,
            State::Held(Hold::Observe) if enforce => {}
            State::Held(Hold::Observe) => {
                return Err(self.forbids("released", "the daemon only observes: set mode = \"enforce\" first"));
            }
            State::Held(Hold::Approval) => return Err(self.forbids("released", "it waits for approval: approve it")),
            State::Held(Hold::Brake) => {
                return Err(self.forbids("released", "a brake holds it: release the source"));
            }
            _ => return Err(self.forbids("released", "it is not held")),
        }
        self.proceed(now);
        Ok(())
    }

    pub(super) fn release_brake(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        if self.state != State::Held(Hold::Brake) {
            return Err(self.forbids("released", "no brake holds it"));
        }
        self.proceed(now);
        Ok(())
    }

    pub(super) fn retry(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        match &self.state {
            State::NeedsAttention(attention) => {
                if attention.reason == AttentionReason::Regranted {
                    // Somebody gave access back, somebody else insists: it is taken again, and the grace starts anew.
                    self.progress = Progress::default();
                }
                self.proceed(now);
                Ok(())
            }
            // The queued job is made due at once by the store; the case stands where it stood.
            State::Revoking | State::Deleting | State::Restoring => Ok(()),
            State::Revoked if self.must_detach() => Ok(()),
            // A read or an invitation whose time has come.
            State::DeletionGrace if self.job_wanted().is_some_and(|wanted| wanted.due_at <= now) => Ok(()),
            _ => Err(self.forbids("retried", "nothing failed")),
        }
    }

    pub(super) fn resolve(&mut self) -> Result<(), InvalidTransition> {
        self.state = match &self.state {
            State::Restoring => State::Restored,
            State::NeedsAttention(attention) if attention.reason == AttentionReason::GrantNeeded => State::Restored,
            State::NeedsAttention(_) => State::Cancelled,
            _ => return Err(self.forbids("resolved", "no human was asked")),
        };
        Ok(())
    }

    /// The last line of "nothing happens early": a deed put off after it was asked for is still not asked for again.
    fn must_be_time(&self, it_is: bool) -> Result<(), InvalidTransition> {
        if it_is { Ok(()) } else { Err(self.forbids("carried out", "its time has not come")) }
    }

    pub(super) fn must_be_open(&self, what: &'static str) -> Result<(), InvalidTransition> {
        if self.state.name().is_closed() { Err(self.forbids(what, "it is closed")) } else { Ok(()) }
    }

    pub(super) fn forbids(&self, what: &'static str, why: &'static str) -> InvalidTransition {
        InvalidTransition::Forbidden { state: self.state.name(), what, why }
    }
}
