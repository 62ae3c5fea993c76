//! What was done to the account of a case.

use jiff::{SignedDuration, Timestamp};

use super::job::JobKind;

/// What was done to the account. A *dispatched* time is written before the call, every other one after a read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The revoke may have taken effect.
    pub revoke_dispatched_at: Option<Timestamp>,
    /// A read confirmed that access is gone.
    pub revoked_at: Option<Timestamp>,
    /// The person left what the terms name.
    pub detached_at: Option<Timestamp>,
    /// The deletion may have taken effect.
    pub deletion_dispatched_at: Option<Timestamp>,
    /// Atlassian accepted the deletion, or the account was gone.
    pub deletion_requested_at: Option<Timestamp>,
    /// The end of Atlassian's deletion grace.
    pub grace_ends_at: Option<Timestamp>,
    /// A read at the end of the grace found no account. The last read before the case closes is due at this time: a closed
    /// case keeps no personal data, so that nothing could be read later.
    pub last_read_at: Option<Timestamp>,
    /// The last read found no account.
    pub gone_at: Option<Timestamp>,
    /// The invitation may have been sent.
    pub reinvite_dispatched_at: Option<Timestamp>,
}

impl Progress {
    /// Until when a revoke without a known outcome may still take effect. `window` is how long after its dispatch a call may
    /// take effect; before its end no read proves that the revoke failed.
    pub fn revoke_open_until(&self, window: SignedDuration) -> Option<Timestamp> {
        let dispatched_at = self.revoke_dispatched_at.filter(|_| self.revoked_at.is_none())?;
        Some(dispatched_at.saturating_add(window).unwrap_or(Timestamp::MAX))
    }

    /// [`Self::revoke_open_until`] for the deletion.
    pub fn deletion_open_until(&self, window: SignedDuration) -> Option<Timestamp> {
        let dispatched_at = self.deletion_dispatched_at.filter(|_| self.deletion_requested_at.is_none())?;
        Some(dispatched_at.saturating_add(window).unwrap_or(Timestamp::MAX))
    }

    /// Records that a call of this kind of job ended at `now` without a known outcome: the window in which it may take effect
    /// begins again.
    pub fn ended_without_outcome(&mut self, kind: JobKind, now: Timestamp) {
        let dispatched_at = match kind {
            JobKind::Revoke => &mut self.revoke_dispatched_at,
            JobKind::Delete => &mut self.deletion_dispatched_at,
            JobKind::Detach | JobKind::Verify | JobKind::Restore | JobKind::Reinvite => return,
        };
        if let Some(at) = dispatched_at {
            *at = now.max(*at);
        }
    }
}
