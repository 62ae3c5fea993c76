//! What could not be read and why an event had no effect, in the language of the reader.

use std::fmt;

use super::i18n::Texts;
use super::sentences;
use crate::domain::problem::{Expected, Incident, Problem, Unreadable};
use crate::domain::routing::IgnoredReason;

/// Reasons of events that took effect, in part or later.
pub(super) const EFFECTS: [&str; 2] = ["customers_are_listed", "source_is_frozen"];

/// A sentence of the daemon in the reader's language or, if that is not known, in English.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    text: String,
    pub(super) english: bool,
}

impl Sentence {
    /// What the database or the API says.
    pub(super) fn of(t: Texts, written: &str) -> Self {
        let problem = Problem::read(written).map(|problem| self::problem(t, &problem));
        match problem.or_else(|| sentences::translated(t, written)) {
            Some(text) => Self::translated(text),
            None => Self { text: written.to_owned(), english: true },
        }
    }

    /// Why an event had no effect, or could not be read.
    pub(super) fn of_reason(t: Texts, written: &str) -> Self {
        let is_known = EFFECTS.contains(&written) || written.parse::<IgnoredReason>().is_ok();
        if is_known {
            return Self::translated(t.s(&format!("reason-{}", written.replace('_', "-"))));
        }
        Self::of(t, written)
    }

    pub(super) fn translated(text: String) -> Self {
        Self { text, english: false }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn problem(t: Texts, problem: &Problem) -> String {
    match problem {
        Problem::Place(unreadable) => place(t, unreadable),
        Problem::Incident(incident) => t.s(match incident {
            Incident::DiedTwice => "problem-died-twice",
            Incident::NoSource => "problem-no-source",
            Incident::NoDelivery => "problem-no-delivery",
        }),
        Problem::Items { bad, all, listed, more } => {
            let mut places: Vec<_> = listed.iter().map(|unreadable| place(t, unreadable)).collect();
            if *more > 0 {
                places.push(t.v("problem-more", "more", more));
            }
            t.count("problem-items", bad, &[("all", all), ("list", &places.join("; "))])
        }
    }
}

/// Items are numbered from 1, like their rows.
fn place(t: Texts, unreadable: &Unreadable) -> String {
    let path = unreadable.path.replace("`, `", ", ");
    let expected = expected(t, &unreadable.expected);
    match unreadable.item {
        Some(item) => {
            let item = item.saturating_add(1);
            t.values("problem-item", &[("item", &item), ("path", &path), ("expected", &expected)])
        }
        None => t.values("problem-place", &[("path", &path), ("expected", &expected)]),
    }
}

fn expected(t: Texts, expected: &Expected) -> String {
    let number = |index: usize| expected.numbers.get(index).copied().unwrap_or_default();
    t.values(&format!("expected-{}", expected.kind), &[("first", &number(0)), ("second", &number(1))])
}

#[cfg(test)]
mod tests {
    use super::super::i18n::Lang;
    use super::*;

    fn of(language: Lang, written: &str) -> String {
        let sentence = Sentence::of_reason(Texts(language), written);
        assert!(!sentence.english, "{written}");
        sentence.to_string()
    }

    #[test]
    fn problems_are_written_in_both_languages() {
        let written = "812 of 900 items cannot be read: item 2, at `$.day`, `$.date`: expected a last day between 1970 \
                       and 2200: dat…; item 3, at `$.id`: expected one person id, a text or a whole number; and 810 more";
        insta::assert_snapshot!(of(Lang::En, written), @"812 of 900 items cannot be read: item 3, at $.day, $.date: expected a last day between 1970 and 2200. Dates like 0001-01-01, 1900-01-01 and 9999-12-31 mean no day at all; that is written by leaving the field out, by null or by 0000-00-00; item 4, at $.id: expected one person id, a text or a whole number; and 810 more");
        insta::assert_snapshot!(of(Lang::De, written), @"812 von 900 Einträgen sind nicht lesbar: Eintrag 3, bei $.day, $.date: erwartet wird ein letzter Tag zwischen 1970 und 2200. Daten wie 0001-01-01, 1900-01-01 und 9999-12-31 bedeuten keinen Tag; dafür bleibt das Feld weg, ist null oder 0000-00-00; Eintrag 4, bei $.id: erwartet wird eine Personalnummer, als Text oder ganze Zahl; und 810 weitere");
        let body = "at `$`: expected JSON (it breaks off at line 1, column 7)";
        insta::assert_snapshot!(of(Lang::En, body), @"at $: expected JSON, which breaks off at line 1, column 7");
        insta::assert_snapshot!(of(Lang::De, body), @"bei $: erwartet wird JSON; der Inhalt bricht in Zeile 1, Spalte 7 ab");
        insta::assert_snapshot!(of(Lang::De, "no_open_case"), @"Es gibt keinen offenen Fall, den es stoppen könnte.");
    }

    #[test]
    fn sentence_of_another_part_stays_english() {
        let sentence = Sentence::of(Texts(Lang::De), "company_departed: the listing failed");
        assert!(sentence.english);
        assert_eq!(sentence.to_string(), "company_departed: the listing failed");
    }
}
