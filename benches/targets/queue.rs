//! The queue: what a claim costs with a backlog, and how fast due jobs are done.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use offboardd::domain::case::{Cause, Terms};
use offboardd::domain::ids::SiteName;
use offboardd::domain::person::{EmailAddress, Person};
use offboardd::domain::policy::{Action, Approvals};
use offboardd::store::{ClaimRequest, Database, KeyLocation, NewCase, Note, Store};
use rusqlite::Connection;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::calls;
use crate::daemon::{Daemon, sandbox, until};
use crate::folder::{Folder, email, settings};
use crate::intake::confirmed;
use crate::load::{Kind, Load, from_the_first_person};
use crate::table::{Table, median, ratio};

/// How many jobs wait behind those that are due.
const BACKLOG: u64 = 5_000_000;

/// How many cases of other people are open.
const OTHERS: u64 = 500_000;

/// How many of each one round measures.
const EACH: usize = 300;

/// How many rounds there are.
const ROUNDS: usize = 7;

/// Claims and inserts, with a thousand jobs in the queue and with five million; on one processor.
///
/// Each step goes to a thread of SQLite's and back. How long a sleeping processor of a virtual machine takes to be awakened
/// for that is more than the step itself, and another for each database.
pub(crate) fn backlog(table: &mut Table) {
    let all = sched_getaffinity(None).unwrap();
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).unwrap());
    sched_setaffinity(None, &one).unwrap();
    measure_backlog(table);
    sched_setaffinity(None, &all).unwrap();
}

fn measure_backlog(table: &mut Table) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (small, large) = (Folder::new(""), Folder::new(""));
    let stores = [&small, &large].map(|folder| {
        let database = Database::file(folder.database(), KeyLocation::Beside);
        runtime.block_on(async {
            let store = database.open().await.unwrap();
            let mut tx = store.begin().await.unwrap();
            for person in 0..1000 {
                tx.open_case(a_case(person), None, Note::default(), Timestamp::now()).await.unwrap();
            }
            tx.commit().await.unwrap();
            store
        })
    });
    fill(&large);
    for what in [Step::Claim, Step::Open, Step::Find] {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            // In turns, so that a noisy moment hits both.
            let mut took = [Vec::new(), Vec::new()];
            for number in 0..EACH {
                for (store, took) in stores.iter().zip(&mut took) {
                    took.push(runtime.block_on(what.once(store, number)));
                }
            }
            let [small, large] = took.map(median);
            few.push(small);
            many.push(large);
        }
        let figures = format!("{:.0} µs beside {:.0} µs", median(many.clone()), median(few.clone()));
        let what = format!("{} with {BACKLOG} queued ÷ with 1,000", what.name());
        table.add(("T9", "≤ 1.3", "≤ 1.1"), what, format!("{:.2}", ratio(&many, &few)), figures);
    }
}

fn site() -> SiteName {
    "site0".parse().unwrap()
}

fn a_case(person: usize) -> NewCase {
    let terms = Terms {
        action: Action::Revoke,
        local_grace: SignedDuration::ZERO,
        approvals: Approvals::default(),
        detach: Vec::new(),
        reinvite: false,
        requested_by: None,
        policy: None,
    };
    let person = Person { email: Some(EmailAddress::parse(&email(person)).unwrap()), ..Person::default() };
    NewCase {
        site: site(),
        source: None,
        person,
        terms,
        cause: Cause::Operator,
        effective_at: Timestamp::now(),
        deadline: None,
    }
}

/// Jobs of the far future, and open cases of other people; not one for each, for the disk's sake.
fn fill(folder: &Folder) {
    let connection = Connection::open(folder.database()).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection
        .execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO jobs (id, case_id, site, kind, urgency, state, due_at, created_at)
             SELECT printf('019f0000-0000-7000-8000-%012x', n), printf('019f0000-0000-7000-9000-%012x', n), 'site0',
                    'revoke', 0, 'queued', 4000000000000 + n, 0 FROM n",
            [BACKLOG as i64],
        )
        .unwrap();
    connection
        .execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO cases (id, site, person_key, email_hash, opened_at, state, since, terms, approvals, direction,
                 effective_at)
             SELECT printf('019f0000-0000-7000-9000-%012x', n), 'site0', randomblob(32), randomblob(32), 0, 'scheduled',
                 0, '{}', '[]', 'leaving', 4000000000000 FROM n",
            [OTHERS as i64],
        )
        .unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

/// What is measured beside a backlog.
#[derive(Clone, Copy)]
enum Step {
    Claim,
    Open,
    Find,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim one due job",
            Self::Open => "open a case with its job",
            Self::Find => "find a person's open case",
        }
    }

    /// How long it takes, in microseconds. It is taken back, so that the next finds the same.
    async fn once(self, store: &Store, number: usize) -> f64 {
        let (site, now) = (site(), Timestamp::now());
        let mut tx = store.begin().await.unwrap();
        match self {
            Self::Claim => {
                let request =
                    ClaimRequest { site: &site, urgent: true, jobs: 1, until: now + SignedDuration::from_mins(5) };
                let begun = Instant::now();
                let claimed = tx.claim(&[request], now).await.unwrap();
                let took = begun.elapsed();
                assert_eq!(claimed.len(), 1);
                took
            }
            Self::Open => {
                let begun = Instant::now();
                tx.open_case(a_case(1_000_000 + number), None, Note::default(), now).await.unwrap();
                begun.elapsed()
            }
            Self::Find => {
                let hash = store.key().hash_email(&site, &EmailAddress::parse(&email(number)).unwrap());
                let begun = Instant::now();
                let found = tx.open_case_of(&site, Some(hash), None).await.unwrap();
                let took = begun.elapsed();
                assert!(found.is_some());
                took
            }
        }
        .as_secs_f64()
            * 1e6
    }
}

/// A thousand revokes that fall due at one instant, at a site that keeps the documented limits.
pub(crate) fn at_the_documented_pace(table: &mut Table) {
    /// Atlassian's burst for PUT and DELETE, a second; a revoke makes one of them.
    const BURST: f64 = 50.0;
    const PEOPLE: u64 = 1000;
    let folder = Folder::new("");
    let (_sandbox, place) = sandbox(&folder, PEOPLE as usize);
    let address = place.trim_start_matches("http://").parse().unwrap();
    patch(address, r#"{"burst_limits":true}"#);
    folder.write("offboardd.toml", &settings(&place, 1));
    let daemon = Daemon::serve(&folder);
    let took = drain(&daemon, 1, PEOPLE);
    let refused = daemon.metric("offboardd_atlassian_calls_total", "429");
    let rate = PEOPLE as f64 / took.as_secs_f64();
    let figures = format!("{rate:.1} revokes/s where {BURST:.0} are allowed, {refused} answers of 429");
    let what = "1,000 due revokes ÷ what the documented limits allow";
    table.add(("T13", "≥ 0.93", "≥ 0.97"), what, format!("{:.3}", rate / BURST), figures);
}

/// Revokes of many sites, four calls each, at a sandbox that answers immediately, beside the same calls alone.
pub(crate) fn drained(table: &mut Table) {
    const SITES: usize = 20;
    const PEOPLE: u64 = 2000;
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let folder = Folder::new("");
        let (_sandbox, place) = sandbox(&folder, PEOPLE as usize);
        folder.write("offboardd.toml", &settings(&place, SITES));
        let daemon = Daemon::serve(&folder);
        ours.push(PEOPLE as f64 / drain(&daemon, SITES, PEOPLE).as_secs_f64());
        drop(daemon);

        let folder = Folder::new("");
        let (_sandbox, place) = sandbox(&folder, PEOPLE as usize);
        folder.write("offboardd.toml", &settings(&place, SITES));
        alone.push(calls::revokes_per_second(&folder, PEOPLE));
    }
    let what = "revokes drained a second at 20 sites ÷ the same four calls by the same client alone";
    let figures = format!("{:.0}/s beside {:.0}/s", median(ours.clone()), median(alone.clone()));
    table.add(("T14", "≥ 0.6", "≥ 0.8"), what, format!("{:.2}", ratio(&ours, &alone)), figures);
}

/// Has people leave, all at one instant, and waits until the last is revoked; says how long that took from the instant on.
fn drain(daemon: &Daemon, sites: usize, people: u64) -> Duration {
    from_the_first_person();
    let due = Timestamp::now().as_second() + 12;
    let load = Load {
        kind: Kind::DepartedAt(due),
        sources: sites,
        lasts: Duration::from_secs(8),
        at_most: Some(people),
        ..Load::usual(daemon.webhooks)
    };
    assert_eq!(load.run().count as u64, people);
    until(|| daemon.metric("offboardd_events_total", "departed") >= people);
    let left = Timestamp::from_second(due).unwrap().duration_since(Timestamp::now());
    assert!(left.is_positive(), "the deliveries were not routed before their people left: nothing is measured");
    std::thread::sleep(left.unsigned_abs());
    until(|| confirmed(daemon) >= people)
}

/// Changes the sandbox.
fn patch(to: std::net::SocketAddr, settings: &str) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    let length = settings.len();
    let request = format!(
        "PATCH /_sandbox/settings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{settings}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}
