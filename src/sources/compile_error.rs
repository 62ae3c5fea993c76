//! An error in the description of a source, with the path of the wrong key.

use std::fmt;

use super::serde_message::SerdeMessage;

/// One step of the path to a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Key(String),
    /// Into a list, counted from 0.
    Index(usize),
}

/// The path to a value, as `signature.list.keys[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(pub Vec<Step>);

/// What is wrong with the description of a source: the key, and what to write instead. It never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", with_colon(path))]
pub struct CompileError {
    /// The key. Empty if the error concerns the whole table.
    pub path: KeyPath,
    /// What is wrong, and what to write instead.
    pub message: String,
    /// Whether the value of this key is wrong whatever the other keys are.
    pub(crate) is_of_one_value: bool,
}

impl CompileError {
    /// An error about the current table.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { path: KeyPath::default(), message: message.into(), is_of_one_value: false }
    }

    /// An error about one key of the current table.
    pub(super) fn at(key: &str, message: impl Into<String>) -> Self {
        Self::new(message).within(key)
    }

    /// The error of a deserializer.
    pub(super) fn of_serde(path: &serde_path_to_error::Path, message: &str) -> Self {
        let mut path = KeyPath::of_serde(path);
        let message = SerdeMessage::parse(message);
        if let Some(key) = message.key() {
            path.end_with(key);
        }
        Self { path, message: message.to_string(), is_of_one_value: true }
    }

    /// The same error, with its path relative to the enclosing table.
    pub(super) fn within(mut self, key: &str) -> Self {
        self.path.0.insert(0, Step::Key(key.to_owned()));
        self
    }
}

impl KeyPath {
    /// The path at which a deserializer stopped.
    pub(crate) fn of_serde(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment;
        let steps = path.iter().filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        Self(steps.collect())
    }

    /// Appends `key` unless the path ends with it: a deserializer stops before or after an unknown key.
    pub(crate) fn end_with(&mut self, key: &str) {
        if !matches!(self.0.last(), Some(Step::Key(last)) if last == key) {
            self.0.push(Step::Key(key.to_owned()));
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let dot = if i == 0 { "" } else { "." };
                    let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                    if bare { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{key:?}")? }
                }
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The path as a prefix of a message; empty for an empty path.
pub(crate) fn with_colon(path: &KeyPath) -> String {
    if path.0.is_empty() { String::new() } else { format!("{path}: ") }
}
