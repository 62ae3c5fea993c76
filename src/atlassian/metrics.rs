//! What the calls to Atlassian look like from outside.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::call::Call;

/// How many calls, with what status, and how long they took. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<CallLabel, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    call: &'static str,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabel {
    call: &'static str,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Status(u16),
    /// Nothing, or not everything, came in time.
    Timeout,
    /// The connection broke.
    Reset,
    /// There was no connection, or the answer was of no use.
    Error,
}

impl Metrics {
    /// Makes the metrics known to `registry`, which adds `_total` and `_seconds` to their names.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        metrics.register_in(registry);
        metrics
    }

    pub(super) fn register_in(&self, registry: &mut Registry) {
        registry.register(
            "offboardd_atlassian_requests",
            "Requests to Atlassian, by call and by the status that came back",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "offboardd_atlassian_request_duration",
            "How long requests to Atlassian took",
            Unit::Seconds,
            self.durations.clone(),
        );
    }

    pub(super) fn observe(&self, call: Call, ending: Ending, took: Duration) {
        let call = call.as_str();
        self.requests.get_or_create(&RequestLabels { call, status: ending.label() }).inc();
        self.durations.get_or_create(&CallLabel { call }).observe(took.as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { requests: Family::default(), durations: Family::new_with_constructor(buckets) }
    }
}

impl Ending {
    pub(super) fn label(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Timeout => "timeout".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Error => "error".to_owned(),
        }
    }
}

fn buckets() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn the_names_are_those_of_the_contract() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.observe(Call::Revoke, Ending::Status(204), Duration::from_millis(40));
        metrics.observe(Call::Revoke, Ending::Timeout, Duration::from_secs(30));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "offboardd_atlassian_requests_total{call=\"revoke\",status=\"204\"} 1",
            "offboardd_atlassian_requests_total{call=\"revoke\",status=\"timeout\"} 1",
            "offboardd_atlassian_request_duration_seconds_count{call=\"revoke\"} 2",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}
