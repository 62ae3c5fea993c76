//! A body as a JSON value, whether it came as JSON or as a form.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Unreadable;

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// Reads a body as what its `Content-Type` says, JSON when that says nothing.
pub(in crate::sources) fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Value, Unreadable> {
    parse_as(None, content_type, bytes)
}

pub(super) fn parse_as(format: Option<Format>, content_type: Option<&str>, bytes: &[u8]) -> Result<Value, Unreadable> {
    match format.unwrap_or_else(|| guess(content_type, bytes)) {
        Format::Json => json(bytes),
        Format::Form => Ok(form(bytes)),
    }
}

/// curl calls any body a form, so one that begins like JSON is taken as JSON.
fn guess(content_type: Option<&str>, bytes: &[u8]) -> Format {
    let says_form = content_type
        .and_then(|text| text.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    let begins_like_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if says_form && !begins_like_json { Format::Form } else { Format::Json }
}

/// The parser stops at a depth of 128, long before the stack ends.
fn json(bytes: &[u8]) -> Result<Value, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| {
        // Only where, never the parser's own words: they may quote the body.
        Unreadable::whole("$", format!("JSON (it breaks off at line {}, column {})", error.line(), error.column()))
    })
}

/// Names and texts; a name that comes twice holds all its texts, and so is no text.
fn form(bytes: &[u8]) -> Value {
    let mut fields = Map::new();
    for (name, text) in form_urlencoded::parse(bytes) {
        let text = Value::String(text.into_owned());
        match fields.get_mut(name.as_ref()) {
            None => {
                fields.insert(name.into_owned(), text);
            }
            Some(Value::Array(texts)) => texts.push(text),
            Some(first) => *first = Value::Array(vec![first.take(), text]),
        }
    }
    Value::Object(fields)
}
