//! What a delivery says about a person.

use jiff::Timestamp;
use jiff::civil;
use serde::{Deserialize, Serialize};

use super::named;
use super::person::{EmailAddress, Person};

/// One fact about one person, read out of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// To whom.
    pub person: Person,
    /// The address before an `email_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_email: Option<EmailAddress>,
    /// From when on it counts.
    pub effective: Effective,
    /// When the source says that it happened; orders events about the same person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// The person left, or will leave.
    Departed,
    /// The departure was taken back.
    DepartureCancelled,
    /// The person came back.
    Returned,
    /// The person has another address.
    EmailChanged,
    /// The person asked to be forgotten.
    ErasureRequested,
    /// Id and address belong together; nothing else.
    Profile,
    /// Nothing that concerns us.
    Ignored,
}

named!(EventType {
    Departed = "departed",
    DepartureCancelled = "departure_cancelled",
    Returned = "returned",
    EmailChanged = "email_changed",
    ErasureRequested = "erasure_requested",
    Profile = "profile",
    Ignored = "ignored",
});

/// From when on an event counts, as exactly as the source said it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// Nothing was said: at once.
    #[default]
    Immediately,
    /// An instant.
    At(Timestamp),
    /// A day in the policy's time zone.
    On(civil::Date),
    /// A time of day without a zone: the policy's.
    Local(civil::DateTime),
}
