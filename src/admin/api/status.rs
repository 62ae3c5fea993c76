//! `/status`: the whole daemon at one glance. The command and the console show the same structs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::blocked::{BlockedView, Blocks};
use super::extract::Params;
use super::sites::{self, SiteView};
use super::sources::{self, SourceView};
use crate::admin::auth::{Caller, Viewer};
use crate::admin::error::ApiError;
use crate::admin::health::{self, Check};
use crate::admin::state::AdminState;
use crate::domain::case::JobKind;
use crate::domain::clock_check::TOLERANCE;
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::store::Overview;

/// The maximum of jobs in `next`.
const NEXT: u32 = 10;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct StatusView {
    /// Whether nothing needs a human: `problems` is empty.
    pub(crate) ok: bool,
    /// `observe` or `enforce`.
    pub(crate) mode: String,
    pub(crate) version: String,
    pub(crate) now: Timestamp,
    /// Everything that is wrong, most urgent first.
    pub(crate) problems: Vec<StatusProblem>,
    pub(crate) sites: Vec<SiteView>,
    pub(crate) sources: Vec<SourceView>,
    /// The number of cases that need attention, by reason.
    pub(crate) attention: BTreeMap<String, u64>,
    /// The number of held cases, by what they wait for.
    pub(crate) held: BTreeMap<String, u64>,
    /// The number of deliveries that could not be read.
    pub(crate) unreadable: u64,
    /// The number of deliveries that are not read yet.
    pub(crate) unread: u64,
    /// Free space of the database's file system; `None` if it cannot be read.
    pub(crate) free_bytes: Option<u64>,
    /// The checks of `/readyz`.
    pub(crate) checks: BTreeMap<String, Check>,
    /// The jobs that are due first.
    pub(crate) next: Vec<NextView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct StatusProblem {
    /// For example `site acme`.
    pub(crate) about: String,
    pub(crate) problem: String,
    /// The command that shows or fixes it.
    pub(crate) fix: Option<String>,
}

/// A job that will be carried out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NextView {
    pub(crate) at: Timestamp,
    pub(crate) kind: JobKind,
    pub(crate) case: CaseId,
    pub(crate) site: SiteName,
    pub(crate) source: Option<SourceName>,
    /// What prevents it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) blocked: Vec<BlockedView>,
}

/// The whole daemon at one glance.
#[utoipa::path(
    get,
    path = "/status",
    tag = "status",
    security(("token" = ["viewer"])),
    operation_id = "status_show",
    responses(
        (status = 200, description = "The state of the daemon", body = StatusView),
    )
)]
pub(super) async fn show(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<StatusView>, ApiError> {
    params.finish()?;
    Ok(Json(read(&admin, &caller).await?))
}

pub(crate) async fn read(admin: &AdminState, caller: &Caller) -> Result<StatusView, ApiError> {
    let now = admin.clock.now();
    let checks = health::checks(admin).await;
    let overview = admin.store.overview().await?;
    let (sites, sources) = (sites::views(admin).await?, sources::views(admin, caller).await?);
    let blocks = Blocks::read(&admin.store).await?;
    let mut problems = of_checks(&checks);
    problems
        .extend(blocks.fence().map(|fence| problem("fence", fence.meaning, Some("offboardd fence show".to_owned()))));
    problems.extend(sites.iter().flat_map(of_site));
    problems.extend(sources.iter().flat_map(of_source));
    problems.extend(of_overview(&overview));
    let next = admin.store.next_jobs(NEXT).await?.into_iter().map(|job| NextView {
        at: job.due_at,
        kind: job.kind,
        case: job.case_id,
        blocked: blocks.of(&job.site, job.source.as_ref(), Some(job.kind)),
        site: job.site,
        source: job.source,
    });
    Ok(StatusView {
        ok: problems.is_empty(),
        mode: (if admin.enforce { "enforce" } else { "observe" }).to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now,
        problems,
        sites,
        sources,
        attention: sums(overview.attention.iter().map(|count| (count.reason.as_str(), count.cases))),
        held: sums(overview.held.iter().map(|(_, hold, count)| (hold.as_str(), *count))),
        unreadable: overview.unreadable,
        unread: overview.unread,
        free_bytes: admin.free_space.bytes().ok(),
        checks: checks.into_iter().map(|(name, check)| (name.to_owned(), check)).collect(),
        next: next.collect(),
    })
}

fn sums(counts: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (name, count) in counts {
        *sums.entry(name.to_owned()).or_default() += count;
    }
    sums
}

fn problem(about: impl Into<String>, problem: impl Into<String>, fix: Option<String>) -> StatusProblem {
    StatusProblem { about: about.into(), problem: problem.into(), fix }
}

fn of_checks(checks: &BTreeMap<&'static str, Check>) -> Vec<StatusProblem> {
    // The sites report a wrong clock, too, with the site.
    let failed = checks.iter().filter(|(_, check)| !check.ok);
    failed.map(|(name, check)| problem(*name, check.detail.clone().unwrap_or_default(), None)).collect()
}

fn of_site(site: &SiteView) -> Vec<StatusProblem> {
    let about = format!("site {}", site.name);
    let mut problems = Vec::new();
    if site.paused_at.is_some() {
        let why = match (&site.paused_by, &site.reason) {
            (Some(by), _) => format!("paused by {by}: no call is made"),
            (None, Some(reason)) => format!("paused, no call is made: {reason}"),
            (None, None) => "paused, no call is made".to_owned(),
        };
        problems.push(problem(&about, why, Some(format!("offboardd site resume {}", site.name))));
    } else {
        let calls = site.paused_calls.iter();
        problems.extend(calls.map(|call| problem(&about, format!("no {}: {}", call.kind, call.reason), None)));
    }
    if let Some(by) = site.clock_offset_seconds.filter(|offset| *offset > TOLERANCE.as_secs_f64()) {
        let why = format!("this machine's clock is {by:.0} s ahead of the site's: no change is made");
        problems.push(problem(&about, why, Some("correct the clock".to_owned())));
    }
    problems
}

fn of_source(source: &SourceView) -> Vec<StatusProblem> {
    let name = &source.name;
    let about = format!("source {name}");
    let mut problems = Vec::new();
    if let Some(brake) = &source.brake {
        let why = format!("frozen by its brake: {} ({})", brake.message, brake.why);
        problems.push(problem(&about, why, Some(format!("offboardd case list --held brake --source {name}"))));
    }
    if let Some(by) = source.paused_at.map(|_| source.paused_by.as_deref().unwrap_or("an operator")) {
        let why = format!("paused by {by}: deliveries are answered with 503");
        problems.push(problem(&about, why, Some(format!("offboardd source resume {name}"))));
    }
    let refused: u64 = source.refused.values().sum();
    if refused > 0 {
        let reasons: Vec<String> = source.refused.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let why = format!("{refused} requests refused in the last hour: {}", reasons.join(", "));
        problems.push(problem(&about, why, Some("compare the secret with the vendor's".to_owned())));
    }
    if source.quiet {
        problems.push(problem(&about, "no delivery for longer than `quiet_after`", None));
    }
    if let Some(why) = source.lookup.as_ref().and_then(|lookup| lookup.problem.as_ref()) {
        problems.push(problem(&about, format!("address lookups fail: {why}"), None));
    }
    if !source.offered.is_empty() {
        let why = format!("{} offered secrets to review", source.offered.len());
        problems.push(problem(&about, why, Some("offboardd source list --json".to_owned())));
    }
    problems
}

fn of_overview(overview: &Overview) -> Vec<StatusProblem> {
    let mut problems = Vec::new();
    for (reason, count) in sums(overview.attention.iter().map(|count| (count.reason.as_str(), count.cases))) {
        let what = format!("{count} {} a human: {reason}", if count == 1 { "needs" } else { "need" });
        problems.push(problem("cases", what, Some("offboardd case list --attention".to_owned())));
    }
    if overview.unreadable > 0 {
        let what = format!("{} could not be read", overview.unreadable);
        problems.push(problem("deliveries", what, Some("offboardd delivery list --status unreadable".to_owned())));
    }
    problems
}
