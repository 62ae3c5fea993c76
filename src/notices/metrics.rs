//! The number of messages by channel and outcome.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What became of an attempt or of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    /// The channel accepted the message.
    Sent,
    /// An attempt failed; it is repeated.
    Failed,
    /// The channel did not accept the message within `retry.give_up_after`.
    GivenUp,
    /// Too many messages waited for the channel.
    Dropped,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Sent, Self::Failed, Self::GivenUp, Self::Dropped];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Dropped => "dropped",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    channel: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone)]
pub struct Metrics(Family<Labels, Counter>);

impl Metrics {
    /// Every series is there from the beginning, so that the first failure is an increase.
    pub fn register(registry: &mut Registry) -> Self {
        let notices = Family::<Labels, Counter>::default();
        for channel in ["webhook", "chat", "mail"] {
            for outcome in Outcome::ALL {
                drop(notices.get_or_create(&Labels { channel, outcome: outcome.as_str() }));
            }
        }
        registry.register("offboardd_notices", "Messages to people by channel and outcome", notices.clone());
        Self(notices)
    }

    pub(super) fn count(&self, channel: &'static str, outcome: Outcome, count: u64) {
        self.0.get_or_create(&Labels { channel, outcome: outcome.as_str() }).inc_by(count);
    }
}
