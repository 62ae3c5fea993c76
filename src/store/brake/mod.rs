//! The brake: the recent destructive actions of a source or an operator, the cases held because the actions exceeded a
//! limit, and the release by a digest of the pending changes.

mod deferred;
mod escalations;
mod freeze;
mod release;

pub use self::deferred::SourceEffect;
pub use self::escalations::Actor;
pub use self::release::{BrakeStatus, NotReleased, digest_of};
