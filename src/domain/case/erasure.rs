//! Requests for erasure: the deadline of a case, and the answer to the person.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::deadline::ErasureDeadline;
use super::demand::Cause;
use super::offboarding::{Case, Direction};
use super::state::State;

impl Case {
    /// The deadline of the case, while a request for erasure stands behind it.
    pub fn erasure_deadline(&self) -> Option<ErasureDeadline> {
        if self.state.name().is_closed() || self.direction == Direction::Returning {
            return None;
        }
        self.demands.iter().filter_map(|demand| demand.deadline).min_by_key(|deadline| deadline.until)
    }

    /// Whether its jobs go before others: a request for erasure is near its deadline.
    pub fn is_near_deadline(&self, now: Timestamp) -> bool {
        self.erasure_deadline().is_some_and(|deadline| deadline.step(now).is_some())
    }

    /// The answer to the person whose request for erasure was carried out, without a name or an email address; `None` before,
    /// and for other cases. It needs no personal data, so that it is the same before and after the data is shredded.
    pub fn answer(&self) -> Option<String> {
        let request = self.demands.iter().find(|demand| demand.cause == Cause::ErasureRequested)?;
        let closed_at = self.closed_at()?;
        let requested = request.deadline.map(|deadline| format!(" of {}", day(deadline.requested_at)));
        let requested = requested.unwrap_or_default();
        let done = match self.state {
            State::Erased => {
                let deleted = self.progress.deletion_requested_at.map(|at| format!(" on {}", day(at)));
                let gone = self.progress.gone_at.map(|at| format!(", and on {} it no longer existed", day(at)));
                format!(
                    "Your customer account on our help desk was deleted{}{}.",
                    deleted.unwrap_or_default(),
                    gone.unwrap_or_default()
                )
            }
            State::NoAccount => "There is no customer account with your email address on our help desk.".to_owned(),
            State::Scheduled
            | State::Held(_)
            | State::Revoking
            | State::Revoked
            | State::Deleting
            | State::DeletionGrace
            | State::Restoring
            | State::Restored
            | State::Cancelled
            | State::NeedsAttention(_) => return None,
        };
        Some(format!(
            "We have carried out your request for erasure{requested}. {done} The personal data that was needed for this was \
             deleted on {}. We keep the dates of the erasure without your name and email address, to prove that it took \
             place.",
            day(closed_at)
        ))
    }
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}
