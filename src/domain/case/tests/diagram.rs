//! The state diagram of `docs/architecture.md`, generated from the transition function by applying every transition in every
//! reachable state.
//!
//! `OFFBOARDD_BLESS=1 cargo test --lib diagram` updates the document after a change of the rules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use super::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md");
const BEGIN: &str = "<!-- made by the test `diagram` -->\n";
const END: &str = "<!-- end -->\n";

/// Terms that reach every state.
fn full_terms(action: Action) -> Terms {
    Terms {
        local_grace: DAY,
        approvals: Approvals { revoke: 1, delete: 1 },
        detach: vec![Detach::Organizations],
        reinvite: true,
        ..terms(action)
    }
}

fn full_demand(cause: Cause, action: Action, on: i32) -> Demand {
    Demand::new(Some("hr".parse().unwrap()), cause, &full_terms(action), day(on))
}

fn fully_opened(action: Action) -> Case {
    let demands = vec![full_demand(Cause::Departed, action, 10)];
    Case { terms: full_terms(action), demands, ..opened(action) }
}

/// Every transition, with an event's date at `today` and in the future.
fn transitions(today: i32) -> Vec<Transition> {
    let mut all = vec![
        Transition::Due,
        Transition::RevokeDispatched,
        Transition::RevokeConfirmed,
        Transition::Detached,
        Transition::DeletionDispatched,
        Transition::DeletionAccepted { grace_ends_at: day(today + 14) },
        Transition::GoneSeen { last_read_at: day(today + 1) },
        Transition::GoneConfirmed,
        Transition::NotDone,
        Transition::GrantSeen,
        Transition::Reinvited,
        Transition::AccountMissing,
        Transition::AttentionNeeded(Attention::no_email()),
        Transition::Stopped,
        Transition::DemandsEnded { source: "hr".parse().unwrap(), ended: EndedDemands::Leaving },
        Transition::DemandsEnded { source: "hr".parse().unwrap(), ended: EndedDemands::FormerAddress },
        Transition::Cancelled,
        Transition::Held,
        Transition::Released { enforce: true },
        Transition::BrakeReleased,
        Transition::Retried,
        Transition::Resolved,
    ];
    all.extend(Hold::ALL.iter().map(|hold| Transition::Withheld(*hold)));
    for stage in Stage::ALL {
        all.push(Transition::Approved { by: "rosa".to_owned(), stage: *stage, account: None });
    }
    for on in [today, today + 10] {
        all.push(Transition::Departed(full_demand(Cause::Departed, Action::RevokeThenDelete, on)));
        all.push(Transition::ErasureRequested(full_demand(Cause::ErasureRequested, Action::Delete, on)));
        all.push(Transition::Departed(full_demand(Cause::EmailChanged, Action::Revoke, on)));
    }
    all
}

/// What distinguishes two cases for the rules: of times, only whether they are set or past.
fn kind(case: &Case, today: i32) -> String {
    let progress = case.progress;
    let set = [
        progress.revoke_dispatched_at,
        progress.revoked_at,
        progress.detached_at,
        progress.deletion_dispatched_at,
        progress.deletion_requested_at,
        progress.last_read_at,
        progress.gone_at,
    ]
    .map(|at| at.is_some());
    let due = case.job_wanted().is_some_and(|wanted| wanted.due_at <= day(today));
    let (state, terms) = (&case.state, &case.terms);
    format!("{state:?} {:?} {set:?} {due} {} {} {}", case.direction, terms.action, case.on_hold, case.approvals.len())
}

/// Whether a changing call is planned: only that can be withheld.
fn plans_a_change(case: &Case) -> bool {
    case.job_wanted().is_some_and(|wanted| match wanted.kind {
        JobKind::Revoke | JobKind::Detach | JobKind::Delete | JobKind::Reinvite => true,
        JobKind::Verify | JobKind::Restore => false,
    })
}

fn diagram() -> String {
    let mut arrows: BTreeMap<(StateName, StateName), BTreeSet<&'static str>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut queue: VecDeque<(Case, i32)> =
        [Action::Revoke, Action::RevokeThenDelete, Action::Delete].map(|action| (fully_opened(action), 0)).into();
    while let Some((case, today)) = queue.pop_front() {
        if !seen.insert(kind(&case, today)) {
            continue;
        }
        for later in [0, 30] {
            let today = today + later;
            for transition in transitions(today) {
                if matches!(transition, Transition::Withheld(_)) && !plans_a_change(&case) {
                    continue;
                }
                let Ok(next) = case.apply(&transition, day(today)) else { continue };
                let (from, to) = (case.state.name(), next.state.name());
                if from != to {
                    arrows.entry((from, to)).or_default().insert(transition.name());
                }
                queue.push_back((next, today));
            }
        }
    }
    let mut text = "```mermaid\nstateDiagram-v2\n    [*] --> scheduled\n".to_owned();
    for ((from, to), names) in arrows {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        writeln!(text, "    {from} --> {to}: {names}").unwrap();
    }
    for closed in StateName::ALL.iter().filter(|state| state.is_closed()) {
        writeln!(text, "    {closed} --> [*]").unwrap();
    }
    text + "```\n"
}

#[test]
fn diagram_of_the_document_is_that_of_the_transition_function() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, rest) = document.split_once(BEGIN).expect("the document marks where the diagram begins");
    let (written, tail) = rest.split_once(END).expect("the document marks where the diagram ends");
    let diagram = diagram();
    if std::env::var_os("OFFBOARDD_BLESS").is_some() {
        std::fs::write(DOCUMENT, format!("{head}{BEGIN}{diagram}{END}{tail}")).unwrap();
        return;
    }
    assert_eq!(written, diagram, "run `OFFBOARDD_BLESS=1 cargo test --lib diagram` and review docs/architecture.md");
}
