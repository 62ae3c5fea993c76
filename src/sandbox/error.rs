//! Errors of the control routes and methods. The errors of Atlassian's calls are in `response`.

use axum::http::StatusCode;

/// Why a control request failed. The texts repeat its values, which are of fictitious people.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A seed or a request is not the JSON that it should be.
    #[error("cannot read the JSON")]
    InvalidJson(#[source] serde_json::Error),
    /// Two accounts would have one id.
    #[error("the account `{0}` is there already")]
    DuplicateAccount(String),
    /// A reference to no account, or to an email address that several accounts have.
    #[error("`{who}` fits {found} accounts: name one by its account id")]
    NotUnique {
        /// The reference.
        who: String,
        /// How many accounts it fits.
        found: usize,
    },
    /// A deletion cannot be undone.
    #[error("the account `{0}` is deleted, and stays so")]
    AccountDeleted(String),
    /// A switch or a fault that cannot be.
    #[error("{0}")]
    InvalidValue(String),
}

impl SandboxError {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::InvalidJson(_) | Self::InvalidValue(_) => StatusCode::BAD_REQUEST,
            Self::NotUnique { found: 0, .. } => StatusCode::NOT_FOUND,
            Self::NotUnique { .. } | Self::DuplicateAccount(_) | Self::AccountDeleted(_) => StatusCode::CONFLICT,
        }
    }
}
