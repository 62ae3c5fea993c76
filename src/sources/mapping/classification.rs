//! Decides which event an item is, by rules and by words.

use std::borrow::Cow;

use serde_json::Value;

use super::because::Match;
use super::blanks::Blanks;
use super::date;
use super::description::{Description, Rule};
use super::item::Item;
use super::value::word;
use crate::domain::event::EventType;
use crate::domain::problem::{Kind, Unreadable};
use crate::sources::json_path::{Condition, Location, Scope, UnknownType};

/// The classification of an item: the event, the reason, and the locations of its facts.
#[derive(Debug, Clone)]
pub(super) struct Classification<'a> {
    pub(super) event_type: EventType,
    pub(super) matched_by: MatchedBy<'a>,
    pub(super) person_id: &'a [Location],
    pub(super) email: &'a [Location],
    pub(super) old_email: &'a [Location],
    pub(super) effective_at: &'a [Location],
}

/// The reason of a classification.
#[derive(Debug, Clone)]
pub(super) enum MatchedBy<'a> {
    /// A condition that holds.
    Rule(&'a Condition),
    /// A word that the table contains, and its location.
    Word(Cow<'a, str>, &'a Location),
    /// None of the words is in the table.
    UnknownWord,
    /// The condition that skips items.
    Skipped(&'a Condition),
}

impl MatchedBy<'_> {
    pub(super) fn to_match(&self) -> Match {
        match self {
            Self::Rule(condition) => Match::Rule { condition: condition.to_string() },
            Self::Word(word, place) => Match::Word { place: place.text(), word: word.to_string() },
            Self::Skipped(condition) => Match::Skipped { condition: condition.to_string() },
            Self::UnknownWord => Match::UnknownWord,
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
    /// Rules take precedence, because they are the exceptions; then the first word that the table contains.
    pub(super) fn classify(self) -> Result<Classification<'a>, Unreadable> {
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
                return Err(self.unreadable(std::slice::from_ref(place), Kind::KnownWord));
            }
            any_word |= unknown;
        }
        match (any_word, self.mapping.unknown_type) {
            (true, UnknownType::Ignored) => {
                Ok(Classification::by_word(self.mapping, EventType::Ignored, MatchedBy::UnknownWord))
            }
            (true, UnknownType::Unreadable) | (false, UnknownType::Ignored | UnknownType::Unreadable) => {
                Err(self.unreadable(&self.mapping.words, Kind::KnownType))
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
}
