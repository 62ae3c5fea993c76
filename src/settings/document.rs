//! The text of a settings file, parsed so far that every key has its line.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::file::SettingsFile;
use super::problem::Problem;
use crate::sources::{KeyPath, Step};

/// The largest number of errors in one report.
const MOST_FAULTS: usize = 100;

/// A settings file as TOML.
pub(super) struct Document<'a> {
    text: &'a str,
    tree: Spanned<DeTable<'a>>,
}

/// A problem and its place: line and column, both counted from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) problem: Problem,
}

/// The tables of a file, and what is wrong with those parts that were left out of them.
pub(super) struct Tables {
    /// `None` if nothing could be read.
    pub(super) file: Option<SettingsFile>,
    pub(super) faults: Vec<Located>,
    /// List elements that were left out, so that an index can be translated back to the text.
    removed: BTreeSet<(Vec<Step>, usize)>,
}

impl<'a> Document<'a> {
    /// Parses the text. Only the parser's words become part of a fault, never the line itself.
    ///
    /// After a key or table that is there twice the rest is still read; after any other mistake it is not, because a
    /// wrong quote or bracket changes the meaning of what follows.
    pub(super) fn parse(text: &'a str) -> (Option<Self>, Vec<Located>) {
        let (tree, errors) = DeTable::parse_recoverable(text);
        let mut faults: Vec<Located> = Vec::new();
        let mut readable = true;
        // The line of a table that is there twice: its keys are there twice as well.
        let mut table_twice: Option<usize> = None;
        for error in errors {
            let offset = error.span().map_or(text.len(), |span| span.start);
            let fault = match error.message().trim_end() {
                "duplicate key" => {
                    let fault = duplicate(text, offset);
                    let begins = |line: usize| text.lines().nth(line - 1).is_some_and(|line| header(line).is_some());
                    if begins(fault.line) {
                        table_twice = Some(fault.line);
                    } else if table_twice.is_some_and(|table| !(table + 1..fault.line).any(begins)) {
                        continue;
                    }
                    fault
                }
                message => {
                    readable = false;
                    located(text, offset, Problem::here(format!("not TOML: {message}")))
                }
            };
            // One slip may confuse the parser more than once in a line.
            if faults.iter().all(|other| other.line != fault.line) {
                faults.push(fault);
            }
        }
        if !readable {
            // What follows an unclosed quote or bracket is a consequence of it.
            faults.truncate(1);
        }
        (readable.then_some(Self { text, tree }), faults)
    }

    /// Whether the text has a table `[table.name]`, be it right or wrong.
    pub(super) fn names(&self, table: &str) -> Vec<&str> {
        let names = self.tree.get_ref().get(table).and_then(|table| table.get_ref().as_table());
        names.into_iter().flat_map(|names| names.keys()).map(|name| name.get_ref().as_ref()).collect()
    }

    /// Reads the tables. What is unknown, missing or of the wrong type is reported, and left out or replaced, so that
    /// one fault does not hide the next.
    pub(super) fn tables(&self) -> Tables {
        let mut tree = self.tree.clone();
        let mut tables = Tables { file: None, faults: Vec::new(), removed: BTreeSet::new() };
        for _ in 0..MOST_FAULTS {
            let mut track = serde_path_to_error::Track::new();
            let deserializer = Deserializer::from(tree.clone());
            let error =
                match SettingsFile::deserialize(serde_path_to_error::Deserializer::new(deserializer, &mut track)) {
                    Ok(file) => {
                        tables.file = Some(file);
                        break;
                    }
                    Err(error) => error,
                };
            let problem = Problem::of_serde(KeyPath::of_serde(&track.path()), error.message());
            let here = problem.path().to_vec();
            let original = tables.original(problem);
            let is_new =
                |fault: &Located| fault.problem.path() != original.path() && !fault.problem.is_instead_of(&original);
            if tables.faults.iter().all(is_new) {
                tables.faults.push(match error.span() {
                    Some(span) if span.start > 0 => located(self.text, span.start, original),
                    _ => self.locate(original),
                });
            }
            if !repair(&mut tree, &here, &mut tables.removed) {
                break;
            }
        }
        tables
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

impl Tables {
    /// The same problem with the list indexes of the text.
    pub(super) fn original(&self, problem: Problem) -> Problem {
        let mut list: Vec<Step> = Vec::new();
        for step in problem.path() {
            let step = match step {
                Step::Index(index) => Step::Index(original_index(&list, *index, &self.removed)),
                Step::Key(key) => Step::Key(key.clone()),
            };
            list.push(step);
        }
        problem.with_path(list)
    }

    /// Whether a problem only follows from a fault that was reported already.
    pub(super) fn follows(&self, problem: &Problem) -> bool {
        let path = problem.path();
        self.faults.iter().any(|fault| {
            let known = fault.problem.path();
            let same = !known.is_empty() && (path.starts_with(known) || known.starts_with(path));
            same || refers_to_a_wrong_name(path, known)
        })
    }
}

/// Whether the name of a site or a policy at `path` may be the one that `fault` says is no name.
fn refers_to_a_wrong_name(path: &[Step], fault: &[Step]) -> bool {
    let (Some(Step::Key(key)), [Step::Key(table), Step::Key(_)]) = (path.last(), fault) else { return false };
    matches!((key.as_str(), table.as_str()), ("site", "sites") | ("policy", "policies"))
}

/// What is put where a key is missing, so that the rest of its table can be read. The table itself is not used.
const PLACEHOLDERS: [(&str, &str); 9] = [
    ("url", "\"http://localhost\""),
    ("auth", "{}"),
    ("departed", "\"ignore\""),
    ("site", "\"missing\""),
    ("policy", "\"missing\""),
    ("secrets", "[]"),
    ("name", "\"missing\""),
    ("role", "\"viewer\""),
    ("token", "{ env = \"MISSING\" }"),
];

/// Takes a wrong value out, or puts something where a value is missing. `false`: neither is possible.
fn repair(tree: &mut Spanned<DeTable<'_>>, path: &[Step], removed: &mut BTreeSet<(Vec<Step>, usize)>) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let Some(parent) = parent(tree, parents) else { return false };
    match (last, parent) {
        (Step::Key(key), Parent::Table(table)) => {
            if table.remove(key.as_str()).is_some() {
                return true;
            }
            let placeholder = PLACEHOLDERS.iter().find(|(name, _)| name == key);
            let value = placeholder.and_then(|(_, text)| DeValue::parse(text).ok());
            match value {
                Some(value) => {
                    table.insert(Spanned::new(0..0, key.clone().into()), value);
                    true
                }
                // The whole table cannot be used.
                None => !parents.is_empty() && repair(tree, parents, removed),
            }
        }
        (Step::Index(index), Parent::List(elements)) if *index < elements.len() => {
            let mut kept = DeArray::new();
            for (_, element) in elements.iter().enumerate().filter(|(i, _)| i != index) {
                kept.push(element.clone());
            }
            *elements = kept;
            let of = original_path(parents, removed);
            let place = original_index(&of, *index, removed);
            removed.insert((of, place));
            true
        }
        _ => false,
    }
}

fn original_path(path: &[Step], removed: &BTreeSet<(Vec<Step>, usize)>) -> Vec<Step> {
    let tables = Tables { file: None, faults: Vec::new(), removed: removed.clone() };
    tables.original(Problem::here("").with_path(path.to_vec())).path().to_vec()
}

/// The place that an element had before others were taken out. `removed` is in ascending order.
fn original_index(list: &[Step], index: usize, removed: &BTreeSet<(Vec<Step>, usize)>) -> usize {
    let of_list = removed.iter().filter(|(of, _)| of == list);
    of_list.fold(index, |index, (_, removed)| if *removed <= index { index + 1 } else { index })
}

enum Parent<'t, 'a> {
    Table(&'t mut DeTable<'a>),
    List(&'t mut DeArray<'a>),
}

fn parent<'t, 'a>(tree: &'t mut Spanned<DeTable<'a>>, path: &[Step]) -> Option<Parent<'t, 'a>> {
    let mut at = Parent::Table(tree.as_mut());
    for step in path {
        let next = match (step, at) {
            (Step::Key(key), Parent::Table(table)) => table.get_mut(key.as_str())?,
            (Step::Index(index), Parent::List(list)) => list.get_mut(*index)?,
            _ => return None,
        };
        at = match next.as_mut() {
            DeValue::Table(table) => Parent::Table(table),
            DeValue::Array(list) => Parent::List(list),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                return None;
            }
        };
    }
    Some(at)
}

/// A key or a table that is there twice, with the line of the first.
fn duplicate(text: &str, offset: usize) -> Located {
    let begin = text.get(..offset).map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
    let line = text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let earlier = text.get(..begin).unwrap_or_default();
    let header = header(line);
    let what = if header.is_some() { "this table" } else { "this key" };
    let mut first = None;
    for (number, other) in earlier.lines().enumerate() {
        if let Some(header) = header {
            if self::header(other) == Some(header) && first.is_none() {
                first = Some(number + 1);
            }
        } else if self::header(other).is_some() {
            // Another table begins: what was found before is not of this one.
            first = None;
        } else if first.is_none() && key(other).is_some() && key(other) == key(line) {
            first = Some(number + 1);
        }
    }
    let message = match first {
        Some(first) => format!("{what} exists already in line {first}: keep one of them"),
        None => format!("{what} exists twice: keep one of them"),
    };
    located(text, offset, Problem::here(message))
}

/// `[sources.hr]` of a line with a header.
fn header(line: &str) -> Option<&str> {
    let line = line.split('#').next().unwrap_or_default().trim();
    (line.starts_with('[') && line.ends_with(']')).then_some(line)
}

/// What stands before the `=` of a line.
fn key(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

fn located(text: &str, offset: usize, problem: Problem) -> Located {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Located { line, column, problem }
}
