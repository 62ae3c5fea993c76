//! The router: beside a saturated intake, and with a large delivery of another source.

use std::time::{Duration, Instant};

use crate::daemon::{Daemon, until};
use crate::folder::{Folder, NOWHERE, settings};
use crate::load::{Kind, Load};
use crate::table::{Table, median, ratio};

/// How often everything is run, one after the other.
const ROUNDS: usize = 5;

/// The items of a large delivery: as many as a delivery may hold.
const ITEMS: usize = 10_000;

/// How long the router is measured.
const SECONDS: u64 = 3;

/// Events routed while deliveries are accepted at full speed, and afterwards, while none is.
pub(crate) fn beside_a_saturated_intake(table: &mut Table) {
    let (mut saturated, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = Folder::new(&settings(NOWHERE, 4));
        let daemon = Daemon::serve(&folder);
        let routed = || daemon.metric("offboardd_events_total", "");
        let before = routed();
        Load { sources: 4, lasts: Duration::from_secs(SECONDS), ..Load::usual(daemon.webhooks) }.run();
        let during = routed();
        std::thread::sleep(Duration::from_secs(SECONDS));
        let after = routed();
        saturated.push((during - before) as f64 / SECONDS as f64);
        alone.push((after - during) as f64 / SECONDS as f64);
    }
    let figures = format!("{:.0}/s beside {:.0}/s", median(saturated.clone()), median(alone.clone()));
    let measured = format!("{:.2}", ratio(&saturated, &alone));
    let what = "events routed while the intake is saturated ÷ routed alone";
    table.add(("T8b", "≥ 0.2", "≥ 0.5"), what, measured, figures);
}

/// How long small deliveries of one source wait while a delivery of 10,000 items of another one is routed.
pub(crate) fn beside_a_large_delivery(table: &mut Table) {
    let mut longest = Vec::new();
    for _ in 0..ROUNDS {
        let folder = Folder::new(&settings(NOWHERE, 2));
        let daemon = Daemon::serve(&folder);
        let routed = |source: &str| daemon.metric("offboardd_events_total", &format!("source=\"{source}\""));
        one(&daemon, "/webhooks/hr0", Kind::Batch(ITEMS));
        let mut waits = Vec::new();
        while routed("hr0") < ITEMS as u64 {
            let before = routed("hr1");
            one(&daemon, "/webhooks/hr1", Kind::Ignored);
            let begun = Instant::now();
            while routed("hr1") == before {
                assert!(begun.elapsed() < Duration::from_mins(1), "it is not routed");
                std::thread::sleep(Duration::from_micros(500));
            }
            waits.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        assert!(waits.len() > 3, "the large delivery was routed before any other could wait");
        longest.push(waits.into_iter().fold(0.0, f64::max));
    }
    let worst = longest.iter().copied().fold(0.0, f64::max);
    let what = "the longest wait of another source beside 10,000 items";
    let figures = format!("the longest of {ROUNDS} rounds {worst:.0} ms");
    table.add(("T15", "≤ 50 ms", "≤ 15 ms"), what, format!("{:.0} ms", median(longest)), figures);
}

/// Time and memory of one delivery, by its items.
pub(crate) fn by_items(table: &mut Table) {
    let (mut few, mut many, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        few.push(routed_in(ITEMS / 4).0 / (ITEMS / 4) as f64);
        let (seconds, grown) = routed_in(ITEMS);
        many.push(seconds / ITEMS as f64);
        bytes.push(grown as f64 / ITEMS as f64);
    }
    let figures = format!("{:.0} µs beside {:.0} µs", median(many.clone()) * 1e6, median(few.clone()) * 1e6);
    let what = "time of an item among 10,000 ÷ among 2,500";
    table.add(("T16", "≤ 1.2", ""), what, format!("{:.2}", ratio(&many, &few)), figures);
    let figures = "the most that resident memory grew, divided by the items";
    table.add(
        ("T16", "≤ 1 kB", ""),
        "memory of an item among 10,000",
        format!("{:.2} kB", median(bytes) / 1e3),
        figures,
    );
}

/// How long a delivery of so many items takes, in seconds, and by how much memory grows meanwhile.
fn routed_in(items: usize) -> (f64, u64) {
    let folder = Folder::new(&settings(NOWHERE, 1));
    let daemon = Daemon::serve(&folder);
    // What the first delivery allocates for good is not the items'.
    one(&daemon, "/webhooks/hr0", Kind::Batch(100));
    until(|| daemon.metric("offboardd_events_total", "") >= 100);
    let (before, mut most) = (daemon.process.resident(), 0);
    let begun = Instant::now();
    one(&daemon, "/webhooks/hr0", Kind::Batch(items));
    until(|| {
        most = most.max(daemon.process.resident());
        daemon.metric("offboardd_events_total", "") >= 100 + items as u64
    });
    (begun.elapsed().as_secs_f64(), most.saturating_sub(before))
}

/// Sends one delivery.
fn one(daemon: &Daemon, path: &'static str, kind: Kind) {
    let usual = Load::usual(daemon.webhooks);
    Load { path: Some(path), kind, connections: 1, at_most: Some(1), ..usual }.run();
}
