//! Reads the items of a body one after the other, and counts what could not be read.

use std::collections::BTreeMap;

use crate::domain::event::{Event, EventType};
use crate::domain::problem::Problem;
use crate::sources::{Batch, Source};
use crate::store::OTHER_WORDS;

/// The maximum number of problems that are written for a delivery, and the maximum length of each.
const PROBLEMS: usize = 5;
const PROBLEM_LENGTH: usize = 300;

/// The maximum number of different words of one delivery that are counted separately. Any others count together.
const WORDS: usize = 100;

/// An item of a delivery: an event, or the reason why the item cannot be read.
pub(super) type Item = Result<Event, String>;

/// The items of a body, and what was read so far.
#[derive(Debug, Default)]
pub(super) struct BodyReader {
    /// `None` if the body as a whole cannot be read.
    batch: Option<Batch>,
    next: usize,
    any_readable: bool,
    bad: usize,
    problems: Vec<String>,
    ignored: BTreeMap<String, u32>,
}

impl BodyReader {
    /// Fails if the body as a whole cannot be read.
    pub(super) fn open(source: &Source, content_type: Option<&str>, body: &[u8]) -> Result<Self, String> {
        let batch = source.open(content_type, body).map_err(|error| shortened(error.to_string()))?;
        Ok(Self { batch: Some(batch), ..Self::default() })
    }

    /// The number of items.
    pub(super) fn count(&self) -> usize {
        self.batch.as_ref().map_or(0, Batch::count)
    }

    /// The number of items that are not read yet.
    pub(super) fn left(&self) -> usize {
        self.count() - self.next
    }

    pub(super) fn next(&mut self) -> Option<Item> {
        let batch = self.batch.as_ref().filter(|batch| self.next < batch.count())?;
        let read = batch.event_and_ignored_word(self.next);
        self.next += 1;
        Some(match read {
            Ok((event, ignored_word)) => {
                self.any_readable = true;
                if let Some(word) = ignored_word.filter(|_| event.event_type == EventType::Ignored) {
                    count(&mut self.ignored, word);
                }
                Ok(event)
            }
            Err(unreadable) => {
                let problem = shortened(unreadable.to_string());
                self.bad += 1;
                if self.problems.len() < PROBLEMS {
                    self.problems.push(problem.clone());
                }
                Err(problem)
            }
        })
    }

    /// Whether any item could be read.
    pub(super) const fn any_readable(&self) -> bool {
        self.any_readable
    }

    /// A short description of the items that could not be read, however many there are.
    pub(super) fn problem(&self) -> Option<String> {
        if self.bad == 0 {
            return None;
        }
        Some(Problem::of_items(self.bad, self.count(), &self.problems))
    }

    /// The vendor's words of ignored items, with the number of items of each.
    pub(super) fn into_ignored(self) -> BTreeMap<String, u32> {
        self.ignored
    }
}

fn count(counts: &mut BTreeMap<String, u32>, word: String) {
    let known = counts.len() < WORDS || counts.contains_key(&word);
    let count = counts.entry(if known { word } else { OTHER_WORDS.to_owned() }).or_default();
    *count = count.saturating_add(1);
}

/// Cuts a long problem: a mapping may be long, and so may its expectation.
fn shortened(mut problem: String) -> String {
    if let Some((end, _)) = problem.char_indices().nth(PROBLEM_LENGTH) {
        problem.truncate(end);
        problem.push('…');
    }
    problem
}

/// A source whose items are in `$.events`.
#[cfg(test)]
pub(super) fn source() -> Source {
    let signature = toml::toml! { headers = ["x"] };
    let mapping = toml::toml! {
        items = "$.events"
        type = "$.type"
        types = { left = "departed" }
        person_id = "$.id"
    };
    let secrets = vec!["0123456789abcdef0123456789abcdef".to_owned().into()];
    let spec =
        crate::sources::Spec { signature: Some(signature), mapping: Some(mapping), secrets, ..Default::default() };
    Source::compile(&"hr".parse().unwrap(), spec).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(items: &[String]) -> BodyReader {
        let body = format!(r#"{{"events":[{}]}}"#, items.join(","));
        let mut reader = BodyReader::open(&source(), None, body.as_bytes()).unwrap();
        assert_eq!(reader.count(), items.len());
        while reader.next().is_some() {}
        assert_eq!(reader.left(), 0);
        reader
    }

    #[test]
    fn words_of_a_delivery_are_counted_and_bounded() {
        let words = |different: usize| {
            let items: Vec<_> = (0..2 * different).map(|n| format!(r#"{{"type":"word {}"}}"#, n % different)).collect();
            read_all(&items).into_ignored()
        };
        assert_eq!(words(3).into_values().collect::<Vec<_>>(), [2, 2, 2]);
        let many = words(1000);
        assert_eq!((many.len(), many.values().sum::<u32>()), (WORDS + 1, 2000));
        assert_eq!(many.get(OTHER_WORDS), Some(&1800));
    }

    #[test]
    fn problem_of_ten_thousand_bad_items_is_short() {
        let reader = read_all(&vec![r#"{"type":"left"}"#.to_owned(); 10_000]);
        let problem = reader.problem().unwrap();
        assert!(problem.starts_with("10000 of 10000 items cannot be read: item 0, "), "{problem}");
        assert!(problem.ends_with("; and 9995 more") && problem.len() < 2000, "{problem}");
        assert!(matches!(Problem::read(&problem), Some(Problem::Items { bad: 10_000, more: 9_995, .. })), "{problem}");
        assert!(!reader.any_readable());
    }

    #[test]
    fn problem_is_cut_between_characters() {
        assert_eq!(shortened("ä".repeat(400)), format!("{}…", "ä".repeat(300)));
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
