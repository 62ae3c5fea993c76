//! The drawing of both graces, to scale: access revoked, the local grace, the deletion, Atlassian's grace.
//!
//! Positions are percentages, so that texts keep their size. The marks are repeated as a list, with their exact times.

use askama::Template;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::i18n::Texts;
use super::time::{Calendar, Moment, days};

/// Free space before the first and after the last mark, as a part of the time between them.
const MARGIN: f64 = 0.06;

/// A short label, and one with words, need these parts of the width.
const SHORT: f64 = 14.0;
const LABEL: f64 = 24.0;

/// The width of the flag that says what time it is, in pixels.
const FLAG: i32 = 176;

const SECOND: i64 = 1;
const DAY: i64 = 86_400;

/// Distances of ticks, in seconds.
const STEPS: [i64; 16] = [
    SECOND,
    5,
    15,
    60,
    300,
    900,
    3_600,
    3 * 3_600,
    6 * 3_600,
    12 * 3_600,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    91 * DAY,
];

const MOST_TICKS: i64 = 8;

/// What the drawing is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graces {
    /// When access was or will be revoked; `None` for a deletion without a revoke.
    pub(super) revoke: Option<Timestamp>,
    /// When the account was or will be deleted.
    pub(super) delete: Timestamp,
    /// The end of Atlassian's grace.
    pub(super) end: Timestamp,
    /// `None` after the case closed.
    pub(super) now: Option<Timestamp>,
    /// Whether nothing is called before a human decided.
    pub(super) waits: bool,
    /// Whether these were done.
    pub(super) revoked: bool,
    pub(super) deleted: bool,
}

/// The drawing, ready for a page.
#[derive(Debug, Template)]
#[template(path = "graces.html")]
pub(super) struct Drawing {
    t: Texts,
    label: String,
    local: Option<Bar>,
    grace: Bar,
    /// The part of the local grace that is left.
    rest: Option<Bar>,
    /// Until when it can be stopped.
    stop: Bar,
    ticks: Vec<Tick>,
    knobs: Vec<Knob>,
    now: Option<Now>,
    marks: Vec<Mark>,
    open: bool,
    waits: bool,
    flag_width: i32,
}

#[derive(Debug)]
struct Bar {
    x: String,
    width: String,
    /// With words, for a wide drawing, and without.
    text: String,
    length: String,
    /// Whether these fit into the bar.
    wide: bool,
    fits: bool,
}

#[derive(Debug)]
struct Tick {
    x: String,
    text: String,
}

/// A number in a circle, at its mark.
#[derive(Debug)]
struct Knob {
    x: String,
    /// Beside the mark where two are at the same place, in pixels.
    shift: i32,
    number: usize,
}

#[derive(Debug)]
struct Now {
    x: String,
    text: String,
    /// Where the flag begins, in pixels from the line: it stays within the drawing.
    shift: i32,
}

#[derive(Debug)]
struct Mark {
    number: usize,
    name: String,
    at: Moment,
    text: String,
}

struct Scale {
    from: i64,
    length: f64,
}

impl Scale {
    fn of(first: Timestamp, last: Timestamp) -> Self {
        let length = seconds(last.duration_since(first)).max(1.0);
        let margin = length * MARGIN;
        Self {
            from: first.as_millisecond().saturating_sub(whole(margin * 1000.0)),
            length: margin.mul_add(2.0, length),
        }
    }

    /// The position in percent.
    fn at(&self, at: Timestamp) -> f64 {
        let since = at.as_millisecond().saturating_sub(self.from);
        (seconds(SignedDuration::from_millis(since)) / self.length * 100.0).clamp(0.0, 100.0)
    }
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a drawing needs no more than 52 bits")]
fn seconds(duration: SignedDuration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "saturates at the limits of the type")]
fn whole(number: f64) -> i64 {
    number as i64
}

fn percent(number: f64) -> String {
    format!("{number:.2}%")
}

impl Graces {
    pub(super) fn draw(self, t: Texts, calendar: &Calendar) -> Drawing {
        let first = self.revoke.unwrap_or(self.delete).min(self.delete);
        let first = self.now.map_or(first, |now| now.min(first));
        let last = self.now.map_or(self.end, |now| now.max(self.end));
        let scale = Scale::of(first, last);
        let length = |from: Timestamp, to: Timestamp| days(t, to.duration_since(from));
        let bar = |from: Timestamp, to: Timestamp, text: String| {
            let length = length(from, to);
            let (from, to) = (scale.at(from), scale.at(to));
            let part = to - from;
            let (x, width) = (percent(from), percent(part.max(0.3)));
            Bar { x, width, wide: part > LABEL, fits: part > SHORT, text, length }
        };
        let local = self.revoke.filter(|revoke| *revoke < self.delete);
        let now_in_local = self.now.filter(|now| local.is_some_and(|from| (from..self.delete).contains(now)));
        let begin = self.revoke.unwrap_or(first).min(first);
        Drawing {
            t,
            label: self.describe(t, calendar),
            local: local.map(|from| bar(from, self.delete, t.v("graces-local", "length", length(from, self.delete)))),
            rest: now_in_local.map(|now| bar(now, self.delete, String::new())),
            grace: bar(self.delete, self.end, t.v("graces-deletion", "length", length(self.delete, self.end))),
            stop: bar(begin, self.delete, t.s(if self.deleted { "graces-was-stoppable" } else { "graces-stoppable" })),
            ticks: ticks(&scale, calendar, first, last),
            knobs: self.knobs(&scale),
            now: self.now.map(|now| flag(&scale, t, calendar, now)),
            marks: self.marks(t, calendar),
            open: self.now.is_some(),
            waits: self.waits,
            flag_width: FLAG,
        }
    }

    /// The revoke, the last moment to stop, the deletion, the end.
    fn numbers(&self) -> Vec<Timestamp> {
        self.revoke.into_iter().chain([self.delete, self.end]).collect()
    }

    fn knobs(&self, scale: &Scale) -> Vec<Knob> {
        let mut before = f64::MIN;
        self.numbers()
            .into_iter()
            .enumerate()
            .map(|(index, at)| {
                let x = scale.at(at);
                // Two marks at the same place stand beside each other.
                let shift = if x - before < 4.0 { 12 } else { 0 };
                before = x;
                Knob { x: percent(x), shift, number: index + 1 }
            })
            .collect()
    }

    fn marks(&self, t: Texts, calendar: &Calendar) -> Vec<Mark> {
        let revoke = self.revoke.map(|at| {
            let name = if self.revoked { "graces-revoked" } else { "graces-revoke" };
            (name, at, self.revoked, "graces-revoke-text")
        });
        let delete = if self.deleted {
            ("graces-deleted", self.delete, true, "graces-deleted-text")
        } else {
            ("graces-delete", self.delete, false, "graces-delete-text")
        };
        let marks = revoke.into_iter().chain([delete, ("graces-end", self.end, false, "graces-end-text")]);
        marks
            .enumerate()
            .map(|(index, (name, at, measured, text))| Mark {
                number: index + 1,
                name: t.s(name),
                at: if measured { calendar.exact(at) } else { calendar.full(at) },
                text: t.s(text),
            })
            .collect()
    }

    /// What a person who cannot see the drawing needs to know.
    fn describe(&self, t: Texts, calendar: &Calendar) -> String {
        let delete = calendar.full(self.delete).text().to_owned();
        let end = calendar.full(self.end).text().to_owned();
        match self.revoke {
            Some(revoke) => {
                let revoke = calendar.full(revoke).text().to_owned();
                t.values("graces-label", &[("revoke", &revoke), ("delete", &delete), ("end", &end)])
            }
            None => t.values("graces-label-delete", &[("delete", &delete), ("end", &end)]),
        }
    }
}

fn flag(scale: &Scale, t: Texts, calendar: &Calendar, now: Timestamp) -> Now {
    let x = scale.at(now);
    let shift = match x {
        x if x < 15.0 => 0,
        x if x > 85.0 => -FLAG,
        _ => -FLAG / 2,
    };
    let text = t.v("graces-now", "at", format!("{}, {}", calendar.day(now), calendar.time_of_day(now, false)));
    Now { x: percent(x), text, shift }
}

fn ticks(scale: &Scale, calendar: &Calendar, first: Timestamp, last: Timestamp) -> Vec<Tick> {
    let length = last.duration_since(first).as_secs();
    let Some(step) = STEPS.into_iter().find(|step| length / step <= MOST_TICKS) else { return Vec::new() };
    let label = |at: Timestamp| {
        if step >= DAY { calendar.day(at) } else { calendar.time_of_day(at, step < 60) }
    };
    let mut ticks = Vec::new();
    let mut at = if step >= DAY { next_midnight(calendar, first) } else { next_multiple(first, step) };
    while let Some(tick) = at.filter(|tick| *tick <= last) {
        ticks.push(Tick { x: percent(scale.at(tick)), text: label(tick) });
        at = if step >= DAY {
            // By the calendar, so that each tick stays at midnight where daylight saving changes.
            calendar.local(tick).checked_add((step / DAY).days()).map(|local| local.timestamp()).ok()
        } else {
            tick.checked_add(SignedDuration::from_secs(step)).ok()
        };
    }
    ticks
}

fn next_midnight(calendar: &Calendar, at: Timestamp) -> Option<Timestamp> {
    let tomorrow = calendar.local(at).checked_add(1.day()).ok()?;
    tomorrow.start_of_day().ok().map(|day| day.timestamp())
}

fn next_multiple(at: Timestamp, step: i64) -> Option<Timestamp> {
    Timestamp::from_second((at.as_second().div_euclid(step) + 1) * step).ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::i18n::Lang;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn drawing(graces: Graces) -> String {
        let calendar = Calendar { language: Lang::En, zone: TimeZone::get("Europe/Berlin").unwrap() };
        graces.draw(Texts(Lang::En), &calendar).render().unwrap()
    }

    #[test]
    fn both_graces_are_drawn_to_scale() {
        let svg = drawing(Graces {
            revoke: Some(at("2026-10-30T23:00:00Z")),
            delete: at("2026-11-29T23:00:00Z"),
            end: at("2026-12-13T23:00:00Z"),
            now: Some(at("2026-11-26T08:41:00Z")),
            waits: false,
            revoked: true,
            deleted: false,
        });
        // 30 and 14 of 44 days, on 100 / 1.12 percent.
        assert!(svg.contains(r#"class="local" x="5.36%" y="40" width="60.88%""#), "{svg}");
        assert!(svg.contains(r#"class="atl" x="66.23%" y="40.75" width="28.41%""#), "{svg}");
        assert!(svg.contains("now · 26 Nov, 09:41") && svg.contains("Local grace · 30 days"), "{svg}");
    }

    #[test]
    fn graces_of_milliseconds_and_of_years_can_be_drawn() {
        for (delete, end) in
            [("2026-01-01T00:00:00.25Z", "2026-01-01T00:00:00.5Z"), ("2036-01-01T00:00:00Z", "2126-01-01T00:00:00Z")]
        {
            let svg = drawing(Graces {
                revoke: Some(at("2026-01-01T00:00:00Z")),
                delete: at(delete),
                end: at(end),
                now: None,
                waits: false,
                revoked: true,
                deleted: true,
            });
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
