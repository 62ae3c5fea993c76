//! A flood of forged requests, and what it costs those who are genuine; and what a forged signature tells by its time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use offboardd::clock::{self, Clock as _, SystemClock};
use offboardd::sources::{Outgoing, Request};
use serde_json::json;
use tokio::task::JoinSet;

use super::QUIET;
use super::load::{self, NOWHERE};
use super::table::promise;
use crate::binary::Folder;

/// How long each measurement takes.
const MEASURED: Duration = Duration::from_secs(4);

/// Sends as fast as it is answered, on connections that are kept; counts the answers that it hopes for.
fn senders(many: usize, to: SocketAddr, forged: bool, enough: &Arc<AtomicBool>) -> (JoinSet<()>, Arc<AtomicU64>) {
    let (mut all, count) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
    for _ in 0..many {
        let (enough, count) = (Arc::clone(enough), Arc::clone(&count));
        all.spawn(async move {
            let (http, hr) = (offboardd::atlassian::http().unwrap(), load::hr());
            while !enough.load(Ordering::Relaxed) {
                let id = clock::new_id(SystemClock.now()).to_string();
                let body = json!({ "type": "ignored" }).to_string();
                if forged {
                    let at = SystemClock.now();
                    let message = Outgoing { method: "POST", query: None, id: &id, at, body: body.as_bytes() };
                    let mut request = http.post(format!("http://{to}/webhooks/hr")).body("{\"type\":\"departed\"}");
                    for (name, value) in hr.sign(&message).unwrap() {
                        request = request.header(name, value);
                    }
                    if let Ok(answer) = request.send().await {
                        assert_eq!(answer.status(), 401);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                } else if let Some((status, _)) = load::post(&http, &hr, to, &id, &body).await {
                    assert_eq!(status, 202);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    (all, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures: see the module `siege`"]
async fn a_flood_of_forged_requests_does_not_slow_genuine_ones_by_more_than_half() {
    let row = promise(
        "as many forged senders as genuine ones, as fast as they are answered",
        "at least half as many genuine ones are taken as without",
    );
    let folder = Folder::new(&load::settings(NOWHERE, "offboardd.db"));
    let daemon = folder.serve(QUIET);
    let mut rates = Vec::new();
    for forgers in [0, 8] {
        let enough = Arc::new(AtomicBool::new(false));
        let (mut genuine, taken) = senders(8, daemon.webhooks, false, &enough);
        let (mut forged, refused) = senders(forgers, daemon.webhooks, true, &enough);
        tokio::time::sleep(MEASURED).await;
        enough.store(true, Ordering::Relaxed);
        while let Some(ended) = genuine.join_next().await {
            ended.unwrap();
        }
        while let Some(ended) = forged.join_next().await {
            ended.unwrap();
        }
        rates.push((taken.load(Ordering::Relaxed), refused.load(Ordering::Relaxed)));
    }
    let ((alone, _), (flooded, forged), seconds) = (rates[0], rates[1], MEASURED.as_secs());
    assert!(flooded * 2 >= alone, "{alone} alone, {flooded} in the flood of {forged}");
    row.kept(
        format!("{} forged/s", forged / seconds),
        format!("{}/s alone, {}/s in the flood", alone / seconds, flooded / seconds),
    );
}

/// The middle of many measurements of one verification, in nanoseconds.
fn median(mut measured: Vec<u128>) -> u128 {
    measured.sort_unstable();
    measured[measured.len() / 2]
}

#[test]
#[ignore = "it measures: see the module `siege`"]
fn a_forged_signature_takes_as_long_as_a_good_one() {
    let row = promise(
        "signatures that are good, wrong at once, wrong at the end",
        "each takes as long as the others, within a twentieth",
    );
    let (hr, now): (_, Timestamp) = (load::hr(), SystemClock.now());
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
    row.kept("40000 each", format!("{medians:?} ns in the middle"));
}
