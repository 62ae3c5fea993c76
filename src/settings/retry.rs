//! `[retry]`: how long to wait between attempts, and when to call a human.

use serde::{Deserialize, Serialize};

use super::problem::{Faults, Problem};
use super::{defaults, positive};
use crate::domain::retry::RetryPolicy;
use crate::duration::ConfigDuration;

/// `[retry]`: how long to wait between attempts, and when to call a human.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryTable {
    /// The longest wait after the first failure; it doubles with each. Default `"5s"`.
    pub base: ConfigDuration,
    /// The longest wait of all. Default `"1h"`.
    pub max: ConfigDuration,
    /// How long after the first attempt a human is called. Default `"72h"`.
    pub give_up_after: ConfigDuration,
}

impl Default for RetryTable {
    fn default() -> Self {
        Self { base: defaults::RETRY_BASE, max: defaults::RETRY_MAX, give_up_after: defaults::RETRY_GIVE_UP_AFTER }
    }
}

impl RetryTable {
    pub(super) fn convert(&self) -> Result<RetryPolicy, Vec<Problem>> {
        let mut faults = Faults::default();
        let base = faults.take(positive("base", self.base));
        let max = faults.take(positive("max", self.max));
        let give_up_after = faults.take(positive("give_up_after", self.give_up_after));
        let policy = base.zip(max).zip(give_up_after);
        faults.or(policy.map(|((base, max), give_up_after)| RetryPolicy { base, max, give_up_after }))
    }
}
