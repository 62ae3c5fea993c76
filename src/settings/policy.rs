//! `[policies.NAME]`: what a source's events lead to.

use std::collections::HashSet;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::problem::{Faults, Problem};
use super::wait::positive;
use super::{defaults, text};
use crate::domain::brake::Brake;
use crate::domain::policy::{Action, Approvals, DayEdge, Detach, Policy};
use crate::duration::ConfigDuration;
use crate::sources::near::nearest;

/// `[policies.NAME]`: what the events of a source result in. Every destructive action must be written here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTable {
    /// Action for a departure.
    pub departed: Action,
    /// Action for the account of the old address when an email address changes. Default: `"ignore"`. Example: `"revoke"`.
    #[serde(default)]
    pub email_changed: Action,
    /// Action for a request for erasure. Default: `"ignore"`. Example: `"delete"`.
    #[serde(default)]
    pub erasure_requested: Action,
    /// Wait between revoking and deleting. Default: `"30d"`. Example: `"14d"`.
    #[serde(default = "defaults::local_grace")]
    pub local_grace: ConfigDuration,
    /// Time zone of dates without a time. Default: `"UTC"`. Example: `"Europe/Berlin"`.
    #[serde(default = "defaults::timezone")]
    pub timezone: Zone,
    /// Whether a date without a time means the end or the start of that day. Default: `"end-of-day"`. Example:
    /// `"start-of-day"`.
    #[serde(default)]
    pub effective: DayEdge,
    /// How many different people must approve. Default: `{ revoke = 0, delete = 0 }`.
    #[serde(default)]
    pub approvals: Approvals,
    /// What the account is removed from after the revoke. Default: `[]`. Example: `["organizations", "participants"]`.
    #[serde(default)]
    pub detach: Vec<Detach>,
    /// Whether a person who returned after the deletion is invited again when the deletion grace ends. Default: `false`.
    /// Example: `true`.
    #[serde(default)]
    pub reinvite: bool,
    /// How many destructive actions are allowed before the source is frozen. Default: `{ per_hour = 25, per_day = 100 }`;
    /// it cannot be disabled.
    #[serde(default)]
    pub brake: Brake,
    /// The time in which a request for erasure must be carried out. It is a deadline for alerts and for the order of the
    /// queue; no month is shorter than the default. Default: `"28d"`. Example: `"14d"`.
    #[serde(default = "defaults::erasure_within", deserialize_with = "positive")]
    pub erasure_within: ConfigDuration,
}

impl PolicyTable {
    pub(super) fn convert(&self) -> Result<Policy, Vec<Problem>> {
        let mut faults = Faults::default();
        for (key, limit) in [("per_hour", self.brake.per_hour), ("per_day", self.brake.per_day)] {
            if limit == 0 {
                faults.add(Problem::at(key, "the brake would stop every action: write 1 or more").under("brake"));
            }
        }
        let mut seen = HashSet::new();
        for (i, detach) in self.detach.iter().enumerate() {
            if !seen.insert(*detach) {
                faults.add(Problem::here("written twice").under_index(i).under("detach"));
            }
        }
        faults.or(Some(Policy {
            departed: self.departed,
            email_changed: self.email_changed,
            erasure_requested: self.erasure_requested,
            local_grace: self.local_grace.get(),
            timezone: self.timezone.0.clone(),
            effective: self.effective,
            approvals: self.approvals,
            detach: self.detach.clone(),
            reinvite: self.reinvite,
            brake: self.brake,
            erasure_within: self.erasure_within.get(),
        }))
    }
}

/// A time zone by its name in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    pub(super) const fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        TimeZone::get(name).map(Self).map_err(|_ignored| meant(name))
    }
}

/// A zone for each whole hour east of Greenwich, from -10 on: of a place where many live, with its daylight saving.
const BY_OFFSET: [&str; 23] = [
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "America/Halifax",
    "America/Sao_Paulo",
    "Atlantic/South_Georgia",
    "Atlantic/Azores",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Noumea",
    "Pacific/Auckland",
];

/// Abbreviations that are no names of the database.
const ABBREVIATIONS: [(&str, &str); 16] = [
    ("ACST", "Australia/Adelaide"),
    ("AEDT", "Australia/Sydney"),
    ("AEST", "Australia/Sydney"),
    ("AWST", "Australia/Perth"),
    ("BST", "Europe/London"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Berlin"),
    ("CST", "America/Chicago"),
    ("EDT", "America/New_York"),
    ("EEST", "Europe/Helsinki"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MDT", "America/Denver"),
    ("PDT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
    ("WEST", "Europe/Lisbon"),
];

/// The zone that was probably meant by an offset, an abbreviation, a city or a misspelling.
fn meant(name: &str) -> ZoneError {
    let name = name.trim();
    if let Some(hours) = offset_hours(name) {
        let index = usize::try_from(hours + 10).ok();
        let instead = index.and_then(|index| BY_OFFSET.get(index)).copied().unwrap_or("UTC");
        return ZoneError { instead: Some(instead.to_owned()), is_offset: true };
    }
    let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
    let known = || known.iter().map(String::as_str);
    let abbreviation = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map(|(_, zone)| *zone);
    let city = name.replace(' ', "_");
    let of_city =
        || known().find(|zone| zone.rsplit_once('/').is_some_and(|(_, place)| place.eq_ignore_ascii_case(&city)));
    let instead = abbreviation.or_else(of_city).or_else(|| nearest(name, known()));
    ZoneError { instead: instead.map(str::to_owned), is_offset: false }
}

/// The whole hours of `GMT+1`, `UTC-05:00` or `+02:00`.
fn offset_hours(name: &str) -> Option<i64> {
    let upper = name.to_ascii_uppercase();
    let rest = ["GMT", "UTC", "Z"].iter().find_map(|prefix| upper.strip_prefix(prefix)).unwrap_or(&upper).trim_start();
    let (sign, digits) = match rest.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, rest.strip_prefix(['-', '\u{2212}'])?),
    };
    let hours = digits.split([':', '.']).next()?;
    let hours = if hours.len() == 4 { hours.get(..2)? } else { hours };
    Some(sign * hours.trim().parse::<i64>().ok()?)
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, "a time zone like \"Europe/Berlin\"")
    }
}

/// A name that is no time zone's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneError {
    /// The probable meaning, if it can be determined.
    pub instead: Option<String>,
    /// An offset was written, which a zone with daylight saving has for a part of the year only.
    pub is_offset: bool,
}

impl std::error::Error for ZoneError {}

impl std::fmt::Display for ZoneError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.instead, self.is_offset) {
            (Some(name), true) => {
                write!(f, "an offset is not a time zone: write the name in the IANA database, like \"{name}\"")
            }
            (Some(name), false) => write!(f, "no time zone has this name: did you mean \"{name}\"?"),
            (None, _) => f.write_str(
                "no time zone has this name: write one of the IANA database, like \"Europe/Berlin\" or \"UTC\"",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_a_city_or_an_abbreviation_is_answered_with_a_zone() {
        for (written, zone) in [
            ("GMT+1", "Europe/Berlin"),
            ("UTC+01:00", "Europe/Berlin"),
            ("+0100", "Europe/Berlin"),
            ("gmt-5", "America/New_York"),
            ("UTC +8", "Asia/Shanghai"),
            ("GMT+12", "Pacific/Auckland"),
            ("Berlin", "Europe/Berlin"),
            ("new york", "America/New_York"),
            ("CEST", "Europe/Berlin"),
            ("Europe/Berlim", "Europe/Berlin"),
        ] {
            let bad = written.parse::<Zone>().unwrap_err();
            assert_eq!(bad.instead.as_deref(), Some(zone), "{written}: {bad}");
        }
        for zone in BY_OFFSET.iter().chain(ABBREVIATIONS.iter().map(|(_, zone)| zone)) {
            assert!(zone.parse::<Zone>().is_ok(), "{zone}");
        }
    }
}
