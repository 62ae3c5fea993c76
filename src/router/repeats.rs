//! Bodies that arrive again: the permitted effects of their events, and the earlier bodies that an event supersedes.

use super::context::{EventContext, Outcome, applied, ignored, waits};
use crate::domain::case::{Attention, AttentionReason, State, Transition};
use crate::domain::event::{Event, EventType};
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::repeat::{self, Repetition};
use crate::domain::routing::IgnoredReason;
use crate::store::{CaseRecord, EventStatus, PersonKeys, StoreError, TransitionError, Tx};

impl EventContext<'_> {
    /// The effect on this person if the body of the event's delivery may have arrived before.
    pub(super) async fn repetition(
        &self,
        tx: &mut Tx,
        event: &Event,
        keys: PersonKeys,
    ) -> Result<Repetition, StoreError> {
        // The email address of an id has its own rules.
        if matches!(event.event_type, EventType::CompanyDeparted | EventType::Profile | EventType::Ignored) {
            return Ok(Repetition::New);
        }
        let earlier = tx.earlier_copy(&self.origin, keys).await?;
        Ok(repeat::judge(earlier, self.origin.signed_at, self.received_at))
    }

    /// Stores the person that the body is about. If the event took effect, marks earlier bodies about the person as
    /// superseded.
    pub(super) async fn record_body(&self, tx: &mut Tx, keys: PersonKeys, outcome: &Outcome) -> Result<(), StoreError> {
        if self.repetition == Repetition::Duplicate {
            return Ok(());
        }
        let took_effect = match outcome.status {
            EventStatus::Applied | EventStatus::Waiting => true,
            EventStatus::Ignored | EventStatus::Unreadable => false,
        };
        if took_effect && self.repetition == Repetition::New {
            tx.supersede_bodies(keys, Some(&self.origin), self.effect_at()).await?;
        }
        tx.record_body(&self.origin, keys).await
    }

    /// A change of a person id's email address also supersedes. Call it before the email address is stored.
    pub(super) async fn note_address(
        &self,
        tx: &mut Tx,
        id: &PersonId,
        email: &EmailAddress,
    ) -> Result<(), StoreError> {
        tx.supersede_bodies_of_other_address((self.site, self.source), (id, email), &self.origin, self.effect_at())
            .await
    }

    /// Hands an open case to a human. A departure is applied first, so that the operator only has to confirm it.
    pub(super) async fn hand_to_human(
        &self,
        tx: &mut Tx,
        event: &Event,
        record: CaseRecord,
        transition: &Transition,
    ) -> Result<Outcome, StoreError> {
        let case_id = record.case.id;
        let waits_for_human = match &record.case.state {
            State::Held(_) => true,
            State::NeedsAttention(attention) => attention.reason == AttentionReason::Repeated,
            State::Scheduled
            | State::Revoking
            | State::Revoked
            | State::Deleting
            | State::DeletionGrace
            | State::Erased
            | State::Restoring
            | State::Restored
            | State::Cancelled
            | State::NoAccount => false,
        };
        if waits_for_human {
            return Ok(ignored(IgnoredReason::Repeated, Some(case_id)));
        }
        let moved = if matches!(transition, Transition::Stopped | Transition::DemandsEnded { .. }) {
            tx.transition_unless_dispatched(
                record,
                &Transition::AttentionNeeded(Attention::repeated()),
                self.note(event),
                self.now,
            )
            .await
        } else {
            match tx.transition_unless_dispatched(record, transition, self.note(event), self.now).await {
                Ok(transitioned) => {
                    let stuck = Transition::AttentionNeeded(Attention::repeated());
                    tx.transition(transitioned.record, &stuck, self.note(event), self.now).await
                }
                Err(error) => Err(error),
            }
        };
        match moved {
            Ok(_) => {
                tracing::warn!(case.id = %case_id, "case {case_id}: a repeated delivery needs a human");
                Ok(applied(case_id))
            }
            Err(TransitionError::TooLate) => Ok(waits(Some(case_id), None)),
            Err(TransitionError::Invalid(error)) => {
                tracing::info!(case.id = %case_id, %error, "case {case_id}: a repeated delivery has no effect");
                Ok(ignored(IgnoredReason::AlreadySo, Some(case_id)))
            }
            Err(TransitionError::Store(error)) => Err(error),
        }
    }

    fn effect_at(&self) -> jiff::Timestamp {
        self.origin.signed_at.unwrap_or(self.received_at)
    }
}
