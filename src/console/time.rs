//! Instants and durations as people read them: in the policy's zone first, the zone always named, UTC beside it.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::html::Escaped;
use super::i18n::{Lang, Texts};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const GERMAN_MONTHS: [&str; 12] =
    ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sep.", "Okt.", "Nov.", "Dez."];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const GERMAN_DAYS: [&str; 7] = ["Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."];

/// Names of zones that German has words for.
const GERMAN_ZONES: [(&str, &str); 4] = [("CET", "MEZ"), ("CEST", "MESZ"), ("EET", "OEZ"), ("EEST", "OESZ")];

/// Writes times of one zone in one language.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    pub(super) language: Lang,
    pub(super) zone: TimeZone,
}

/// An instant as HTML: `<time>` with UTC in its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    utc: String,
    title: String,
    text: String,
    /// Whether the script shows the reader's zone beside it.
    deadline: bool,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deadline = if self.deadline { " data-deadline" } else { "" };
        let (title, text) = (Escaped(&self.title), Escaped(&self.text));
        write!(f, r#"<time datetime="{}" title="{title}"{deadline}>{text}</time>"#, self.utc)
    }
}

impl HtmlSafe for Moment {}

impl Moment {
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Calendar {
    /// `Mon 30 Nov 2026, 00:00 CET`
    pub(super) fn full(&self, at: Timestamp) -> Moment {
        let local = self.local(at);
        let text = match self.language {
            Lang::En => format!("{} {}", self.weekday(&local), self.date(&local)),
            Lang::De => format!("{}, {}", self.weekday(&local), self.date(&local)),
        };
        self.moment(at, format!("{text}, {}", self.clock(&local)))
    }

    /// [`Calendar::full`] with UTC written beside it, for the times that decide.
    pub(super) fn deadline(&self, at: Timestamp) -> Moment {
        let utc = at.to_zoned(TimeZone::UTC);
        let local = self.local(at);
        let mut moment = Moment { deadline: true, ..self.full(at) };
        if local.offset() != utc.offset() {
            let day = if local.date() == utc.date() { String::new() } else { format!("{}, ", self.day_of(&utc)) };
            write!(moment.text, " ({day}{:02}:{:02} UTC)", utc.hour(), utc.minute()).unwrap_or_default();
        }
        moment
    }

    /// `30 Nov, 00:00 CET`, with the year where it is another one than now.
    pub(super) fn short(&self, at: Timestamp, now: Timestamp) -> Moment {
        let local = self.local(at);
        let date = if local.year() == self.local(now).year() { self.day_of(&local) } else { self.date(&local) };
        self.moment(at, format!("{date}, {}", self.clock(&local)))
    }

    /// With seconds, for what was measured.
    pub(super) fn exact(&self, at: Timestamp) -> Moment {
        let local = self.local(at);
        let zone = self.zone_name(&local);
        let time = format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second());
        self.moment(at, format!("{}, {time} {zone}", self.date(&local)))
    }

    /// `30 Nov`
    pub(super) fn day(&self, at: Timestamp) -> String {
        self.day_of(&self.local(at))
    }

    /// `00:00`, or with seconds.
    pub(super) fn time_of_day(&self, at: Timestamp, seconds: bool) -> String {
        let local = self.local(at);
        if seconds {
            format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())
        } else {
            format!("{:02}:{:02}", local.hour(), local.minute())
        }
    }

    pub(super) fn local(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    pub(super) fn weekday(&self, local: &Zoned) -> &'static str {
        let days = match self.language {
            Lang::En => DAYS,
            Lang::De => GERMAN_DAYS,
        };
        let index = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default();
        days.get(index).copied().unwrap_or_default()
    }

    pub(super) fn month(&self, local: &Zoned) -> &'static str {
        let months = match self.language {
            Lang::En => MONTHS,
            Lang::De => GERMAN_MONTHS,
        };
        let index = usize::try_from(local.month() - 1).unwrap_or_default();
        months.get(index).copied().unwrap_or_default()
    }

    fn day_of(&self, local: &Zoned) -> String {
        match self.language {
            Lang::En => format!("{} {}", local.day(), self.month(local)),
            Lang::De => format!("{}. {}", local.day(), self.month(local)),
        }
    }

    fn date(&self, local: &Zoned) -> String {
        format!("{} {}", self.day_of(local), local.year())
    }

    fn clock(&self, local: &Zoned) -> String {
        let zone = self.zone_name(local);
        match self.language {
            Lang::En => format!("{:02}:{:02} {zone}", local.hour(), local.minute()),
            Lang::De => format!("{:02}:{:02} Uhr {zone}", local.hour(), local.minute()),
        }
    }

    fn zone_name(&self, local: &Zoned) -> String {
        let name = local.strftime("%Z").to_string();
        match (self.language, GERMAN_ZONES.iter().find(|(english, _)| *english == name)) {
            (Lang::De, Some((_, german))) => (*german).to_owned(),
            _ => name,
        }
    }

    fn moment(&self, at: Timestamp, text: String) -> Moment {
        let utc = at.to_zoned(TimeZone::UTC);
        let date = Self { language: self.language, zone: TimeZone::UTC }.date(&utc);
        let title = format!("{date}, {:02}:{:02}:{:02} UTC", utc.hour(), utc.minute(), utc.second());
        Moment { utc: at.to_string(), title, text, deadline: false }
    }
}

/// A duration in its two largest units, as numbers and units.
pub(super) fn parts(texts: Texts, duration: SignedDuration) -> Vec<(i64, String)> {
    let seconds = duration.as_secs().max(0);
    let units = [
        (seconds / 86_400, "unit-day"),
        (seconds / 3_600 % 24, "unit-hour"),
        (seconds / 60 % 60, "unit-minute"),
        (seconds % 60, "unit-second"),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(units.len() - 1);
    // Seconds beside hours are noise; beside minutes they count.
    let shown = units.iter().skip(first).take(2).filter(|(count, _)| *count > 0 || units.len() - first == 1);
    shown.map(|(count, unit)| (*count, texts.s(unit))).collect()
}

/// `3 d 14 h`
pub(super) fn span(texts: Texts, duration: SignedDuration) -> String {
    let parts = parts(texts, duration).into_iter().map(|(count, unit)| format!("{count}\u{a0}{unit}"));
    parts.collect::<Vec<_>>().join(" ")
}

/// `30 days`, for durations that a setting or Atlassian states.
pub(super) fn days(texts: Texts, duration: SignedDuration) -> String {
    let days = duration.as_secs() / 86_400;
    if days > 0 && duration.as_secs() % 86_400 == 0 { texts.n("days", days) } else { span(texts, duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(language: Lang) -> Calendar {
        Calendar { language, zone: TimeZone::get("Europe/Berlin").unwrap() }
    }

    #[test]
    fn time_is_written_in_the_zone_of_the_policy_with_utc_beside_it() {
        let at = "2026-11-29T23:00:00Z".parse().unwrap();
        let (english, german) = (calendar(Lang::En), calendar(Lang::De));
        assert_eq!(english.full(at).text(), "Mon 30 Nov 2026, 00:00 CET");
        assert_eq!(german.full(at).text(), "Mo., 30. Nov. 2026, 00:00 Uhr MEZ");
        assert_eq!(english.deadline(at).text(), "Mon 30 Nov 2026, 00:00 CET (29 Nov, 23:00 UTC)");
        assert_eq!(
            english.full(at).to_string(),
            "<time datetime=\"2026-11-29T23:00:00Z\" title=\"29 Nov 2026, 23:00:00 UTC\">Mon 30 Nov 2026, 00:00 CET</time>"
        );
        assert_eq!(english.short(at, at).text(), "30 Nov, 00:00 CET");
        assert_eq!(english.short(at, "2028-01-01T00:00:00Z".parse().unwrap()).text(), "30 Nov 2026, 00:00 CET");
    }

    #[test]
    fn duration_is_written_in_its_two_largest_units() {
        let text = |seconds| span(Texts(Lang::En), SignedDuration::from_secs(seconds));
        assert_eq!(text(3 * 86_400 + 14 * 3_600 + 59), "3\u{a0}d 14\u{a0}h");
        assert_eq!(text(3 * 86_400 + 59), "3\u{a0}d");
        assert_eq!(text(3_599), "59\u{a0}min 59\u{a0}s");
        assert_eq!(text(0), "0\u{a0}s");
        assert_eq!(text(-5), "0\u{a0}s");
    }
}
