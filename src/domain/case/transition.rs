//! What can happen to a case.

use jiff::Timestamp;

use super::{Attention, Demand, Hold, Stage, StateName};

/// What happened to a case: time, the far side, an event, or an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// The job that it wanted has fallen due and is being worked on.
    Due,

    /// The revoke call is about to be made.
    RevokeDispatched,
    /// A read said that access is gone.
    RevokeConfirmed,
    /// A call that takes the person out of one organization, service desk or request is about to be made.
    DetachDispatched,
    /// That call was answered; another one may follow.
    DetachCallDone,
    /// The person left what the terms name.
    Detached,
    /// The delete call is about to be made.
    DeletionDispatched,
    /// Atlassian accepted the deletion, or the account was gone.
    DeletionAccepted {
        /// When the deletion grace is over.
        grace_ends_at: Timestamp,
    },
    /// A read at the end of the grace said that the account is gone; there is one more look to come.
    GoneSeen {
        /// When.
        last_look_at: Timestamp,
    },
    /// The last look said that the account is gone.
    GoneConfirmed,
    /// A read said that a deed was not done after all: its answer had been lost, and it was stopped or put off since.
    NotDone,
    /// The invitation is about to be sent.
    ReinviteDispatched,
    /// A read said that access is there again.
    GrantSeen,
    /// The person was invited anew.
    Reinvited,
    /// Nobody has the address, now and when looked for again.
    AccountMissing,
    /// The call must wait for a human.
    Withheld(Hold),
    /// Only a human can decide.
    AttentionNeeded(Attention),

    /// The person left, or will leave; or left again.
    Departed(Demand),
    /// The departure was taken back, or the person came back.
    Stopped,
    /// The person asked for erasure.
    ErasureRequested(Demand),

    /// An operator cancelled it.
    Cancelled,
    /// An operator holds it.
    Held,
    /// An operator let it go on.
    Released {
        /// Whether the daemon carries out what it plans; in observe mode nothing is released.
        enforce: bool,
    },
    /// The source's brake was released.
    BrakeReleased,
    /// An approver approves an action.
    Approved {
        /// The name of the admin token.
        by: String,
        /// The action.
        stage: Stage,
        /// The keyed hash of the account, if it is known.
        account: Option<String>,
    },
    /// An approver takes an approval back.
    Withdrawn {
        /// The name of the admin token.
        by: String,
        /// The action.
        stage: Stage,
    },
    /// An operator wants it tried again now.
    Retried,
    /// An operator settled it by hand.
    Resolved,
}

impl Transition {
    /// Whether it changes nothing when it happens again: an operator's action that took effect.
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
            | Self::Cancelled
            | Self::Released { .. }
            | Self::BrakeReleased
            | Self::Retried
            | Self::Resolved => false,
        }
    }

    /// The word for it in journal and history.
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
    /// Revoke access.
    Revoke,
    /// Leave one organization, service desk or request.
    Detach,
    /// Delete the account.
    Delete,
    /// Invite the person again.
    Reinvite,
}

impl Change {
    /// What the terms may require approvals for. The other changes follow from an approved one or undo it.
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

/// Why something cannot happen to a case as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransition {
    /// The state forbids it.
    #[error("a case in state `{state}` cannot be {what}: {why}")]
    Forbidden {
        /// Where the case stands.
        state: StateName,
        /// What was wanted, as a participle.
        what: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// The requester's own request.
    #[error("your own request has to be approved by somebody else")]
    OwnRequest,
}
