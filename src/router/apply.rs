//! One event: whose it is, what the rules say, and what is done about it in the delivery's transaction.

use jiff::Timestamp;
use serde_json::json;

use crate::domain::case::{Attention, AttentionReason, Cause, Direction, Escalation, Hold, State, Terms, Transition};
use crate::domain::event::{Event, EventType};
use crate::domain::facts::{self, Fact, FactKind, Order};
use crate::domain::ids::{CaseId, DeliveryId, SiteName, SourceName};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::domain::policy::{Action, Policy};
use crate::domain::repeat::Repetition;
use crate::domain::routing::{self, AddressOwnership, Decision, IgnoredReason, PersonContext};
use crate::proof::seal::KeyedHash;
use crate::store::{
    Actor, CaseRecord, EventOutcome, EventStatus, NewCase, Note, Origin, ReportedAddress, SourceEffect, StoreError,
    TransitionError, Tx,
};

/// What an event is decided by.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventContext<'a> {
    pub(super) source: &'a SourceName,
    pub(super) site: &'a SiteName,
    pub(super) policy: &'a Policy,
    pub(super) delivery_id: DeliveryId,
    /// What proves that the delivery is not an earlier one again.
    pub(super) origin: Origin,
    /// Whether its body brought the event before.
    pub(super) repetition: Repetition,
    pub(super) received_at: Timestamp,
    pub(super) now: Timestamp,
    /// Whether the vendor can be asked for an address, and was not asked in vain already.
    pub(super) can_look_up: bool,
    /// The event's own place where it waited: earlier ones of its case come first.
    pub(super) waited: Option<i64>,
}

/// What became of an event.
pub(super) type Outcome = EventOutcome<'static>;

/// The person of an event, and the hashes by which it is found.
#[derive(Debug)]
struct ResolvedPerson {
    person: Person,
    email_hash: Option<KeyedHash>,
    person_hash: Option<KeyedHash>,
}

pub(super) fn applied(case_id: CaseId) -> Outcome {
    Outcome { status: EventStatus::Applied, reason: None, case_id: Some(case_id), asked: None }
}

pub(super) fn ignored(reason: IgnoredReason, open: Option<CaseId>) -> Outcome {
    Outcome { status: EventStatus::Ignored, reason: Some(reason.as_str()), case_id: open, asked: None }
}

/// Until the call about the person is settled or, where the vendor is asked for the address, until that is known.
pub(super) fn waits(case_id: Option<CaseId>, asked: Option<KeyedHash>) -> Outcome {
    let reason = asked.map(|_| "address_is_looked_up");
    Outcome { status: EventStatus::Waiting, reason, case_id, asked }
}

/// Of two effects of one event, the one that its row shows: what still waits, else what took effect.
fn combine(one: Outcome, other: Outcome) -> Outcome {
    let rank = |outcome: &Outcome| match outcome.status {
        EventStatus::Waiting => 3,
        EventStatus::Applied => 2,
        EventStatus::Ignored => 1,
        EventStatus::Unreadable => 0,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

impl EventContext<'_> {
    /// Decides an event by what is known now, and lets it take effect.
    pub(super) async fn apply(&self, tx: &mut Tx, event: &Event) -> Result<Outcome, StoreError> {
        let resolved = self.resolve_person(tx, event).await?;
        let keys = (resolved.email_hash, resolved.person_hash);
        let context = Self { repetition: self.repetition(tx, event, keys).await?, ..*self };
        let outcome = context.decide(tx, event, resolved).await?;
        context.record_body(tx, keys, &outcome);
        Ok(outcome)
    }

    async fn decide(&self, tx: &mut Tx, event: &Event, resolved: ResolvedPerson) -> Result<Outcome, StoreError> {
        if self.repetition == Repetition::Duplicate {
            return Ok(ignored(IgnoredReason::Duplicate, None));
        }
        if let Some(asked) = self.ask(tx, event, &resolved.person).await? {
            return Ok(waits(None, Some(asked)));
        }
        if resolved.email_hash.or(resolved.person_hash).is_none() {
            return Ok(ignored(IgnoredReason::NotOurs, None));
        }
        match self.order(tx, event, &resolved).await? {
            Order::Newest => {}
            // What is rejected stores nothing: an older event must not bring back an address, least of all an erased one.
            Order::Outdated => return Ok(ignored(IgnoredReason::Older, None)),
            Order::Repeated => return Ok(ignored(IgnoredReason::SameFact, None)),
        }
        // An event that may be a recording is no fact.
        if self.repetition == Repetition::New {
            self.store_address_of(tx, event).await?;
            self.note_departure(tx, event, &resolved).await?;
        }
        self.take_effect(tx, event, resolved).await
    }

    /// Lets an event take effect that waited for a call: whether it counts was decided when it arrived, so that it is not
    /// compared with itself or with what came after it.
    pub(super) async fn resume(&self, tx: &mut Tx, event: &Event) -> Result<Outcome, StoreError> {
        let resolved = self.resolve_person(tx, event).await?;
        let keys = (resolved.email_hash, resolved.person_hash);
        let context = Self { repetition: self.repetition(tx, event, keys).await?, ..*self };
        let outcome = context.take_effect(tx, event, resolved).await?;
        context.record_body(tx, keys, &outcome);
        Ok(outcome)
    }

    /// Compares an event with what is known under the id and the address of its person, and stores it where it is newest.
    async fn order(&self, tx: &mut Tx, event: &Event, resolved: &ResolvedPerson) -> Result<Order, StoreError> {
        let Some(kind) = FactKind::of(event.event_type) else { return Ok(Order::Newest) };
        // That an address is a former one says nothing about its owner.
        let person_hash = resolved.person_hash.filter(|_| kind != FactKind::EmailChanged);
        let keys: Vec<_> = resolved.email_hash.into_iter().chain(person_hash).collect();
        let known = tx.facts(&keys, Some(self.delivery_id)).await?;
        let order = facts::order(event, self.received_at, &known);
        if order == Order::Newest && self.repetition == Repetition::New {
            let happened_at = facts::happened_at(event, self.received_at);
            let fact = Fact { kind, happened_at, claimed_at: event.occurred_at, is_of_this_delivery: true };
            tx.note_fact(&keys, &fact, Some(self.delivery_id));
        }
        Ok(order)
    }

    async fn take_effect(&self, tx: &mut Tx, event: &Event, resolved: ResolvedPerson) -> Result<Outcome, StoreError> {
        match event.event_type {
            EventType::Returned | EventType::DepartureCancelled => self.stop(tx, event, &resolved).await,
            EventType::Profile => {
                let outcome = self.apply_sign_of_life(tx, event, &resolved).await?;
                Ok(outcome.unwrap_or_else(|| ignored(IgnoredReason::Remembered, None)))
            }
            // A departure of the future says as well that somebody who has not left has the address.
            EventType::EmailChanged | EventType::Departed | EventType::ErasureRequested => {
                let life = self.apply_sign_of_life(tx, event, &resolved).await?;
                let outcome = self.open_or_change(tx, event, resolved).await?;
                Ok(life.map_or(outcome, |life| combine(outcome, life)))
            }
            EventType::Ignored => self.open_or_change(tx, event, resolved).await,
        }
    }

    /// Opens a case, or changes the open one of the address. A departure does not find a case by the person's id as long as
    /// it names an address: the same id with another address is a mover, whose old account is another matter.
    async fn open_or_change(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: ResolvedPerson,
    ) -> Result<Outcome, StoreError> {
        let by_id = resolved.person_hash.filter(|_| resolved.email_hash.is_none());
        let open = tx.open_case_of(self.site, resolved.email_hash, by_id).await?;
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

    /// Stops every open case that the event is about: the one of its address, and, as far as the person leaves, those that a
    /// departure or an erasure request of its person id opened.
    async fn stop(&self, tx: &mut Tx, event: &Event, resolved: &ResolvedPerson) -> Result<Outcome, StoreError> {
        let mut outcome = ignored(IgnoredReason::NoOpenCase, None);
        for record in tx.open_cases_of(self.site, resolved.email_hash, resolved.person_hash).await? {
            let is_of_address = resolved.person.email.is_some() && record.person.email == resolved.person.email;
            // What waits for the release of the source's brake is taken back, too.
            tx.drop_deferred(self.source, record.case.id, false);
            if !is_of_address && !record.case.is_demanded_for_leaving(self.source) {
                continue;
            }
            let stop = if is_of_address { routing::stop } else { routing::stop_by_id };
            let one = match stop(&record.case, self.source) {
                Decision::Apply(transition) => self.change_case(tx, event, record, &transition).await?,
                Decision::Ignore(reason) => ignored(reason, Some(record.case.id)),
                Decision::Open { .. } => continue,
            };
            outcome = if outcome.case_id.is_none() { one } else { combine(outcome, one) };
        }
        Ok(outcome)
    }

    /// The source reports an address of somebody: if a case of that address is open, it may be the wrong one to end.
    async fn apply_sign_of_life(
        &self,
        tx: &mut Tx,
        event: &Event,
        resolved: &ResolvedPerson,
    ) -> Result<Option<Outcome>, StoreError> {
        // Without an address it is about the known one. What changed is a former address, which says nothing about now.
        let is_changed = event.event_type == EventType::EmailChanged;
        let known = resolved.person.email.as_ref().filter(|_| !is_changed);
        let (Some(id), Some(email)) = (&event.person.id, event.person.email.as_ref().or(known)) else {
            return Ok(None);
        };
        let person = Person { id: Some(id.clone()), email: Some(email.clone()) };
        let (email_hash, person_hash) = tx.hashes(self.site, Some(self.source), &person);
        let Some(record) = tx.open_case_of(self.site, email_hash, None).await? else { return Ok(None) };
        let has_left = match person_hash {
            Some(hash) => tx.is_gone(self.source, hash, self.now).await?,
            None => false,
        };
        // An older report than the one that is known says nothing about now.
        let has_it_now = tx.address_of(self.source, id).await?.as_ref() == Some(email);
        if has_left || !has_it_now {
            return Ok(None);
        }
        // Without an id, a departure is about the one who had the address when the case was opened.
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

    /// Has the vendor asked for the address of an event that could do something and lacks it. While somebody is asked for,
    /// whatever else comes about the same person without an address waits too, so that nothing overtakes.
    async fn ask(&self, tx: &mut Tx, event: &Event, person: &Person) -> Result<Option<KeyedHash>, StoreError> {
        let (true, Some(id), None) = (self.can_look_up, &person.id, &person.email) else { return Ok(None) };
        let (_, Some(person_hash)) = tx.hashes(self.site, Some(self.source), person) else { return Ok(None) };
        let leaves = match event.event_type {
            EventType::Departed | EventType::ErasureRequested => {
                self.policy.action(event.event_type) != Some(Action::Ignore)
            }
            // The vendor knows the present address, and what changes with `email_changed` is the old one.
            EventType::DepartureCancelled
            | EventType::Returned
            | EventType::EmailChanged
            | EventType::Profile
            | EventType::Ignored => false,
        };
        if tx.has_lookup(self.source, person_hash).await? {
            if leaves {
                tx.begin_lookup(self.source, id, true, self.now);
            }
            return Ok(Some(person_hash));
        }
        // An open case of the same person id has what is needed: the address for a departure, itself for a stop.
        let open = tx.open_case_of(self.site, None, Some(person_hash)).await?;
        let is_known = open.is_some_and(|record| is_stop(event.event_type) || record.person.email.is_some());
        // A stop of somebody who can have no case stops nothing: a flood of them must not become a flood of lookups.
        let may_stop = is_stop(event.event_type) && !is_known && tx.may_concern_a_case(self.source, self.site).await?;
        if is_known || !(leaves || may_stop) {
            return Ok(None);
        }
        Ok(Some(tx.begin_lookup(self.source, id, leaves, self.now)))
    }

    /// Whose the address is. That two ids have it is no news to the case that was opened for this very id.
    async fn ownership(
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
            // Of a changed address even its former owner may be the present one again, if the event says which is new.
            let says_which = is_changed && event.person.email.is_some();
            owners.iter().any(|owner| owner.person_hash != person_hash || says_which)
        } else {
            // An event without an id is about the one who has the address, as long as it is one and known before.
            let happened_at = facts::happened_at(event, self.received_at);
            owners.len() > 1 || owners.iter().any(|owner| owner.as_of > happened_at)
        };
        Ok(if is_shared { AddressOwnership::Shared } else { AddressOwnership::Own })
    }

    /// Whether the open case is this person's, and nobody else's of the source.
    async fn is_own_case(
        &self,
        tx: &mut Tx,
        open: Option<&CaseRecord>,
        resolved: &ResolvedPerson,
    ) -> Result<bool, StoreError> {
        let Some(open) = open else { return Ok(false) };
        // Another source may use the same id for somebody else, and after a stop everything is checked again.
        let same_source = open.case.source.as_ref() == Some(self.source);
        let same_person = resolved.person.id.is_some() && open.person.id == resolved.person.id;
        let is_own = same_source && same_person && open.case.direction == Direction::Leaving;
        Ok(is_own && !self.has_other_people(tx, open, resolved.person_hash).await?)
    }

    /// Whether another person id of this source demands something of the case.
    async fn has_other_people(
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

    /// Stores of a person when it is gone, so that it does not keep somebody else's address from going.
    async fn note_departure(&self, tx: &mut Tx, event: &Event, resolved: &ResolvedPerson) -> Result<(), StoreError> {
        let gone_at = match event.event_type {
            EventType::Departed | EventType::ErasureRequested => {
                Some(self.policy.effective_at(event.effective, self.received_at))
            }
            EventType::DepartureCancelled | EventType::Returned => None,
            EventType::EmailChanged | EventType::Profile | EventType::Ignored => return Ok(()),
        };
        match (resolved.person_hash, resolved.email_hash) {
            (Some(person_hash), _) => tx.note_gone(self.source, person_hash, gone_at),
            // Without an id the one who has the address left, as long as it is one. Who comes back without an id may be known
            // under another one by now.
            (None, Some(email_hash)) if gone_at.is_some() => {
                let owners = tx.owners(self.source, email_hash, Timestamp::MIN).await?;
                if let [owner] = owners.as_slice() {
                    tx.note_gone(self.source, owner.person_hash, gone_at);
                }
            }
            (None, _) => {}
        }
        Ok(())
    }

    /// Whose account an event is about: by the address that it names or, without one, the address that is known for the
    /// person's id. After a change of address that is the *old* one; the new one is never touched.
    async fn resolve_person(&self, tx: &mut Tx, event: &Event) -> Result<ResolvedPerson, StoreError> {
        let named = match event.event_type {
            EventType::EmailChanged => event.old_email.clone(),
            EventType::Departed
            | EventType::DepartureCancelled
            | EventType::Returned
            | EventType::ErasureRequested
            | EventType::Profile
            | EventType::Ignored => event.person.email.clone(),
        };
        let email = match (named, &event.person.id) {
            (Some(email), _) => Some(email),
            (None, Some(id)) => {
                let known = tx.address_of(self.source, id).await?;
                // "The address changed" from a source that repeats the present one says nothing about an old one.
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

    async fn store_address_of(&self, tx: &mut Tx, event: &Event) -> Result<(), StoreError> {
        if let (Some(id), Some(email), false) =
            (&event.person.id, &event.person.email, event.event_type == EventType::Ignored)
        {
            self.learn(tx, id, email, facts::happened_at(event, self.received_at)).await?;
        }
        Ok(())
    }

    /// Stores which address belongs to an id, unless something newer is known, and lets what waited for just that continue.
    pub(super) async fn learn(
        &self,
        tx: &mut Tx,
        id: &PersonId,
        email: &EmailAddress,
        as_of: Timestamp,
    ) -> Result<(), StoreError> {
        self.note_address(tx, id, email);
        let learned = ReportedAddress { source: self.source, site: self.site, id, email, as_of };
        if !tx.set_address(learned, self.now).await? {
            return Ok(());
        }
        tx.hasten_lookup(self.source, id, self.now);
        let person = Person { id: Some(id.clone()), email: None };
        let (_, person_hash) = tx.hashes(self.site, Some(self.source), &person);
        let Some(record) = tx.open_case_of(self.site, None, person_hash).await? else { return Ok(()) };
        if waits_for_an_address(&record) {
            self.resume_with_address(tx, record, email).await?;
        }
        Ok(())
    }

    async fn resume_with_address(
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
            // That case does the work. This one must not wait for another address, which would be the wrong one.
            Some(_) if has_case => {
                record.person.email = None;
                Some(Attention::address_has_case())
            }
            Some(email_hash) => self.address_conflict(tx, email_hash, &record.person).await?,
            None => None,
        };
        let transition = conflict.map_or(Transition::Retried, Transition::AttentionNeeded);
        let note = Note::detail(json!({ "delivery": self.delivery_id, "learned": "address" }));
        match tx.transition(record, &transition, note, self.now).await {
            Ok(_) => {
                // What waited for an address becomes due by this event: it is counted, and a frozen source moves nothing.
                tx.count_escalation(Actor::Source(self.source), case_id, Escalation::Earlier, self.now);
                tx.withhold_if_braked(self.source, case_id, self.now).await
            }
            Err(TransitionError::Store(error)) => Err(error),
            Err(error @ (TransitionError::Invalid(_) | TransitionError::TooLate)) => {
                tracing::warn!(case.id = %case_id, %error, "case {case_id}: has its address, but cannot continue");
                Ok(())
            }
        }
    }

    /// Why an address that became known later is not acted on by itself: another person id of the source, of somebody who has
    /// not left, has it, or a newer stop of it is known.
    async fn address_conflict(
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
        // The event that names the address must not make what waited for it look newer than it is.
        let mut of_person = tx.facts(person_hash.as_slice(), Some(self.delivery_id)).await?;
        of_person.retain(|fact| !fact.is_of_this_delivery);
        Ok(facts::is_stopped_since(&of_address, &of_person).then(Attention::address_stopped))
    }

    /// A demand of this person joins the case, which may be another source's: a stop by the person's id has to find it.
    fn join(&self, tx: &mut Tx, id: CaseId, event: &Event, transition: &Transition) {
        let demands = matches!(transition, Transition::Departed(_) | Transition::ErasureRequested(_));
        let (_, person_hash) = tx.hashes(self.site, Some(self.source), &event.person);
        if let Some(person_hash) = person_hash.filter(|_| demands) {
            tx.join_case(id, person_hash);
        }
    }

    async fn open(
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
        let new = NewCase { site, source, person, terms, cause, effective_at };
        let record = tx.open_case(new, beginning, self.note(event), self.now).await?;
        let (id, source) = (record.case.id, self.source);
        tx.count_escalation(Actor::Source(source), id, Escalation::Opened, self.now);
        tracing::info!(case.id = %id, case.state = %record.case.state.name(), "case {id}: opened by source {source}");
        Ok(applied(id))
    }

    async fn change_case(
        &self,
        tx: &mut Tx,
        event: &Event,
        record: CaseRecord,
        transition: &Transition,
    ) -> Result<Outcome, StoreError> {
        let id = record.case.id;
        // What came earlier about this case and waits for its call takes effect earlier.
        if tx.has_waiting_event(id, self.waited).await? {
            return Ok(waits(Some(id), None));
        }
        if self.repetition == Repetition::Unproven {
            return self.hand_to_human(tx, event, record, transition).await;
        }
        match tx.transition_by_source(self.source, record, transition, self.note(event), self.now).await {
            Ok(SourceEffect::Deferred) => {
                self.join(tx, id, event, transition);
                let source = self.source;
                tracing::info!(case.id = %id, %source, "case {id}: event deferred, source {source} is frozen by its brake");
                Ok(Outcome { reason: Some("source_is_frozen"), ..applied(id) })
            }
            Ok(SourceEffect::Applied(transitioned)) => {
                self.join(tx, id, event, transition);
                let (from, state) = (transitioned.from, transitioned.record.case.state.name());
                let transition = transition.name();
                tracing::info!(case.id = %id, case.state = %state, transition, "case {id}: {from} to {state} ({transition})");
                Ok(applied(id))
            }
            // The call about this person is being made right now: the event is applied when its outcome is known.
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

fn is_stop(event_type: EventType) -> bool {
    matches!(event_type, EventType::Returned | EventType::DepartureCancelled)
}

fn waits_for_an_address(record: &CaseRecord) -> bool {
    matches!(&record.case.state, State::NeedsAttention(attention) if attention.reason == AttentionReason::NoEmail)
        && record.person.email.is_none()
}
