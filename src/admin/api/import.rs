//! Imports in two steps: the first returns the plan and its digest, the second opens exactly the planned cases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Params;
use super::open::{non_empty_reason, require_enough_approvers, rules, wrong};
use crate::admin::auth::Operator;
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::AdminState;
use crate::domain::ids::{PolicyName, SiteName};
use crate::domain::import_format::ImportFormat;
use crate::domain::own_request::{PolicyChoice, RequestRules};
use crate::domain::person::{EmailAddress, canonical_domain};
use crate::domain::policy::Action;
use crate::duration::ConfigDuration;
use crate::import::{Options, Plan, PlanError, PlanSource, PlannedRow};
use crate::store::{ImportRow, ImportState, Listing, ListingScope};

/// The maximum number of listed cases and of listed problems.
const LISTED: usize = 100;
const PROBLEMS: usize = 10_000;

/// How long a request waits for the list of customers, and for the cases to be opened. Both continue after it.
const PATIENCE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// A list of the site's customers is used for the dry run and for the run.
const LISTING_KEPT: SignedDuration = SignedDuration::from_mins(30);

/// The plan of an import, and how far it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ImportView {
    /// `listing`: the site's customers are still being read, repeat the request. `planned`: nothing was done. `running` and
    /// `done`: the cases are being opened, or are open.
    pub(crate) state: String,
    /// The id of the import, after the second step.
    pub(crate) import: Option<String>,
    pub(crate) format: String,
    pub(crate) site: SiteName,
    pub(crate) policy: PolicyName,
    /// Why this policy.
    pub(crate) policy_chosen: PolicyChoice,
    /// The number of cases.
    pub(crate) count: usize,
    /// The number of cases that include a deletion, which cannot be undone.
    pub(crate) irreversible: usize,
    /// Covers each person, action and date. `None` while the list of customers is incomplete.
    pub(crate) digest: Option<String>,
    /// The number of opened cases, after the second step.
    pub(crate) done: Option<u32>,
    pub(crate) rows: RowCounts,
    /// What an operator should check before the second step.
    pub(crate) warning: Option<String>,
    /// The rows that cannot be used; the others are not affected.
    pub(crate) problems: Vec<RowProblem>,
    /// The first 100 cases.
    pub(crate) cases: Vec<ImportCase>,
}

/// The rows that open no case.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct RowCounts {
    /// Rows that cannot be used.
    pub(crate) bad: usize,
    /// Rows that name a person of an earlier row.
    pub(crate) duplicate: usize,
    /// Rows whose person has an open case.
    pub(crate) already_open: usize,
    /// Rows that the filters exclude or, for a roster, customers who stay.
    pub(crate) excluded: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct RowProblem {
    pub(crate) line: u64,
    pub(crate) problem: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ImportCase {
    /// The line in the file; for a roster the position on the list.
    pub(crate) line: u64,
    pub(crate) email: Option<EmailAddress>,
    pub(crate) action: Action,
    /// `None`: immediately.
    pub(crate) effective_at: Option<Timestamp>,
}

/// How far an import is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProgressView {
    pub(crate) id: String,
    pub(crate) by: String,
    pub(crate) site: SiteName,
    pub(crate) format: String,
    pub(crate) digest: String,
    pub(crate) state: String,
    pub(crate) total: u32,
    pub(crate) opened: u32,
    /// Rows whose person had an open case meanwhile.
    pub(crate) skipped: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
}

/// What a request selects.
struct Selection {
    format: ImportFormat,
    options: Options,
    site: SiteName,
    policy: Option<PolicyName>,
    digest: Option<String>,
    reason: Option<String>,
}

/// Without a digest, returns the plan of a CSV file. With its digest, opens the cases.
#[utoipa::path(
    post,
    path = "/import",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "import",
    params(
        ("format" = Option<ImportFormat>, Query, description = "Contents of the file, default `departures`"),
        ("site" = Option<SiteName>, Query, description = "The site; without it the only one"),
        ("policy" = Option<PolicyName>, Query, description = "The policy; without it the most careful one of the site's sources"),
        ("domain" = Option<String>, Query, description = "Only email addresses of this domain; required for a roster"),
        ("inactive_for" = Option<String>, Query, description = "Only customers without activity for so long, like `180d`"),
        ("digest" = Option<String>, Query, description = "The digest of the reviewed plan: opens its cases"),
        ("reason" = Option<String>, Query, description = "Required with `digest`; stored with the history of each case"),
    ),
    request_body(content = String, content_type = "text/csv", description = "The file, at most 16 MiB"),
    responses(
        (status = 200, description = "The plan; with its digest, the import", body = ImportView),
        (status = 202, description = "The site's customers are being read: repeat the request", body = ImportView),
        (status = 409, description = "The plan has changed since it was reviewed", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn import(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    params: Params,
    request: Request,
) -> Result<Response, ApiError> {
    // Read before anything is refused, so that the client can use its connection again.
    let bytes = Bytes::from_request(request, &()).await;
    let bytes = bytes.map_err(|_too_large| wrong("body", "the file is too large: send at most 16 MiB"))?;
    let selection = Selection::read(&admin, params)?;
    let rules = rules(&admin, &selection.site, selection.policy.as_ref())?;
    let Some((listed, hidden)) = selection.listed(&admin).await? else {
        return Ok((StatusCode::ACCEPTED, Json(selection.listing(&rules))).into_response());
    };
    let source = PlanSource {
        bytes: &bytes,
        format: selection.format,
        options: &selection.options,
        site: &selection.site,
        rules: &rules,
        operator: &caller.name,
        listed: &listed,
    };
    let now = admin.clock.now();
    let plan = Plan::make(&admin.store, source, now).await.map_err(|error| match error {
        PlanError::File(problem) => wrong("body", problem),
        PlanError::Store(error) => error.into(),
    })?;
    let mut view = ImportView::of(&plan, &selection, &rules, hidden);
    let Some(digest) = &selection.digest else { return Ok(Json(view).into_response()) };
    let reason = non_empty_reason(selection.reason.clone().unwrap_or_default())?;
    if *digest != plan.digest {
        return Err(ApiError::ChangedSet { count: plan.rows.len(), digest: plan.digest });
    }
    let strongest = plan.rows.iter().map(|row| row.terms.action).max_by_key(|action| rules.approvals_needed(*action));
    require_enough_approvers(&admin, &caller, &rules, strongest.unwrap_or_default())?;
    let id = plan.store(&admin.store, source, (&reason, None), now).await?;
    admin.importer.notify_one();
    (view.state, view.done) = ("running".to_owned(), Some(0));
    if let Some(import) = wait_until_done(&admin, &id).await? {
        view.state = import.state.to_string();
        view.done = Some(import.opened);
    }
    view.import = Some(id);
    Ok(Json(view).into_response())
}

/// How far an import is.
#[utoipa::path(
    get,
    path = "/imports/{id}",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "import_progress",
    params(("id" = String, Path, description = "The id of the import")),
    responses((status = 200, description = "The progress", body = ProgressView))
)]
pub(super) async fn progress(
    Operator(_): Operator,
    State(admin): State<Arc<AdminState>>,
    Path(id): Path<String>,
) -> Result<Json<ProgressView>, ApiError> {
    let import = admin.store.import(&id).await?.ok_or(ApiError::NotFound("import"))?;
    Ok(Json(ProgressView::from(import)))
}

async fn wait_until_done(admin: &AdminState, id: &str) -> Result<Option<ImportRow>, ApiError> {
    let begun = Instant::now();
    loop {
        let import = admin.store.import(id).await?;
        let is_done = import.as_ref().is_none_or(|import| import.state == ImportState::Done);
        if is_done || begun.elapsed() >= PATIENCE {
            return Ok(import);
        }
        tokio::time::sleep(POLL).await;
    }
}

impl Selection {
    fn read(admin: &AdminState, mut params: Params) -> Result<Self, ApiError> {
        let format = params.word::<ImportFormat>("format")?.unwrap_or_default();
        let site = match params.word::<SiteName>("site")? {
            Some(site) => Some(site).filter(|site| admin.sites.contains_key(site)),
            None if admin.sites.len() == 1 => admin.sites.keys().next().cloned(),
            None => None,
        };
        let names = || admin.sites.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let site = site.ok_or_else(|| ApiError::Parameter {
            name: "site".to_owned(),
            problem: format!("expected one of: {}", names()),
        })?;
        let domain = params.read("domain", |text| canonical_domain(text.trim_start_matches('@')))?;
        let inactive_for = params.word::<ConfigDuration>("inactive_for")?.map(ConfigDuration::get);
        let selection = Self {
            format,
            options: Options { domain, inactive_for },
            site,
            policy: params.word("policy")?,
            digest: params.word("digest")?,
            reason: params.word("reason")?,
        };
        params.finish()?;
        if inactive_for.is_some() && format != ImportFormat::AtlassianExport {
            return Err(unfit("inactive_for", "only for format=atlassian-export"));
        }
        if selection.options.domain.is_none() && format == ImportFormat::Roster {
            return Err(unfit("domain", "a roster needs the domain whose customers it lists"));
        }
        Ok(selection)
    }

    /// The customers of the domain, and how many hide their email address. `None` while the list is incomplete.
    async fn listed(&self, admin: &AdminState) -> Result<Option<(Vec<EmailAddress>, u32)>, ApiError> {
        let (ImportFormat::Roster, Some(domain)) = (self.format, &self.options.domain) else {
            return Ok(Some((Vec::new(), 0)));
        };
        let (scope, begun) = (ListingScope::Domain, Instant::now());
        loop {
            let now = admin.clock.now();
            let since = now.saturating_sub(LISTING_KEPT).unwrap_or(Timestamp::MIN);
            let newest = admin.store.newest_listing(&self.site, scope, domain, since).await?;
            // A dry run reads the site again; the run uses the list of its dry run.
            let reused = newest.filter(|newest| self.digest.is_some() || !is_stale(newest, now));
            match reused {
                Some(Listing { problem: Some(problem), .. }) => return Err(ApiError::Conflict(problem)),
                Some(listing) if listing.done_at.is_some() => {
                    return Ok(Some((admin.store.listed_customers(&listing.id).await?, listing.hidden)));
                }
                Some(_) => {}
                None => {
                    let mut tx = admin.store.begin().await?;
                    tx.request_listing(&self.site, scope, domain, now).await?;
                    tx.commit().await?;
                    admin.listers.notify_waiters();
                }
            }
            if begun.elapsed() >= PATIENCE {
                return Ok(None);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn listing(&self, rules: &RequestRules) -> ImportView {
        ImportView {
            state: "listing".to_owned(),
            import: None,
            format: self.format.to_string(),
            site: self.site.clone(),
            policy: rules.policy_name.clone(),
            policy_chosen: rules.chosen,
            count: 0,
            irreversible: 0,
            digest: None,
            done: None,
            rows: RowCounts::default(),
            warning: None,
            problems: Vec::new(),
            cases: Vec::new(),
        }
    }
}

fn unfit(name: &str, problem: &str) -> ApiError {
    ApiError::Parameter { name: name.to_owned(), problem: problem.to_owned() }
}

/// Whether a list was completed so long ago that a dry run reads the site again.
fn is_stale(listing: &Listing, now: Timestamp) -> bool {
    listing.done_at.is_some_and(|done_at| now.duration_since(done_at) > SignedDuration::from_mins(1))
}

impl ImportView {
    fn of(plan: &Plan, selection: &Selection, rules: &RequestRules, hidden: u32) -> Self {
        let problem = |(line, problem): &(u64, String)| RowProblem { line: *line, problem: problem.clone() };
        let mut warnings = Vec::new();
        if plan.is_suspicious {
            warnings.push("the roster names fewer people than it would offboard: is it complete?".to_owned());
        }
        if selection.format == ImportFormat::Roster && !plan.bad.is_empty() {
            warnings.push("rows of the roster cannot be read: the people they name would be offboarded".to_owned());
        }
        if hidden > 0 {
            warnings.push(format!("{hidden} customers hide their email address and are not on the list"));
        }
        Self {
            state: "planned".to_owned(),
            count: plan.rows.len(),
            irreversible: plan.irreversible(),
            digest: Some(plan.digest.clone()),
            rows: RowCounts {
                bad: plan.bad.len(),
                duplicate: plan.duplicates.len(),
                already_open: plan.open.len(),
                excluded: plan.excluded,
            },
            warning: (!warnings.is_empty()).then(|| warnings.join("; ")),
            problems: plan.bad.iter().take(PROBLEMS).map(problem).collect(),
            cases: plan.rows.iter().take(LISTED).map(ImportCase::from).collect(),
            ..selection.listing(rules)
        }
    }
}

impl From<&PlannedRow> for ImportCase {
    fn from(row: &PlannedRow) -> Self {
        Self {
            line: row.line,
            email: row.person.email.clone(),
            action: row.terms.action,
            effective_at: row.effective_at,
        }
    }
}

impl From<ImportRow> for ProgressView {
    fn from(import: ImportRow) -> Self {
        let ImportRow { id, operator, site, format, digest, state, total, opened, skipped, .. } = import;
        let (created_at, finished_at) = (import.created_at, import.finished_at);
        let state = state.to_string();
        Self { id, by: operator, site, format, digest, state, total, opened, skipped, created_at, finished_at }
    }
}
