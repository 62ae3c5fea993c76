//! A value that the mapping cannot read.

use std::fmt;

/// An unreadable value: its location, and what was expected there. Never the value, which may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unreadable {
    /// The index of the item in the batch; `None` for the body as a whole.
    pub item: Option<usize>,
    /// The JSONPath of the value.
    pub path: String,
    pub expected: String,
}

impl Unreadable {
    pub(super) fn whole(path: &str, expected: impl Into<String>) -> Self {
        Self { item: None, path: path.to_owned(), expected: expected.into() }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(item) = self.item {
            write!(f, "item {item}, ")?;
        }
        write!(f, "at `{}`: expected {}", self.path, self.expected)
    }
}
