//! The metrics of the worker.

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

#[derive(Debug, Clone)]
pub struct Metrics {
    jobs: Family<Labels, Counter>,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self { jobs: Family::default() };
        registry.register("offboardd_jobs", "Attempts of jobs by kind and outcome", metrics.jobs.clone());
        metrics
    }

    pub(super) fn count(&self, kind: JobKind, outcome: &'static str) {
        self.jobs.get_or_create(&Labels { kind: kind.as_str(), outcome }).inc();
    }
}
