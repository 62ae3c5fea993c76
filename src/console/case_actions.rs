//! The actions on one case: which buttons a visitor sees, what each would do, and doing it.
//!
//! What an action would do is not described twice: the confirmation applies the case's own rules and states the result.

use std::fmt;

use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::cases::{calendar_of, person};
use super::confirm::{Confirm, Problem, Reason};
use super::failure::{Failure, see_other};
use super::fields::{Fields, Form};
use super::html::{Effect, Icon, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell};
use super::notice_link::{Decision, Opened};
use super::problems::Sentence;
use super::time::Calendar;
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{CaseView, is_allowed};
use crate::domain::case::{Case, Direction, Hold, JobKind, Stage, State, StateName, Transition};
use crate::domain::ids::CaseId;
use crate::domain::operator::Role;
use crate::store::CaseRecord;

/// An action of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Approve,
    Withdraw,
    Cancel,
    Hold,
    Release,
    Retry,
    Resolve,
}

/// A button of the page of a case. It opens a confirmation.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) href: String,
    pub(super) text: String,
    pub(super) icon: Icon,
    pub(super) main: bool,
}

impl Action {
    pub(super) const ALL: [Self; 7] =
        [Self::Approve, Self::Withdraw, Self::Cancel, Self::Hold, Self::Release, Self::Retry, Self::Resolve];

    /// As the API and the addresses of pages name it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Withdraw => "withdraw",
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Resolve => "resolve",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }

    pub(super) const fn role(self) -> Role {
        match self {
            Self::Approve | Self::Withdraw => Role::Approver,
            Self::Cancel | Self::Hold | Self::Release | Self::Retry | Self::Resolve => Role::Operator,
        }
    }

    pub(super) const fn icon(self) -> &'static str {
        match self {
            Self::Approve => "user",
            Self::Withdraw | Self::Retry => "undo",
            Self::Cancel => "x",
            Self::Hold => "pause",
            Self::Release => "run",
            Self::Resolve => "check",
        }
    }

    /// The decision of this action that the link of a notice can open.
    const fn decision(self, stage: Stage) -> Option<Decision> {
        match self {
            Self::Approve => Some(Decision::Approve(stage)),
            Self::Hold => Some(Decision::Hold),
            Self::Withdraw | Self::Cancel | Self::Release | Self::Retry | Self::Resolve => None,
        }
    }

    pub(super) fn transition(self, by: &str, stage: Stage, enforce: bool) -> Transition {
        match self {
            Self::Approve => Transition::Approved { by: by.to_owned(), stage, account: None },
            Self::Withdraw => Transition::Withdrawn { by: by.to_owned(), stage },
            Self::Cancel => Transition::Cancelled,
            Self::Hold => Transition::Held,
            Self::Release => Transition::Released { enforce },
            Self::Retry => Transition::Retried,
            Self::Resolve => Transition::Resolved,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The buttons that this visitor may press now; the next step first.
pub(super) fn acts(visitor: &Visitor, case: &CaseView, record: &CaseRecord) -> Vec<Act> {
    let t = visitor.t();
    let mut acts = Vec::new();
    for action in order(case) {
        let Some(stage) = stage_of(visitor, *action, record) else { continue };
        let query = if action.role() == Role::Approver { format!("?for={stage}") } else { String::new() };
        acts.push(Act {
            href: format!("/cases/{}/{action}{query}", case.id),
            text: button(t, *action, stage, &record.case),
            icon: Icon(action.icon()),
            main: acts.is_empty(),
        });
    }
    if case.held == Some(Hold::Brake)
        && let Some(source) = &case.source
        && visitor.is_operator()
    {
        let text = t.v("act-to-source", "source", source);
        acts.insert(0, Act { href: format!("/sources#{source}"), text, icon: Icon("snow"), main: acts.is_empty() });
    }
    acts
}

/// The next step of the state first.
fn order(case: &CaseView) -> &'static [Action] {
    use Action::{Approve, Cancel, Hold as HoldAction, Release, Resolve, Retry, Withdraw};
    match case.state {
        StateName::NeedsAttention | StateName::Restoring => &[Retry, Resolve, Cancel, HoldAction, Release, Withdraw],
        StateName::Held => &[Approve, Release, Cancel, HoldAction, Withdraw],
        StateName::Scheduled
        | StateName::Revoking
        | StateName::Revoked
        | StateName::Deleting
        | StateName::DeletionGrace
        | StateName::Erased
        | StateName::Restored
        | StateName::Cancelled
        | StateName::NoAccount => &[Cancel, HoldAction, Approve, Withdraw, Release, Retry],
    }
}

/// The stage that the action concerns, if the visitor may do it now.
fn stage_of(visitor: &Visitor, action: Action, record: &CaseRecord) -> Option<Stage> {
    if visitor.caller.role < action.role() {
        return None;
    }
    let stages = [Stage::Revoke, Stage::Delete];
    let name = &visitor.caller.name;
    match action {
        Action::Approve => stages.into_iter().find(|stage| {
            let own = record.case.approvals.iter().any(|approval| approval.by == *name && approval.stage == *stage);
            !own && record.case.approvals_missing(*stage) > 0 && may(visitor, action, *stage, record)
        }),
        Action::Withdraw => stages.into_iter().find(|stage| may(visitor, action, *stage, record)),
        Action::Cancel | Action::Hold | Action::Release | Action::Retry | Action::Resolve => {
            may(visitor, action, Stage::Revoke, record).then_some(Stage::Revoke)
        }
    }
}

fn may(visitor: &Visitor, action: Action, stage: Stage, record: &CaseRecord) -> bool {
    let transition = action.transition(&visitor.caller.name, stage, visitor.admin().enforce);
    is_allowed(&record.case, &transition, &visitor.caller, visitor.now)
}

/// Verb and object. It says what the case is about to do, where that is what the button stops.
fn button(t: Texts, action: Action, stage: Stage, case: &Case) -> String {
    match (action, stage) {
        (Action::Approve, Stage::Revoke) => t.s("act-approve-revoke"),
        (Action::Approve, Stage::Delete) => t.s("act-approve-delete"),
        (Action::Withdraw, _) => t.s("act-withdraw"),
        (Action::Cancel, _)
            if case.progress.revoked_at.is_some()
                && case.delete_at().is_some()
                && case.direction == Direction::Leaving =>
        {
            t.s("act-cancel-deletion")
        }
        (Action::Cancel, _) => t.s("act-cancel"),
        (Action::Hold, _) => t.s("act-hold"),
        (Action::Release, _) => t.s("act-release"),
        (Action::Retry, _) => t.s("act-retry"),
        (Action::Resolve, _) => t.s("act-resolve"),
    }
}

/// The confirmation of an action.
pub(super) async fn confirm(
    visitor: Visitor,
    Path((id, action)): Path<(CaseId, String)>,
    fields: Fields,
) -> Result<Response, Failure> {
    let action = Action::parse(&action).ok_or(Failure::NotFound)?;
    let link = fields.get("link");
    // By the link of a notice, an operator who may not approve can hold the case.
    visitor.require(if link.is_some() { Role::Operator } else { action.role() })?;
    page(&visitor, id, action, stage(&fields), Entered { link, ..Entered::default() }).await
}

/// Does it. What the state forbids meanwhile comes back with the reason.
pub(super) async fn carry_out(
    visitor: Visitor,
    Path((id, action)): Path<(CaseId, String)>,
    Form(form): Form,
) -> Result<Response, Failure> {
    let action = Action::parse(&action).ok_or(Failure::NotFound)?;
    visitor.require(action.role())?;
    let t = visitor.t();
    let stage = stage(&form);
    let (reason, link) = (form.get("reason").unwrap_or_default(), form.get("link"));
    let missing = if reason.is_empty() {
        Some("problem-reason")
    } else if action == Action::Approve && stage == Stage::Delete && form.get("understood").is_none() {
        Some("problem-understood")
    } else {
        None
    };
    if let Some(missing) = missing {
        let problem = Problem { heading: t.s(missing), text: t.s("problem-nothing-done"), detail: None };
        return page(&visitor, id, action, stage, Entered { problem: Some(problem), reason, link }).await;
    }
    let mut body = json!({ "reason": reason });
    if let (Role::Approver, Some(body)) = (action.role(), body.as_object_mut()) {
        body.insert("for".to_owned(), json!(stage));
    }
    if let (Some(link), Some(body)) = (link, body.as_object_mut()) {
        body.insert("link".to_owned(), json!(link));
    }
    match visitor.post::<Value>(&format!("/cases/{id}/{action}"), &body).await {
        Ok(_case) => Ok(see_other(&format!("/cases/{id}"))),
        Err(Failure::Refused(why)) => {
            let text = t.s("problem-changed-text");
            let problem = Problem { heading: t.s("problem-changed"), text, detail: Some(Sentence::of(t, &why)) };
            page(&visitor, id, action, stage, Entered { problem: Some(problem), reason, link }).await
        }
        Err(failure) => Err(failure),
    }
}

fn stage(fields: &Fields) -> Stage {
    fields.get("for").and_then(|stage| stage.parse().ok()).unwrap_or(Stage::Revoke)
}

/// What the form came back with.
#[derive(Default)]
struct Entered<'a> {
    problem: Option<Problem>,
    reason: &'a str,
    /// The one-time link of a notice that opened the page.
    link: Option<&'a str>,
}

async fn page(
    visitor: &Visitor,
    id: CaseId,
    action: Action,
    stage: Stage,
    Entered { problem, reason, link }: Entered<'_>,
) -> Result<Response, Failure> {
    let t = visitor.t();
    let opened = Opened::by(visitor, id, action.decision(stage), link).await?;
    let case: CaseView = visitor.get(&format!("/cases/{id}")).await?;
    let record = visitor.admin().store.case(id).await?.ok_or(Failure::NotFound)?;
    let calendar = calendar_of(visitor, &case);
    let transition = action.transition(&visitor.caller.name, stage, visitor.admin().enforce);
    let after = record.case.apply(&transition, visitor.now).ok();
    let who = person(t, &case);
    let question = t.v(&format!("question-{}", key(action, stage)), "person", &who).replace('\n', " ");
    let problem = problem.or_else(|| {
        let why = record.case.apply(&transition, visitor.now).err()?;
        let text = t.s("problem-changed-text");
        Some(Problem { heading: t.s("problem-changed"), text, detail: Some(Sentence::of(t, &why.to_string())) })
    });
    let final_approval = action == Action::Approve && stage == Stage::Delete;
    let confirm = Confirm {
        above: (format!("/cases/{id}"), who),
        question,
        lede: format!("{} · {}", words::of_case(t, &case).word, super::cases::place(t, &case)),
        problem,
        effects: effects(t, &calendar, action, stage, &record.case, after.as_ref()),
        set: None,
        reason: Reason::Required,
        entered: reason.to_owned(),
        understood: final_approval.then(|| t.s("understood-delete")),
        who: opened.who,
        hidden: hidden(action, stage, link),
        send_to: format!("/cases/{id}/{action}"),
        button: t.s(&format!("do-{}", key(action, stage))),
        icon: action.icon(),
        is_final: final_approval || matches!(action, Action::Cancel | Action::Resolve),
        instead: opened.instead,
        back: (format!("/cases/{id}"), t.s(&format!("keep-{action}"))),
        shell: Shell::of(visitor, Nav::Cases, t.s(&format!("do-{}", key(action, stage)))).await?,
    };
    confirm.render_page()
}

/// Values that the form sends besides.
fn hidden(action: Action, stage: Stage, link: Option<&str>) -> Vec<(&'static str, String)> {
    let stage = (action.role() == Role::Approver).then(|| ("for", stage.to_string()));
    stage.into_iter().chain(link.map(|link| ("link", link.to_owned()))).collect()
}

fn key(action: Action, stage: Stage) -> String {
    match action {
        Action::Approve | Action::Withdraw => format!("{action}-{stage}"),
        Action::Cancel | Action::Hold | Action::Release | Action::Retry | Action::Resolve => action.to_string(),
    }
}

/// What the action changes, by the case before and after it.
fn effects(
    t: Texts,
    calendar: &Calendar,
    action: Action,
    stage: Stage,
    before: &Case,
    after: Option<&Case>,
) -> Vec<Effect> {
    let effect = |tone, icon, key: &str| Effect::new(tone, icon, t.s(key), t.s(&format!("{key}-text")));
    let mut effects = Vec::new();
    match (action, stage) {
        (Action::Approve, Stage::Delete) => effects.extend([
            effect(Tone::Bad, "trash", "effect-deleted"),
            effect(Tone::Bad, "user", "effect-former-user"),
            effect(Tone::Warn, "glass", "effect-no-invitation"),
            effect(Tone::Ok, "undo", "effect-withdrawable"),
        ]),
        (Action::Approve, Stage::Revoke) => effects
            .extend([effect(Tone::Warn, "lock", "effect-revoked"), effect(Tone::Ok, "undo", "effect-withdrawable")]),
        (Action::Withdraw, _) => effects.push(effect(Tone::Ok, "undo", "effect-withdrawn")),
        (Action::Hold, _) => {
            effects.push(effect(Tone::Ok, "pause", "effect-held"));
            effects.push(effect(Tone::Ok, "undo", "effect-held-reversible"));
        }
        (Action::Cancel, _) => {
            effects.push(effect(Tone::Ok, "check", "effect-no-call"));
            if after.is_some_and(|after| after.state == State::Restoring) {
                effects.push(effect(Tone::Warn, "lock", "effect-still-revoked"));
            }
            if before.state.name() == StateName::Restoring || before.progress.revoke_dispatched_at.is_none() {
                effects.push(effect(Tone::Bad, "x", "effect-not-reopened"));
            }
        }
        (Action::Resolve, _) => {
            effects.push(effect(Tone::Ok, "check", "effect-no-call"));
            effects.push(effect(Tone::Bad, "x", "effect-not-reopened"));
        }
        (Action::Release | Action::Retry, _) => {}
    }
    if let Some(after) = after {
        effects.extend(next_call(t, calendar, after));
    }
    effects
}

/// The call that the case wants after the action.
fn next_call(t: Texts, calendar: &Calendar, after: &Case) -> Option<Effect> {
    let Some(wanted) = after.job_wanted() else {
        if let State::Held(hold) = after.state {
            let why = t.v("effect-then-held", "why", words::hold(t, hold).word);
            return Some(Effect::new(Tone::Ok, "pause", why, t.s("effect-then-held-text")));
        }
        let nothing = || Effect::new(Tone::Ok, "check", t.s("effect-then-nothing"), t.s("effect-then-nothing-text"));
        return (!after.state.name().is_closed()).then(nothing);
    };
    let at = calendar.full(wanted.due_at);
    let (tone, icon, key) = match wanted.kind {
        JobKind::Revoke if after.approvals_missing(Stage::Revoke) > 0 => (Tone::Ok, "user", "effect-then-approval"),
        JobKind::Delete if after.approvals_missing(Stage::Delete) > 0 => (Tone::Ok, "user", "effect-then-approval"),
        JobKind::Delete if after.direction == Direction::Leaving => (Tone::Bad, "trash", "effect-then-delete"),
        JobKind::Revoke => (Tone::Warn, "lock", "effect-then-revoke"),
        JobKind::Detach | JobKind::Delete | JobKind::Verify | JobKind::Restore | JobKind::Reinvite => {
            (Tone::Plain, "eye", "effect-then-other")
        }
    };
    let head = t.values(key, &[("job", &words::job(t, wanted.kind)), ("at", &at.text())]);
    Some(Effect::new(tone, icon, head, t.s(&format!("{key}-text"))))
}
