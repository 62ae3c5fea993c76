//! `/sources`: who was heard when, and whether anybody listens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::List;
use super::extract::{Body, Params, ReasonBody, SourcePath};
use super::offered_secrets::OfferedSecretView;
use crate::admin::auth::{Approver, Caller, Operator, Viewer};
use crate::admin::error::ApiError;
use crate::admin::{AdminState, ConfiguredSource};
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::store::{Braked, Note, SourceStanding};

/// A source as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceView {
    /// Its name.
    pub name: SourceName,
    /// Where its people have their accounts.
    pub site: SiteName,
    /// What its events lead to.
    pub policy: PolicyName,
    /// How it signs and speaks.
    pub preset: Option<String>,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// When it was last heard.
    pub last_delivery_at: Option<Timestamp>,
    /// After how many seconds without a word something is wrong.
    pub quiet_after_seconds: Option<i64>,
    /// Nothing has come for longer than that.
    pub quiet: bool,
    /// What its brake holds; `None` while it did not trip.
    pub brake: Option<BrakeView>,
    /// Secrets that its vendor offered and that nobody accepted yet, the oldest first.
    #[serde(default)]
    pub offered: Vec<OfferedSecretView>,
    /// Since when the oldest of them waits.
    #[serde(default)]
    pub offered_at: Option<Timestamp>,
    /// How many secrets were accepted; they count besides those of the settings.
    #[serde(default)]
    pub accepted_secrets: usize,
    /// Whose address its vendor is asked for; `None` while nobody waits for one.
    #[serde(default)]
    pub lookup: Option<LookupView>,
    /// The vendor's words that were passed over in the last seven days, the most frequent first.
    #[serde(default)]
    pub ignored: Vec<IgnoredView>,
}

/// A word of the vendor's that was passed over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IgnoredView {
    /// The word.
    pub word: String,
    /// How often.
    pub count: u64,
}

/// Who waits for an address, as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookupView {
    /// How many people.
    pub waiting: u32,
    /// ReasonBody asking for one of them failed.
    pub problem: Option<String>,
}

/// A brake that tripped, as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BrakeView {
    /// Since when.
    pub since: Timestamp,
    /// Which limit was passed, and by how much.
    pub why: String,
    /// How many were carried out of how many, in words.
    pub message: String,
    /// How many cases are held.
    pub held: u32,
    /// How many of the same flood were carried out before.
    pub carried_out: u32,
    /// Names exactly what a release would do (each case, its action and dates): to be sent with the release.
    pub digest: String,
}

impl From<Braked> for BrakeView {
    fn from(braked: Braked) -> Self {
        let of = braked.held.saturating_add(braked.carried_out);
        let message = format!("{} of {of} carried out", braked.carried_out);
        let Braked { since, why, held, carried_out, digest } = braked;
        Self { since, why, message, held, carried_out, digest }
    }
}

/// The sources of the settings.
pub(super) async fn list(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<List<SourceView>>, ApiError> {
    params.finish()?;
    Ok(Json(List::whole(views(&admin, &caller).await?)))
}

/// With `PAUSED`, asks a source's webhooks to come again later and lets its jobs wait; without, hears it again.
///
/// A reason is taken as everywhere, and not kept: there is no case with whose key it could be sealed.
pub(super) async fn set_paused<const PAUSED: bool>(
    Operator(caller): Operator,
    State(admin): State<Arc<AdminState>>,
    SourcePath(name): SourcePath,
    Body(_): Body<ReasonBody>,
) -> Result<Json<SourceView>, ApiError> {
    require_configured(&admin, &name)?;
    let now = admin.clock.now();
    let mut tx = admin.store.begin().await?;
    if PAUSED {
        tx.pause_source(&name, &caller.name, now).await?;
    } else {
        tx.resume_source(&name, &caller.name, now).await?;
    }
    tx.commit().await?;
    changed(&admin, &name, &caller).await
}

/// What lets a braked batch go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    digest: String,
    #[serde(default)]
    reason: Option<String>,
}

/// Lets exactly the cases go that were looked at: whoever is on the list now must have been on it then.
pub(super) async fn release(
    Approver(caller): Approver,
    State(admin): State<Arc<AdminState>>,
    SourcePath(name): SourcePath,
    Body(request): Body<Release>,
) -> Result<Json<SourceView>, ApiError> {
    require_configured(&admin, &name)?;
    let note = Note { by: Some(caller.name.clone()), remark: request.reason, detail: serde_json::Value::Null };
    let mut tx = admin.store.begin().await?;
    match tx.release_brake(&name, &request.digest, note, admin.clock.now()).await? {
        Ok(released) => tracing::info!(source = %name, released, "the brake was released"),
        Err(refused) => return Err(ApiError::Refused(refused.to_string())),
    }
    tx.commit().await?;
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

async fn views(admin: &AdminState, caller: &Caller) -> Result<Vec<SourceView>, ApiError> {
    let now = admin.clock.now();
    let standing = admin.store.sources().await?;
    let offers = admin.store.offers().await?;
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

fn view(
    name: &SourceName,
    configured: &ConfiguredSource,
    standing: Option<&SourceStanding>,
    now: Timestamp,
) -> SourceView {
    let last_delivery_at = standing.and_then(|standing| standing.last_delivery_at);
    let silence = last_delivery_at.map(|heard| now.duration_since(heard));
    SourceView {
        name: name.clone(),
        site: configured.site.clone(),
        policy: configured.policy.clone(),
        preset: configured.preset.clone(),
        paused_at: standing.and_then(|standing| standing.paused_at),
        paused_by: standing.and_then(|standing| standing.paused_by.clone()),
        last_delivery_at,
        quiet_after_seconds: configured.quiet_after.map(|quiet_after| quiet_after.as_secs()),
        quiet: silence.zip(configured.quiet_after).is_some_and(|(silence, quiet_after)| silence > quiet_after),
        brake: None,
        offered: Vec::new(),
        offered_at: None,
        accepted_secrets: 0,
        lookup: None,
        ignored: Vec::new(),
    }
}
