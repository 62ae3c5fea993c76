//! What would be done about one event, in sentences: the policy's words, from the policy itself.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::brake::Brake;
use crate::domain::event::{Effective, Event, EventType};
use crate::domain::policy::{Action, Approvals, DayEdge, Policy};

/// What a source's events are judged by.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    /// What they lead to.
    pub(super) policy: &'a Policy,
    /// Whose words they are.
    pub(super) preset: Option<&'a str>,
    /// Whether somebody is asked for an address that is missing.
    pub(super) lookup: Lookup,
    /// Whether everything is only planned.
    pub(super) observes: bool,
}

/// Who is asked for an address that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The vendor: the settings say so.
    Asks,
    /// The vendor could be: it is ready-made.
    CouldAsk,
    /// Nobody.
    None,
}

/// A policy for those who have none yet.
pub(super) fn neutral() -> Policy {
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
    }
}

impl Circumstances<'_> {
    /// From when on an event would count if it came `now`, and what would be done about it.
    pub(super) fn plan(&self, event: &Event, now: Timestamp) -> (Option<Timestamp>, Vec<String>) {
        match event.event_type {
            EventType::Ignored => {
                let why = self.preset.map(|preset| format!("; `offboardd preset show {preset}` says what does"));
                (None, vec![format!("nothing: it does not concern us, or says too little{}", why.unwrap_or_default())])
            }
            EventType::Profile => {
                (None, vec!["it is remembered that this id and this address belong together".to_owned()])
            }
            EventType::DepartureCancelled | EventType::Returned => {
                let mut then = self.about_the_address(event);
                then.push(
                    "an open case of this person is stopped: before the revoke it is cancelled, after it the deletion \
                     is off and access has to be granted again by hand, in the deletion grace it is too late"
                        .to_owned(),
                );
                then.push("without an open case: nothing".to_owned());
                (None, then)
            }
            EventType::Departed | EventType::EmailChanged | EventType::ErasureRequested => self.offboarding(event, now),
        }
    }

    fn offboarding(&self, event: &Event, now: Timestamp) -> (Option<Timestamp>, Vec<String>) {
        let action = self.policy.action(event.event_type).unwrap_or_default();
        if action == Action::Ignore {
            return (None, vec![format!("nothing: the policy says `{} = \"ignore\"`", event.event_type)]);
        }
        let at = self.policy.effective_at(event.effective, now);
        let mut then = self.about_the_address(event);
        then.push(format!("the policy says `{} = \"{action}\"`", event.event_type));
        then.push(format!("from {} on: {}", self.local(at), self.why_then(event.effective)));
        let deleted_at = if action.revokes() {
            then.push(format!("access is revoked {}", approved(self.policy.approvals.revoke)));
            if !self.policy.detach.is_empty() {
                let left: Vec<_> = self.policy.detach.iter().map(|what| what.as_str()).collect();
                then.push(format!("then the person leaves: {}", left.join(", ")));
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
            "the brake holds everything of this source after {per_hour} in an hour or {per_day} in a day"
        ));
        if self.observes {
            then.push("mode is \"observe\": all of it is planned, read and held, and nothing is changed".to_owned());
        }
        (Some(at), then)
    }

    /// Whose account it would be.
    fn about_the_address(&self, event: &Event) -> Vec<String> {
        let changes = event.event_type == EventType::EmailChanged;
        let named = if changes { event.old_email.as_ref() } else { event.person.email.as_ref() };
        let mut then = Vec::new();
        match named {
            Some(_) if changes => then.push("it is about the account of the old address; the new one is never touched".into()),
            Some(_) => {}
            None if changes => then.push(
                "no old address: the one that is remembered for this id is meant; else the case needs attention: no_email"
                    .to_owned(),
            ),
            None => then.push(format!(
                "no address: the one that is remembered for this id is meant; {}else the case needs attention: no_email",
                match self.lookup {
                    Lookup::Asks => "else the vendor is asked; ",
                    Lookup::CouldAsk => "else the vendor is asked, if there is a [sources.NAME.lookup]; ",
                    Lookup::None => "",
                }
            )),
        }
        then
    }

    fn why_then(&self, effective: Effective) -> String {
        let zone = self.policy.timezone.iana_name().unwrap_or("the policy's zone");
        match effective {
            Effective::Immediately => "it names no time, so it counts when it comes".to_owned(),
            Effective::At(_) => "the instant that it names".to_owned(),
            Effective::Local(_) => format!("the time that it names, in {zone}"),
            Effective::On(_) => {
                let edge = match self.policy.effective {
                    DayEdge::EndOfDay => "end",
                    DayEdge::StartOfDay => "start",
                };
                format!("the {edge} of the day that it names, in {zone}")
            }
        }
    }

    fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.policy.timezone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

fn approved(people: u8) -> String {
    match people {
        0 => "without anybody's approval".to_owned(),
        1 => "when one person has approved".to_owned(),
        people => format!("when {people} different people have approved"),
    }
}
