//! Promises that hold in every random history.

use proptest::prelude::*;

use super::*;

fn transitions() -> impl Strategy<Value = Transition> {
    prop_oneof![
        6 => Just(Transition::Due),
        4 => Just(Transition::RevokeDispatched),
        4 => Just(Transition::RevokeConfirmed),
        2 => Just(Transition::Detached),
        4 => Just(Transition::DeletionDispatched),
        4 => Just(Transition::DeletionAccepted { grace_ends_at: day(90) }),
        3 => Just(Transition::GoneConfirmed),
        1 => Just(Transition::NotDone),
        1 => Just(Transition::GrantSeen),
        1 => Just(Transition::Reinvited),
        1 => Just(Transition::AccountMissing),
        1 => prop::sample::select(Hold::ALL).prop_map(Transition::Withheld),
        1 => Just(Transition::AttentionNeeded(Attention::no_email())),
        2 => (0..60i32).prop_map(departed),
        1 => Just(Transition::Stopped),
        1 => (0..60i32).prop_map(|on| erasure(on, Action::Delete)),
        1 => Just(Transition::Cancelled),
        1 => Just(Transition::Held),
        2 => Just(Transition::Released { enforce: true }),
        1 => Just(Transition::BrakeReleased),
        1 => prop::sample::select(vec![Stage::Revoke, Stage::Delete]).prop_map(|stage| approved("rosa", stage)),
        1 => prop::sample::select(vec![Stage::Revoke, Stage::Delete])
            .prop_map(|stage| Transition::Withdrawn { by: "rosa".to_owned(), stage }),
        1 => Just(Transition::Retried),
        1 => Just(Transition::Resolved),
    ]
}

fn actions() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![Action::Revoke, Action::RevokeThenDelete, Action::Delete])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_histories_keep_the_promises(
        action in actions(),
        detaches in any::<bool>(),
        reinvite in any::<bool>(),
        story in prop::collection::vec((0..4i32, transitions()), 1..60),
    ) {
        let mut case = opened(action);
        case.terms.reinvite = reinvite;
        if detaches {
            case.terms.detach = vec![Detach::Organizations];
        }
        let mut today = 0;
        for (days, transition) in story {
            today += days;
            // The worker acts only on a job that is due; nothing else dispatches a call.
            let due = case.job_wanted().filter(|wanted| wanted.due_at <= day(today));
            let is_due = |kind| due.is_some_and(|wanted| wanted.kind == kind);
            if (transition == Transition::Due && due.is_none())
                || (transition == Transition::RevokeDispatched && !is_due(JobKind::Revoke))
                || (transition == Transition::DeletionDispatched && !is_due(JobKind::Delete))
            {
                continue;
            }
            let before = case.clone();
            let Ok(next) = case.apply(&transition, day(today)) else { continue };
            prop_assert!(next.state == before.state || !before.state.name().is_closed(), "{transition:?} moved a closed case");
            prop_assert_eq!(next.contradiction(), None);
            prop_assert!(next.state.name() == before.state.name() || next.since == day(today));
            if transition == Transition::RevokeDispatched || transition == Transition::DeletionDispatched {
                prop_assert_eq!(next.direction, Direction::Leaving, "a call after a stop");
                prop_assert!(day(today) >= next.effective_at, "a call before its time");
            }
            let deletes_directly = next.demands.iter().any(|demand| demand.action == Action::Delete);
            if transition == Transition::DeletionDispatched && !deletes_directly {
                prop_assert!(next.progress.revoked_at.is_some_and(|at| day(today) >= at + GRACE), "a deletion inside the local grace");
            }
            if matches!(transition, Transition::Stopped | Transition::Cancelled) {
                prop_assert_eq!(next.next_stage(), None);
            }
            if next.on_hold {
                let may_call = matches!(next.job_wanted().map(|wanted| wanted.kind), Some(JobKind::Revoke | JobKind::Detach | JobKind::Delete | JobKind::Reinvite));
                prop_assert!(!may_call, "{:?} although the person is held", next.state);
            }
            if before.on_hold && !next.on_hold {
                prop_assert!(matches!(transition, Transition::Released { .. } | Transition::Cancelled), "{transition:?} lifted a hold");
            }
            if next.direction == Direction::Returning {
                prop_assert_eq!(next.approvals.len(), 0, "an approval survived a stop");
            }
            if next.progress.deletion_requested_at.is_some() && next.progress.gone_at.is_none() && !next.state.name().is_closed() {
                let waits = matches!(next.state, State::DeletionGrace | State::NeedsAttention(_) | State::Held(_));
                prop_assert!(waits, "{:?} after an accepted deletion", next.state);
            }
            case = next;
        }
        // Nothing ends silently: every open case waits for a job or for a human, or rests revoked.
        let rests = case.state == State::Revoked && case.delete_at().is_none();
        let waits_for_a_human = matches!(case.state, State::Held(_) | State::NeedsAttention(_));
        let closed = case.state.name().is_closed();
        prop_assert!(closed || rests || waits_for_a_human || case.job_wanted().is_some());
    }
}
