//! The text of a settings file, parsed so far that every key knows its line.

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::file::File;
use super::problem::{Problem, Step};

/// A settings file that is correct TOML.
pub(super) struct Document<'a> {
    text: &'a str,
    tree: Spanned<DeTable<'a>>,
}

/// A problem and its place: line and column, both counted from 1, the column in characters.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) problem: Problem,
}

impl<'a> Document<'a> {
    /// Parses the text. Only the parser's words go into a refusal, never the line itself.
    pub(super) fn parse(text: &'a str) -> Result<Self, Located> {
        match DeTable::parse(text) {
            Ok(tree) => Ok(Self { text, tree }),
            Err(error) => {
                let problem = Problem::here(format!("not TOML: {}", error.message().trim_end()));
                Err(located(text, error.span().map_or(text.len(), |span| span.start), problem))
            }
        }
    }

    /// Reads the tables; what is not known is refused.
    pub(super) fn file(&self) -> Result<File, Located> {
        let mut track = serde_path_to_error::Track::new();
        let tables = Deserializer::from(self.tree.clone());
        File::deserialize(serde_path_to_error::Deserializer::new(tables, &mut track)).map_err(|error| {
            let problem = Problem::of_serde(track.path().iter().filter_map(step).collect(), error.message());
            match error.span() {
                Some(span) if span.start > 0 => located(self.text, span.start, problem),
                _ => self.locate(problem),
            }
        })
    }

    /// Finds the place of a problem: that of the value, or of the innermost table in which it is missing.
    pub(super) fn locate(&self, problem: Problem) -> Located {
        let mut offset = self.tree.span().start;
        let mut table = Some(self.tree.get_ref());
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        for step in problem.path() {
            let next = match (step, table, value) {
                (Step::Key(key), Some(table), _) => table.get(key.as_str()),
                (Step::Index(index), _, Some(value)) => value.get_ref().as_array().and_then(|list| list.get(*index)),
                _ => None,
            };
            let Some(next) = next else { break };
            offset = next.span().start;
            table = next.get_ref().as_table();
            value = Some(next);
        }
        located(self.text, offset, problem)
    }
}

fn step(segment: &serde_path_to_error::Segment) -> Option<Step> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn located(text: &str, offset: usize, problem: Problem) -> Located {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Located { line, column, problem }
}
