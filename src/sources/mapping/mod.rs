//! Body to events: the meaning of a vendor's words.
//!
//! A mapping is data, from the preset and the settings. It names the location of the items of a batch, the word or
//! condition that makes an item an event, and the locations of the person and the dates. It never searches: a value
//! elsewhere does not count, and two different values at one location count as none. One bad item never affects the
//! others.

mod batch;
mod because;
mod blanks;
pub(super) mod body;
mod classification;
pub(super) mod date;
mod description;
mod event;
mod facts;
mod headers;
mod item;
mod outline;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::HeaderMap;

pub use self::batch::Batch;
pub use self::because::{Because, Lack, Match};
pub(super) use self::description::Description;
pub use self::headers::Headers;
pub use self::item::Explained;
use crate::domain::event::EventType;
pub use crate::domain::problem::Unreadable;

/// A compiled mapping. A clone shares it.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    description: Arc<Description>,
    /// Whether nothing of a JSON body is read beside its items, which then need not be parsed together.
    reads_only_items: bool,
}

impl Mapping {
    /// Checks a description as a whole.
    pub(super) fn compile(description: Description) -> Result<Self, super::compile_error::CompileError> {
        description.check()?;
        let reads_only_items = description.reads_only_items();
        Ok(Self { description: Arc::new(description), reads_only_items })
    }

    /// The types of event that a delivery can have. A source needs at least one that the policy acts on.
    pub(super) fn event_types(&self) -> BTreeSet<EventType> {
        self.description.event_types()
    }

    /// Whether any event can carry an email address.
    pub(super) fn can_name_address(&self) -> bool {
        self.description.can_name_address()
    }

    /// Whether any event can carry a person id.
    pub(super) fn can_name_id(&self) -> bool {
        self.description.can_name_id()
    }

    /// The items of a body.
    pub(super) fn open(&self, content_type: Option<&str>, headers: Headers, bytes: &[u8]) -> Result<Batch, Unreadable> {
        Batch::of(&self.description, self.reads_only_items, content_type, headers, bytes)
    }

    /// Whether the mapping reads headers of the request.
    pub(super) fn reads_headers(&self) -> bool {
        !self.description.headers().is_empty()
    }

    /// The headers of a request that the mapping reads, by their lower-case names. A header that occurs twice is
    /// omitted.
    pub(super) fn headers<'h>(&self, all: &'h HeaderMap) -> BTreeMap<String, &'h str> {
        let value = |name: &str| {
            let mut values = all.get_all(name).iter();
            let first = values.next()?.to_str().ok()?.trim();
            (!first.is_empty() && values.next().is_none()).then(|| (name.to_owned(), first))
        };
        self.description.headers().into_iter().filter_map(value).collect()
    }
}
