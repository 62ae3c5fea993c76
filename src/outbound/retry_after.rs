//! The instants in `Retry-After` and similar headers.

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};

/// Reads an instant in any of the forms that servers write: seconds from now, an HTTP date, ISO 8601 with or without
/// seconds. Dates are by the clock of the server, which its `Date` header shows. A wait is never longer than `max`: epoch
/// seconds and the year 9999 have been seen.
pub(crate) fn retry_instant(text: &str, headers: &HeaderMap, now: Timestamp, max: SignedDuration) -> Option<Timestamp> {
    let latest = now.saturating_add(max).unwrap_or(Timestamp::MAX);
    if let Ok(seconds) = text.parse::<f64>() {
        let wait = SignedDuration::try_from_secs_f64(seconds.ceil()).ok().or_else(|| (seconds > 0.0).then_some(max))?;
        return Some(now.saturating_add(wait.min(max)).ok()?.clamp(now, latest));
    }
    let at = rfc2822::parse(text).map(|date| date.timestamp()).ok().or_else(|| text.parse().ok())?;
    let date = headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(|date| rfc2822::parse(date).ok());
    let wait = at.duration_since(date.map_or(now, |date| date.timestamp()));
    Some(now.saturating_add(wait).unwrap_or(Timestamp::MAX).clamp(now, latest))
}
