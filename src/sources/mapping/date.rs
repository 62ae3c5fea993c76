//! Dates in the notations of the vendors, with their precision preserved: an instant, a day, or a local time.

use jiff::civil::{self, Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::domain::event::Effective;
use crate::domain::problem::Kind;

/// A last day outside these years counts as none: `0001-01-01`, `1900-01-01` and `9999-12-31` mean "no date".
const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 2200;

/// How the dates of a mapping are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct DateReader<'a> {
    /// The formats, unless dates are ISO 8601; the first that fits counts.
    pub(super) formats: &'a [String],
    /// The zone of local times, if the mapping states it.
    pub(super) zone: Option<&'a TimeZone>,
    /// Whether an instant stands for a day.
    pub(super) is_day: bool,
}

/// Why a value is no valid last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateError {
    /// It is not a date; the kind names a format that might fit.
    NoDate(Option<Kind>),
    /// The year is outside the accepted range.
    OutOfRange,
}

/// A date with the precision of its notation.
#[derive(Debug, Clone, Copy)]
enum WrittenDate {
    /// An instant, and the civil time if one was written.
    At(Timestamp, Option<DateTime>),
    /// A day.
    On(Date),
    /// A date and time without a zone.
    Local(DateTime),
}

impl DateReader<'_> {
    /// The date that a value in a body denotes.
    ///
    /// Accepted are RFC 3339, offsets without a colon (BambooHR's `+0000`), local times (HiBob's), days, seconds to
    /// nanoseconds since 1970 as numbers or digits, and `/Date(…)/` of older .NET and of `OData`.
    pub(super) fn effective(&self, value: &Value) -> Result<Effective, DateError> {
        let text = text(value).ok_or(DateError::NoDate(None))?;
        let moment = self.moment(&text).ok_or_else(|| self.misfit(&text))?;
        let effective = match (moment, self.zone) {
            (WrittenDate::On(day), _) => Effective::On(day),
            (WrittenDate::Local(time), _) if self.is_day => Effective::On(time.date()),
            (WrittenDate::Local(time), Some(zone)) if in_range(time.date()) => {
                Effective::At(instant(time, zone).ok_or(DateError::OutOfRange)?)
            }
            (WrittenDate::Local(time), _) => Effective::Local(time),
            (WrittenDate::At(at, written), _) if self.is_day => Effective::On(self.day_of(at, written)),
            (WrittenDate::At(at, _), _) => Effective::At(at),
        };
        let day = match effective {
            Effective::On(day) => day,
            Effective::Local(time) => time.date(),
            Effective::At(at) => at.to_zoned(TimeZone::UTC).date(),
            Effective::Immediately => return Ok(effective),
        };
        if in_range(day) { Ok(effective) } else { Err(DateError::OutOfRange) }
    }

    /// The instant that a value in a body denotes, to order events. A date without a zone is read as UTC.
    ///
    /// `Ok(None)` for a time outside the accepted years: it means "no date".
    pub(super) fn instant(&self, value: &Value) -> Result<Option<Timestamp>, DateError> {
        let utc = TimeZone::UTC;
        let zone = self.zone.unwrap_or(&utc);
        let text = text(value).ok_or(DateError::NoDate(None))?;
        // Some vendors write this time in ISO 8601 whatever format their other dates have.
        let moment = self.moment(&text).or_else(|| iso(&text));
        let (day, at) = match moment {
            Some(WrittenDate::At(at, _)) => (at.to_zoned(TimeZone::UTC).date(), Some(at)),
            Some(WrittenDate::On(day)) => (day, instant(day.to_datetime(civil::Time::midnight()), zone)),
            Some(WrittenDate::Local(time)) => (time.date(), instant(time, zone)),
            None if self.misfit(&text) == DateError::OutOfRange => return Ok(None),
            None => return Err(DateError::NoDate(None)),
        };
        Ok(at.filter(|_| in_range(day)))
    }

    /// The day that an instant denotes: the day that begins with it in the mapping's zone, else the day whose midnight
    /// was written, else the day that contains it.
    fn day_of(&self, at: Timestamp, written: Option<DateTime>) -> Date {
        let there = at.to_zoned(self.zone.cloned().unwrap_or(TimeZone::UTC)).datetime();
        let is_midnight = |time: &DateTime| time.time() == civil::Time::midnight();
        match written {
            Some(written) if self.zone.is_none() || (!is_midnight(&there) && is_midnight(&written)) => written.date(),
            Some(_) | None => there.date(),
        }
    }

    fn moment(&self, text: &str) -> Option<WrittenDate> {
        if self.formats.is_empty() { iso(text) } else { self.formats.iter().find_map(|format| formatted(format, text)) }
    }

    /// The error for a text that is no date, with the format that its shape suggests.
    fn misfit(&self, text: &str) -> DateError {
        let written = text.trim_end_matches(['Z', 'z']).parse::<DateTime>();
        if written.is_ok_and(|written| !in_range(written.date())) {
            return DateError::OutOfRange;
        }
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        DateError::NoDate(match shape.split([' ', 'T']).next().unwrap_or_default() {
            "0000-00-00" | "00000000" if !self.formats.is_empty() => Some(Kind::IsoDate),
            "00/00/0000" | "0/00/0000" | "00/0/0000" | "0/0/0000" => Some(Kind::SlashedDate),
            "00.00.0000" | "0.00.0000" | "00.0.0000" | "0.0.0000" => Some(Kind::DottedDate),
            "00-00-0000" => Some(Kind::DashedDate),
            "0000/00/00" => Some(Kind::YearFirstDate),
            _ => None,
        })
    }
}

/// Notations of "no date": an empty value, or a date of zeros.
pub(super) fn is_no_date(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => {
            let text = text.trim();
            let zeros = text.bytes().filter(|byte| *byte == b'0').count();
            let rest = text.trim_matches(['0', '-', '/', '.', ':', ' ', 'T', 'Z', '+']);
            text.is_empty() || (zeros >= 8 && rest.is_empty())
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether the format is valid.
pub(super) fn is_format(format: &str) -> bool {
    let sample = civil::date(2031, 12, 31).at(17, 30, 0, 0).to_zoned(TimeZone::UTC);
    let written = sample.ok().and_then(|sample| strtime::format(format, &sample).ok());
    written.is_some_and(|written| formatted(format, &written).is_some())
}

/// ISO 8601 with an offset, with or without its colon.
pub(in crate::sources) fn with_offset(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn in_range(day: Date) -> bool {
    (FIRST_YEAR..=LAST_YEAR).contains(&day.year())
}

fn instant(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(time).compatible().ok()
}

fn iso(text: &str) -> Option<WrittenDate> {
    let text = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")).unwrap_or(text);
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return digits(text);
    }
    if text.len() == 10 {
        return text.parse::<Date>().ok().map(WrittenDate::On);
    }
    match with_offset(text) {
        Some(at) => Some(WrittenDate::At(at, text.trim_end_matches(['Z', 'z']).parse().ok())),
        None => text.parse().ok().map(WrittenDate::Local),
    }
}

/// Digits are distinguished by their number, so that no guess moves a departure to 1970: 8 are a day, 10 are seconds
/// (from 2001 to 2286), 13 are milliseconds, 16 are microseconds, 19 are nanoseconds.
fn digits(text: &str) -> Option<WrittenDate> {
    if let Some((seconds, fraction)) = text.split_once('.') {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if seconds.len() != 10 || fraction.len() > 9 || !digits(fraction) {
            return None;
        }
        let nanoseconds: i32 = format!("{fraction:0<9}").parse().ok()?;
        return Timestamp::new(seconds.parse().ok()?, nanoseconds).ok().map(|at| WrittenDate::At(at, None));
    }
    let at = match text.len() {
        8 => return text.parse().ok().map(WrittenDate::On),
        10 => Timestamp::from_second(text.parse().ok()?),
        13 => Timestamp::from_millisecond(text.parse().ok()?),
        16 => Timestamp::from_microsecond(text.parse().ok()?),
        19 => Timestamp::from_duration(SignedDuration::from_nanos(text.parse().ok()?)),
        _ => return None,
    };
    at.ok().map(|at| WrittenDate::At(at, None))
}

fn formatted(format: &str, text: &str) -> Option<WrittenDate> {
    let parsed = strtime::parse(format, text).ok()?;
    // A format without a time would be read as midnight: a day too early if the end of the day counts.
    if parsed.hour().is_none() {
        return parsed.to_date().ok().map(WrittenDate::On);
    }
    let written = parsed.to_datetime().ok();
    let at = parsed.to_timestamp().map(|at| WrittenDate::At(at, written));
    at.ok().or_else(|| written.map(WrittenDate::Local))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::problem::Expected;

    const PLAIN: DateReader<'_> = DateReader { formats: &[], zone: None, is_day: false };

    fn read(value: &Value) -> Option<Effective> {
        PLAIN.effective(value).ok()
    }

    fn on(day: &str) -> Effective {
        Effective::On(day.parse().unwrap())
    }

    #[test]
    fn dates_keep_the_precision_of_their_notation() {
        let at = |text: &str| Some(Effective::At(text.parse().unwrap()));
        for (written, meant) in [
            (json!("2026-12-31T17:00:00Z"), at("2026-12-31T17:00:00Z")),
            (json!("2026-12-31T17:00:00+01:00"), at("2026-12-31T16:00:00Z")),
            (json!("2026-01-31T18:42:00+0000"), at("2026-01-31T18:42:00Z")),
            (json!("2026-12-31T17:00:00.123-0530"), at("2026-12-31T22:30:00.123Z")),
            (json!("2026-12-31 17:00:00Z"), at("2026-12-31T17:00:00Z")),
            (json!(1_766_000_000), at("2025-12-17T19:33:20Z")),
            (json!("1766000000000"), at("2025-12-17T19:33:20Z")),
            (json!(1_766_000_000_123_456_i64), at("2025-12-17T19:33:20.123456Z")),
            (json!("1766000000123456789"), at("2025-12-17T19:33:20.123456789Z")),
            (json!("1766000000.25"), at("2025-12-17T19:33:20.25Z")),
            (json!("/Date(1766000000000)/"), at("2025-12-17T19:33:20Z")),
            (json!("2026-12-31"), Some(on("2026-12-31"))),
            (json!(" 2026-12-31 "), Some(on("2026-12-31"))),
            (json!("20261231"), Some(on("2026-12-31"))),
            (
                json!("2025-01-08T13:06:26.915906"),
                Some(Effective::Local("2025-01-08T13:06:26.915906".parse().unwrap())),
            ),
            (json!("2026-12-31 17:00"), Some(Effective::Local("2026-12-31T17:00:00".parse().unwrap()))),
        ] {
            assert_eq!(read(&written), meant, "{written}");
        }
    }

    #[test]
    fn invalid_date_is_rejected() {
        for written in [
            json!("soon"),
            json!("2026-13-01"),
            json!("2026-02-30"),
            json!("31/12/2026"),
            json!("2026"),
            json!(0),
            json!(-1_766_000_000),
            json!(1e10),
            json!(17_660_000_001_i64),
            json!(true),
            json!({"date": "2026-12-31"}),
            json!("2026-12-31T25:00:00Z"),
            json!("2026-12-31T17:00:00+9999"),
            json!("1.2.3"),
            json!("1766000000."),
        ] {
            assert!(matches!(PLAIN.effective(&written), Err(DateError::NoDate(_))), "{written}");
        }
    }

    #[test]
    fn date_outside_accepted_years_is_out_of_range() {
        for written in [
            "0001-01-01",
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00Z",
            "1900-01-01",
            "1900-01-01T00:00:00Z",
            "1969-12-31",
            "2201-01-01",
            "9999-12-31",
            "9999-12-31T00:00:00",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999Z",
            "99991231",
        ] {
            for reading in
                [PLAIN, DateReader { is_day: true, ..PLAIN }, DateReader { zone: Some(&TimeZone::UTC), ..PLAIN }]
            {
                assert_eq!(reading.effective(&json!(written)), Err(DateError::OutOfRange), "{written} {reading:?}");
            }
            assert_eq!(PLAIN.instant(&json!(written)), Ok(None), "{written} orders nothing");
        }
        for written in ["1970-01-01", "2200-12-31", "2200-12-31T23:00:00Z"] {
            assert!(PLAIN.effective(&json!(written)).is_ok(), "{written}");
        }
    }

    #[test]
    fn dates_of_zeros_and_empty_texts_are_no_dates() {
        for none in ["", " ", "0000-00-00", "0000-00-00T00:00:00Z", "0000-00-00 00:00:00", "00000000", "00/00/0000"] {
            assert!(is_no_date(&json!(none)), "{none}");
        }
        assert!(is_no_date(&Value::Null));
        for some in ["0001-01-01", "2026-12-31", "0", "soon"] {
            assert!(!is_no_date(&json!(some)), "{some}");
        }
    }

    #[test]
    fn an_instant_that_stands_for_a_day_is_that_day() {
        let zone = |name: &str| TimeZone::get(name).unwrap();
        for (name, written, day) in [
            ("UTC", json!("2031-12-31T00:00:00Z"), "2031-12-31"),
            ("UTC", json!("2031-12-31T00:00:00"), "2031-12-31"),
            ("UTC", json!("2031-12-31"), "2031-12-31"),
            ("UTC", json!(1_956_441_600_000_i64), "2031-12-31"),
            ("UTC", json!("2031-12-31T00:00:00+02:00"), "2031-12-31"),
            ("UTC", json!("2031-12-31T23:59:59Z"), "2031-12-31"),
            ("Europe/Berlin", json!("2031-12-30T23:00:00Z"), "2031-12-31"),
            ("Europe/Berlin", json!("2031-06-29T22:00:00.000Z"), "2031-06-30"),
            ("Europe/Berlin", json!(1_956_438_000), "2031-12-31"),
            ("America/New_York", json!("2031-12-31T05:00:00Z"), "2031-12-31"),
            ("America/New_York", json!("2031-12-31T00:00:00-05:00"), "2031-12-31"),
            ("America/New_York", json!("2031-12-31T00:00:00Z"), "2031-12-31"),
        ] {
            let zone = zone(name);
            let reading = DateReader { zone: Some(&zone), is_day: true, ..PLAIN };
            assert_eq!(reading.effective(&written), Ok(on(day)), "{name} {written}");
        }
        let no_zone = DateReader { is_day: true, ..PLAIN };
        for written in ["2031-12-31T00:00:00-05:00", "2031-12-31T00:00:00Z", "2031-12-31T23:30:00-05:00"] {
            assert_eq!(no_zone.effective(&json!(written)), Ok(on("2031-12-31")), "{written}");
        }
    }

    #[test]
    fn configured_format_replaces_iso_8601() {
        let german = ["%d.%m.%Y".to_owned()];
        let both = ["%d.%m.%Y".to_owned(), "%m/%d/%Y".to_owned(), "%Y-%m-%d".to_owned()];
        let reading = DateReader { formats: &german, ..PLAIN };
        assert_eq!(reading.effective(&json!("31.12.2026")), Ok(on("2026-12-31")));
        let iso = reading.effective(&json!("2026-12-31"));
        assert!(matches!(iso, Err(DateError::NoDate(Some(hint))) if hint == Kind::IsoDate), "{iso:?}");
        let reading = DateReader { formats: &both, ..PLAIN };
        for written in ["31.12.2026", "12/31/2026", "2026-12-31"] {
            assert_eq!(reading.effective(&json!(written)), Ok(on("2026-12-31")), "{written}");
        }
        let time = ["%d.%m.%Y %H:%M".to_owned()];
        let reading = DateReader { formats: &time, ..PLAIN };
        let meant = Effective::Local("2026-12-31T17:00:00".parse().unwrap());
        assert_eq!(reading.effective(&json!("31.12.2026 17:00")), Ok(meant));
        assert!(is_format("%d.%m.%Y") && is_format("%m/%d/%Y %H:%M"));
        assert!(!is_format("%d.%m") && !is_format("dd.mm.yyyy") && !is_format("%Q"));
    }

    #[test]
    fn date_in_another_format_suggests_that_format() {
        for (written, hint) in [
            ("12/31/2026", "%m/%d/%Y"),
            ("1/2/2026", "%d/%m/%Y"),
            ("31.12.2026", "%d.%m.%Y"),
            ("31.12.2026 17:00", "%d.%m.%Y"),
            ("31-12-2026", "%d-%m-%Y"),
            ("2026/12/31", "%Y/%m/%d"),
        ] {
            let read = PLAIN.effective(&json!(written));
            assert!(
                matches!(read, Err(DateError::NoDate(Some(text))) if Expected::from(text).to_string().contains(hint)),
                "{written}: {read:?}"
            );
        }
    }

    #[test]
    fn a_zone_makes_a_local_time_an_instant_and_leaves_a_day_a_day() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let reading = DateReader { zone: Some(&berlin), ..PLAIN };
        let meant = Effective::At("2026-12-31T16:00:00Z".parse().unwrap());
        assert_eq!(reading.effective(&json!("2026-12-31T17:00:00")), Ok(meant));
        assert!(matches!(reading.effective(&json!("2026-12-31")), Ok(Effective::On(_))));
    }

    #[test]
    fn order_finer_than_milliseconds_is_preserved() {
        let read = PLAIN.instant(&json!("2026-12-31T17:00:00.123456789Z")).unwrap().unwrap();
        assert_eq!(read.to_string(), "2026-12-31T17:00:00.123456789Z");
    }
}
