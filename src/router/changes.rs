//! Opens and changes cases.

use jiff::Timestamp;
use serde_json::json;

use super::context::{EventContext, Outcome, applied, ignored, waits};
use crate::domain::case::{Attention, Cause, ErasureDeadline, Escalation, Hold, State, Terms, Transition};
use crate::domain::event::Event;
use crate::domain::ids::CaseId;
use crate::domain::person::Person;
use crate::domain::repeat::Repetition;
use crate::domain::routing::IgnoredReason;
use crate::store::{Actor, CaseRecord, NewCase, Note, SourceEffect, StoreError, TransitionError, Tx};

impl EventContext<'_> {
    /// Records that a demand of this person joins the case, which may be another source's: a stop by the person's id
    /// must find it.
    pub(super) async fn join(
        &self,
        tx: &mut Tx,
        id: CaseId,
        event: &Event,
        transition: &Transition,
    ) -> Result<(), StoreError> {
        let (_, person_hash) = tx.hashes(self.site, Some(self.source), &event.person);
        if let Some(person_hash) = person_hash.filter(|_| is_demand(transition)) {
            tx.join_case(id, person_hash).await?;
        }
        Ok(())
    }

    pub(super) async fn open(
        &self,
        tx: &mut Tx,
        event: &Event,
        person: Person,
        (terms, cause, effective_at): (Terms, Cause, Timestamp),
        attention: Option<Attention>,
    ) -> Result<Outcome, StoreError> {
        let unproven = self.repetition == Repetition::Unproven;
        let beginning = if let Some(attention) = attention.or_else(|| unproven.then(Attention::repeated)) {
            Some(State::NeedsAttention(attention))
        } else if tx.is_braked(self.source).await? {
            Some(State::Held(Hold::Brake))
        } else {
            None
        };
        let (site, source) = (self.site.clone(), Some(self.source.clone()));
        let deadline =
            (cause == Cause::ErasureRequested).then(|| ErasureDeadline::new(self.now, self.policy.erasure_within));
        let new = NewCase { site, source, person, terms, cause, effective_at, deadline };
        let record = Box::pin(tx.open_case(new, beginning, self.note(event), self.now)).await?;
        let (id, source) = (record.case.id, self.source);
        tx.count_escalation(Actor::Source(source), id, Escalation::Opened, self.now).await?;
        let state = record.case.state.name();
        tracing::info!(name: "case.opened", { case.id = %id, case.state = %state }, "case {id}: opened by source {source}");
        Ok(applied(id))
    }

    pub(super) async fn change_case(
        &self,
        tx: &mut Tx,
        event: &Event,
        mut record: CaseRecord,
        transition: &Transition,
    ) -> Result<Outcome, StoreError> {
        let id = record.case.id;
        // Earlier events of this case that wait for its call are applied first.
        if tx.has_waiting_event(id, self.waited).await? {
            return Ok(waits(Some(id), None));
        }
        if is_demand(transition) {
            tx.apply_hold(&mut record, self.source, event.person.id.as_ref()).await?;
        }
        if self.repetition == Repetition::Unproven {
            return Box::pin(self.hand_to_human(tx, event, record, transition)).await;
        }
        match Box::pin(tx.transition_by_source(self.source, record, transition, self.note(event), self.now)).await {
            Ok(SourceEffect::Deferred) => {
                self.join(tx, id, event, transition).await?;
                let source = self.source;
                tracing::info!(case.id = %id, %source, "case {id}: event deferred, source {source} is frozen by its brake");
                Ok(Outcome { reason: Some("source_is_frozen"), ..applied(id) })
            }
            Ok(SourceEffect::Applied(transitioned)) => {
                self.join(tx, id, event, transition).await?;
                let (from, state) = (transitioned.from, transitioned.record.case.state.name());
                let transition = transition.name();
                tracing::info!(case.id = %id, case.state = %state, transition, "case {id}: {from} to {state} ({transition})");
                Ok(applied(id))
            }
            // The call about this person is in progress: the event is applied when the outcome is known.
            Err(TransitionError::TooLate) => Ok(waits(Some(id), None)),
            Err(TransitionError::Invalid(error)) => {
                tracing::info!(case.id = %id, %error, "case {id}: an event changed nothing");
                Ok(ignored(IgnoredReason::AlreadySo, Some(id)))
            }
            Err(TransitionError::Store(error)) => Err(error),
        }
    }

    pub(super) fn note(&self, event: &Event) -> Note {
        Note::detail(json!({ "delivery": self.delivery_id, "event": event.event_type, "source": self.source }))
    }
}

const fn is_demand(transition: &Transition) -> bool {
    matches!(transition, Transition::Departed(_) | Transition::ErasureRequested(_))
}
