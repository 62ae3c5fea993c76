//! The events that are read out of a delivery.

use jiff::Timestamp;
use jiff::civil;
use serde::{Deserialize, Serialize};

use super::named;
use super::person::{EmailAddress, Person};

/// One fact about one person, read out of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    #[serde(rename = "type")]
    pub event_type: EventType,
    pub person: Person,
    /// The email address before an `email_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_email: Option<EmailAddress>,
    pub effective: Effective,
    /// The source's time of the event; orders events about the same person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// The company of a `company_departed`; its customers are the persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Company>,
}

/// A customer company: by the domain of its email addresses, or by the organization at the site.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Company {
    /// In its canonical spelling.
    Domain(String),
    /// The id or the name.
    Organization(String),
}

impl std::fmt::Debug for Company {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Domain(_) => "Domain(…)",
            Self::Organization(_) => "Organization(…)",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// The person left, or will leave.
    Departed,
    /// The departure was cancelled.
    DepartureCancelled,
    /// The person returned.
    Returned,
    /// The person has another email address.
    EmailChanged,
    /// The person requested erasure.
    ErasureRequested,
    /// Every customer of the company left.
    CompanyDeparted,
    /// Id and email address belong together.
    Profile,
    /// Not relevant for offboarding.
    Ignored,
}

named!(EventType {
    Departed = "departed",
    DepartureCancelled = "departure_cancelled",
    Returned = "returned",
    EmailChanged = "email_changed",
    ErasureRequested = "erasure_requested",
    CompanyDeparted = "company_departed",
    Profile = "profile",
    Ignored = "ignored",
});

/// When an event takes effect, as precisely as the source stated it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// The source stated no time.
    #[default]
    Immediately,
    At(Timestamp),
    /// A day in the policy's time zone.
    On(civil::Date),
    /// A time of day in the policy's time zone.
    Local(civil::DateTime),
}
