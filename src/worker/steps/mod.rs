//! The steps of each kind of job: find or read, guard, dispatch, call, read back.
//!
//! Every step can be interrupted anywhere and repeated from its beginning, because it reads before it calls. One read
//! is never a conclusion: an account counts as gone after several reads. The rules are in `domain`, the calls in
//! `atlassian`.

mod delete;
mod detach;
mod locate;
mod reinvite;
mod restore;
mod revoke;
mod verify;

use super::attempt::{Attempt, Outcome, StepError};
use crate::domain::case::JobKind;

/// Runs the step of the job's kind.
pub(super) async fn run(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    match attempt.claimed.kind {
        JobKind::Revoke => revoke::run(attempt).await,
        JobKind::Detach => detach::run(attempt).await,
        JobKind::Delete => delete::run(attempt).await,
        JobKind::Verify => verify::run(attempt).await,
        JobKind::Restore => restore::run(attempt).await,
        JobKind::Reinvite => reinvite::run(attempt).await,
    }
}
