//! Memory, and the start, with a million deliveries behind it.

use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::folder::{Folder, NOWHERE, settings};
use crate::load::Load;
use crate::table::{Table, median};

/// How many deliveries; `OFFBOARDD_BENCH_DELIVERIES` says otherwise.
fn many() -> u64 {
    std::env::var("OFFBOARDD_BENCH_DELIVERIES").map_or(1_000_000, |many| many.parse().unwrap())
}

pub(crate) fn after_a_million(table: &mut Table) {
    let folder = Folder::new(&settings(NOWHERE, 1));
    let daemon = Daemon::serve(&folder);
    std::thread::sleep(Duration::from_secs(3));
    let idle = daemon.process.resident();
    let (load, many) = (Load::usual(daemon.webhooks), many());
    let seen = Load { lasts: Duration::from_mins(30), at_most: Some(many), ..load }.run();
    let loaded = daemon.process.resident();
    daemon.process.stop();
    let mb = |bytes: u64| format!("{:.0} MB", bytes as f64 / 1e6);
    table.add(("T11", "≤ 40 MB", "≤ 20 MB"), "resident memory, idle", mb(idle), "three seconds after the start");
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_offboardd")).unwrap().len();
    table.add(("T11", "", ""), "the program", mb(size), "with the names of its functions, for backtraces");
    let what = format!("resident memory after {many} deliveries");
    table.add(("T11", "≤ 80 MB", "≤ 50 MB"), what, mb(loaded), format!("{:.0}/s", seen.rate));

    let mut took = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let daemon = Daemon::serve(&folder);
        while daemon.ask("GET", "/readyz").0 != 200 {
            std::thread::sleep(Duration::from_millis(2));
        }
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        daemon.process.stop();
    }
    let what = format!("start to `/readyz` 200 with {many} deliveries");
    let worst = took.iter().copied().fold(0.0, f64::max);
    let figures = format!("the slowest of five {worst:.0} ms");
    table.add(("T12", "≤ 500 ms", "≤ 150 ms"), what, format!("{:.0} ms", median(took)), figures);
}
