//! The headers of a stored delivery.

use std::collections::BTreeMap;

use serde_json::Value;

/// The headers of a request that a mapping reads, by their lower-case names.
#[derive(Debug, Default)]
pub struct Headers(BTreeMap<String, Value>);

impl Headers {
    pub(in crate::sources) fn of(pairs: &[(String, String)]) -> Self {
        Self(pairs.iter().map(|(name, value)| (name.to_ascii_lowercase(), Value::from(value.as_str()))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}
