//! What stays provable and what is forgotten: sealing of personal data, keyed hashes for look-up, the journal's chain.

pub mod chain;
pub mod seal;
