//! The time of signing, parsed only to check the window; the signed text is the original notation.

use axum::http::HeaderName;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// Location of the time of signing.
#[derive(Debug, Clone)]
pub(super) enum TimeSource {
    /// In a separate header.
    Header(Vec<HeaderName>),
    /// In the signature header, under this key.
    Part(String),
    /// In the body, at this JSON pointer; it is signed with the body.
    Body(String),
}

/// Notation of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    /// Seconds or milliseconds by magnitude (seconds are below 10^11), or ISO 8601.
    Auto,
    /// Seconds since 1970.
    S,
    /// Milliseconds since 1970.
    Ms,
    /// ISO 8601 with an offset.
    Iso8601,
}

impl Unit {
    /// Parses a time in this unit.
    pub(super) fn parse(self, text: &[u8]) -> Option<Timestamp> {
        let text = str::from_utf8(text).ok()?;
        match self {
            Self::S => digits(text).and_then(|number| Timestamp::from_second(number).ok()),
            Self::Ms => digits(text).and_then(|number| Timestamp::from_millisecond(number).ok()),
            Self::Iso8601 => super::mapping::date::with_offset(text),
            Self::Auto => match digits(text) {
                Some(number) if number < 100_000_000_000 => Timestamp::from_second(number).ok(),
                Some(number) => Timestamp::from_millisecond(number).ok(),
                None => super::mapping::date::with_offset(text),
            },
        }
    }

    /// The notation of a vendor that uses this unit.
    pub(super) fn print(self, at: Timestamp) -> String {
        match self {
            Self::S | Self::Auto => at.as_second().to_string(),
            Self::Ms => at.as_millisecond().to_string(),
            Self::Iso8601 => Timestamp::from_second(at.as_second()).unwrap_or(at).to_string(),
        }
    }
}

/// Digits only: no sign, no blank, nothing that another parser would read differently.
fn digits(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Accepted distance of the time of signing from the time of receipt; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Limit of the age.
    pub(super) past: Option<SignedDuration>,
    /// Limit of the advance.
    pub(super) future: Option<SignedDuration>,
}

impl Window {
    /// Whether a request signed at `signed_at` is accepted at `now`. The limits are inclusive.
    pub(super) fn admits(self, signed_at: Timestamp, now: Timestamp) -> bool {
        let age = now.duration_since(signed_at);
        self.past.is_none_or(|past| age <= past) && self.future.is_none_or(|future| -age <= future)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_window_are_inclusive() {
        let five = SignedDuration::from_mins(5);
        let window = Window { past: Some(five), future: Some(five) };
        let now = Timestamp::from_second(1_766_000_000).unwrap();
        for (offset, admitted) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
            assert_eq!(window.admits(now + SignedDuration::from_secs(offset), now), admitted, "{offset}");
        }
    }

    #[test]
    fn each_side_can_be_disabled() {
        let now = Timestamp::from_second(1_766_000_000).unwrap();
        let window = Window { past: None, future: Some(SignedDuration::ZERO) };
        assert!(window.admits(Timestamp::UNIX_EPOCH, now));
        assert!(!window.admits(now + SignedDuration::from_secs(1), now));
    }

    #[test]
    fn units_are_distinguished_by_magnitude() {
        let at = Timestamp::from_second(1_766_000_000).unwrap();
        for text in ["1766000000", "1766000000000", "2025-12-17T19:33:20Z", "2025-12-17T20:33:20+0100"] {
            assert_eq!(Unit::Auto.parse(text.as_bytes()), Some(at), "{text}");
        }
        let parsed = |text: &str| Unit::Auto.parse(text.as_bytes()).unwrap();
        assert_eq!(parsed("99999999999"), Timestamp::from_second(99_999_999_999).unwrap());
        assert_eq!(parsed("100000000000"), Timestamp::from_second(100_000_000).unwrap());
    }

    #[test]
    fn only_plain_digits_are_a_valid_time() {
        for text in ["", "+1766000000", "-1", " 1766000000", "1766000000 ", "1e9", "0x10", "99999999999999999999", "١"]
        {
            assert_eq!(Unit::S.parse(text.as_bytes()), None, "{text}");
        }
    }
}
