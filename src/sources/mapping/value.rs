//! Interprets single values: texts, words, and whether there is one.

use std::borrow::Cow;

use serde_json::Value;

use crate::sources::json_path::Location;

pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| matches!(text.trim(), "" | "0000-00-00"))
}

pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(Cow::Borrowed(text.trim())),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(Cow::Owned(number.to_string())),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A word that may be stored and shown: a long one, or one like an email address, is no event type.
pub(super) fn presentable(word: &str) -> String {
    const LONGEST: usize = 64;
    let fits = word.chars().count() <= LONGEST && !word.contains('@') && !word.chars().any(char::is_control);
    if fits { word.to_owned() } else { "(other)".to_owned() }
}

/// A word is a text, a number, true or false.
pub(super) fn word<'v>(value: &'v Value, place: &Location) -> Option<Cow<'v, str>> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(Cow::Borrowed(without_prefix(text.trim(), place))),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The text without the prefix of its location.
pub(super) fn without_prefix<'t>(text: &'t str, place: &Location) -> &'t str {
    place.prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// Whether an address stands alone: no brackets, no list, no invisible characters.
pub(super) fn is_bare(text: &str) -> bool {
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
