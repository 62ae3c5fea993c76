//! One consequence of an event: its facts, and the sentence of the command line.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::event::EventType;
use crate::domain::policy::{Action, Detach};

/// `local` is a time in the zone of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Consequence {
    /// The whole delivery waits for a human.
    Unreadable,
    Ignored {
        preset: Option<String>,
    },
    IgnoredByPolicy {
        event: EventType,
    },
    AddressStored,
    /// An open case is stopped, as far as it can be.
    Stops,
    NothingWithoutCase,
    EachCustomer,
    /// The account of the previous address, never the one of the new address.
    OldAddressOnly,
    /// The event names no previous address.
    StoredOldAddress,
    /// The event names no address.
    StoredAddress {
        lookup: Lookup,
    },
    Policy {
        event: EventType,
        action: Action,
    },
    Effective {
        at: Timestamp,
        local: String,
        basis: Basis,
        zone: String,
    },
    Revoked {
        approvals: u8,
    },
    Detached {
        from: Vec<Detach>,
    },
    Deleted {
        after_grace: bool,
        at: Timestamp,
        local: String,
        approvals: u8,
    },
    Brake {
        per_hour: u32,
        per_day: u32,
    },
    /// The mode is `observe`.
    Observed,
}

/// Whether the vendor is queried for a missing email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lookup {
    Configured,
    /// The preset has a lookup, and the settings do not configure it.
    Available,
    None,
}

/// What the effective time follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Basis {
    Arrival,
    Instant,
    LocalTime,
    StartOfDay,
    EndOfDay,
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => {
                f.write_str("the delivery is stored as unreadable, needs attention, and can be replayed")
            }
            Self::Ignored { preset } => {
                f.write_str("ignored: not relevant, or incomplete")?;
                preset
                    .as_ref()
                    .map_or(Ok(()), |preset| write!(f, "; `offboardd preset show {preset}` lists the events"))
            }
            Self::IgnoredByPolicy { event } => write!(f, "ignored by the policy: `{event} = \"ignore\"`"),
            Self::AddressStored => f.write_str("the email address of this id is stored"),
            Self::Stops => f.write_str(
                "stops an open case of this person: before the revoke the case is cancelled; after it the deletion is \
                 cancelled and access must be granted again manually; in the deletion grace it is too late",
            ),
            Self::NothingWithoutCase => f.write_str("does nothing without an open case"),
            Self::EachCustomer => {
                f.write_str("the company's customers at the site are listed; each is offboarded as one departure")
            }
            Self::OldAddressOnly => {
                f.write_str("applies to the account of the old address; the new address is never touched")
            }
            Self::StoredOldAddress => f.write_str(
                "no old address: the stored address of this id is used; otherwise the case needs attention: no_email",
            ),
            Self::StoredAddress { lookup } => write!(
                f,
                "no email address: the stored address of this id is used; {}otherwise the case needs attention: no_email",
                match lookup {
                    Lookup::Configured => "otherwise the vendor is queried; ",
                    Lookup::Available => "otherwise the vendor is queried, if [sources.NAME.lookup] is configured; ",
                    Lookup::None => "",
                }
            ),
            Self::Policy { event, action } => write!(f, "policy: `{event} = \"{action}\"`"),
            Self::Effective { local, basis, zone, .. } => match basis {
                Basis::Arrival => write!(f, "effective {local}: the event has no date, so it takes effect on arrival"),
                Basis::Instant => write!(f, "effective {local}: the given instant"),
                Basis::LocalTime => write!(f, "effective {local}: the given time in {zone}"),
                Basis::StartOfDay => write!(f, "effective {local}: the start of the given day in {zone}"),
                Basis::EndOfDay => write!(f, "effective {local}: the end of the given day in {zone}"),
            },
            Self::Revoked { approvals } => write!(f, "access is revoked {}", approved(*approvals)),
            Self::Detached { from } => {
                let from: Vec<_> = from.iter().map(|what| what.as_str()).collect();
                write!(f, "then the account is removed from: {}", from.join(", "))
            }
            Self::Deleted { after_grace, local, approvals, .. } => {
                let grace = if *after_grace { "after the local grace, " } else { "" };
                write!(f, "{grace}not before {local}, the account is deleted {}", approved(*approvals))
            }
            Self::Brake { per_hour, per_day } => {
                write!(f, "the brake holds all cases of this source after {per_hour} in an hour or {per_day} in a day")
            }
            Self::Observed => {
                f.write_str("mode is \"observe\": the steps are planned and held, and nothing is changed at Atlassian")
            }
        }
    }
}

fn approved(people: u8) -> String {
    match people {
        0 => "without approval".to_owned(),
        1 => "after 1 approval".to_owned(),
        people => format!("after {people} approvals by different people"),
    }
}
