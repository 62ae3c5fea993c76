//! Sealing of personal data, the journal's chain, evidence.
