//! Demands of several sources, and their dates.

use super::*;

#[test]
fn new_date_moves_a_scheduled_departure() {
    let later = after(&opened(Action::Revoke), &[(1, departed_to(Action::Revoke, 20))]);
    assert_eq!(wants(&later), Some((JobKind::Revoke, day(20))));
    let sooner = after(&later, &[(2, departed_to(Action::Revoke, 1))]);
    assert_eq!(sooner.state, State::Revoking);
}

#[test]
fn later_last_day_after_the_revoke_moves_the_deletion() {
    let later = after(&revoked(), &[(11, departed(20))]);
    assert_eq!(wants(&later), Some((JobKind::Delete, day(50))));
    assert!(later.was_revoked_early() && !revoked().was_revoked_early());
    let sooner = after(&later, &[(12, departed(10))]);
    assert_eq!(wants(&sooner), Some((JobKind::Delete, day(40))), "never before the revoke plus the local grace");
    let deleting = after(&revoked(), &[(40, Transition::Due), (41, departed(45))]);
    assert_eq!((deleting.state.name(), wants(&deleting)), (StateName::Revoked, Some((JobKind::Delete, day(75)))));
}

#[test]
fn deletion_can_be_postponed_until_its_call() {
    let deleting = after(&opened(Action::Delete), &[(10, Transition::Due)]);
    let postponed = after(&deleting, &[(11, departed_to(Action::Delete, 20))]);
    assert_eq!((postponed.state.name(), wants(&postponed)), (StateName::Scheduled, Some((JobKind::Delete, day(20)))));
    assert!(in_deletion_grace().apply(&departed(50), day(41)).is_err(), "too late");
}

#[test]
fn erasure_request_never_waits_for_a_later_departure() {
    let departs_late = opened(Action::Delete);
    let now = after(&departs_late, &[(2, erasure(2, Action::Delete))]);
    assert_eq!((now.state.name(), now.effective_at), (StateName::Deleting, day(2)));
    let soon = after(&departs_late, &[(2, erasure(5, Action::Delete))]);
    assert_eq!(wants(&soon), Some((JobKind::Delete, day(5))));
    let postponed = after(&soon, &[(3, departed_to(Action::Delete, 30))]);
    assert_eq!(wants(&postponed), Some((JobKind::Delete, day(5))), "a departure moves only itself");
}

#[test]
fn erasure_request_with_a_later_date_takes_effect_at_its_own_time() {
    let revoked = after(&opened(Action::Revoke), &revoke());
    let later = after(&revoked, &[(11, erasure(20, Action::RevokeThenDelete))]);
    assert_eq!(wants(&later), Some((JobKind::Delete, day(50))));
    let direct = after(&revoked, &[(11, erasure(20, Action::Delete))]);
    assert_eq!(wants(&direct), Some((JobKind::Delete, day(20))));
    // The departure's own deletion comes first.
    let at_the_latest = after(&self::revoked(), &[(11, erasure(60, Action::Delete))]);
    assert_eq!(wants(&at_the_latest), Some((JobKind::Delete, day(40))));
}

#[test]
fn stronger_action_of_two_sources_wins_and_none_postpones_the_other() {
    let crm = |action, on| Transition::Departed(demand("crm", Cause::Departed, action, on));
    let both = after(&opened(Action::Revoke), &[(2, crm(Action::RevokeThenDelete, 20))]);
    assert_eq!((both.terms.action, wants(&both)), (Action::RevokeThenDelete, Some((JobKind::Revoke, day(10)))));
    assert_eq!(both.delete_at(), Some(day(50)));
    let weaker = after(&opened(Action::Delete), &[(2, crm(Action::Revoke, 20))]);
    assert_eq!((weaker.terms.action, wants(&weaker)), (Action::Delete, Some((JobKind::Delete, day(10)))));
}

#[test]
fn erasure_request_brings_a_waiting_deletion_forward() {
    let erasure = erasure(12, Action::Delete);
    let hastened = after(&revoked(), &[(12, erasure.clone())]);
    assert_eq!((hastened.state.name(), wants(&hastened)), (StateName::Deleting, Some((JobKind::Delete, day(12)))));
    assert!(hastened.apply(&erasure, day(12)).is_err(), "a second one changes nothing");
}

#[test]
fn new_date_keeps_the_state_of_a_case_that_waits_for_a_human() {
    let departed = departed(20);
    for waits in [Transition::Held, Transition::AttentionNeeded(Attention::no_email())] {
        let waiting = after(&opened(Action::Revoke), &[(1, waits)]);
        let moved = after(&waiting, &[(2, departed.clone())]);
        assert_eq!((&moved.state, moved.effective_at), (&waiting.state, day(20)));
    }
}

#[test]
fn erasure_request_makes_a_departure_stronger_and_never_weaker() {
    let request = |action| erasure(12, action);
    for (opened_as, requested, led_to) in [
        (Action::Revoke, Action::RevokeThenDelete, Some(Action::RevokeThenDelete)),
        (Action::Revoke, Action::Delete, Some(Action::Delete)),
        (Action::RevokeThenDelete, Action::Delete, Some(Action::Delete)),
        (Action::RevokeThenDelete, Action::RevokeThenDelete, Some(Action::RevokeThenDelete)),
        (Action::RevokeThenDelete, Action::Revoke, Some(Action::RevokeThenDelete)),
        (Action::Delete, Action::RevokeThenDelete, Some(Action::Delete)),
        (Action::Delete, Action::Revoke, Some(Action::Delete)),
    ] {
        let hastened = opened(opened_as).apply(&request(requested), day(2));
        assert_eq!(hastened.map(|case| case.terms.action).ok(), led_to, "{opened_as}, requested {requested}");
    }
    // Each demand keeps its own date.
    let both = after(&opened(Action::Revoke), &[(2, request(Action::Delete))]);
    assert_eq!((wants(&both), both.delete_at()), (Some((JobKind::Revoke, day(10))), Some(day(12))));
    let held = after(&opened(Action::Revoke), &[(1, Transition::Held), (2, request(Action::Delete))]);
    assert_eq!((held.state, held.terms.action), (State::Held(Hold::Hold), Action::Delete), "a human looks first");
}

#[test]
fn erasure_request_after_an_accepted_deletion_is_rejected() {
    let error = in_deletion_grace().apply(&erasure(40, Action::Delete), day(41)).unwrap_err();
    assert!(error.to_string().ends_with("moved to another time: the deletion is already in progress"), "{error}");
}

#[test]
fn departure_of_a_resting_revoked_case_reads_the_account_again() {
    let rests = after(&opened(Action::Revoke), &revoke());
    let again = after(&rests, &[(20, departed_to(Action::Revoke, 20))]);
    assert_eq!((again.state.clone(), again.progress.revoked_at), (State::Revoking, None));
    assert_eq!(wants(&again).map(|(kind, _)| kind), Some(JobKind::Revoke));
    // Access may be gone, so a stop waits for a grant.
    assert_eq!(after(&again, &[(20, Transition::Stopped)]).state, State::Restoring);
    assert_eq!(after(&again, &[(20, Transition::RevokeConfirmed)]).state, State::Revoked);

    let later = after(&rests, &[(20, departed_to(Action::Revoke, 40))]);
    assert_eq!((later.state.clone(), wants(&later)), (State::Scheduled, Some((JobKind::Revoke, day(40)))));
    assert_eq!(after(&later, &[(20, Transition::Stopped)]).state, State::Restoring);
}

#[test]
fn direct_deletion_does_not_wait_for_approval_of_a_revoke() {
    let mut case = opened(Action::RevokeThenDelete);
    case.terms.approvals.revoke = 1;
    let held = after(&case, &[(10, Transition::Due), (10, Transition::Withheld(Hold::Approval))]);
    let direct = after(&held, &[(11, erasure(11, Action::Delete))]);
    assert_eq!((direct.state.name(), wants(&direct)), (StateName::Deleting, Some((JobKind::Delete, day(11)))));
    let later = after(&held, &[(11, erasure(20, Action::Delete))]);
    assert_eq!((&later.state, wants(&later)), (&State::Held(Hold::Approval), Some((JobKind::Delete, day(20)))));
    assert_eq!(after(&later, &[(20, Transition::Due)]).state, State::Deleting);
}

#[test]
fn demands_that_are_left_decide_when_others_end() {
    let changed = Transition::Departed(demand("hr", Cause::EmailChanged, Action::Revoke, 20));
    let ended = |ended| Transition::DemandsEnded { source: "hr".parse().unwrap(), ended };
    let both = after(&opened(Action::RevokeThenDelete), &[(1, changed)]);
    let former_only = after(&both, &[(2, ended(EndedDemands::Leaving))]);
    assert_eq!(wants(&former_only), Some((JobKind::Revoke, day(20))));
    assert_eq!(former_only.terms.action, Action::Revoke);
    let leaving_only = after(&both, &[(2, ended(EndedDemands::FormerAddress))]);
    assert_eq!(wants(&leaving_only), Some((JobKind::Revoke, day(10))));
    let nothing = after(&former_only, &[(3, ended(EndedDemands::FormerAddress))]);
    assert_eq!(nothing.state, State::Cancelled);
    assert!(nothing.apply(&ended(EndedDemands::Leaving), day(4)).is_err());
}

#[test]
fn deletion_is_off_when_only_a_revoke_is_left() {
    let changed = Transition::Departed(demand("hr", Cause::EmailChanged, Action::Revoke, 10));
    let ended = Transition::DemandsEnded { source: "hr".parse().unwrap(), ended: EndedDemands::Leaving };
    let rests = after(&revoked(), &[(11, changed), (12, ended)]);
    assert_eq!(rests.state, State::Revoked);
    assert_eq!(wants(&rests), None);
}

#[test]
fn revoke_that_is_left_by_a_withdrawn_earlier_deletion_is_no_escalation() {
    let changed = Transition::Departed(demand("hr", Cause::EmailChanged, Action::Revoke, 20));
    let ended = Transition::DemandsEnded { source: "hr".parse().unwrap(), ended: EndedDemands::Leaving };
    let both = after(&opened(Action::Delete), &[(1, changed)]);
    let left = after(&both, &[(2, ended)]);
    assert_eq!((wants(&left), left.escalation(&both, day(2))), (Some((JobKind::Revoke, day(20))), None));
}

#[test]
fn revoke_continues_when_a_due_deletion_is_taken_back() {
    let former = opened_by(Cause::EmailChanged, Action::Revoke);
    let due = after(&former, &[(1, erasure(1, Action::Delete))]);
    assert_eq!((due.state.name(), wants(&due)), (StateName::Deleting, Some((JobKind::Delete, day(1)))));
    let ended = Transition::DemandsEnded { source: "hr".parse().unwrap(), ended: EndedDemands::Leaving };
    let left = after(&due, &[(2, ended)]);
    assert_eq!((left.state.name(), wants(&left)), (StateName::Scheduled, Some((JobKind::Revoke, day(10)))));
}
