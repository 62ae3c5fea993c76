//! What each kind of job does: which reads, which call, which read back. The rules are `domain`'s, the calls `atlassian`'s.

pub(super) mod delete;
pub(super) mod detach;
mod locate;
pub(super) mod reinvite;
pub(super) mod restore;
pub(super) mod revoke;
pub(super) mod verify;

/// Takes the value out of a call's result, or ends the step with its failure.
macro_rules! call {
    ($result:expr, $learned:expr) => {
        match $result {
            Ok(value) => value,
            Err(failure) => {
                return Ok(crate::worker::attempt::Outcome::Failed { failure, learned: $learned });
            }
        }
    };
}
use call;
