//! The intake beside its limits and its alternatives.

use std::time::Duration;

use crate::daemon::{Daemon, sandbox, until};
use crate::folder::{Folder, NOWHERE, settings};
use crate::load::{Kind, Load, from_the_first_person};
use crate::table::{Table, median, ratio};
use crate::{raw, servers};

/// How often everything is run, one after the other.
const ROUNDS: usize = 5;

/// How many sites are drained together: Atlassian's limits are counted for each.
const SITES: usize = 32;

/// The daemon with everything on, the same without storage, with one transaction for each request, and bare SQLite.
pub(crate) fn side_by_side(table: &mut Table) {
    let (mut ours, mut none, mut each, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut code = Vec::new();
    let (mut p99, mut p99_none) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = Folder::new("");
        let (_process, to) = servers::start(servers::NO_STORAGE, &folder);
        let seen = Load::usual(to).run();
        none.push(seen.rate);
        p99_none.push(seen.quantile(0.99));

        let folder = Folder::new(&settings(NOWHERE, 1));
        let daemon = Daemon::serve(&folder);
        let seen = Load::usual(daemon.webhooks).run();
        ours.push(seen.rate);
        p99.push(seen.quantile(0.99));
        drop(daemon);

        let folder = Folder::new("");
        let (process, to) = servers::start(servers::INTAKE, &folder);
        code.push(Load::usual(to).run().rate);
        drop(process);

        let folder = Folder::new("");
        let (_process, to) = servers::start(servers::ONE_EACH, &folder);
        each.push(Load::usual(to).run().rate);

        let folder = Folder::new("");
        bare.push(raw::deliveries(&mut raw::open(&folder.database()), 64, Duration::from_secs(2)));
    }
    let middle = |rates: &[f64]| median(rates.iter().copied());
    let beside = |reference: &[f64]| format!("{:.0}/s beside {:.0}/s", middle(&ours), middle(reference));
    let two = |ratio: f64| format!("{ratio:.2}");
    let row = ("T1", "≥ 0.28", "≥ 0.38");
    table.add(row, "durable intake ÷ the same server without storage", two(ratio(&ours, &none)), beside(&none));
    let row = ("T2", "≥ 8", "≥ 11");
    table.add(row, "durable intake ÷ one transaction a request", two(ratio(&ours, &each)), beside(&each));
    let row = ("T3", "≥ 0.60", "≥ 0.85");
    table.add(row, "durable intake ÷ bare SQLite, 64 rows a transaction", two(ratio(&ours, &bare)), beside(&bare));
    let what = "durable intake ÷ the intake's code alone, without a router";
    table.add(("", "", ""), what, two(ratio(&ours, &code)), beside(&code));
    let row = ("T6", "≤ 2.5", "≤ 1.7");
    let figures = format!("{:.1} ms beside {:.1} ms", middle(&p99) / 1e3, middle(&p99_none) / 1e3);
    table.add(row, "p99 at 64 connections ÷ p99 without storage", two(ratio(&p99, &p99_none)), figures);
}

/// One connection: what one durable answer costs.
pub(crate) fn one_by_one(table: &mut Table) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = Folder::new(&settings(NOWHERE, 1));
        let daemon = Daemon::serve(&folder);
        ours.push(Load { connections: 1, ..Load::usual(daemon.webhooks) }.run().quantile(0.5));
        drop(daemon);
        let folder = Folder::new("");
        bare.push(raw::one_insert(&mut raw::open(&folder.database()), Duration::from_secs(2)));
    }
    let figures = format!("{:.0} µs beside {:.0} µs", median(ours.clone()), median(bare.clone()));
    let measured = format!("{:.2}", ratio(&ours, &bare));
    table.add(("T7", "≤ 2.3", "≤ 1.7"), "p50 at 1 connection ÷ one bare durable insert", measured, figures);
}

/// Departures that are routed and carried out while they come, against a sandbox that answers immediately.
pub(crate) fn while_draining(table: &mut Table) {
    let (mut alone, mut draining, mut routed, mut done) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = Folder::new("");
        let (process, to) = servers::start(servers::INTAKE, &folder);
        alone.push(Load::usual(to).run().rate);
        drop(process);

        let folder = Folder::new("");
        let (_sandbox, place) = sandbox(&folder, 4_000);
        folder.write("offboardd.toml", &settings(&place, SITES));
        let daemon = Daemon::serve(&folder);
        from_the_first_person();
        // A backlog first, so that there is something to drain from the beginning to the end.
        let backlog =
            Load { kind: Kind::Departed, sources: SITES, at_most: Some(3_000), ..Load::usual(daemon.webhooks) };
        backlog.run();
        until(|| confirmed(&daemon) > 50);
        let (routed_before, done_before) = (daemon.metric("offboardd_events_total", ""), confirmed(&daemon));
        let seen = Load { sources: SITES, ..Load::usual(daemon.webhooks) }.run();
        draining.push(seen.rate);
        let seconds = 3.0;
        routed.push((daemon.metric("offboardd_events_total", "") - routed_before) as f64 / seconds);
        done.push((confirmed(&daemon) - done_before) as f64 / seconds);
    }
    let figures = format!(
        "{:.0}/s beside {:.0}/s; meanwhile {:.0} events/s routed and {:.0} revokes/s confirmed",
        median(draining.clone()),
        median(alone.clone()),
        median(routed),
        median(done)
    );
    let measured = format!("{:.2}", ratio(&draining, &alone));
    table.add(
        ("T8", "≥ 0.5", "≥ 0.8"),
        "intake while router and worker drain ÷ the intake's code alone",
        measured,
        figures,
    );
}

/// How many revokes were confirmed so far.
pub(crate) fn confirmed(daemon: &Daemon) -> u64 {
    daemon.metric("offboardd_jobs_total", "outcome=\"revoke_confirmed\"")
}

/// As many forged requests as genuine ones, offered beside them.
pub(crate) fn in_a_flood(table: &mut Table) {
    let (mut alone, mut flooded, mut forged) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = Folder::new(&settings(NOWHERE, 1));
        let daemon = Daemon::serve(&folder);
        let usual = Load::usual(daemon.webhooks);
        let seen = usual.run();
        alone.push(seen.rate);
        drop(daemon);

        let folder = Folder::new(&settings(NOWHERE, 1));
        let daemon = Daemon::serve(&folder);
        let usual = Load::usual(daemon.webhooks);
        let flood = Load { kind: Kind::Forged, rate: Some(seen.rate), ..usual }.beside();
        flooded.push(usual.run().rate);
        forged.push(flood.join().unwrap().rate);
    }
    let figures = format!(
        "{:.0}/s beside {:.0}/s; {:.0}/s forged",
        median(flooded.clone()),
        median(alone.clone()),
        median(forged)
    );
    let measured = format!("{:.2}", ratio(&flooded, &alone));
    table.add(("T10", "≥ 0.6", "≥ 0.85"), "genuine in a flood of as many forged ÷ alone", measured, figures);
}
