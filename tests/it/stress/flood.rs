//! A flood of forged requests, and its cost for genuine senders; and what a forged signature reveals by its time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use offboardd::clock::{self, Clock as _, SystemClock};
use offboardd::sources::{Outgoing, Request, Source};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::load::{self, UNREACHABLE};
use super::table::expect_row;
use crate::binary::Folder;

/// How long each measurement takes.
const MEASURED: Duration = Duration::from_secs(4);

/// How often each is taken.
const ROUNDS: usize = 3;

/// How many send what is genuine, and how many what is forged.
const SENDERS: u32 = 8;

/// Sends on connections that are kept, as fast as it is answered, or so many a second where `rate` says so; how many a
/// second had the answer that they are to have.
async fn send(to: SocketAddr, forged: bool, rate: Option<f64>) -> f64 {
    let mut senders = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..SENDERS {
        senders.spawn(async move {
            let (http, hr) = (crate::http::client(), load::hr_source());
            let (mut count, mut turn) = (0_u32, begun);
            while begun.elapsed() < MEASURED {
                if let Some(rate) = rate {
                    tokio::time::sleep_until(turn.into()).await;
                    turn += Duration::from_secs_f64(f64::from(SENDERS) / rate);
                }
                let id = clock::new_id(SystemClock.now()).to_string();
                let body = json!({ "type": "ignored" }).to_string();
                let status = if forged {
                    forge(&http, &hr, to, &id, &body).await
                } else {
                    load::post(&http, &hr, to, &id, &body).await.map(|(status, _)| status)
                };
                assert_eq!(status, Some(if forged { 401 } else { 202 }));
                count += 1;
            }
            count
        });
    }
    let counts = senders.join_all().await;
    f64::from(counts.iter().sum::<u32>()) / begun.elapsed().as_secs_f64()
}

/// Sends what was signed for another body.
async fn forge(http: &reqwest::Client, hr: &Source, to: SocketAddr, id: &str, body: &str) -> Option<u16> {
    let message = Outgoing { method: "POST", query: None, id, at: SystemClock.now(), body: body.as_bytes() };
    let mut request = http.post(format!("http://{to}/webhooks/hr")).body("{\"type\":\"departed\"}");
    for (name, value) in hr.sign(&message).unwrap() {
        request = request.header(name, value);
    }
    Some(request.send().await.ok()?.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures: see the module `stress`"]
async fn forged_flood_leaves_half_of_the_genuine_throughput() {
    let row = expect_row(
        "as many forged requests as genuine ones, offered beside them",
        "at least half as many genuine ones are taken as without",
    );
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    // With the log that it has by default: what it says of forged requests is part of what they cost.
    let daemon = folder.serve("info");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let alone = send(daemon.webhooks, false, None).await;
        let (flooded, forged) =
            tokio::join!(send(daemon.webhooks, false, None), send(daemon.webhooks, true, Some(alone)));
        rounds.push((flooded / alone, alone, flooded, forged));
    }
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (ratio, alone, flooded, forged) = rounds[ROUNDS / 2];
    assert!(ratio >= 0.5, "{ratio:.2}: {alone:.0}/s alone, {flooded:.0}/s beside {forged:.0}/s forged; {rounds:?}");
    row.passed(
        format!("{forged:.0} forged/s"),
        format!("{flooded:.0}/s ÷ {alone:.0}/s alone = {ratio:.2}, in the middle of {ROUNDS}"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_flood_is_logged_once_a_second_with_exact_counts() {
    const FORGED: u64 = 600;
    let row = expect_row("forged requests, and the log", "a line a second for each reason, and every one is counted");
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    let mut daemon = folder.serve("info");
    let (begun, hr) = (Instant::now(), Arc::new(load::hr_source()));
    let mut unsigned = JoinSet::new();
    for sender in 0..6 {
        let (to, hr) = (daemon.webhooks, Arc::clone(&hr));
        unsigned.spawn(async move {
            let http = crate::http::client();
            for number in 0..FORGED / 6 {
                let status = if number % 2 == 0 {
                    forge(&http, &hr, to, &format!("{sender}_{number}"), "{}").await
                } else {
                    let request = http.post(format!("http://{to}/webhooks/hr")).body("{}");
                    Some(request.send().await.unwrap().status().as_u16())
                };
                assert_eq!(status, Some(401));
            }
        });
    }
    unsigned.join_all().await;
    assert!(daemon.process.terminate().success());
    let seconds = begun.elapsed().as_secs() + 2;
    let output = daemon.process.output_lines();
    let lines = output.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines: Vec<_> =
        lines.filter(|line| line["message"].as_str().unwrap_or_default().contains("rejected")).collect();
    let counted = |reason: &str| -> u64 {
        lines.iter().filter(|line| line["reason"] == reason).map(|line| line["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((counted("signature_mismatch"), counted("id_missing")), (FORGED / 2, FORGED / 2), "{lines:#?}");
    assert!(u64::try_from(lines.len()).unwrap() <= 2 * seconds, "{} lines in {seconds} s", lines.len());
    row.passed(FORGED, format!("{} lines, 0 uncounted", lines.len()));
}

/// The middle of many measurements of one verification, in nanoseconds.
fn median(mut measured: Vec<u128>) -> u128 {
    measured.sort_unstable();
    measured[measured.len() / 2]
}

#[test]
#[ignore = "it measures: see the module `stress`"]
fn forged_signature_takes_as_long_as_a_genuine_one() {
    let row = expect_row(
        "signatures that are good, wrong at the beginning, wrong at the end",
        "each takes as long as the others, within a twentieth",
    );
    let (hr, now): (_, Timestamp) = (load::hr_source(), SystemClock.now());
    let body = vec![b'x'; 2000];
    let message = Outgoing { method: "POST", query: None, id: "msg_1", at: now, body: &body };
    let genuine = hr.sign(&message).unwrap();
    // One is wrong from the first character on, one only in the last that counts.
    let variants = ["as it is", "wrong at the beginning", "wrong at the end"].map(|variant| {
        let mut headers = axum::http::HeaderMap::new();
        for (name, value) in &genuine {
            let mut value = value.clone();
            if name == "webhook-signature" {
                let (from, to) = match variant {
                    "wrong at the beginning" => (3, 4),
                    "wrong at the end" => (value.len() - 3, value.len() - 2),
                    _ => (0, 0),
                };
                let other = if value.get(from..to) == Some("A") { "B" } else { "A" };
                if from < to {
                    value.replace_range(from..to, other);
                }
            }
            let name = axum::http::HeaderName::try_from(name).unwrap();
            headers.append(name, value.parse().unwrap());
        }
        (variant, headers)
    });
    let mut measured = [(); 3].map(|()| Vec::new());
    for _ in 0..40_000 {
        for ((_, headers), measured) in variants.iter().zip(&mut measured) {
            let begun = Instant::now();
            let verdict = hr.verify(&Request { method: "POST", query: None, headers, body: &body }, now);
            measured.push(begun.elapsed().as_nanos());
            drop(std::hint::black_box(verdict));
        }
    }
    let medians = measured.map(median);
    let (shortest, longest) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!((longest - shortest) * 20 <= *longest, "{medians:?}");
    row.passed("40000 each", format!("{medians:?} ns in the middle"));
}
