//! The state machine of a case.
