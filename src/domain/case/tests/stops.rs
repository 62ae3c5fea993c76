//! Stops before, between and after the calls.

use super::*;

#[test]
fn stop_results_in_the_state_that_the_progress_allows() {
    let scheduled = opened(Action::RevokeThenDelete);
    let revoking = after(&scheduled, &[(10, Transition::Due)]);
    let dispatched = after(&revoking, &[(10, Transition::RevokeDispatched)]);
    let deleting = after(&revoked(), &[(40, Transition::Due)]);
    let lost = after(&deleting, &[(40, Transition::DeletionDispatched)]);
    for (case, state) in [
        (scheduled, StateName::Cancelled),
        (revoking, StateName::Cancelled),
        (dispatched, StateName::Restoring),
        (revoked(), StateName::Restoring),
        (deleting, StateName::Restoring),
        (lost, StateName::Deleting),
        (in_deletion_grace(), StateName::DeletionGrace),
    ] {
        let stopped = after(&case, &[(41, Transition::Stopped)]);
        assert_eq!(stopped.state.name(), state, "from {}", case.state.name());
        assert_eq!(stopped.next_stage(), None, "nothing destructive follows from {}", case.state.name());
    }
}

#[test]
fn return_in_deletion_grace_invites_again_only_by_the_terms() {
    let plain = after(&in_deletion_grace(), &[(45, Transition::Stopped), (54, Transition::GoneConfirmed)]);
    assert_eq!(plain.state, State::Erased);
    let mut kind = in_deletion_grace();
    kind.terms.reinvite = true;
    let gone = after(&kind, &[(45, Transition::Stopped), (54, Transition::GoneConfirmed)]);
    assert_eq!(wants(&gone), Some((JobKind::Reinvite, day(54))));
    assert_eq!(after(&gone, &[(54, Transition::Reinvited)]).state, State::Restored);
    let left_again = after(&gone, &[(55, departed(55))]);
    assert_eq!(left_again.state, State::Erased);
}

#[test]
fn deletion_is_stoppable_until_its_dispatch() {
    let scheduled = opened(Action::RevokeThenDelete);
    assert_eq!(scheduled.stoppable_until(), Some(day(40)), "the plan");
    assert_eq!(after(&scheduled, &[(1, Transition::Stopped)]).stoppable_until(), None);
    assert_eq!(after(&revoked(), &[(20, Transition::Stopped)]).stoppable_until(), None, "it is off");
    let deleting = after(&revoked(), &[(40, Transition::Due)]);
    assert_eq!(deleting.stoppable_until(), Some(day(40)));
    assert_eq!(after(&deleting, &[(40, Transition::DeletionDispatched)]).stoppable_until(), None);
    assert_eq!(in_deletion_grace().stoppable_until(), None);
    let gone = after(&scheduled, &[(10, Transition::Due), (10, Transition::AccountMissing)]);
    assert_eq!((gone.state.name(), gone.stoppable_until()), (StateName::NoAccount, None));
}

#[test]
fn departure_after_a_stop_restarts_its_grace() {
    let again = after(&revoked(), &[(20, Transition::Stopped), (25, departed(25))]);
    assert_eq!(wants(&again), Some((JobKind::Delete, day(55))));
}

#[test]
fn demands_before_a_stop_do_not_return() {
    let stopped = after(&revoked(), &[(11, erasure(60, Action::Delete)), (12, Transition::Stopped)]);
    let again = after(&stopped, &[(13, departed(20))]);
    assert_eq!((again.terms.action, wants(&again)), (Action::RevokeThenDelete, Some((JobKind::Delete, day(50)))));
}

#[test]
fn erasure_request_reopens_a_stopped_case() {
    let restoring = after(&revoked(), &[(12, Transition::Stopped)]);
    let again = after(&restoring, &[(13, erasure(13, Action::Revoke))]);
    assert_eq!((again.direction, again.state.name()), (Direction::Leaving, StateName::Revoked));
}
