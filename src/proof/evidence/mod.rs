//! Evidence: a signed text file that proves one case, or lists all cases of a period.
//!
//! The reader of a file needs the file and the public key; `docs/evidence.md` is written for that reader.

pub mod approvals;
pub mod case;
pub mod document;
pub mod period;
mod steps;
pub mod verify;
