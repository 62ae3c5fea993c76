//! Location of a value in a delivery: RFC 9535 JSONPath or the name of a header, parsed when the settings are loaded.

use axum::http::HeaderName;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::json_path_error;

/// A JSONPath and its text.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    path: JsonPath,
    text: String,
}

impl Expression {
    /// The matching values, in order.
    pub(super) fn query<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.path.query(value).all()
    }

    /// The JSON pointers (RFC 6901) of the matching values.
    pub(super) fn pointers(&self, value: &Value) -> Vec<String> {
        self.path.query_located(value).locations().map(serde_json_path::NormalizedPath::to_json_pointer).collect()
    }

    /// `$`: the value itself.
    pub(super) fn root() -> Self {
        Self { path: JsonPath::default(), text: "$".to_owned() }
    }

    /// The names of the members, if the path consists of nothing else and all of them are written plainly: `$.data.events`.
    pub(super) fn member_names(&self) -> Option<Vec<&str>> {
        let mut names = self.text.split('.');
        let is_name =
            |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let names_after_root = (names.next()? == "$").then(|| names.collect::<Vec<_>>())?;
        names_after_root.iter().all(is_name).then_some(names_after_root)
    }

    /// The original text.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn parse<E: serde::de::Error>(text: String) -> Result<Self, E> {
        match JsonPath::parse(&text) {
            Ok(path) => Ok(Self { path, text }),
            Err(error) => Err(E::custom(json_path_error::describe(&text, &error, 0))),
        }
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?)
    }
}

/// A JSONPath over the item; written `envelope:$.…`, over the whole body; written `header:NAME`, a header of the request.
///
/// As a table, `{ path = "$.resource", prefix = "users/" }` removes a fixed prefix from the text at the path.
#[derive(Debug, Clone)]
pub(super) struct Location {
    pub(super) scope: Scope,
    /// The JSONPath; `$` for a header.
    pub(super) expression: Expression,
    /// The removed prefix. A text without it counts as missing.
    pub(super) prefix: Option<String>,
    /// The result of an unknown word, if the location states one.
    pub(super) unknown_type: Option<UnknownType>,
}

/// What a [`Location`] searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Item,
    /// The whole body.
    Envelope,
    /// A header, by its lower-case name.
    Header(String),
}

/// The result of a word that the mapping does not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownType {
    /// Not relevant: vendors send many topics.
    Ignored,
    /// An operator should check it.
    Unreadable,
}

impl Location {
    /// The original text.
    pub(super) fn text(&self) -> String {
        match &self.scope {
            Scope::Item | Scope::Envelope => self.expression.as_str().to_owned(),
            Scope::Header(name) => format!("header:{name}"),
        }
    }

    /// The header that the location reads, if any.
    pub(super) fn header(&self) -> Option<&str> {
        match &self.scope {
            Scope::Header(name) => Some(name),
            Scope::Item | Scope::Envelope => None,
        }
    }

    fn parse<E: serde::de::Error>(text: String) -> Result<Self, E> {
        let plain = |scope, expression| Self { scope, expression, prefix: None, unknown_type: None };
        if let Some(name) = text.strip_prefix("header:") {
            let name = HeaderName::try_from(name.trim())
                .map_err(|_unusable| E::custom(format!("`{text}`: expected the name of a header behind `header:`")))?;
            return Ok(plain(Scope::Header(name.as_str().to_owned()), Expression::root()));
        }
        let (scope, path) = scoped(text);
        Ok(plain(scope, Expression::parse(path)?))
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            path: String,
            prefix: Option<String>,
            unknown_type: Option<UnknownType>,
        }
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Self::parse(text),
            written @ toml::Value::Table(_) => {
                let table = Table::deserialize(written).map_err(D::Error::custom)?;
                let place = Self::parse(table.path)?;
                Ok(Self { prefix: table.prefix, unknown_type: table.unknown_type, ..place })
            }
            toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => Err(D::Error::custom("expected a JSONPath like \"$.person.id\"")),
        }
    }
}

/// A logical expression of RFC 9535 about the item, or, written `envelope:@.…`, about the whole body:
/// `@.type == 'User' && @.email`.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(super) scope: Scope,
    expression: Expression,
}

impl Condition {
    /// Whether the condition holds for the single element of the array `alone`.
    ///
    /// A filter selects among children, so the caller wraps the value in an array.
    pub(super) fn holds(&self, alone: &Value) -> bool {
        !self.expression.query(alone).is_empty()
    }

    /// Whether the condition compares with null.
    pub(super) fn names_null(&self) -> bool {
        self.expression.as_str().contains("null")
    }
}

impl std::fmt::Display for Condition {
    /// The original text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let filter = self.expression.as_str();
        let filter = filter.strip_prefix("$[?").and_then(|filter| filter.strip_suffix(']')).unwrap_or(filter);
        if self.scope == Scope::Envelope {
            f.write_str("envelope:")?;
        }
        f.write_str(filter)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const BEFORE: &str = "$[?";
        let (scope, filter) = scoped(String::deserialize(deserializer)?);
        let text = format!("{BEFORE}{filter}]");
        match JsonPath::parse(&text) {
            Ok(path) => Ok(Self { scope, expression: Expression { path, text } }),
            Err(error) => Err(D::Error::custom(json_path_error::describe(&filter, &error, BEFORE.len()))),
        }
    }
}

fn scoped(text: String) -> (Scope, String) {
    match text.strip_prefix("envelope:") {
        Some(rest) => (Scope::Envelope, rest.to_owned()),
        None => (Scope::Item, text),
    }
}

/// Reads one value or a list of them.
pub(super) fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    // An untagged enum would hide the reason why an expression was rejected.
    let written = toml::Value::deserialize(deserializer)?;
    let values = if let toml::Value::Array(values) = written { values } else { vec![written] };
    values.into_iter().map(|value| T::deserialize(value).map_err(serde::de::Error::custom)).collect()
}
