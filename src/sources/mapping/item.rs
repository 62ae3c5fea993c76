//! Maps one item of a delivery to one event.

use std::borrow::Cow;

use serde_json::Value;

use super::date::{self, DateError, DateReader};
use super::description::{Description, Precision, Rule};
use super::{Headers, Unreadable};
use crate::domain::event::{Effective, Event, EventType};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::sources::json_path::{Condition, Location, Scope, UnknownType};

/// An item, with everything that is required to read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    /// The index in the batch.
    pub(super) index: usize,
    pub(super) value: &'a Value,
    /// The whole body.
    pub(super) envelope: &'a Value,
    /// The item alone in an array, for conditions.
    pub(super) wrapped: &'a Value,
    /// The headers of the request that the mapping reads.
    pub(super) headers: &'a Headers,
    pub(super) mapping: &'a Description,
}

/// The classification of an item: the event, the reason, and the locations of its facts.
#[derive(Debug, Clone)]
struct Classification<'a> {
    event_type: EventType,
    matched_by: MatchedBy<'a>,
    person_id: &'a [Location],
    email: &'a [Location],
    old_email: &'a [Location],
    effective_at: &'a [Location],
}

/// The reason of a classification.
#[derive(Debug, Clone)]
enum MatchedBy<'a> {
    /// A condition that holds.
    Rule(&'a Condition),
    /// A word that the table contains, and its location.
    Word(Cow<'a, str>, &'a Location),
    /// None of the words is in the table.
    UnknownWord,
    /// The condition that skips items.
    Skipped(&'a Condition),
}

impl std::fmt::Display for MatchedBy<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(condition) => write!(f, "the rule `{condition}` holds"),
            Self::Word(word, place) => write!(f, "`{}` is `{word}`", place.text()),
            Self::Skipped(condition) => write!(f, "`skip_item` says `{condition}`"),
            Self::UnknownWord => f.write_str("the mapping knows no such event"),
        }
    }
}

impl<'a> Classification<'a> {
    fn by_word(mapping: &'a Description, event_type: EventType, matched_by: MatchedBy<'a>) -> Self {
        Self {
            event_type,
            matched_by,
            person_id: &mapping.person_id,
            email: &mapping.email,
            old_email: &mapping.old_email,
            effective_at: &mapping.effective_at,
        }
    }

    /// The locations that a rule names replace those of the mapping.
    fn by_rule(mapping: &'a Description, rule: &'a Rule) -> Self {
        Self {
            event_type: rule.event,
            matched_by: MatchedBy::Rule(&rule.when),
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

    /// The same, with the reason in words. The reason may contain the vendor's word, which is not personal data.
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
                (event, Some(format!("{}: {}{but}", found.matched_by, found.event_type)))
            }
            Err(unreadable) => (Err(unreadable), None),
        }
    }

    /// The vendor's word of an ignored item; `None` for other items, and for items without a word.
    pub(super) fn ignored_word(self) -> Option<String> {
        if self.find().ok()?.event_type != EventType::Ignored {
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

    /// Rules take precedence, because they are the exceptions; then the first word that the table contains.
    fn find(self) -> Result<Classification<'a>, Unreadable> {
        if let Some(found) = self.by_condition() {
            return Ok(found);
        }
        let mut any_word = false;
        for place in &self.mapping.words {
            let mut unknown = false;
            for word in self.query(place).into_iter().filter_map(|value| word(value, place)) {
                unknown = true;
                if let Some(event_type) = self.mapping.types.get(&word.to_lowercase()) {
                    return Ok(Classification::by_word(self.mapping, *event_type, MatchedBy::Word(word, place)));
                }
            }
            if unknown && place.unknown_type == Some(UnknownType::Unreadable) {
                let expected = "a word that `types` knows; add the new one there, as departed, profile or ignored";
                return Err(self.unreadable(std::slice::from_ref(place), expected));
            }
            any_word |= unknown;
        }
        match (any_word, self.mapping.unknown_type) {
            (true, UnknownType::Ignored) => {
                Ok(Classification::by_word(self.mapping, EventType::Ignored, MatchedBy::UnknownWord))
            }
            (true, UnknownType::Unreadable) | (false, UnknownType::Ignored | UnknownType::Unreadable) => {
                Err(self.unreadable(&self.mapping.words, "a type of event that the mapping knows"))
            }
        }
    }

    /// The classification by a condition, if one holds.
    fn by_condition(self) -> Option<Classification<'a>> {
        if self.mapping.rules.is_empty() && self.mapping.skip_item.is_none() {
            return None;
        }
        let alone = Value::Array(vec![self.value.clone()]);
        if let Some(skip) = &self.mapping.skip_item
            && skip.holds(self.subject(&skip.scope, &alone))
        {
            return Some(Classification::by_word(self.mapping, EventType::Ignored, MatchedBy::Skipped(skip)));
        }
        let blanks = self.blanks(&alone);
        let rule = self.mapping.rules.iter().find(|rule| match &blanks {
            None => rule.when.holds(self.subject(&rule.when.scope, &alone)),
            Some(blanks) => blanks.hold(rule),
        })?;
        Some(Classification::by_rule(self.mapping, rule))
    }

    /// The value that a condition is evaluated on.
    fn subject<'s>(self, scope: &Scope, alone: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        match scope {
            Scope::Item => alone,
            Scope::Envelope | Scope::Header(_) => self.wrapped,
        }
    }

    /// The item and the envelope for conditions when a date in them is blank: `""` and `0000-00-00` become null. `None`
    /// when there is no such date.
    fn blanks(self, alone: &Value) -> Option<Blanks> {
        let mut blanks = None;
        for place in self.mapping.dates() {
            let base = match place.scope {
                Scope::Item => self.value,
                Scope::Envelope | Scope::Header(_) => self.envelope,
            };
            for pointer in place.expression.pointers(base) {
                if base.pointer(&pointer).is_some_and(date::is_no_date) {
                    let blanks = blanks.get_or_insert_with(|| Blanks::of(alone, self.wrapped));
                    blanks.clear(&place.scope, &pointer);
                }
            }
        }
        blanks
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
            effective: self.effective(found)?,
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
            effective: self.effective(found).unwrap_or_default(),
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

    fn id(self, places: &[Location]) -> Result<Option<PersonId>, Unreadable> {
        let expected = "one person id, a text or a whole number";
        let Some((place, value)) = self.single(places, expected, is_empty)? else { return Ok(None) };
        let id = text(value).and_then(|id| PersonId::parse(without_prefix(&id, place)).ok());
        id.map(Some).ok_or_else(|| self.unreadable(places, expected))
    }

    /// The email address of the first location that has one. A login without an `@` is no address, and the next
    /// location is read. A text with an `@` that is invalid is an error: it was meant to be an address.
    fn address(self, places: &[Location]) -> Result<Option<EmailAddress>, Unreadable> {
        let expected = "one e-mail address";
        for place in places {
            let Some((place, value)) = self.single(std::slice::from_ref(place), expected, is_empty)? else { continue };
            let Some(text) = value.as_str() else { return Err(self.unreadable(places, expected)) };
            let text = without_prefix(text.trim(), place);
            if !text.contains('@') {
                continue;
            }
            return match EmailAddress::parse(text) {
                Ok(address) if is_bare(text) => Ok(Some(address)),
                Ok(_) | Err(_) => Err(self.unreadable(places, expected)),
            };
        }
        Ok(None)
    }

    /// An unreadable date never means "immediately", and a date that cannot be a last day is an error.
    fn effective(self, found: &Classification<'_>) -> Result<Effective, Unreadable> {
        let places = found.effective_at;
        let expected = "one date";
        let Some((_, value)) = self.single(places, expected, date::is_no_date)? else {
            return Ok(Effective::Immediately);
        };
        self.reading().effective(value).map_err(|why| match why {
            DateError::NoDate(None) => self.unreadable(places, expected),
            DateError::NoDate(Some(hint)) => self.unreadable(places, &format!("{expected}: {hint}")),
            DateError::OutOfRange => self.unreadable(
                places,
                "a last day between 1970 and 2200: dates like 0001-01-01, 1900-01-01 and 9999-12-31 mean no day at \
                 all, which is written by leaving the field out, null or 0000-00-00",
            ),
        })
    }

    fn occurred_at(self) -> Result<Option<jiff::Timestamp>, Unreadable> {
        let places = &self.mapping.occurred_at;
        let expected = "one time";
        let Some((_, value)) = self.single(places, expected, date::is_no_date)? else { return Ok(None) };
        self.reading().instant(value).map_err(|_unreadable| self.unreadable(places, expected))
    }

    fn reading(self) -> DateReader<'a> {
        DateReader {
            formats: &self.mapping.date_format,
            zone: self.mapping.zone.as_ref(),
            is_day: self.mapping.effective_is == Precision::Day,
        }
    }

    /// The value of the first location that is not empty. Two different values at one location count as none: to choose
    /// the first would be a guess about the person.
    fn single<'p>(
        self,
        places: &'p [Location],
        expected: &str,
        is_empty: fn(&Value) -> bool,
    ) -> Result<Option<(&'p Location, &'a Value)>, Unreadable> {
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
                return Ok(Some((place, first)));
            }
            // The same field may be flat or an object: another location may have the value.
            only_structures = only_structures.or(Some(true));
        }
        if only_structures == Some(true) { Err(self.unreadable(places, expected)) } else { Ok(None) }
    }

    fn query(self, place: &Location) -> Vec<&'a Value> {
        match &place.scope {
            Scope::Item => place.expression.query(self.value),
            Scope::Envelope => place.expression.query(self.envelope),
            Scope::Header(name) => self.headers.get(name).into_iter().collect(),
        }
    }

    fn unreadable(self, places: &[Location], expected: &str) -> Unreadable {
        let paths: Vec<_> = places.iter().map(Location::text).collect();
        Unreadable { item: Some(self.index), path: paths.join("`, `"), expected: expected.to_owned() }
    }
}

/// An item and its envelope, each alone in an array, with blank dates once as null and once removed.
struct Blanks {
    null: (Value, Value),
    missing: (Value, Value),
}

impl Blanks {
    fn of(alone: &Value, wrapped: &Value) -> Self {
        let both = (alone.clone(), wrapped.clone());
        Self { null: both.clone(), missing: both }
    }

    fn clear(&mut self, scope: &Scope, pointer: &str) {
        let (null, missing) = match scope {
            Scope::Item => (&mut self.null.0, &mut self.missing.0),
            Scope::Envelope | Scope::Header(_) => (&mut self.null.1, &mut self.missing.1),
        };
        let pointer = format!("/0{pointer}");
        if let Some(value) = null.pointer_mut(&pointer) {
            *value = Value::Null;
        }
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(Value::Object(members)) = missing.pointer_mut(parent)
        {
            members.remove(&name.replace("~1", "/").replace("~0", "~"));
        }
    }

    /// Whether a rule holds despite a blank date. A rule that only the date could fulfill does not prove a departure: a
    /// rule that departs must hold without the date, unless it names null itself.
    fn hold(&self, rule: &Rule) -> bool {
        let holds = |both: &(Value, Value)| match rule.when.scope {
            Scope::Item => rule.when.holds(&both.0),
            Scope::Envelope | Scope::Header(_) => rule.when.holds(&both.1),
        };
        let departs = matches!(rule.event, EventType::Departed | EventType::ErasureRequested);
        holds(&self.null) && (!departs || rule.when.names_null() || holds(&self.missing))
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

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| matches!(text.trim(), "" | "0000-00-00"))
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(Cow::Borrowed(text.trim())),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(Cow::Owned(number.to_string())),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A word that may be stored and shown: a long one, or one like an email address, is no event type.
fn presentable(word: &str) -> String {
    const LONGEST: usize = 64;
    let fits = word.chars().count() <= LONGEST && !word.contains('@') && !word.chars().any(char::is_control);
    if fits { word.to_owned() } else { "(other)".to_owned() }
}

/// A word is a text, a number, true or false.
fn word<'v>(value: &'v Value, place: &Location) -> Option<Cow<'v, str>> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(Cow::Borrowed(without_prefix(text.trim(), place))),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The text without the prefix of its location.
fn without_prefix<'t>(text: &'t str, place: &Location) -> &'t str {
    place.prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// Whether an address stands alone: no brackets, no list, no invisible characters.
fn is_bare(text: &str) -> bool {
    let is_odd = |c: char| matches!(c, '<' | '>' | ';' | ',') || is_invisible(c);
    let is_quoted = text.starts_with('"');
    !text.chars().any(|c| if is_quoted { is_invisible(c) } else { is_odd(c) })
}

/// Zero-width characters, which people paste without noticing.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}
