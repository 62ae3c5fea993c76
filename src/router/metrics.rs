//! The metrics of the router.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::domain::ids::SourceName;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    source: String,
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

#[derive(Debug, Clone)]
pub struct Metrics {
    events: Family<Labels, Counter>,
    reused_ids: Family<OfSource, Counter>,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self { events: Family::default(), reused_ids: Family::default() };
        registry.register("offboardd_events", "Events read out of deliveries", metrics.events.clone());
        let help = "Deliveries with the id of an earlier one and another body";
        registry.register("offboardd_deliveries_reused_id", help, metrics.reused_ids.clone());
        metrics
    }

    pub(super) fn count(&self, source: &SourceName, event_type: &'static str) {
        self.events.get_or_create(&Labels { source: source.to_string(), r#type: event_type }).inc();
    }

    pub(super) fn count_reused_id(&self, source: &SourceName) {
        self.reused_ids.get_or_create(&OfSource { source: source.to_string() }).inc();
    }
}
