//! What could not be read in a delivery, and how it is written down.
//!
//! The written form is an English sentence, which the database, the API and the log hold. It is read back here, so that the
//! console can show it in another language. It never holds a value, which may be personal data.

use std::fmt;

use super::named;

/// What should be at a place of a body where something else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    PersonId,
    Address,
    Date,
    IsoDate,
    SlashedDate,
    DottedDate,
    DashedDate,
    YearFirstDate,
    LastDay,
    Time,
    Company,
    Domain,
    OneCompany,
    OldAddress,
    IdOrAddress,
    KnownWord,
    KnownType,
    Json,
    Charset,
    Utf8,
    Utf16,
    Items,
    FewerItems,
}

named!(Kind {
    PersonId = "person-id",
    Address = "address",
    Date = "date",
    IsoDate = "iso-date",
    SlashedDate = "slashed-date",
    DottedDate = "dotted-date",
    DashedDate = "dashed-date",
    YearFirstDate = "year-first-date",
    LastDay = "last-day",
    Time = "time",
    Company = "company",
    Domain = "domain",
    OneCompany = "one-company",
    OldAddress = "old-address",
    IdOrAddress = "id-or-address",
    KnownWord = "known-word",
    KnownType = "known-type",
    Json = "json",
    Charset = "charset",
    Utf8 = "utf8",
    Utf16 = "utf16",
    Items = "items",
    FewerItems = "fewer-items",
});

impl Kind {
    /// The sentence, with `{}` for each number.
    const fn sentence(self) -> &'static str {
        match self {
            Self::PersonId => "one person id, a text or a whole number",
            Self::Address => "one e-mail address",
            Self::Date => "one date",
            Self::IsoDate => {
                "one date: it looks like ISO 8601, which `date_format` rules out: leave that key out, or add \"%Y-%m-%d\""
            }
            Self::SlashedDate => "one date: write date_format = \"%m/%d/%Y\" (month first) or \"%d/%m/%Y\" (day first)",
            Self::DottedDate => "one date: write date_format = \"%d.%m.%Y\"",
            Self::DashedDate => "one date: write date_format = \"%m-%d-%Y\" (month first) or \"%d-%m-%Y\" (day first)",
            Self::YearFirstDate => "one date: write date_format = \"%Y/%m/%d\"",
            Self::LastDay => {
                "a last day between 1970 and 2200: dates like 0001-01-01, 1900-01-01 and 9999-12-31 mean no day at all, \
                 which is written by leaving the field out, null or 0000-00-00"
            }
            Self::Time => "one time",
            Self::Company => "the domain or the organization of a company",
            Self::Domain => "a domain like customer.example",
            Self::OneCompany => "a domain or an organization, not both",
            Self::OldAddress => "the old address, or a person id to know it by",
            Self::IdOrAddress => "a person id or an e-mail address",
            Self::KnownWord => "a word that `types` knows; add the new one there, as departed, profile or ignored",
            Self::KnownType => "a type of event that the mapping knows",
            Self::Json => "JSON (it breaks off at line {}, column {})",
            Self::Charset => "a body in UTF-8, UTF-16, ISO-8859-1 or Windows-1252",
            Self::Utf8 => "UTF-8 (it is not, from byte {} on)",
            Self::Utf16 => "UTF-16, as its first bytes or its Content-Type say",
            Self::Items => "the items of the delivery",
            Self::FewerItems => "at most {} items, and there are {}",
        }
    }
}

/// A kind, and the numbers in its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub kind: Kind,
    pub numbers: Vec<usize>,
}

impl From<Kind> for Expected {
    fn from(kind: Kind) -> Self {
        Self { kind, numbers: Vec::new() }
    }
}

impl Expected {
    pub fn with<const N: usize>(kind: Kind, numbers: [usize; N]) -> Self {
        Self { kind, numbers: numbers.into() }
    }

    /// The inverse of `Display`. A long sentence may have been cut, and then ends with `…`.
    fn read(text: &str) -> Option<Self> {
        let whole = Kind::ALL.iter().find_map(|kind| {
            let numbers = numbers(kind.sentence(), text)?;
            Some(Self { kind: *kind, numbers })
        });
        let cut = || {
            let begin = text.strip_suffix('…')?;
            let mut kinds = Kind::ALL.iter().filter(|kind| kind.sentence().starts_with(begin));
            let kind = kinds.next()?;
            kinds.next().is_none().then(|| (*kind).into())
        };
        whole.or_else(cut)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.numbers.iter();
        for (index, part) in self.kind.sentence().split("{}").enumerate() {
            if index > 0 {
                numbers.next().map_or(Ok(()), |number| write!(f, "{number}"))?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// The numbers of a text that has this form.
fn numbers(form: &str, text: &str) -> Option<Vec<usize>> {
    let (mut parts, mut numbers) = (form.split("{}"), Vec::new());
    let mut rest = text.strip_prefix(parts.next()?)?;
    for part in parts {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end)?;
        numbers.push(number.parse().ok()?);
        rest = after.strip_prefix(part)?;
    }
    rest.is_empty().then_some(numbers)
}

/// An unreadable value: its place, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unreadable {
    /// The index of the item in the batch; `None` for the body as a whole.
    pub item: Option<usize>,
    /// The JSONPath of the value.
    pub path: String,
    pub expected: Expected,
}

impl Unreadable {
    pub fn whole(path: &str, expected: impl Into<Expected>) -> Self {
        Self { item: None, path: path.to_owned(), expected: expected.into() }
    }

    /// The inverse of `Display`.
    pub fn read(text: &str) -> Option<Self> {
        let (item, text) = match text.strip_prefix("item ") {
            Some(rest) => {
                let (item, rest) = rest.split_once(", ")?;
                (Some(item.parse().ok()?), rest)
            }
            None => (None, text),
        };
        let (path, expected) = text.strip_prefix("at `")?.rsplit_once("`: expected ")?;
        Some(Self { item, path: path.to_owned(), expected: Expected::read(expected)? })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(item) = self.item {
            write!(f, "item {item}, ")?;
        }
        write!(f, "at `{}`: expected {}", self.path, self.expected)
    }
}

/// Why a delivery could not be read, other than by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    DiedTwice,
    NoSource,
    NoDelivery,
}

named!(Incident {
    DiedTwice = "the process died twice while it routed this delivery: report a bug",
    NoSource = "no such source",
    NoDelivery = "no such delivery",
});

/// What is wrong with a delivery as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Some items cannot be read; the first ones are listed.
    Items {
        bad: usize,
        all: usize,
        listed: Vec<Unreadable>,
        more: usize,
    },
    /// The body, or one item of it.
    Place(Unreadable),
    Incident(Incident),
}

/// The beginning of a list of bad items, and its end.
const BAD_ITEMS: &str = "{} of {} items cannot be read: ";
const MORE_ITEMS: &str = "; and {} more";

impl Problem {
    /// The sentence about items that cannot be read. The sentences about the listed ones may be cut.
    pub fn of_items(bad: usize, all: usize, listed: &[String]) -> String {
        let more = bad.saturating_sub(listed.len());
        let begin = filled(BAD_ITEMS, &[bad, all]);
        let end = if more > 0 { filled(MORE_ITEMS, &[more]) } else { String::new() };
        format!("{begin}{}{end}", listed.join("; "))
    }

    /// Reads a written problem; `None` for one of another form.
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(incident) = text.parse() {
            return Some(Self::Incident(incident));
        }
        let Some((counts, list)) = text.split_once(" items cannot be read: ") else {
            return Unreadable::read(text).map(Self::Place);
        };
        let (bad, all) = counts.split_once(" of ")?;
        let (list, more) = match list.rsplit_once("; and ") {
            Some((list, more)) if more.ends_with(" more") => (list, more.strip_suffix(" more")?.parse().ok()?),
            _ => (list, 0),
        };
        let listed: Option<Vec<_>> = items(list).into_iter().map(Unreadable::read).collect();
        Some(Self::Items { bad: bad.parse().ok()?, all: all.parse().ok()?, listed: listed?, more })
    }
}

fn filled(form: &'static str, numbers: &[usize]) -> String {
    let mut numbers = numbers.iter();
    let mut text = String::new();
    for (index, part) in form.split("{}").enumerate() {
        if index > 0 {
            text.extend(numbers.next().map(ToString::to_string));
        }
        text.push_str(part);
    }
    text
}

/// The sentences of a list. A sentence may hold `; `, but not before the number of an item.
fn items(list: &str) -> Vec<&str> {
    let begins_item = |at: usize| list.get(at + 2..).is_some_and(|rest| rest.starts_with("item "));
    let ends = list.match_indices("; ").map(|(at, _)| at).filter(|at| begins_item(*at)).chain([list.len()]);
    let mut begin = 0;
    let mut items = Vec::new();
    for end in ends {
        items.extend(list.get(begin..end));
        begin = end + 2;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind, with the numbers of its sentence.
    fn all() -> Vec<Expected> {
        let numbers = |kind: &Kind| (1..=kind.sentence().matches("{}").count()).map(|n| n * 7).collect();
        Kind::ALL.iter().map(|kind| Expected { kind: *kind, numbers: numbers(kind) }).collect()
    }

    #[test]
    fn every_written_problem_is_read_back() {
        for expected in all() {
            for item in [None, Some(0), Some(9_999)] {
                let path = "$.a['b; item 3, at ']`, `$..c".to_owned();
                let unreadable = Unreadable { item, path, expected: expected.clone() };
                assert_eq!(Unreadable::read(&unreadable.to_string()).as_ref(), Some(&unreadable));
                assert_eq!(Problem::read(&unreadable.to_string()), Some(Problem::Place(unreadable)));
            }
        }
        for incident in Incident::ALL {
            assert_eq!(Problem::read(incident.as_str()), Some(Problem::Incident(*incident)));
        }
    }

    #[test]
    fn list_of_bad_items_is_read_back_with_the_number_of_others() {
        let listed: Vec<_> = all()
            .into_iter()
            .enumerate()
            .map(|(item, expected)| Unreadable { item: Some(item), path: "$.x".to_owned(), expected })
            .collect();
        let texts: Vec<_> = listed.iter().map(ToString::to_string).collect();
        for more in [0, 812] {
            let (bad, all) = (listed.len() + more, 900);
            let written = Problem::of_items(bad, all, &texts);
            assert_eq!(Problem::read(&written), Some(Problem::Items { bad, all, listed: listed.clone(), more }));
        }
    }

    #[test]
    fn cut_sentence_is_read_and_another_text_is_not() {
        let cut = "item 4, at `$.day`: expected a last day between 1970 and 2200: dates li…";
        assert_eq!(Unreadable::read(cut).unwrap().expected, Kind::LastDay.into());
        for other in ["", "at", "company_departed: gone", "one of 2 items cannot be read: x", "at `$`: expected o…"] {
            assert_eq!(Problem::read(other), None, "{other}");
        }
    }
}
