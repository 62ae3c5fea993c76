//! The data of a case.

use jiff::Timestamp;

use super::approval::Approval;
use super::demand::Demand;
use super::progress::Progress;
use super::state::{Hold, State};
use super::terms::Terms;
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::named;

/// The offboarding of one person on one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The pseudonym of the person in logs and journal.
    pub id: CaseId,
    pub site: SiteName,
    /// The source whose event opened the case; `None` for an operator's own request.
    pub source: Option<SourceName>,
    pub terms: Terms,
    /// What sources and operators demand. Action and dates follow from all demands.
    pub demands: Vec<Demand>,
    pub direction: Direction,
    /// No call is made before this time, the earliest of all demands.
    pub effective_at: Timestamp,
    pub progress: Progress,
    pub approvals: Vec<Approval>,
    /// An operator holds the person: no event of a source lifts the hold.
    pub on_hold: bool,
    pub state: State,
    /// When the case entered its state.
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards revoke and deletion.
    Leaving,
    /// Stopped: back to the state before the case.
    Returning,
}

named!(Direction { Leaving = "leaving", Returning = "returning" });

impl Case {
    /// When the case was closed.
    pub fn closed_at(&self) -> Option<Timestamp> {
        self.state.name().is_closed().then_some(self.since)
    }

    /// Whether a departure or an erasure request of this source stands behind the case, not only a changed address.
    pub fn is_demanded_for_leaving(&self, source: &SourceName) -> bool {
        self.demands.iter().any(|demand| demand.source.as_ref() == Some(source) && demand.is_for_leaving())
    }

    /// Whether this source reported that the address of the case is a former one.
    pub fn is_demanded_for_former_address(&self, source: &SourceName) -> bool {
        self.demands.iter().any(|demand| demand.source.as_ref() == Some(source) && !demand.is_for_leaving())
    }

    /// Whether this source contributed to the case.
    pub fn is_demanded_by(&self, source: &SourceName) -> bool {
        self.demands.iter().any(|demand| demand.source.as_ref() == Some(source))
    }

    /// The case as an operator's hold on its person keeps it.
    #[must_use]
    pub fn with_hold(mut self) -> Self {
        if self.on_hold && self.may_change_the_account() {
            self.state = State::Held(Hold::Hold);
        }
        self
    }

    /// Whether the state results in a call that changes the account.
    fn may_change_the_account(&self) -> bool {
        match self.state {
            State::Scheduled | State::Held(_) | State::Revoking | State::Revoked => true,
            State::Deleting => self.direction == Direction::Leaving,
            // The person returned too late and is invited again.
            State::DeletionGrace => self.direction == Direction::Returning && self.progress.gone_at.is_some(),
            State::Erased
            | State::Restoring
            | State::Restored
            | State::Cancelled
            | State::NoAccount
            | State::NeedsAttention(_) => false,
        }
    }

    /// The first rule that the fields contradict, whatever the rows of the case say.
    pub fn contradiction(&self) -> Option<&'static str> {
        use super::state::StateName as Name;
        let progress = &self.progress;
        let rules = [
            (Name::Revoked, progress.revoked_at.is_some(), "revoked without a time of revocation"),
            (Name::DeletionGrace, progress.grace_ends_at.is_some(), "in deletion grace without an end of it"),
            (Name::DeletionGrace, progress.deletion_requested_at.is_some(), "in deletion grace without a deletion"),
            (Name::Restoring, self.direction == Direction::Returning, "restoring, but leaving"),
            (Name::Erased, progress.gone_at.is_some(), "erased without a read that confirmed it"),
            (Name::Scheduled, !self.demands.is_empty(), "scheduled without a demand"),
        ];
        let broken = rules.into_iter().find(|(state, holds, _)| *state == self.state.name() && !holds);
        broken.map(|(_, _, what)| what)
    }
}
