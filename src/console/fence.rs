//! `/fence`: why no change is made at any site, and lifting that.

use axum::response::Response;
use serde_json::{Value, json};

use super::confirm::{Confirm, Problem, Reason, Set};
use super::failure::{Failure, see_other};
use super::fields::Form;
use super::html::{Effect, Tone};
use super::layout::{Nav, Shell};
use super::problems::Sentence;
use super::visitor::Visitor;
use crate::admin::api::FenceView;
use crate::domain::operator::Role;

pub(super) async fn confirm(visitor: Visitor) -> Result<Response, Failure> {
    page(&visitor, None).await
}

/// Lifts it for exactly the findings and the open cases that were shown.
pub(super) async fn lift(visitor: Visitor, Form(form): Form) -> Result<Response, Failure> {
    visitor.require(Role::Approver)?;
    let t = visitor.t();
    if form.get("understood").is_none() {
        let problem = Problem { heading: t.s("problem-understood"), text: t.s("problem-nothing-done"), detail: None };
        return page(&visitor, Some(problem)).await;
    }
    let body = json!({ "digest": form.get("digest").unwrap_or_default() });
    match visitor.post::<Value>("/fence/lift", &body).await {
        Ok(_fence) => Ok(see_other("/")),
        Err(Failure::Refused(why)) => {
            let text = t.s("problem-set-changed-text");
            let problem = Problem { heading: t.s("problem-set-changed"), text, detail: Some(Sentence::of(t, &why)) };
            page(&visitor, Some(problem)).await
        }
        Err(failure) => Err(failure),
    }
}

async fn page(visitor: &Visitor, problem: Option<Problem>) -> Result<Response, Failure> {
    let t = visitor.t();
    let fence: FenceView = visitor.get("/fence").await?;
    if !fence.raised {
        return Ok(see_other("/"));
    }
    let mut effects: Vec<Effect> = fence
        .findings
        .iter()
        .map(|finding| {
            let reason = t.s(&format!("fence-{}", finding.reason));
            Effect::new(Tone::Bad, "alert", reason, Sentence::of(t, &finding.detail).to_string())
        })
        .collect();
    let continues = t.n("effect-fence-lifted", fence.open_cases);
    effects.push(Effect::new(Tone::Warn, "run", continues, t.s("effect-fence-lifted-text")));
    effects.push(Effect::new(Tone::Ok, "eye", t.s("effect-fence-compare"), t.s("effect-fence-compare-text")));
    let confirm = Confirm {
        above: ("/".to_owned(), t.s("nav-today")),
        question: t.s("question-fence"),
        lede: t.s("fence-banner-text"),
        problem,
        effects,
        set: Some(Set {
            heading: t.n("bulk-set", fence.open_cases),
            caption: String::new(),
            rows: Vec::new(),
            all: Some(("/cases".to_owned(), t.s("bulk-show-all"))),
            digest: fence.digest,
        }),
        reason: Reason::Unused,
        entered: String::new(),
        understood: Some(t.s("understood-fence")),
        who: (!visitor.is_approver()).then(|| t.s("fence-who")),
        hidden: Vec::new(),
        send_to: "/fence/lift".to_owned(),
        button: t.s("do-fence"),
        icon: "run",
        is_final: true,
        instead: None,
        back: ("/".to_owned(), t.s("keep-as-it-is")),
        shell: Shell::of(visitor, Nav::Today, t.s("do-fence")).await?,
    };
    confirm.render_page()
}
