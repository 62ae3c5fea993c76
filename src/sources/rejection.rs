//! The reasons for which a request is rejected.

use crate::domain::named;

/// Why a request was rejected; for metrics and logs, never for the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// The request has no signature, secret or token.
    SignatureMissing,
    /// The signature or secret has an invalid form.
    SignatureMalformed,
    /// No configured secret matches.
    SignatureMismatch,
    /// The time of signing is missing.
    TimestampMissing,
    /// The time of signing cannot be parsed.
    TimestampMalformed,
    /// The signature is valid, but too old or in the future.
    Stale,
    /// The signed id of the delivery is missing.
    IdMissing,
    /// A relevant header occurs twice with different values.
    HeaderAmbiguous,
    /// A header that this scheme requires is missing or has another value.
    HeaderUnexpected,
    /// The body cannot be parsed, and this vendor's proof is in the body.
    BodyUnreadable,
}

named!(Rejection {
    SignatureMissing = "signature_missing",
    SignatureMalformed = "signature_malformed",
    SignatureMismatch = "signature_mismatch",
    TimestampMissing = "timestamp_missing",
    TimestampMalformed = "timestamp_malformed",
    Stale = "stale",
    IdMissing = "id_missing",
    HeaderAmbiguous = "header_ambiguous",
    HeaderUnexpected = "header_unexpected",
    BodyUnreadable = "body_unreadable",
});

impl std::error::Error for Rejection {}
