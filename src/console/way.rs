//! The way of a case from the webhook to its end: what was done, what is now, what is planned.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::html::Icon;
use super::i18n::Texts;
use super::time::{Calendar, Moment, days};
use super::words;
use crate::admin::api::{CaseView, HistoryView};
use crate::domain::case::{Stage, StateName};

#[derive(Debug)]
pub(super) struct Step {
    /// `done`, `now` or `next`.
    pub(super) class: &'static str,
    pub(super) icon: Icon,
    pub(super) name: String,
    pub(super) at: Option<Moment>,
    pub(super) text: String,
    /// An operator's reason.
    pub(super) remark: Option<String>,
    /// The delivery behind it.
    pub(super) delivery: Option<String>,
}

/// Entries that are steps of a step.
const MINOR: &[&str] = &["due", "detach_dispatched", "detach_call_done", "gone_seen"];

/// What the site's settings add.
#[derive(Debug, Clone, Copy)]
pub(super) struct SiteGraces {
    pub(super) deletion_grace: SignedDuration,
    pub(super) look_back: SignedDuration,
}

pub(super) fn steps(
    t: Texts,
    calendar: &Calendar,
    case: &CaseView,
    history: &[HistoryView],
    graces: Option<SiteGraces>,
    now: Timestamp,
) -> Vec<Step> {
    let major = history.iter().filter(|entry| !MINOR.contains(&entry.kind.as_str()));
    let mut steps: Vec<Step> = major.map(|entry| done(t, calendar, entry)).collect();
    if case.closed_at.is_none() {
        steps.push(current(t, case));
        steps.extend(planned(t, calendar, case, graces, now));
    }
    steps
}

fn done(t: Texts, calendar: &Calendar, entry: &HistoryView) -> Step {
    let text = |key: &str| entry.detail.get(key).and_then(Value::as_str);
    let name = t.find(&format!("journal-{}", entry.kind.replace('_', "-"))).unwrap_or_else(|| entry.kind.clone());
    let mut parts = Vec::new();
    if let Some(by) = text("by") {
        parts.push(t.v("way-by", "by", by));
    }
    if let Some(stage) = text("for").and_then(|stage| stage.parse::<Stage>().ok()) {
        parts.push(words::stage(t, stage));
    }
    if let Some(attention) = text("attention") {
        parts.push(words::attention(t, attention));
    }
    if entry.kind == "opened"
        && let Some(effective_at) = text("effective_at").and_then(|at| at.parse::<Timestamp>().ok())
    {
        parts.push(t.v("way-effective", "at", calendar.full(effective_at).text()));
    }
    if let Some(why) = text("how").or_else(|| text("because")).or_else(|| text("reason")) {
        parts.push(t.find(&format!("how-{}", why.replace('_', "-"))).unwrap_or_else(|| why.to_owned()));
    }
    Step {
        class: "done",
        icon: Icon(icon(&entry.kind)),
        name,
        at: Some(calendar.exact(entry.at)),
        text: parts.join(" · "),
        remark: entry.remark.clone(),
        delivery: text("delivery").map(str::to_owned),
    }
}

fn icon(kind: &str) -> &'static str {
    match kind {
        "opened" | "departed" | "erasure_requested" => "in",
        "revoke_dispatched" | "revoke_confirmed" => "lock",
        "deletion_dispatched" | "deletion_accepted" => "trash",
        "held" | "withheld" => "pause",
        "approved" | "withdrawn" => "user",
        "attention_needed" => "alert",
        "stopped" | "cancelled" | "demands_ended" => "x",
        "grant_seen" | "reinvited" | "reinvite_dispatched" => "undo",
        _ => "check",
    }
}

fn current(t: Texts, case: &CaseView) -> Step {
    let status = words::of_case(t, case);
    let text = case.job.as_ref().filter(|job| job.attempts > 0).map(|job| {
        let failed = t.n("way-attempts", job.attempts);
        job.last_error.as_ref().map_or_else(|| failed.clone(), |error| format!("{failed} {error}"))
    });
    Step {
        class: "now",
        icon: status.icon,
        name: status.word,
        at: None,
        text: text.unwrap_or_default(),
        remark: None,
        delivery: None,
    }
}

fn planned(t: Texts, calendar: &Calendar, case: &CaseView, graces: Option<SiteGraces>, now: Timestamp) -> Vec<Step> {
    let step = |icon, name: &str, at: Option<Timestamp>, text: String| Step {
        class: "next",
        icon: Icon(icon),
        name: t.s(name),
        at: at.map(|at| calendar.full(at)),
        text,
        remark: None,
        delivery: None,
    };
    let mut steps = Vec::new();
    if case.state == StateName::Restoring {
        steps.push(step("check", "way-restored", None, t.s("way-restored-text")));
        return steps;
    }
    if case.revoked_at.is_none() && case.action.revokes() && case.deletion_requested_at.is_none() {
        steps.push(step("lock", "graces-revoke", Some(case.effective_at.max(now)), t.s("way-revoke-text")));
    }
    let deletion = case.deletion_requested_at.or(case.delete_at);
    if let Some(delete_at) = case.delete_at.filter(|_| case.deletion_requested_at.is_none()) {
        steps.push(step("trash", "graces-delete", Some(delete_at.max(now)), t.s("way-delete-text")));
    }
    if let (Some(deletion), Some(graces)) = (deletion, graces) {
        let end = case
            .grace_ends_at
            .unwrap_or_else(|| later(deletion.max(case.deletion_requested_at.unwrap_or(now)), graces.deletion_grace));
        let length = days(t, graces.deletion_grace);
        steps.push(step("glass", "graces-end", Some(end), t.v("way-end-text", "length", length)));
        steps.push(step("check", "way-erased", Some(later(end, graces.look_back)), t.s("way-erased-text")));
    }
    steps
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
