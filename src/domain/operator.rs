//! Operators, their roles, and their tokens.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::named;

/// What an operator may do. Each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads cases without personal data.
    Viewer,
    /// Reads everything; opens, cancels, holds, retries and resolves cases.
    Operator,
    /// Approves revokes and deletions.
    Approver,
}

named!(Role { Viewer = "viewer", Operator = "operator", Approver = "approver" });

/// A token of the admin API, and its operator.
#[derive(Debug, Clone)]
pub struct AdminToken {
    /// The operator's name in the history.
    pub name: String,
    pub role: Role,
    /// The token itself is not kept.
    pub digest: TokenDigest,
}

/// The SHA-256 of a token. Tokens are long and random, so that no slower hash is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Compares in a time that does not depend on `token`.
    pub fn matches(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }

    /// A value that only this token and this secret result in: shows that a session was begun with the token.
    pub fn bound_to(&self, secret: &[u8; 32]) -> [u8; 32] {
        Sha256::new().chain_update(secret).chain_update(self.0).finalize().into()
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
    fn token_is_recognized_and_hidden_in_debug() {
        let digest = TokenDigest::of("s3cret");
        assert!(digest.matches("s3cret"));
        assert!(!digest.matches("s3cre") && !digest.matches("s3cret ") && !digest.matches(""));
        assert_eq!(format!("{digest:?}"), "TokenDigest(…)");
    }
}
