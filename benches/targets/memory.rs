//! Memory, the start, and the cost of retention for other deliveries, after a million deliveries.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::daemon::Daemon;
use crate::folder::{Folder, NOWHERE, settings};
use crate::load::Load;
use crate::table::{Table, median};

/// How many deliveries; `OFFBOARDD_BENCH_DELIVERIES` overrides it.
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
    table.add(("T11", "≤ 25 MB", "≤ 15 MB"), "resident memory, idle", mb(idle), "three seconds after the start");
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_offboardd")).unwrap().len();
    table.add(("T11", "", ""), "the program", mb(size), "without symbols");
    let what = format!("resident memory after {many} deliveries");
    table.add(("T11", "≤ 50 MB", "≤ 40 MB"), what, mb(loaded), format!("{:.0}/s", seen.rate));

    let mut took = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let daemon = Daemon::serve(&folder);
        while daemon.request("GET", "/readyz").0 != 200 {
            std::thread::sleep(Duration::from_millis(2));
        }
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        daemon.process.stop();
    }
    let what = format!("start to `/readyz` 200 with {many} deliveries");
    let worst = took.iter().copied().fold(0.0, f64::max);
    let figures = format!("the slowest of five {worst:.0} ms");
    table.add(("T12", "≤ 150 ms", ""), what, format!("{:.0} ms", median(took)), figures);
    retention(table, &folder);
}

/// How much longer deliveries take while bodies and deduplication windows of others expire, until the write-ahead log is free
/// of them. They are adjacent in the table, but anywhere in the index for duplicates.
fn retention(table: &mut Table, folder: &Folder) {
    const OVER: &str = "UPDATE deliveries SET status = 'routed', routed_at = 1, dedupe_until = 1
        WHERE seq IN (SELECT seq FROM deliveries WHERE body IS NOT NULL ORDER BY seq LIMIT ?1)";
    const LEFT: &str = "SELECT COUNT(*) FROM deliveries WHERE dedupe_until = 1 AND dedupes = 1";
    let (mut p99, mut slowest) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..5 {
        for (which, over) in [0, 2000].into_iter().enumerate() {
            let connection = Connection::open(folder.database()).unwrap();
            connection.execute(OVER, [over]).unwrap();
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            drop(connection);
            let daemon = Daemon::serve(folder);
            let usual = Load::usual(daemon.webhooks);
            let seen = Load { connections: 8, rate: Some(500.0), lasts: Duration::from_secs(4), ..usual }.run();
            // The rest does not expire in the next round.
            let (begun, connection) = (Instant::now(), Connection::open(folder.database()).unwrap());
            while connection.query_row(LEFT, [], |row| row.get::<_, u32>(0)).unwrap() > 0 {
                assert!(begun.elapsed() < Duration::from_mins(2), "not all have expired");
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(connection);
            daemon.process.stop();
            p99[which].push(seen.quantile(0.99) / 1e3);
            slowest[which].push(seen.quantile(1.0) / 1e3);
        }
    }
    let [without, with] = slowest.map(median);
    let [p99_without, p99_with] = p99.map(median);
    let figures = format!("{with:.1} ms beside {without:.1} ms; p99 {p99_with:.1} ms beside {p99_without:.1} ms");
    let what = "what retention adds to the slowest delivery meanwhile";
    table.add(("", "≤ 10 ms", ""), what, format!("{:.1} ms", with - without), figures);
}
