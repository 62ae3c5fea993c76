//! What the worker counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::domain::case::JobKind;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: &'static str,
    outcome: &'static str,
}

/// What the worker counts.
#[derive(Debug, Clone)]
pub struct Metrics {
    jobs: Family<Labels, Counter>,
}

impl Metrics {
    /// Adds the worker's metrics to a registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self { jobs: Family::default() };
        registry.register("offboardd_jobs", "Attempts of jobs, by what they came to", metrics.jobs.clone());
        metrics
    }

    pub(super) fn count(&self, kind: JobKind, outcome: &'static str) {
        self.jobs.get_or_create(&Labels { kind: kind.as_str(), outcome }).inc();
    }
}
