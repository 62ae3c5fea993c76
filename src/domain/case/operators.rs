//! What operators do to a case: cancel, hold, release, retry, resolve.
//!
//! An operator's hold applies to the person: `on_hold` survives every transition except an operator's release or cancel.
//! The store copies it to each new case of the same person.

use jiff::Timestamp;

use super::attention::AttentionReason;
use super::offboarding::{Case, Direction};
use super::progress::Progress;
use super::state::{Hold, State};
use super::transition::InvalidTransition;

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a state that is not named here rejects the operator's action, or is stopped like most states"
)]
impl Case {
    pub(super) fn cancel(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        self.on_hold = false;
        match self.state {
            State::DeletionGrace => {
                Err(self.forbid("cancelled", "Atlassian accepted the deletion, which cannot be undone"))
            }
            State::Restoring => {
                self.state = State::Cancelled;
                Ok(())
            }
            _ => self.stop(now),
        }
    }

    pub(super) fn hold(&mut self) -> Result<(), InvalidTransition> {
        match self.state {
            State::Scheduled
            | State::Held(_)
            | State::Revoking
            | State::Revoked
            | State::Deleting
            | State::Restoring
            | State::NeedsAttention(_) => self.on_hold = true,
            State::DeletionGrace if self.direction == Direction::Returning => self.on_hold = true,
            State::DeletionGrace => {
                return Err(self.forbid("held", "Atlassian accepted the deletion, which cannot be undone"));
            }
            State::Erased | State::Restored | State::Cancelled | State::NoAccount => {
                return Err(self.forbid("held", "it is closed"));
            }
        }
        Ok(())
    }

    pub(super) fn release(&mut self, enforce: bool, now: Timestamp) -> Result<(), InvalidTransition> {
        match self.state {
            _ if self.on_hold && !matches!(self.state, State::Held(_)) => {
                // Another question waits for a human, or the case is closed: only the hold on the person ends.
                self.on_hold = false;
                return Ok(());
            }
            State::Held(Hold::Hold) => self.on_hold = false,
            State::Held(Hold::Observe) if enforce => {}
            State::Held(Hold::Observe) => {
                return Err(self.forbid("released", "the daemon only observes: set mode = \"enforce\" first"));
            }
            State::Held(Hold::Approval) => return Err(self.forbid("released", "it waits for approval: approve it")),
            State::Held(Hold::Brake) => {
                return Err(self.forbid("released", "a brake holds it: release the source"));
            }
            _ => return Err(self.forbid("released", "it is not held")),
        }
        self.proceed(now);
        Ok(())
    }

    pub(super) fn release_brake(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        if self.state != State::Held(Hold::Brake) {
            return Err(self.forbid("released", "no brake holds it"));
        }
        self.proceed(now);
        Ok(())
    }

    pub(super) fn retry(&mut self, now: Timestamp) -> Result<(), InvalidTransition> {
        match &self.state {
            State::NeedsAttention(attention) => {
                if attention.reason == AttentionReason::Regranted {
                    // Access was granted by hand, and the operator insists: it is revoked again, and the grace restarts.
                    self.progress = Progress::default();
                }
                self.proceed(now);
                Ok(())
            }
            // The store makes the queued job due now; the state stays.
            State::Revoking | State::Deleting | State::Restoring => Ok(()),
            State::Revoked if self.has_to_detach() => Ok(()),
            // A read or an invitation whose time has come.
            State::DeletionGrace if self.job_wanted().is_some_and(|wanted| wanted.due_at <= now) => Ok(()),
            _ => Err(self.forbid("retried", "nothing failed")),
        }
    }

    pub(super) fn resolve(&mut self) -> Result<(), InvalidTransition> {
        self.state = match &self.state {
            State::Restoring => State::Restored,
            State::NeedsAttention(attention) if attention.reason == AttentionReason::GrantNeeded => State::Restored,
            State::NeedsAttention(_) => State::Cancelled,
            _ => return Err(self.forbid("resolved", "it does not wait for a human's decision")),
        };
        Ok(())
    }
}
