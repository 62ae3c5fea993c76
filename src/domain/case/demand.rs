//! What one source or one operator demands of a case.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::deadline::ErasureDeadline;
use super::terms::Terms;
use crate::domain::ids::SourceName;
use crate::domain::named;
use crate::domain::policy::{Action, Approvals, Detach};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The source that reported it; `None` for an operator's own request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    pub cause: Cause,
    pub action: Action,
    /// No call is made before this time, in whole milliseconds.
    pub effective_at: Timestamp,
    /// The wait between the revoke and the deletion.
    pub local_grace: SignedDuration,
    /// How many different people must approve.
    pub approvals: Approvals,
    /// What the person leaves besides the site.
    pub detach: Vec<Detach>,
    /// By when it must be carried out, if it is a request for erasure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<ErasureDeadline>,
}

/// The kind of event behind a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The person left or will leave.
    Departed,
    /// The email address is a former one of the person.
    EmailChanged,
    /// The person requested erasure.
    ErasureRequested,
    /// An operator opened the case.
    Operator,
    /// An email address that was erased has an account again.
    ErasedAgain,
}

named!(Cause {
    Departed = "departed",
    EmailChanged = "email_changed",
    ErasureRequested = "erasure_requested",
    Operator = "operator",
    ErasedAgain = "erased_again",
});

/// Which demands of a source end together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedDemands {
    /// Departures and erasure requests: the person is here.
    Leaving,
    /// Changes of the email address: it is a present one again.
    FormerAddress,
}

impl EndedDemands {
    pub(super) fn include(self, demand: &Demand) -> bool {
        match self {
            Self::Leaving => demand.is_for_leaving(),
            Self::FormerAddress => !demand.is_for_leaving(),
        }
    }
}

impl Demand {
    pub fn new(source: Option<SourceName>, cause: Cause, terms: &Terms, effective_at: Timestamp) -> Self {
        Self {
            source,
            cause,
            action: terms.action,
            effective_at: whole_milliseconds(effective_at),
            local_grace: terms.local_grace,
            approvals: terms.approvals,
            detach: terms.detach.clone(),
            deadline: None,
        }
    }

    /// The same, with a deadline if it is a request for erasure.
    #[must_use]
    pub fn due(self, deadline: ErasureDeadline) -> Self {
        let deadline = (self.cause == Cause::ErasureRequested).then_some(deadline);
        Self { deadline, ..self }
    }

    /// Whether it is about a person who leaves, and not about a former email address of a person who stays.
    pub(crate) fn is_for_leaving(&self) -> bool {
        self.cause != Cause::EmailChanged
    }

    /// Adds an erasure request to an earlier one of the same source: the earlier date and the stronger action count.
    pub(super) fn join(&mut self, later: &Self) {
        self.effective_at = self.effective_at.min(later.effective_at);
        self.action = self.action.max(later.action);
        self.local_grace = self.local_grace.min(later.local_grace);
        self.deadline = ErasureDeadline::join(self.deadline, later.deadline);
    }
}

/// Rows hold milliseconds. A fraction below that would make a job fall due before its own date.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
