//! A request at the help desk. It is read on demand and stored nowhere.

use serde::{Deserialize, Serialize};

/// An open request that a person raised or takes part in. `Debug` hides it: customers write personal data into summaries.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeskRequest {
    /// For example `HELP-1`.
    pub key: String,
    pub summary: String,
    /// The name of its status, for example `Waiting for support`.
    pub status: String,
}

impl std::fmt::Debug for DeskRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeskRequest(…)")
    }
}
