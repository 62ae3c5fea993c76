//! What time and the results of the worker's calls do to a case.

use jiff::Timestamp;

use super::job::JobKind;
use super::offboarding::{Case, Direction};
use super::state::{Hold, State};
use super::transition::{InvalidTransition, Transition};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a state that is not named here is left as it is, or rejects the result: a new state accepts no result until it \
              is named. Where a new state must be thought of (`proceed`, `job_wanted`, `attention`, `is_closed`), every state \
              is named"
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
                self.ensure_its_time_has_come(self.revoke_at().is_some_and(|at| now >= at))?;
                self.progress.revoke_dispatched_at = Some(now);
            }
            (Transition::RevokeConfirmed, State::Revoking) => {
                self.progress.revoked_at = Some(now);
                // Even without a local grace the case is `revoked` before it is deleted.
                self.state = State::Revoked;
            }
            // The response to the revoke was lost, and the case was stopped since: access is gone nevertheless.
            (Transition::RevokeConfirmed, State::Restoring) => {
                self.progress.revoked_at = self.progress.revoked_at.or(Some(now));
            }
            (Transition::DetachDispatched | Transition::DetachCallDone, State::Revoked) => {
                self.ensure_its_time_has_come(self.has_to_detach())?;
            }
            (Transition::Detached, State::Revoked) => self.progress.detached_at = Some(now),
            (Transition::NotDone, State::Revoking) => {
                self.progress.revoke_dispatched_at = None;
                self.proceed(now);
            }
            (Transition::GrantSeen, State::Restoring) => self.state = State::Restored,
            (Transition::AccountMissing, State::Revoking | State::Deleting) => self.state = State::NoAccount,
            _ => self.apply_deletion_result(transition, now)?,
        }
        Ok(())
    }

    fn apply_deletion_result(&mut self, transition: &Transition, now: Timestamp) -> Result<(), InvalidTransition> {
        match (transition, &self.state) {
            (Transition::DeletionDispatched, State::Deleting) => {
                let is_past = |at: Option<Timestamp>| at.is_some_and(|at| now >= at);
                // The local grace begins with the revoke. Without a revoke, only a deletion that needs none is due.
                let is_due = match self.progress.revoked_at {
                    Some(_) => is_past(self.delete_at()),
                    None => is_past(self.direct_delete_at()),
                };
                self.ensure_its_time_has_come(self.direction == Direction::Leaving && is_due)?;
                self.progress.deletion_dispatched_at = Some(now);
            }
            (Transition::DeletionAccepted { grace_ends_at }, State::Deleting) => {
                self.progress.deletion_requested_at = Some(now);
                self.progress.grace_ends_at = Some(*grace_ends_at);
                self.state = State::DeletionGrace;
            }
            (Transition::NotDone, State::Deleting) => {
                self.progress.deletion_dispatched_at = None;
                self.proceed(now);
            }
            (Transition::GoneSeen { last_read_at }, State::DeletionGrace) if self.progress.last_read_at.is_none() => {
                self.ensure_its_time_has_come(self.grace_is_over(now))?;
                self.progress.last_read_at = Some(*last_read_at);
            }
            (Transition::GoneConfirmed, State::DeletionGrace) => {
                self.progress.gone_at = Some(now);
                self.proceed(now);
            }
            (Transition::ReinviteDispatched, State::DeletionGrace) => {
                let invites = self.direction == Direction::Returning && self.terms.reinvite;
                self.ensure_its_time_has_come(invites && self.progress.gone_at.is_some() && self.grace_is_over(now))?;
                self.progress.reinvite_dispatched_at = Some(now);
            }
            (Transition::Reinvited, State::DeletionGrace) => self.state = State::Restored,
            _ => return Err(self.forbid("moved by a result of a call", "it is not waiting for that")),
        }
        Ok(())
    }

    fn grace_is_over(&self, now: Timestamp) -> bool {
        self.progress.grace_ends_at.is_some_and(|at| now >= at)
    }

    /// The last check of "nothing happens early": a call that was postponed after its dispatch is not made again.
    fn ensure_its_time_has_come(&self, it_has: bool) -> Result<(), InvalidTransition> {
        if it_has { Ok(()) } else { Err(self.forbid("carried out", "its time has not come")) }
    }
}
