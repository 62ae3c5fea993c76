//! Metrics of the intake.

use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use super::log_aggregator::{LogAggregator, LogKey};
use crate::domain::ids::SourceName;
use crate::domain::named;
use crate::domain::recent_rejections::RecentRejections;

/// The result of a request, as the label `verdict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryOutcome {
    Accepted,
    Duplicate,
    /// Missing or invalid signature.
    Unauthorized,
    /// Valid signature with a time outside the window.
    Stale,
    TooLarge,
    /// Wrong method, incomplete body, or our own failure.
    Error,
}

named!(DeliveryOutcome {
    Accepted = "accepted",
    Duplicate = "duplicate",
    Unauthorized = "unauthorized",
    Stale = "stale",
    TooLarge = "too_large",
    Error = "error",
});

impl DeliveryOutcome {
    /// Whether the request was rejected for what the vendor sent.
    const fn is_rejection(self) -> bool {
        match self {
            Self::Unauthorized | Self::Stale | Self::TooLarge => true,
            Self::Accepted | Self::Duplicate | Self::Error => false,
        }
    }
}

impl EncodeLabelValue for DeliveryOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    source: String,
    verdict: DeliveryOutcome,
}

#[derive(Debug, Clone)]
pub struct Metrics {
    deliveries: Family<Labels, Counter>,
    commit_duration: Histogram,
    commit_batch_size: Histogram,
    log_aggregator: LogAggregator,
    recent_rejections: Arc<RecentRejections>,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            deliveries: Family::default(),
            commit_duration: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            commit_batch_size: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            log_aggregator: LogAggregator::default(),
            recent_rejections: Arc::default(),
        };
        registry.register("offboardd_deliveries", "Webhook requests by source and verdict", metrics.deliveries.clone());
        registry.register(
            "offboardd_commit_duration_seconds",
            "Duration of a durable commit of deliveries",
            metrics.commit_duration.clone(),
        );
        registry.register(
            "offboardd_commit_batch_size",
            "Number of deliveries per commit",
            metrics.commit_batch_size.clone(),
        );
        metrics
    }

    /// Logs the aggregated counts until `stopping`.
    pub async fn run_log(self, stopping: CancellationToken) {
        self.log_aggregator.run(stopping).await;
    }

    /// Counts an event for the aggregated log.
    pub(super) fn note(&self, source: &SourceName, what: LogKey) {
        self.log_aggregator.add(source, what);
    }

    /// The rejections of the last hour, for the status.
    pub fn recent_rejections(&self) -> Arc<RecentRejections> {
        Arc::clone(&self.recent_rejections)
    }

    pub(super) fn count(&self, source: &SourceName, verdict: DeliveryOutcome, now: Timestamp) {
        if verdict.is_rejection() {
            self.recent_rejections.add(source, verdict.as_str(), now);
        }
        self.deliveries.get_or_create(&Labels { source: source.to_string(), verdict }).inc();
    }

    pub(super) fn committed(&self, deliveries: usize, seconds: f64) {
        self.commit_duration.observe(seconds);
        self.commit_batch_size.observe(f64::from(u32::try_from(deliveries).unwrap_or(u32::MAX)));
    }
}
