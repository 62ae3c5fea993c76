//! Where something stands in a body: RFC 9535 JSONPath, checked when the settings are read.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json_path::JsonPath;

/// A JSONPath and its text.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    path: JsonPath,
    text: String,
}

impl Expression {
    /// What it finds, in order.
    pub(super) fn query<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.path.query(value).all()
    }

    /// `$`: the value itself.
    pub(super) fn root() -> Self {
        Self { path: JsonPath::default(), text: "$".to_owned() }
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn parse<E: serde::de::Error>(text: String) -> Result<Self, E> {
        match JsonPath::parse(&text) {
            Ok(path) => Ok(Self { path, text }),
            Err(error) => Err(E::custom(format!("`{text}` is no JSONPath (RFC 9535): {}", error.message()))),
        }
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?)
    }
}

/// A JSONPath over the item, or, written `envelope:$.…`, over the whole body.
#[derive(Debug, Clone)]
pub(super) struct Location {
    /// What is searched.
    pub(super) scope: Scope,
    /// For what.
    pub(super) expression: Expression,
}

/// What a [`Location`] searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The element of the batch.
    Item,
    /// All that was sent.
    Envelope,
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (scope, path) = scoped(String::deserialize(deserializer)?);
        Ok(Self { scope, expression: Expression::parse(path)? })
    }
}

/// A logical expression of RFC 9535 about the item, or, written `envelope:@.…`, about the whole body:
/// `@.type == 'User' && @.email`.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// What it is about.
    pub(super) scope: Scope,
    expression: Expression,
}

impl Condition {
    /// Whether it holds for the one element of `alone`, an array.
    ///
    /// A filter selects among children, so the value to be judged comes wrapped in an array.
    pub(super) fn holds(&self, alone: &Value) -> bool {
        !self.expression.query(alone).is_empty()
    }
}

impl std::fmt::Display for Condition {
    /// As it was written.
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
        let (scope, filter) = scoped(String::deserialize(deserializer)?);
        Ok(Self { scope, expression: Expression::parse(format!("$[?{filter}]"))? })
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
    // Not an untagged enum, which would swallow the reason why an expression was refused.
    let written = toml::Value::deserialize(deserializer)?;
    let values = if let toml::Value::Array(values) = written { values } else { vec![written] };
    values.into_iter().map(|value| T::deserialize(value).map_err(serde::de::Error::custom)).collect()
}
