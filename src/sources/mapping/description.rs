//! The `[sources.X.mapping]` table: what a mapping looks like in presets and settings.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use crate::domain::event::EventType;
use crate::sources::compile_error::CompileError;
use crate::sources::json_path::{Condition, Expression, Location, Scope, UnknownType, one_or_many};

use super::body::Format;
use super::date;

/// `[sources.NAME.mapping]`: how a body becomes events. The keys override those of the preset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Description {
    /// Format of the body. Default: the format of its `Content-Type`, else JSON. Example: `"form"`.
    pub(super) body: Option<Format>,
    /// JSONPath of the items of a batch, or a list of them; the first with a result counts. Default: `"$"`, the whole
    /// body. Example: `"$.events"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) items: Vec<Expression>,
    /// JSONPath of texts that hold JSON. They are parsed before anything else is read. Default: none. Example:
    /// `"$.payload"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) embedded: Vec<Expression>,
    /// Condition on the body; a delivery that fulfills it has no events. Default: none. Example: `"@.test == true"`.
    pub(super) skip: Option<Condition>,
    /// Condition on an item; an item that fulfills it is ignored. Default: none. Example: `"@.status == 'failed'"`.
    pub(super) skip_item: Option<Condition>,
    /// Place of the word that states what happened, or a list of places; the first word that `types` contains counts. A
    /// place with its own `unknown_type = "unreadable"` ends the search when its word is unknown. Default: none. Example:
    /// `"$.type"`.
    #[serde(rename = "type", deserialize_with = "one_or_many")]
    pub(super) words: Vec<Location>,
    /// Event for each word; case does not matter. Default: none. Example: `{ "employee.terminated" = "departed" }`.
    #[serde(deserialize_with = "lower_case_keys")]
    pub(super) types: BTreeMap<String, EventType>,
    /// Rules for events that no single word decides; the first that holds counts, before any word. Default: `[]`.
    pub(super) rules: Vec<Rule>,
    /// What an item with an unknown word becomes: `ignored`, or `unreadable`, which a human must check. Default:
    /// `"ignored"`. Example: `"unreadable"`.
    pub(super) unknown_type: UnknownType,
    /// Format of dates that are not ISO 8601, or a list of formats; the first that fits counts. Default: ISO 8601.
    /// Example: `"%d/%m/%Y"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) date_format: Vec<String>,
    /// Whether `effective_at` is an `instant`, or a `day` whatever time is written. Default: `"instant"`. Example:
    /// `"day"`.
    pub(super) effective_is: Precision,
    /// Time zone of times without one; if `effective_is` is `day`, the zone whose midnight denotes the day. Default: that
    /// of the policy, and UTC for `occurred_at`. Example: `"America/Los_Angeles"`.
    #[serde(deserialize_with = "zone")]
    pub(super) zone: Option<TimeZone>,
    /// Place of the time at which the event happened. Default: none. Example: `"$.occurred_at"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) occurred_at: Vec<Location>,
    /// Place of the vendor's id of the person. Default: none. Example: `"$.person.id"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) person_id: Vec<Location>,
    /// Place of the person's email address. Default: none. Example: `"$.person.email"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) email: Vec<Location>,
    /// Place of the email address before a change. Default: none. Example: `"$.person.old_email"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) old_email: Vec<Location>,
    /// Place of the domain of a company whose customers leave. Default: none. Example: `"$.company.domain"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) company_domain: Vec<Location>,
    /// Place of the id or the name of the organization at the site whose customers leave. Default: none. Example:
    /// `"$.company.organization"`.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) company_organization: Vec<Location>,
    /// Place of the effective date. Default: none. Example: `"$.last_day"`.
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
            company_domain: Vec::new(),
            company_organization: Vec::new(),
            effective_at: Vec::new(),
        }
    }
}

impl Description {
    /// Checks that require several keys together.
    pub(super) fn check(&self) -> Result<(), CompileError> {
        if self.rules.is_empty() && (self.words.is_empty() || self.types.is_empty()) {
            return Err(CompileError::new("a mapping needs `type` and `types`, or `rules`, to determine the event"));
        }
        let is_about_companies = self.event_types().contains(&EventType::CompanyDeparted);
        if is_about_companies && self.company_domain.is_empty() && self.company_organization.is_empty() {
            return Err(CompileError::new(
                "`company_departed` needs `company_domain` or `company_organization`, to identify the company",
            ));
        }
        if self.person_id.is_empty()
            && self.email.is_empty()
            && self.rules.iter().all(Rule::has_no_identity)
            && !is_about_companies
        {
            return Err(CompileError::new("a mapping needs `person_id` or `email`, to identify the person"));
        }
        if let Some(format) = self.date_format.iter().find(|format| !date::is_format(format)) {
            return Err(CompileError::at(
                "date_format",
                format!("`{format}` is no date format: write one like \"%d.%m.%Y\" or \"%m/%d/%Y\""),
            ));
        }
        // A time that is not signed could be changed by anyone who has recorded a request.
        let of_rules = self.rules.iter().filter_map(|rule| rule.effective_at.as_ref()).flatten();
        if self.occurred_at.iter().chain(&self.effective_at).chain(of_rules).any(|place| place.header().is_some()) {
            return Err(CompileError::new(
                "`header:` is for `type`, `person_id`, `email` and `old_email`, not for dates",
            ));
        }
        Ok(())
    }

    /// Whether nothing of a JSON body is read beside its items, and each place of the items is a path of member names.
    pub(super) fn reads_only_items(&self) -> bool {
        let of_rules = self.rules.iter().flat_map(|rule| {
            [&rule.person_id, &rule.email, &rule.old_email, &rule.effective_at].into_iter().flatten().flatten()
        });
        let places = [
            &self.words,
            &self.occurred_at,
            &self.person_id,
            &self.email,
            &self.old_email,
            &self.company_domain,
            &self.company_organization,
            &self.effective_at,
        ];
        let conditions = self.rules.iter().map(|rule| &rule.when).chain(&self.skip_item);
        let scopes = places.into_iter().flatten().chain(of_rules).map(|place| &place.scope);
        let mut scopes = scopes.chain(conditions.map(|condition| &condition.scope));
        self.skip.is_none()
            && self.embedded.is_empty()
            && self.items.iter().all(|items| items.member_names().is_some())
            && !scopes.any(|scope| *scope == Scope::Envelope)
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

    /// Every location of an effective date.
    pub(super) fn dates(&self) -> impl Iterator<Item = &Location> {
        self.effective_at.iter().chain(self.rules.iter().filter_map(|rule| rule.effective_at.as_ref()).flatten())
    }

    /// The types of event that an item can have: those of the words, if the mapping reads words, and those of the
    /// rules.
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
    /// The resulting event.
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

/// Precision of `effective_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Precision {
    /// The precision of the notation.
    Instant,
    /// A day, even where a time is written: midnight UTC, midnight of a zone, or no zone.
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
