//! The items of a body, which are read one at a time.
//!
//! A batch stays text, and each item is parsed when it is read: parsed, it takes ten times as much memory.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::description::Description;
use super::headers::Headers;
use super::item::{Explained, Item};
use super::{body, outline};
use crate::domain::event::Event;
use crate::domain::problem::{Expected, Kind, Unreadable};
use crate::sources::json_path::Expression;

/// The largest number of items. Checked before any is read: what is made of a small item is many times as large.
const MOST_ITEMS: usize = 10_000;

/// The items of a body, in their order.
#[derive(Debug)]
pub struct Batch {
    mapping: Arc<Description>,
    headers: Headers,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// A JSON text, and the ranges of the items in it.
    Text { text: String, items: Vec<Range<usize>> },
    /// A parsed body, and the places of the items in it. Conditions evaluate the elements of an array, so the body is
    /// wrapped in one.
    Parsed { wrapped: Value, items: Vec<Place> },
}

/// The place of an item in a parsed body.
#[derive(Debug)]
struct Place {
    pointer: String,
    /// The element of the array there, if there is an array.
    element: Option<usize>,
}

impl Batch {
    pub(super) fn of(
        mapping: &Arc<Description>,
        reads_only_items: bool,
        content_type: Option<&str>,
        headers: Headers,
        bytes: &[u8],
    ) -> Result<Self, Unreadable> {
        let content = Content::of(mapping, reads_only_items, content_type, bytes)?;
        let batch = Self { mapping: Arc::clone(mapping), headers, content };
        if batch.count() > MOST_ITEMS {
            let expected = Expected::with(Kind::FewerItems, [MOST_ITEMS, batch.count()]);
            return Err(Unreadable::whole("$", expected));
        }
        Ok(batch)
    }

    /// The number of items.
    pub fn count(&self) -> usize {
        match &self.content {
            Content::Text { items, .. } => items.len(),
            Content::Parsed { items, .. } => items.len(),
        }
    }

    /// The event of an item, with the vendor's word if the item is ignored.
    pub fn event_and_ignored_word(&self, index: usize) -> Result<(Event, Option<String>), Unreadable> {
        self.with_item(index, |item| Ok((item.read()?, item.ignored_word())))?
    }

    /// The event of each item, with its reason.
    pub fn explain(&self) -> Vec<Explained> {
        let explained = |index| {
            let read = self.with_item(index, |item| {
                let (event, because) = item.explain();
                Explained { event, because }
            });
            read.unwrap_or_else(|unreadable| Explained { event: Err(unreadable), because: None })
        };
        (0..self.count()).map(explained).collect()
    }

    /// Fails if the item is no JSON.
    fn with_item<T>(&self, index: usize, read: impl FnOnce(Item<'_>) -> T) -> Result<T, Unreadable> {
        let (headers, mapping) = (&self.headers, &*self.mapping);
        match &self.content {
            Content::Text { text, items } => {
                let text = items.get(index).and_then(|range| text.get(range.clone())).unwrap_or_default();
                let value = body::json(text).map_err(|unreadable| Unreadable { item: Some(index), ..unreadable })?;
                // The mapping reads nothing beside the items.
                let nothing = &Value::Null;
                Ok(read(Item { index, value: &value, envelope: nothing, wrapped: nothing, headers, mapping }))
            }
            Content::Parsed { wrapped, items } => {
                let envelope = wrapped.get(0).unwrap_or(&Value::Null);
                let value = items.get(index).and_then(|place| place.find(envelope)).unwrap_or(&Value::Null);
                Ok(read(Item { index, value, envelope, wrapped, headers, mapping }))
            }
        }
    }
}

impl Content {
    fn of(
        mapping: &Description,
        reads_only_items: bool,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<Self, Unreadable> {
        let text = body::decode_text(content_type, bytes)?;
        let format = body::format(mapping.body, content_type, &text);
        if reads_only_items
            && format == body::Format::Json
            && let Some(items) = outline(&mapping.items, &text)
        {
            return Ok(Self::Text { text: text.into_owned(), items });
        }
        let body = unpack(&mapping.embedded, body::parse_text(format, content_type, &text)?);
        let wrapped = Value::Array(vec![body]);
        let is_skipped = mapping.skip.as_ref().is_some_and(|condition| condition.holds(&wrapped));
        let items = match wrapped.get(0) {
            Some(envelope) if !is_skipped => places(&mapping.items, envelope)?,
            Some(_) | None => Vec::new(),
        };
        Ok(Self::Parsed { wrapped, items })
    }
}

impl Place {
    /// The places at a pointer: of the elements, if there is an array.
    fn at(pointer: String, value: Option<&Value>) -> Vec<Self> {
        match value.and_then(Value::as_array) {
            Some(elements) => {
                (0..elements.len()).map(|index| Self { pointer: pointer.clone(), element: Some(index) }).collect()
            }
            None => vec![Self { pointer, element: None }],
        }
    }

    fn find<'v>(&self, envelope: &'v Value) -> Option<&'v Value> {
        let value = envelope.pointer(&self.pointer)?;
        match self.element {
            Some(index) => value.get(index),
            None => Some(value),
        }
    }
}

/// The ranges of the items in a JSON text, if they are an array.
fn outline(items: &[Expression], text: &str) -> Option<Vec<Range<usize>>> {
    let batch = items.iter().find_map(|place| outline::value(text, &place.member_names()?))?;
    outline::elements(text, batch)
}

/// Parses texts that hold JSON.
fn unpack(embedded: &[Expression], mut body: Value) -> Value {
    for place in embedded {
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
fn places(items: &[Expression], envelope: &Value) -> Result<Vec<Place>, Unreadable> {
    for place in items {
        let found = place.pointers(envelope);
        if !found.is_empty() {
            let places = found.into_iter().flat_map(|pointer| {
                let value = envelope.pointer(&pointer);
                Place::at(pointer, value)
            });
            return Ok(places.collect());
        }
    }
    let places: Vec<_> = items.iter().map(Expression::as_str).collect();
    Err(Unreadable::whole(&places.join("`, `"), Kind::Items))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::json;

    use super::*;
    use crate::sources::mapping::Mapping;

    fn mapping() -> Mapping {
        let table = toml::toml! {
            items = ["$.data.events", "$.one", "$"]
            type = "$.type"
            types = { left = "departed", changed = "ignored" }
            person_id = "$.id"
        };
        Mapping::compile(Description::deserialize(table).unwrap()).unwrap()
    }

    fn open(mapping: &Mapping, text: &str) -> Result<Batch, Unreadable> {
        mapping.open(None, Headers::default(), text.as_bytes())
    }

    /// The same body is read as a text and as a parsed value, to the same result.
    #[test]
    fn items_of_a_text_are_those_of_the_parsed_body() {
        let mapping = mapping();
        assert!(mapping.reads_only_items);
        let parsed = Mapping { reads_only_items: false, ..mapping.clone() };
        let items = json!([{ "type": "left", "id": 7 }, { "type": "changed" }, {}, 5, null, [1], { "type": "left" }]);
        let nested = json!({ "data": { "events": items, "x": 1 } });
        for (body, is_text) in [
            (items.clone(), true),
            (nested, true),
            (json!({ "data": { "events": [] } }), true),
            (json!([]), true),
            (json!({ "data": { "events": { "type": "left", "id": "x" } } }), false),
            (json!({ "one": { "type": "left", "id": "x" } }), false),
            (json!({ "data": 5, "type": "left", "id": "x" }), false),
            (json!({ "data": { "events": null }, "one": [items] }), false),
        ] {
            let text = body.to_string();
            let (text_batch, parsed_batch) = (open(&mapping, &text).unwrap(), open(&parsed, &text).unwrap());
            assert_eq!(matches!(text_batch.content, Content::Text { .. }), is_text, "{text}");
            assert!(matches!(parsed_batch.content, Content::Parsed { .. }));
            assert_eq!(text_batch.count(), parsed_batch.count(), "{text}");
            for index in 0..text_batch.count() {
                assert_eq!(
                    text_batch.event_and_ignored_word(index),
                    parsed_batch.event_and_ignored_word(index),
                    "item {index} of {text}"
                );
            }
        }
    }

    #[test]
    fn item_beyond_a_parser_spoils_no_other() {
        let batch = open(&mapping(), r#"[{"type":"left","id":"\ud800"},{"type":"left","id":"7"}]"#).unwrap();
        let unreadable = batch.event_and_ignored_word(0).unwrap_err();
        assert_eq!((unreadable.item, unreadable.path.as_str()), (Some(0), "$"));
        assert!(batch.event_and_ignored_word(1).is_ok());
    }

    #[test]
    fn too_many_items_are_unreadable() {
        let text = format!("[{}0]", "0,".repeat(MOST_ITEMS));
        assert!(open(&mapping(), &text).unwrap_err().to_string().ends_with("there are 10001"));
    }
}
