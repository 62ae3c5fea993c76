//! Leases and attempts: only the holder of a valid lease may call and settle, and the result is stored.
//!
//! A daemon never oversleeps, so its part is played here: on a connection of its own, ahead of its clock, and rolled back.

use jiff::Timestamp;
use offboardd::domain::case::{Change, StateName, Transition};
use offboardd::sandbox::{CallName, Fault};
use offboardd::store::{AttemptReport, ClaimRequest, ClaimedJob, Dispatch, Intent, Lease, Settlement, StoreError, Tx};
use serde_json::Value;
use sqlx::Row as _;

use crate::harness::{Harness, Setup, duration, site_name};

const ANN: &str = "ann@example.com";

/// A story in which Ann leaves tomorrow.
async fn tomorrow() -> (Harness, Timestamp) {
    let story = Harness::start().await;
    let tomorrow = story.now() + duration("1d");
    story.send_departed_at(ANN, tomorrow).await;
    (story, tomorrow)
}

/// Takes the one job that is due at `now`, for a minute.
async fn claim(tx: &mut Tx, now: Timestamp) -> ClaimedJob {
    let request = ClaimRequest { site: &site_name(), urgent: true, jobs: 10, until: now + duration("1m") };
    let claimed = tx.claim(&[request], now).await.unwrap();
    let [claimed] = <[ClaimedJob; 1]>::try_from(claimed).unwrap();
    claimed
}

async fn dispatch(tx: &mut Tx, claimed: &ClaimedJob, now: Timestamp) -> Result<Dispatch, StoreError> {
    let intent = Intent { change: Change::Revoke, detail: Value::Null, window: duration("1m") };
    tx.dispatch(claimed.lease, &intent, &claimed.record, true, now).await
}

async fn settle(tx: &mut Tx, claimed: &ClaimedJob, now: Timestamp) -> Result<StateName, StoreError> {
    let report = AttemptReport {
        started_at: claimed.started_at,
        observed: claimed.record.clone(),
        settlement: Settlement::Finished(Transition::RevokeConfirmed),
        error: None,
        detail: Value::Null,
    };
    tx.settle(claimed.lease, &report, now).await
}

#[tokio::test]
async fn expired_lease_neither_dispatches_nor_settles() {
    let (story, tomorrow) = tomorrow().await;
    let over = tomorrow + duration("1m");
    let mut tx = story.store().begin().await.unwrap();
    let claimed = claim(&mut tx, tomorrow).await;
    let late = dispatch(&mut tx, &claimed, over).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    assert!(matches!(settle(&mut tx, &claimed, over).await, Err(StoreError::LeaseLost)));
    assert!(matches!(tx.pause_rejecting_site(&claimed, "no", over).await, Err(StoreError::LeaseLost)));

    let in_time = over - duration("1ms");
    let dispatched = dispatch(&mut tx, &claimed, in_time).await;
    assert!(matches!(dispatched, Ok(Dispatch::Allowed(_))), "{dispatched:?}");
    assert_eq!(settle(&mut tx, &claimed, in_time).await.unwrap(), StateName::Revoked);
    assert!(matches!(settle(&mut tx, &claimed, in_time).await, Err(StoreError::LeaseLost)), "it is settled");
    drop(tx);
    story.finish(&[]).await;
}

#[tokio::test]
async fn wrong_lease_token_neither_dispatches_nor_settles() {
    let (story, tomorrow) = tomorrow().await;
    let mut tx = story.store().begin().await.unwrap();
    let mut claimed = claim(&mut tx, tomorrow).await;
    claimed.lease = Lease { token: offboardd::clock::new_id(tomorrow), ..claimed.lease };
    let forged = dispatch(&mut tx, &claimed, tomorrow).await;
    assert!(matches!(forged, Err(StoreError::LeaseLost)), "{forged:?}");
    assert!(matches!(settle(&mut tx, &claimed, tomorrow).await, Err(StoreError::LeaseLost)));
    drop(tx);
    story.finish(&[]).await;
}

#[tokio::test]
async fn job_of_a_dead_worker_is_requeued_when_its_lease_expires() {
    let (story, tomorrow) = tomorrow().await;
    let over = tomorrow + duration("1m");
    let mut tx = story.store().begin().await.unwrap();
    let job = claim(&mut tx, tomorrow).await.lease.job_id;
    assert_eq!(tx.recover(false, &[], None, over - duration("1ms")).await.unwrap(), []);
    assert_eq!(tx.recover(true, &[job], None, over).await.unwrap(), [], "its worker lives");
    let recovered = tx.recover(false, &[], None, over).await.unwrap();
    assert_eq!(recovered.iter().map(|recovered| recovered.job_id).collect::<Vec<_>>(), [job]);
    let again = claim(&mut tx, over).await;
    assert_eq!((again.lease.job_id, again.attempts), (job, 1));
    assert_eq!(tx.recover(true, &[], None, over).await.unwrap().len(), 1, "at a start no holder is alive");
    drop(tx);
    story.finish(&[]).await;
}

#[tokio::test]
async fn unsettled_job_runs_again_when_its_lease_expires() {
    let (story, tomorrow) = tomorrow().await;
    let mut tx = story.store().begin().await.unwrap();
    let job = claim(&mut tx, tomorrow).await.lease.job_id;
    tx.commit().await.unwrap();
    story.advance_to(tomorrow + duration("1m")).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    let mut database = story.database().await;
    let attempts = sqlx::query("SELECT attempts FROM jobs WHERE id = ?").bind(job.to_string());
    assert_eq!(attempts.fetch_one(&mut database).await.unwrap().get::<i64, _>(0), 2, "the lost one counts");
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn each_attempt_is_recorded_and_an_early_check_is_not() {
    let story = Harness::with(Setup { site: "look_again = [\"1m\"]\nlook_back = \"0s\"", ..Setup::default() }).await;
    story.inject(Fault { call: Some(CallName::Revoke), status: Some(500), times: Some(1), ..Fault::default() });
    story.send_departed(ANN).await;
    story.send_departed("unknown@example.com").await;
    story.advance("1m").await;
    let mut database = story.database().await;
    let rows = sqlx::query("SELECT number, outcome, detail, ended_at >= started_at FROM attempts ORDER BY outcome")
        .fetch_all(&mut database)
        .await
        .unwrap();
    let attempts: Vec<(i64, String, bool)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get::<Option<String>, _>(2).is_some())).collect();
    assert!(rows.iter().all(|row| row.get(3)));
    let outcomes: Vec<_> = attempts.iter().map(|(number, outcome, why)| (*number, outcome.as_str(), *why)).collect();
    assert_eq!(outcomes, [(1, "account_missing", false), (1, "failed", true), (2, "revoke_confirmed", false)]);
    story.finish(&["revoke ann@example.com"]).await;
}
