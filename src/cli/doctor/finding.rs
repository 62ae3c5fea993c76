//! One finding.

use serde::Serialize;

/// What was found and should not be there.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// `address`, `key`, `older` or `site`.
    pub(super) kind: &'static str,
    /// The file, the database or the case.
    pub(super) place: String,
    pub(super) detail: String,
}
