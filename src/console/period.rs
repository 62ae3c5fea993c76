//! A period for an auditor: what the signed list says, to read and to print. It is read from the signed file itself, so that
//! the page cannot say anything else.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::html::{Status, Tone};
use super::i18n::Texts;
use super::problems::Sentence;
use super::time::{Calendar, Moment, span};
use super::words;
use crate::domain::case::StateName;
use crate::domain::ids::{CaseId, SourceName};

/// The number of cases that the page lists. The file lists all of them.
const LISTED: usize = 200;

/// How deliveries end, in the order of the page.
pub(super) const OUTCOMES: [&str; 7] =
    ["case", "no_effect", "ignored", "unreadable", "partly_unreadable", "waiting", "not_routed"];

#[derive(Debug)]
pub(super) struct Period {
    pub(super) heading: String,
    pub(super) status: Status,
    /// Why deliveries are missing.
    pub(super) missing: Option<Sentence>,
    pub(super) completeness: Vec<(String, String)>,
    pub(super) timeliness: Vec<(String, String)>,
    pub(super) caption: String,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) href: String,
    pub(super) case: String,
    pub(super) source: String,
    pub(super) effective: Moment,
    pub(super) removed: Option<Moment>,
    pub(super) lag: String,
    pub(super) state: Status,
}

/// The first section of the file, as far as the page shows it.
#[derive(Debug, Deserialize)]
struct Summary {
    population: Population,
    deliveries: Deliveries,
    cases: Vec<CaseLine>,
}

#[derive(Debug, Deserialize)]
struct Population {
    cases: u64,
    opened_in_period: u64,
    closed_in_period: u64,
    agrees: bool,
}

#[derive(Debug, Deserialize)]
struct Deliveries {
    received: u64,
    by_outcome: std::collections::BTreeMap<String, u64>,
    adds_up: bool,
    #[serde(default)]
    incomplete_because: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CaseLine {
    case: CaseId,
    source: Option<SourceName>,
    state: StateName,
    effective_at: Timestamp,
    access_removed_at: Option<Timestamp>,
    deletion_accepted_at: Option<Timestamp>,
}

impl CaseLine {
    /// How long after the effective time the person lost access.
    fn lag(&self) -> Option<SignedDuration> {
        self.access_removed_at.map(|at| at.duration_since(self.effective_at))
    }
}

impl Period {
    /// Reads the signed file of a period. `None` if it is not one.
    pub(super) fn of(t: Texts, calendar: &Calendar, days: (&str, &str), file: &str, now: Timestamp) -> Option<Self> {
        let mut sections = serde_json::Deserializer::from_str(file).into_iter::<Summary>();
        let Summary { population, deliveries, cases } = sections.next()?.ok()?;
        let is_whole = population.agrees && deliveries.adds_up && deliveries.incomplete_because.is_none();
        let status = if is_whole {
            Status::new(Tone::Ok, "check", t.s("period-whole"))
        } else {
            Status::new(Tone::Warn, "alert", t.s("period-not-whole"))
        };
        let rows: Vec<Row> = cases.iter().take(LISTED).map(|case| row(t, calendar, case, now)).collect();
        Some(Self {
            heading: t.values("period-heading", &[("from", &days.0), ("to", &days.1)]),
            status,
            completeness: completeness(t, &population, &deliveries),
            missing: deliveries.incomplete_because.map(|why| Sentence::of(t, &why)),
            timeliness: timeliness(t, &cases),
            caption: t.count("period-caption", population.cases, &[("shown", &rows.len())]),
            rows,
        })
    }
}

fn row(t: Texts, calendar: &Calendar, case: &CaseLine, now: Timestamp) -> Row {
    Row {
        href: format!("/cases/{}", case.case),
        case: words::short(case.case),
        source: case.source.as_ref().map_or_else(|| t.s("case-by-an-operator"), ToString::to_string),
        effective: calendar.short(case.effective_at, now),
        removed: case.access_removed_at.map(|at| calendar.short(at, now)),
        lag: case.lag().map_or_else(|| "–".to_owned(), |lag| span(t, lag)),
        state: words::state(t, case.state),
    }
}

fn completeness(t: Texts, population: &Population, deliveries: &Deliveries) -> Vec<(String, String)> {
    let mut facts = vec![(t.s("period-received"), deliveries.received.to_string())];
    for outcome in OUTCOMES {
        let count = deliveries.by_outcome.get(outcome).copied().unwrap_or_default();
        if count > 0 {
            facts.push((t.s(&format!("period-outcome-{}", outcome.replace('_', "-"))), count.to_string()));
        }
    }
    let agrees = if population.agrees { "period-agrees" } else { "period-differs" };
    facts.extend([
        (t.s("period-cases"), population.cases.to_string()),
        (t.s("period-opened"), format!("{}, {}", population.opened_in_period, t.s(agrees))),
        (t.s("period-closed"), population.closed_in_period.to_string()),
    ]);
    facts
}

fn timeliness(t: Texts, cases: &[CaseLine]) -> Vec<(String, String)> {
    let mut lags: Vec<SignedDuration> = cases.iter().filter_map(CaseLine::lag).collect();
    lags.sort_unstable();
    let deleted = cases.iter().filter(|case| case.deletion_accepted_at.is_some()).count();
    let mut facts = vec![(t.s("period-removed"), lags.len().to_string())];
    let after = |lag: &SignedDuration| t.v("period-after", "time", span(t, *lag));
    facts.extend(lags.get(lags.len() / 2).map(|median| (t.s("period-median"), after(median))));
    facts.extend(lags.last().map(|slowest| (t.s("period-slowest"), after(slowest))));
    facts.push((t.s("period-deleted"), deleted.to_string()));
    facts
}
