//! Parses a body, JSON or form in any supported encoding, into a JSON value.

use std::borrow::Cow;

use crate::domain::problem::{Expected, Kind, Unreadable};
use percent_encoding::percent_decode;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Format of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// The nesting of a name like `a[b][c]` is limited to this depth.
const DEEPEST_NAME: usize = 8;

/// Parses a body according to its `Content-Type`, by default as JSON.
pub(in crate::sources) fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Value, Unreadable> {
    let text = decode_text(content_type, bytes)?;
    parse_text(format(None, content_type, &text), content_type, &text)
}

/// Decodes a body according to its `Content-Type`, and by its first bytes.
pub(super) fn decode_text<'b>(content_type: Option<&str>, bytes: &'b [u8]) -> Result<Cow<'b, str>, Unreadable> {
    decode(content_type.and_then(charset), bytes)
}

/// The format of a body. curl labels any body a form, so a body that begins like JSON is parsed as JSON.
pub(super) fn format(configured: Option<Format>, content_type: Option<&str>, text: &str) -> Format {
    let says_form = content_type
        .and_then(|text| text.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    let begins_like_json = text.trim_start().starts_with(['{', '[']);
    configured.unwrap_or(if says_form && !begins_like_json { Format::Form } else { Format::Json })
}

pub(super) fn parse_text(format: Format, content_type: Option<&str>, text: &str) -> Result<Value, Unreadable> {
    match format {
        Format::Json => json(text),
        Format::Form => form(content_type.and_then(charset), text.trim_start_matches(['\r', '\n'])),
    }
}

/// The parser stops at a depth of 128, long before the stack overflows.
pub(super) fn json(text: &str) -> Result<Value, Unreadable> {
    serde_json::from_str(text).map_err(|error| {
        // Only the position, never the parser's own words: they may quote the body.
        Unreadable::whole("$", Expected::with(Kind::Json, [error.line(), error.column()]))
    })
}

/// The value of `charset` in a `Content-Type`.
fn charset(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches('"'))
}

/// Decodes a body by its byte order mark, by the declared charset, or by its first bytes.
fn decode<'b>(charset: Option<&str>, bytes: &'b [u8]) -> Result<Cow<'b, str>, Unreadable> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes);
    }
    let Some(charset) = charset else { return evident(bytes) };
    match charset.to_ascii_lowercase().as_str() {
        "utf-16" | "utf-16le" | "utf-16be" | "ucs-2" => match (charset.to_ascii_lowercase().as_str(), bytes) {
            ("utf-16be", _) | (_, [0, ..]) => utf16(bytes, u16::from_be_bytes),
            _ => utf16(bytes, u16::from_le_bytes),
        },
        "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252" | "us-ascii" | "ascii" => {
            // Some senders declare Latin-1 by habit but write UTF-8: valid UTF-8 is decoded as such.
            Ok(str::from_utf8(bytes).map_or_else(|_latin| latin1(bytes), Cow::Borrowed))
        }
        "utf-8" | "utf8" | "" => utf8(bytes),
        _ => Err(Unreadable::whole("$", Kind::Charset)),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|error| Unreadable::whole("$", Expected::with(Kind::Utf8, [error.valid_up_to()])))
}

/// JSON and forms begin with an ASCII character, so a zero byte beside it indicates UTF-16.
fn evident(bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    match bytes {
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        _ => match str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_latin) if looks_like_latin1(bytes) => Ok(latin1(bytes)),
            Err(error) => Err(Unreadable::whole("$", Expected::with(Kind::Utf8, [error.valid_up_to()]))),
        },
    }
}

/// Distinguishes Latin-1 from damaged UTF-8: it holds neither a multi-byte UTF-8 character nor a control character.
fn looks_like_latin1(bytes: &[u8]) -> bool {
    let plain = bytes.utf8_chunks().all(|chunk| chunk.valid().is_ascii());
    plain && !bytes.iter().any(|byte| (0x80..0xa0).contains(byte))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, Unreadable> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
    text.filter(|_| rest.is_empty()).map(Cow::Owned).ok_or_else(|| Unreadable::whole("$", Kind::Utf16))
}

/// The characters of Windows-1252 where ISO-8859-1 has control characters, which no sender intends.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn latin1(bytes: &[u8]) -> Cow<'static, str> {
    let character = |byte: &u8| {
        let special = byte.checked_sub(0x80).and_then(|index| WINDOWS_1252.get(usize::from(index)));
        special.copied().unwrap_or_else(|| char::from(*byte))
    };
    Cow::Owned(bytes.iter().map(character).collect())
}

/// Names and texts. A name that occurs twice holds all its texts, and therefore counts as missing.
///
/// `contact[email]` is stored under that name, and as the member `email` of `contact` unless another field has that
/// name.
fn form(charset: Option<&str>, text: &str) -> Result<Value, Unreadable> {
    let mut fields = Map::new();
    let mut nested = Map::new();
    for field in text.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let name = unescape(charset, name)?;
        let value = Value::String(unescape(charset, value)?);
        if let Some(steps) = steps(&name) {
            insert(&mut nested, &steps, value.clone());
        }
        add(&mut fields, name, value);
    }
    for (name, value) in nested {
        if !fields.contains_key(&name) {
            fields.insert(name, listed(value));
        }
    }
    Ok(Value::Object(fields))
}

fn unescape(charset: Option<&str>, text: &str) -> Result<String, Unreadable> {
    let spaced = text.replace('+', " ");
    let bytes: Cow<'_, [u8]> = percent_decode(spaced.as_bytes()).into();
    // A UTF-16 body holds escaped UTF-8; only a Latin-1 body holds escaped Latin-1.
    let charset = charset.filter(|charset| !charset.to_ascii_lowercase().starts_with("utf-16"));
    let decoded = if bytes.contains(&0) { utf8(&bytes) } else { decode(charset, &bytes) };
    decoded.map(Cow::into_owned)
}

fn add(fields: &mut Map<String, Value>, name: String, text: Value) {
    match fields.get_mut(&name) {
        None => {
            fields.insert(name, text);
        }
        Some(Value::Array(texts)) => texts.push(text),
        Some(first) => *first = Value::Array(vec![first.take(), text]),
    }
}

/// `a[b][0]` as `a`, `b`, `0`; `None` for a name without brackets or with unbalanced ones.
fn steps(name: &str) -> Option<Vec<&str>> {
    let (root, rest) = name.split_once('[')?;
    let inner: Vec<&str> = rest.strip_suffix(']')?.split("][").collect();
    let fits = !root.is_empty() && inner.len() < DEEPEST_NAME && !inner.iter().any(|step| step.contains(['[', ']']));
    fits.then(|| std::iter::once(root).chain(inner).collect())
}

fn insert(fields: &mut Map<String, Value>, steps: &[&str], text: Value) {
    match steps {
        [] => {}
        [name] | [name, ""] => {
            let is_list = steps.len() == 2;
            match fields.get_mut(*name) {
                None if is_list => {
                    fields.insert((*name).to_owned(), Value::Array(vec![text]));
                }
                _ => add(fields, (*name).to_owned(), text),
            }
        }
        [name, rest @ ..] => {
            let inner = fields.entry((*name).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, text);
            }
        }
    }
}

/// Converts objects with numbered members to lists.
fn listed(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let numbered = !members.is_empty() && members.keys().all(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    if !numbered {
        return Value::Object(members.into_iter().map(|(name, value)| (name, listed(value))).collect());
    }
    let mut elements: Vec<_> = members.into_iter().collect();
    elements.sort_by_key(|(name, _)| (name.trim_start_matches('0').len(), name.trim_start_matches('0').to_owned()));
    Value::Array(elements.into_iter().map(|(_, value)| listed(value)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ANN: &str = r#"{"name":"Käthe"}"#;

    fn utf16_bytes(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn body_is_decoded_by_declared_or_detected_encoding() {
        let latin: Vec<u8> = ANN.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let little = utf16_bytes(ANN, u16::to_le_bytes);
        let big = utf16_bytes(ANN, u16::to_be_bytes);
        for (content_type, bytes) in [
            (None, ANN.as_bytes().to_vec()),
            (None, [b"\xef\xbb\xbf", ANN.as_bytes()].concat()),
            (Some("application/json; charset=\"UTF-8\""), [b"\xef\xbb\xbf", ANN.as_bytes()].concat()),
            (None, latin.clone()),
            (Some("application/json; charset=ISO-8859-1"), latin.clone()),
            (Some("application/json;charset=windows-1252"), latin),
            (Some("application/json; charset=iso-8859-1"), ANN.as_bytes().to_vec()),
            (None, little.clone()),
            (None, big.clone()),
            (None, [b"\xff\xfe".to_vec(), little.clone()].concat()),
            (None, [b"\xfe\xff".to_vec(), big.clone()].concat()),
            (Some("application/json; charset=utf-16"), little),
            (Some("application/json; charset=utf-16be"), big),
        ] {
            assert_eq!(parse(content_type, &bytes).unwrap(), json!({"name": "Käthe"}), "{content_type:?} {bytes:?}");
        }
    }

    #[test]
    fn damaged_utf8_and_unknown_charsets_are_unreadable() {
        for (content_type, bytes) in [
            (None, &b"{\"a\":\"K\xc3\xa4the \xc3\"}"[..]),
            (None, b"{\"a\":\"\x80\"}"),
            (Some("application/json; charset=utf-8"), b"{\"a\":\"\xe9\"}"),
            (Some("application/json; charset=koi8-r"), b"{}"),
            (None, b"{\0\"\0}"),
        ] {
            assert!(parse(content_type, bytes).is_err(), "{content_type:?}");
        }
    }

    #[test]
    fn windows_1252_euro_sign_is_decoded() {
        let read = parse(Some("application/json; charset=windows-1252"), b"{\"a\":\"\x80\x9f\xff\"}").unwrap();
        assert_eq!(read, json!({"a": "€Ÿÿ"}));
    }

    #[test]
    fn form_brackets_become_members_and_lists() {
        let read = |text: &str| parse(Some("application/x-www-form-urlencoded"), text.as_bytes()).unwrap();
        let one = read("type=left&contact%5Bemail%5D=ann%40example.com&contact[id]=7");
        assert_eq!(one["contact"], json!({"email": "ann@example.com", "id": "7"}));
        assert_eq!(one["contact[email]"], json!("ann@example.com"));
        let list = read("people[10][id]=b&people[2][id]=a&tags[]=x&tags[]=y&one[]=z");
        assert_eq!(list["people"], json!([{"id": "a"}, {"id": "b"}]));
        assert_eq!((&list["tags"], &list["one"]), (&json!(["x", "y"]), &json!(["z"])));
        // A field of that exact name takes precedence, and unbalanced brackets are part of the name.
        assert_eq!(read("a=1&a[b]=2")["a"], json!("1"));
        assert_eq!(read("a[b=2&]c[=3"), json!({"a[b": "2", "]c[": "3"}));
        assert_eq!(read("name=K%E4the+B")["name"], json!("Käthe B"));
    }
}
