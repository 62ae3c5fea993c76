//! `[retry]`: how long to wait between attempts, and when to call a human.

use serde::{Deserialize, Serialize};

use super::wait::positive;
use crate::domain::retry::RetryPolicy;
use crate::duration::ConfigDuration;

/// `[retry]`: the waits between attempts of a failed job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryTable {
    /// Longest wait after the first failure. It doubles with each further failure. Default: `"5s"`. Example: `"10s"`.
    #[serde(deserialize_with = "positive")]
    pub base: ConfigDuration,
    /// Upper limit of every wait. Default: `"1h"`. Example: `"30m"`.
    #[serde(deserialize_with = "positive")]
    pub max: ConfigDuration,
    /// How long after the first of consecutive failures the case needs attention. Default: `"72h"`. Example: `"1d"`.
    #[serde(deserialize_with = "positive")]
    pub give_up_after: ConfigDuration,
}

impl RetryTable {
    pub(super) fn convert(&self) -> RetryPolicy {
        let Self { base, max, give_up_after } = self;
        RetryPolicy { base: base.get(), max: max.get(), give_up_after: give_up_after.get() }
    }
}
