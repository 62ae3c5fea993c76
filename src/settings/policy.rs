//! `[policies.NAME]`: what a source's events lead to.

use std::collections::HashSet;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::duration::Duration;
use super::near::nearest;
use super::problem::Problem;
use super::{defaults, text};
use crate::domain::brake::Brake;
use crate::domain::policy::{Action, Approvals, DayEdge, Detach, Policy};

/// `[policies.NAME]`: what a source's events lead to. Nothing is destroyed that was not written here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTable {
    /// What a departure leads to: `ignore`, `revoke`, `revoke_then_delete` or `delete`. No default.
    pub departed: Action,
    /// What a new address leads to, for the account of the old one; the same choices. Default `ignore`.
    #[serde(default)]
    pub email_changed: Action,
    /// What a request for erasure leads to; the same choices. Default `ignore`.
    #[serde(default)]
    pub erasure_requested: Action,
    /// Our own wait between revoking and deleting. Default `"30d"`.
    #[serde(default = "defaults::local_grace")]
    pub local_grace: Duration,
    /// Where a day begins and ends. Default `"UTC"`.
    #[serde(default = "defaults::timezone")]
    pub timezone: Zone,
    /// Which end of a day counts when a source gives no time: `end-of-day` (default) or `start-of-day`.
    #[serde(default)]
    pub effective: DayEdge,
    /// How many different people must approve: `{ revoke = 0, delete = 0 }` unless written.
    #[serde(default)]
    pub approvals: Approvals,
    /// What else the person leaves after the revoke: `organizations`, `service_desks`, `participants`. Default: nothing.
    #[serde(default)]
    pub detach: Vec<Detach>,
    /// Whether a person who came back too late is invited anew after the deletion grace. Default `false`.
    #[serde(default)]
    pub reinvite: bool,
    /// How many departures are believed: `{ per_hour = 25, per_day = 100 }` unless written. There is no off switch.
    #[serde(default)]
    pub brake: Brake,
}

impl PolicyTable {
    pub(super) fn convert(&self) -> Result<Policy, Problem> {
        for (key, limit) in [("per_hour", self.brake.per_hour), ("per_day", self.brake.per_day)] {
            if limit == 0 {
                return Err(Problem::at(key, "a brake that lets nobody through: write 1 or more").under("brake"));
            }
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.detach.iter().position(|detach| !seen.insert(*detach)) {
            return Err(Problem::here("written twice").under_index(twice).under("detach"));
        }
        Ok(Policy {
            departed: self.departed,
            email_changed: self.email_changed,
            erasure_requested: self.erasure_requested,
            local_grace: self.local_grace.get(),
            timezone: self.timezone.0.clone(),
            effective: self.effective,
            approvals: self.approvals,
            detach: self.detach.clone(),
            reinvite: self.reinvite,
            brake: self.brake,
        })
    }
}

/// A time zone by its name in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);
}

impl FromStr for Zone {
    type Err = BadZone;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        TimeZone::get(name).map(Self).map_err(|_ignored| {
            let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
            BadZone { instead: nearest(name, known.iter().map(String::as_str)).map(str::to_owned) }
        })
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, "a time zone like \"Europe/Berlin\"")
    }
}

/// A name that is no time zone's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no time zone has this name: {}", instead.as_ref().map_or_else(
    || "write one of the IANA database, like \"Europe/Berlin\" or \"UTC\"".to_owned(),
    |name| format!("did you mean \"{name}\"?"),
))]
pub struct BadZone {
    /// What was meant, as far as one can tell.
    pub instead: Option<String>,
}
