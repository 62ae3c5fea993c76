//! One action on all cases of a filter: by count and digest, with what is irreversible in words.

use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::case_actions::Action;
use super::cases::FILTERS;
use super::confirm::{Confirm, Problem, Reason, Set, SetRow};
use super::failure::{Failure, see_other};
use super::fields::{Fields, Form, Query};
use super::html::{Effect, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell};
use super::problems::Sentence;
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{BulkView, CaseView};
use crate::domain::case::{Hold, StateName};
use crate::domain::operator::Role;

/// The number of cases that a confirmation lists with their persons.
const LISTED: usize = 8;

pub(super) async fn confirm(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    page(&visitor, &fields, None, String::new()).await
}

/// Does it, if the set is still the one that was shown. Otherwise shows the new one.
pub(super) async fn carry_out(visitor: Visitor, Form(form): Form) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let t = visitor.t();
    let entered = form.get("reason").unwrap_or_default().to_owned();
    let digest = form.get("digest").unwrap_or_default();
    let problem = |heading: &str, text: &str, detail| Problem { heading: t.s(heading), text: t.s(text), detail };
    if entered.is_empty() {
        return page(&visitor, &form, Some(problem("problem-reason", "problem-nothing-done", None)), entered).await;
    }
    let mut body = request(&form)?;
    if let Some(body) = body.as_object_mut() {
        body.insert("digest".to_owned(), json!(digest));
        body.insert("reason".to_owned(), json!(entered));
    }
    match visitor.post::<BulkView>("/cases/bulk", &body).await {
        Ok(_done) => Ok(see_other(&filter(&form).on("/cases"))),
        Err(Failure::Refused(why)) => {
            let changed = problem("problem-set-changed", "problem-set-changed-text", Some(Sentence::of(t, &why)));
            page(&visitor, &form, Some(changed), entered).await
        }
        Err(failure) => Err(failure),
    }
}

async fn page(
    visitor: &Visitor,
    fields: &Fields,
    problem: Option<Problem>,
    entered: String,
) -> Result<Response, Failure> {
    let t = visitor.t();
    let action = action(fields)?;
    let view: BulkView = visitor.post("/cases/bulk", &request(fields)?).await?;
    let list = filter(fields).on("/cases");
    if view.count == 0 {
        return Err(Failure::Refused(t.s("bulk-empty")));
    }
    let mut hidden = vec![("action", action.to_string())];
    for name in FILTERS.iter().chain(&["for"]) {
        hidden.extend(fields.get(name).map(|value| (*name, value.to_owned())));
    }
    let deletes = view.irreversible > 0 && action == Action::Approve && fields.get("for") == Some("delete");
    let confirm = Confirm {
        above: (list.clone(), t.s("nav-cases")),
        question: t.n(&format!("question-bulk-{action}"), view.count),
        lede: t.v("bulk-lede", "filter", describe(t, fields)),
        problem,
        effects: effects(t, action, fields.get("for"), &view),
        set: Some(set(visitor, &view, list.clone()).await?),
        reason: Reason::Required,
        entered,
        understood: deletes.then(|| t.s("understood-delete")),
        who: None,
        hidden,
        send_to: "/cases/bulk".to_owned(),
        button: t.n(&format!("do-bulk-{action}"), view.count),
        icon: action.icon(),
        is_final: deletes || matches!(action, Action::Cancel | Action::Resolve | Action::Release),
        instead: None,
        back: (list, t.s("keep-bulk")),
        shell: Shell::of(visitor, Nav::Cases, t.n(&format!("do-bulk-{action}"), view.count)).await?,
    };
    confirm.render_page()
}

fn action(fields: &Fields) -> Result<Action, Failure> {
    let action = fields.get("action").and_then(Action::parse);
    action.filter(|action| *action != Action::Withdraw).ok_or(Failure::NotFound)
}

/// The filter of the fields, as the list names it.
fn filter(fields: &Fields) -> Query {
    fields.only(FILTERS)
}

/// The request of the first step, as the API names it.
fn request(fields: &Fields) -> Result<Value, Failure> {
    let mut filter = serde_json::Map::new();
    for (name, value) in self::filter(fields).pairs() {
        let (name, value) = match (name.as_str(), value.as_str()) {
            ("state", "attention") => ("attention", json!(true)),
            ("attention", value) => ("attention", json!(value == "true")),
            (name, value) => (name, json!(value)),
        };
        filter.insert(name.to_owned(), value);
    }
    let mut request = json!({ "action": action(fields)?.as_str(), "filter": filter });
    if let (Some(stage), Some(request)) = (fields.get("for"), request.as_object_mut()) {
        request.insert("for".to_owned(), json!(stage));
    }
    Ok(request)
}

/// `held: Brake, source: hr`
fn describe(t: Texts, fields: &Fields) -> String {
    let mut parts = Vec::new();
    for (name, value) in filter(fields).pairs() {
        parts.push(match name.as_str() {
            "state" if value == "attention" => t.s("cases-attention"),
            "state" => value.parse::<StateName>().map_or_else(|_| value.clone(), |state| words::state(t, state).word),
            "held" => value.parse::<Hold>().map_or_else(|_| value.clone(), |hold| words::hold(t, hold).word),
            "attention" => t.s("cases-attention"),
            "source" => format!("{} {value}", t.s("col-source")),
            _ => format!("{} {value}", t.s("col-site")),
        });
    }
    parts.join(", ")
}

fn effects(t: Texts, action: Action, stage: Option<&str>, view: &BulkView) -> Vec<Effect> {
    let effect = |tone, icon, key: &str| Effect::new(tone, icon, t.s(key), t.s(&format!("{key}-text")));
    let mut effects = Vec::new();
    let irreversible = || {
        let head = t.n("effect-bulk-irreversible", view.irreversible);
        Effect::new(Tone::Bad, "trash", head, t.s("effect-bulk-irreversible-text"))
    };
    let revoked = view.cases.iter().filter(|case| case.state == StateName::Revoked).count();
    match action {
        Action::Cancel => {
            effects.push(effect(Tone::Ok, "check", "effect-no-call"));
            if revoked > 0 {
                let head = t.n("effect-bulk-still-revoked", revoked);
                effects.push(Effect::new(Tone::Warn, "lock", head, t.s("effect-still-revoked-text")));
            }
            effects.push(effect(Tone::Bad, "x", "effect-not-reopened"));
        }
        Action::Hold => {
            effects.push(effect(Tone::Ok, "pause", "effect-held"));
            effects.push(effect(Tone::Ok, "undo", "effect-held-reversible"));
        }
        Action::Resolve => {
            effects.push(effect(Tone::Ok, "check", "effect-no-call"));
            effects.push(effect(Tone::Bad, "x", "effect-not-reopened"));
        }
        Action::Approve => {
            if stage == Some("revoke") {
                effects.push(effect(Tone::Warn, "lock", "effect-revoked"));
            } else if view.irreversible > 0 {
                effects.push(irreversible());
            }
            effects.push(effect(Tone::Ok, "undo", "effect-withdrawable"));
        }
        Action::Release | Action::Retry => {
            effects.push(effect(Tone::Warn, "run", "effect-bulk-continue"));
            if view.irreversible > 0 {
                effects.push(irreversible());
            }
        }
        Action::Withdraw => {}
    }
    effects
}

/// The first cases of the set. Their persons are read from the API, as far as the visitor may see them.
pub(super) async fn set(visitor: &Visitor, view: &BulkView, list: String) -> Result<Set, Failure> {
    let t = visitor.t();
    let mut rows = Vec::new();
    for case in view.cases.iter().take(LISTED) {
        let Some(shown) = visitor.get_if_any::<CaseView>(&format!("/cases/{}", case.id)).await? else { continue };
        let calendar = visitor.calendar(shown.policy.as_ref());
        let at: Timestamp =
            if shown.revoked_at.is_some() { case.delete_at.unwrap_or(case.effective_at) } else { case.effective_at };
        rows.push(SetRow {
            href: format!("/cases/{}", case.id),
            person: super::cases::person(t, &shown),
            state: words::of_case(t, &shown),
            what: words::action(t, case.action),
            at: Some(calendar.short(at, visitor.now)),
        });
    }
    Ok(Set {
        heading: t.n("bulk-set", view.count),
        caption: caption(t, view.count, rows.len()),
        rows,
        all: Some((list, t.s("bulk-show-all"))),
        digest: view.digest.clone(),
    })
}

/// How many of the cases a list shows.
pub(super) fn caption(t: Texts, count: usize, shown: usize) -> String {
    if shown == count { t.s("bulk-set-all") } else { t.count("bulk-set-caption", count, &[("shown", &shown)]) }
}
