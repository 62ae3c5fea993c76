//! The keyed (or plain) hash of one secret, ready for input.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::compile_error::CompileError;
use super::encoding::Encoding;

/// The hash beneath a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Algorithm {
    /// SHA-1, which Intercom and Segment still use; as an HMAC it is secure.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Encoding of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeyEncoding {
    /// The text itself is the key.
    Text,
    /// Hex digits.
    Hex,
    /// Base64, padded or not.
    Base64,
}

/// Zendesk uses this public secret for every "test webhook".
const PUBLIC_SECRETS: [&str; 1] = ["dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="];

/// Rejects an empty secret and a publicly known one.
pub(super) fn check_secret(secret: &SecretString) -> Result<(), CompileError> {
    let text = secret.expose_secret();
    if text.trim().is_empty() {
        Err(CompileError::new("a secret is empty"))
    } else if PUBLIC_SECRETS.contains(&text.trim()) {
        Err(CompileError::new("a secret is Zendesk's public test secret: take the webhook's own signing secret"))
    } else {
        Ok(())
    }
}

/// A prepared secret: for an HMAC the key is already mixed in, so that a request needs no key setup.
#[derive(Clone)]
pub(super) enum SignatureKey {
    /// Keyed hash.
    Hmac(Hash),
    /// Plain hash; the template contains the secret.
    Digest(Hash, SecretString),
}

impl SignatureKey {
    pub(super) fn hmac(
        algorithm: Algorithm,
        encoding: KeyEncoding,
        prefix: &str,
        secret: &SecretString,
    ) -> Result<Self, CompileError> {
        let text = secret.expose_secret();
        let text = text.strip_prefix(prefix).unwrap_or(text);
        let key = match encoding {
            KeyEncoding::Text => Some(text.as_bytes().to_vec()),
            KeyEncoding::Hex => Encoding::Hex.decode(text.as_bytes()),
            KeyEncoding::Base64 => Encoding::Base64.decode(text.as_bytes()),
        };
        let key = key.ok_or_else(|| {
            CompileError::new(match encoding {
                KeyEncoding::Hex => "a secret is not hex, as this vendor writes it",
                KeyEncoding::Text | KeyEncoding::Base64 => "a secret is not base64, as this vendor writes it",
            })
        })?;
        if key.is_empty() {
            return Err(CompileError::new("a secret is empty behind its prefix"));
        }
        Hash::keyed(algorithm, &key).map(Self::Hmac)
    }

    pub(super) fn digest(algorithm: Algorithm, secret: SecretString) -> Self {
        Self::Digest(Hash::plain(algorithm), secret)
    }

    /// Starts a hash.
    pub(super) fn start(&self) -> Hash {
        match self {
            Self::Hmac(hash) | Self::Digest(hash, _) => hash.clone(),
        }
    }

    /// The value of `{secret}`.
    pub(super) fn secret(&self) -> &[u8] {
        match self {
            Self::Hmac(_) => b"",
            Self::Digest(_, secret) => secret.expose_secret().as_bytes(),
        }
    }
}

impl fmt::Debug for SignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureKey(…)")
    }
}

macro_rules! hashes {
    ($($variant:ident: $keyed:ident = $hash:ty),+ $(,)?) => {
        /// A hash in progress.
        #[derive(Clone)]
        pub(super) enum Hash {
            $(
                #[doc = concat!("Plain ", stringify!($variant), ".")]
                $variant($hash),
                #[doc = concat!("HMAC over ", stringify!($variant), ".")]
                $keyed(Hmac<$hash>),
            )+
        }

        impl Hash {
            fn keyed(algorithm: Algorithm, key: &[u8]) -> Result<Self, CompileError> {
                match algorithm {
                    $(Algorithm::$variant => Hmac::new_from_slice(key).map(Self::$keyed),)+
                }
                .map_err(|error| CompileError::new(format!("a secret cannot be a key: {error}")))
            }

            fn plain(algorithm: Algorithm) -> Self {
                match algorithm { $(Algorithm::$variant => Self::$variant(<$hash>::new()),)+ }
            }

            pub(super) fn update(&mut self, bytes: &[u8]) {
                match self {
                    $(
                        Self::$variant(hash) => hash.update(bytes),
                        Self::$keyed(mac) => mac.update(bytes),
                    )+
                }
            }

            pub(super) fn finish(self) -> Vec<u8> {
                match self {
                    $(
                        Self::$variant(hash) => hash.finalize().to_vec(),
                        Self::$keyed(mac) => mac.finalize().into_bytes().to_vec(),
                    )+
                }
            }
        }
    };
}

hashes! { Sha1: HmacSha1 = Sha1, Sha256: HmacSha256 = Sha256, Sha512: HmacSha512 = Sha512 }
