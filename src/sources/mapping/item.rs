//! One item of a delivery to one event.

use std::borrow::Cow;

use serde_json::Value;

use super::Unreadable;
use super::date::Reading;
use super::description::{Description, Rule, UnknownType};
use crate::domain::event::{Effective, Event, EventType};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::sources::location::{Condition, Location, Scope};

/// What some systems write for "no date".
const NO_DATE: &str = "0000-00-00";

/// An item, and what there is to read it by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    /// Its place in the batch.
    pub(super) index: usize,
    /// Itself.
    pub(super) value: &'a Value,
    /// All that was sent.
    pub(super) envelope: &'a Value,
    /// The same, alone in an array, for conditions.
    pub(super) wrapped: &'a Value,
    /// How to read it.
    pub(super) mapping: &'a Description,
}

/// What an item was found to be, by what, and where its facts stand.
#[derive(Debug, Clone)]
struct Finding<'a> {
    event_type: EventType,
    clue: Clue<'a>,
    person_id: &'a [Location],
    email: &'a [Location],
    old_email: &'a [Location],
    effective_at: &'a [Location],
}

/// By what an item was found to be what it is.
#[derive(Debug, Clone)]
enum Clue<'a> {
    /// A condition that holds.
    Rule(&'a Condition),
    /// A word that the table knows, and where it stands.
    Word(Cow<'a, str>, &'a Location),
    /// Words, none of which it knows.
    UnknownWord,
}

impl std::fmt::Display for Clue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(condition) => write!(f, "the rule `{condition}` holds"),
            Self::Word(word, place) => write!(f, "`{}` is `{word}`", place.expression.as_str()),
            Self::UnknownWord => f.write_str("the mapping knows no such event"),
        }
    }
}

impl<'a> Finding<'a> {
    fn by_word(mapping: &'a Description, event_type: EventType, clue: Clue<'a>) -> Self {
        Self {
            event_type,
            clue,
            person_id: &mapping.person_id,
            email: &mapping.email,
            old_email: &mapping.old_email,
            effective_at: &mapping.effective_at,
        }
    }

    /// The places that a rule names replace the mapping's.
    fn by_rule(mapping: &'a Description, rule: &'a Rule) -> Self {
        Self {
            event_type: rule.event,
            clue: Clue::Rule(&rule.when),
            person_id: rule.person_id.as_deref().unwrap_or(&mapping.person_id),
            email: rule.email.as_deref().unwrap_or(&mapping.email),
            old_email: rule.old_email.as_deref().unwrap_or(&mapping.old_email),
            effective_at: rule.effective_at.as_deref().unwrap_or(&mapping.effective_at),
        }
    }
}

impl<'a> Item<'a> {
    /// The event of this item.
    pub(super) fn read(self) -> Result<Event, Unreadable> {
        self.event_of(&self.find()?)
    }

    /// The same, and by what it was found to be that, in words. They may hold the vendor's word, which is no person's.
    pub(super) fn explain(self) -> (Result<Event, Unreadable>, Option<String>) {
        match self.find() {
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
                (event, Some(format!("{}: {}{but}", found.clue, found.event_type)))
            }
            Err(unreadable) => (Err(unreadable), None),
        }
    }

    fn event_of(self, found: &Finding<'_>) -> Result<Event, Unreadable> {
        match found.event_type {
            EventType::Ignored => Ok(ignored()),
            EventType::Profile => self.profile(found),
            EventType::EmailChanged => self.email_changed(found),
            EventType::Departed | EventType::DepartureCancelled | EventType::Returned | EventType::ErasureRequested => {
                let person = self.somebody(found)?;
                self.event(found, person, None)
            }
        }
    }

    /// The rules first, which are the exceptions; then the first word that the table knows.
    fn find(self) -> Result<Finding<'a>, Unreadable> {
        if let Some(rule) = self.first_rule() {
            return Ok(Finding::by_rule(self.mapping, rule));
        }
        let mut any_word = false;
        let words = self.mapping.words.iter().flat_map(|place| self.query(place).into_iter().map(move |v| (place, v)));
        for (place, word) in words.filter_map(|(place, value)| Some((place, text(value)?))) {
            any_word = true;
            if let Some(event_type) = self.mapping.types.get(&word.to_lowercase()) {
                return Ok(Finding::by_word(self.mapping, *event_type, Clue::Word(word, place)));
            }
        }
        match (any_word, self.mapping.unknown_type) {
            (true, UnknownType::Ignored) => Ok(Finding::by_word(self.mapping, EventType::Ignored, Clue::UnknownWord)),
            (true, UnknownType::Unreadable) | (false, UnknownType::Ignored | UnknownType::Unreadable) => {
                Err(self.unreadable(&self.mapping.words, "a type of event that the mapping knows"))
            }
        }
    }

    fn first_rule(self) -> Option<&'a Rule> {
        if self.mapping.rules.is_empty() {
            return None;
        }
        let alone = Value::Array(vec![self.value.clone()]);
        self.mapping.rules.iter().find(|rule| match rule.when.scope {
            Scope::Item => rule.when.holds(&alone),
            Scope::Envelope => rule.when.holds(self.wrapped),
        })
    }

    /// That id and address belong together is nothing when one of them is missing.
    fn profile(self, found: &Finding<'_>) -> Result<Event, Unreadable> {
        let person = self.person(found)?;
        if person.id.is_none() || person.email.is_none() {
            return Ok(ignored());
        }
        let occurred_at = self.occurred_at()?;
        Ok(Event { event_type: EventType::Profile, person, old_email: None, effective: Effective::AtOnce, occurred_at })
    }

    /// The account of the old address may go, so it must not be the new one as well: a change of case is no change.
    fn email_changed(self, found: &Finding<'_>) -> Result<Event, Unreadable> {
        let person = self.somebody(found)?;
        let old_email = self.address(found.old_email)?;
        if old_email.is_some() && old_email == person.email {
            return self.profile(found);
        }
        if old_email.is_none() && person.id.is_none() {
            return Err(self.unreadable(found.old_email, "the old address, or a person id to know it by"));
        }
        self.event(found, person, old_email)
    }

    fn event(self, found: &Finding<'_>, person: Person, old_email: Option<EmailAddress>) -> Result<Event, Unreadable> {
        Ok(Event {
            event_type: found.event_type,
            person,
            old_email,
            effective: self.effective(found.effective_at)?,
            occurred_at: self.occurred_at()?,
        })
    }

    fn person(self, found: &Finding<'_>) -> Result<Person, Unreadable> {
        Ok(Person { id: self.id(found.person_id)?, email: self.address(found.email)? })
    }

    fn somebody(self, found: &Finding<'_>) -> Result<Person, Unreadable> {
        let person = self.person(found)?;
        if person.id.is_none() && person.email.is_none() {
            return Err(self.unreadable(&[found.person_id, found.email].concat(), "a person id or an e-mail address"));
        }
        Ok(person)
    }

    fn id(self, places: &[Location]) -> Result<Option<PersonId>, Unreadable> {
        let expected = "one person id, a text or a whole number";
        let Some(value) = self.single(places, expected)? else { return Ok(None) };
        let id = text(value).and_then(|id| PersonId::parse(&id).ok());
        id.map(Some).ok_or_else(|| self.unreadable(places, expected))
    }

    fn address(self, places: &[Location]) -> Result<Option<EmailAddress>, Unreadable> {
        let expected = "one e-mail address";
        let Some(value) = self.single(places, expected)? else { return Ok(None) };
        let address = value.as_str().and_then(|address| EmailAddress::parse(address).ok());
        address.map(Some).ok_or_else(|| self.unreadable(places, expected))
    }

    /// A date that cannot be read is never "at once".
    fn effective(self, places: &[Location]) -> Result<Effective, Unreadable> {
        let expected = "one date";
        let Some(value) = self.single(places, expected)? else { return Ok(Effective::AtOnce) };
        self.reading().effective(value).ok_or_else(|| self.unreadable(places, expected))
    }

    fn occurred_at(self) -> Result<Option<jiff::Timestamp>, Unreadable> {
        let places = &self.mapping.occurred_at;
        let expected = "one time";
        let Some(value) = self.single(places, expected)? else { return Ok(None) };
        // Some vendors write this one in ISO 8601 whatever format their other dates have.
        let plain = Reading { format: None, ..self.reading() };
        let instant = self.reading().instant(value).or_else(|| plain.instant(value));
        instant.map(Some).ok_or_else(|| self.unreadable(places, expected))
    }

    fn reading(self) -> Reading<'a> {
        Reading { format: self.mapping.date_format.as_deref(), zone: self.mapping.zone.as_ref() }
    }

    /// What stands in the first of the places that is not empty. Two different values in one place are none: to take the
    /// first would be to guess whom a delivery is about.
    fn single(self, places: &[Location], expected: &str) -> Result<Option<&'a Value>, Unreadable> {
        let mut only_structures = None;
        for place in places {
            let found = self.query(place);
            let mut filled = found.iter().copied().filter(|value| !is_empty(value));
            let Some(first) = filled.next() else {
                if !found.is_empty() {
                    only_structures = Some(false);
                }
                continue;
            };
            if filled.any(|other| other != first) {
                return Err(self.unreadable(places, expected));
            }
            if !matches!(first, Value::Array(_) | Value::Object(_)) {
                return Ok(Some(first));
            }
            // The same field may be flat or an object; another of the places knows.
            only_structures = only_structures.or(Some(true));
        }
        if only_structures == Some(true) { Err(self.unreadable(places, expected)) } else { Ok(None) }
    }

    fn query(self, place: &Location) -> Vec<&'a Value> {
        place.expression.query(match place.scope {
            Scope::Item => self.value,
            Scope::Envelope => self.envelope,
        })
    }

    fn unreadable(self, places: &[Location], expected: &str) -> Unreadable {
        let paths: Vec<_> = places.iter().map(|place| place.expression.as_str()).collect();
        Unreadable { item: Some(self.index), path: paths.join("`, `"), expected: expected.to_owned() }
    }
}

fn ignored() -> Event {
    Event {
        event_type: EventType::Ignored,
        person: Person::default(),
        old_email: None,
        effective: Effective::AtOnce,
        occurred_at: None,
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| matches!(text.trim(), "" | NO_DATE))
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(Cow::Borrowed(text.trim())),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(Cow::Owned(number.to_string())),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
