//! What operators may do, by state.

use super::*;

#[test]
fn operators_may_do_what_the_state_allows() {
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
fn accepted_deletion_cannot_be_cancelled() {
    let error = in_deletion_grace().apply(&Transition::Cancelled, day(45)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a case in state `deletion_grace` cannot be cancelled: Atlassian accepted the deletion, which cannot be undone"
    );
}

#[test]
fn observe_mode_releases_nothing() {
    let held = after(&opened(Action::Revoke), &[(10, Transition::Due), (10, Transition::Withheld(Hold::Observe))]);
    assert!(held.apply(&Transition::Released { enforce: false }, day(11)).is_err());
    assert_eq!(after(&held, &[(11, Transition::Released { enforce: true })]).state, State::Revoking);
}

#[test]
fn released_hold_continues_in_the_earlier_state() {
    let released = [(20, Transition::Held), (21, Transition::Released { enforce: true })];
    assert_eq!(wants(&after(&revoked(), &released)), Some((JobKind::Delete, day(40))));
    assert_eq!(
        after(&opened(Action::Revoke), &[(1, Transition::Held), (2, Transition::Released { enforce: true })]).state,
        State::Scheduled
    );
}

#[test]
fn retry_after_a_grant_by_hand_revokes_again() {
    let attention = Attention::from(GuardViolation::Regranted);
    let stuck = after(&revoked(), &[(40, Transition::Due), (40, Transition::AttentionNeeded(attention))]);
    assert_eq!(wants(&after(&stuck, &[(41, Transition::Retried)])), Some((JobKind::Revoke, day(41))));
}
