//! Dates as vendors write them, kept as exactly as they were said: an instant, a day, or a local time.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde_json::Value;

use crate::domain::event::Effective;

/// How dates of a mapping are to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The format, when it is not ISO 8601.
    pub(super) format: Option<&'a str>,
    /// The zone of local times, when the mapping knows it.
    pub(super) zone: Option<&'a TimeZone>,
}

impl Reading<'_> {
    /// What a date in a body stands for; `None` when it is none.
    ///
    /// Understood are RFC 3339, offsets without a colon (BambooHR's `+0000`), local times (HiBob's), days, and seconds or
    /// milliseconds since 1970, as numbers or digits.
    pub(super) fn effective(&self, value: &Value) -> Option<Effective> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        let moment = self.format.map_or_else(|| iso(&text), |format| formatted(format, &text))?;
        Some(match (moment, self.zone) {
            (Effective::Local(time), Some(zone)) => Effective::At(instant(time, zone)?),
            (moment, _) => moment,
        })
    }

    /// The instant that a date in a body stands for. What has no zone is taken as UTC: it only orders events.
    pub(super) fn instant(&self, value: &Value) -> Option<Timestamp> {
        let utc = &TimeZone::UTC;
        match self.effective(value)? {
            Effective::At(instant) => Some(instant),
            Effective::On(day) => instant(day.to_datetime(civil::Time::midnight()), self.zone.unwrap_or(utc)),
            Effective::Local(time) => instant(time, utc),
            Effective::AtOnce => None,
        }
    }
}

/// ISO 8601 with an offset, with or without its colon.
pub(in crate::sources) fn with_offset(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn instant(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(time).compatible().ok()
}

fn iso(text: &str) -> Option<Effective> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits(text);
    }
    match text.len() {
        10 => text.parse::<Date>().ok().map(Effective::On),
        _ => with_offset(text).map(Effective::At).or_else(|| text.parse::<DateTime>().ok().map(Effective::Local)),
    }
}

/// Digits are told apart by their number, never by a guess that could put a departure into 1970: 8 are a day, 10 are
/// seconds (from 2001 to 2286), 13 are milliseconds.
fn digits(text: &str) -> Option<Effective> {
    match text.len() {
        8 => text.parse().ok().map(Effective::On),
        10 => Timestamp::from_second(text.parse().ok()?).ok().map(Effective::At),
        13 => Timestamp::from_millisecond(text.parse().ok()?).ok().map(Effective::At),
        _ => None,
    }
}

fn formatted(format: &str, text: &str) -> Option<Effective> {
    let parsed = strtime::parse(format, text).ok()?;
    // Asked for a time, a format without one would say midnight: a day too early where the end of the day counts.
    if parsed.hour().is_none() {
        return parsed.to_date().ok().map(Effective::On);
    }
    let instant = parsed.to_timestamp().map(Effective::At);
    instant.or_else(|_no_offset| parsed.to_datetime().map(Effective::Local)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Option<Effective> {
        Reading { format: None, zone: None }.effective(value)
    }

    #[test]
    fn dates_are_kept_as_exactly_as_they_were_said() {
        let at = |text: &str| Some(Effective::At(text.parse().unwrap()));
        for (written, meant) in [
            (json!("2026-12-31T17:00:00Z"), at("2026-12-31T17:00:00Z")),
            (json!("2026-12-31T17:00:00+01:00"), at("2026-12-31T16:00:00Z")),
            (json!("2026-01-31T18:42:00+0000"), at("2026-01-31T18:42:00Z")),
            (json!("2026-12-31T17:00:00.123-0530"), at("2026-12-31T22:30:00.123Z")),
            (json!("2026-12-31 17:00:00Z"), at("2026-12-31T17:00:00Z")),
            (json!(1_766_000_000), at("2025-12-17T19:33:20Z")),
            (json!("1766000000000"), at("2025-12-17T19:33:20Z")),
            (json!("2026-12-31"), Some(Effective::On("2026-12-31".parse().unwrap()))),
            (json!(" 2026-12-31 "), Some(Effective::On("2026-12-31".parse().unwrap()))),
            (json!("20261231"), Some(Effective::On("2026-12-31".parse().unwrap()))),
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
    fn what_is_no_date_is_none() {
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
        ] {
            assert_eq!(read(&written), None, "{written}");
        }
    }

    #[test]
    fn a_format_may_say_otherwise() {
        let reading = Reading { format: Some("%d/%m/%Y"), zone: None };
        assert_eq!(reading.effective(&json!("31/12/2026")), Some(Effective::On("2026-12-31".parse().unwrap())));
        assert_eq!(reading.effective(&json!("2026-12-31")), None);
        let reading = Reading { format: Some("%d.%m.%Y %H:%M"), zone: None };
        let meant = Effective::Local("2026-12-31T17:00:00".parse().unwrap());
        assert_eq!(reading.effective(&json!("31.12.2026 17:00")), Some(meant));
    }

    #[test]
    fn a_zone_makes_a_local_time_an_instant_and_leaves_a_day_a_day() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let reading = Reading { format: None, zone: Some(&berlin) };
        let meant = Effective::At("2026-12-31T16:00:00Z".parse().unwrap());
        assert_eq!(reading.effective(&json!("2026-12-31T17:00:00")), Some(meant));
        assert!(matches!(reading.effective(&json!("2026-12-31")), Some(Effective::On(_))));
    }
}
