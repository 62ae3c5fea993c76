//! Two daemons over a primary with a synchronous standby, under load, and each fault of a machine or a network between them:
//! nothing that was acknowledged is lost, no change is made twice, and none early.

mod disk;
mod pair;
mod vendors;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::Row as _;

use self::pair::Pair;
use super::cluster;
use crate::rng::SeededRng;
use crate::stress::load::{self, hr_source};
use crate::stress::table::expect_row;
use crate::stress::times;

/// What is left after the last fault is done within this time.
const TIMEOUT: Duration = Duration::from_mins(5);

const PROMISE: &str = "every 2xx is kept, no change twice, none early, the journal is whole";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the programs of PostgreSQL"]
async fn killed_replica_loses_and_repeats_nothing_and_another_takes_over() {
    let row = expect_row("SIGKILL of the replica that works the site", PROMISE);
    let (kills, mut rng) = (times(5), SeededRng::from_environment());
    let mut pair = Pair::start().await;
    let (mut longest_gap, mut longest_takeover) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(500 + rng.below(1500))).await;
        let working = pair.wait_until_one_works(&[0, 1]).await;
        pair.load.measure();
        let killed_at = Instant::now();
        pair.daemons[working].process.kill();
        pair.wait_until_one_works(&[1 - working]).await;
        longest_takeover = longest_takeover.max(killed_at.elapsed());
        longest_gap = longest_gap.max(pair.load.gap());
        pair.restart(working);
    }
    assert!(longest_takeover < Duration::from_secs(5), "taken over after {longest_takeover:?}");
    let primary = pair.cluster.primary();
    let (seen, bad) = pair.end(primary).await;
    assert_eq!(bad, [0, 0, 0], "lost, doubled, early");
    row.passed(kills, format!(
        "{} acknowledged: 0 lost, 0 doubled, 0 early; longest gap {longest_gap:.1?}, longest takeover {longest_takeover:.1?}",
        seen.acknowledged.len()
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the programs of PostgreSQL"]
async fn replica_that_was_frozen_beyond_its_term_changes_nothing_more() {
    let row = expect_row("SIGSTOP of the replica that works the site, beyond its term, then SIGCONT", PROMISE);
    let (freezes, mut rng) = (times(4), SeededRng::from_environment());
    let pair = Pair::start().await;
    let mut longest_takeover = Duration::ZERO;
    for _ in 0..freezes {
        tokio::time::sleep(Duration::from_millis(500 + rng.below(1500))).await;
        let working = pair.wait_until_one_works(&[0, 1]).await;
        let frozen_at = Instant::now();
        pair.signal(working, "STOP");
        pair.wait_until_one_works(&[1 - working]).await;
        longest_takeover = longest_takeover.max(frozen_at.elapsed());
        let before = pair.load.acknowledged();
        tokio::time::sleep(Duration::from_millis(500 + rng.below(2000))).await;
        // A sender may still wait for the frozen one.
        pair.load.wait_until_more_than(before).await;
        pair.signal(working, "CONT");
    }
    assert!(longest_takeover < Duration::from_secs(8), "taken over after {longest_takeover:?}");
    let primary = pair.cluster.primary();
    let (seen, bad) = pair.end(primary).await;
    assert_eq!(bad, [0, 0, 0], "lost, doubled, early");
    let count = seen.acknowledged.len();
    row.passed(
        freezes,
        format!("{count} acknowledged: 0 lost, 0 doubled, 0 early; longest takeover {longest_takeover:.1?}"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the programs of PostgreSQL"]
async fn replica_without_its_database_is_replaced_and_returns() {
    let row = expect_row("the network between a replica and its database is cut, then joined", PROMISE);
    let (cuts, mut rng) = (times(3), SeededRng::from_environment());
    let pair = Pair::start().await;
    let mut longest_takeover = Duration::ZERO;
    for _ in 0..cuts {
        tokio::time::sleep(Duration::from_millis(500 + rng.below(1500))).await;
        let working = pair.wait_until_one_works(&[0, 1]).await;
        let cut_at = Instant::now();
        pair.networks[working].cut();
        pair.wait_until_one_works(&[1 - working]).await;
        longest_takeover = longest_takeover.max(cut_at.elapsed());
        assert_eq!(pair.daemons[working].readiness().await["sites"], json!([]), "both work the site");
        tokio::time::sleep(Duration::from_millis(rng.below(2000))).await;
        pair.networks[working].join();
    }
    assert!(longest_takeover < Duration::from_secs(10), "taken over after {longest_takeover:?}");
    let primary = pair.cluster.primary();
    let (seen, bad) = pair.end(primary).await;
    assert_eq!(bad, [0, 0, 0], "lost, doubled, early");
    let count = seen.acknowledged.len();
    row.passed(
        cuts,
        format!("{count} acknowledged: 0 lost, 0 doubled, 0 early; longest takeover {longest_takeover:.1?}"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the programs of PostgreSQL"]
async fn killed_primary_is_replaced_by_its_standby() {
    let row = expect_row("SIGKILL of the primary, and promotion of its synchronous standby", PROMISE);
    let mut pair = Pair::start().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    pair.load.measure();
    pair.cluster.kill_primary();
    let standby = pair.cluster.standby();
    for network in &pair.networks {
        network.lead_to(standby);
    }
    pair.cluster.promote();
    let before = pair.load.acknowledged();
    let begun = Instant::now();
    while pair.load.acknowledged() < before + 20 {
        assert!(begun.elapsed() < TIMEOUT, "nothing is acknowledged after the promotion");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let gap = pair.load.gap();
    pair.wait_until_one_works(&[0, 1]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (seen, bad) = pair.end(standby).await;
    assert_eq!(bad, [0, 0, 0], "lost, doubled, early");
    let count = seen.acknowledged.len();
    row.passed(1, format!("{count} acknowledged: 0 lost, 0 doubled, 0 early; longest gap {gap:.1?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the programs of PostgreSQL"]
async fn commit_without_the_standby_is_503_in_time_and_its_repetition_a_duplicate() {
    let row =
        expect_row("the synchronous standby is away, then returns", "503 within 10 s; the repetition is a duplicate");
    let mut pair = Pair::start().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    pair.cluster.stop_standby();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = pair.load.acknowledged();
    let (http, hr) = (crate::http::client(), hr_source());
    let body = json!({ "type": "departed", "person": { "email": "absent@example.com" } }).to_string();
    let to = pair.daemons[0].webhooks;
    let begun = Instant::now();
    let answer = load::post(&http, &hr, to, "hangs", &body).await.expect("an answer in time");
    let waited = begun.elapsed();
    assert_eq!(answer.0, 503, "{answer:?}");
    assert!(waited < Duration::from_secs(10), "answered after {waited:?}");
    assert_eq!(pair.load.acknowledged(), before, "acknowledged without the standby");
    pair.cluster.start_standby();
    let begun = Instant::now();
    let answer: Value = loop {
        if let Some((200 | 202, answer)) = load::post(&http, &hr, to, "hangs", &body).await {
            break answer;
        }
        assert!(begun.elapsed() < TIMEOUT, "not accepted after the standby returned");
    };
    assert_eq!(answer["duplicate"], true, "{answer}");
    let primary = pair.cluster.primary();
    // No account has this address: the case is closed without a call.
    let mut database = cluster::connect(primary).await;
    let closed = "SELECT COUNT(*) AS count FROM cases WHERE state = 'no_account'";
    while sqlx::query(closed).fetch_one(&mut database).await.unwrap().get::<i64, _>("count") == 0 {
        assert!(begun.elapsed() < TIMEOUT, "the case of the repetition is not closed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (seen, bad) = pair.end(primary).await;
    assert_eq!(bad, [0, 0, 0], "lost, doubled, early");
    let count = seen.acknowledged.len();
    row.passed(1, format!("503 after {waited:.1?}; {count} acknowledged: 0 lost, 0 doubled, 0 early"));
}
