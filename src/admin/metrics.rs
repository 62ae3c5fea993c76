//! `/metrics`: the counters of the daemon's parts, and gauges read from the database at each scrape.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::error::ApiError;
use super::state::AdminState;
use crate::domain::case::{JobKind, StateName};
use crate::domain::ids::SiteName;
use crate::store::StoreError;

/// `OpenMetrics` 1.0, "Overall structure".
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CaseLabels {
    site: String,
    state: &'static str,
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
    let attention = Gauge::<i64>::default();
    attention.set(standing.attention.into());
    registry.register("attention", "Cases that need attention", attention);

    let entries = Gauge::<i64>::default();
    entries.set(admin.store.count_journal_entries().await?);
    registry.register("journal_entries", "Entries of the journal; never decreases", entries);

    let fenced = Gauge::<i64>::default();
    fenced.set((!admin.store.fences().await?.is_empty()).into());
    let help = "1 while no change is made at any site because the database was restored or changed by another hand";
    registry.register("fenced", help, fenced);

    registry.register("site_paused", "1 while the site is paused", sites_paused(admin).await?);
    let help = "1 while jobs of this kind are paused because the site rejects their call";
    registry.register("site_call_paused", help, calls_paused(admin).await?);
    let help = "Events of the last seven days that the mapping ignored, by the vendor's event name";
    registry.register("events_ignored", help, ignored(admin, now).await?);
    let help = "Time of the last delivery, 0 if there was none";
    registry.register_with_unit("source_last_delivery_timestamp", help, Unit::Seconds, last_deliveries(admin).await?);
    Ok(registry)
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
        family.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
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
            family.get_or_create(&labels).set(i64::try_from(ignored.count).unwrap_or(i64::MAX));
        }
    }
    Ok(family)
}

async fn last_deliveries(admin: &AdminState) -> Result<Family<SourceLabel, Gauge>, StoreError> {
    let standing = admin.store.sources().await?;
    let family = Family::<SourceLabel, Gauge>::default();
    for name in admin.sources.keys() {
        let last = standing.iter().find(|source| source.name == *name).and_then(|source| source.last_delivery_at);
        family.get_or_create(&SourceLabel { source: name.to_string() }).set(last.map_or(0, Timestamp::as_second));
    }
    Ok(family)
}
