use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::domain::case::{Cause, Change, StateName, Terms, Transition};
use crate::domain::person::{EmailAddress, Person};
use crate::domain::policy::{Action, Approvals};
use crate::store::{
    AttemptReport, CaseRecord, ClaimRequest, ClaimedJob, Database, Dispatch, Intent, KeyLocation, Lease, NewCase, Note,
    Settlement, Store, StoreError,
};

const REVOKED: Settlement = Settlement::Finished(Transition::RevokeConfirmed);

/// A database in which a worker has claimed the revokes of some people.
struct Office {
    store: Store,
    now: Timestamp,
    claimed: Vec<ClaimedJob>,
    dir: tempfile::TempDir,
}

impl Office {
    async fn with(people: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Database::file(dir.path().join("test.db"), KeyLocation::Given([7; 32])).open().await.unwrap();
        let (now, site) = ("2026-06-01T08:00:00Z".parse().unwrap(), "acme".parse().unwrap());
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
                deadline: None,
            };
            tx.open_case(new, None, Note::default(), now).await.unwrap();
        }
        let request = ClaimRequest { site: &site, urgent: true, jobs: 100, until: now + SignedDuration::from_mins(1) };
        let claimed = tx.claim(&[request], now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claimed.len(), people);
        Self { store, now, claimed, dir }
    }

    async fn dispatch(&self, nth: usize, lease: Lease) -> Result<Dispatch, StoreError> {
        let intent = Intent { change: Change::Revoke, detail: Value::Null, window: SignedDuration::from_mins(1) };
        let mut tx = self.store.begin().await?;
        let dispatch = tx.dispatch(lease, &intent, &self.claimed[nth].record, true, self.now).await?;
        tx.commit().await?;
        Ok(dispatch)
    }

    async fn settle(&self, nth: usize, lease: Lease, settlement: Settlement) -> Result<StateName, StoreError> {
        let ClaimedJob { started_at, record, .. } = &self.claimed[nth];
        let observed = record.clone();
        let report = AttemptReport { started_at: *started_at, observed, settlement, error: None, detail: Value::Null };
        let mut tx = self.store.begin().await?;
        let state = tx.settle(lease, &report, self.now).await?;
        tx.commit().await?;
        Ok(state)
    }

    fn lease(&self, nth: usize) -> Lease {
        self.claimed[nth].lease
    }

    fn forged_lease(&self, nth: usize) -> Lease {
        Lease { token: uuid::Uuid::nil(), ..self.lease(nth) }
    }

    async fn case(&self, nth: usize) -> CaseRecord {
        self.store.case(self.claimed[nth].record.case.id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn concurrent_dispatches_are_each_written_and_answered() {
    let office = Office::with(3).await;
    let (first, forged, third) = tokio::join!(
        office.dispatch(0, office.lease(0)),
        office.dispatch(1, office.forged_lease(1)),
        office.dispatch(2, office.lease(2)),
    );
    assert!(matches!(first, Ok(Dispatch::Allowed(_))), "{first:?}");
    assert!(matches!(forged, Err(StoreError::LeaseLost)), "{forged:?}");
    assert!(matches!(third, Ok(Dispatch::Allowed(_))), "{third:?}");
    let cases = [office.case(0).await, office.case(1).await, office.case(2).await];
    assert_eq!(cases.map(|record| record.case.progress.revoke_dispatched_at.is_some()), [true, false, true]);
}

#[tokio::test]
async fn attempt_that_cannot_be_settled_does_not_affect_the_others() {
    let office = Office::with(5).await;
    // No deletion is dispatched in a case that only revokes: the rules reject it, in the middle of the group.
    let impossible = Settlement::Finished(Transition::DeletionDispatched);
    let settled = join_all((0..5).map(|nth| {
        let lease = if nth == 3 { office.forged_lease(nth) } else { office.lease(nth) };
        office.settle(nth, lease, if nth == 2 { impossible.clone() } else { REVOKED })
    }))
    .await;
    assert!(matches!(settled[2], Err(StoreError::Inconsistent { .. })), "{:?}", settled[2]);
    assert!(matches!(settled[3], Err(StoreError::LeaseLost)), "{:?}", settled[3]);
    for nth in [0, 1, 4] {
        assert!(matches!(settled[nth], Ok(StateName::Revoked)), "{:?}", settled[nth]);
        assert_eq!(office.case(nth).await.case.state.name(), StateName::Revoked);
    }
    for nth in [2, 3] {
        assert_eq!(office.case(nth).await.case.state.name(), StateName::Revoking);
    }
    let check = crate::store::verify_journal(&office.dir.path().join("test.db")).await.unwrap();
    assert!(matches!(check, crate::store::JournalCheck::Intact { .. }), "{check:?}");
}

#[tokio::test]
async fn failed_settlement_does_not_affect_a_dispatch_of_the_same_group() {
    let office = Office::with(2).await;
    rusqlite::Connection::open(office.dir.path().join("test.db")).unwrap().execute("DROP TABLE attempts", []).unwrap();
    let (dispatched, settled) =
        tokio::join!(office.dispatch(0, office.lease(0)), office.settle(1, office.lease(1), REVOKED));
    assert!(matches!(dispatched, Ok(Dispatch::Allowed(_))), "{dispatched:?}");
    assert!(matches!(settled, Err(StoreError::Database(_))), "{settled:?}");
    assert_eq!(office.case(1).await.case.state.name(), StateName::Revoking);
}
