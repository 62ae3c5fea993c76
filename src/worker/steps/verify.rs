//! Reads only: is the account gone?

use super::delete;
use super::locate::{ensure_can_browse_users, is_fallback, unavailable};
use crate::domain::case::{Attention, AttentionReason, Direction, State, Transition};
use crate::worker::attempt::{Attempt, Outcome, StepError};

pub(in crate::worker) async fn run(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let account = match attempt.record.account.clone() {
        Some(known) => attempt.client.read(&known.id).await?.filter(|account| !account.former),
        None => None,
    };
    let in_grace = attempt.record.case.state == State::DeletionGrace;
    let Some(account) = account else {
        ensure_can_browse_users(attempt).await?;
        return Ok(if in_grace { gone(attempt) } else { gone_after_a_stop(attempt) });
    };
    if is_fallback(&account)
        && let Some(outcome) = unavailable(attempt)
    {
        return Ok(outcome);
    }
    if in_grace {
        let detail = "Atlassian accepted the deletion, but after its grace the account is still there".to_owned();
        return Ok(Outcome::stuck(Attention { reason: AttentionReason::Refused, detail }));
    }
    // The response to the deletion was lost and the case was stopped since: the deletion may still take effect.
    let open_until = attempt.record.case.progress.deletion_open_until(attempt.open_window());
    if let Some(at) = open_until.filter(|at| attempt.now() < *at) {
        return Ok(Outcome::NotYet { at, why: "the requested deletion may still be carried out" });
    }
    attempt.record.reads_without_account = 0;
    Ok(Outcome::finished(Transition::NotDone, "still_there"))
}

/// The response to the deletion was lost and the case was stopped since: the deletion was faster.
fn gone_after_a_stop(attempt: &mut Attempt<'_>) -> Outcome {
    if let Some(outcome) = attempt.look_again("the account cannot be read; it is read again") {
        return outcome;
    }
    attempt.record.reads_without_account = 1;
    delete::accepted(attempt, "done_by_earlier_call")
}

/// A last read follows the first one, unless the site's settings disable it or the person waits for a new invitation. Even
/// then it takes two reads, of which the one right after the deletion counts.
fn gone(attempt: &mut Attempt<'_>) -> Outcome {
    let case = &attempt.record.case;
    let look_back = attempt.client.site().look_back;
    let invites = case.direction == Direction::Returning && case.terms.reinvite;
    let is_last = case.progress.last_read_at.is_some();
    if !is_last && !look_back.is_zero() && !invites {
        let last_read_at = attempt.later(look_back);
        return Outcome::finished(Transition::GoneSeen { last_read_at }, "not_there");
    }
    if !is_last
        && attempt.record.reads_without_account == 0
        && let Some(outcome) = attempt.look_again("the account cannot be read; it is read once more")
    {
        return outcome;
    }
    Outcome::finished(Transition::GoneConfirmed, "not_there")
}
