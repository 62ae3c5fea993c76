//! The email addresses of people: stored, looked up, and passed to the cases that wait for one.

use jiff::Timestamp;
use serde_json::json;

use super::context::EventContext;
use crate::domain::case::{Attention, AttentionReason, Escalation, State, Transition};
use crate::domain::event::{Event, EventType};
use crate::domain::facts::{self};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::domain::policy::Action;
use crate::proof::seal::KeyedHash;
use crate::store::{Actor, CaseRecord, Note, ReportedAddress, StoreError, TransitionError, Tx};

impl EventContext<'_> {
    /// Starts a lookup of the email address for an event that needs one. While a lookup is pending, later events about
    /// the same person without an email address wait too, so that they stay in order.
    pub(super) async fn look_up(
        &self,
        tx: &mut Tx,
        event: &Event,
        person: &Person,
    ) -> Result<Option<KeyedHash>, StoreError> {
        let (true, Some(id), None) = (self.can_look_up, &person.id, &person.email) else { return Ok(None) };
        let (_, Some(person_hash)) = tx.hashes(self.site, Some(self.source), person) else { return Ok(None) };
        let leaves = match event.event_type {
            EventType::Departed | EventType::ErasureRequested => {
                self.policy.action(event.event_type) != Some(Action::Ignore)
            }
            // The vendor knows the current email address; the one that changes with `email_changed` is the old one.
            EventType::DepartureCancelled
            | EventType::Returned
            | EventType::EmailChanged
            | EventType::CompanyDeparted
            | EventType::Profile
            | EventType::Ignored => false,
        };
        if tx.has_lookup(self.source, person_hash).await? {
            if leaves {
                tx.begin_lookup(self.source, id, true, self.now).await?;
            }
            return Ok(Some(person_hash));
        }
        // An open case of the same person id is the target of a stop. A stop of a person without any possible case stops
        // nothing: a flood of such stops must not cause a flood of lookups.
        let may_stop = is_stop(event.event_type)
            && tx.open_case_of(self.site, None, Some(person_hash)).await?.is_none()
            && tx.may_concern_a_case(self.source, self.site).await?;
        if !(leaves || may_stop) {
            return Ok(None);
        }
        Ok(Some(tx.begin_lookup(self.source, id, leaves, self.now).await?))
    }

    pub(super) async fn store_address_of(&self, tx: &mut Tx, event: &Event) -> Result<(), StoreError> {
        if let (Some(id), Some(email), false) =
            (&event.person.id, &event.person.email, event.event_type == EventType::Ignored)
        {
            Box::pin(self.learn(tx, id, email, facts::happened_at(event, self.received_at))).await?;
        }
        Ok(())
    }

    /// Stores the email address of an id, unless a newer one is known, and resumes the cases that waited for it.
    pub(super) async fn learn(
        &self,
        tx: &mut Tx,
        id: &PersonId,
        email: &EmailAddress,
        as_of: Timestamp,
    ) -> Result<(), StoreError> {
        self.note_address(tx, id, email).await?;
        let learned = ReportedAddress { source: self.source, site: self.site, id, email, as_of };
        if !tx.set_address(learned, self.now).await? {
            return Ok(());
        }
        tx.hasten_lookup(self.source, id, self.now).await?;
        let person = Person { id: Some(id.clone()), email: None };
        let (_, person_hash) = tx.hashes(self.site, Some(self.source), &person);
        let Some(record) = tx.open_case_of(self.site, None, person_hash).await? else { return Ok(()) };
        if waits_for_an_address(&record) {
            self.resume_with_address(tx, record, email).await?;
        }
        Ok(())
    }

    pub(super) async fn resume_with_address(
        &self,
        tx: &mut Tx,
        mut record: CaseRecord,
        email: &EmailAddress,
    ) -> Result<(), StoreError> {
        let case_id = record.case.id;
        record.person.email = Some(email.clone());
        let (email_hash, _) = tx.hashes(self.site, None, &record.person);
        let has_case = tx.open_case_of(self.site, email_hash, None).await?.is_some();
        let conflict = match email_hash {
            // That case does the work. This one must not wait for another email address, which would be the wrong one.
            Some(_) if has_case => {
                record.person.email = None;
                Some(Attention::address_has_case())
            }
            Some(email_hash) => self.address_conflict(tx, email_hash, &record.person).await?,
            None => None,
        };
        // The person may be held under this email address.
        let id = record.person.id.clone();
        tx.apply_hold(&mut record, self.source, id.as_ref()).await?;
        let transition = conflict.map_or(Transition::Retried, Transition::AttentionNeeded);
        let note = Note::detail(json!({ "delivery": self.delivery_id, "learned": "address" }));
        match tx.transition(record, &transition, note, self.now).await {
            Ok(_) => {
                // The case that waited becomes due by this event. It is counted, and a frozen source moves no case.
                tx.count_escalation(Actor::Source(self.source), case_id, Escalation::Earlier, self.now).await?;
                tx.withhold_if_braked(self.source, case_id, self.now).await
            }
            Err(TransitionError::Store(error)) => Err(error),
            Err(error @ (TransitionError::Invalid(_) | TransitionError::TooLate)) => {
                tracing::warn!(case.id = %case_id, %error, "case {case_id}: has its address, but cannot continue");
                Ok(())
            }
        }
    }

    /// The reason why an email address that became known later needs a human: another person id of the source that has
    /// not left has it, or a newer stop of it is known.
    pub(super) async fn address_conflict(
        &self,
        tx: &mut Tx,
        email_hash: KeyedHash,
        person: &Person,
    ) -> Result<Option<Attention>, StoreError> {
        let (_, person_hash) = tx.hashes(self.site, Some(self.source), person);
        let owners = tx.owners(self.source, email_hash, self.now).await?;
        if owners.iter().any(|owner| Some(owner.person_hash) != person_hash) {
            return Ok(Some(Attention::shared_address()));
        }
        let of_address = tx.facts(&[email_hash], None).await?;
        // The event that names the email address must not make the waiting event look newer than it is.
        let mut of_person = tx.facts(person_hash.as_slice(), Some(self.delivery_id)).await?;
        of_person.retain(|fact| !fact.is_of_this_delivery);
        Ok(facts::is_stopped_since(&of_address, &of_person).then(Attention::address_stopped))
    }
}

fn is_stop(event_type: EventType) -> bool {
    matches!(event_type, EventType::Returned | EventType::DepartureCancelled)
}

fn waits_for_an_address(record: &CaseRecord) -> bool {
    matches!(&record.case.state, State::NeedsAttention(attention) if attention.reason == AttentionReason::NoEmail)
        && record.person.email.is_none()
}
