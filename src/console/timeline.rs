//! The coming days as bars, to scale: revokes above, deletions below.

use askama::Template;
use jiff::{Timestamp, ToSpan as _};

use super::i18n::Texts;
use super::time::Calendar;
use crate::domain::case::{JobKind, Stage};
use crate::store::Planned;

/// The number of days.
pub(super) const DAYS: usize = 14;

/// Where the bars of each row stand, and how high the highest of both is.
const REVOKE_BASE: u32 = 82;
const DELETE_BASE: u32 = 166;
const HIGHEST: u32 = 48;

#[derive(Debug, Template)]
#[template(path = "timeline.html")]
pub(super) struct Timeline {
    t: Texts,
    label: String,
    days: Vec<Day>,
    pub(super) revokes: u32,
    pub(super) deletions: u32,
    waits: bool,
    width: String,
    bar_width: String,
}

#[derive(Debug)]
struct Day {
    x: String,
    middle: String,
    bar: String,
    today: bool,
    weekend: bool,
    weekday: &'static str,
    number: i8,
    /// The name of the month on its first day.
    month: Option<&'static str>,
    revoke: Option<Column>,
    delete: Option<Column>,
    /// The part of the column that still needs an approval.
    waiting_revoke: u32,
    waiting_delete: u32,
}

#[derive(Debug)]
struct Column {
    y: u32,
    height: u32,
    count: u32,
    text_y: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    revokes: u32,
    deletions: u32,
    waiting_revokes: u32,
    waiting_deletions: u32,
}

/// The first instant after the days of the time line.
pub(super) fn end(calendar: &Calendar, now: Timestamp) -> Timestamp {
    let days = i32::try_from(DAYS).unwrap_or(i32::MAX);
    let end = calendar.local(now).start_of_day().and_then(|today| today.checked_add(days.days()));
    end.map_or(Timestamp::MAX, |end| end.timestamp())
}

impl Timeline {
    /// `waiting` are the planned times of actions that still need an approval.
    pub(super) fn of(
        t: Texts,
        calendar: &Calendar,
        planned: &[Planned],
        waiting: &[(Stage, Timestamp)],
        now: Timestamp,
    ) -> Self {
        let today = calendar.local(now).date();
        let index = |at: Timestamp| {
            let day = calendar.local(at.max(now)).date();
            let days = today.until(day).map(|span| span.get_days()).unwrap_or_default();
            usize::try_from(days).unwrap_or_default()
        };
        let mut counts = [Counts::default(); DAYS];
        for planned in planned {
            let Some(day) = counts.get_mut(index(planned.hour)) else { continue };
            match planned.kind {
                JobKind::Revoke => day.revokes += planned.jobs,
                JobKind::Delete => day.deletions += planned.jobs,
                JobKind::Detach | JobKind::Verify | JobKind::Restore | JobKind::Reinvite => {}
            }
        }
        for (stage, at) in waiting {
            let Some(day) = counts.get_mut(index(*at)) else { continue };
            match stage {
                Stage::Revoke => (day.revokes += 1, day.waiting_revokes += 1),
                Stage::Delete => (day.deletions += 1, day.waiting_deletions += 1),
            };
        }
        let most = counts.iter().map(|day| day.revokes.max(day.deletions)).max().unwrap_or_default().max(1);
        let width = 100.0 / 14.0;
        let days = counts.iter().enumerate().map(|(index, counts)| {
            let offset = i32::try_from(index).unwrap_or_default();
            let date = today.checked_add(offset.days()).unwrap_or(today);
            let local = date.to_zoned(calendar.zone.clone()).unwrap_or_else(|_| calendar.local(now));
            let x = width * f64::from(offset);
            Day {
                x: format!("{x:.3}%"),
                middle: format!("{:.3}%", x + width / 2.0),
                bar: format!("{:.3}%", x + width * 0.22),
                today: index == 0,
                weekend: local.weekday().to_monday_zero_offset() >= 5,
                weekday: calendar.weekday(&local),
                number: local.day(),
                month: (index == 0 || local.day() == 1).then(|| calendar.month(&local)),
                revoke: column(REVOKE_BASE, counts.revokes, most),
                delete: column(DELETE_BASE, counts.deletions, most),
                waiting_revoke: height(counts.waiting_revokes, most),
                waiting_delete: height(counts.waiting_deletions, most),
            }
        });
        let sum = |of: fn(&Counts) -> u32| counts.iter().map(of).sum::<u32>();
        let (revokes, deletions) = (sum(|day| day.revokes), sum(|day| day.deletions));
        Self {
            label: t.values("timeline-label", &[("revokes", &revokes), ("deletions", &deletions)]),
            waits: sum(|day| day.waiting_revokes + day.waiting_deletions) > 0,
            days: days.collect(),
            revokes,
            deletions,
            width: format!("{width:.3}%"),
            bar_width: format!("{:.3}%", width * 0.56),
            t,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.revokes + self.deletions == 0
    }
}

/// To scale, but visible: one beside 812 is a line.
fn height(count: u32, most: u32) -> u32 {
    if count == 0 { 0 } else { (count.saturating_mul(HIGHEST) / most).max(2) }
}

fn column(base: u32, count: u32, most: u32) -> Option<Column> {
    let height = height(count, most);
    (count > 0).then(|| Column { y: base - height, height, count, text_y: base - height - 6 })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::i18n::Lang;
    use super::*;

    #[test]
    fn bars_are_to_scale_and_days_are_those_of_the_zone() {
        let calendar = Calendar { language: Lang::En, zone: TimeZone::get("Europe/Berlin").unwrap() };
        let now: Timestamp = "2026-11-26T08:41:00Z".parse().unwrap();
        let planned = |kind, hour: &str, jobs| Planned { kind, hour: hour.parse().unwrap(), jobs };
        let timeline = Timeline::of(
            Texts(Lang::En),
            &calendar,
            &[
                // 23:00 UTC is the next day in Berlin. What is overdue counts today.
                planned(JobKind::Revoke, "2026-11-26T23:00:00Z", 4),
                planned(JobKind::Delete, "2026-11-26T23:00:00Z", 2),
                planned(JobKind::Revoke, "2026-11-20T23:00:00Z", 1),
                planned(JobKind::Verify, "2026-11-27T23:00:00Z", 9),
            ],
            &[(Stage::Delete, "2026-11-30T23:00:00Z".parse().unwrap())],
            now,
        );
        assert_eq!((timeline.revokes, timeline.deletions), (5, 3));
        let heights = timeline.days.iter().map(|day| {
            let height = |column: &Option<Column>| column.as_ref().map_or(0, |column| column.height);
            (height(&day.revoke), height(&day.delete))
        });
        let heights: Vec<_> = heights.take(6).collect();
        assert_eq!(heights, [(12, 0), (48, 24), (0, 0), (0, 0), (0, 0), (0, 12)]);
        assert!(timeline.waits && timeline.render().unwrap().contains("Dec"));
    }
}
