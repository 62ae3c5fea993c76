//! `/sources`: list, pause, resume, release.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Params, ReasonBody, SourcePath};
use super::list::List;
use crate::admin::auth::{Approver, Caller, Operator, Viewer};
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::state::{AdminState, ConfiguredSource};
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::store::{BrakeStatus, Note, OfferedSecret, SourceStatus};

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct SourceView {
    pub(crate) name: SourceName,
    /// The first one of `sites`.
    pub(crate) site: Option<SiteName>,
    pub(crate) sites: Vec<SiteName>,
    pub(crate) policy: PolicyName,
    pub(crate) preset: Option<String>,
    pub(crate) paused_at: Option<Timestamp>,
    /// The name of the admin token.
    pub(crate) paused_by: Option<String>,
    pub(crate) last_delivery_at: Option<Timestamp>,
    pub(crate) quiet_after_seconds: Option<i64>,
    /// Whether the last delivery is older than `quiet_after_seconds`.
    pub(crate) quiet: bool,
    /// Requests that were refused in the last hour, by reason: `unauthorized`, `stale`, `too_large`.
    #[serde(default)]
    pub(crate) refused: BTreeMap<String, u64>,
    /// `None` unless the brake tripped.
    pub(crate) brake: Option<BrakeView>,
    /// Offered secrets that are not accepted, oldest first.
    #[serde(default)]
    pub(crate) offered: Vec<OfferedSecretView>,
    /// The time of the oldest of them.
    #[serde(default)]
    pub(crate) offered_at: Option<Timestamp>,
    /// The number of accepted secrets, which are valid besides the configured ones.
    #[serde(default)]
    pub(crate) accepted_secrets: usize,
    /// `None` unless lookups are pending.
    #[serde(default)]
    pub(crate) lookup: Option<LookupView>,
    /// Event names that the mapping ignored in the last seven days, most frequent first.
    #[serde(default)]
    pub(crate) ignored: Vec<IgnoredView>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct IgnoredView {
    pub(crate) word: String,
    pub(crate) count: u64,
}

/// The pending lookups of email addresses.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct LookupView {
    /// The number of persons.
    pub(crate) waiting: u32,
    /// The failure of one of them.
    pub(crate) problem: Option<String>,
}

/// A brake that tripped.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct BrakeView {
    pub(crate) since: Timestamp,
    /// The exceeded limit.
    pub(crate) why: String,
    /// For example `0 of 812 carried out`.
    pub(crate) message: String,
    pub(crate) held: u32,
    /// The number of cases that were carried out before the brake tripped.
    pub(crate) carried_out: u32,
    /// Covers each held case, its action and dates. Required for the release.
    pub(crate) digest: String,
}

impl From<BrakeStatus> for BrakeView {
    fn from(braked: BrakeStatus) -> Self {
        let of = braked.held.saturating_add(braked.carried_out);
        let message = format!("{} of {of} carried out", braked.carried_out);
        let BrakeStatus { since, why, held, carried_out, digest } = braked;
        Self { since, why, message, held, carried_out, digest }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct OfferedSecretView {
    /// Required to accept the secret.
    pub(crate) id: String,
    pub(crate) offered_at: Timestamp,
    /// The secret, if the vendor requires it to be entered manually. `None` for viewers.
    pub(crate) token: Option<String>,
}

impl OfferedSecretView {
    fn of(offer: &OfferedSecret, shown: bool) -> Self {
        let token = shown.then(|| offer.secret.expose_secret().to_owned());
        Self { id: offer.id.clone(), offered_at: offer.offered_at, token }
    }
}

/// The configured sources.
#[utoipa::path(
    get,
    path = "/sources",
    tag = "sources",
    security(("token" = ["viewer"])),
    operation_id = "sources_list",
    responses(
        (status = 200, description = "The configured sources", body = List<SourceView>),
    )
)]
pub(super) async fn list(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<List<SourceView>>, ApiError> {
    params.finish()?;
    Ok(Json(List::whole(views(&admin, &caller).await?)))
}

/// Pauses a source: its deliveries are answered with 503, and its jobs are suspended.
///
/// A reason is accepted and not stored: no case key could seal it.
#[utoipa::path(
    post,
    path = "/sources/{name}/pause",
    tag = "sources",
    security(("token" = ["operator"])),
    operation_id = "sources_pause",
    params(
        ("name" = String, Path, description = "The name of the source"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The paused source", body = SourceView),
    )
)]
pub(super) async fn pause(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    SourcePath(name): SourcePath,
    Body(_): Body<ReasonBody>,
) -> Result<Json<SourceView>, ApiError> {
    require_configured(&admin, &name)?;
    let mut tx = admin.store.begin().await?;
    tx.pause_source(&name, &caller.name, admin.clock.now()).await?;
    tx.commit().await?;
    changed(&admin, &name, &caller).await
}

/// Resumes a paused source.
#[utoipa::path(
    post,
    path = "/sources/{name}/resume",
    tag = "sources",
    security(("token" = ["operator"])),
    operation_id = "sources_resume",
    params(
        ("name" = String, Path, description = "The name of the source"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The resumed source", body = SourceView),
    )
)]
pub(super) async fn resume(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    SourcePath(name): SourcePath,
    Body(_): Body<ReasonBody>,
) -> Result<Json<SourceView>, ApiError> {
    require_configured(&admin, &name)?;
    let mut tx = admin.store.begin().await?;
    tx.resume_source(&name, &caller.name, admin.clock.now()).await?;
    tx.commit().await?;
    changed(&admin, &name, &caller).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    digest: String,
    #[serde(default)]
    reason: Option<String>,
}

/// Releases exactly the reviewed cases. A changed list is rejected.
#[utoipa::path(
    post,
    path = "/sources/{name}/release",
    tag = "sources",
    security(("token" = ["approver"])),
    operation_id = "sources_release",
    params(
        ("name" = String, Path, description = "The name of the source"),
    ),
    request_body = Release,
    responses(
        (status = 200, description = "The released source", body = SourceView),
        (status = 409, description = "The list has changed since it was reviewed, or the brake holds nothing", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn release(
    Approver(caller): Approver,
    State(admin): State<Arc<AdminState>>,
    SourcePath(name): SourcePath,
    Body(request): Body<Release>,
) -> Result<Json<SourceView>, ApiError> {
    require_configured(&admin, &name)?;
    let note = Note { by: Some(caller.name.clone()), remark: request.reason, detail: serde_json::Value::Null };
    let mut tx = admin.store.begin().await?;
    let released = tx.release_brake(&name, &request.digest, note, admin.clock.now()).await?;
    tx.commit().await?;
    tracing::info!(source = %name, count = released, "source {name}: brake released, {released} cases continue");
    changed(&admin, &name, &caller).await
}

pub(super) fn require_configured(admin: &AdminState, name: &SourceName) -> Result<(), ApiError> {
    if admin.sources.contains_key(name) { Ok(()) } else { Err(ApiError::NotFound("source")) }
}

pub(super) async fn changed(
    admin: &AdminState,
    name: &SourceName,
    caller: &Caller,
) -> Result<Json<SourceView>, ApiError> {
    admin.wake();
    let view = views(admin, caller).await?.into_iter().find(|view| view.name == *name);
    view.map(Json).ok_or(ApiError::NotFound("source"))
}

pub(super) async fn views(admin: &AdminState, caller: &Caller) -> Result<Vec<SourceView>, ApiError> {
    let now = admin.clock.now();
    let standing = admin.store.sources().await?;
    let offers = admin.store.offered_secrets().await?;
    let lookups = admin.store.waiting_lookups().await?;
    let ignored = admin.store.ignored_words(now).await?;
    let standing_of = |name: &SourceName| standing.iter().find(|standing| standing.name == *name);
    let mut views = Vec::with_capacity(admin.sources.len());
    for (name, configured) in &admin.sources {
        let brake = admin.store.braked(name, now).await?.map(BrakeView::from);
        let of_source = || offers.iter().filter(|offer| offer.source == *name);
        let offered: Vec<_> = of_source()
            .filter(|offer| offer.accepted_at.is_none())
            .map(|offer| OfferedSecretView::of(offer, configured.echoes_secret && caller.sees_personal_data()))
            .collect();
        let lookup = lookups.iter().find(|lookup| lookup.source == *name);
        views.push(SourceView {
            brake,
            offered_at: offered.first().map(|offer| offer.offered_at),
            accepted_secrets: of_source().count() - offered.len(),
            offered,
            refused: refused(admin, name, now),
            lookup: lookup.map(|found| LookupView { waiting: found.count, problem: found.problem.clone() }),
            ignored: ignored
                .iter()
                .filter(|ignored| ignored.source == *name)
                .map(|ignored| IgnoredView { word: ignored.word.clone(), count: ignored.count })
                .collect(),
            ..view(name, configured, standing_of(name), now)
        });
    }
    Ok(views)
}

fn refused(admin: &AdminState, name: &SourceName, now: Timestamp) -> BTreeMap<String, u64> {
    admin.rejections.of(name, now).into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
}

fn view(
    name: &SourceName,
    configured: &ConfiguredSource,
    standing: Option<&SourceStatus>,
    now: Timestamp,
) -> SourceView {
    let last_delivery_at = standing.and_then(|standing| standing.last_delivery_at);
    let silence = last_delivery_at.map(|last| now.duration_since(last));
    SourceView {
        name: name.clone(),
        site: configured.sites.first().cloned(),
        sites: configured.sites.clone(),
        policy: configured.policy.clone(),
        preset: configured.preset.clone(),
        paused_at: standing.and_then(|standing| standing.paused_at),
        paused_by: standing.and_then(|standing| standing.paused_by.clone()),
        last_delivery_at,
        quiet_after_seconds: configured.quiet_after.map(|quiet_after| quiet_after.as_secs()),
        quiet: silence.zip(configured.quiet_after).is_some_and(|(silence, quiet_after)| silence > quiet_after),
        refused: BTreeMap::new(),
        brake: None,
        offered: Vec::new(),
        offered_at: None,
        accepted_secrets: 0,
        lookup: None,
        ignored: Vec::new(),
    }
}
