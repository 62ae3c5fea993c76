//! One item of a delivery, and the values at its locations.

use serde_json::Value;

use super::because::Because;
use super::description::Description;
use super::headers::Headers;
use crate::domain::event::Event;
use crate::domain::problem::{Kind, Unreadable};
use crate::sources::json_path::{Location, Scope};

/// An event, and the reason of its classification.
#[derive(Debug)]
pub struct Explained {
    pub event: Result<Event, Unreadable>,
    /// `None` if there was neither a word nor a rule.
    pub because: Option<Because>,
}

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

impl<'a> Item<'a> {
    /// The value of the first location that is not empty. Two different values at one location count as none: to choose
    /// the first would be a guess about the person.
    pub(super) fn single<'p>(
        self,
        places: &'p [Location],
        expected: Kind,
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

    pub(super) fn query(self, place: &Location) -> Vec<&'a Value> {
        match &place.scope {
            Scope::Item => place.expression.query(self.value),
            Scope::Envelope => place.expression.query(self.envelope),
            Scope::Header(name) => self.headers.get(name).into_iter().collect(),
        }
    }

    pub(super) fn unreadable(self, places: &[Location], expected: Kind) -> Unreadable {
        let paths: Vec<_> = places.iter().map(Location::text).collect();
        Unreadable { item: Some(self.index), path: paths.join("`, `"), expected: expected.into() }
    }
}
