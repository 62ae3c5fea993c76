//! What is done for each kind of job, in its order: find or read, guard, ask the database, call, read back.
//!
//! Every step can be interrupted anywhere and done again from its beginning: it reads before it calls. One read is never a
//! conclusion: that an account is gone is said after several looks. The rules are `domain`'s, the calls `atlassian`'s.

pub(super) mod delete;
pub(super) mod detach;
mod locate;
pub(super) mod reinvite;
pub(super) mod restore;
pub(super) mod revoke;
pub(super) mod verify;
