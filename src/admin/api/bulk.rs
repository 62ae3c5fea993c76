//! One action on many cases in two steps: the first returns the set and its digest, the second applies the action to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::actions::operate;
use super::extract::Body;
use super::open::non_empty_reason;
use super::sources::require_configured;
use crate::admin::auth::{Caller, Operator};
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::AdminState;
use crate::domain::case::{Case, Hold, Stage, State as CaseState, StateName, Transition};
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::operator::Role;
use crate::domain::policy::Action;
use crate::store::{BulkFilter, Note, digest_of};

/// The maximum of cases per transaction: limits how long other transactions wait.
const BATCH: usize = 50;

/// The maximum of listed cases.
const MAX_LISTED: usize = 100;

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BulkAction {
    /// Requires `for`.
    Approve,
    Cancel,
    Hold,
    Release,
    Retry,
    Resolve,
}

impl BulkAction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Resolve => "resolve",
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkRequest {
    action: BulkAction,
    filter: Filter,
    #[serde(default, rename = "for")]
    stage: Option<Stage>,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// A filter over the open cases.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(default)]
    state: Option<StateName>,
    #[serde(default)]
    held: Option<Hold>,
    #[serde(default)]
    source: Option<SourceName>,
    #[serde(default)]
    site: Option<SiteName>,
    #[serde(default)]
    requested_by: Option<String>,
    #[serde(default)]
    attention: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct BulkView {
    pub(crate) action: BulkAction,
    pub(crate) count: usize,
    /// Covers each case, its action and its dates.
    pub(crate) digest: String,
    /// The number of cases that include a deletion, which cannot be undone.
    pub(crate) irreversible: usize,
    /// The number of changed cases; `None` in the first step.
    pub(crate) done: Option<usize>,
    /// The first 100 cases.
    pub(crate) cases: Vec<BulkCase>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct BulkCase {
    pub(crate) id: CaseId,
    pub(crate) state: StateName,
    pub(crate) action: Action,
    pub(crate) effective_at: Timestamp,
    pub(crate) delete_at: Option<Timestamp>,
}

/// Without a digest, returns the set. With its digest, applies the action.
///
/// The digest is compared before the first change, and each case is compared with its reviewed version when it is changed. If
/// the request fails half-way, a repetition continues with the remaining cases.
#[utoipa::path(
    post,
    path = "/cases/bulk",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "bulk_carry_out",
    request_body = BulkRequest,
    responses(
        (status = 200, description = "The set of cases; changed if the request named its digest", body = BulkView),
        (status = 409, description = "The set has changed since it was reviewed, or the brake holds no case", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn carry_out(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    Body(request): Body<BulkRequest>,
) -> Result<Json<BulkView>, ApiError> {
    if request.filter == Filter::default() {
        return Err(wrong("filter", "expected at least one of: state, held, source, site, requested_by, attention"));
    }
    request.filter.require_known_names(&admin).await?;
    let transition = request.transition(&admin, &caller)?;
    if let (Transition::Released { .. }, Some(Hold::Brake), Some(source)) =
        (&transition, request.filter.held, &request.filter.source)
    {
        return release_source(&admin, &caller, source, &request).await;
    }
    let cases = admin.store.open_cases(&request.filter.query()).await?;
    let now = admin.clock.now();
    let allowed = |case: &Case| is_allowed(case, &transition, &caller, now);
    let cases: Vec<Case> = cases.into_iter().filter(allowed).collect();
    let mut view = view(request.action, &cases);
    let Some(digest) = &request.digest else { return Ok(Json(view)) };
    let reason = non_empty_reason(request.reason.unwrap_or_default())?;
    if *digest != view.digest {
        return Err(ApiError::ChangedSet { count: view.count, digest: view.digest });
    }
    let mut done = 0;
    for batch in cases.chunks(BATCH) {
        if !admin.access.still_accepts(&caller.name, caller.role) {
            return Err(ApiError::TokenChanged { done, count: view.count });
        }
        done += change_batch(&admin, &caller, batch, &transition, &reason).await?;
        admin.wake();
    }
    view.done = Some(done);
    Ok(Json(view))
}

impl BulkRequest {
    fn transition(&self, admin: &AdminState, caller: &Caller) -> Result<Transition, ApiError> {
        Ok(match self.action {
            BulkAction::Approve => {
                let stage = self.stage.ok_or_else(|| wrong("for", "expected one of: revoke, delete"))?;
                caller.require(Role::Approver)?;
                Transition::Approved { by: caller.name.clone(), stage, account: None }
            }
            BulkAction::Cancel => Transition::Cancelled,
            BulkAction::Hold => Transition::Held,
            BulkAction::Release => Transition::Released { enforce: admin.enforce },
            BulkAction::Retry => Transition::Retried,
            BulkAction::Resolve => Transition::Resolved,
        })
    }
}

impl Filter {
    /// Rejects names that match nothing because they are misspelled.
    async fn require_known_names(&self, admin: &AdminState) -> Result<(), ApiError> {
        if let Some(site) = &self.site
            && !admin.sites.contains_key(site)
            && !admin.store.is_known_site(site).await?
        {
            return Err(wrong("filter.site", "no such site"));
        }
        if let Some(source) = &self.source
            && !admin.sources.contains_key(source)
            && !admin.store.is_known_source(source).await?
        {
            return Err(wrong("filter.source", "no such source"));
        }
        Ok(())
    }

    fn query(&self) -> BulkFilter<'_> {
        BulkFilter {
            state: self.state,
            held: self.held,
            source: self.source.as_ref(),
            site: self.site.as_ref(),
            requested_by: self.requested_by.as_deref(),
            attention: self.attention,
        }
    }
}

/// Releases all cases that the brake of a source holds, as `/sources/{name}/release` does.
async fn release_source(
    admin: &AdminState,
    caller: &Caller,
    source: &SourceName,
    request: &BulkRequest,
) -> Result<Json<BulkView>, ApiError> {
    require_configured(admin, source)?;
    let now = admin.clock.now();
    let planned = admin.store.braked_cases(source, now).await?;
    let mut view = view(request.action, &planned);
    let braked = admin.store.braked(source, now).await?;
    let braked = braked.ok_or_else(|| ApiError::Conflict("the brake of this source holds no case".to_owned()))?;
    view.digest = braked.digest;
    let Some(digest) = &request.digest else { return Ok(Json(view)) };
    caller.require(Role::Approver)?;
    let reason = non_empty_reason(request.reason.clone().unwrap_or_default())?;
    let note = Note { by: Some(caller.name.clone()), remark: Some(reason), detail: json!({ "bulk": true }) };
    let mut tx = admin.store.begin().await?;
    let released = tx.release_brake(source, digest, note, now).await?;
    tx.commit().await?;
    view.done = Some(usize::try_from(released).unwrap_or(usize::MAX));
    admin.wake();
    Ok(Json(view))
}

async fn change_batch(
    admin: &AdminState,
    caller: &Caller,
    batch: &[Case],
    transition: &Transition,
    reason: &str,
) -> Result<usize, ApiError> {
    let mut done = 0;
    let mut tx = admin.store.begin().await?;
    for reviewed in batch {
        let Some(record) = tx.case(reviewed.id).await? else { continue };
        // A case that changed since the review is left unchanged.
        let same = record.case.state == reviewed.state
            && digest_of("", [record.case.clone()]) == digest_of("", [reviewed.clone()]);
        if !same || !is_allowed(&record.case, transition, caller, admin.clock.now()) {
            continue;
        }
        let transition = if let Transition::Approved { by, stage, .. } = transition {
            let account = record.account_hash(admin.store.key());
            Transition::Approved { by: by.clone(), stage: *stage, account }
        } else {
            transition.clone()
        };
        let note =
            Note { by: Some(caller.name.clone()), remark: Some(reason.to_owned()), detail: json!({ "bulk": true }) };
        match operate(&mut tx, admin, caller, record, &transition, note).await {
            Ok(_) => done += 1,
            Err(ApiError::Conflict(_) | ApiError::OwnRequest(_)) => {}
            Err(error) => return Err(error),
        }
    }
    tx.commit().await?;
    Ok(done)
}

/// Whether the caller may apply the transition, and whether it changes the case.
pub(crate) fn is_allowed(case: &Case, transition: &Transition, caller: &Caller, now: Timestamp) -> bool {
    let releases = matches!(transition, Transition::Released { .. });
    if releases && case.source.is_none() && case.state == CaseState::Held(Hold::Brake) {
        let own = case.terms.requested_by.as_deref() == Some(caller.name.as_str());
        return caller.role >= Role::Approver && !own;
    }
    let after = case.apply(transition, now);
    after.is_ok_and(|after| after != *case || *transition == Transition::Retried)
}

fn view(action: BulkAction, cases: &[Case]) -> BulkView {
    let continues = matches!(action, BulkAction::Approve | BulkAction::Release | BulkAction::Retry);
    BulkView {
        action,
        count: cases.len(),
        digest: digest_of(action.as_str(), cases.iter().cloned()),
        irreversible: cases.iter().filter(|case| continues && case.terms.action.deletes()).count(),
        done: None,
        cases: cases.iter().take(MAX_LISTED).map(BulkCase::from).collect(),
    }
}

impl From<&Case> for BulkCase {
    fn from(case: &Case) -> Self {
        Self {
            id: case.id,
            state: case.state.name(),
            action: case.terms.action,
            effective_at: case.effective_at,
            delete_at: case.delete_at(),
        }
    }
}

fn wrong(key: &str, problem: &str) -> ApiError {
    ApiError::Body { key: key.to_owned(), problem: problem.to_owned() }
}
