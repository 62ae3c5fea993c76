//! The formats of files: departures, Atlassian's "Export customers", a roster of the people who stay.

use std::collections::HashSet;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use super::csv_file::{CsvError, CsvFile, CsvRow};
use crate::domain::event::Effective;
use crate::domain::import_format::ImportFormat;
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::policy::Action;

/// What selects rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Only email addresses of this domain, in its canonical spelling.
    pub(crate) domain: Option<String>,
    /// Only customers without activity for so long.
    pub(crate) inactive_for: Option<SignedDuration>,
}

/// A row that names a person.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) email: EmailAddress,
    pub(super) person_id: Option<PersonId>,
    pub(super) effective: Effective,
    /// `None`: as the policy says.
    pub(super) action: Option<Action>,
}

/// The contents of a file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) rows: Vec<Row>,
    /// The rows that cannot be used, by line. Repeats no value.
    pub(super) bad: Vec<(u64, String)>,
    /// The number of rows that the options exclude.
    pub(super) excluded: usize,
}

const EMAIL: &[&str] = &["email", "email address", "e-mail", "mail"];
const PERSON_ID: &[&str] = &["person_id", "person id", "employee_id", "employee id", "id"];
/// Atlassian documents no column of this export. These names occur in its exports of users.
const LAST_ACTIVE: &[&str] = &[
    "last active",
    "last seen",
    "last activity",
    "last active date",
    "last seen date",
    "last login",
    "last_active",
    "last_seen",
];
const STATUS: &[&str] = &["status", "user status", "account status", "access", "portal access"];
/// What a status says about an account without access.
const WITHOUT_ACCESS: [&str; 6] = ["inactive", "deactivated", "revoked", "access revoked", "no access", "suspended"];

/// Reads the people who leave.
pub(super) fn read(
    bytes: &[u8],
    format: ImportFormat,
    options: &Options,
    now: Timestamp,
) -> Result<Contents, CsvError> {
    let file = CsvFile::read(bytes)?;
    let email = file.require(EMAIL)?;
    let mut contents = Contents { bad: file.broken.clone(), ..Contents::default() };
    let last_active = match (format, options.inactive_for) {
        (ImportFormat::AtlassianExport, Some(_)) => Some(file.require(LAST_ACTIVE)?),
        _ => None,
    };
    let status = file.column(STATUS).filter(|_| format == ImportFormat::AtlassianExport);
    let person_id = file.column(PERSON_ID).filter(|_| format == ImportFormat::Departures);
    for row in file.rows() {
        let address = match EmailAddress::parse(row.value(email)) {
            Ok(address) => address,
            Err(error) => {
                contents.bad.push((row.line, format!("{email}: {error}")));
                continue;
            }
        };
        if options.domain.as_ref().is_some_and(|domain| address.domain() != domain) {
            contents.excluded += 1;
            continue;
        }
        if status.is_some_and(|column| WITHOUT_ACCESS.contains(&row.value(column).to_lowercase().as_str())) {
            contents.excluded += 1;
            continue;
        }
        if let (Some(column), Some(inactive_for)) = (last_active, options.inactive_for) {
            match is_inactive(row.value(column), inactive_for, now) {
                Some(true) => {}
                Some(false) => {
                    contents.excluded += 1;
                    continue;
                }
                None => {
                    contents.bad.push((row.line, format!("{column}: not a date")));
                    continue;
                }
            }
        }
        match departure(row, address, person_id, format) {
            Ok(row) => contents.rows.push(row),
            Err(problem) => contents.bad.push((row.line, problem)),
        }
    }
    contents.bad.sort_by_key(|(line, _)| *line);
    Ok(contents)
}

/// The people who stay.
#[derive(Debug, Default)]
pub(super) struct Staying {
    pub(super) people: HashSet<EmailAddress>,
    /// The rows without a valid email address, by line.
    pub(super) bad: Vec<(u64, String)>,
    /// The number of those whose email address cannot be read, while an empty one says that there is none.
    pub(super) unreadable: usize,
}

/// Reads the email addresses of the people who stay. Rows that cannot be read are reported: a person whose row is broken
/// must not be taken for one who left.
pub(super) fn read_roster(bytes: &[u8]) -> Result<Staying, CsvError> {
    let file = CsvFile::read(bytes)?;
    let email = file.require(EMAIL)?;
    let mut staying = Staying { unreadable: file.broken.len(), bad: file.broken.clone(), ..Staying::default() };
    for row in file.rows() {
        match EmailAddress::parse(row.value(email)) {
            Ok(address) => drop(staying.people.insert(address)),
            Err(error) => {
                staying.unreadable += usize::from(!row.value(email).is_empty());
                staying.bad.push((row.line, format!("{email}: {error}")));
            }
        }
    }
    Ok(staying)
}

fn departure(
    row: CsvRow<'_>,
    email: EmailAddress,
    person_id: Option<&'static str>,
    format: ImportFormat,
) -> Result<Row, String> {
    let mut departure = Row { line: row.line, email, person_id: None, effective: Effective::Immediately, action: None };
    if format != ImportFormat::Departures {
        return Ok(departure);
    }
    let id = person_id.map(|column| row.value(column)).filter(|id| !id.is_empty());
    departure.person_id = id.map(PersonId::parse).transpose().map_err(|error| format!("person_id: {error}"))?;
    let effective = row.value("effective_at");
    if !effective.is_empty() {
        departure.effective = when(effective).ok_or("effective_at: expected a date (2026-12-31) or a time")?;
    }
    let action = row.value("action");
    if !action.is_empty() {
        let action: Action = action.to_lowercase().parse().map_err(|error| format!("action: {error}"))?;
        departure.action = Some(action);
    }
    Ok(departure)
}

/// A date or a time. A year in which no one leaves is none.
fn when(text: &str) -> Option<Effective> {
    let sane = |year: i16| (1970..=2200).contains(&year);
    if let Ok(day) = text.parse::<Date>()
        && text.len() == "2026-12-31".len()
    {
        return Some(Effective::On(day)).filter(|_| sane(day.year()));
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        let year = instant.to_zoned(jiff::tz::TimeZone::UTC).year();
        return Some(Effective::At(instant)).filter(|_| sane(year));
    }
    let local = text.parse::<DateTime>().ok()?;
    Some(Effective::Local(local)).filter(|_| sane(local.year()))
}

/// Whether the last activity is older; `None` for what is no date. Never active is inactive.
fn is_inactive(text: &str, inactive_for: SignedDuration, now: Timestamp) -> Option<bool> {
    if matches!(text.to_lowercase().as_str(), "" | "-" | "never" | "never active" | "n/a" | "not available") {
        return Some(true);
    }
    let limit = now.saturating_sub(inactive_for).unwrap_or(Timestamp::MIN);
    let utc = jiff::tz::TimeZone::UTC;
    let of_date = |date: Date| date.to_zoned(utc.clone()).ok().map(|zoned| zoned.timestamp());
    let instant = text.parse::<Timestamp>().ok();
    let instant =
        instant.or_else(|| text.parse::<DateTime>().ok()?.to_zoned(utc.clone()).ok().map(|at| at.timestamp()));
    let instant = instant.or_else(|| of_date(text.parse::<Date>().ok()?));
    let written = ["%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d"];
    let instant = instant.or_else(|| written.iter().find_map(|form| of_date(Date::strptime(form, text).ok()?)));
    Some(instant? < limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-09-07T12:00:00Z";

    fn contents(text: &str, format: ImportFormat, options: &Options) -> Contents {
        read(text.as_bytes(), format, options, NOW.parse().unwrap()).unwrap()
    }

    #[test]
    fn bad_rows_are_named_by_line_and_the_good_ones_stand() {
        let text = "email,person_id,effective_at,action
ann@example.com,1,2026-12-31,delete
not an address,2,,
ben@example.com,3,31.12.2026,
cid@example.com,4,,explode
dan@example.com,5,0001-01-01,
eve@example.com,6,2026-12-31T18:00:00Z,revoke
";
        let contents = contents(text, ImportFormat::Departures, &Options::default());
        let lines: Vec<_> = contents.rows.iter().map(|row| (row.line, row.action, row.effective)).collect();
        assert_eq!(
            lines,
            [
                (2, Some(Action::Delete), Effective::On("2026-12-31".parse().unwrap())),
                (7, Some(Action::Revoke), Effective::At("2026-12-31T18:00:00Z".parse().unwrap())),
            ]
        );
        let bad: Vec<_> =
            contents.bad.iter().map(|(line, problem)| (*line, problem.split(':').next().unwrap())).collect();
        assert_eq!(bad, [(3, "email"), (4, "effective_at"), (5, "action"), (6, "effective_at")]);
        let all = format!("{:?}", contents.bad);
        assert!(!all.contains("not an address") && !all.contains("explode"), "{all}");
    }

    #[test]
    fn export_selects_the_inactive_of_a_domain() {
        let text = "Full name;Email;Status;Last active
Ann;ann@example.com;Active;2026-01-01
Ben;ben@example.com;Active;1 Sep 2026
Cid;cid@other.com;Active;2020-01-01
Dan;dan@example.com;Revoked;2020-01-01
Eve;eve@example.com;Active;Never
Fay;fay@example.com;Active;soon
";
        let options = Options {
            domain: Some("example.com".to_owned()),
            inactive_for: Some(SignedDuration::from_hours(180 * 24)),
        };
        let contents = contents(text, ImportFormat::AtlassianExport, &options);
        let lines: Vec<_> = contents.rows.iter().map(|row| row.line).collect();
        assert_eq!((lines, contents.excluded), (vec![2, 6], 3));
        assert_eq!(contents.bad, [(7, "last active: not a date".to_owned())]);
        let missing = read(b"email\nann@example.com", ImportFormat::AtlassianExport, &options, NOW.parse().unwrap());
        assert_eq!(missing.unwrap_err(), CsvError::NoColumn("last active"));
    }

    #[test]
    fn roster_names_the_people_who_stay() {
        let roster = "\u{feff}Name;E-Mail\nAnn;Ann@Example.com\nBen;\nCid;cid\n";
        let Staying { people, bad, unreadable } = read_roster(roster.as_bytes()).unwrap();
        assert!(people.contains(&EmailAddress::parse("ann@example.com").unwrap()) && people.len() == 1);
        let problem = "e-mail: not an e-mail address".to_owned();
        assert_eq!((bad, unreadable), (vec![(3, problem.clone()), (4, problem)], 1));
    }
}
