//! Calls without a known outcome.

use super::*;

#[test]
fn deletion_without_outcome_is_verified_after_a_stop() {
    let lost =
        after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched), (40, Transition::Stopped)]);
    assert_eq!(wants(&lost).map(|(kind, _)| kind), Some(JobKind::Verify));
    let there = after(&lost, &[(40, Transition::NotDone)]);
    assert_eq!(there.state, State::Restoring);
    let accepted = Transition::DeletionAccepted { grace_ends_at: day(54) };
    assert_eq!(after(&lost, &[(40, accepted)]).state, State::DeletionGrace);
}

#[test]
fn revoke_without_outcome_is_not_repeated_before_a_new_date() {
    let dispatched = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::RevokeDispatched)]);
    let postponed = after(&dispatched, &[(11, Transition::Stopped), (12, departed(30))]);
    assert_eq!(postponed.state, State::Revoking, "a read has to show it");
    assert!(postponed.apply(&Transition::RevokeDispatched, day(12)).is_err());
    assert_eq!(wants(&after(&postponed, &[(12, Transition::NotDone)])), Some((JobKind::Revoke, day(30))));
}

#[test]
fn deletion_without_outcome_is_not_repeated_after_a_stop_or_early() {
    let lost =
        after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched), (41, Transition::Stopped)]);
    assert!(lost.apply(&Transition::DeletionDispatched, day(41)).is_err(), "it was stopped");
    let postponed = after(&lost, &[(42, departed(45))]);
    assert_eq!(postponed.state, State::Deleting, "a read has to show it");
    assert!(postponed.apply(&Transition::DeletionDispatched, day(74)).is_err());
    assert!(postponed.apply(&Transition::DeletionDispatched, day(75)).is_ok());
}

#[test]
fn revoke_without_outcome_is_read_before_it_waits_for_a_new_date() {
    let dispatched = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::RevokeDispatched)]);
    let moved = after(&dispatched, &[(11, departed_to(Action::Revoke, 20))]);
    assert_eq!((moved.state.name(), moved.effective_at), (StateName::Revoking, day(20)));
    assert!(moved.apply(&Transition::RevokeDispatched, day(12)).is_err());
    assert_eq!(wants(&after(&moved, &[(12, Transition::NotDone)])), Some((JobKind::Revoke, day(20))));
}

#[test]
fn revoke_that_took_effect_after_a_stop_still_waits_for_a_grant() {
    let dispatched = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::RevokeDispatched)]);
    let stopped = after(&dispatched, &[(10, Transition::Stopped), (11, Transition::RevokeConfirmed)]);
    assert_eq!((stopped.state, stopped.progress.revoked_at), (State::Restoring, Some(day(11))));
}

#[test]
fn call_is_open_until_confirmed_or_its_window_ends() {
    let mut progress = Progress { revoke_dispatched_at: Some(day(1)), ..Progress::default() };
    assert_eq!(progress.revoke_open_until(DAY), Some(day(2)));
    progress.ended_without_outcome(JobKind::Revoke, day(3));
    assert_eq!(progress.revoke_open_until(DAY), Some(day(4)));
    progress.revoked_at = Some(day(3));
    assert_eq!(progress.revoke_open_until(DAY), None);
    progress.ended_without_outcome(JobKind::Delete, day(5));
    assert_eq!(progress.deletion_open_until(DAY), None, "it was never dispatched");
}

#[test]
fn detach_is_dispatched_only_while_the_terms_require_it() {
    let mut case = revoked();
    assert!(case.apply(&Transition::DetachDispatched, day(11)).is_err());
    case.terms.detach = vec![Detach::ServiceDesks];
    let dispatched = after(&case, &[(11, Transition::DetachDispatched), (11, Transition::DetachCallDone)]);
    assert_eq!(dispatched, case);
    let detached = after(&case, &[(11, Transition::Detached)]);
    assert!(detached.apply(&Transition::DetachDispatched, day(11)).is_err());
    assert!(after(&case, &[(11, Transition::Stopped)]).apply(&Transition::DetachDispatched, day(11)).is_err());
}

#[test]
fn invitation_is_dispatched_only_after_return_and_grace() {
    let mut case = after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched)]);
    case.terms.reinvite = true;
    case = after(&case, &[(40, Transition::DeletionAccepted { grace_ends_at: day(54) }), (41, Transition::Stopped)]);
    assert!(case.apply(&Transition::ReinviteDispatched, day(54)).is_err(), "no read showed that the account is gone");
    case = after(&case, &[(54, Transition::GoneConfirmed)]);
    assert!(case.apply(&Transition::ReinviteDispatched, day(53)).is_err());
    assert_eq!(after(&case, &[(54, Transition::ReinviteDispatched)]).progress.reinvite_dispatched_at, Some(day(54)));
}

#[test]
fn departure_after_a_lost_deletion_is_revoked_before_its_grace() {
    let lost = after(&opened(Action::Delete), &[(10, Transition::Due), (10, Transition::DeletionDispatched)]);
    let again = after(&lost, &[(11, Transition::Stopped), (60, departed(10))]);
    assert_eq!(again.state, State::Deleting, "the account is read first");
    assert!(again.apply(&Transition::DeletionDispatched, day(60)).is_err());
    let revoking = after(&again, &[(60, Transition::NotDone)]);
    assert_eq!(wants(&revoking), Some((JobKind::Revoke, day(60))));
}
