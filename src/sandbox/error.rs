//! Why the sandbox cannot do what its owner asked for. What it tells its callers is in `answer`.

use axum::http::StatusCode;

/// Why the sandbox cannot do what its owner asked for. The texts repeat what the owner wrote: made-up people.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A seed or a request is not the JSON that it should be.
    #[error("cannot read the JSON")]
    Unreadable(#[source] serde_json::Error),
    /// Two accounts would have one id.
    #[error("the account `{0}` is there already")]
    Twice(String),
    /// A reference to nobody, or to an address that several accounts have.
    #[error("`{who}` fits {found} accounts: name one by its account id")]
    NotOne {
        /// The reference.
        who: String,
        /// How many accounts it fits.
        found: usize,
    },
    /// A deletion cannot be undone.
    #[error("the account `{0}` is deleted, and stays so")]
    Deleted(String),
    /// A switch or a fault that cannot be.
    #[error("{0}")]
    Impossible(String),
}

impl SandboxError {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Unreadable(_) | Self::Impossible(_) => StatusCode::BAD_REQUEST,
            Self::NotOne { found: 0, .. } => StatusCode::NOT_FOUND,
            Self::NotOne { .. } | Self::Twice(_) | Self::Deleted(_) => StatusCode::CONFLICT,
        }
    }
}
