//! Approvals and holds: what people decide about a case, and when a decision lapses.
//!
//! An approval covers one action (the revoke or the deletion) on one account, not before the time that was planned when it
//! was given. It lapses when the action becomes earlier or stronger, when the case is stopped, and when access was granted
//! again. These rules are enforced in one place, after every transition ([`Case::after_transition`]), so that no transition
//! can keep an approval that it invalidates.
//!
//! An operator's hold applies to the person: `on_hold` survives every transition except an operator's release or cancel.
//! The store copies it to each new case of the same person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Attention, AttentionReason, Case, Direction, Hold, InvalidTransition, Stage, State, Transition};

/// One person's approval of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The name of the admin token.
    pub by: String,
    /// The approved action.
    #[serde(rename = "for")]
    pub stage: Stage,
    /// When it was given.
    pub at: Timestamp,
    /// The planned time of the action when the approval was given: it does not cover an earlier one.
    pub not_before: Timestamp,
    /// The keyed hash of the account, if one was known: it does not cover another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// How a transition changes the destructive actions that a case plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Escalation {
    /// The case begins to lead to an action.
    Opened,
    /// An action is planned for an earlier time.
    Earlier,
    /// The case leads to a stronger action.
    Stronger,
}

crate::domain::named!(Escalation { Opened = "opened", Earlier = "earlier", Stronger = "stronger" });

impl Case {
    /// How many approvals of `stage` are still missing.
    pub fn approvals_missing(&self, stage: Stage) -> usize {
        let given = self.approvals.iter().filter(|approval| approval.stage == stage).count();
        self.approvals_required(stage).saturating_sub(given)
    }

    pub(super) fn approvals_required(&self, stage: Stage) -> usize {
        usize::from(match stage {
            Stage::Revoke => self.terms.approvals.revoke,
            Stage::Delete => self.terms.approvals.delete,
        })
    }

    /// When the action is carried out at the earliest; `None` if the case does not (or no longer) lead to it.
    pub fn planned_at(&self, stage: Stage) -> Option<Timestamp> {
        let over = self.direction == Direction::Returning || self.state.name().is_closed();
        match stage {
            _ if over || self.progress.deletion_requested_at.is_some() => None,
            // A deletion that comes first takes access away as well.
            Stage::Revoke if self.progress.revoked_at.is_some() || self.next_stage() == Some(Stage::Delete) => None,
            Stage::Revoke => self.revoke_at(),
            Stage::Delete => self.delete_at(),
        }
    }

    /// How the destructive actions of the case differ from those that it had `before`, if they became earlier or stronger.
    pub fn escalation(&self, before: &Self, now: Timestamp) -> Option<Escalation> {
        if self.direction == Direction::Returning || self.state.name().is_closed() {
            return None;
        }
        if before.direction == Direction::Returning {
            return Some(Escalation::Opened);
        }
        if self.terms.action > before.terms.action {
            return Some(Escalation::Stronger);
        }
        let earlier = [Stage::Revoke, Stage::Delete].into_iter().any(|stage| {
            let (planned, planned_before) = (self.planned_at(stage), before.planned_at(stage));
            // What was due already does not become earlier.
            planned.is_some_and(|at| planned_before.is_none_or(|before| at.max(now) < before.max(now)))
        });
        earlier.then_some(Escalation::Earlier)
    }

    pub(super) fn approve(
        &mut self,
        by: &str,
        stage: Stage,
        account: Option<&String>,
        now: Timestamp,
    ) -> Result<(), InvalidTransition> {
        // Repeating an approval changes nothing: it takes different people.
        if self.approvals.iter().any(|approval| approval.stage == stage && approval.by == by) {
            return Ok(());
        }
        let not_before = self.must_be_planned(stage, "approved")?;
        if self.approvals_required(stage) == 0 {
            return Err(self.forbids("approved", "its terms require no approval of this action"));
        }
        if self.terms.requested_by.as_deref() == Some(by) {
            return Err(InvalidTransition::OwnRequest);
        }
        self.approvals.push(Approval { by: by.to_owned(), stage, at: now, not_before, account: account.cloned() });
        Ok(())
    }

    pub(super) fn withdraw(&mut self, by: &str, stage: Stage) -> Result<(), InvalidTransition> {
        self.must_be_planned(stage, "changed in its approvals")?;
        self.approvals.retain(|approval| !(approval.stage == stage && approval.by == by));
        Ok(())
    }

    fn must_be_planned(&self, stage: Stage, what: &'static str) -> Result<Timestamp, InvalidTransition> {
        self.must_be_open(what)?;
        self.planned_at(stage).ok_or_else(|| match stage {
            _ if self.direction == Direction::Returning => self.forbids(what, "it was stopped: no action is planned"),
            Stage::Revoke if self.progress.revoked_at.is_some() => self.forbids(what, "access is already revoked"),
            Stage::Revoke => self.forbids(what, "no revoke is planned"),
            Stage::Delete if self.progress.deletion_requested_at.is_some() => {
                self.forbids(what, "Atlassian already accepted the deletion")
            }
            Stage::Delete => self.forbids(what, "no deletion is planned"),
        })
    }

    pub(super) fn hold(&mut self) -> Result<(), InvalidTransition> {
        match self.state {
            State::Scheduled
            | State::Held(_)
            | State::Revoking
            | State::Revoked
            | State::Deleting
            | State::Restoring
            | State::NeedsAttention(_) => self.on_hold = true,
            State::DeletionGrace if self.direction == Direction::Returning => self.on_hold = true,
            State::DeletionGrace => {
                return Err(self.forbids("held", "Atlassian accepted the deletion, which cannot be taken back"));
            }
            State::Erased | State::Restored | State::Cancelled | State::NoAccount => {
                return Err(self.forbids("held", "it is closed"));
            }
        }
        Ok(())
    }

    /// Applies the rules that follow every transition: approvals lapse, a hold for an approval that is not needed ends, and
    /// an operator's hold stays.
    pub(super) fn after_transition(&mut self, before: &Self, transition: &Transition, now: Timestamp) {
        self.lapse_approvals(before, now);
        let withheld = matches!(transition, Transition::Withheld(_));
        if self.state == State::Held(Hold::Approval) && !withheld {
            self.supersede_revoke(now);
            let missing = self.next_stage().map_or(0, |stage| self.approvals_missing(stage));
            if missing == 0 {
                self.proceed(now);
            }
        }
        *self = self.clone().with_hold();
    }

    /// The case as the operator's hold on its person, if there is one, keeps it.
    #[must_use]
    pub fn with_hold(mut self) -> Self {
        if self.on_hold && self.may_change_the_account() {
            self.state = State::Held(Hold::Hold);
        }
        self
    }

    /// Removes the approvals that do not cover what the case plans now.
    fn lapse_approvals(&mut self, before: &Self, now: Timestamp) {
        let stopped = self.direction == Direction::Returning;
        let stronger = self.terms.action > before.terms.action;
        let revoked_again = before.progress.revoked_at.is_some() && self.progress.revoked_at.is_none();
        if stopped || stronger || revoked_again || self.was_granted_again() {
            self.approvals.clear();
            return;
        }
        let planned = [Stage::Revoke, Stage::Delete].map(|stage| (stage, self.planned_at(stage)));
        self.approvals.retain(|approval| {
            let earlier = |at: Timestamp| at < approval.not_before && now < approval.not_before;
            !planned.iter().any(|(stage, at)| *stage == approval.stage && at.is_some_and(earlier))
        });
    }

    /// Removes the approvals that were given for another account than `account`.
    pub fn lapse_approvals_of_other_accounts(&mut self, account: &str) {
        self.approvals.retain(|approval| approval.account.as_ref().is_none_or(|approved| approved == account));
    }

    fn was_granted_again(&self) -> bool {
        matches!(&self.state, State::NeedsAttention(Attention { reason: AttentionReason::Regranted, .. }))
    }

    /// Whether the state leads to a call that changes the account.
    fn may_change_the_account(&self) -> bool {
        match self.state {
            State::Scheduled | State::Held(_) | State::Revoking | State::Revoked => true,
            State::Deleting => self.direction == Direction::Leaving,
            // The person came back too late and is to be invited again.
            State::DeletionGrace => self.direction == Direction::Returning && self.progress.gone_at.is_some(),
            State::Erased
            | State::Restoring
            | State::Restored
            | State::Cancelled
            | State::NoAccount
            | State::NeedsAttention(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::case::{Cause, Demand, Progress, Terms};
    use crate::domain::guard::GuardViolation;
    use crate::domain::policy::{Action, Approvals};

    const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

    fn day(n: i32) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24) * n
    }

    fn demand(source: &str, cause: Cause, action: Action, on: i32) -> Demand {
        let terms = Terms {
            action,
            local_grace: GRACE,
            approvals: Approvals { revoke: 1, delete: 1 },
            detach: Vec::new(),
            reinvite: false,
            requested_by: None,
            policy: None,
        };
        Demand::new(Some(source.parse().unwrap()), cause, &terms, day(on))
    }

    /// A departure of day 10 that needs one approval of each action.
    fn scheduled(action: Action) -> Case {
        let demand = demand("hr", Cause::Departed, action, 10);
        Case {
            id: uuid::Uuid::nil().into(),
            site: "acme".parse().unwrap(),
            source: demand.source.clone(),
            terms: Terms {
                action,
                local_grace: GRACE,
                approvals: demand.approvals,
                detach: Vec::new(),
                reinvite: false,
                requested_by: None,
                policy: None,
            },
            effective_at: demand.effective_at,
            demands: vec![demand],
            direction: Direction::Leaving,
            progress: Progress::default(),
            approvals: Vec::new(),
            on_hold: false,
            state: State::Scheduled,
            since: day(0),
        }
    }

    fn approved(stage: Stage) -> Transition {
        Transition::Approved { by: "rosa".to_owned(), stage, account: None }
    }

    fn departed(on: i32) -> Transition {
        Transition::Departed(demand("hr", Cause::Departed, Action::RevokeThenDelete, on))
    }

    fn erasure(action: Action, on: i32) -> Transition {
        Transition::ErasureRequested(demand("hr", Cause::ErasureRequested, action, on))
    }

    fn after(case: &Case, transitions: &[(i32, Transition)]) -> Case {
        transitions.iter().fold(case.clone(), |case, (on, transition)| {
            case.apply(transition, day(*on)).unwrap_or_else(|error| panic!("{transition:?}: {error}"))
        })
    }

    fn revoked() -> Case {
        let revoke = [(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)];
        after(&scheduled(Action::RevokeThenDelete), &revoke)
    }

    #[test]
    fn an_approval_covers_one_action() {
        let case = after(&scheduled(Action::RevokeThenDelete), &[(1, approved(Stage::Delete))]);
        assert_eq!((case.approvals_missing(Stage::Revoke), case.approvals_missing(Stage::Delete)), (1, 0));
    }

    #[test]
    fn an_approval_lapses_when_its_action_becomes_earlier_and_not_when_later() {
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
    fn an_approval_lapses_when_the_action_becomes_stronger() {
        let case = after(&revoked(), &[(11, approved(Stage::Delete)), (12, erasure(Action::Delete, 50))]);
        assert_eq!(case.approvals, [], "even at the time that was approved");
    }

    #[test]
    fn an_approval_lapses_when_the_case_is_stopped() {
        let stopped = [(11, approved(Stage::Delete)), (12, Transition::Stopped), (13, departed(13))];
        assert_eq!(after(&revoked(), &stopped).approvals, []);
    }

    #[test]
    fn an_approval_lapses_when_access_was_granted_again() {
        let regranted = Transition::AttentionNeeded(Attention::from(GuardViolation::Regranted));
        let story = [(11, approved(Stage::Delete)), (40, Transition::Due), (40, regranted), (41, Transition::Retried)];
        let retried = after(&revoked(), &story);
        assert_eq!((retried.approvals.len(), retried.state), (0, State::Revoking));
    }

    #[test]
    fn an_approval_of_another_account_does_not_count() {
        let known =
            Transition::Approved { by: "rosa".to_owned(), stage: Stage::Delete, account: Some("a1".to_owned()) };
        let mut case = after(&revoked(), &[(11, known)]);
        case.lapse_approvals_of_other_accounts("a1");
        assert_eq!(case.approvals_missing(Stage::Delete), 0);
        case.lapse_approvals_of_other_accounts("b2");
        assert_eq!(case.approvals_missing(Stage::Delete), 1);
    }

    #[test]
    fn only_a_planned_action_that_needs_approval_is_approved() {
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
    fn a_case_proceeds_when_the_awaited_approval_is_no_longer_needed() {
        let mut case = scheduled(Action::Revoke);
        case.terms.approvals.delete = 0;
        let held = after(&case, &[(10, Transition::Due), (10, Transition::Withheld(Hold::Approval))]);
        let mut demand = demand("hr", Cause::ErasureRequested, Action::Delete, 10);
        demand.approvals.delete = 0;
        assert_eq!(after(&held, &[(11, Transition::ErasureRequested(demand))]).state, State::Deleting);
        let needed = after(&held, &[(11, erasure(Action::Delete, 10))]);
        assert_eq!((needed.state.clone(), needed.next_stage()), (State::Held(Hold::Approval), Some(Stage::Delete)));
        assert_eq!(after(&needed, &[(12, approved(Stage::Delete))]).state, State::Deleting);
    }

    #[test]
    fn a_hold_survives_everything_but_an_operators_release_or_cancel() {
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
    fn a_hold_on_a_case_that_waits_for_a_human_counts_when_it_continues() {
        let restoring = after(&revoked(), &[(11, Transition::Stopped), (12, Transition::Held)]);
        assert_eq!(restoring.state, State::Restoring, "to look whether access is there again is no change");
        assert_eq!(after(&restoring, &[(13, departed(13))]).state, State::Held(Hold::Hold));
        let released = after(&restoring, &[(13, Transition::Released { enforce: true }), (14, departed(14))]);
        assert_eq!(released.state, State::Revoked);
    }

    #[test]
    fn an_escalation_is_what_becomes_earlier_or_stronger() {
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
}
