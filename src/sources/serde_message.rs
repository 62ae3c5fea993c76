//! Translates the messages of serde and the `toml` crate for the author of a settings file.
//!
//! Only this module depends on their wording. A message never repeats a value: it may be a misplaced secret.

use std::fmt;

use super::near::{listed, nearest};

/// What a deserializer reports, without the value that it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SerdeMessage {
    /// An unknown key.
    UnknownKey {
        key: String,
        /// The key that was probably meant.
        suggestion: Option<String>,
        /// The keys of the table.
        known: Vec<String>,
    },
    /// A missing key without a default.
    MissingKey { key: String },
    /// A value of another type.
    WrongType {
        /// The expected form.
        expected: String,
        /// The type of the value.
        found: &'static str,
    },
    /// A text that is not one of the choices.
    UnknownChoice {
        /// The choices, as a list in words.
        choices: String,
    },
    /// A message of our own types.
    Other(String),
}

impl SerdeMessage {
    /// Takes a message apart.
    pub(crate) fn parse(message: &str) -> Self {
        if let Some((key, known)) = quoted_after(message, "unknown field ") {
            let known = between_backticks(known);
            let suggestion = nearest(key, known.iter().copied()).map(str::to_owned);
            let known = known.into_iter().map(str::to_owned).collect();
            Self::UnknownKey { key: key.to_owned(), suggestion, known }
        } else if let Some((key, _)) = quoted_after(message, "missing field ") {
            Self::MissingKey { key: key.to_owned() }
        } else if let Some(mismatch) =
            message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))
        {
            Self::wrong_type(mismatch.trim_end())
        } else if let Some((_, names)) = quoted_after(message, "unknown variant ") {
            // The parser may append the location in backticks, on a separate line.
            let names = between_backticks(names.lines().next().unwrap_or_default());
            Self::UnknownChoice { choices: listed(names) }
        } else if let Some(names) = message.strip_prefix("expected one of: ") {
            Self::UnknownChoice { choices: without_place(names).to_owned() }
        } else {
            Self::Other(without_place(message).to_owned())
        }
    }

    /// Reads `string "hunter2", expected u32`.
    fn wrong_type(mismatch: &str) -> Self {
        let (found, expected) = mismatch.rsplit_once(", expected ").unwrap_or((mismatch, "something else"));
        let found = match found.split([' ', '`', '"']).next().unwrap_or_default() {
            "string" | "character" => "a text",
            "integer" | "floating" => "that number",
            "boolean" => "true or false",
            "sequence" => "a list",
            "map" => "a table",
            _ => "this",
        };
        let expected = match expected.lines().next().unwrap_or_default() {
            "a string" => "a text in quotes",
            "a boolean" => "true or false",
            "a sequence" => "a list in square brackets",
            "a map" => "a table",
            "u8" => "a whole number from 0 to 255",
            "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
            struct_name if struct_name.starts_with("struct ") => "a table",
            words => words,
        };
        Self::WrongType { expected: expected.to_owned(), found }
    }

    /// The key that the message names.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key, .. } | Self::MissingKey { key } => Some(key),
            Self::WrongType { .. } | Self::UnknownChoice { .. } | Self::Other(_) => None,
        }
    }
}

impl fmt::Display for SerdeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { suggestion: Some(name), .. } => write!(f, "unknown key; did you mean `{name}`?"),
            Self::UnknownKey { suggestion: None, known, .. } => write!(f, "unknown key; there are {}", listed(known)),
            Self::MissingKey { .. } => f.write_str("this key is missing"),
            Self::WrongType { expected, found } => write!(f, "write {expected}, not {found}"),
            Self::UnknownChoice { choices } => write!(f, "write one of: {choices}"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// The word in backticks after `prefix`, and the rest of the sentence.
fn quoted_after<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(prefix)?.strip_prefix('`')?.split_once('`')
}

/// A sentence of the `toml` crate without the lines "in `key`" that the crate appends.
fn without_place(message: &str) -> &str {
    message.split("\nin `").next().unwrap_or_default().trim_end()
}

/// The names in serde's `` , expected one of `a`, `b` ``.
fn between_backticks(sentence: &str) -> Vec<&str> {
    sentence.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn each_wording_is_translated_without_its_value() {
        for (message, words) in [
            (
                r#"invalid type: string "hunter2, expected x", expected a sequence"#,
                "write a list in square brackets, not a text",
            ),
            ("invalid type: integer `7`, expected a string", "write a text in quotes, not that number"),
            ("invalid type: floating point `7.5`, expected u8", "write a whole number from 0 to 255, not that number"),
            ("invalid value: integer `-1`, expected u32", "write a whole number from 0 on, not that number"),
            ("invalid type: map, expected a boolean", "write true or false, not a table"),
            ("invalid type: boolean `true`, expected a map", "write a table, not true or false"),
            ("invalid type: sequence, expected a string", "write a text in quotes, not a list"),
            (r#"invalid type: string "hunter2", expected struct SiteTable"#, "write a table, not a text"),
            (r#"invalid value: character "h", expected a size"#, "write a size, not a text"),
            ("invalid type: datetime, expected a string\nin `a.b`\n", "write a text in quotes, not this"),
            ("unknown variant `hunter2`, expected `hex` or `base64`", "write one of: `hex`, `base64`"),
            ("unknown variant `hunter2`, expected `hex`\nin `a.b`\n", "write one of: `hex`"),
            ("expected one of: observe, enforce", "write one of: observe, enforce"),
            ("unknown field `emial`, expected one of `email`, `id`", "unknown key; did you mean `email`?"),
            ("unknown field `shade`, expected `email` or `id`", "unknown key; there are `email`, `id`"),
            ("missing field `email`", "this key is missing"),
            ("not a duration: write \"5m\"\nin `a.b`\n", "not a duration: write \"5m\""),
        ] {
            let translated = SerdeMessage::parse(message).to_string();
            assert_eq!(translated, words);
            assert!(!translated.contains("hunter2"), "{translated}");
        }
    }

    #[test]
    fn wordings_of_the_serde_and_toml_in_use_are_known() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its errors are read")]
        struct Table {
            text: String,
            list: Vec<u8>,
            choice: Option<Choice>,
        }
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Choice {
            One,
            Two,
        }
        for (toml, words) in [
            ("", "this key is missing"),
            ("text = 1", "write a text in quotes, not that number"),
            ("text = 'a'\nlist = 'hunter2'", "write a list in square brackets, not a text"),
            ("text = 'a'\nlist = [-1]", "write a whole number from 0 to 255, not that number"),
            ("text = 'a'\nlist = []\nchoice = 'hunter2'", "write one of: `one`, `two`"),
            ("txt = 'a'", "unknown key; did you mean `text`?"),
        ] {
            let error = toml::from_str::<Table>(toml).unwrap_err();
            assert_eq!(SerdeMessage::parse(error.message()).to_string(), words, "{}", error.message());
        }
    }
}
