//! Why an item is the event that it is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::event::EventType;

/// What decided about an item, and the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    #[serde(flatten)]
    pub matched: Match,
    pub event: EventType,
    /// What the item lacks, so that it is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Lack>,
}

/// The part of the mapping that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "matched", rename_all = "snake_case")]
pub enum Match {
    /// A condition that holds.
    Rule { condition: String },
    /// A word that the table contains. It is the vendor's, and no personal data.
    Word { place: String, word: String },
    /// The condition that skips items.
    Skipped { condition: String },
    /// None of the words is in the table.
    UnknownWord,
}

/// Why an item has no effect, although the mapping knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    IdOrAddress,
    AnotherAddress,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.matched {
            Match::Rule { condition } => write!(f, "the rule `{condition}` holds")?,
            Match::Word { place, word } => write!(f, "`{place}` is `{word}`")?,
            Match::Skipped { condition } => write!(f, "`skip_item` says `{condition}`")?,
            Match::UnknownWord => f.write_str("the mapping knows no such event")?,
        }
        let lacks = match self.lacks {
            Some(Lack::IdOrAddress) => ", but it does not hold both an id and an address",
            Some(Lack::AnotherAddress) => ", but to the same address",
            None => "",
        };
        write!(f, ": {}{lacks}", self.event)
    }
}
