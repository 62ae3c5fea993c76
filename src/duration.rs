//! Durations as the settings write them: `"90s"`, `"15m"`, `"36h"`, `"14d"`, `"1h30m"`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// A duration as the settings write it. A day is 24 hours; there is nothing longer than a day, and nothing negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigDuration(SignedDuration);

/// The units in the order in which they may stand, each in milliseconds.
const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// A hundred years: nothing that is longer is meant.
const LONGEST: SignedDuration = SignedDuration::from_hours(36_525 * 24);

impl ConfigDuration {
    /// What to write, for the error about a value of another type.
    pub(crate) const EXPECTED: &str = r#"a duration like "90s", "15m", "36h" or "14d""#;

    pub const ZERO: Self = Self(SignedDuration::ZERO);

    /// So many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(SignedDuration::from_millis(millis))
    }

    /// So many seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(SignedDuration::from_secs(seconds))
    }

    /// So many minutes.
    pub const fn from_mins(minutes: i64) -> Self {
        Self(SignedDuration::from_mins(minutes))
    }

    /// So many hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self(SignedDuration::from_hours(hours))
    }

    /// So many days of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self(SignedDuration::from_hours(days * 24))
    }

    /// The `n`th part of it, in whole milliseconds.
    pub(crate) fn nth(self, n: i64) -> Self {
        let millis = i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX);
        Self(SignedDuration::from_millis(millis.checked_div(n).unwrap_or(millis)))
    }

    /// What the rest of the program counts with.
    pub const fn get(self) -> SignedDuration {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<ConfigDuration> for SignedDuration {
    fn from(duration: ConfigDuration) -> Self {
        duration.0
    }
}

impl FromStr for ConfigDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match strictly(text) {
            Some(duration) if duration <= LONGEST => Ok(Self(duration)),
            Some(_) => Err(DurationError::TooLong),
            None if is_too_long(text) => Err(DurationError::TooLong),
            None => Err(DurationError::NotOne { instead: guess(text) }),
        }
    }
}

/// Reads whole numbers with units, the larger unit first, without blanks.
fn strictly(text: &str) -> Option<SignedDuration> {
    let mut units = UNITS.iter();
    let mut millis = 0_i64;
    let mut rest = text;
    loop {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, next) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, size) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<i64>().ok()?.checked_mul(*size)?)?;
        if next.is_empty() {
            return Some(SignedDuration::from_millis(millis));
        }
        rest = next;
    }
}

/// Whether it is written like a duration, with a number that no duration has.
fn is_too_long(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.len() - unit.len() > 9 && UNITS.iter().any(|(name, _)| *name == unit)
}

/// The likely meaning of `30 days`, `2w`, `1.5h` or `PT30M`.
fn guess(text: &str) -> Option<ConfigDuration> {
    let span: Span = text.trim().parse().ok()?;
    let meant = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (!meant.is_negative() && meant <= LONGEST).then_some(ConfigDuration(meant))
}

impl fmt::Display for ConfigDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut millis = i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX);
        if millis == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in UNITS {
            if millis >= size {
                write!(f, "{}{unit}", millis / size)?;
                millis %= size;
            }
        }
        Ok(())
    }
}

impl Serialize for ConfigDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConfigDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationText)
    }
}

struct DurationText;

impl Visitor<'_> for DurationText {
    type Value = ConfigDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ConfigDuration::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ConfigDuration, E> {
        text.parse().map_err(E::custom)
    }
}

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It cannot be read.
    #[error("not a duration: write {}", instead.map_or_else(
        || r#"whole numbers with the units d, h, m, s or ms, like "90s", "15m", "36h" or "14d""#.to_owned(),
        |duration| format!("\"{duration}\""),
    ))]
    NotOne {
        /// The likely meaning, if there is one.
        instead: Option<ConfigDuration>,
    },
    /// More than a hundred years.
    #[error("too long: write at most \"{}\", which is a hundred years", ConfigDuration(LONGEST))]
    TooLong,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<i64, String> {
        let duration = text.parse::<ConfigDuration>().map_err(|error| error.to_string())?;
        Ok(i64::try_from(duration.get().as_millis()).unwrap())
    }

    #[test]
    fn each_unit_and_their_sums_are_read() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("90s", 90_000),
            ("15m", 900_000),
            ("36h", 129_600_000),
            ("14d", 1_209_600_000),
            ("1h30m", 5_400_000),
            ("1d2h3m4s5ms", 93_784_005),
        ] {
            assert_eq!(read(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn what_was_meant_is_offered() {
        for (text, instead) in
            [("30 days", "30d"), ("2w", "14d"), ("1.5h", "1h30m"), ("PT30M", "30m"), ("1m 5s", "1m5s")]
        {
            assert_eq!(read(text), Err(format!("not a duration: write \"{instead}\"")), "{text}");
        }
        for text in ["99999999d", "36526d", "9223372036854775807d"] {
            assert_eq!(
                read(text),
                Err("too long: write at most \"36525d\", which is a hundred years".to_owned()),
                "{text}"
            );
        }
        assert!(read("36525d").is_ok());
    }

    #[test]
    fn text_without_a_likely_meaning_is_refused_with_examples() {
        for text in ["", "30", "d", "-5s", "soon", "1 month", "5s1h", "1h1h", "1è"] {
            let refusal = read(text).unwrap_err();
            insta::allow_duplicates! {
                insta::assert_snapshot!(refusal, @r#"not a duration: write whole numbers with the units d, h, m, s or ms, like "90s", "15m", "36h" or "14d""#);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(millis in 0..LONGEST.as_millis()) {
            let duration = ConfigDuration(SignedDuration::from_millis(i64::try_from(millis).unwrap()));
            prop_assert_eq!(duration.to_string().parse::<ConfigDuration>(), Ok(duration));
        }

        #[test]
        fn no_text_is_too_odd(text in ".*") {
            if let Ok(duration) = text.parse::<ConfigDuration>() {
                prop_assert!(!duration.get().is_negative());
            }
        }
    }
}
