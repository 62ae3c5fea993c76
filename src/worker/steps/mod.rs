//! The steps of each kind of job: find or read, guard, dispatch, call, read back.
//!
//! Every step can be interrupted anywhere and repeated from its beginning, because it reads before it calls. One read
//! is never a conclusion: an account counts as gone after several reads. The rules are in `domain`, the calls in
//! `atlassian`.

pub(super) mod delete;
pub(super) mod detach;
mod locate;
pub(super) mod reinvite;
pub(super) mod restore;
pub(super) mod revoke;
pub(super) mod verify;
