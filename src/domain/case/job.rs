//! The jobs of a case.

use jiff::Timestamp;

use crate::domain::named;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    /// Finds the account, revokes its access, reads back.
    Revoke,
    /// Takes the person out of organizations, service desks and open requests.
    Detach,
    /// Deletes the account, reads back.
    Delete,
    /// Reads only: is the account gone?
    Verify,
    /// Reads only: was access granted again?
    Restore,
    /// Invites the person again after the deletion grace.
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
    /// Whether jobs of this kind have slots of their own at each site. A revoke never waits behind slow deletions, nor
    /// behind the many reads that poll for a grant.
    pub const fn is_urgent(self) -> bool {
        match self {
            Self::Revoke => true,
            Self::Detach | Self::Delete | Self::Verify | Self::Restore | Self::Reinvite => false,
        }
    }
}

/// The job that a state requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedJob {
    pub kind: JobKind,
    /// The earliest time of the first attempt.
    pub due_at: Timestamp,
}
