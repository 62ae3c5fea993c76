//! The deliveries of the last two weeks as small bars.

use askama::Template;
use jiff::{Timestamp, ToSpan as _};

use super::i18n::Texts;
use super::time::Calendar;
use crate::domain::ids::SourceName;
use crate::store::{DeliveriesOfHour, DeliveryStatus};

const DAYS: usize = 14;
const BASE: u32 = 48;
const HIGHEST: u32 = 44;

#[derive(Debug, Template)]
#[template(path = "plot.html")]
pub(super) struct Plot {
    t: Texts,
    label: String,
    bars: Vec<Bar>,
    first: String,
    pub(super) read: u32,
    pub(super) unreadable: u32,
}

#[derive(Debug)]
struct Bar {
    x: String,
    y: u32,
    height: u32,
    unreadable: bool,
}

/// The first instant of the plot.
pub(super) fn begin(calendar: &Calendar, now: Timestamp) -> Timestamp {
    let days = i32::try_from(DAYS - 1).unwrap_or_default();
    let begin = calendar.local(now).checked_sub(days.days()).and_then(|day| day.start_of_day());
    begin.map_or(now, |begin| begin.timestamp())
}

impl Plot {
    pub(super) fn of(
        t: Texts,
        calendar: &Calendar,
        source: &SourceName,
        counts: &[DeliveriesOfHour],
        now: Timestamp,
    ) -> Self {
        let begin = begin(calendar, now);
        let first = calendar.local(begin).date();
        let (mut read, mut unreadable) = ([0_u32; DAYS], [0_u32; DAYS]);
        for count in counts.iter().filter(|count| count.source == *source) {
            let day = calendar.local(count.hour.max(begin)).date();
            let index = first.until(day).map(|span| span.get_days()).unwrap_or_default();
            let days = match count.status {
                DeliveryStatus::Received | DeliveryStatus::Routed => &mut read,
                DeliveryStatus::Unreadable => &mut unreadable,
            };
            if let Some(day) = days.get_mut(usize::try_from(index).unwrap_or(DAYS)) {
                *day += count.deliveries;
            }
        }
        let most = read.iter().zip(&unreadable).map(|(read, bad)| read + bad).max().unwrap_or_default().max(1);
        let height = |count: u32| if count == 0 { 0 } else { (count.saturating_mul(HIGHEST) / most).max(2) };
        let mut bars = Vec::new();
        for (index, (read, bad)) in read.iter().zip(&unreadable).enumerate() {
            let x = format!("{:.2}%", 100.0 / 14.0 * f64::from(u32::try_from(index).unwrap_or_default()) + 1.07);
            let (read, bad) = (height(*read), height(*bad));
            if read > 0 {
                bars.push(Bar { x: x.clone(), y: BASE - read, height: read, unreadable: false });
            }
            if bad > 0 {
                bars.push(Bar { x, y: BASE.saturating_sub(read + bad), height: bad, unreadable: true });
            }
        }
        let (read, unreadable) = (read.iter().sum(), unreadable.iter().sum());
        let first = calendar.day(begin);
        let label = t.values("plot-label", &[("read", &read), ("unreadable", &unreadable), ("first", &first)]);
        Self { t, label, bars, first, read, unreadable }
    }
}
