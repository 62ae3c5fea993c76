//! The number of rejected webhook requests in the last hour. An expired or mistyped secret is visible there first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::ids::SourceName;

/// How many minutes are counted.
const MINUTES: i64 = 60;

/// Rejected requests by source and reason, minute by minute. Bounded by the number of sources; empty after a start.
#[derive(Debug, Default)]
pub struct RecentRejections(Mutex<VecDeque<Minute>>);

#[derive(Debug)]
struct Minute {
    /// Minutes since 1970 UTC.
    number: i64,
    counts: Counts,
}

type Counts = BTreeMap<SourceName, BTreeMap<&'static str, u64>>;

impl RecentRejections {
    pub fn add(&self, source: &SourceName, reason: &'static str, now: Timestamp) {
        let number = minute_of(now);
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remove_old(&mut minutes, number);
        if minutes.back().is_none_or(|newest| newest.number != number) {
            minutes.push_back(Minute { number, counts: Counts::default() });
        }
        if let Some(minute) = minutes.back_mut() {
            *minute.counts.entry(source.clone()).or_default().entry(reason).or_default() += 1;
        }
    }

    /// The counts of the hour until `now`, by reason.
    pub fn of(&self, source: &SourceName, now: Timestamp) -> BTreeMap<&'static str, u64> {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remove_old(&mut minutes, minute_of(now));
        let mut sums = BTreeMap::new();
        for (reason, count) in minutes.iter().filter_map(|minute| minute.counts.get(source)).flatten() {
            *sums.entry(*reason).or_default() += count;
        }
        sums
    }
}

fn minute_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
}

/// Removes the minutes that are over, and those that a clock that was ahead has counted.
fn remove_old(minutes: &mut VecDeque<Minute>, now: i64) {
    minutes.retain(|minute| (now - MINUTES + 1..=now).contains(&minute.number));
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn rejections_are_counted_for_an_hour_by_source_and_reason() {
        let start: Timestamp = "2026-09-07T12:00:30Z".parse().unwrap();
        let (hr, crm): (SourceName, SourceName) = ("hr".parse().unwrap(), "crm".parse().unwrap());
        let rejections = RecentRejections::default();
        rejections.add(&hr, "unauthorized", start);
        rejections.add(&hr, "unauthorized", start + SignedDuration::from_mins(30));
        rejections.add(&hr, "stale", start + SignedDuration::from_mins(30));
        let later = start + SignedDuration::from_mins(59);
        assert_eq!(rejections.of(&hr, later), BTreeMap::from([("unauthorized", 2), ("stale", 1)]));
        assert_eq!(rejections.of(&crm, later), BTreeMap::new());
        let later = start + SignedDuration::from_mins(60);
        assert_eq!(rejections.of(&hr, later), BTreeMap::from([("unauthorized", 1), ("stale", 1)]));
        assert_eq!(rejections.of(&hr, later + SignedDuration::from_mins(60)), BTreeMap::new());
    }

    #[test]
    fn minutes_of_a_clock_that_was_ahead_are_removed() {
        let start: Timestamp = "2026-09-07T12:00:30Z".parse().unwrap();
        let hr: SourceName = "hr".parse().unwrap();
        let rejections = RecentRejections::default();
        rejections.add(&hr, "stale", start + SignedDuration::from_hours(5));
        rejections.add(&hr, "stale", start);
        assert_eq!(rejections.of(&hr, start), BTreeMap::from([("stale", 1)]));
    }
}
