//! The list of all cases of a period, and the account of all deliveries of the period.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::approvals::{GivenApproval, names_of};
use super::case::{Duties, access_removed_at};
use super::document::{FORMAT, ONE_PERIOD};
use crate::domain::case::{Case, StateName};
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::policy::Action;

const WHICH_CASES: &str = "every case with a journal entry in the period: opened, changed or closed";
const WHICH_DELIVERIES: &str = "every stored delivery received in the period. A repeated request is answered with the first delivery's id and is not \
     stored again. A request whose signature does not hold is not stored.";

/// What the database holds about a period: from the first instant to the last, exclusive.
#[derive(Debug)]
pub struct PeriodFacts {
    pub from: Timestamp,
    pub to: Timestamp,
    pub cases: Vec<PeriodCase>,
    /// The number of cases that the journal opened in the period.
    pub opened_in_journal: u64,
    pub deliveries: DeliveryFacts,
}

/// A case of the period.
#[derive(Debug)]
pub struct PeriodCase {
    pub case: Case,
    pub opened_at: Timestamp,
    /// The approvals that count.
    pub approvals: Vec<GivenApproval>,
    /// The number of journal entries of the case in the period.
    pub entries: u64,
}

/// How the deliveries of a period ended.
#[derive(Debug, Default)]
pub struct DeliveryFacts {
    /// The number of deliveries by source and outcome.
    pub counts: BTreeMap<(SourceName, DeliveryOutcome), u64>,
    /// The number of deliveries of the period, counted separately.
    pub received: u64,
    /// The number of deliveries that are missing between the first and the last one of the period.
    pub missing: u64,
    /// The number of deliveries before the oldest stored one.
    pub removed_before: u64,
    /// When the oldest stored delivery was received.
    pub oldest_stored_at: Option<Timestamp>,
    /// The ids of unreadable deliveries, up to a limit.
    pub unreadable: Vec<String>,
    /// Why events had no effect, with their number.
    pub no_effect: BTreeMap<String, u64>,
}

/// How a delivery ended. Each delivery has exactly one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryOutcome {
    /// An event of it opened or changed a case.
    Case,
    /// Its events were read and changed nothing: outdated, repeated, or about a person without a case.
    NoEffect,
    /// It holds only words that the mapping ignores.
    Ignored,
    /// It cannot be read, and a human was alerted.
    Unreadable,
    /// Some of its items cannot be read, and others changed a case.
    PartlyUnreadable,
    /// Its events wait for a call or for an email address.
    Waiting,
    /// It is not read yet.
    NotRouted,
}

crate::domain::named!(DeliveryOutcome {
    Case = "case",
    NoEffect = "no_effect",
    Ignored = "ignored",
    Unreadable = "unreadable",
    PartlyUnreadable = "partly_unreadable",
    Waiting = "waiting",
    NotRouted = "not_routed",
});

/// The first section of a file about a period. The order of the fields is the order in the file.
#[derive(Debug, Serialize)]
pub struct PeriodSummary {
    format: &'static str,
    proves: &'static str,
    made_at: Timestamp,
    from: Timestamp,
    /// Exclusive.
    to: Timestamp,
    population: Population,
    deliveries: Reconciliation,
    cases: Vec<CaseLine>,
}

#[derive(Debug, Serialize)]
struct Population {
    which: &'static str,
    cases: usize,
    opened_in_period: usize,
    /// Counted in the journal, which the checkpoint covers.
    opened_in_journal: u64,
    closed_in_period: usize,
    agrees: bool,
}

#[derive(Debug, Serialize)]
struct Reconciliation {
    which: &'static str,
    received: u64,
    by_outcome: BTreeMap<DeliveryOutcome, u64>,
    by_source: BTreeMap<SourceName, BTreeMap<DeliveryOutcome, u64>>,
    /// Whether the outcomes add up to the number received.
    adds_up: bool,
    /// Whether all deliveries of the period are still stored.
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_because: Option<String>,
    events_without_effect: BTreeMap<String, u64>,
    unreadable: Vec<String>,
}

#[derive(Debug, Serialize)]
struct CaseLine {
    case: CaseId,
    site: SiteName,
    source: Option<SourceName>,
    action: Action,
    state: StateName,
    opened_at: Timestamp,
    effective_at: Timestamp,
    access_removed_at: Option<Timestamp>,
    deletion_accepted_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    duties: Duties,
    approvals: Vec<GivenApproval>,
    entries_in_period: u64,
}

impl PeriodSummary {
    /// Summarizes a period.
    pub fn of(facts: PeriodFacts, made_at: Timestamp) -> Self {
        let PeriodFacts { from, to, cases, opened_in_journal, deliveries } = facts;
        let within = |at: Timestamp| from <= at && at < to;
        let opened_in_period = cases.iter().filter(|case| within(case.opened_at)).count();
        let closed_in_period = cases.iter().filter(|case| case.case.closed_at().is_some_and(within)).count();
        Self {
            format: FORMAT,
            proves: ONE_PERIOD,
            made_at,
            from,
            to,
            population: Population {
                which: WHICH_CASES,
                cases: cases.len(),
                opened_in_period,
                opened_in_journal,
                closed_in_period,
                agrees: u64::try_from(opened_in_period) == Ok(opened_in_journal),
            },
            deliveries: Reconciliation::of(deliveries, from),
            cases: cases.into_iter().map(CaseLine::from).collect(),
        }
    }
}

impl Reconciliation {
    fn of(facts: DeliveryFacts, from: Timestamp) -> Self {
        let DeliveryFacts { counts, received, missing, removed_before, oldest_stored_at, unreadable, no_effect } =
            facts;
        let mut by_outcome: BTreeMap<_, u64> = DeliveryOutcome::ALL.iter().map(|outcome| (*outcome, 0)).collect();
        let mut by_source: BTreeMap<SourceName, BTreeMap<_, u64>> = BTreeMap::new();
        for ((source, outcome), count) in counts {
            *by_outcome.entry(outcome).or_default() += count;
            *by_source.entry(source).or_default().entry(outcome).or_default() += count;
        }
        let cut = removed_before > 0 && oldest_stored_at.is_none_or(|oldest| from < oldest);
        let incomplete_because = (cut || missing > 0).then(|| {
            let oldest = oldest_stored_at.map_or_else(
                || "no delivery is stored".to_owned(),
                |at| format!("the oldest stored delivery is of {at}"),
            );
            let removed = removed_before.saturating_add(missing);
            format!("retention removed {removed} deliveries; {oldest}")
        });
        Self {
            which: WHICH_DELIVERIES,
            received,
            adds_up: by_outcome.values().sum::<u64>() == received,
            by_outcome,
            by_source,
            complete: incomplete_because.is_none(),
            incomplete_because,
            events_without_effect: no_effect,
            unreadable,
        }
    }
}

impl From<PeriodCase> for CaseLine {
    fn from(of_period: PeriodCase) -> Self {
        let PeriodCase { case, opened_at, approvals, entries } = of_period;
        Self {
            case: case.id,
            action: case.terms.action,
            state: case.state.name(),
            opened_at,
            effective_at: case.effective_at,
            access_removed_at: access_removed_at(&case),
            deletion_accepted_at: case.progress.deletion_requested_at,
            closed_at: case.closed_at(),
            duties: Duties::of(&case.terms, case.source.as_ref(), &names_of(&approvals)),
            approvals,
            entries_in_period: entries,
            site: case.site,
            source: case.source,
        }
    }
}
