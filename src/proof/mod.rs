//! Encryption of personal data, keyed hashes for lookup, and the hash chain of the journal.

pub mod chain;
pub mod seal;
