//! The states of a case.

use super::attention::Attention;
use crate::domain::named;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waits for the effective time.
    Scheduled,
    /// Waits for a human.
    Held(Hold),
    /// A revoke job is queued or in progress.
    Revoking,
    /// Access is gone. The case waits out the local grace if the terms delete, else it rests here.
    Revoked,
    /// A delete job is queued or in progress.
    Deleting,
    /// Atlassian accepted the deletion, and its grace runs.
    DeletionGrace,
    /// Closed: verified gone after the grace.
    Erased,
    /// Stopped after a revoke: waits until access is granted again. Deletion is off.
    Restoring,
    /// Closed: the person has access again.
    Restored,
    /// Closed by a stop or by an operator.
    Cancelled,
    /// Closed: no account has the email address.
    NoAccount,
    /// Waits for a decision that only a human can make.
    NeedsAttention(Attention),
}

/// [`State`] without its data, as JSON, database and metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StateName {
    Scheduled,
    Held,
    Revoking,
    Revoked,
    Deleting,
    DeletionGrace,
    Erased,
    Restoring,
    Restored,
    Cancelled,
    NoAccount,
    NeedsAttention,
}

named!(StateName {
    Scheduled = "scheduled",
    Held = "held",
    Revoking = "revoking",
    Revoked = "revoked",
    Deleting = "deleting",
    DeletionGrace = "deletion_grace",
    Erased = "erased",
    Restoring = "restoring",
    Restored = "restored",
    Cancelled = "cancelled",
    NoAccount = "no_account",
    NeedsAttention = "needs_attention",
});

/// What a held case waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hold {
    /// The daemon runs in observe mode.
    Observe,
    /// The terms require approvals that are missing.
    Approval,
    /// The source's brake tripped.
    Brake,
    /// An operator held the case.
    Hold,
}

named!(Hold { Observe = "observe", Approval = "approval", Brake = "brake", Hold = "hold" });

impl StateName {
    /// Whether no transition leaves this state.
    pub const fn is_closed(self) -> bool {
        match self {
            Self::Erased | Self::Restored | Self::Cancelled | Self::NoAccount => true,
            Self::Scheduled
            | Self::Held
            | Self::Revoking
            | Self::Revoked
            | Self::Deleting
            | Self::DeletionGrace
            | Self::Restoring
            | Self::NeedsAttention => false,
        }
    }
}

impl State {
    pub const fn name(&self) -> StateName {
        match self {
            Self::Scheduled => StateName::Scheduled,
            Self::Held(_) => StateName::Held,
            Self::Revoking => StateName::Revoking,
            Self::Revoked => StateName::Revoked,
            Self::Deleting => StateName::Deleting,
            Self::DeletionGrace => StateName::DeletionGrace,
            Self::Erased => StateName::Erased,
            Self::Restoring => StateName::Restoring,
            Self::Restored => StateName::Restored,
            Self::Cancelled => StateName::Cancelled,
            Self::NoAccount => StateName::NoAccount,
            Self::NeedsAttention(_) => StateName::NeedsAttention,
        }
    }
}
