//! Proofs without a signature: the vendor sends the secret itself, in a header or in the body.
//!
//! Only digests of the secrets are stored and compared, so that a comparison reveals neither length nor content.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::compile_error::CompileError;
use super::header::{self, Names};
use super::json_path::Expression;
use super::rejection::Rejection;

/// The digests of the secrets.
#[derive(Clone)]
struct SecretDigests(Vec<[u8; 32]>);

impl SecretDigests {
    fn of(secrets: &[SecretString]) -> Self {
        Self(secrets.iter().map(|secret| digest(secret.expose_secret().as_bytes())).collect())
    }

    /// Compares with every secret, in constant time.
    fn includes(&self, presented: &[u8]) -> Choice {
        let presented = digest(presented);
        self.0.iter().fold(Choice::from(0), |found, digest| found | digest.ct_eq(&presented))
    }
}

impl std::fmt::Debug for SecretDigests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretDigests(…)")
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn admit(choice: Choice) -> Result<(), Rejection> {
    if bool::from(choice) { Ok(()) } else { Err(Rejection::SignatureMismatch) }
}

/// The secret in a header, behind a fixed prefix.
#[derive(Debug, Clone)]
pub(super) struct StaticHeader {
    names: Names,
    prefix: String,
    prefix_optional: bool,
    digests: SecretDigests,
    first: Option<SecretString>,
}

impl StaticHeader {
    pub(super) fn new(names: Names, prefix: String, prefix_optional: bool, secrets: &[SecretString]) -> Self {
        Self { names, prefix, prefix_optional, digests: SecretDigests::of(secrets), first: secrets.first().cloned() }
    }

    pub(super) fn verify(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let value = header::find(headers, &self.names)?.ok_or(Rejection::SignatureMissing)?;
        let bare = value.strip_prefix(self.prefix.as_bytes());
        let presented = if self.prefix_optional { Some(bare.unwrap_or(value)) } else { bare };
        let presented = presented.ok_or(Rejection::SignatureMalformed)?;
        admit(self.digests.includes(presented))
    }

    pub(super) fn headers(&self) -> Option<(String, String)> {
        let secret = self.first.as_ref()?;
        let name = self.names.first()?;
        Some((name.to_string(), format!("{}{}", self.prefix, secret.expose_secret())))
    }
}

/// HTTP Basic; a secret is `user:password`.
#[derive(Debug, Clone)]
pub(super) struct Basic {
    digests: SecretDigests,
    first: Option<SecretString>,
}

impl Basic {
    pub(super) fn new(secrets: &[SecretString]) -> Result<Self, CompileError> {
        if secrets.iter().any(|secret| !secret.expose_secret().contains(':')) {
            return Err(CompileError::new("mode = \"basic\": a secret is written user:password"));
        }
        Ok(Self { digests: SecretDigests::of(secrets), first: secrets.first().cloned() })
    }

    pub(super) fn verify(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let value = header::find(headers, &[AUTHORIZATION])?.ok_or(Rejection::SignatureMissing)?;
        let (scheme, credentials) = value.split_at_checked(6).ok_or(Rejection::SignatureMalformed)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return Err(Rejection::SignatureMalformed);
        }
        let presented = BASE64_STANDARD.decode(credentials).map_err(|_undecodable| Rejection::SignatureMalformed)?;
        admit(self.digests.includes(&presented))
    }

    pub(super) fn headers(&self) -> Option<(String, String)> {
        let secret = self.first.as_ref()?;
        let credentials = BASE64_STANDARD.encode(secret.expose_secret());
        Some((AUTHORIZATION.to_string(), format!("Basic {credentials}")))
    }
}

/// The secret in the body: every element must carry it.
///
/// This is the only proof for which a body is parsed before it is verified.
#[derive(Debug, Clone)]
pub(super) struct BodyToken {
    items: Option<Expression>,
    token: Expression,
    digests: SecretDigests,
    first: Option<SecretString>,
}

impl BodyToken {
    pub(super) fn new(items: Option<Expression>, token: Expression, secrets: &[SecretString]) -> Self {
        Self { items, token, digests: SecretDigests::of(secrets), first: secrets.first().cloned() }
    }

    /// The secret that outgoing bodies carry.
    pub(super) fn secret(&self) -> Option<&SecretString> {
        self.first.as_ref()
    }

    pub(super) fn verify(&self, body: &Value) -> Result<(), Rejection> {
        let items = self.items.as_ref().map_or_else(|| vec![body], |items| items.query(body));
        if items.is_empty() {
            return Err(Rejection::SignatureMissing);
        }
        let mut all = Choice::from(1);
        for item in items {
            let found = self.token.query(item);
            let [Value::String(presented)] = found.as_slice() else { return Err(Rejection::SignatureMissing) };
            all &= self.digests.includes(presented.as_bytes());
        }
        admit(all)
    }
}
