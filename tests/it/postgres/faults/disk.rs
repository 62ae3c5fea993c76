//! The disk of the primary is full: of the tables, or of the write-ahead log, which ends the server.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Connection as _;

use super::TIMEOUT;
use super::pair::Pair;
use crate::postgres::cluster::{self, Cluster};
use crate::rng::SeededRng;
use crate::stress::load::{self, hr_source};
use crate::stress::table::expect_row;
use crate::stress::times;

const MEBIBYTE: usize = 1024 * 1024;

/// A vendor gets its answer within this time.
const ANSWER: Duration = Duration::from_secs(10);

/// A body that does not fit into the pages that a table has already.
const LARGE: usize = 200_000;

/// The segments of the log that a server may have in reserve.
const SEGMENTS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the programs of PostgreSQL, and root for a mount"]
async fn full_disk_of_the_server_is_503_in_time_until_there_is_room() {
    let row = expect_row(
        "the disk of the primary is full, then has room again",
        "503 within 10 s; every 2xx is kept, no change twice, none early; work continues by itself",
    );
    let cluster = match tokio::task::spawn_blocking(Cluster::start_on_a_disk_of_its_own).await.unwrap() {
        Ok(cluster) => cluster,
        Err(why) => return row.skipped(&why),
    };
    let ballast = cluster.data().join("ballast");
    let (rounds, mut rng) = (times(4), SeededRng::from_environment());
    let mut pair = Pair::over(cluster).await;
    let (mut longest_answer, mut longest_return, mut ended) = (Duration::ZERO, Duration::ZERO, 0);
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(500 + rng.below(1500))).await;
        fill(&ballast);
        if round % 2 == 1 {
            fill_the_log(&pair).await;
        }
        longest_answer = longest_answer.max(time_of_503(&pair, round).await);
        tokio::time::sleep(Duration::from_millis(rng.below(4000))).await;
        std::fs::remove_file(&ballast).unwrap();
        let room_at = Instant::now();
        ended += u32::from(pair.cluster.restart_primary_if_it_ended());
        let before = pair.load.acknowledged();
        pair.load.wait_until_more_than(before + 3).await;
        pair.wait_until_one_works(&[0, 1]).await;
        longest_return = longest_return.max(room_at.elapsed());
    }
    assert!(rounds < 2 || ended > 0, "the log was never full");
    let primary = pair.cluster.primary();
    let (seen, bad) = pair.end(primary).await;
    assert_eq!(bad, [0, 0, 0], "lost, doubled, early");
    row.passed(
        format!("{rounds}, {ended} of them ended the server"),
        format!(
            "503 after {longest_answer:.1?} at most; {} acknowledged: 0 lost, 0 doubled, 0 early; deliveries and the site \
             {longest_return:.1?} at most after there was room",
            seen.acknowledged.len()
        ),
    );
}

/// Writes a file until the disk is full.
fn fill(ballast: &Path) {
    let mut file = std::fs::File::create(ballast).unwrap();
    let mut block = vec![0; MEBIBYTE];
    while !block.is_empty() {
        if file.write_all(&block).is_err() {
            block.truncate(block.len() / 2);
        }
    }
}

/// Begins new segments of the log until the server has no room for one.
async fn fill_the_log(pair: &Pair) {
    let mut beside = cluster::connect(pair.cluster.primary()).await;
    let next = "SELECT pg_logical_emit_message(FALSE, 'full', 'disk'), pg_switch_wal()";
    for _ in 0..SEGMENTS {
        if sqlx::raw_sql(next).execute(&mut beside).await.is_err() {
            return;
        }
    }
    beside.close().await.unwrap();
    panic!("the server has room for {SEGMENTS} segments");
}

/// Sends deliveries that need room to both replicas until each was answered with 503; returns the longest time of an answer.
async fn time_of_503(pair: &Pair, round: u32) -> Duration {
    let (http, hr) = (crate::http::client(), hr_source());
    let body = json!({ "type": "ignored", "x": "x".repeat(LARGE) }).to_string();
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    for daemon in &pair.daemons {
        for number in 0.. {
            let id = format!("large_{}_{round}_{number}", daemon.webhooks);
            let sent_at = Instant::now();
            let (status, answer) = load::post(&http, &hr, daemon.webhooks, &id, &body).await.expect("an answer");
            longest = longest.max(sent_at.elapsed());
            assert!(matches!(status, 202 | 503), "{status} {answer}");
            if status == 503 {
                break;
            }
            assert!(begun.elapsed() < TIMEOUT, "the disk never was full");
        }
    }
    assert!(longest < ANSWER, "answered after {longest:?}");
    longest
}
