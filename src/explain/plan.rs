//! The consequences of one event under a policy, in sentences.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::brake::Brake;
use crate::domain::event::{Effective, Event, EventType};
use crate::domain::policy::{Action, Approvals, DayEdge, Policy};

#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) preset: Option<&'a str>,
    pub(crate) lookup: Lookup,
    /// Whether the mode is `observe`.
    pub(crate) observes: bool,
}

/// Whether the vendor is queried for a missing email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    Configured,
    /// The preset has a lookup, and the settings do not configure it.
    Available,
    None,
}

/// The policy that is assumed for a preset without a source.
pub(crate) fn neutral() -> Policy {
    Policy {
        departed: Action::RevokeThenDelete,
        email_changed: Action::Ignore,
        erasure_requested: Action::Delete,
        local_grace: SignedDuration::from_hours(30 * 24),
        timezone: TimeZone::UTC,
        effective: DayEdge::EndOfDay,
        approvals: Approvals::default(),
        detach: Vec::new(),
        reinvite: false,
        brake: Brake::default(),
        erasure_within: SignedDuration::from_hours(28 * 24),
    }
}

impl Circumstances<'_> {
    /// Returns the effective time of an event that arrives `now`, and its consequences.
    pub(super) fn plan(&self, event: &Event, now: Timestamp) -> (Option<Timestamp>, Vec<String>) {
        match event.event_type {
            EventType::Ignored => {
                let why = self.preset.map(|preset| format!("; `offboardd preset show {preset}` lists the events"));
                (None, vec![format!("ignored: not relevant, or incomplete{}", why.unwrap_or_default())])
            }
            EventType::Profile => (None, vec!["the email address of this id is stored".to_owned()]),
            EventType::DepartureCancelled | EventType::Returned => {
                let mut then = self.explain_address(event);
                then.push(
                    "stops an open case of this person: before the revoke the case is cancelled; after it the deletion is \
                     cancelled and access must be granted again manually; in the deletion grace it is too late"
                        .to_owned(),
                );
                then.push("does nothing without an open case".to_owned());
                (None, then)
            }
            EventType::CompanyDeparted => {
                let (at, mut then) = self.offboarding(event, now);
                then.insert(
                    0,
                    "the company's customers at the site are listed; each is offboarded as one departure".into(),
                );
                (at, then)
            }
            EventType::Departed | EventType::EmailChanged | EventType::ErasureRequested => self.offboarding(event, now),
        }
    }

    fn offboarding(&self, event: &Event, now: Timestamp) -> (Option<Timestamp>, Vec<String>) {
        let action = self.policy.action(event.event_type).unwrap_or_default();
        let is_company = event.event_type == EventType::CompanyDeparted;
        let key = if is_company { EventType::Departed } else { event.event_type };
        if action == Action::Ignore {
            return (None, vec![format!("ignored by the policy: `{key} = \"ignore\"`")]);
        }
        let at = self.policy.effective_at(event.effective, now);
        let mut then = if is_company { Vec::new() } else { self.explain_address(event) };
        then.push(format!("policy: `{key} = \"{action}\"`"));
        then.push(format!("effective {}: {}", self.local(at), self.explain_time(event.effective)));
        let deleted_at = if action.revokes() {
            then.push(format!("access is revoked {}", approved(self.policy.approvals.revoke)));
            if !self.policy.detach.is_empty() {
                let left: Vec<_> = self.policy.detach.iter().map(|what| what.as_str()).collect();
                then.push(format!("then the account is removed from: {}", left.join(", ")));
            }
            at.saturating_add(self.policy.local_grace).unwrap_or(Timestamp::MAX)
        } else {
            at
        };
        if action.deletes() {
            let grace = if action.revokes() { "after the local grace, " } else { "" };
            let approved = approved(self.policy.approvals.delete);
            then.push(format!("{grace}not before {}, the account is deleted {approved}", self.local(deleted_at)));
        }
        let Brake { per_hour, per_day } = self.policy.brake;
        then.push(format!(
            "the brake holds all cases of this source after {per_hour} in an hour or {per_day} in a day"
        ));
        if self.observes {
            then.push(
                "mode is \"observe\": the steps are planned and held, and nothing is changed at Atlassian".to_owned(),
            );
        }
        (Some(at), then)
    }

    /// Returns how the account is identified, unless the event names its address.
    fn explain_address(&self, event: &Event) -> Vec<String> {
        let changes = event.event_type == EventType::EmailChanged;
        let named = if changes { event.old_email.as_ref() } else { event.person.email.as_ref() };
        let mut then = Vec::new();
        match named {
            Some(_) if changes => then.push("applies to the account of the old address; the new address is never touched".into()),
            Some(_) => {}
            None if changes => then.push(
                "no old address: the stored address of this id is used; otherwise the case needs attention: no_email"
                    .to_owned(),
            ),
            None => then.push(format!(
                "no email address: the stored address of this id is used; {}otherwise the case needs attention: no_email",
                match self.lookup {
                    Lookup::Configured => "otherwise the vendor is queried; ",
                    Lookup::Available => "otherwise the vendor is queried, if [sources.NAME.lookup] is configured; ",
                    Lookup::None => "",
                }
            )),
        }
        then
    }

    fn explain_time(&self, effective: Effective) -> String {
        let zone = self.policy.timezone.iana_name().unwrap_or("the zone of the policy");
        match effective {
            Effective::Immediately => "the event has no date, so it takes effect on arrival".to_owned(),
            Effective::At(_) => "the given instant".to_owned(),
            Effective::Local(_) => format!("the given time in {zone}"),
            Effective::On(_) => {
                let edge = match self.policy.effective {
                    DayEdge::EndOfDay => "end",
                    DayEdge::StartOfDay => "start",
                };
                format!("the {edge} of the given day in {zone}")
            }
        }
    }

    fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.policy.timezone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

fn approved(people: u8) -> String {
    match people {
        0 => "without approval".to_owned(),
        1 => "after 1 approval".to_owned(),
        people => format!("after {people} approvals by different people"),
    }
}
