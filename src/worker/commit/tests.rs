use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;

use super::*;
use crate::clock::ManualClock;
use crate::domain::case::{Cause, Change, Terms, Transition};
use crate::domain::person::{EmailAddress, Person};
use crate::domain::policy::{Action, Approvals};
use crate::store::{ClaimRequest, ClaimedJob, Database, KeyLocation, NewCase, Note, Settlement};

/// A database in which a worker has claimed the revokes of some people.
struct Office {
    store: Store,
    clock: Arc<ManualClock>,
    claimed: Vec<ClaimedJob>,
    dir: tempfile::TempDir,
}

impl Office {
    async fn with(people: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store =
            Database { path: dir.path().join("test.db"), key: KeyLocation::Given([7; 32]) }.open().await.unwrap();
        let clock = Arc::new(ManualClock::at("2026-06-01T08:00:00Z".parse().unwrap()));
        let (now, site) = (clock.now(), "acme".parse().unwrap());
        let mut tx = store.begin().await.unwrap();
        for person in 0..people {
            let email = EmailAddress::parse(&format!("person{person}@example.com")).unwrap();
            let terms = Terms {
                action: Action::Revoke,
                local_grace: SignedDuration::ZERO,
                approvals: Approvals::default(),
                detach: Vec::new(),
                reinvite: false,
                requested_by: None,
                policy: None,
            };
            let person = Person { email: Some(email), ..Person::default() };
            let new = NewCase {
                site: "acme".parse().unwrap(),
                source: None,
                cause: Cause::Operator,
                person,
                terms,
                effective_at: now,
            };
            tx.open_case(new, None, Note::default(), now).await.unwrap();
        }
        let request = ClaimRequest { site: &site, urgent: true, jobs: 100, until: now + SignedDuration::from_mins(1) };
        let claimed = tx.claim(&[request], now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claimed.len(), people);
        Self { store, clock, claimed, dir }
    }

    /// A committer that has not started yet, so that all entries that are queued before form one group.
    fn committer(&self) -> (JobCommitter, JobCommitQueue) {
        JobCommitter::new(self.store.clone(), Arc::<ManualClock>::clone(&self.clock), true)
    }

    fn report(&self, nth: usize, settlement: Settlement) -> (Lease, AttemptReport) {
        let ClaimedJob { lease, started_at, record, .. } = &self.claimed[nth];
        let observed = record.clone();
        (*lease, AttemptReport { started_at: *started_at, observed, settlement, error: None, detail: Value::Null })
    }

    fn question(&self, nth: usize) -> (Lease, DispatchRequest) {
        let intent = Intent { change: Change::Revoke, detail: Value::Null, window: SignedDuration::from_mins(1) };
        (self.claimed[nth].lease, DispatchRequest { intent, observed: self.claimed[nth].record.clone() })
    }

    async fn case(&self, nth: usize) -> CaseRecord {
        self.store.case(self.claimed[nth].record.case.id).await.unwrap().unwrap()
    }
}

const REVOKED: Settlement = Settlement::Finished(Transition::RevokeConfirmed);

/// Queues all of these before the committer starts.
async fn settle_together(
    (committer, queue): (JobCommitter, JobCommitQueue),
    reports: Vec<(Lease, AttemptReport)>,
) -> Vec<Result<StateName, StoreError>> {
    let handed_in = async move {
        let reports = reports.into_iter().map(|(lease, report)| queue.settle(lease, report));
        futures_util::future::join_all(reports).await
    };
    tokio::join!(handed_in, committer.run()).0
}

#[tokio::test]
async fn entries_of_one_group_are_each_written_and_answered() {
    let office = Office::with(3).await;
    let (committer, queue) = office.committer();
    let [first, second, third] = [0, 1, 2].map(|nth| office.question(nth));
    let asked = async move {
        tokio::join!(
            queue.ask(first.0, first.1),
            queue.ask(Lease { token: uuid::Uuid::nil(), ..second.0 }, second.1),
            queue.ask(third.0, third.1),
        )
    };
    let ((first, forged, third), ()) = tokio::join!(asked, committer.run());
    assert!(matches!(first, Ok(Dispatch::Allowed(_))), "{first:?}");
    assert!(matches!(forged, Ok(Dispatch::LeaseLost)), "{forged:?}");
    assert!(matches!(third, Ok(Dispatch::Allowed(_))), "{third:?}");
    let asked = [office.case(0).await, office.case(1).await, office.case(2).await];
    assert_eq!(asked.map(|record| record.case.progress.revoke_dispatched_at.is_some()), [true, false, true]);
}

#[tokio::test]
async fn entry_that_cannot_be_written_does_not_affect_the_others() {
    let office = Office::with(5).await;
    // No deletion is dispatched in a case that only revokes: the rules reject it, in the middle of the group.
    let mut reports: Vec<_> = (0..5).map(|nth| office.report(nth, REVOKED)).collect();
    reports[2].1.settlement = Settlement::Finished(Transition::DeletionDispatched);
    reports[3].0.token = uuid::Uuid::nil();
    let answers = settle_together(office.committer(), reports).await;
    assert!(matches!(answers[2], Err(StoreError::Inconsistent { .. })), "{:?}", answers[2]);
    assert!(matches!(answers[3], Err(StoreError::LeaseLost)), "{:?}", answers[3]);
    for nth in [0, 1, 4] {
        assert!(matches!(answers[nth], Ok(StateName::Revoked)), "{:?}", answers[nth]);
        assert_eq!(office.case(nth).await.case.state.name(), StateName::Revoked);
    }
    for nth in [2, 3] {
        assert_eq!(office.case(nth).await.case.state.name(), StateName::Revoking);
    }
}

#[tokio::test]
async fn report_builds_on_the_result_of_the_request_before_it() {
    let office = Office::with(2).await;
    let (committer, queue) = office.committer();
    // The attempt ran out of time while its request was queued.
    let (lease, question) = office.question(0);
    let write = PendingWrite::DispatchRequest(Pending { what: question, answer: oneshot::channel().0, found: None });
    queue.0.send(Entry { lease, write }).await.unwrap();
    let later = office.clock.now() + SignedDuration::from_mins(5);
    let reports = vec![office.report(0, Settlement::RetryAt(later)), office.report(1, REVOKED)];
    let answers = settle_together((committer, queue), reports).await;
    assert!(matches!(answers[..], [Ok(StateName::Revoking), Ok(StateName::Revoked)]), "{answers:?}");
    assert_eq!(office.case(0).await.case.progress.revoke_dispatched_at, Some(office.clock.now()));
}

#[tokio::test]
async fn request_that_was_not_committed_gets_an_error() {
    let office = Office::with(2).await;
    // The request is valid. Only the commit, with the other job's report, fails.
    rusqlite::Connection::open(office.dir.path().join("test.db")).unwrap().execute("DROP TABLE attempts", []).unwrap();
    let (committer, queue) = office.committer();
    let ((lease, question), (other, report)) = (office.question(0), office.report(1, REVOKED));
    let asked = async move { tokio::join!(queue.ask(lease, question), queue.settle(other, report)) };
    let ((answer, settled), ()) = tokio::join!(asked, committer.run());
    assert!(matches!(answer, Err(StoreError::NotCommitted)), "{answer:?}");
    assert!(matches!(settled, Err(StoreError::NotCommitted)), "{settled:?}");
    assert_eq!(office.case(0).await.case.progress.revoke_dispatched_at, None);
}

#[tokio::test]
async fn closed_database_writes_nothing_and_returns_an_error() {
    let office = Office::with(1).await;
    office.store.close().await;
    let answers = settle_together(office.committer(), vec![office.report(0, REVOKED)]).await;
    assert!(matches!(answers[..], [Err(StoreError::NotCommitted)]), "{answers:?}");
}

/// A clock that panics at the first call.
#[derive(Debug)]
struct Startled(Arc<ManualClock>, AtomicBool);

impl Clock for Startled {
    fn now(&self) -> Timestamp {
        assert!(self.1.swap(true, Ordering::Relaxed), "intended panic");
        self.0.now()
    }
}

#[tokio::test]
async fn panic_ends_the_group_and_not_the_committer() {
    let office = Office::with(2).await;
    let clock = Startled(Arc::clone(&office.clock), AtomicBool::new(false));
    let reports = vec![office.report(0, REVOKED), office.report(1, REVOKED)];
    let answers = settle_together(JobCommitter::new(office.store.clone(), Arc::new(clock), true), reports).await;
    assert!(matches!(answers[..], [Ok(StateName::Revoked), Ok(StateName::Revoked)]), "{answers:?}");
}
