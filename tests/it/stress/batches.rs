//! Large and malformed batches, and floods of lookups: the daemon stays within its memory, and other sources do not wait.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::Row as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::load::{self, UNREACHABLE};
use super::memory::peak;
use super::table::expect_row;
use super::{QUIET, after, times};
use crate::binary::{Daemon, Folder};

/// A memory limit of 512 MiB for the daemon's data, stacks and heap, as `ulimit -d` takes it.
const LIMIT: &str = "ulimit -d 524288";
const LIMIT_MIB: usize = 512;

/// The largest body that the daemon accepts by default.
const MEBIBYTE: usize = 1024 * 1024;

/// The most items that a delivery may have.
const MAX_ITEMS: usize = 10_000;

/// Lookups that a source may cause in a day.
const LOOKUPS_A_DAY: usize = 5000;

/// A second source with the same secret, with more keys.
fn with_crm(settings: &str, more: &str) -> String {
    format!(
        "{settings}
         [sources.crm]
         preset = \"standard-webhooks\"
         site = \"acme\"
         policy = \"leavers\"
         secrets = [{{ env = \"HR_KEY\" }}]
         {more}"
    )
}

fn profile(item: usize) -> Value {
    json!({ "type": "profile", "person": { "id": item.to_string(), "email": format!("p{item}@example.com") } })
}

fn profiles(items: std::ops::Range<usize>) -> String {
    items.map(profile).collect::<Value>().to_string()
}

/// A list of as many copies of an item as fit into the largest body.
fn repeated(item: &str) -> String {
    let copies = (MEBIBYTE - 2) / (item.len() + 1);
    format!("[{}]", vec![item; copies].join(","))
}

/// Bodies that are expensive to parse, to map or to report.
fn poison() -> Vec<(&'static str, String)> {
    let long = "x".repeat(40);
    let unreadable: Value = (0..MAX_ITEMS).map(|_| json!({ "type": "departed", "x": long })).collect();
    vec![
        ("500,000 numbers", repeated("1")),
        ("260,000 empty lists", repeated("[]")),
        ("22,000 short items", repeated(r#"{"type":"departed","person":{"email":"a@b.c"}}"#)),
        ("10,000 unreadable items", unreadable.to_string()),
        ("10,000 profiles", profiles(0..MAX_ITEMS)),
        ("500,000 levels", "[".repeat(MEBIBYTE - 1)),
        ("one object of many keys", {
            let keys: Vec<_> = (0..70_000).map(|key| format!("\"k{key}\":[1]")).collect();
            format!("{{{}}}", keys.join(","))
        }),
        ("one long string of escapes", format!("[\"{}\"]", "\\u0000".repeat(170_000))),
        (
            "one long email address",
            format!("[{{\"type\":\"departed\",\"person\":{{\"email\":\"{}\"}}}}]", "a@".repeat(500_000)),
        ),
    ]
}

/// Sends one delivery of a source; returns the delivery's id.
async fn deliver(http: &reqwest::Client, to: SocketAddr, source: &str, id: &str, body: &str) -> String {
    let answer = load::post_as(http, &load::hr_source(), source, to, id, body).await;
    let Some((202, answer)) = answer else { panic!("delivery {id} of {source} was not accepted: {answer:?}") };
    answer["delivery"].as_str().unwrap().to_owned()
}

/// Waits until a delivery is no longer `received`; returns the time that it took.
async fn until_processed(database: &Path, delivery: &str, timeout: Duration) -> Duration {
    let begun = Instant::now();
    let mut connection = load::open(database).await;
    loop {
        let query = sqlx::query("SELECT status <> 'received' FROM deliveries WHERE id = ?").bind(delivery);
        if query.fetch_one(&mut connection).await.unwrap().get::<bool, _>(0) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < timeout, "delivery {delivery} is still received after {timeout:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until no delivery is `received` any more.
async fn until_all_processed(database: &Path, timeout: Duration) {
    let begun = Instant::now();
    while load::count(database, "SELECT COUNT(*) FROM deliveries WHERE status = 'received'").await > 0 {
        assert!(begun.elapsed() < timeout, "deliveries are still received after {timeout:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The size of an answer of the admin API.
async fn answer_size(daemon: &Daemon, path: &str) -> usize {
    let request = crate::http::client().get(format!("http://{}{path}", daemon.admin));
    let answer = request.bearer_auth(crate::binary::SITE_TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.bytes().await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: see the module `stress`"]
async fn poison_batches_under_512_mib_leave_daemon_and_other_source_running() {
    let row = expect_row(
        "poison batches of 1 MiB under a memory limit of 512 MiB",
        "daemon keeps running, another source's deliveries are routed, answers stay small",
    );
    let token = "[[admin.tokens]]\nname = \"rosa\"\nrole = \"approver\"\ntoken = { env = \"ACME_TOKEN\" }";
    let folder = Folder::new(&with_crm(&load::settings(UNREACHABLE, "offboardd.db"), token));
    let mut daemon = Folder::serve_as(&mut after(LIMIT, &folder, &["serve"]));
    let (rounds, database) = (times(10), folder.database());
    let http = crate::http::client();
    let bodies = Arc::new(poison());
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        let mut senders = JoinSet::new();
        for which in 0..bodies.len() {
            let (http, to, bodies) = (http.clone(), daemon.webhooks, Arc::clone(&bodies));
            senders.spawn(async move {
                deliver(&http, to, "crm", &format!("poison_{round}_{which}"), &bodies[which].1).await;
            });
        }
        for number in 0..5 {
            let id = format!("small_{round}_{number}");
            let delivery = deliver(&http, daemon.webhooks, "hr", &id, &profile(number).to_string()).await;
            longest = longest.max(until_processed(&database, &delivery, Duration::from_secs(30)).await);
        }
        senders.join_all().await;
    }
    until_all_processed(&database, Duration::from_mins(10)).await;
    let size = answer_size(&daemon, "/api/v1/deliveries?limit=100").await;
    assert!(size < MEBIBYTE, "the list of deliveries has {size} bytes");
    let Some(peak) = peak(&daemon) else {
        return row.skipped("this system does not report the memory of a process");
    };
    assert!(peak < LIMIT_MIB, "{peak} MiB");
    assert!(daemon.process.terminate().success(), "{:#?}", daemon.process.output_lines());
    // A start over the same database stays within the limit, too.
    let restarted = Folder::serve_as(&mut after(LIMIT, &folder, &["serve"]));
    deliver(&http, restarted.webhooks, "hr", "after_restart", &profile(1).to_string()).await;
    let count = bodies.len() * usize::try_from(rounds).unwrap();
    row.passed(
        format!("{count} batches of {} kinds", bodies.len()),
        format!("{peak} MiB at most; another source waited {longest:?} at most; a list of {size} bytes"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: see the module `stress`"]
async fn batch_of_22000_items_does_not_delay_deliveries_of_another_source() {
    let row = expect_row(
        "22,000 items in one batch, and in three, beside another source",
        "one is refused as too large, three are routed; the other source's deliveries wait less than a second",
    );
    let folder = Folder::new(&with_crm(&load::settings(UNREACHABLE, "offboardd.db"), ""));
    let daemon = folder.serve(QUIET);
    let (rounds, database) = (times(5), folder.database());
    let http = crate::http::client();
    let (mut longest, mut beside) = (Duration::ZERO, 0);
    for round in 0..rounds {
        let short: Vec<_> = (0..22_000).map(|item| format!("{{\"type\":\"x\",\"n\":{item}}}")).collect();
        deliver(&http, daemon.webhooks, "crm", &format!("whole_{round}"), &format!("[{}]", short.join(","))).await;
        let mut last = String::new();
        for (part, items) in [0..MAX_ITEMS, MAX_ITEMS..2 * MAX_ITEMS, 2 * MAX_ITEMS..22_000].into_iter().enumerate() {
            last = deliver(&http, daemon.webhooks, "crm", &format!("part_{round}_{part}"), &profiles(items)).await;
        }
        let mut connection = load::open(&database).await;
        let query = "SELECT status = 'received' FROM deliveries WHERE id = ?";
        while sqlx::query(query).bind(&last).fetch_one(&mut connection).await.unwrap().get::<bool, _>(0) {
            let id = format!("small_{round}_{beside}");
            let delivery = deliver(&http, daemon.webhooks, "hr", &id, &profile(beside).to_string()).await;
            longest = longest.max(until_processed(&database, &delivery, Duration::from_secs(30)).await);
            beside += 1;
        }
    }
    assert!(beside > 3, "the batches were routed before another delivery arrived");
    assert!(longest < Duration::from_secs(1), "another source waited {longest:?}");
    let expected = i64::from(rounds) * 22_000;
    let routed = "SELECT COUNT(*) FROM events e JOIN deliveries d ON d.id = e.delivery_id WHERE d.source = 'crm'";
    assert_eq!(load::count(&database, routed).await, expected, "events of the three parts");
    let refused = "SELECT COUNT(*) FROM deliveries WHERE source = 'crm' AND status = 'unreadable'";
    assert_eq!(load::count(&database, refused).await, i64::from(rounds), "batches beyond the limit");
    row.passed(
        format!("{rounds} × 22000 items"),
        format!("{beside} deliveries beside them waited {longest:?} at most"),
    );
}

/// A vendor's API without any person; counts its requests.
async fn unknowing_vendor() -> (SocketAddr, Arc<AtomicUsize>, JoinSet<()>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let answer = async move || {
        counted.fetch_add(1, Ordering::Relaxed);
        (StatusCode::NOT_FOUND, "{}")
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    (address, requests, serving)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: see the module `stress`"]
async fn lookup_flood_is_limited_per_day_and_other_departures_proceed() {
    let row = expect_row(
        "departures and returns of unknown person ids at a source with a lookup",
        "at most 5,000 lookups a day; another source's departures are revoked meanwhile",
    );
    let (vendor, requests, _serving) = unknowing_vendor().await;
    let people = 20;
    let lookup = format!(
        "[sources.crm.lookup]
         url = \"http://{vendor}/{{person_id}}\"
         email = \"$.email\"
         auth = {{ user = {{ env = \"ACME_TOKEN\" }}, password = {{ env = \"ACME_TOKEN\" }} }}"
    );
    let folder = Folder::new("");
    let seed = folder.file("seed.json", &load::seed(people));
    let (_sandbox, site) = folder.sandbox(&["--seed", &seed]);
    let settings = load::settings(&format!("http://{site}"), "offboardd.db").replace("revoke_then_delete", "revoke");
    folder.file("offboardd.toml", &with_crm(&settings, &lookup));
    let daemon = folder.serve(QUIET);
    let (http, database) = (crate::http::client(), folder.database());
    let flood = usize::try_from(times(12_000)).unwrap();
    for (number, kind) in ["returned", "departed", "departure_cancelled"].into_iter().enumerate() {
        for part in (0..flood).step_by(MAX_ITEMS) {
            let ids = part..flood.min(part + MAX_ITEMS);
            let items: Value = ids.map(|id| json!({ "type": kind, "person": { "id": id.to_string() } })).collect();
            deliver(&http, daemon.webhooks, "crm", &format!("flood_{number}_{part}"), &items.to_string()).await;
        }
    }
    let begun = Instant::now();
    for person in 0..people {
        let body = json!({ "type": "departed", "person": { "email": load::email(person) } }).to_string();
        deliver(&http, daemon.webhooks, "hr", &format!("leaver_{person}"), &body).await;
    }
    while load::changes(site, "revoke").await.0 < people {
        assert!(begun.elapsed() < Duration::from_mins(2), "departures wait behind the flood");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    until_all_processed(&database, Duration::from_mins(10)).await;
    // The lookups of this day end; none follows.
    let (mut before, mut quiet_since) = (0, Instant::now());
    while quiet_since.elapsed() < Duration::from_secs(3) {
        let now = requests.load(Ordering::Relaxed);
        if now != before {
            (before, quiet_since) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(before > 0 && before <= LOOKUPS_A_DAY, "{before} lookups");
    let memory = peak(&daemon).map_or_else(String::new, |mib| format!(", {mib} MiB at most"));
    row.passed(
        format!("{} events", 3 * flood),
        format!("{before} lookups; {people} leavers of another source revoked after {took:?}{memory}"),
    );
}
