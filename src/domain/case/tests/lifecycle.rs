//! The way of a case without any disturbance.

use super::*;

#[test]
fn leaver_is_revoked_then_deleted_then_erased() {
    let scheduled = opened(Action::RevokeThenDelete);
    assert_eq!(wants(&scheduled), Some((JobKind::Revoke, day(10))));
    let revoking = after(&scheduled, &[(10, Transition::Due)]);
    assert_eq!(revoking.state, State::Revoking);
    let revoked = after(&revoking, &[(10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)]);
    assert_eq!(wants(&revoked), Some((JobKind::Delete, day(40))));
    assert_eq!(revoked.stoppable_until(), Some(day(40)));
    let deleting = after(&revoked, &[(40, Transition::Due)]);
    assert_eq!(deleting.state, State::Deleting);
    let accepted = Transition::DeletionAccepted { grace_ends_at: day(54) };
    let grace = after(&deleting, &[(40, Transition::DeletionDispatched), (40, accepted)]);
    assert_eq!(wants(&grace), Some((JobKind::Verify, day(54))));
    let erased = after(&grace, &[(54, Transition::GoneConfirmed)]);
    assert_eq!((erased.state.name(), erased.closed_at(), wants(&erased)), (StateName::Erased, Some(day(54)), None));
}

#[test]
fn case_is_not_erased_between_end_of_grace_and_last_read() {
    let seen = after(&in_deletion_grace(), &[(54, Transition::GoneSeen { last_read_at: day(55) })]);
    assert_eq!((seen.state.name(), wants(&seen)), (StateName::DeletionGrace, Some((JobKind::Verify, day(55)))));
    let again = Transition::GoneSeen { last_read_at: day(56) };
    assert!(seen.apply(&again, day(55)).is_err(), "there is one last look");
    assert_eq!(after(&seen, &[(55, Transition::GoneConfirmed)]).state, State::Erased);
    assert!(in_deletion_grace().apply(&again, day(53)).is_err(), "not before the end of the grace");
}

#[test]
fn revoke_without_deletion_rests_in_revoked() {
    let case = after(&opened(Action::Revoke), &revoke());
    assert_eq!((case.state.name(), wants(&case)), (StateName::Revoked, None));
}

#[test]
fn detaching_comes_between_revoke_and_deletion() {
    let mut case = opened(Action::RevokeThenDelete);
    case.terms.detach = vec![Detach::Organizations];
    let revoked = after(&case, &revoke());
    assert_eq!(wants(&revoked), Some((JobKind::Detach, day(10))));
    assert_eq!(
        wants(&after(&revoked, &[(10, Transition::Due), (10, Transition::Detached)])),
        Some((JobKind::Delete, day(40)))
    );
}

#[test]
fn expired_local_grace_does_not_skip_detaching() {
    let mut case = opened(Action::RevokeThenDelete);
    case.terms.detach = vec![Detach::Organizations];
    case.demands[0].local_grace = SignedDuration::ZERO;
    let revoked = after(&case, &revoke());
    let due = after(&revoked, &[(10, Transition::Due)]);
    assert_eq!((due.state.name(), wants(&due)), (StateName::Revoked, Some((JobKind::Detach, day(10)))));
    assert_eq!(after(&due, &[(10, Transition::Detached), (10, Transition::Due)]).state, State::Deleting);
}

#[test]
fn end_of_the_deletion_grace_is_taken_from_the_result() {
    // The grace is the site's setting; the machine only stores the value that it receives.
    let accepted = after(
        &revoked(),
        &[(40, Transition::Due), (40, Transition::DeletionAccepted { grace_ends_at: day(40) + FOURTEEN_DAYS })],
    );
    assert_eq!(accepted.reinvite_from(), Some(day(54)));
}

#[test]
fn each_state_name_parses_back() {
    for state in StateName::ALL {
        assert_eq!(state.as_str().parse::<StateName>().as_ref(), Ok(state));
    }
    assert_eq!(StateName::ALL.len(), 12);
}

#[test]
fn contradiction_in_a_case_is_named() {
    let grace = in_deletion_grace();
    let restoring = after(&revoked(), &[(20, Transition::Stopped)]);
    let erased = after(&grace, &[(54, Transition::GoneConfirmed)]);
    let broken = |case: &Case, breaks: fn(&mut Case)| {
        assert_eq!(case.contradiction(), None);
        let mut case = case.clone();
        breaks(&mut case);
        case.contradiction().unwrap_or_default()
    };
    assert_eq!(broken(&revoked(), |case| case.progress.revoked_at = None), "revoked without a time of revocation");
    assert_eq!(broken(&grace, |case| case.progress.grace_ends_at = None), "in deletion grace without an end of it");
    assert_eq!(
        broken(&grace, |case| case.progress.deletion_requested_at = None),
        "in deletion grace without a deletion"
    );
    assert_eq!(broken(&restoring, |case| case.direction = Direction::Leaving), "restoring, but leaving");
    assert_eq!(broken(&erased, |case| case.progress.gone_at = None), "erased without a read that confirmed it");
}

#[test]
fn only_revokes_are_urgent() {
    let urgent: Vec<_> = JobKind::ALL.iter().filter(|kind| kind.is_urgent()).collect();
    assert_eq!(urgent, [&JobKind::Revoke]);
}

#[test]
fn attention_of_each_guard_violation_explains_itself() {
    for violation in GuardViolation::ALL {
        let attention = Attention::from(*violation);
        assert_eq!(attention.reason.as_str(), violation.as_str());
        assert!(attention.detail.len() > 30, "{}", attention.detail);
    }
}
