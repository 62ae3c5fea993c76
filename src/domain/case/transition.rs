//! The transitions of a case.

use jiff::Timestamp;

use super::approval::Stage;
use super::attention::Attention;
use super::demand::{Demand, EndedDemands};
use super::state::{Hold, StateName};
use crate::domain::ids::SourceName;

/// What changes a case: time, a result of the worker, an event, or an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// The job that the case wanted has fallen due and is in progress.
    Due,

    /// The revoke call is about to be made.
    RevokeDispatched,
    /// A read confirmed that access is gone.
    RevokeConfirmed,
    /// A call that takes the person out of one organization, service desk or request is about to be made.
    DetachDispatched,
    /// That call returned; another one may follow.
    DetachCallDone,
    /// The person left what the terms name.
    Detached,
    /// The delete call is about to be made.
    DeletionDispatched,
    /// Atlassian accepted the deletion, or the account was gone.
    DeletionAccepted {
        /// The end of the deletion grace.
        grace_ends_at: Timestamp,
    },
    /// A read at the end of the grace found no account. One more read follows.
    GoneSeen {
        /// The time of the last read.
        last_read_at: Timestamp,
    },
    /// The last read found no account.
    GoneConfirmed,
    /// A read showed that a call without a known outcome did not take effect, and the case was stopped or postponed since.
    NotDone,
    /// The invitation is about to be sent.
    ReinviteDispatched,
    /// A read showed that access was granted again.
    GrantSeen,
    /// The person was invited again.
    Reinvited,
    /// No account has the email address, after all reads.
    AccountMissing,
    /// The call must wait for a human.
    Withheld(Hold),
    /// Only a human can decide.
    AttentionNeeded(Attention),

    /// The person left, will leave, or left again.
    Departed(Demand),
    /// The departure was cancelled, or the person returned.
    Stopped,
    /// The person requested erasure.
    ErasureRequested(Demand),
    /// A source took back some of its demands. The other demands of the case continue.
    DemandsEnded {
        /// The source.
        source: SourceName,
        /// Which of its demands.
        ended: EndedDemands,
    },

    /// An operator cancelled the case.
    Cancelled,
    /// An operator held the case.
    Held,
    /// An operator released the case.
    Released {
        /// Whether the daemon runs in enforce mode; in observe mode nothing is released.
        enforce: bool,
    },
    /// The source's brake was released.
    BrakeReleased,
    /// An approver approved an action.
    Approved {
        /// The name of the admin token.
        by: String,
        stage: Stage,
        /// The keyed hash of the account, if it is known.
        account: Option<String>,
    },
    /// An approver withdrew an approval.
    Withdrawn {
        /// The name of the admin token.
        by: String,
        stage: Stage,
    },
    /// An operator requested another attempt now.
    Retried,
    /// An operator closed a case that was handled manually.
    Resolved,
}

impl Transition {
    /// Whether a repetition changes nothing: an operator's action that took effect.
    pub const fn is_idempotent(&self) -> bool {
        match self {
            Self::Approved { .. } | Self::Withdrawn { .. } | Self::Held => true,
            Self::Due
            | Self::RevokeDispatched
            | Self::RevokeConfirmed
            | Self::DetachDispatched
            | Self::DetachCallDone
            | Self::Detached
            | Self::DeletionDispatched
            | Self::DeletionAccepted { .. }
            | Self::GoneSeen { .. }
            | Self::GoneConfirmed
            | Self::NotDone
            | Self::ReinviteDispatched
            | Self::GrantSeen
            | Self::Reinvited
            | Self::AccountMissing
            | Self::Withheld(_)
            | Self::AttentionNeeded(_)
            | Self::Departed { .. }
            | Self::Stopped
            | Self::ErasureRequested { .. }
            | Self::DemandsEnded { .. }
            | Self::Cancelled
            | Self::Released { .. }
            | Self::BrakeReleased
            | Self::Retried
            | Self::Resolved => false,
        }
    }

    /// The kind of the journal entry.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::RevokeDispatched => "revoke_dispatched",
            Self::RevokeConfirmed => "revoke_confirmed",
            Self::DetachDispatched => "detach_dispatched",
            Self::DetachCallDone => "detach_call_done",
            Self::Detached => "detached",
            Self::DeletionDispatched => "deletion_dispatched",
            Self::DeletionAccepted { .. } => "deletion_accepted",
            Self::GoneSeen { .. } => "gone_seen",
            Self::GoneConfirmed => "gone_confirmed",
            Self::NotDone => "not_done",
            Self::ReinviteDispatched => "reinvite_dispatched",
            Self::GrantSeen => "grant_seen",
            Self::Reinvited => "reinvited",
            Self::AccountMissing => "account_missing",
            Self::Withheld(_) => "withheld",
            Self::AttentionNeeded(_) => "attention_needed",
            Self::Departed(_) => "departed",
            Self::Stopped => "stopped",
            Self::ErasureRequested(_) => "erasure_requested",
            Self::DemandsEnded { .. } => "demands_ended",
            Self::Cancelled => "cancelled",
            Self::Held => "held",
            Self::Released { .. } => "released",
            Self::BrakeReleased => "brake_released",
            Self::Approved { .. } => "approved",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Retried => "retried",
            Self::Resolved => "resolved",
        }
    }
}

/// A kind of call that changes something at Atlassian. Each passes the same gate right before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    Revoke,
    /// Leaves one organization, service desk or request.
    Detach,
    Delete,
    /// Invites the person again.
    Reinvite,
}

impl Change {
    /// The action that people may have to approve. The other changes follow from an approved one or undo it.
    pub const fn stage(self) -> Option<Stage> {
        match self {
            Self::Revoke => Some(Stage::Revoke),
            Self::Delete => Some(Stage::Delete),
            Self::Detach | Self::Reinvite => None,
        }
    }

    /// The intent, as it is recorded before the call.
    pub const fn dispatched(self) -> Transition {
        match self {
            Self::Revoke => Transition::RevokeDispatched,
            Self::Detach => Transition::DetachDispatched,
            Self::Delete => Transition::DeletionDispatched,
            Self::Reinvite => Transition::ReinviteDispatched,
        }
    }
}

/// Why the state of a case does not allow a transition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransition {
    #[error("a case in state `{state}` cannot be {what}: {why}")]
    Forbidden {
        state: StateName,
        /// The transition, as a participle.
        what: &'static str,
        why: &'static str,
    },
    /// The operator requested the case that they approve.
    #[error("an operator cannot approve their own request")]
    OwnRequest,
}
