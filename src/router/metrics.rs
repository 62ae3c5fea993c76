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

#[derive(Debug, Clone)]
pub struct Metrics {
    events: Family<Labels, Counter>,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self { events: Family::default() };
        registry.register("offboardd_events", "Events read out of deliveries", metrics.events.clone());
        metrics
    }

    pub(super) fn count(&self, source: &SourceName, event_type: &'static str) {
        self.events.get_or_create(&Labels { source: source.to_string(), r#type: event_type }).inc();
    }
}
