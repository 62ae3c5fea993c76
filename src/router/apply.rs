//! One event: compared with the known facts, decided by the rules, and applied in the delivery's transaction.

use super::context::{EventContext, Outcome, ResolvedPerson, combine, ignored, waits};
use crate::domain::case::Demand;
use crate::domain::event::{Event, EventType};
use crate::domain::facts::{self, Fact, FactKind, Order};
use crate::domain::person::Person;
use crate::domain::repeat::Repetition;
use crate::domain::routing::{self, Decision, IgnoredReason, PersonContext};
use crate::proof::seal::KeyedHash;
use crate::store::{StoreError, Tx};

impl EventContext<'_> {
    /// Decides an event by the current facts, and applies it.
    pub(super) async fn apply(&self, tx: &mut Tx, event: &Event) -> Result<Outcome, StoreError> {
        let resolved = self.resolve_person(tx, event).await?;
        let keys = (resolved.email_hash, resolved.person_hash);
        let context = Self { repetition: self.repetition(tx, event, keys).await?, ..*self };
        let outcome = Box::pin(context.decide(tx, event, resolved)).await?;
        context.record_body(tx, keys, &outcome).await?;
        Ok(outcome)
    }

    pub(super) async fn decide(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: ResolvedPerson,
    ) -> Result<Outcome, StoreError> {
        if self.repetition == Repetition::Duplicate {
            return Ok(ignored(IgnoredReason::Duplicate, None));
        }
        if event.event_type == EventType::CompanyDeparted {
            return Box::pin(self.list_company(tx, event)).await;
        }
        if let Some(person) = self.look_up(tx, event, &resolved.person).await? {
            return Ok(waits(None, Some(person)));
        }
        if resolved.email_hash.or(resolved.person_hash).is_none() {
            return Ok(ignored(IgnoredReason::NotOurs, None));
        }
        match self.order(tx, event, &resolved).await? {
            Order::Newest => {}
            // A rejected event stores nothing: an older event must not restore an email address, least of all an erased
            // one.
            Order::Outdated => return Ok(ignored(IgnoredReason::Older, None)),
            Order::Repeated => return Ok(ignored(IgnoredReason::SameFact, None)),
        }
        // An event that may be a replayed recording is not a fact.
        if self.repetition == Repetition::New {
            self.store_address_of(tx, event).await?;
            self.note_departure(tx, event, &resolved).await?;
        }
        Box::pin(self.take_effect(tx, event, resolved)).await
    }

    /// Applies an event that waited for a call. Its order was decided on arrival, so it is not compared with itself or
    /// with later events.
    pub(super) async fn resume(&self, tx: &mut Tx, event: &Event) -> Result<Outcome, StoreError> {
        let resolved = self.resolve_person(tx, event).await?;
        let keys = (resolved.email_hash, resolved.person_hash);
        let context = Self { repetition: self.repetition(tx, event, keys).await?, ..*self };
        let outcome = context.take_effect(tx, event, resolved).await?;
        context.record_body(tx, keys, &outcome).await?;
        Ok(outcome)
    }

    /// Compares an event with the facts about its person's id and email address, and stores it where it is the newest.
    pub(super) async fn order(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: &ResolvedPerson,
    ) -> Result<Order, StoreError> {
        let Some(kind) = FactKind::of(event.event_type) else { return Ok(Order::Newest) };
        // A former email address says nothing about its owner.
        let person_hash = resolved.person_hash.filter(|_| kind != FactKind::EmailChanged);
        let keys: Vec<_> = resolved.email_hash.into_iter().chain(person_hash).collect();
        let known = tx.facts(&keys, Some(self.delivery_id)).await?;
        let order = facts::order(event, self.received_at, &known);
        if order == Order::Newest && self.repetition == Repetition::New {
            let happened_at = facts::happened_at(event, self.received_at);
            let fact = Fact { kind, happened_at, claimed_at: event.occurred_at, is_of_this_delivery: true };
            tx.note_fact(&keys, &fact, Some(self.delivery_id)).await?;
        }
        Ok(order)
    }

    pub(super) async fn take_effect(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: ResolvedPerson,
    ) -> Result<Outcome, StoreError> {
        match event.event_type {
            EventType::Returned | EventType::DepartureCancelled => {
                let outcome = Box::pin(self.stop(tx, event, &resolved)).await?;
                // The person may now have an email address for which another person's case is open.
                let life = self.apply_sign_of_life(tx, event).await?;
                Ok(life.map_or(outcome, |life| combine(outcome, life)))
            }
            EventType::Profile => {
                let outcome = self.apply_sign_of_life(tx, event).await?;
                Ok(outcome.unwrap_or_else(|| ignored(IgnoredReason::Remembered, None)))
            }
            // A departure in the future also states that a person who has not left has the email address.
            EventType::EmailChanged | EventType::Departed | EventType::ErasureRequested => {
                let life = self.apply_sign_of_life(tx, event).await?;
                let outcome = self.open_or_change(tx, event, resolved).await?;
                Ok(life.map_or(outcome, |life| combine(outcome, life)))
            }
            EventType::Ignored | EventType::CompanyDeparted => self.open_or_change(tx, event, resolved).await,
        }
    }

    /// Opens a case, or changes the open one of the email address. A departure that names an email address does not
    /// find a case by the person's id: the same id with another email address is a mover, whose old account is a
    /// separate matter.
    pub(super) async fn open_or_change(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: ResolvedPerson,
    ) -> Result<Outcome, StoreError> {
        let open = match resolved.email_hash {
            Some(email_hash) => tx.open_case_of(self.site, Some(email_hash), None).await?,
            None => self.open_case_without_address(tx, resolved.person_hash).await?,
        };
        let context = PersonContext {
            source: self.source,
            open: open.as_ref().map(|record| &record.case),
            address: self.ownership(tx, event, &resolved, open.as_ref()).await?,
        };
        match routing::decide(event, context, self.policy, self.received_at) {
            Decision::Ignore(reason) => Ok(ignored(reason, open.map(|record| record.case.id))),
            Decision::Open { terms, cause, effective_at, attention } => {
                self.open(tx, event, resolved.person, (terms, cause, effective_at), attention).await
            }
            Decision::Apply(transition) => match open {
                Some(record) => self.change_case(tx, event, record, &transition).await,
                None => Ok(ignored(IgnoredReason::NoOpenCase, None)),
            },
        }
    }

    /// Stops every open case that the event is about: the case of its email address and, if the person leaves, the
    /// cases that a departure or an erasure request of its person id opened.
    pub(super) async fn stop(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: &ResolvedPerson,
    ) -> Result<Outcome, StoreError> {
        let mut outcome = ignored(IgnoredReason::NoOpenCase, None);
        let is_former = self.was_changed_since(tx, event, resolved.email_hash).await?;
        for record in tx.open_cases_of(self.site, resolved.email_hash, resolved.person_hash).await? {
            let email = resolved.person.email.as_ref();
            let is_of_address = email.is_some() && record.person.email.as_ref() == email;
            // Demands that wait for the release of the source's brake end too, unless the stop may be a recording.
            if self.repetition == Repetition::New {
                tx.drop_deferred(self.source, record.case.id, false).await?;
            }
            let is_concerned = if is_of_address {
                !is_former || record.case.demands.iter().any(Demand::is_for_leaving)
            } else {
                record.case.is_demanded_for_leaving(self.source)
            };
            if !is_concerned {
                continue;
            }
            let stop = if is_of_address && !is_former { routing::stop } else { routing::stop_by_id };
            let one = match stop(&record.case, self.source) {
                Decision::Apply(transition) => self.change_case(tx, event, record, &transition).await?,
                Decision::Ignore(reason) => ignored(reason, Some(record.case.id)),
                Decision::Open { .. } => continue,
            };
            outcome = if outcome.case_id.is_none() { one } else { combine(outcome, one) };
        }
        Ok(outcome)
    }

    /// Whether the email address of a stop became a former one after the stop. Such a stop ends what is demanded because
    /// the person leaves, and not the later demand for the former address.
    async fn was_changed_since(
        &self,
        tx: &mut Tx,
        stop: &Event,
        email_hash: Option<KeyedHash>,
    ) -> Result<bool, StoreError> {
        let happened_at = facts::happened_at(stop, self.received_at);
        let known = tx.facts(email_hash.as_slice(), None).await?;
        Ok(known.iter().any(|fact| fact.kind == FactKind::EmailChanged && fact.happened_at > happened_at))
    }

    /// The source reports a person's email address. An open case of that email address may concern the wrong person.
    async fn apply_sign_of_life(&self, tx: &mut Tx, event: &Event) -> Result<Option<Outcome>, StoreError> {
        let Some(id) = &event.person.id else { return Ok(None) };
        // The current email address counts. An older event may name another one.
        let Some(email) = tx.address_of(self.source, self.site, id).await? else { return Ok(None) };
        if event.event_type == EventType::EmailChanged && event.person.email.is_none() {
            return Ok(None);
        }
        let person = Person { id: Some(id.clone()), email: Some(email) };
        let (email_hash, person_hash) = tx.hashes(self.site, Some(self.source), &person);
        let Some(record) = tx.open_case_of(self.site, email_hash, None).await? else { return Ok(None) };
        let has_left = match person_hash {
            Some(hash) => tx.is_gone(self.source, hash, self.now).await?,
            None => false,
        };
        if has_left {
            return Ok(None);
        }
        // Without an id, a departure is about the person who had the email address when the case was opened.
        let is_same_person = match &record.person.id {
            Some(of_case) if of_case == id && record.case.source.as_ref() == Some(self.source) => {
                !self.has_other_people(tx, &record, person_hash).await?
            }
            Some(_) => false,
            None => tx.had_address_before(self.source, id, record.opened_at).await?,
        };
        match routing::sign_of_life(&record.case, self.source, is_same_person) {
            Some(transition) => self.change_case(tx, event, record, &transition).await.map(Some),
            None => Ok(None),
        }
    }
}
