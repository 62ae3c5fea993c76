//! How states, reasons and kinds look and read.

use super::html::{Status, Tone};
use super::i18n::Texts;
use crate::admin::api::CaseView;
use crate::domain::case::{Hold, JobKind, Stage, StateName};
use crate::domain::policy::Action;
use crate::store::{DeliveryStatus, JobState};

pub(super) fn state(t: Texts, state: StateName) -> Status {
    let (tone, icon) = match state {
        StateName::Scheduled => (Tone::Plain, "clock"),
        StateName::Held => (Tone::Warn, "pause"),
        StateName::Revoking => (Tone::Go, "run"),
        StateName::Revoked => (Tone::Go, "lock"),
        StateName::Deleting => (Tone::Bad, "run"),
        StateName::DeletionGrace => (Tone::Warn, "glass"),
        StateName::Erased | StateName::Restored => (Tone::Ok, "check"),
        StateName::Restoring => (Tone::Warn, "undo"),
        StateName::Cancelled => (Tone::Plain, "x"),
        StateName::NoAccount => (Tone::Plain, "none"),
        StateName::NeedsAttention => (Tone::Bad, "alert"),
    };
    Status::new(tone, icon, t.s(&format!("state-{state}")))
}

pub(super) fn hold(t: Texts, hold: Hold) -> Status {
    let (tone, icon) = match hold {
        Hold::Observe => (Tone::Go, "eye"),
        Hold::Approval => (Tone::Warn, "user"),
        Hold::Brake => (Tone::Bad, "snow"),
        Hold::Hold => (Tone::Warn, "pause"),
    };
    Status::new(tone, icon, t.s(&format!("hold-{hold}")))
}

/// The state of a case in a list; a held one says why.
pub(super) fn of_case(t: Texts, case: &CaseView) -> Status {
    match case.held {
        Some(why) => hold(t, why),
        None => state(t, case.state),
    }
}

pub(super) fn job(t: Texts, kind: JobKind) -> String {
    t.s(&format!("job-{kind}"))
}

/// The next call, as icon and word.
pub(super) fn call(t: Texts, kind: JobKind) -> Status {
    let (tone, icon) = match kind {
        JobKind::Revoke => (Tone::Go, "lock"),
        JobKind::Delete => (Tone::Bad, "trash"),
        JobKind::Detach => (Tone::Go, "x"),
        JobKind::Verify | JobKind::Restore => (Tone::Plain, "eye"),
        JobKind::Reinvite => (Tone::Plain, "undo"),
    };
    Status::new(tone, icon, job(t, kind))
}

pub(super) fn stage(t: Texts, stage: Stage) -> String {
    t.s(&format!("stage-{stage}"))
}

pub(super) fn action(t: Texts, action: Action) -> String {
    t.s(&format!("action-{action}"))
}

pub(super) fn attention(t: Texts, reason: impl std::fmt::Display) -> String {
    let reason = reason.to_string();
    t.find(&format!("attention-{reason}")).unwrap_or(reason)
}

pub(super) fn delivery(t: Texts, status: DeliveryStatus) -> Status {
    let (tone, icon) = match status {
        DeliveryStatus::Received => (Tone::Plain, "clock"),
        DeliveryStatus::Routed => (Tone::Ok, "check"),
        DeliveryStatus::Unreadable => (Tone::Bad, "alert"),
    };
    Status::new(tone, icon, t.s(&format!("delivery-{status}")))
}

pub(super) fn job_state(t: Texts, state: JobState) -> String {
    t.s(&format!("job-state-{state}"))
}

/// The last group of an id: enough to distinguish those of a page. No line breaks within it.
pub(super) fn short(id: impl std::fmt::Display) -> String {
    let id = id.to_string();
    id.rsplit_once('-').map_or_else(|| id.clone(), |(_, end)| format!("…\u{2060}{end}"))
}
