//! Who may do what: operators, their roles, and how they are recognized.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::named;

/// What somebody may do: each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees cases, but no personal data.
    Viewer,
    /// Sees everything, opens, stops, holds, retries, resolves.
    Operator,
    /// Approves.
    Approver,
}

named!(Role { Viewer = "viewer", Operator = "operator", Approver = "approver" });

/// Somebody who may use the API.
#[derive(Debug, Clone)]
pub struct AdminToken {
    /// What the history calls them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How they are recognized. The token itself is not kept.
    pub digest: TokenDigest,
}

/// The SHA-256 of a token. Tokens are long and random, so that no slower hash is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether `token` is the one, in a time that does not depend on how nearly it is.
    pub fn matches(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognized_and_never_shown() {
        let digest = TokenDigest::of("s3cret");
        assert!(digest.matches("s3cret"));
        assert!(!digest.matches("s3cre") && !digest.matches("s3cret ") && !digest.matches(""));
        assert_eq!(format!("{digest:?}"), "TokenDigest(…)");
    }
}
