//! What is demanded of a case, and when its calls fall due by that.
//!
//! Every source of a site, and every operator, may demand something of one case. Each demand keeps its own date, so that a
//! later departure never delays an erasure request, and one source never postpones what another one reported. The case
//! carries out the earliest and the strongest of all.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Case, Terms};
use crate::domain::ids::SourceName;
use crate::domain::named;
use crate::domain::policy::{Action, Approvals, Detach};

/// What one source or one operator wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The source that reported it; `None` for an operator's own request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// The kind of event behind it.
    pub cause: Cause,
    /// The policy's action for it.
    pub action: Action,
    /// No call is made before, in whole milliseconds.
    pub effective_at: Timestamp,
    /// The wait between the revoke and the deletion.
    pub local_grace: SignedDuration,
    /// How many different people must approve.
    pub approvals: Approvals,
    /// What else the person leaves.
    pub detach: Vec<Detach>,
}

/// Why something is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The person left or will leave.
    Departed,
    /// The address is a former one of the person.
    EmailChanged,
    /// The person asked for erasure.
    ErasureRequested,
    /// An operator opened the case.
    Operator,
}

named!(Cause {
    Departed = "departed",
    EmailChanged = "email_changed",
    ErasureRequested = "erasure_requested",
    Operator = "operator",
});

impl Demand {
    /// The demand that `terms` make from `effective_at` on.
    pub fn new(source: Option<SourceName>, cause: Cause, terms: &Terms, effective_at: Timestamp) -> Self {
        Self {
            source,
            cause,
            action: terms.action,
            effective_at: whole_milliseconds(effective_at),
            local_grace: terms.local_grace,
            approvals: terms.approvals,
            detach: terms.detach.clone(),
        }
    }

    /// Adds an erasure request to an earlier one of the same source: the earlier date and the stronger action count.
    fn join(&mut self, later: &Self) {
        self.effective_at = self.effective_at.min(later.effective_at);
        self.action = self.action.max(later.action);
        self.local_grace = self.local_grace.min(later.local_grace);
    }
}

/// Rows hold milliseconds; a fraction below that would make a job fall due before its own date.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

impl Case {
    /// Adds a demand, or replaces the one that the same source made for the same cause; then derives action, date, approvals
    /// and detachments of the case from all demands.
    pub(super) fn add_demand(&mut self, demand: &Demand) {
        let same = |known: &&mut Demand| known.source == demand.source && known.cause == demand.cause;
        match self.demands.iter_mut().find(same) {
            Some(known) if demand.cause == Cause::ErasureRequested => known.join(demand),
            Some(known) => known.clone_from(demand),
            None => self.demands.push(demand.clone()),
        }
        self.terms.approvals = self.terms.approvals.strictest(demand.approvals);
        for what in &demand.detach {
            if !self.terms.detach.contains(what) {
                self.terms.detach.push(*what);
            }
        }
        self.terms.action = self.demands.iter().map(|demand| demand.action).max().unwrap_or_default();
        if let Some(earliest) = self.demands.iter().map(|demand| demand.effective_at).min() {
            self.effective_at = earliest;
        }
    }

    /// When access is revoked at the earliest, if anything demands a revoke.
    pub(super) fn revoke_at(&self) -> Option<Timestamp> {
        self.demands.iter().filter(|demand| demand.action.revokes()).map(|demand| demand.effective_at).min()
    }

    /// When the account is deleted at the earliest without a revoke before.
    pub(super) fn direct_delete_at(&self) -> Option<Timestamp> {
        self.demands.iter().filter(|demand| demand.action == Action::Delete).map(|demand| demand.effective_at).min()
    }

    /// Drops the revoke where a deletion without one is due: the deletion takes access away as well, and must not wait for
    /// the approval of a revoke.
    pub(super) fn supersede_revoke(&mut self, now: Timestamp) {
        let is_pending = self.progress.revoke_dispatched_at.is_none() && self.progress.revoked_at.is_none();
        if is_pending && self.direct_delete_at().is_some_and(|at| at <= now) {
            self.demands.retain(|demand| !demand.action.revokes());
        }
    }

    /// When the account is deleted at the earliest; before the revoke this is the plan. A later last day moves it: the
    /// deletion is never before the new day plus the local grace.
    pub fn delete_at(&self) -> Option<Timestamp> {
        let dates = self.demands.iter().filter_map(|demand| match demand.action {
            Action::Ignore | Action::Revoke => None,
            Action::RevokeThenDelete => {
                let from = self.progress.revoked_at.map_or(demand.effective_at, |at| at.max(demand.effective_at));
                Some(from.saturating_add(demand.local_grace).unwrap_or(Timestamp::MAX))
            }
            Action::Delete => Some(demand.effective_at),
        });
        dates.min()
    }

    /// Whether access was revoked before the last day that is known now.
    pub fn was_revoked_early(&self) -> bool {
        self.progress.revoked_at.is_some_and(|at| self.revoke_at().is_some_and(|planned| at < planned))
    }

    /// Whether a departure or an erasure request of this source stands behind the case; not only a changed address.
    pub fn is_demanded_for_leaving(&self, source: &SourceName) -> bool {
        self.demands.iter().any(|demand| demand.source.as_ref() == Some(source) && demand.cause != Cause::EmailChanged)
    }

    /// Whether this source contributed to the case.
    pub fn is_demanded_by(&self, source: &SourceName) -> bool {
        self.demands.iter().any(|demand| demand.source.as_ref() == Some(source))
    }
}
