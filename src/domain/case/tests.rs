//! The machine, by table and by chance.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);
const FOURTEEN_DAYS: SignedDuration = SignedDuration::from_hours(14 * 24);

fn day(n: i32) -> Timestamp {
    Timestamp::UNIX_EPOCH + DAY * n
}

fn terms(action: Action) -> Terms {
    Terms {
        action,
        local_grace: GRACE,
        approvals: Approvals::default(),
        detach: Vec::new(),
        reinvite: false,
        requested_by: None,
        policy: None,
    }
}

fn demand(source: &str, cause: Cause, action: Action, on: i32) -> Demand {
    Demand::new(Some(source.parse().unwrap()), cause, &terms(action), day(on))
}

/// The source of the case reports another last day.
fn departed(on: i32) -> Transition {
    Transition::Departed(demand("hr", Cause::Departed, Action::RevokeThenDelete, on))
}

fn departed_to(action: Action, on: i32) -> Transition {
    Transition::Departed(demand("hr", Cause::Departed, action, on))
}

fn erasure(on: i32, action: Action) -> Transition {
    Transition::ErasureRequested(demand("hr", Cause::ErasureRequested, action, on))
}

fn approved(by: &str, stage: Stage) -> Transition {
    Transition::Approved { by: by.to_owned(), stage, account: None }
}

/// A case with `action`, effective on day 10, opened on day 0.
fn opened(action: Action) -> Case {
    let terms = terms(action);
    Case {
        id: crate::clock::new_id(day(0)).into(),
        site: "acme".parse().unwrap(),
        source: Some("hr".parse().unwrap()),
        demands: vec![Demand::new(Some("hr".parse().unwrap()), Cause::Departed, &terms, day(10))],
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

fn after(case: &Case, transitions: &[(i32, Transition)]) -> Case {
    transitions.iter().fold(case.clone(), |case, (on, transition)| {
        case.apply(transition, day(*on)).unwrap_or_else(|error| panic!("{transition:?}: {error}"))
    })
}

fn revoked() -> Case {
    after(
        &opened(Action::RevokeThenDelete),
        &[(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)],
    )
}

fn in_deletion_grace() -> Case {
    let accepted = Transition::DeletionAccepted { grace_ends_at: day(54) };
    after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched), (40, accepted)])
}

fn wants(case: &Case) -> Option<(JobKind, Timestamp)> {
    case.job_wanted().map(|wanted| (wanted.kind, wanted.due_at))
}

#[test]
fn a_leaver_is_revoked_then_deleted_then_erased() {
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
fn between_the_end_of_the_grace_and_the_last_look_nothing_is_said_to_be_erased() {
    let seen = after(&in_deletion_grace(), &[(54, Transition::GoneSeen { last_look_at: day(55) })]);
    assert_eq!((seen.state.name(), wants(&seen)), (StateName::DeletionGrace, Some((JobKind::Verify, day(55)))));
    let again = Transition::GoneSeen { last_look_at: day(56) };
    assert!(seen.apply(&again, day(55)).is_err(), "there is one last look");
    assert_eq!(after(&seen, &[(55, Transition::GoneConfirmed)]).state, State::Erased);
    assert!(in_deletion_grace().apply(&again, day(53)).is_err(), "not before the end of the grace");
}

#[test]
fn a_revoke_alone_rests_when_it_is_done() {
    let case = after(
        &opened(Action::Revoke),
        &[(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)],
    );
    assert_eq!((case.state.name(), wants(&case)), (StateName::Revoked, None));
}

#[test]
fn a_stop_does_what_the_moment_allows() {
    let scheduled = opened(Action::RevokeThenDelete);
    let revoking = after(&scheduled, &[(10, Transition::Due)]);
    let asked = after(&revoking, &[(10, Transition::RevokeDispatched)]);
    let deleting = after(&revoked(), &[(40, Transition::Due)]);
    let lost = after(&deleting, &[(40, Transition::DeletionDispatched)]);
    for (case, state) in [
        (scheduled, StateName::Cancelled),
        (revoking, StateName::Cancelled),
        (asked, StateName::Restoring),
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
fn a_deletion_whose_answer_was_lost_is_looked_at_after_a_stop() {
    let lost =
        after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched), (40, Transition::Stopped)]);
    assert_eq!(wants(&lost).map(|(kind, _)| kind), Some(JobKind::Verify));
    let there = after(&lost, &[(40, Transition::NotDone)]);
    assert_eq!(there.state, State::Restoring);
    let accepted = Transition::DeletionAccepted { grace_ends_at: day(54) };
    assert_eq!(after(&lost, &[(40, accepted)]).state, State::DeletionGrace);
}

#[test]
fn a_return_inside_the_deletion_grace_invites_anew_only_if_the_terms_say_so() {
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
fn a_deletion_can_be_stopped_until_it_is_asked_for() {
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
fn an_operator_cannot_cancel_what_atlassian_accepted() {
    let error = in_deletion_grace().apply(&Transition::Cancelled, day(45)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a case in state `deletion_grace` cannot be cancelled: Atlassian accepted the deletion, which cannot be taken back"
    );
}

#[test]
fn a_departure_taken_back_and_renewed_starts_its_grace_anew() {
    let again = after(&revoked(), &[(20, Transition::Stopped), (25, departed(25))]);
    assert_eq!(wants(&again), Some((JobKind::Delete, day(55))));
}

#[test]
fn a_new_date_moves_a_departure_that_has_not_begun() {
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
fn deletion_is_postponed_until_its_call_is_made() {
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
    let revoked = after(
        &opened(Action::Revoke),
        &[(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)],
    );
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
fn demands_of_before_a_stop_do_not_come_back() {
    let stopped = after(&revoked(), &[(11, erasure(60, Action::Delete)), (12, Transition::Stopped)]);
    let again = after(&stopped, &[(13, departed(20))]);
    assert_eq!((again.terms.action, wants(&again)), (Action::RevokeThenDelete, Some((JobKind::Delete, day(50)))));
}

#[test]
fn approvals_come_from_different_people_and_never_from_the_requester() {
    let mut case = opened(Action::Revoke);
    case.terms.approvals.revoke = 2;
    case.terms.requested_by = Some("rosa".to_owned());
    let held = after(&case, &[(10, Transition::Due), (10, Transition::Withheld(Hold::Approval))]);
    let approved_by = |by: &str| approved(by, Stage::Revoke);
    assert_eq!(held.apply(&approved_by("rosa"), day(10)), Err(InvalidTransition::OwnRequest));
    let once = after(&held, &[(10, approved_by("ada"))]);
    assert_eq!(once.state, State::Held(Hold::Approval));
    assert_eq!(once.apply(&approved_by("ada"), day(10)), Ok(once.clone()), "a repetition changes nothing");
    assert_eq!(after(&once, &[(10, approved_by("ben"))]).state, State::Revoking);
}

#[test]
fn in_observe_mode_nothing_is_released() {
    let held = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::Withheld(Hold::Observe))]);
    assert!(held.apply(&Transition::Released { enforce: false }, day(11)).is_err());
    assert_eq!(after(&held, &[(11, Transition::Released { enforce: true })]).state, State::Revoking);
}

#[test]
fn a_hold_released_goes_on_where_it_stood() {
    let released = [(20, Transition::Held), (21, Transition::Released { enforce: true })];
    assert_eq!(wants(&after(&revoked(), &released)), Some((JobKind::Delete, day(40))));
    assert_eq!(
        after(&opened(Action::Revoke), &[(1, Transition::Held), (2, Transition::Released { enforce: true })]).state,
        State::Scheduled
    );
}

#[test]
fn an_erasure_request_hastens_a_case_that_waits() {
    let erasure = erasure(12, Action::Delete);
    let hastened = after(&revoked(), &[(12, erasure.clone())]);
    assert_eq!((hastened.state.name(), wants(&hastened)), (StateName::Deleting, Some((JobKind::Delete, day(12)))));
    assert!(hastened.apply(&erasure, day(12)).is_err(), "a second one changes nothing");
}

#[test]
fn after_a_grant_by_hand_a_retry_takes_access_away_again() {
    let attention = Attention::from(GuardViolation::Regranted);
    let stuck = after(&revoked(), &[(40, Transition::Due), (40, Transition::AttentionNeeded(attention))]);
    assert_eq!(wants(&after(&stuck, &[(41, Transition::Retried)])), Some((JobKind::Revoke, day(41))));
}

#[test]
fn detaching_comes_between_the_revoke_and_the_deletion() {
    let mut case = opened(Action::RevokeThenDelete);
    case.terms.detach = vec![Detach::Organizations];
    let revoked =
        after(&case, &[(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)]);
    assert_eq!(wants(&revoked), Some((JobKind::Detach, day(10))));
    assert_eq!(
        wants(&after(&revoked, &[(10, Transition::Due), (10, Transition::Detached)])),
        Some((JobKind::Delete, day(40)))
    );
}

#[test]
fn every_word_is_read_back() {
    for state in StateName::ALL {
        assert_eq!(state.as_str().parse::<StateName>().as_ref(), Ok(state));
    }
    assert_eq!(StateName::ALL.len(), 12);
}

#[test]
fn a_deed_whose_answer_was_lost_is_not_repeated_before_a_new_date() {
    let asked = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::RevokeDispatched)]);
    let put_off = after(&asked, &[(11, Transition::Stopped), (12, departed(30))]);
    assert_eq!(put_off.state, State::Revoking, "it has to be looked at");
    assert!(put_off.apply(&Transition::RevokeDispatched, day(12)).is_err());
    assert_eq!(wants(&after(&put_off, &[(12, Transition::NotDone)])), Some((JobKind::Revoke, day(30))));
}

#[test]
fn a_deletion_whose_answer_was_lost_is_not_asked_for_again_after_a_stop_nor_before_a_new_date() {
    let lost =
        after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched), (41, Transition::Stopped)]);
    assert!(lost.apply(&Transition::DeletionDispatched, day(41)).is_err(), "it was stopped");
    let put_off = after(&lost, &[(42, departed(45))]);
    assert_eq!(put_off.state, State::Deleting, "it has to be looked at");
    assert!(put_off.apply(&Transition::DeletionDispatched, day(74)).is_err());
    assert!(put_off.apply(&Transition::DeletionDispatched, day(75)).is_ok());
}

#[test]
fn a_grace_that_is_over_does_not_skip_the_detaching() {
    let mut case = opened(Action::RevokeThenDelete);
    case.terms.detach = vec![Detach::Organizations];
    case.demands[0].local_grace = SignedDuration::ZERO;
    let revoked =
        after(&case, &[(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)]);
    let due = after(&revoked, &[(10, Transition::Due)]);
    assert_eq!((due.state.name(), wants(&due)), (StateName::Revoked, Some((JobKind::Detach, day(10)))));
    assert_eq!(after(&due, &[(10, Transition::Detached), (10, Transition::Due)]).state, State::Deleting);
}

#[test]
fn revoke_in_doubt_is_read_again_before_it_waits_for_a_new_date() {
    let asked = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::RevokeDispatched)]);
    let moved = after(&asked, &[(11, departed_to(Action::Revoke, 20))]);
    assert_eq!((moved.state.name(), moved.effective_at), (StateName::Revoking, day(20)));
    assert!(moved.apply(&Transition::RevokeDispatched, day(12)).is_err());
    assert_eq!(wants(&after(&moved, &[(12, Transition::NotDone)])), Some((JobKind::Revoke, day(20))));
}

#[test]
fn while_a_human_looks_at_it_a_new_date_changes_only_where_it_goes_on() {
    let departed = departed(20);
    for waits in [Transition::Held, Transition::AttentionNeeded(Attention::no_email())] {
        let waiting = after(&opened(Action::Revoke), &[(1, waits)]);
        let moved = after(&waiting, &[(2, departed.clone())]);
        assert_eq!((&moved.state, moved.effective_at), (&waiting.state, day(20)));
    }
}

#[test]
fn a_case_that_contradicts_itself_is_told_by_what() {
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
    assert_eq!(broken(&erased, |case| case.progress.gone_at = None), "erased without a read that said so");
}

#[test]
fn a_request_for_erasure_makes_a_departure_stronger_and_never_weaker() {
    let request = |action| erasure(12, action);
    for (opened_as, asked, led_to) in [
        (Action::Revoke, Action::RevokeThenDelete, Some(Action::RevokeThenDelete)),
        (Action::Revoke, Action::Delete, Some(Action::Delete)),
        (Action::RevokeThenDelete, Action::Delete, Some(Action::Delete)),
        (Action::RevokeThenDelete, Action::RevokeThenDelete, Some(Action::RevokeThenDelete)),
        (Action::RevokeThenDelete, Action::Revoke, Some(Action::RevokeThenDelete)),
        (Action::Delete, Action::RevokeThenDelete, Some(Action::Delete)),
        (Action::Delete, Action::Revoke, Some(Action::Delete)),
    ] {
        let hastened = opened(opened_as).apply(&request(asked), day(2));
        assert_eq!(hastened.map(|case| case.terms.action).ok(), led_to, "{opened_as}, asked to {asked}");
    }
    // Each demand keeps its own date.
    let both = after(&opened(Action::Revoke), &[(2, request(Action::Delete))]);
    assert_eq!((wants(&both), both.delete_at()), (Some((JobKind::Revoke, day(10))), Some(day(12))));
    let held = after(&opened(Action::Revoke), &[(1, Transition::Held), (2, request(Action::Delete))]);
    assert_eq!((held.state, held.terms.action), (State::Held(Hold::Hold), Action::Delete), "a human looks first");
}

#[test]
fn each_operator_may_do_what_the_state_allows_and_is_told_why_not() {
    use StateName::{
        Cancelled, Deleting, DeletionGrace, Held, NeedsAttention, Restored, Restoring, Revoked, Revoking, Scheduled,
    };
    let scheduled = opened(Action::RevokeThenDelete);
    let held = |hold| after(&scheduled, &[(1, Transition::Withheld(hold))]);
    let stuck = |attention| after(&scheduled, &[(1, Transition::AttentionNeeded(attention))]);
    let deleting = after(&revoked(), &[(40, Transition::Due)]);
    let states = [
        scheduled.clone(),
        after(&scheduled, &[(10, Transition::Due)]),
        revoked(),
        deleting.clone(),
        after(&deleting, &[(40, Transition::DeletionDispatched), (40, Transition::Stopped)]),
        in_deletion_grace(),
        after(&revoked(), &[(20, Transition::Stopped)]),
        held(Hold::Hold),
        held(Hold::Observe),
        held(Hold::Approval),
        held(Hold::Brake),
        stuck(Attention::no_email()),
        stuck(Attention::grant_needed()),
        after(&scheduled, &[(1, Transition::Cancelled)]),
    ];
    let lead_to = |transition: Transition| {
        states.iter().map(|case| case.apply(&transition, day(9)).map(|case| case.state.name()).ok()).collect::<Vec<_>>()
    };
    let (no, yes) = (None, Some);
    // In the order of `states`: a deletion whose answer was lost is the fifth.
    let cancelled = yes(Cancelled);
    assert_eq!(
        lead_to(Transition::Cancelled),
        [
            cancelled,
            cancelled,
            yes(Restoring),
            yes(Restoring),
            no,
            no,
            cancelled,
            cancelled,
            cancelled,
            cancelled,
            cancelled,
            cancelled,
            cancelled,
            no
        ]
    );
    let held = yes(Held);
    let stuck = yes(NeedsAttention);
    assert_eq!(
        lead_to(Transition::Held),
        [held, held, held, held, yes(Deleting), no, yes(Restoring), held, held, held, held, stuck, stuck, no]
    );
    let on = yes(Scheduled);
    let released = |enforce| lead_to(Transition::Released { enforce });
    assert_eq!(released(true), [no, no, no, no, no, no, no, on, on, no, no, no, no, no]);
    assert_eq!(released(false), [no, no, no, no, no, no, no, on, no, no, no, no, no, no]);
    assert_eq!(lead_to(Transition::BrakeReleased), [no, no, no, no, no, no, no, no, no, no, on, no, no, no]);
    assert_eq!(
        lead_to(Transition::Retried),
        [no, yes(Revoking), no, yes(Deleting), yes(Deleting), no, yes(Restoring), no, no, no, no, on, on, no]
    );
    assert_eq!(
        lead_to(Transition::Resolved),
        [no, no, no, no, no, no, yes(Restored), no, no, no, no, cancelled, yes(Restored), no]
    );
    let departed = lead_to(departed(20));
    assert_eq!(departed.first(), Some(&on));
    assert_eq!((departed[5], departed[13]), (no, no));
    assert_eq!(departed[6], yes(Revoked), "a stop is taken back");
    assert_eq!(lead_to(Transition::Stopped)[5], yes(DeletionGrace), "noted, but too late");

    for (hold, why) in [
        (Hold::Observe, "the daemon only observes: set mode = \"enforce\" first"),
        (Hold::Approval, "it waits for approval: approve it"),
        (Hold::Brake, "a brake holds it: release the source"),
    ] {
        let case = after(&scheduled, &[(1, Transition::Withheld(hold))]);
        let error = case.apply(&Transition::Released { enforce: false }, day(2)).unwrap_err();
        assert_eq!(error.to_string(), format!("a case in state `held` cannot be released: {why}"));
    }
}

#[test]
fn erasure_request_changes_nothing_after_an_accepted_deletion() {
    let error = in_deletion_grace().apply(&erasure(40, Action::Delete), day(41)).unwrap_err();
    assert!(error.to_string().ends_with("moved to another time: the deletion is already in progress"), "{error}");
}

#[test]
fn a_request_for_erasure_takes_a_stop_back() {
    let restoring = after(&revoked(), &[(12, Transition::Stopped)]);
    let again = after(&restoring, &[(13, erasure(13, Action::Revoke))]);
    assert_eq!((again.direction, again.state.name()), (Direction::Leaving, StateName::Revoked));
}

#[test]
fn whoever_loses_or_gets_back_access_overtakes_whoever_is_deleted() {
    let urgent: Vec<_> = JobKind::ALL.iter().filter(|kind| kind.is_urgent()).collect();
    assert_eq!(urgent, [&JobKind::Revoke, &JobKind::Restore]);
}

#[test]
fn a_human_is_told_what_to_do() {
    for violation in GuardViolation::ALL {
        let attention = Attention::from(*violation);
        assert_eq!(attention.reason.as_str(), violation.as_str());
        assert!(attention.detail.len() > 30, "{}", attention.detail);
    }
}

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
    fn whatever_happens_the_promises_hold(
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
            // The worker acts only on a job that is due; nothing else may ask for a deed.
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
                prop_assert_eq!(next.direction, Direction::Leaving, "a deed after a stop");
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

#[test]
fn fourteen_days_are_not_known_here() {
    // The grace is the site's setting; the machine only carries what it is told.
    let told = after(
        &revoked(),
        &[(40, Transition::Due), (40, Transition::DeletionAccepted { grace_ends_at: day(40) + FOURTEEN_DAYS })],
    );
    assert_eq!(told.reinvite_from(), Some(day(54)));
}

// Calls without a known outcome, and calls of their own.

#[test]
fn a_departure_of_a_case_that_rests_in_revoked_reads_the_account_again() {
    let rests = after(
        &opened(Action::Revoke),
        &[(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)],
    );
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
fn a_revoke_that_took_effect_after_a_stop_is_recorded_and_the_case_still_waits_for_a_grant() {
    let asked = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::RevokeDispatched)]);
    let stopped = after(&asked, &[(10, Transition::Stopped), (11, Transition::RevokeConfirmed)]);
    assert_eq!((stopped.state, stopped.progress.revoked_at), (State::Restoring, Some(day(11))));
}

#[test]
fn a_call_is_open_until_it_is_confirmed_or_the_window_is_over() {
    let mut progress = Progress { revoke_dispatched_at: Some(day(1)), ..Progress::default() };
    assert_eq!(progress.revoke_open_until(DAY), Some(day(2)));
    progress.ended_without_outcome(JobKind::Revoke, day(3));
    assert_eq!(progress.revoke_open_until(DAY), Some(day(4)));
    progress.revoked_at = Some(day(3));
    assert_eq!(progress.revoke_open_until(DAY), None);
    progress.ended_without_outcome(JobKind::Delete, day(5));
    assert_eq!(progress.deletion_open_until(DAY), None, "it was never asked for");
}

#[test]
fn a_detach_is_dispatched_only_while_something_is_left_to_leave() {
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
fn an_invitation_is_dispatched_only_after_the_grace_and_for_somebody_who_came_back() {
    let mut case = after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched)]);
    case.terms.reinvite = true;
    case = after(&case, &[(40, Transition::DeletionAccepted { grace_ends_at: day(54) }), (41, Transition::Stopped)]);
    assert!(case.apply(&Transition::ReinviteDispatched, day(54)).is_err(), "nobody saw that the account is gone");
    case = after(&case, &[(54, Transition::GoneConfirmed)]);
    assert!(case.apply(&Transition::ReinviteDispatched, day(53)).is_err());
    assert_eq!(after(&case, &[(54, Transition::ReinviteDispatched)]).progress.reinvite_dispatched_at, Some(day(54)));
}

#[test]
fn deletion_without_a_revoke_does_not_wait_for_the_approval_of_a_revoke() {
    let mut case = opened(Action::RevokeThenDelete);
    case.terms.approvals.revoke = 1;
    let held = after(&case, &[(10, Transition::Due), (10, Transition::Withheld(Hold::Approval))]);
    let direct = after(&held, &[(11, erasure(11, Action::Delete))]);
    assert_eq!((direct.state.name(), wants(&direct)), (StateName::Deleting, Some((JobKind::Delete, day(11)))));
    let later = after(&held, &[(11, erasure(20, Action::Delete))]);
    assert_eq!((&later.state, wants(&later)), (&State::Held(Hold::Approval), Some((JobKind::Delete, day(20)))));
    assert_eq!(after(&later, &[(20, Transition::Due)]).state, State::Deleting);
}
