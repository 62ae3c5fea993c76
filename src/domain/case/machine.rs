//! How a case moves: one pure function from a case and a transition to the case after it.

use jiff::Timestamp;

use super::{
    Attention, Case, Direction, Hold, InvalidTransition, JobKind, Stage, State, StateName, Transition, WantedJob,
};

impl Case {
    /// The case after `transition`, or why that cannot be.
    ///
    /// * **Time** moves `scheduled` to `revoking` or `deleting`, and `revoked` to `deleting`, never before its instant.
    /// * **A stop** (`returned`, `departure_cancelled`, an operator's cancel) before the revoke cancels; after it the deletion
    ///   is off and the case waits for access to be granted again; inside the deletion grace nothing can be stopped any more:
    ///   an event is noted (and may lead to a new invitation), an operator is told so.
    /// * **Erased** is said after two reads: one at the end of the deletion grace, and the last look some time later. Who is
    ///   to be invited anew does not wait for it.
    /// * **A demand** (`departed`, `erasure_requested`) while a case is open replaces what its source demanded before: earlier,
    ///   later or stronger, in every state until the deletion was accepted. After the revoke a later last day moves the
    ///   deletion. An erasure request is never postponed by a departure. After a stop a demand begins again with no demand
    ///   and no approval of before.
    /// * **A lost answer**: a call without a known outcome may still take effect for a while. Until that is over, no read
    ///   closes the case or takes it back; a revoke that took effect after a stop waits for a grant.
    /// * **A departure of a case that rests** in `revoked` has the account read again on the new day, and revoked again if
    ///   access was granted since.
    /// * **A human's hold** wins over every other reason to be held, and applies to the person: only an operator's release
    ///   or cancel lifts it. What is stopped and departs again is held again.
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
                next.must_be_open("held")?;
                next.state = State::Held(*hold);
            }
            Transition::AttentionNeeded(attention) => {
                next.must_be_open("handed to a human")?;
                next.state = State::NeedsAttention(attention.clone());
            }
            Transition::Departed(demand) | Transition::ErasureRequested(demand) => next.leave(demand, now)?,
            Transition::Stopped => next.stop(now)?,
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

    /// Where the case stands by its progress, terms, direction and the time.
    ///
    /// The answer is never `held` nor `needs_attention`: those are left by proceeding.
    pub(super) fn proceed(&mut self, now: Timestamp) {
        self.supersede_revoke(now);
        let progress = &self.progress;
        self.state = if progress.deletion_requested_at.is_some() {
            let invites = self.direction == Direction::Returning && self.terms.reinvite;
            if progress.gone_at.is_some() && !invites { State::Erased } else { State::DeletionGrace }
        } else if self.direction == Direction::Returning {
            if progress.deletion_dispatched_at.is_some() {
                // The answer to the deletion was lost: look before saying that it was stopped.
                State::Deleting
            } else if progress.revoked_at.is_some() || progress.revoke_dispatched_at.is_some() {
                State::Restoring
            } else {
                State::Cancelled
            }
        } else if progress.deletion_dispatched_at.is_some() {
            // It may be carried out already: the account is read before anything else, whatever is planned now.
            State::Deleting
        } else if self.next_stage() == Some(Stage::Revoke) {
            if progress.revoke_dispatched_at.is_some() || self.revoke_at().is_some_and(|at| now >= at) {
                State::Revoking
            } else {
                State::Scheduled
            }
        } else if let Some(delete_at) = self.delete_at() {
            if now >= delete_at {
                State::Deleting
            } else if progress.revoked_at.is_some() {
                State::Revoked
            } else {
                State::Scheduled
            }
        } else {
            State::Revoked
        };
    }

    /// The next deed that changes the account, on the way out.
    pub fn next_stage(&self) -> Option<Stage> {
        if self.direction == Direction::Returning
            || self.progress.deletion_requested_at.is_some()
            || self.state.name().is_closed()
        {
            None
        } else {
            let revoke_at = self.revoke_at().filter(|_| self.progress.revoked_at.is_none());
            match (revoke_at, self.direct_delete_at()) {
                // The deletion takes access away as well.
                (Some(revoke_at), Some(delete_at)) if delete_at <= revoke_at => Some(Stage::Delete),
                (Some(_), _) => Some(Stage::Revoke),
                (None, _) => self.demands.iter().any(|demand| demand.action.deletes()).then_some(Stage::Delete),
            }
        }
    }

    /// Until when the deletion, which nothing takes back, can be stopped.
    pub fn stoppable_until(&self) -> Option<Timestamp> {
        let open = self.direction == Direction::Leaving && !self.state.name().is_closed();
        if open && self.progress.deletion_dispatched_at.is_none() && self.progress.deletion_requested_at.is_none() {
            self.delete_at()
        } else {
            None
        }
    }

    /// The first instant at which the address can be invited anew.
    pub fn reinvite_from(&self) -> Option<Timestamp> {
        self.progress.grace_ends_at
    }

    /// When the case was closed.
    pub fn closed_at(&self) -> Option<Timestamp> {
        self.state.name().is_closed().then_some(self.since)
    }

    /// Why a human is needed, also where the case waits for one without being stuck.
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
            State::Revoked if self.must_detach() => wanted(JobKind::Detach, self.since),
            State::Revoked => wanted(JobKind::Delete, self.delete_at()?),
            State::Deleting => match self.direction {
                Direction::Leaving => wanted(JobKind::Delete, self.since),
                Direction::Returning => wanted(JobKind::Verify, self.since),
            },
            State::DeletionGrace => match self.progress.gone_at {
                None => wanted(JobKind::Verify, self.progress.last_look_at.or(self.progress.grace_ends_at)?),
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

    /// Whether the case waits for its time: an attempt that was begun or put off before it was moved there is over.
    pub fn waits_for_its_time(&self, now: Timestamp) -> bool {
        let waits = matches!(self.state, State::Scheduled | State::Revoked);
        waits && self.job_wanted().is_some_and(|wanted| wanted.due_at > now)
    }

    /// What a case cannot be, whatever its rows say: the first thing that contradicts another.
    pub fn contradiction(&self) -> Option<&'static str> {
        let progress = &self.progress;
        let rules = [
            (StateName::Revoked, progress.revoked_at.is_some(), "revoked without a time of revocation"),
            (StateName::DeletionGrace, progress.grace_ends_at.is_some(), "in deletion grace without an end of it"),
            (
                StateName::DeletionGrace,
                progress.deletion_requested_at.is_some(),
                "in deletion grace without a deletion",
            ),
            (StateName::Restoring, self.direction == Direction::Returning, "restoring, but leaving"),
            (StateName::Erased, progress.gone_at.is_some(), "erased without a read that said so"),
            (StateName::Scheduled, !self.demands.is_empty(), "scheduled, but nothing demands it"),
        ];
        let broken = rules.into_iter().find(|(state, holds, _)| *state == self.state.name() && !holds);
        broken.map(|(_, _, what)| what)
    }

    pub(super) fn must_detach(&self) -> bool {
        !self.terms.detach.is_empty() && self.progress.detached_at.is_none()
    }
}
