//! `/metrics`: the counters of the daemon's parts, and gauges read from the database at each scrape.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::error::{ApiError, ProblemView};
use super::state::AdminState;
use crate::domain::case::{AttentionReason, Hold, JobKind, StateName};
use crate::domain::ids::SiteName;
use crate::store::{Duty, SourceStatus, Store, StoreError};

/// `OpenMetrics` 1.0, "Overall structure".
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CaseLabels {
    site: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttentionLabels {
    site: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HeldLabels {
    site: String,
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModeLabel {
    mode: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteLabel {
    site: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteKindLabels {
    site: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReplicaLabel {
    settings: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IgnoredLabels {
    source: String,
    word: String,
}

/// The maximum of words per source; the most frequent come first.
const MOST_IGNORED_WORDS: usize = 20;

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    operation_id = "metrics",
    responses(
        (status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text"),
        (status = 503, description = "The database is unavailable", body = ProblemView, content_type = "application/problem+json"),
        (status = 500, description = "An internal error", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn scrape(State(admin): State<Arc<AdminState>>) -> Result<Response, ApiError> {
    let gauges = gauges(&admin).await?;
    let text =
        encode(&[&admin.registry, &gauges]).map_err(|fmt::Error| ApiError::Panicked("a metric cannot be encoded"))?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response())
}

fn encode(registries: &[&Registry]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for registry in registries {
        encode_registry(&mut text, registry)?;
    }
    encode_eof(&mut text)?;
    Ok(text)
}

/// Every configured site and source has a series from the start, at 0: an alert on a missing series never fires (Prometheus,
/// "Instrumentation", "Avoid missing metrics").
async fn gauges(admin: &AdminState) -> Result<Registry, StoreError> {
    let now = admin.clock.now();
    let mut registry = Registry::with_prefix("offboardd");
    registry.register("build", "Version of the daemon", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    registry.register("cases", "Cases by site and state", cases(admin).await?);

    let help = "Requests to the private listener, by route and status";
    registry.register("admin_requests", help, admin.access.requests.clone());

    let standing = admin.store.gauges(now).await?;
    let oldest_due = Gauge::<f64, AtomicU64>::default();
    oldest_due.set(standing.oldest_due.map_or(0.0, |due_at| now.duration_since(due_at).as_secs_f64()));
    let help = "Age of the oldest due job";
    registry.register_with_unit("jobs_oldest_due", help, Unit::Seconds, oldest_due);
    let oldest_erasure = Gauge::<f64, AtomicU64>::default();
    let age = standing.oldest_erasure_request.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
    oldest_erasure.set(age);
    let help = "Age of the oldest open request for erasure";
    registry.register_with_unit("oldest_erasure_request", help, Unit::Seconds, oldest_erasure);
    register_waiting(&mut registry, admin).await?;
    let free_bytes = Gauge::<i64>::default();
    free_bytes.set(admin.free_space.bytes().map_or(-1, whole));
    registry.register("free_bytes", "Free space of the database's file system, -1 if unknown", free_bytes);
    let mode = if admin.enforce { "enforce" } else { "observe" };
    let modes = ["observe", "enforce"].map(|name| (ModeLabel { mode: name }, i64::from(name == mode)));
    registry.register("mode", "1 for the mode of the daemon", labeled(modes));

    let entries = Gauge::<i64>::default();
    entries.set(admin.store.count_journal_entries().await?);
    registry.register("journal_entries", "Entries of the journal; never decreases", entries);

    let fenced = Gauge::<i64>::default();
    fenced.set((!admin.store.fences().await?.is_empty()).into());
    let help = "1 while no change is made at any site because the database was restored or changed by another hand";
    registry.register("fenced", help, fenced);

    registry.register("site_paused", "1 while the site is paused", sites_paused(admin).await?);
    register_health(&mut registry, admin);
    register_replicas(&mut registry, admin).await?;
    let help = "1 while jobs of this kind are paused because the site rejects their call";
    registry.register("site_call_paused", help, calls_paused(admin).await?);
    let help = "Events of the last seven days that the mapping ignored, by the vendor's event name";
    registry.register("events_ignored", help, ignored(admin, now).await?);
    let help = "Time of the last delivery, 0 if there was none";
    let sources = admin.store.sources().await?;
    let of_source = |value: &dyn Fn(&SourceStatus) -> i64| {
        labeled(admin.sources.keys().map(|name| {
            let status = sources.iter().find(|source| source.name == *name);
            (SourceLabel { source: name.to_string() }, status.map_or(0, value))
        }))
    };
    let last = of_source(&|source| source.last_delivery_at.map_or(0, Timestamp::as_second));
    registry.register_with_unit("source_last_delivery_timestamp", help, Unit::Seconds, last);
    let paused = of_source(&|source| source.paused_at.is_some().into());
    registry.register("source_paused", "1 while an operator has paused the source", paused);
    let frozen = of_source(&|source| source.braked_at.is_some().into());
    registry.register("source_frozen", "1 while the brake of the source holds its cases", frozen);
    Ok(registry)
}

/// What waits for a human. The labels of configured sites have a series from the start.
async fn register_waiting(registry: &mut Registry, admin: &AdminState) -> Result<(), StoreError> {
    let overview = admin.store.overview().await?;
    let sites = || admin.sites.keys();
    let reasons = sites().flat_map(|site| AttentionReason::ALL.iter().map(move |reason| (site, *reason, 0)));
    let found = overview.attention.iter().map(|count| (&count.site, count.reason, count.cases));
    let attention = reasons.chain(found).map(|(site, reason, count)| {
        (AttentionLabels { site: site.to_string(), reason: reason.as_str() }, whole(count))
    });
    registry.register("attention", "Cases that need attention, by site and reason", labeled(attention));
    let holds = sites().flat_map(|site| Hold::ALL.iter().map(move |hold| (site, *hold, 0)));
    let found = overview.held.iter().map(|(site, hold, count)| (site, *hold, *count));
    let held = holds
        .chain(found)
        .map(|(site, hold, count)| (HeldLabels { site: site.to_string(), why: hold.as_str() }, whole(count)));
    registry.register("held", "Held cases, by site and by what they wait for", labeled(held));
    for (name, help, count) in [
        ("deliveries_unreadable", "Deliveries that could not be read", overview.unreadable),
        ("deliveries_unread", "Deliveries that are not read yet", overview.unread),
    ] {
        let gauge = Gauge::<i64>::default();
        gauge.set(whole(count));
        registry.register(name, help, gauge);
    }
    Ok(())
}

/// What the latest responses of the sites show.
fn register_health(registry: &mut Registry, admin: &AdminState) {
    let health = |site: &SiteName| (admin.ports.health)(site);
    let last_ok =
        labeled(admin.sites.keys().map(|site| {
            (SiteLabel { site: site.to_string() }, health(site).last_ok_at.map_or(0, Timestamp::as_second))
        }));
    let help = "Time of the site's last successful response since the start, 0 if there was none";
    registry.register_with_unit("site_last_ok_timestamp", help, Unit::Seconds, last_ok);
    let offsets = Family::<SiteLabel, Gauge<f64, AtomicU64>>::default();
    for site in admin.sites.keys() {
        let offset = health(site).clock_offset.unwrap_or_default();
        offsets.get_or_create(&SiteLabel { site: site.to_string() }).set(offset.as_secs_f64());
    }
    let help = "How far this machine's clock is ahead of the site's, by its latest response; 0 before the first";
    registry.register_with_unit("site_clock_offset", help, Unit::Seconds, offsets);
}

/// What this daemon does among the replicas. The only daemon does everything.
async fn register_replicas(registry: &mut Registry, admin: &AdminState) -> Result<(), StoreError> {
    let store = &admin.store;
    let has = |duty: Duty| i64::from(store.term_of(&duty).is_some());
    let sites = admin.sites.keys();
    let sites = sites.map(|site| (SiteLabel { site: site.to_string() }, has(Duty::Site(site.clone()))));
    registry.register("site_worked", "1 while this replica works the site", labeled(sites));
    let background = Gauge::<i64>::default();
    background.set(has(Duty::Background));
    let help = "1 while this replica routes, looks up, notifies, imports and removes for all";
    registry.register("background_duty", help, background);
    let lost = Counter::<u64>::default();
    lost.inc_by(store.terms_lost());
    registry.register("terms_lost", "Terms that ended before this replica renewed them or gave them up", lost);
    let [same, other] = replicas(store).await?;
    let replicas = [("same", same), ("other", other)].map(|(settings, count)| (ReplicaLabel { settings }, count));
    registry.register("replicas", "Live replicas, by whether their settings are those of this one", labeled(replicas));
    Ok(())
}

/// The number of live replicas with the same settings as this one, which is one of them, and with others.
async fn replicas(store: &Store) -> Result<[i64; 2], StoreError> {
    let Some(own) = store.replica_id() else { return Ok([1, 0]) };
    let mut others = store.replicas().await?;
    others.retain(|replica| replica.id != own);
    let settings = store.settings_fingerprint().unwrap_or_default();
    let count = |same: bool| others.iter().filter(|other| (other.settings == settings) == same).count();
    let [same, other] = [true, false].map(|same| whole(u64::try_from(count(same)).unwrap_or(u64::MAX)));
    Ok([same.saturating_add(1), other])
}

/// A family of gauges; a later value of the same labels wins.
fn labeled<L>(series: impl IntoIterator<Item = (L, i64)>) -> Family<L, Gauge>
where
    L: Clone + Eq + Hash,
{
    let family = Family::<L, Gauge>::default();
    for (labels, value) in series {
        family.get_or_create(&labels).set(value);
    }
    family
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

async fn cases(admin: &AdminState) -> Result<Family<CaseLabels, Gauge>, StoreError> {
    let mut counts = BTreeMap::<(SiteName, StateName), u64>::new();
    for site in admin.sites.keys() {
        counts.extend(StateName::ALL.iter().map(|state| ((site.clone(), *state), 0)));
    }
    counts.extend(admin.store.count_cases().await?.into_iter().map(|(site, state, count)| ((site, state), count)));
    let family = Family::<CaseLabels, Gauge>::default();
    for ((site, state), count) in counts {
        let labels = CaseLabels { site: site.into(), state: state.as_str() };
        family.get_or_create(&labels).set(whole(count));
    }
    Ok(family)
}

async fn sites_paused(admin: &AdminState) -> Result<Family<SiteLabel, Gauge>, StoreError> {
    let standing = admin.store.sites().await?;
    let family = Family::<SiteLabel, Gauge>::default();
    for name in admin.sites.keys() {
        let paused = standing.iter().any(|site| site.name == *name && site.paused_at.is_some());
        family.get_or_create(&SiteLabel { site: name.to_string() }).set(i64::from(paused));
    }
    Ok(family)
}

async fn calls_paused(admin: &AdminState) -> Result<Family<SiteKindLabels, Gauge>, StoreError> {
    let standing = admin.store.sites().await?;
    let family = Family::<SiteKindLabels, Gauge>::default();
    for name in admin.sites.keys() {
        let paused = standing.iter().find(|site| site.name == *name).map_or(&[][..], |site| &site.paused_kinds);
        for kind in JobKind::ALL {
            let labels = SiteKindLabels { site: name.to_string(), kind: kind.as_str() };
            family.get_or_create(&labels).set(i64::from(paused.iter().any(|paused| paused.kind == *kind)));
        }
    }
    Ok(family)
}

async fn ignored(admin: &AdminState, now: Timestamp) -> Result<Family<IgnoredLabels, Gauge>, StoreError> {
    let words = admin.store.ignored_words(now).await?;
    let family = Family::<IgnoredLabels, Gauge>::default();
    for name in admin.sources.keys() {
        for ignored in words.iter().filter(|ignored| ignored.source == *name).take(MOST_IGNORED_WORDS) {
            let labels = IgnoredLabels { source: name.to_string(), word: ignored.word.clone() };
            family.get_or_create(&labels).set(whole(ignored.count));
        }
    }
    Ok(family)
}
