//! `/import`: many departures from a CSV file, in two steps. The plan says what each row results in; its digest opens exactly
//! the planned cases.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::cases::{Choice, choices};
use super::confirm::Problem;
use super::failure::{Failure, see_other};
use super::fields::{Fields, Form};
use super::html::{Effect, Status, Tone};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::time::Moment;
use super::visitor::Visitor;
use super::words;
use crate::admin::api::{ImportView, ProgressView};
use crate::domain::import_format::ImportFormat;
use crate::domain::operator::Role;

/// What the first step sends, and the second one repeats.
const SELECTION: [&str; 5] = ["format", "site", "policy", "domain", "inactive_for"];

/// The number of rows that cannot be used and are listed.
const PROBLEMS: usize = 50;

#[derive(Debug, Template)]
#[template(path = "import.html")]
struct FormPage {
    shell: Shell,
    formats: Vec<Choice>,
    sites: Vec<Choice>,
    policies: Vec<Choice>,
    domain: String,
    inactive_for: String,
    csv: String,
    problem: Option<Problem>,
}

#[derive(Debug, Template)]
#[template(path = "import_plan.html")]
struct PlanPage {
    shell: Shell,
    question: String,
    lede: String,
    problem: Option<Problem>,
    effects: Vec<Effect>,
    counts: Vec<(String, usize)>,
    problems: Vec<(u64, Sentence)>,
    rows: Vec<Row>,
    caption: String,
    /// `None` if there is nothing to open.
    digest: Option<String>,
    button: String,
    hidden: Vec<(&'static str, String)>,
    entered: String,
}

#[derive(Debug)]
struct Row {
    line: u64,
    person: String,
    action: String,
    /// `None`: immediately.
    at: Option<Moment>,
}

#[derive(Debug, Template)]
#[template(path = "import_progress.html")]
struct ProgressPage {
    shell: Shell,
    status: Status,
    facts: Vec<(String, String)>,
    is_done: bool,
}

pub(super) async fn form(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    form_page(&visitor, &fields, None).await
}

/// Shows the plan; with its digest, opens the cases.
pub(super) async fn carry_out(visitor: Visitor, Form(form): Form) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let t = visitor.t();
    let Some(digest) = form.get("digest") else { return plan_page(&visitor, &form, None, None).await };
    let Some(reason) = form.get("reason") else {
        let problem = Problem { heading: t.s("problem-reason"), text: t.s("problem-nothing-done"), detail: None };
        return plan_page(&visitor, &form, Some(problem), None).await;
    };
    let query = form.only(&SELECTION).with("digest", digest).with("reason", reason);
    match visitor.send_text::<ImportView>(&query.on("/import"), csv(&form)).await {
        Ok(ImportView { import: Some(id), .. }) => Ok(see_other(&format!("/import/{id}"))),
        Ok(_listing) => plan_page(&visitor, &form, None, None).await,
        Err(Failure::Refused(why)) => plan_page(&visitor, &form, None, Some(why)).await,
        Err(failure) => Err(failure),
    }
}

/// How far an import is.
pub(super) async fn progress(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let t = visitor.t();
    let view: ProgressView = visitor.get(&format!("/imports/{}", super::case::segment(&id))).await?;
    let calendar = visitor.calendar(None);
    let is_done = view.finished_at.is_some();
    let mut facts = vec![
        (t.s("import-opened"), format!("{} {} {}", view.opened, t.s("source-of"), view.total)),
        (t.s("import-skipped"), view.skipped.to_string()),
        (t.s("col-site"), view.site.to_string()),
        (t.s("fact-requested-by"), view.by),
        (t.s("import-begun"), calendar.exact(view.created_at).text().to_owned()),
    ];
    facts.extend(view.finished_at.map(|at| (t.s("import-finished"), calendar.exact(at).text().to_owned())));
    let status = if is_done {
        Status::new(Tone::Ok, "check", t.s("import-done"))
    } else {
        Status::new(Tone::Go, "run", t.s("import-running"))
    };
    let shell = Shell::of(&visitor, Nav::Cases, t.s("import-title")).await?.refreshed(5);
    render(&ProgressPage { shell, status, facts, is_done })
}

/// The file, or what was pasted.
fn csv(fields: &Fields) -> &str {
    fields.get("file").or_else(|| fields.get("csv")).unwrap_or_default()
}

async fn form_page(visitor: &Visitor, fields: &Fields, problem: Option<Problem>) -> Result<Response, Failure> {
    let t = visitor.t();
    let chosen = fields.get("format").unwrap_or_default();
    let format = |format: &ImportFormat| Choice {
        value: format.to_string(),
        name: t.s(&format!("import-format-{format}")),
        chosen: chosen == format.as_str(),
    };
    let text = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut response = render(&FormPage {
        formats: ImportFormat::ALL.iter().map(format).collect(),
        sites: choices(visitor.admin().sites.keys(), fields.get("site")),
        policies: choices(visitor.admin().policies.keys(), fields.get("policy")),
        domain: text("domain"),
        inactive_for: text("inactive_for"),
        csv: csv(fields).to_owned(),
        problem,
        shell: Shell::of(visitor, Nav::Cases, t.s("import-title")).await?,
    })?;
    *response.status_mut() = status;
    Ok(response)
}

/// The plan of now, and why the reviewed one was not carried out. A file that cannot be read comes back with the reason.
async fn plan_page(
    visitor: &Visitor,
    fields: &Fields,
    problem: Option<Problem>,
    why_not: Option<String>,
) -> Result<Response, Failure> {
    let t = visitor.t();
    let refused = |why: String| Problem {
        heading: t.s("import-problem"),
        text: t.s("problem-nothing-done"),
        detail: Some(Sentence::of(t, &why)),
    };
    let query = fields.only(&SELECTION);
    let view: ImportView = match visitor.send_text(&query.on("/import"), csv(fields)).await {
        Ok(view) => view,
        Err(Failure::Invalid(why) | Failure::Refused(why)) => {
            return form_page(visitor, fields, Some(refused(why))).await;
        }
        Err(failure) => return Err(failure),
    };
    if view.state == "listing" {
        let problem = Problem { heading: t.s("import-listing"), text: t.s("import-listing-text"), detail: None };
        return form_page(visitor, fields, Some(problem)).await;
    }
    let is_same = fields.get("digest") == view.digest.as_deref();
    let not_done = |why: String| {
        let heading = t.s(if is_same { "error-refused" } else { "problem-set-changed" });
        let text = t.s(if is_same { "problem-nothing-done" } else { "problem-set-changed-text" });
        Problem { heading, text, detail: Some(Sentence::of(t, &why)) }
    };
    let problem = problem.or_else(|| why_not.map(not_done));
    let status = if problem.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let mut hidden: Vec<(&'static str, String)> =
        SELECTION.iter().filter_map(|name| Some((*name, fields.get(name)?.to_owned()))).collect();
    hidden.push(("csv", csv(fields).to_owned()));
    let calendar = visitor.calendar(Some(&view.policy));
    let rows: Vec<Row> = view
        .cases
        .iter()
        .map(|case| Row {
            line: case.line,
            person: case.email.as_ref().map_or_else(|| "–".to_owned(), |email| email.as_str().to_owned()),
            action: words::action(t, case.action),
            at: case.effective_at.map(|at| calendar.short(at, visitor.now)),
        })
        .collect();
    let caption = super::bulk::caption(t, view.count, rows.len());
    let mut response = render(&PlanPage {
        question: t.n("question-import", view.count),
        lede: format!("{} → {}", view.policy, view.site),
        problem,
        effects: effects(t, &view),
        counts: counts(t, &view),
        problems: view.problems.iter().take(PROBLEMS).map(|row| (row.line, Sentence::of(t, &row.problem))).collect(),
        caption,
        rows,
        digest: view.digest.clone().filter(|_| view.count > 0),
        button: t.n("do-import", view.count),
        hidden,
        entered: fields.get("reason").unwrap_or_default().to_owned(),
        shell: Shell::of(visitor, Nav::Cases, t.s("import-title")).await?,
    })?;
    *response.status_mut() = status;
    Ok(response)
}

fn effects(t: Texts, view: &ImportView) -> Vec<Effect> {
    let effect = |tone, icon, key: &str| Effect::new(tone, icon, t.s(key), t.s(&format!("{key}-text")));
    let mut effects = Vec::new();
    if let Some(warning) = &view.warning {
        effects.push(Effect::new(Tone::Bad, "alert", t.s("import-warning"), warning.clone()));
    }
    effects.push(effect(Tone::Warn, "run", "effect-import-opens"));
    if view.irreversible > 0 {
        let head = t.n("effect-bulk-irreversible", view.irreversible);
        effects.push(Effect::new(Tone::Bad, "trash", head, t.s("effect-bulk-irreversible-text")));
    }
    effects.push(effect(Tone::Ok, "user", "effect-import-approval"));
    effects
}

/// The rows that open no case.
fn counts(t: Texts, view: &ImportView) -> Vec<(String, usize)> {
    let rows = &view.rows;
    let counts = [
        ("import-bad", rows.bad),
        ("import-duplicate", rows.duplicate),
        ("import-already-open", rows.already_open),
        ("import-excluded", rows.excluded),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (t.s(name), count)).collect()
}
