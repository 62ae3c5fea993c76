//! The sentences of the daemon in another language.
//!
//! The database and the API hold what happened as an English sentence: the reason of a pause, the last error of a job, why an
//! action is refused. As in gettext, that sentence is the key: `sentences.ftl` has each one as a message whose English text is
//! the sentence itself, with its values. A text is read by the messages of the English file, and written by the message of
//! the same id in the reader's language. A text that no message describes stays English, and is marked as such.

use std::sync::LazyLock;

use fluent_bundle::FluentValue;
use jiff::civil::Date;

use super::i18n::{Lang, Texts};

/// A longer text is not one of the daemon's sentences.
const LONGEST: usize = 1_500;

/// A sentence may hold others, so deep.
const DEEPEST: u8 = 4;

/// The English text of a message.
#[derive(Debug)]
struct Form {
    id: &'static str,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
enum Piece {
    Text(&'static str),
    /// The name of a value. How it begins states what the value is.
    Value(&'static str),
}

type Values = Vec<(&'static str, FluentValue<'static>)>;

/// The forms with the most words of their own come first.
static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let lines = include_str!("texts/en/sentences.ftl").lines();
    let mut forms: Vec<Form> = lines.filter_map(|line| Form::read(line.split_once(" = ")?)).collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.words()));
    forms
});

/// The sentence in the reader's language, if it is one of the daemon's.
pub(super) fn translated(t: Texts, sentence: &str) -> Option<String> {
    if t.0 == Lang::En {
        return Some(sentence.to_owned());
    }
    (sentence.len() <= LONGEST).then(|| translate(t, sentence, DEEPEST))?
}

fn translate(t: Texts, sentence: &str, depth: u8) -> Option<String> {
    FORMS.iter().find_map(|form| {
        let values = values(t, &form.pieces, sentence, depth)?;
        Some(t.with(form.id, &values.into_iter().collect()))
    })
}

impl Form {
    fn read((id, text): (&'static str, &'static str)) -> Option<Self> {
        let mut parts = text.split("{ $");
        let mut pieces: Vec<Piece> =
            parts.next().filter(|text| !text.is_empty()).map(Piece::Text).into_iter().collect();
        for part in parts {
            let (name, text) = part.split_once(" }")?;
            pieces.push(Piece::Value(name));
            pieces.extend((!text.is_empty()).then_some(Piece::Text(text)));
        }
        Some(Self { id, pieces })
    }

    fn words(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Value(_) => 0,
        };
        self.pieces.iter().map(length).sum()
    }
}

/// The values of a text that has this form.
fn values(t: Texts, pieces: &[Piece], text: &str, depth: u8) -> Option<Values> {
    match pieces {
        [] => text.is_empty().then(Vec::new),
        [Piece::Text(own), rest @ ..] => values(t, rest, text.strip_prefix(own)?, depth),
        [Piece::Value(name)] => Some(vec![(*name, value(t, name, text, depth)?)]),
        [Piece::Value(name), rest @ ..] => {
            let [Piece::Text(next), ..] = rest else { return None };
            text.match_indices(next).find_map(|(end, _)| {
                let (found, after) = text.split_at_checked(end)?;
                let mut values = values(t, rest, after, depth)?;
                values.push((*name, value(t, name, found, depth)?));
                Some(values)
            })
        }
    }
}

/// A value as it is shown: what its name begins with states what it has to be.
fn value(t: Texts, name: &str, text: &str, depth: u8) -> Option<FluentValue<'static>> {
    let shown = match name.split('-').next().unwrap_or_default() {
        "sentence" => translate(t, text, depth.checked_sub(1)?)?,
        "state" => t.find(&format!("state-{text}"))?,
        "day" => Date::strptime("%d %B %Y", text).ok()?.strftime("%-d.%-m.%Y").to_string(),
        "code" => is_code(text).then(|| text.to_owned())?,
        "name" => {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.- ".contains(&byte)).then(|| text.to_owned())?
        }
        _ => (!text.is_empty()).then(|| text.to_owned())?,
    };
    Some(FluentValue::from(shown))
}

/// The name of a call, a status and a code of the remote: `revoke: 403 (sd.customer.not.found)`.
fn is_code(text: &str) -> bool {
    text.split(' ').enumerate().all(|(position, word)| {
        let word = word.strip_suffix(':').unwrap_or(word);
        let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        match word.strip_prefix('(').and_then(|word| word.strip_suffix(')')) {
            Some(code) => position > 0 && is_word(code),
            None => {
                !word.is_empty() && is_word(word) && (position == 0 || word.bytes().all(|byte| byte.is_ascii_digit()))
            }
        }
    })
}
