//! The `[sources.X.mapping]` table: what a mapping looks like in presets and settings.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use crate::domain::event::EventType;
use crate::sources::CompileError;
use crate::sources::json_path::{Condition, Expression, Location, UnknownType, one_or_many};

use super::body::Format;
use super::date;

/// The mapping, after it was merged over the preset's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Description {
    /// What a body is; without it, its `Content-Type` says so.
    pub(super) body: Option<Format>,
    /// Where the items of a batch are; the first place that has something counts.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) items: Vec<Expression>,
    /// Texts that hold JSON of their own; they are read as what they hold, before anything else.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) embedded: Vec<Expression>,
    /// Deliveries that hold nothing for us, such as simulations.
    pub(super) skip: Option<Condition>,
    /// Items that hold nothing for us, such as attempts that failed.
    pub(super) skip_item: Option<Condition>,
    /// Where the word stands that says what happened; the first that `types` knows counts. A place of its own
    /// `unknown_type = "unreadable"` ends the search when its word is not known.
    #[serde(rename = "type", deserialize_with = "one_or_many")]
    pub(super) words: Vec<Location>,
    /// What the words mean, whatever their case.
    #[serde(deserialize_with = "lower_case_keys")]
    pub(super) types: BTreeMap<String, EventType>,
    /// For what no word alone decides; the first that holds counts, before any word.
    pub(super) rules: Vec<Rule>,
    /// What to make of a word that neither `types` nor a rule knows.
    pub(super) unknown_type: UnknownType,
    /// How dates are written when it is not ISO 8601: `%d/%m/%Y`; of several, the first that fits counts.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) date_format: Vec<String>,
    /// Whether `effective_at` stands for an instant or, however it is written, for a day.
    pub(super) effective_is: Precision,
    /// The zone of times that come without one; otherwise that of the policy, and UTC for `occurred_at`. Where
    /// `effective_is` is a day: the zone whose midnight stands for it.
    #[serde(deserialize_with = "zone")]
    pub(super) zone: Option<TimeZone>,
    /// When it happened.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) occurred_at: Vec<Location>,
    /// The source's number of the person.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) person_id: Vec<Location>,
    /// The person's address.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) email: Vec<Location>,
    /// The address before a change.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) old_email: Vec<Location>,
    /// From when on it counts.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) effective_at: Vec<Location>,
}

impl Default for Description {
    fn default() -> Self {
        Self {
            body: None,
            items: vec![Expression::root()],
            embedded: Vec::new(),
            skip: None,
            skip_item: None,
            words: Vec::new(),
            types: BTreeMap::new(),
            rules: Vec::new(),
            unknown_type: UnknownType::Ignored,
            date_format: Vec::new(),
            effective_is: Precision::Instant,
            zone: None,
            occurred_at: Vec::new(),
            person_id: Vec::new(),
            email: Vec::new(),
            old_email: Vec::new(),
            effective_at: Vec::new(),
        }
    }
}

impl Description {
    /// What can be wrong with the whole though every key is right.
    pub(super) fn check(&self) -> Result<(), CompileError> {
        if self.rules.is_empty() && (self.words.is_empty() || self.types.is_empty()) {
            return Err(CompileError::new("a mapping needs `type` and `types`, or `rules`, to tell what happened"));
        }
        if self.person_id.is_empty() && self.email.is_empty() && self.rules.iter().all(Rule::has_no_identity) {
            return Err(CompileError::new("a mapping needs `person_id` or `email`, to tell to whom it happened"));
        }
        if let Some(format) = self.date_format.iter().find(|format| !date::is_format(format)) {
            return Err(CompileError::new(format!(
                "`{format}` is no date format: write one like \"%d.%m.%Y\" or \"%m/%d/%Y\""
            ))
            .within("date_format"));
        }
        // A time beside what is signed could be rewritten by anybody who has seen a request.
        let of_rules = self.rules.iter().filter_map(|rule| rule.effective_at.as_ref()).flatten();
        if self.occurred_at.iter().chain(&self.effective_at).chain(of_rules).any(|place| place.header().is_some()) {
            return Err(CompileError::new(
                "`header:` is for `type`, `person_id`, `email` and `old_email`, not for dates",
            ));
        }
        Ok(())
    }

    /// The headers that the mapping reads, in lower case.
    pub(super) fn headers(&self) -> BTreeSet<&str> {
        let of_rules = self.rules.iter().flat_map(|rule| [&rule.person_id, &rule.email, &rule.old_email]).flatten();
        [&self.words, &self.person_id, &self.email, &self.old_email]
            .into_iter()
            .chain(of_rules)
            .flatten()
            .filter_map(Location::header)
            .collect()
    }

    /// Every place of a date from when on something counts.
    pub(super) fn dates(&self) -> impl Iterator<Item = &Location> {
        self.effective_at.iter().chain(self.rules.iter().filter_map(|rule| rule.effective_at.as_ref()).flatten())
    }

    /// The types of event that an item can have: those of the words, if a word is read at all, and those of the rules.
    pub(super) fn event_types(&self) -> BTreeSet<EventType> {
        let words = if self.words.is_empty() { None } else { Some(self.types.values().copied()) };
        words.into_iter().flatten().chain(self.rules.iter().map(|rule| rule.event)).collect()
    }

    /// Whether an event that concerns a person can carry an email address.
    pub(super) fn can_name_address(&self) -> bool {
        self.names(&self.email, |rule| rule.email.as_deref())
    }

    /// Whether an event that concerns a person can carry a person id.
    pub(super) fn can_name_id(&self) -> bool {
        self.names(&self.person_id, |rule| rule.person_id.as_deref())
    }

    fn names<'a>(&'a self, places: &'a [Location], of_rule: impl Fn(&'a Rule) -> Option<&'a [Location]>) -> bool {
        let concerns = |event: EventType| event != EventType::Ignored;
        let by_word = !self.words.is_empty() && self.types.values().copied().any(concerns) && !places.is_empty();
        let mut rules = self.rules.iter().filter(|rule| concerns(rule.event));
        by_word || rules.any(|rule| !of_rule(rule).unwrap_or(places).is_empty())
    }
}

/// A condition and what it makes of an item; the places that it names replace those of the mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// A logical expression of RFC 9535 about the item: `@.data.state == 'inactive'`.
    pub(super) when: Condition,
    /// What happened.
    pub(super) event: EventType,
    #[serde(default, deserialize_with = "some_one_or_many")]
    pub(super) person_id: Option<Vec<Location>>,
    #[serde(default, deserialize_with = "some_one_or_many")]
    pub(super) email: Option<Vec<Location>>,
    #[serde(default, deserialize_with = "some_one_or_many")]
    pub(super) old_email: Option<Vec<Location>>,
    #[serde(default, deserialize_with = "some_one_or_many")]
    pub(super) effective_at: Option<Vec<Location>>,
}

impl Rule {
    fn has_no_identity(&self) -> bool {
        self.person_id.is_none() && self.email.is_none()
    }
}

/// How exactly `effective_at` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Precision {
    /// As exactly as it is written.
    Instant,
    /// A day, even where a time is written: midnight UTC, midnight of a zone, no zone at all.
    Day,
}

fn some_one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Location>>, D::Error> {
    one_or_many(deserializer).map(Some)
}

fn lower_case_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, EventType>, D::Error> {
    let types = BTreeMap::<String, EventType>::deserialize(deserializer)?;
    Ok(types.into_iter().map(|(word, event)| (word.to_lowercase(), event)).collect())
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeZone>, D::Error> {
    let name = String::deserialize(deserializer)?;
    TimeZone::get(&name)
        .map(Some)
        .map_err(|_unknown| serde::de::Error::custom("expected a time zone like \"Europe/Berlin\" or \"UTC\""))
}
