//! What is wrong in the settings: where, and what to write instead.
//!
//! A message never repeats a value, only keys and names: a value may be a secret in the wrong place.

use std::fmt;

use super::secret::SecretError;
use crate::sources::compile_error::with_colon;
use crate::sources::serde_message::SerdeMessage;
use crate::sources::{CompileError, KeyPath, Step};

/// What is wrong, with the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    path: KeyPath,
    message: String,
    /// The key that was probably meant by an unknown one.
    suggestion: Option<String>,
}

impl Problem {
    /// Something is wrong with the table that is being read.
    pub(super) fn here(message: impl Into<String>) -> Self {
        Self { path: KeyPath::default(), message: message.into(), suggestion: None }
    }

    /// Something is wrong with this key of the table that is being read.
    pub(super) fn at(key: &str, message: impl Into<String>) -> Self {
        Self::here(message).under(key)
    }

    /// The same about the table itself.
    pub(super) fn without_key(self) -> Self {
        self.with_path(Vec::new())
    }

    /// The same, seen from the table around it.
    pub(super) fn under(mut self, key: &str) -> Self {
        self.path.0.insert(0, Step::Key(key.to_owned()));
        self
    }

    /// The same, seen from the list around it.
    pub(super) fn under_index(mut self, index: usize) -> Self {
        self.path.0.insert(0, Step::Index(index));
        self
    }

    /// Whether `other`, a key that is missing, was written as the unknown key that this is about.
    pub(super) fn is_instead_of(&self, other: &Self) -> bool {
        let (Some((_, table)), Some((missing, of))) = (self.path.0.split_last(), other.path.0.split_last()) else {
            return false;
        };
        table == of && matches!(missing, Step::Key(key) if self.suggestion.as_ref() == Some(key))
    }

    /// The same at another place.
    pub(super) fn with_path(self, path: Vec<Step>) -> Self {
        Self { path: KeyPath(path), ..self }
    }

    /// The way to the value.
    pub(super) fn path(&self) -> &[Step] {
        &self.path.0
    }

    /// Whether it is about `key` of the table that is being read, or about something below it.
    pub(super) fn is_at(&self, key: &str) -> bool {
        matches!(self.path.0.first(), Some(Step::Key(first)) if first == key)
    }

    /// The error of a deserializer, in words for the author of a settings file.
    pub(super) fn of_serde(mut path: KeyPath, message: &str) -> Self {
        let message = SerdeMessage::parse(message);
        match &message {
            SerdeMessage::UnknownKey { key, .. } => path.end_with(key),
            SerdeMessage::MissingKey { key } => path.0.push(Step::Key(key.clone())),
            SerdeMessage::WrongType { .. } | SerdeMessage::UnknownChoice { .. } | SerdeMessage::Other(_) => {}
        }
        let hint = match &message {
            SerdeMessage::MissingKey { .. } => hint(&path),
            SerdeMessage::WrongType { expected, .. } if matches!(expected.get(..6), Some("a tabl" | "a list")) => {
                hint(&path)
            }
            SerdeMessage::UnknownKey { .. }
            | SerdeMessage::WrongType { .. }
            | SerdeMessage::UnknownChoice { .. }
            | SerdeMessage::Other(_) => None,
        };
        let words = message.to_string();
        let words = hint.map(|hint| format!("{words}: {hint}")).unwrap_or(words);
        let suggestion = if let SerdeMessage::UnknownKey { suggestion, .. } = message { suggestion } else { None };
        Self { path, message: words, suggestion }
    }
}

/// What to write at a key that has no default.
fn hint(path: &KeyPath) -> Option<&'static str> {
    let is_of_lookup = path.0.iter().any(|step| matches!(step, Step::Key(key) if key == "lookup"));
    let Some(Step::Key(key)) = path.0.last().filter(|_| !is_of_lookup) else { return None };
    Some(match key.as_str() {
        "departed" => "write the action for a departure: ignore, revoke, revoke_then_delete or delete",
        "url" => "write the URL, like \"https://acme.atlassian.net\"",
        "auth" => {
            "write the credentials: { email = …, token = … }, { bearer = … } or { client_id = …, client_secret = … }"
        }
        "site" => "write the name of one of the [sites]",
        "policy" => "write the name of one of the [policies]",
        "secrets" => "write where the secrets are, like [{ env = \"NAME\" }]",
        "role" => "write viewer, operator or approver",
        _ => return None,
    })
}

/// The problems of a table, collected so that all of them are reported together.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Problem>);

impl Faults {
    /// The value, or `None` after keeping what is wrong with it.
    pub(super) fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// The value below `key`, or `None` after keeping all that is wrong with it.
    pub(super) fn take_all<T>(&mut self, key: &str, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.0.extend(problems.into_iter().map(|problem| problem.under(key)))).ok()
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// `value`, if nothing is wrong.
    pub(super) fn or<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }

    /// Whether something is wrong with `key` or below it.
    pub(super) fn any_below(&self, key: &str) -> bool {
        self.0.iter().any(|problem| problem.is_at(key))
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_colon(&self.path))?;
        f.write_str(&self.message)
    }
}

impl From<CompileError> for Problem {
    fn from(error: CompileError) -> Self {
        Self { path: error.path, message: error.message, suggestion: None }
    }
}

impl From<SecretError> for Problem {
    fn from(error: SecretError) -> Self {
        match std::error::Error::source(&error) {
            Some(reason) => Self::here(format!("{error}: {reason}")),
            None => Self::here(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_it_would_be_written() {
        let problem = Problem::here("wrong").under_index(1).under("secrets").under("hr").under("sources");
        assert_eq!(problem.to_string(), "sources.hr.secrets[1]: wrong");
    }
}
