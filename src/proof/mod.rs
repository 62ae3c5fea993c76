//! Encryption of personal data, keyed hashes for lookup, the hash chain and the tree of the journal, and signatures.

pub mod chain;
mod cipher;
pub mod confirm_link;
pub mod evidence;
pub mod ring;
pub mod seal;
pub mod search;
pub mod signature;
pub mod tree;
