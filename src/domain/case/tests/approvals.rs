//! Approvals and holds.

use super::*;

/// A demand that requires one approval of each action.
fn strict_demand(cause: Cause, action: Action, on: i32) -> Demand {
    Demand { approvals: Approvals { revoke: 1, delete: 1 }, ..demand("hr", cause, action, on) }
}

/// A departure on day 10 that requires one approval of each action.
fn scheduled(action: Action) -> Case {
    let demand = strict_demand(Cause::Departed, action, 10);
    let mut case = opened(action);
    case.terms.approvals = demand.approvals;
    Case { demands: vec![demand], ..case }
}

fn approved(stage: Stage) -> Transition {
    super::approved("rosa", stage)
}

fn departed(on: i32) -> Transition {
    Transition::Departed(strict_demand(Cause::Departed, Action::RevokeThenDelete, on))
}

fn erasure(action: Action, on: i32) -> Transition {
    Transition::ErasureRequested(strict_demand(Cause::ErasureRequested, action, on))
}

fn revoked() -> Case {
    after(&scheduled(Action::RevokeThenDelete), &revoke())
}

#[test]
fn approval_covers_one_action() {
    let case = after(&scheduled(Action::RevokeThenDelete), &[(1, approved(Stage::Delete))]);
    assert_eq!((case.approvals_missing(Stage::Revoke), case.approvals_missing(Stage::Delete)), (1, 0));
}

#[test]
fn approval_lapses_when_its_action_becomes_earlier_not_later() {
    let case =
        after(&scheduled(Action::RevokeThenDelete), &[(1, approved(Stage::Revoke)), (1, approved(Stage::Delete))]);
    assert_eq!(after(&case, &[(2, departed(9))]).approvals, []);
    let later = after(&case, &[(2, departed(20))]);
    assert_eq!(later.approvals.len(), 2);
    let back = after(&later, &[(3, departed(10))]);
    assert_eq!(back.approvals.len(), 2, "not before the time for which they were given");
    // An earlier date that is past as well makes nothing earlier.
    let due = after(&scheduled(Action::RevokeThenDelete), &[(11, approved(Stage::Revoke)), (12, departed(9))]);
    assert_eq!(due.approvals_missing(Stage::Revoke), 0);
}

#[test]
fn approval_lapses_when_the_action_becomes_stronger() {
    let case = after(&revoked(), &[(11, approved(Stage::Delete)), (12, erasure(Action::Delete, 50))]);
    assert_eq!(case.approvals, [], "even at the time that was approved");
}

#[test]
fn approval_lapses_when_the_case_is_stopped() {
    let stopped = [(11, approved(Stage::Delete)), (12, Transition::Stopped), (13, departed(13))];
    assert_eq!(after(&revoked(), &stopped).approvals, []);
}

#[test]
fn approval_lapses_when_access_was_granted_again() {
    let regranted = Transition::AttentionNeeded(Attention::from(GuardViolation::Regranted));
    let story = [(11, approved(Stage::Delete)), (40, Transition::Due), (40, regranted), (41, Transition::Retried)];
    let retried = after(&revoked(), &story);
    assert_eq!((retried.approvals.len(), retried.state), (0, State::Revoking));
}

#[test]
fn approval_of_another_account_does_not_count() {
    let known = Transition::Approved { by: "rosa".to_owned(), stage: Stage::Delete, account: Some("a1".to_owned()) };
    let mut case = after(&revoked(), &[(11, known)]);
    case.lapse_approvals_of_other_accounts("a1");
    assert_eq!(case.approvals_missing(Stage::Delete), 0);
    case.lapse_approvals_of_other_accounts("b2");
    assert_eq!(case.approvals_missing(Stage::Delete), 1);
}

#[test]
fn only_a_planned_action_that_requires_approval_can_be_approved() {
    let error = |case: &Case, stage| case.apply(&approved(stage), day(11)).unwrap_err().to_string();
    assert!(error(&scheduled(Action::Revoke), Stage::Delete).ends_with("no deletion is planned"));
    assert!(error(&scheduled(Action::Delete), Stage::Revoke).ends_with("no revoke is planned"));
    assert!(error(&revoked(), Stage::Revoke).ends_with("access is already revoked"));
    let stopped = after(&revoked(), &[(11, Transition::Stopped)]);
    assert!(error(&stopped, Stage::Delete).ends_with("it was stopped: no action is planned"));
    let mut free = scheduled(Action::Revoke);
    free.terms.approvals.revoke = 0;
    assert!(error(&free, Stage::Revoke).ends_with("its terms require no approval of this action"));
}

#[test]
fn case_proceeds_when_the_awaited_approval_is_no_longer_required() {
    let mut case = scheduled(Action::Revoke);
    case.terms.approvals.delete = 0;
    let held = after(&case, &[(10, Transition::Due), (10, Transition::Withheld(Hold::Approval))]);
    let mut demand = strict_demand(Cause::ErasureRequested, Action::Delete, 10);
    demand.approvals.delete = 0;
    assert_eq!(after(&held, &[(11, Transition::ErasureRequested(demand))]).state, State::Deleting);
    let needed = after(&held, &[(11, erasure(Action::Delete, 10))]);
    assert_eq!((needed.state.clone(), needed.next_stage()), (State::Held(Hold::Approval), Some(Stage::Delete)));
    assert_eq!(after(&needed, &[(12, approved(Stage::Delete))]).state, State::Deleting);
}

#[test]
fn hold_is_lifted_only_by_an_operators_release_or_cancel() {
    let held = after(&revoked(), &[(11, Transition::Held)]);
    for story in [
        vec![(12, Transition::Stopped), (13, departed(13))],
        vec![(12, erasure(Action::Delete, 12))],
        vec![(12, departed(12)), (13, Transition::Stopped), (14, erasure(Action::Delete, 14))],
        vec![(12, Transition::AttentionNeeded(Attention::no_email())), (13, Transition::Retried)],
        vec![(12, Transition::Withheld(Hold::Brake))],
    ] {
        let case = after(&held, &story);
        assert_eq!((case.state, case.on_hold), (State::Held(Hold::Hold), true), "{story:?}");
    }
    let released = after(&held, &[(12, Transition::Released { enforce: true })]);
    assert_eq!((released.state, released.on_hold), (State::Revoked, false));
    assert!(!after(&held, &[(12, Transition::Cancelled)]).on_hold);
}

#[test]
fn hold_on_a_restoring_case_counts_when_the_person_departs_again() {
    let restoring = after(&revoked(), &[(11, Transition::Stopped), (12, Transition::Held)]);
    assert_eq!(restoring.state, State::Restoring, "to look whether access is there again is no change");
    assert_eq!(after(&restoring, &[(13, departed(13))]).state, State::Held(Hold::Hold));
    let released = after(&restoring, &[(13, Transition::Released { enforce: true }), (14, departed(14))]);
    assert_eq!(released.state, State::Revoked);
}

#[test]
fn escalation_is_what_becomes_earlier_or_stronger() {
    let case = scheduled(Action::RevokeThenDelete);
    let of = |case: &Case, transition: Transition| after(case, &[(2, transition)]).escalation(case, day(2));
    assert_eq!(of(&case, departed(9)), Some(Escalation::Earlier));
    assert_eq!(of(&case, departed(11)), None);
    assert_eq!(of(&case, erasure(Action::Delete, 60)), Some(Escalation::Stronger));
    assert_eq!(of(&case, Transition::Stopped), None);
    let stopped = after(&revoked(), &[(11, Transition::Stopped)]);
    assert_eq!(of(&stopped, departed(12)), Some(Escalation::Opened));
    assert_eq!(of(&scheduled(Action::Revoke), Transition::Held), None);
}

#[test]
fn approvals_come_from_different_people_and_never_from_the_requester() {
    let mut case = opened(Action::Revoke);
    case.terms.approvals.revoke = 2;
    case.terms.requested_by = Some("rosa".to_owned());
    let held = after(&case, &[(10, Transition::Due), (10, Transition::Withheld(Hold::Approval))]);
    let approved_by = |by: &str| super::approved(by, Stage::Revoke);
    assert_eq!(held.apply(&approved_by("rosa"), day(10)), Err(InvalidTransition::OwnRequest));
    let once = after(&held, &[(10, approved_by("ada"))]);
    assert_eq!(once.state, State::Held(Hold::Approval));
    assert_eq!(once.apply(&approved_by("ada"), day(10)), Ok(once.clone()), "a repetition changes nothing");
    assert_eq!(after(&once, &[(10, approved_by("ben"))]).state, State::Revoking);
}
