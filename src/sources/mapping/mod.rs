//! Body to events: the meaning of a vendor's words.
//!
//! A mapping is data, from the preset and the settings. It names the location of the items of a batch, the word or
//! condition that makes an item an event, and the locations of the person and the dates. It never searches: a value
//! elsewhere does not count, and two different values at one location count as none. One bad item never affects the
//! others.

mod blanks;
pub(super) mod body;
mod classification;
pub(super) mod date;
mod description;
mod event;
mod facts;
mod headers;
mod item;
mod unreadable;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::HeaderMap;
use serde_json::Value;

pub(super) use self::description::Description;
pub use self::headers::Headers;
use self::item::Item;
pub use self::unreadable::Unreadable;
use crate::domain::event::{Event, EventType};

const MOST_ITEMS: usize = 10_000;

/// An event, and the reason of its classification.
#[derive(Debug)]
pub struct Explained {
    pub event: Result<Event, Unreadable>,
    /// The word or the rule, in words; `None` if there was neither.
    pub because: Option<String>,
}

/// A compiled mapping.
#[derive(Debug, Clone)]
pub(super) struct Mapping(Description);

impl Mapping {
    /// Checks a description as a whole.
    pub(super) fn compile(description: Description) -> Result<Self, super::compile_error::CompileError> {
        description.check()?;
        Ok(Self(description))
    }

    /// The types of event that a delivery can have. A source needs at least one that the policy acts on.
    pub(super) fn event_types(&self) -> BTreeSet<EventType> {
        self.0.event_types()
    }

    /// Whether any event can carry an email address.
    pub(super) fn can_name_address(&self) -> bool {
        self.0.can_name_address()
    }

    /// Whether any event can carry a person id.
    pub(super) fn can_name_id(&self) -> bool {
        self.0.can_name_id()
    }

    /// The events of a body, one result per item.
    pub(super) fn read(
        &self,
        content_type: Option<&str>,
        headers: &Headers,
        bytes: &[u8],
    ) -> Result<Vec<Result<Event, Unreadable>>, Unreadable> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "as a path it would be a function of one lifetime, not of any"
        )]
        self.each(content_type, headers, bytes, |item| item.read())
    }

    /// The same, each with its reason.
    pub(super) fn explain(
        &self,
        content_type: Option<&str>,
        headers: &Headers,
        bytes: &[u8],
    ) -> Result<Vec<Explained>, Unreadable> {
        self.each(content_type, headers, bytes, |item| {
            let (event, because) = item.explain();
            Explained { event, because }
        })
    }

    /// The vendor's words of the ignored items, one entry per item.
    pub(super) fn ignored_words(&self, content_type: Option<&str>, headers: &Headers, bytes: &[u8]) -> Vec<String> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "as a path it would be a function of one lifetime, not of any"
        )]
        let words = self.each(content_type, headers, bytes, |item| item.ignored_word());
        words.unwrap_or_default().into_iter().flatten().collect()
    }

    fn each<T>(
        &self,
        content_type: Option<&str>,
        headers: &Headers,
        bytes: &[u8],
        make: impl Fn(Item<'_>) -> T,
    ) -> Result<Vec<T>, Unreadable> {
        // A condition evaluates the elements of an array, so the envelope is wrapped in one from the start.
        let wrapped = Value::Array(vec![self.unpack(body::parse_as(self.0.body, content_type, bytes)?)]);
        let Some(envelope) = wrapped.get(0) else { return Ok(Vec::new()) };
        if self.0.skip.as_ref().is_some_and(|condition| condition.holds(&wrapped)) {
            return Ok(Vec::new());
        }
        let items = self.items(envelope)?;
        // Checked before any item is read: the result of a small item is many times as large as the item.
        if items.len() > MOST_ITEMS {
            let expected = format!("at most {MOST_ITEMS} items, and there are {}", items.len());
            return Err(Unreadable::whole("$", expected));
        }
        Ok(items
            .into_iter()
            .enumerate()
            .map(|(index, value)| make(Item { index, value, envelope, wrapped: &wrapped, headers, mapping: &self.0 }))
            .collect())
    }

    /// Whether the mapping reads headers of the request.
    pub(super) fn reads_headers(&self) -> bool {
        !self.0.headers().is_empty()
    }

    /// The headers of a request that the mapping reads, by their lower-case names. A header that occurs twice is
    /// omitted.
    pub(super) fn headers<'h>(&self, all: &'h HeaderMap) -> BTreeMap<String, &'h str> {
        let value = |name: &str| {
            let mut values = all.get_all(name).iter();
            let first = values.next()?.to_str().ok()?.trim();
            (!first.is_empty() && values.next().is_none()).then(|| (name.to_owned(), first))
        };
        self.0.headers().into_iter().filter_map(value).collect()
    }

    /// Parses texts that hold JSON.
    fn unpack(&self, mut body: Value) -> Value {
        for place in &self.0.embedded {
            for pointer in place.pointers(&body) {
                if let Some(value) = body.pointer_mut(&pointer)
                    && let Some(inner) = value.as_str().and_then(|text| serde_json::from_str(text).ok())
                {
                    *value = inner;
                }
            }
        }
        body
    }

    /// The first location with a value is the batch; an array there stands for its elements.
    fn items<'v>(&self, envelope: &'v Value) -> Result<Vec<&'v Value>, Unreadable> {
        for place in &self.0.items {
            let found = place.query(envelope);
            if !found.is_empty() {
                return Ok(found.into_iter().flat_map(elements).collect());
            }
        }
        let places: Vec<_> = self.0.items.iter().map(super::json_path::Expression::as_str).collect();
        Err(Unreadable::whole(&places.join("`, `"), "the items of the delivery"))
    }
}

fn elements(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |elements| elements.iter().collect())
}
