//! `[retry]`: how long to wait between attempts, and when to call a human.

use serde::{Deserialize, Serialize};

use super::problem::{Faults, Problem};
use super::{defaults, positive};
use crate::domain::retry::RetryPolicy;
use crate::duration::ConfigDuration;

/// `[retry]`: the waits between attempts of a failed job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryTable {
    /// Longest wait after the first failure. It doubles with each further failure. Default: `"5s"`. Example: `"10s"`.
    pub base: ConfigDuration,
    /// Upper limit of every wait. Default: `"1h"`. Example: `"30m"`.
    pub max: ConfigDuration,
    /// How long after the first of consecutive failures the case needs attention. Default: `"72h"`. Example: `"1d"`.
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
