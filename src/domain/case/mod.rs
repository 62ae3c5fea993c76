//! A case: the offboarding of one person on one site, and the rules by which it moves.
//!
//! ```text
//!                    departure_cancelled, returned, cancel (nothing done yet) ──▶ cancelled
//!                                          │
//!  scheduled ──time──▶ revoking ──read-back──▶ revoked ──time──▶ deleting ──read-back──▶ deletion_grace ──time, read──▶ erased
//!      ▲                  │  │                    │                 │                         │
//!      │                  │  └─ not found ─▶ no_account             │                         └─ came back, reinvite ─▶ restored
//!    release              │                       │                 │
//!    approve ── held ◀────┴───────────────────────┴─────────────────┤ (observe, approval, brake, hold)
//!                                                                   │
//!  returned, cancelled, cancel after the revoke ─▶ restoring ──somebody grants──▶ restored
//!  what only a human can decide ─▶ needs_attention ──retry──▶ where its progress says that it stands
//! ```
//!
//! Two ideas keep this small:
//!
//! * **Progress, not stages.** What was done to the account is written down once ([`Progress`]); where a case stands follows from
//!   its progress, its terms, its direction and the time ([`Case::proceed`]). Release, retry and a stop all end there, so none of
//!   them can resume at the wrong place.
//! * **The queue is derived.** Each state says which job it wants and when ([`Case::job_wanted`]); the store writes that job
//!   in the transaction that writes the state.
//!
//! A call whose answer was lost may have been carried out. *Asked* is therefore written down before the call and *done*
//! after a read, and everything between the two counts as "may be done".

mod approvals;
mod demand;
mod machine;
mod rules;
mod transition;

#[cfg(test)]
mod diagram;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::approvals::{Approval, Escalation};
pub use self::demand::{Cause, Demand};
pub use self::transition::{Change, InvalidTransition, Transition};
use super::guard::GuardViolation;
use super::ids::{CaseId, PolicyName, SiteName, SourceName};
use super::named;
use super::policy::{Action, Approvals, Detach, Policy};

/// The offboarding of one person on one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id, and the person's pseudonym in logs and journal.
    pub id: CaseId,
    /// Where.
    pub site: SiteName,
    /// Whose event opened it; `None` for an operator's own request.
    pub source: Option<SourceName>,
    /// What was agreed when it was opened, made stricter by later demands. Later changes of the policy do not touch it.
    pub terms: Terms,
    /// What sources and operators demand; action and dates follow from all of them.
    pub demands: Vec<Demand>,
    /// Which way it goes.
    pub direction: Direction,
    /// No call is made before: the earliest date of all demands.
    pub effective_at: Timestamp,
    /// What was done.
    pub progress: Progress,
    /// Who approved what.
    pub approvals: Vec<Approval>,
    /// An operator holds the person: no event of a source lifts it.
    pub on_hold: bool,
    /// Where it stands.
    pub state: State,
    /// Since when it stands there.
    pub since: Timestamp,
}

/// What was agreed when a case was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What it leads to.
    pub action: Action,
    /// The wait between the revoke and the deletion.
    pub local_grace: SignedDuration,
    /// How many different people must approve.
    pub approvals: Approvals,
    /// What else the person leaves.
    pub detach: Vec<Detach>,
    /// Whether a person who came back too late is invited anew.
    pub reinvite: bool,
    /// The name of the operator whose request it is; this one cannot approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The policy that an operator's request named or got; `None` where a source's policy applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
}

impl Terms {
    /// The terms of `policy` for an event that leads to `action`.
    pub fn of(policy: &Policy, action: Action) -> Self {
        Self {
            action,
            local_grace: policy.local_grace,
            approvals: policy.approvals,
            detach: policy.detach.clone(),
            reinvite: policy.reinvite,
            requested_by: None,
            policy: None,
        }
    }
}

/// Which way a case goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards revoking and deleting.
    Leaving,
    /// Stopped: towards the state before.
    Returning,
}

named!(Direction { Leaving = "leaving", Returning = "returning" });

/// What was done to the account. *Asked* is written before the call, the rest after a read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The revoke may have been carried out.
    pub revoke_dispatched_at: Option<Timestamp>,
    /// A read said that access is gone.
    pub revoked_at: Option<Timestamp>,
    /// The person left organizations, service desks and requests as far as the terms say.
    pub detached_at: Option<Timestamp>,
    /// The deletion may have been carried out.
    pub deletion_dispatched_at: Option<Timestamp>,
    /// Atlassian accepted the deletion, or the account was gone.
    pub deletion_requested_at: Option<Timestamp>,
    /// Atlassian's deletion grace ends then.
    pub grace_ends_at: Option<Timestamp>,
    /// A read at the end of the grace said that the account is gone, and one more look is due then, before the case
    /// closes: a closed case is forgotten, so that nobody could look any more.
    pub last_look_at: Option<Timestamp>,
    /// The last look said that the account is gone.
    pub gone_at: Option<Timestamp>,
    /// The invitation may have been sent.
    pub reinvite_dispatched_at: Option<Timestamp>,
}

impl Progress {
    /// Until when a revoke without a known outcome may still take effect, if there is one. `window` is how long a call may
    /// take effect after it was asked for. Before that instant no read proves that the revoke was not carried out.
    pub fn revoke_open_until(&self, window: SignedDuration) -> Option<Timestamp> {
        let asked_at = self.revoke_dispatched_at.filter(|_| self.revoked_at.is_none())?;
        Some(asked_at.saturating_add(window).unwrap_or(Timestamp::MAX))
    }

    /// The same of a deletion.
    pub fn deletion_open_until(&self, window: SignedDuration) -> Option<Timestamp> {
        let asked_at = self.deletion_dispatched_at.filter(|_| self.deletion_requested_at.is_none())?;
        Some(asked_at.saturating_add(window).unwrap_or(Timestamp::MAX))
    }

    /// A call of this kind of job ended at `now` without a known outcome: from then on it may still take effect for a while.
    pub fn ended_without_outcome(&mut self, kind: JobKind, now: Timestamp) {
        let asked_at = match kind {
            JobKind::Revoke => &mut self.revoke_dispatched_at,
            JobKind::Delete => &mut self.deletion_dispatched_at,
            JobKind::Detach | JobKind::Verify | JobKind::Restore | JobKind::Reinvite => return,
        };
        if let Some(at) = asked_at {
            *at = now.max(*at);
        }
    }
}

/// A deed that changes the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Taking access away.
    Revoke,
    /// Deleting the account.
    Delete,
}

named!(Stage { Revoke = "revoke", Delete = "delete" });

/// Where a case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waiting for the effective time.
    Scheduled,
    /// Waiting for a human.
    Held(Hold),
    /// A revoke job is queued or under way.
    Revoking,
    /// Access is gone; waits out the local grace if the terms delete, else it rests here.
    Revoked,
    /// A delete job is queued or under way.
    Deleting,
    /// Atlassian accepted the deletion; its grace runs.
    DeletionGrace,
    /// Closed: verified gone after the grace.
    Erased,
    /// Stopped after a revoke: waits until somebody grants access again. Deletion is off.
    Restoring,
    /// Closed: access is there again.
    Restored,
    /// Closed: nothing more will be done.
    Cancelled,
    /// Closed: there was no account.
    NoAccount,
    /// Something that only a human can decide.
    NeedsAttention(Attention),
}

/// [`State`] without what belongs to it: the word in JSON, database and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is documented at `State`")]
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

impl StateName {
    /// Whether nothing follows any more.
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
    /// The word for it.
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

/// What a held case waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hold {
    /// The daemon only observes.
    Observe,
    /// People have to approve.
    Approval,
    /// The source's brake tripped.
    Brake,
    /// An operator held it.
    Hold,
}

named!(Hold { Observe = "observe", Approval = "approval", Brake = "brake", Hold = "hold" });

/// Why a human is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// In one word.
    pub reason: AttentionReason,
    /// In a sentence, without personal data.
    pub detail: String,
}

/// Why a human is needed, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the first six are documented at `GuardViolation`; the others below")]
pub enum AttentionReason {
    AmbiguousAccount,
    NotACustomer,
    Protected,
    AddressUnconfirmed,
    Regranted,
    AddressChanged,
    /// Access has to be granted again by hand: there is no API for it.
    GrantNeeded,
    /// Atlassian refused the call in a way that will not pass by itself.
    Refused,
    /// It was tried for as long as the settings allow.
    RetriesExhausted,
    /// The source gave no address, and none is known.
    NoEmail,
    /// Another source than the one that opened the case reports that the person is here.
    SourcesDisagree,
    /// A body that arrived before arrived again after something else took effect, and no signed time proves it news.
    Repeated,
}

named!(AttentionReason {
    AmbiguousAccount = "ambiguous_account",
    NotACustomer = "not_a_customer",
    Protected = "protected",
    AddressUnconfirmed = "address_unconfirmed",
    Regranted = "regranted",
    AddressChanged = "address_changed",
    GrantNeeded = "grant_needed",
    Refused = "refused",
    RetriesExhausted = "retries_exhausted",
    NoEmail = "no_email",
    SourcesDisagree = "sources_disagree",
    Repeated = "repeated",
});

impl From<GuardViolation> for Attention {
    fn from(violation: GuardViolation) -> Self {
        let reason = match violation {
            GuardViolation::AmbiguousAccount => AttentionReason::AmbiguousAccount,
            GuardViolation::NotACustomer => AttentionReason::NotACustomer,
            GuardViolation::Protected => AttentionReason::Protected,
            GuardViolation::AddressUnconfirmed => AttentionReason::AddressUnconfirmed,
            GuardViolation::AddressChanged => AttentionReason::AddressChanged,
            GuardViolation::Regranted => AttentionReason::Regranted,
        };
        Self { reason, detail: violation.explain().to_owned() }
    }
}

impl Attention {
    /// The source gave no address, and none is known.
    pub fn no_email() -> Self {
        Self {
            reason: AttentionReason::NoEmail,
            detail: "the source gave no address and none is known for this person: retry when one is".to_owned(),
        }
    }

    /// An event that may be a recording of an earlier one.
    pub fn repeated() -> Self {
        Self {
            reason: AttentionReason::Repeated,
            detail: "the source sent the same body as before, something else about this person took effect since, and no \
                     signed time proves that it is news: a second departure, or a recording that is sent again. Retry if \
                     the person leaves, else cancel"
                .to_owned(),
        }
    }

    /// The customer account is gone, and an active Atlassian account has its address.
    pub fn migrated() -> Self {
        Self {
            reason: AttentionReason::NotACustomer,
            detail: "the customer account is gone and an active Atlassian account has the same address: it was migrated, not \
                     erased. Atlassian accounts are managed in the organization's directory"
                .to_owned(),
        }
    }

    /// Nobody has the address, but the person had another one before.
    pub fn renamed(found: bool) -> Self {
        let account = if found {
            "an account has an address that this person had before"
        } else {
            "no account has an address that this person had before either"
        };
        Self {
            reason: AttentionReason::AddressChanged,
            detail: format!(
                "nobody has the address of the departure, and {account}: open a case for the earlier address if that is the \
                 leaver's account, then resolve this one, else cancel it"
            ),
        }
    }

    /// Nobody is seen with the address, where many hide theirs.
    pub fn hidden_addresses(hidden: usize, customers: usize) -> Self {
        Self {
            reason: AttentionReason::AddressUnconfirmed,
            detail: format!(
                "no account shows this address, but {hidden} of the site's {customers} customers hide theirs from our \
                 credentials: the scope read:email-address:jira shows them. Retry after that, or look the address up in the \
                 administration"
            ),
        }
    }

    /// The source knows the address under another person id as well.
    pub fn shared_address() -> Self {
        Self {
            reason: AttentionReason::AddressUnconfirmed,
            detail: "the source knows this address under another person id as well, of somebody who has not left: a \
                     duplicate record was deleted, or two people share a mailbox. Retry if the account of this address is to \
                     go all the same, else cancel"
                .to_owned(),
        }
    }

    /// Of the address that became known, a newer stop is known.
    pub fn address_stopped() -> Self {
        Self {
            reason: AttentionReason::AddressUnconfirmed,
            detail:
                "the address that became known for this person was reported since as of somebody who is here, or an \
                     operator stopped its case. Retry if the account of this address is to go all the same, else cancel"
                    .to_owned(),
        }
    }

    /// A newer record of the source has the address and has not left.
    pub fn address_in_use() -> Self {
        Self {
            reason: AttentionReason::AddressUnconfirmed,
            detail:
                "the source reported after the departure that somebody who has not left has this address. Retry if the \
                     account of this address is to go all the same, else cancel"
                    .to_owned(),
        }
    }

    /// Another source than the one that opened the case reported a return.
    pub fn sources_disagree() -> Self {
        Self {
            reason: AttentionReason::SourcesDisagree,
            detail: "another source than the one that opened this case reports that the person is here. Retry if the person \
                     has left all the same, else cancel"
                .to_owned(),
        }
    }

    /// What somebody has to click, because there is no API for it (Atlassian's support pages on portal-only customers).
    pub fn grant_needed() -> Self {
        Self {
            reason: AttentionReason::GrantNeeded,
            detail: "grant access again by hand: admin.atlassian.com → Apps → the site → Jira Service Management → \
                     Portal-only customers → ⋯ → Grant access; it is noticed by itself"
                .to_owned(),
        }
    }
}

/// A kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    /// Find the account, take its access away, read back.
    Revoke,
    /// Leave organizations, service desks and open requests.
    Detach,
    /// Delete the account, read back.
    Delete,
    /// Only read: is it gone?
    Verify,
    /// Only read: was access granted again?
    Restore,
    /// Invite anew after the deletion grace.
    Reinvite,
}

named!(JobKind {
    Revoke = "revoke",
    Detach = "detach",
    Delete = "delete",
    Verify = "verify",
    Restore = "restore",
    Reinvite = "reinvite",
});

impl JobKind {
    /// Whether it takes access away or gives it back: that is never kept waiting by a deletion.
    pub const fn is_urgent(self) -> bool {
        match self {
            Self::Revoke | Self::Restore => true,
            Self::Detach | Self::Delete | Self::Verify | Self::Reinvite => false,
        }
    }
}

/// The job that a state wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedJob {
    /// What to do.
    pub kind: JobKind,
    /// When, at the earliest.
    pub due_at: Timestamp,
}
