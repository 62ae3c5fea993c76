//! Formats for people: instants in UTC with the local time and the distance from now beside it, and the ends of ids.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The reader's view of time: the daemon's clock and the zone of this machine.
#[derive(Debug, Clone)]
pub(super) struct Times {
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
}

impl Times {
    /// For example `2026-12-31 22:59Z`.
    pub(super) fn utc(at: Timestamp) -> String {
        at.strftime("%Y-%m-%d %H:%MZ").to_string()
    }

    /// For example `2026-12-31 22:59Z (23:59 local, in 14 d)`.
    pub(super) fn full(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        let same_day = local.date() == at.to_zoned(TimeZone::UTC).date();
        let format = if same_day { "%H:%M local, " } else { "%Y-%m-%d %H:%M local, " };
        let local = if local.offset().is_zero() { String::new() } else { local.strftime(format).to_string() };
        format!("{} ({local}{})", Self::utc(at), self.distance(at))
    }

    /// For example `in 14 d`, `3 h ago`.
    pub(super) fn distance(&self, at: Timestamp) -> String {
        let away = at.duration_since(self.now);
        let length = length(away.abs());
        if away.abs() < SignedDuration::from_secs(1) {
            "now".to_owned()
        } else if away.is_negative() {
            format!("{length} ago")
        } else {
            format!("in {length}")
        }
    }
}

/// The end of an id, by which a command line names it.
pub(super) fn end_of(id: &impl ToString) -> String {
    const SHOWN: usize = 8;
    let id = id.to_string();
    id.chars().skip(id.chars().count().saturating_sub(SHOWN)).collect()
}

/// A duration in its largest unit, rounded down.
pub(super) fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, "s"),
        MINUTE..HOUR => (seconds / MINUTE, "min"),
        HOUR..DAY => (seconds / HOUR, "h"),
        _ => (seconds / DAY, "d"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(zone: &str) -> Times {
        Times { now: "2026-12-01T12:00:00Z".parse().unwrap(), zone: TimeZone::get(zone).unwrap() }
    }

    #[test]
    fn instant_is_shown_in_utc_locally_and_by_its_distance() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (zone, instant, text) in [
            ("UTC", "2026-12-15T12:00:00Z", "2026-12-15 12:00Z (in 14 d)"),
            ("Europe/Berlin", "2026-12-01T15:30:00Z", "2026-12-01 15:30Z (16:30 local, in 3 h)"),
            ("Europe/Berlin", "2026-12-31T23:30:00Z", "2026-12-31 23:30Z (2027-01-01 00:30 local, in 30 d)"),
            ("UTC", "2026-12-01T11:59:30Z", "2026-12-01 11:59Z (30 s ago)"),
            ("UTC", "2026-12-01T12:00:00.5Z", "2026-12-01 12:00Z (now)"),
            ("UTC", "2026-12-01T12:05:59Z", "2026-12-01 12:05Z (in 5 min)"),
        ] {
            assert_eq!(times(zone).full(at(instant)), text);
        }
    }
}
