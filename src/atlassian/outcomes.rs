//! The latest outcome of each kind of call at a site.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::call::Call;

/// How the latest response to each call was: good, or a rejection of the call itself.
#[derive(Debug, Default)]
pub(super) struct Outcomes(Mutex<HashMap<Call, bool>>);

impl Outcomes {
    /// Whether the latest response was good; `None` before the first.
    pub(super) fn latest(&self, call: Call) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&call).copied()
    }

    /// Notes the latest response and returns the one before.
    pub(super) fn note(&self, call: Call, good: bool) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(call, good)
    }
}
