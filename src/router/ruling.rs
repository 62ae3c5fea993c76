//! One event: whose it is, what the rules say, and what is done about it in the delivery's transaction.

use jiff::Timestamp;
use serde_json::json;

use crate::domain::case::{Attention, Happening, Hold, Reason, State, Terms};
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{CaseId, DeliveryId, SiteName, SourceName};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::domain::policy::{Action, Policy};
use crate::domain::routing::{self, Address, Because, Known, Ruling};
use crate::proof::seal::KeyedHash;
use crate::store::{Dossier, EventStatus, EventVerdict, HappenError, NewCase, Note, StoreError, Tx};

/// What an event is ruled by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) source: &'a SourceName,
    pub(super) site: &'a SiteName,
    pub(super) policy: &'a Policy,
    pub(super) delivery_id: DeliveryId,
    pub(super) received_at: Timestamp,
    pub(super) now: Timestamp,
    /// Whether the vendor can be asked for an address, and was not asked in vain already.
    pub(super) may_ask: bool,
}

/// What became of an event.
pub(super) type Outcome = EventVerdict<'static>;

fn applied(case_id: CaseId) -> Outcome {
    Outcome { status: EventStatus::Applied, because: None, case_id: Some(case_id), asked: None }
}

fn ignored(because: Because, open: Option<&Dossier>) -> Outcome {
    let case_id = open.map(|dossier| dossier.case.id);
    Outcome { status: EventStatus::Ignored, because: Some(because.as_str()), case_id, asked: None }
}

/// Until the call about the person is settled or, where the vendor is asked for the address, until that is known.
fn waits(case_id: Option<CaseId>, asked: Option<KeyedHash>) -> Outcome {
    let because = asked.map(|_| "address_is_looked_up");
    Outcome { status: EventStatus::Waiting, because, case_id, asked }
}

impl Subject<'_> {
    /// Lets an event do what the rules say.
    pub(super) async fn apply(&self, tx: &mut Tx, event: &Event) -> Result<Outcome, StoreError> {
        let person = self.whose(tx, event).await?;
        if let Some(asked) = self.ask(tx, event, &person).await? {
            return Ok(waits(None, Some(asked)));
        }
        if let (Some(id), Some(email), false) =
            (&event.person.id, &event.person.email, event.event_type == EventType::Ignored)
        {
            self.learn(tx, id, email).await?;
        }
        let (email_hash, person_hash) = tx.hashes(self.site, Some(self.source), &person);
        let Some(person_key) = email_hash.or(person_hash) else {
            return Ok(ignored(Because::NotOurs, None));
        };
        let open = self.open_case(tx, event, &person, email_hash, person_hash).await?;
        let known = Known {
            newest: tx.newest(&person_key).await?,
            open: open.as_ref().map(|dossier| &dossier.case),
            address: self.address(tx, &person, email_hash, person_hash, open.as_ref()).await?,
        };
        let ruling = routing::rule(event, known, self.policy, self.received_at);
        if routing::is_ordered(event.event_type) && ruling != Ruling::Nothing(Because::Older) {
            let happened_at = routing::happened_at(event, self.received_at);
            tx.note_newest(&person_key, event.event_type, happened_at);
            self.note_whereabouts(tx, event);
        }
        match ruling {
            Ruling::Nothing(because) => Ok(ignored(because, open.as_ref())),
            Ruling::Open { terms, effective_at, attention } => {
                self.open(tx, event, person, terms, effective_at, attention).await
            }
            Ruling::Apply(happening) => match open {
                Some(dossier) => self.happen(tx, event, dossier, &happening).await,
                None => Ok(ignored(Because::NoOpenCase, None)),
            },
        }
    }

    /// Has the vendor asked for the address of an event that could do something and lacks it. While somebody is asked for,
    /// whatever else comes about the same person without an address waits too, so that nothing overtakes.
    async fn ask(&self, tx: &mut Tx, event: &Event, person: &Person) -> Result<Option<KeyedHash>, StoreError> {
        let (true, Some(id), None) = (self.may_ask, &person.id, &person.email) else { return Ok(None) };
        let (_, Some(person_hash)) = tx.hashes(self.site, Some(self.source), person) else { return Ok(None) };
        let matters = match event.event_type {
            EventType::Departed | EventType::ErasureRequested => {
                self.policy.action(event.event_type) != Some(Action::Ignore)
            }
            EventType::DepartureCancelled | EventType::Returned => true,
            // The vendor knows the present address, and what changes is the old one.
            EventType::EmailChanged | EventType::Profile | EventType::Ignored => false,
        };
        if tx.is_asked(self.source, person_hash).await? {
            return Ok(Some(person_hash));
        }
        // An open case of the same person id has what is needed: the address for a departure, itself for a stop.
        let open = tx.open_case_of(self.site, None, Some(person_hash)).await?;
        let is_known = open.is_some_and(|dossier| is_stop(event.event_type) || dossier.person.email.is_some());
        if is_known || !matters {
            return Ok(None);
        }
        Ok(Some(tx.begin_lookup(self.source, id, self.now)))
    }

    /// Whose the address is. That two ids have it is no news to the case that was opened for this very id.
    async fn address(
        &self,
        tx: &mut Tx,
        person: &Person,
        email_hash: Option<KeyedHash>,
        person_hash: Option<KeyedHash>,
        open: Option<&Dossier>,
    ) -> Result<Address, StoreError> {
        let Some(email_hash) = email_hash else { return Ok(Address::Unknown) };
        let same_id = open.is_some_and(|dossier| person.id.is_some() && dossier.person.id == person.id);
        let shared = !same_id && tx.shares_address(self.source, person_hash, email_hash, self.now).await?;
        Ok(if shared { Address::Shared } else { Address::Own })
    }

    /// Remembers of a person id when it is gone, so that it does not keep somebody else's address from going.
    fn note_whereabouts(&self, tx: &mut Tx, event: &Event) {
        let Some(id) = &event.person.id else { return };
        let leaves = matches!(event.event_type, EventType::Departed | EventType::ErasureRequested);
        let gone_at = leaves.then(|| self.policy.effective_at(event.effective, self.received_at));
        tx.note_gone(self.source, id, gone_at);
    }

    /// Whose account an event is about: by the address that it names or, without one, the address that is remembered for
    /// the person's id. After a change of address that is the *old* one; the new one is never touched.
    async fn whose(&self, tx: &mut Tx, event: &Event) -> Result<Person, StoreError> {
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
                let remembered = tx.recall(self.source, id).await?;
                // "The address changed" from a source that repeats the present one says nothing about an old one.
                remembered.filter(|old| {
                    event.event_type != EventType::EmailChanged || event.person.email.as_ref() != Some(old)
                })
            }
            (None, None) => None,
        };
        Ok(Person { id: event.person.id.clone(), email })
    }

    /// Remembers which address belongs to an id, and lets whatever waited for just that go on.
    pub(super) async fn learn(&self, tx: &mut Tx, id: &PersonId, email: &EmailAddress) -> Result<(), StoreError> {
        tx.remember(self.source, self.site, id, email, self.now);
        tx.hasten_lookup(self.source, id, self.now);
        let person = Person { id: Some(id.clone()), email: None };
        let (_, person_hash) = tx.hashes(self.site, Some(self.source), &person);
        let Some(dossier) = tx.open_case_of(self.site, None, person_hash).await? else { return Ok(()) };
        if waits_for_an_address(&dossier) {
            self.give_address(tx, dossier, email).await?;
        }
        Ok(())
    }

    async fn give_address(&self, tx: &mut Tx, mut dossier: Dossier, email: &EmailAddress) -> Result<(), StoreError> {
        let case_id = dossier.case.id;
        dossier.person.email = Some(email.clone());
        let (email_hash, _) = tx.hashes(self.site, None, &dossier.person);
        // The address may have a case of its own already; then that one does the work, and a human sees this one.
        if tx.open_case_of(self.site, email_hash, None).await?.is_some() {
            return Ok(());
        }
        let note = Note::detail(json!({ "delivery": self.delivery_id, "learned": "address" }));
        match tx.happen(dossier, &Happening::Retried, note, self.now).await {
            Ok(_) => Ok(()),
            Err(HappenError::Store(error)) => Err(error),
            Err(error @ (HappenError::Refused(_) | HappenError::TooLate)) => {
                tracing::warn!(case.id = %case_id, %error, "a case that got its address could not go on");
                Ok(())
            }
        }
    }

    /// The open case that an event is about. Who comes back may do so under another address, so a stop also finds a case
    /// by the person's id; a departure does not: the same id with another address is a mover, whose old account is another
    /// matter.
    async fn open_case(
        &self,
        tx: &mut Tx,
        event: &Event,
        person: &Person,
        email_hash: Option<KeyedHash>,
        person_hash: Option<KeyedHash>,
    ) -> Result<Option<Dossier>, StoreError> {
        let by_id = person_hash.filter(|_| is_stop(event.event_type) || person.email.is_none());
        tx.open_case_of(self.site, email_hash, by_id).await
    }

    async fn open(
        &self,
        tx: &mut Tx,
        event: &Event,
        person: Person,
        terms: Terms,
        effective_at: Timestamp,
        attention: Option<Attention>,
    ) -> Result<Outcome, StoreError> {
        let beginning = if let Some(attention) = attention {
            Some(State::NeedsAttention(attention))
        } else if tx.is_braked(self.source).await? {
            Some(State::Held(Hold::Brake))
        } else {
            None
        };
        let new = NewCase { site: self.site.clone(), source: Some(self.source.clone()), person, terms, effective_at };
        let dossier = tx.open_case(new, beginning, self.note(event), self.now).await?;
        tracing::info!(case.id = %dossier.case.id, case.state = %dossier.case.state.name(), "opened a case");
        Ok(applied(dossier.case.id))
    }

    async fn happen(
        &self,
        tx: &mut Tx,
        event: &Event,
        dossier: Dossier,
        happening: &Happening,
    ) -> Result<Outcome, StoreError> {
        let case_id = dossier.case.id;
        match tx.interfere(dossier.clone(), happening, self.note(event), self.now).await {
            Ok(happened) => {
                let state = happened.dossier.case.state.name();
                tracing::info!(case.id = %case_id, case.state = %state, happening = happening.name(), "a case moved");
                Ok(applied(case_id))
            }
            // The call about this person is being made right now: the event is applied when its outcome is known.
            Err(HappenError::TooLate) => Ok(waits(Some(case_id), None)),
            Err(HappenError::Refused(refusal)) => {
                tracing::info!(case.id = %case_id, %refusal, "an event led to nothing");
                Ok(ignored(Because::AlreadySo, Some(&dossier)))
            }
            Err(HappenError::Store(error)) => Err(error),
        }
    }

    fn note(&self, event: &Event) -> Note {
        Note::detail(json!({ "delivery": self.delivery_id, "event": event.event_type, "source": self.source }))
    }
}

fn is_stop(event_type: EventType) -> bool {
    matches!(event_type, EventType::Returned | EventType::DepartureCancelled)
}

fn waits_for_an_address(dossier: &Dossier) -> bool {
    matches!(&dossier.case.state, State::NeedsAttention(attention) if attention.reason == Reason::NoEmail)
        && dossier.person.email.is_none()
}
