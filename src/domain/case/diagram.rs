//! The state diagram of `docs/architecture.md`, generated from the transition function by applying every transition in every
//! reachable state.
//!
//! `OFFBOARDD_BLESS=1 cargo test --lib diagram` writes the document again after the rules changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md");
const BEGIN: &str = "<!-- made by the test `diagram` -->\n";
const END: &str = "<!-- end -->\n";

fn day(n: i32) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24) * n
}

fn terms(action: Action) -> Terms {
    Terms {
        action,
        local_grace: SignedDuration::from_hours(24),
        approvals: Approvals { revoke: 1, delete: 1 },
        detach: vec![Detach::Organizations],
        reinvite: true,
        policy: None,
        requested_by: None,
    }
}

fn opened(action: Action) -> Case {
    let (terms, hr) = (terms(action), Some("hr".parse().unwrap()));
    Case {
        id: uuid::Uuid::nil().into(),
        site: "acme".parse().unwrap(),
        source: hr.clone(),
        demands: vec![Demand::new(hr, Cause::Departed, &terms, day(10))],
        terms,
        direction: Direction::Leaving,
        effective_at: day(10),
        progress: Progress::default(),
        approvals: Vec::new(),
        on_hold: false,
        state: State::Scheduled,
        since: day(0),
    }
}

/// Everything that can happen, with an event's date at `today` and in the future.
fn transitions(today: i32) -> Vec<Transition> {
    let demand = |cause, action, on| Demand::new(Some("hr".parse().unwrap()), cause, &terms(action), day(on));
    let mut all = vec![
        Transition::Due,
        Transition::RevokeDispatched,
        Transition::RevokeConfirmed,
        Transition::Detached,
        Transition::DeletionDispatched,
        Transition::DeletionAccepted { grace_ends_at: day(today + 14) },
        Transition::GoneSeen { last_look_at: day(today + 1) },
        Transition::GoneConfirmed,
        Transition::NotDone,
        Transition::GrantSeen,
        Transition::Reinvited,
        Transition::AccountMissing,
        Transition::AttentionNeeded(Attention::no_email()),
        Transition::Stopped,
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
        all.push(Transition::Departed(demand(Cause::Departed, Action::RevokeThenDelete, on)));
        all.push(Transition::ErasureRequested(demand(Cause::ErasureRequested, Action::Delete, on)));
    }
    all
}

/// What tells two cases apart for the rules; times count only as far as they are set or over.
fn kind(case: &Case, today: i32) -> String {
    let progress = case.progress;
    let set = [
        progress.revoke_dispatched_at,
        progress.revoked_at,
        progress.detached_at,
        progress.deletion_dispatched_at,
        progress.deletion_requested_at,
        progress.last_look_at,
        progress.gone_at,
    ]
    .map(|at| at.is_some());
    let due = case.job_wanted().is_some_and(|wanted| wanted.due_at <= day(today));
    let (state, terms) = (&case.state, &case.terms);
    format!("{state:?} {:?} {set:?} {due} {} {} {}", case.direction, terms.action, case.on_hold, case.approvals.len())
}

/// Whether a call that changes something is planned: only that can be withheld.
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
        [Action::Revoke, Action::RevokeThenDelete, Action::Delete].map(|action| (opened(action), 0)).into();
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
