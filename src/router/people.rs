//! The person of an event: who owns the email address, and whether the person has left.

use jiff::Timestamp;

use super::context::{EventContext, ResolvedPerson};
use crate::domain::case::Direction;
use crate::domain::event::{Event, EventType};
use crate::domain::facts;
use crate::domain::person::Person;
use crate::domain::routing::AddressOwnership;
use crate::proof::seal::KeyedHash;
use crate::store::{CaseRecord, StoreError, Tx};

impl EventContext<'_> {
    /// The person and the account that an event is about: by the email address that it names or, without one, by the
    /// known email address of the person's id. After a change of email address, that is the *old* one; the new one is
    /// never touched.
    pub(super) async fn resolve_person(&self, tx: &mut Tx, event: &Event) -> Result<ResolvedPerson, StoreError> {
        let named = match event.event_type {
            EventType::EmailChanged => event.old_email.clone(),
            EventType::Departed
            | EventType::DepartureCancelled
            | EventType::Returned
            | EventType::ErasureRequested
            | EventType::CompanyDeparted
            | EventType::Profile
            | EventType::Ignored => event.person.email.clone(),
        };
        let email = match (named, &event.person.id) {
            (Some(email), _) => Some(email),
            (None, Some(id)) => {
                let known = tx.address_of(self.source, self.site, id).await?;
                // An `email_changed` event that repeats the current email address says nothing about an old one.
                known.filter(|old| {
                    event.event_type != EventType::EmailChanged || event.person.email.as_ref() != Some(old)
                })
            }
            (None, None) => None,
        };
        let person = Person { id: event.person.id.clone(), email };
        let (email_hash, person_hash) = tx.hashes(self.site, Some(self.source), &person);
        Ok(ResolvedPerson { person, email_hash, person_hash })
    }

    /// The owner of the email address. A second id with the same email address does not affect a case that was opened
    /// for this id.
    pub(super) async fn ownership(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: &ResolvedPerson,
        open: Option<&CaseRecord>,
    ) -> Result<AddressOwnership, StoreError> {
        let Some(email_hash) = resolved.email_hash else { return Ok(AddressOwnership::Unknown) };
        let is_changed = event.event_type == EventType::EmailChanged;
        if !is_changed && self.is_own_case(tx, open, resolved).await? {
            return Ok(AddressOwnership::Own);
        }
        let owners = tx.owners(self.source, email_hash, self.now).await?;
        let is_shared = if let Some(person_hash) = resolved.person_hash {
            // For a changed email address, even its former owner may be the current one again, if the event names the
            // new one.
            let says_which = is_changed && event.person.email.is_some();
            owners.iter().any(|owner| owner.person_hash != person_hash || says_which)
        } else {
            // An event without an id is about the owner of the email address, if exactly one was known before.
            let happened_at = facts::happened_at(event, self.received_at);
            owners.len() > 1 || owners.iter().any(|owner| owner.as_of > happened_at)
        };
        Ok(if is_shared { AddressOwnership::Shared } else { AddressOwnership::Own })
    }

    /// The open case of a person whose email address is not known. A case with an email address is none: it concerns an
    /// account that the person may no longer have.
    pub(super) async fn open_case_without_address(
        &self,
        tx: &mut Tx,
        person_hash: Option<KeyedHash>,
    ) -> Result<Option<CaseRecord>, StoreError> {
        let open = tx.open_case_of(self.site, None, person_hash).await?;
        Ok(open.filter(|record| record.person.email.is_none()))
    }

    /// Whether the open case belongs to this person and to no other person of the source.
    pub(super) async fn is_own_case(
        &self,
        tx: &mut Tx,
        open: Option<&CaseRecord>,
        resolved: &ResolvedPerson,
    ) -> Result<bool, StoreError> {
        let Some(open) = open else { return Ok(false) };
        // Another source may use the same id for a different person. After a stop everything is checked again, also when
        // another source has demanded the case since.
        let same_source = open.case.source.as_ref() == Some(self.source);
        let same_person = resolved.person.id.is_some() && open.person.id == resolved.person.id;
        let is_own = same_source
            && same_person
            && open.case.direction == Direction::Leaving
            && open.case.is_demanded_by(self.source);
        Ok(is_own && !self.has_other_people(tx, open, resolved.person_hash).await?)
    }

    pub(super) async fn has_other_people(
        &self,
        tx: &mut Tx,
        record: &CaseRecord,
        person_hash: Option<KeyedHash>,
    ) -> Result<bool, StoreError> {
        match person_hash {
            Some(person_hash) => tx.has_other_people(record.case.id, self.source, person_hash).await,
            None => Ok(false),
        }
    }

    /// Stores when a person left, so that the person does not block the departure of another person's email address.
    pub(super) async fn note_departure(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: &ResolvedPerson,
    ) -> Result<(), StoreError> {
        let gone_at = match event.event_type {
            EventType::Departed | EventType::ErasureRequested => {
                Some(self.policy.effective_at(event.effective, self.received_at))
            }
            EventType::DepartureCancelled | EventType::Returned => None,
            EventType::EmailChanged | EventType::CompanyDeparted | EventType::Profile | EventType::Ignored => {
                return Ok(());
            }
        };
        match (resolved.person_hash, resolved.email_hash) {
            (Some(person_hash), _) => tx.note_gone(self.source, person_hash, gone_at).await?,
            // Without an id, the owner of the email address left, if there is exactly one. A person who returns without
            // an id may be known under a different one by now.
            (None, Some(email_hash)) if gone_at.is_some() => {
                let owners = tx.owners(self.source, email_hash, Timestamp::MIN).await?;
                if let [owner] = owners.as_slice() {
                    tx.note_gone(self.source, owner.person_hash, gone_at).await?;
                }
            }
            (None, _) => {}
        }
        Ok(())
    }
}
