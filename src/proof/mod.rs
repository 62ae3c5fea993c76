//! Encryption of personal data, keyed hashes for lookup, the hash chain and the tree of the journal, and signatures.

pub mod chain;
pub mod evidence;
pub mod seal;
pub mod signature;
pub mod tree;
