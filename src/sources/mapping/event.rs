//! Builds the event of a classified item.

use super::classification::Classification;
use super::item::Item;
use super::unreadable::Unreadable;
use super::value::{is_empty, presentable, word};
use crate::domain::event::{Effective, Event, EventType};
use crate::domain::person::{EmailAddress, Person};

impl Item<'_> {
    /// The event of this item.
    pub(super) fn read(self) -> Result<Event, Unreadable> {
        self.event_of(&self.classify()?)
    }

    /// The same, with the reason in words. The reason may contain the vendor's word, which is not personal data.
    pub(super) fn explain(self) -> (Result<Event, Unreadable>, Option<String>) {
        match self.classify() {
            Ok(found) => {
                let event = self.event_of(&found);
                let less = event.as_ref().is_ok_and(|event| event.event_type != found.event_type);
                let but = match found.event_type {
                    EventType::Profile if less => ", but it does not hold both an id and an address",
                    EventType::EmailChanged if less => ", but to the same address",
                    EventType::Departed
                    | EventType::DepartureCancelled
                    | EventType::Returned
                    | EventType::EmailChanged
                    | EventType::ErasureRequested
                    | EventType::Profile
                    | EventType::Ignored => "",
                };
                (event, Some(format!("{}: {}{but}", found.matched_by, found.event_type)))
            }
            Err(unreadable) => (Err(unreadable), None),
        }
    }

    /// The vendor's word of an ignored item; `None` for other items, and for items without a word.
    pub(super) fn ignored_word(self) -> Option<String> {
        if self.classify().ok()?.event_type != EventType::Ignored {
            return None;
        }
        let mut words =
            self.mapping.words.iter().flat_map(|place| self.query(place).into_iter().map(move |v| (place, v)));
        words.find_map(|(place, value)| word(value, place)).map(|word| presentable(&word))
    }

    fn event_of(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        match found.event_type {
            EventType::Ignored => Ok(ignored()),
            EventType::Profile => self.profile(found),
            EventType::EmailChanged => self.email_changed(found),
            EventType::DepartureCancelled | EventType::Returned => self.stop(found),
            EventType::Departed | EventType::ErasureRequested => {
                let person = self.identified_person(found)?;
                self.event(found, person, None)
            }
        }
    }

    /// A profile without both id and email address has no effect.
    fn profile(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        let person = self.person(found)?;
        if person.id.is_none() || person.email.is_none() {
            return Ok(ignored());
        }
        let occurred_at = self.occurred_at()?;
        Ok(Event {
            event_type: EventType::Profile,
            person,
            old_email: None,
            effective: Effective::Immediately,
            occurred_at,
        })
    }

    /// The account of the old address may be revoked, so it must not equal the new one: a change of case is no change.
    fn email_changed(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        let person = self.identified_person(found)?;
        let old_email = self.address(found.old_email)?;
        if old_email.is_some() && old_email == person.email {
            return self.profile(found);
        }
        if old_email.is_none() && person.id.is_none() {
            return Err(self.unreadable(found.old_email, "the old address, or a person id to know it by"));
        }
        self.event(found, person, old_email)
    }

    fn event(
        self,
        found: &Classification<'_>,
        person: Person,
        old_email: Option<EmailAddress>,
    ) -> Result<Event, Unreadable> {
        Ok(Event {
            event_type: found.event_type,
            person,
            old_email,
            effective: self.effective(found.effective_at)?,
            occurred_at: self.occurred_at()?,
        })
    }

    /// A stop is valid despite an unreadable date or address, as long as the id identifies the person.
    fn stop(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        let person = match (self.id(found.person_id), self.identified_person(found)) {
            (Ok(Some(id)), Err(_)) => Person { id: Some(id), email: None },
            (_, person) => person?,
        };
        Ok(Event {
            event_type: found.event_type,
            person,
            old_email: None,
            effective: self.effective(found.effective_at).unwrap_or_default(),
            occurred_at: self.occurred_at()?,
        })
    }

    fn person(self, found: &Classification<'_>) -> Result<Person, Unreadable> {
        Ok(Person { id: self.id(found.person_id)?, email: self.address(found.email)? })
    }

    fn identified_person(self, found: &Classification<'_>) -> Result<Person, Unreadable> {
        let person = self.person(found)?;
        if person.id.is_none() && person.email.is_none() {
            let is_login = found.email.iter().flat_map(|place| self.query(place)).any(|value| !is_empty(value));
            return Err(if is_login {
                self.unreadable(found.email, "one e-mail address")
            } else {
                self.unreadable(&[found.person_id, found.email].concat(), "a person id or an e-mail address")
            });
        }
        Ok(person)
    }
}

fn ignored() -> Event {
    Event {
        event_type: EventType::Ignored,
        person: Person::default(),
        old_email: None,
        effective: Effective::Immediately,
        occurred_at: None,
    }
}
