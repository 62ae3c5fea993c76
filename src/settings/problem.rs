//! What is wrong in the settings: where, and what to write instead.
//!
//! A refusal never repeats a value, only keys and names: a value may be a secret that somebody wrote where it does not belong.

use std::fmt;

use super::secret::SecretError;
use crate::sources::near::{listed, nearest};

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into a list, counted from 0.
    Index(usize),
}

/// What is wrong, with the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    path: Vec<Step>,
    message: String,
    /// The key that was probably meant by an unknown one.
    meant: Option<String>,
}

impl Problem {
    /// Something is wrong with the table that is being read.
    pub(super) fn here(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into(), meant: None }
    }

    /// Something is wrong with this key of the table that is being read.
    pub(super) fn at(key: &str, message: impl Into<String>) -> Self {
        Self::here(message).under(key)
    }

    /// The same, seen from the table around it.
    pub(super) fn under(mut self, key: &str) -> Self {
        self.path.insert(0, Step::Key(key.to_owned()));
        self
    }

    /// The same, seen from the list around it.
    pub(super) fn under_index(mut self, index: usize) -> Self {
        self.path.insert(0, Step::Index(index));
        self
    }

    /// Whether `other`, a key that is missing, was written as the unknown key that this is about.
    pub(super) fn is_instead_of(&self, other: &Self) -> bool {
        let (Some((_, table)), Some((missing, of))) = (self.path.split_last(), other.path.split_last()) else {
            return false;
        };
        table == of && matches!(missing, Step::Key(key) if self.meant.as_ref() == Some(key))
    }

    /// The same at another place.
    pub(super) fn with_path(self, path: Vec<Step>) -> Self {
        Self { path, ..self }
    }

    /// The way to the value.
    pub(super) fn path(&self) -> &[Step] {
        &self.path
    }

    /// Whether it is about `key` of the table that is being read, or about something below it.
    pub(super) fn is_at(&self, key: &str) -> bool {
        matches!(self.path.first(), Some(Step::Key(first)) if first == key)
    }

    /// Takes apart a sentence that begins with its place, as in `signature.list.keys[0]: …`.
    pub(super) fn of_sentence(place: &str, message: &str) -> Self {
        let mut path = Vec::new();
        for step in place.split(['.', '[']) {
            path.push(match step.strip_suffix(']').and_then(|index| index.parse().ok()) {
                Some(index) => Step::Index(index),
                None => Step::Key(step.to_owned()),
            });
        }
        Self::of_serde(path, message)
    }

    /// Puts what `toml` and serde say into words for the writer of a settings file.
    pub(super) fn of_serde(path: Vec<Step>, message: &str) -> Self {
        let mut problem = Self { path, message: String::new(), meant: None };
        problem.message = if let Some((key, known)) = quoted_after(message, "unknown field ") {
            problem.stand_at(key);
            let names = between_backticks(known);
            problem.meant = nearest(key, names.iter().copied()).map(str::to_owned);
            match &problem.meant {
                Some(name) => format!("unknown key; did you mean `{name}`?"),
                None => format!("unknown key; there are {}", listed(names)),
            }
        } else if let Some((key, _)) = quoted_after(message, "missing field ") {
            problem.path.push(Step::Key(key.to_owned()));
            match problem.hint() {
                Some(hint) => format!("this key is missing: {hint}"),
                None => "this key is missing".to_owned(),
            }
        } else if let Some(misfit) =
            message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))
        {
            problem.misfit_in_words(misfit)
        } else if let Some((_, names)) = quoted_after(message, "unknown variant ") {
            // The parser may append the place in backticks, on a line of its own.
            format!("write one of: {}", listed(between_backticks(names.lines().next().unwrap_or_default())))
        } else if let Some(names) = message.strip_prefix("expected one of: ") {
            format!("write one of: {names}")
        } else {
            without_place(message).to_owned()
        };
        problem
    }

    /// Turns serde's `string "hunter2", expected u32` into words, and leaves the value out.
    fn misfit_in_words(&self, misfit: &str) -> String {
        let misfit = misfit.trim_end();
        let (found, expected) = misfit.rsplit_once(", expected ").unwrap_or((misfit, "something else"));
        let expected = expected.lines().next().unwrap_or_default();
        let found = match found.split([' ', '`', '"']).next().unwrap_or_default() {
            "string" | "character" => "a text",
            "integer" | "floating" => "that number",
            "boolean" => "true or false",
            "sequence" => "a list",
            "map" => "a table",
            _ => "this",
        };
        let expected = match expected {
            "a string" => "a text in quotes",
            "a boolean" => "true or false",
            "a sequence" => "a list in square brackets",
            "a map" => "a table",
            "u8" => "a whole number from 0 to 255",
            "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
            struct_name if struct_name.starts_with("struct ") => "a table",
            words => words,
        };
        match self.hint() {
            Some(hint) if expected.starts_with("a table") || expected.starts_with("a list") => {
                format!("write {expected}, not {found}: {hint}")
            }
            _ => format!("write {expected}, not {found}"),
        }
    }

    /// What to write at a key that has no default.
    fn hint(&self) -> Option<&'static str> {
        let of_a_lookup = self.path.iter().any(|step| matches!(step, Step::Key(key) if key == "lookup"));
        match self.path.last() {
            Some(Step::Key(key)) if !of_a_lookup => Some(match key.as_str() {
                "departed" => "say what a departure leads to: ignore, revoke, revoke_then_delete or delete",
                "url" => "write the address, like \"https://acme.atlassian.net\"",
                "auth" => {
                    "say who we are there: { email = …, token = … }, { bearer = … } or { client_id = …, client_secret = … }"
                }
                "site" => "say which of the [sites] it is about",
                "policy" => "say which of the [policies] it follows",
                "secrets" => "write where the secrets are, like [{ env = \"NAME\" }]",
                "role" => "say viewer, operator or approver",
                _ => return None,
            }),
            _ => None,
        }
    }

    /// Makes sure that the path ends with `key`: whether it already does depends on how far serde had come.
    fn stand_at(&mut self, key: &str) {
        if !matches!(self.path.last(), Some(Step::Key(last)) if last == key) {
            self.path.push(Step::Key(key.to_owned()));
        }
    }
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
        for (i, step) in self.path.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let dot = if i == 0 { "" } else { "." };
                    let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                    if bare { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{key:?}")? }
                }
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
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

/// The word that stands in backticks after `prefix`, and the rest of the sentence.
fn quoted_after<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(prefix)?.strip_prefix('`')?.split_once('`')
}

/// A sentence of the `toml` crate without the lines "in `key`" that it appends.
fn without_place(message: &str) -> &str {
    message.split("\nin `").next().unwrap_or_default().trim_end()
}

/// The names in serde's `` , expected one of `a`, `b` ``.
fn between_backticks(sentence: &str) -> Vec<&str> {
    sentence.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_refusal_repeats_a_value() {
        for (message, words) in [
            (
                r#"invalid type: string "hunter2, expected x", expected a sequence"#,
                "write a list in square brackets, not a text",
            ),
            ("invalid type: integer `7`, expected a string", "write a text in quotes, not that number"),
            ("invalid value: integer `-1`, expected u32", "write a whole number from 0 on, not that number"),
            ("invalid type: map, expected a boolean", "write true or false, not a table"),
            (r#"invalid type: string "hunter2", expected struct SiteTable"#, "write a table, not a text"),
            ("unknown variant `hunter2`, expected `hex` or `base64`", "write one of: `hex`, `base64`"),
        ] {
            assert_eq!(Problem::of_serde(Vec::new(), message).to_string(), words);
        }
    }

    #[test]
    fn a_path_reads_as_it_would_be_written() {
        let problem = Problem::here("wrong").under_index(1).under("secrets").under("hr").under("sources");
        assert_eq!(problem.to_string(), "sources.hr.secrets[1]: wrong");
    }
}
