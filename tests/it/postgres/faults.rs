//! Two daemons over a primary with a synchronous standby, under load, and each fault of a machine or a network between them:
//! nothing that was acknowledged is lost, no change is made twice, and none early.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::Row as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cluster::{self, Cluster};
use super::network::Network;
use crate::binary::{Daemon, Folder, Process, sandbox_list};
use crate::rng::SeededRng;
use crate::stress::load::{self, email, hr_source};
use crate::stress::table::expect_row;
use crate::stress::times;

const PEOPLE: usize = 2_000;
const SENDERS: usize = 3;

/// The pause of each sender, so that the work is done while the deliveries arrive.
const PAUSE: Duration = Duration::from_secs(1);

/// A vendor repeats what was not answered within this time.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is left after the last fault is done within this time.
const TIMEOUT: Duration = Duration::from_mins(5);

const PROMISE: &str = "every 2xx is kept, no change twice, none early, the journal is whole";

/// Two replicas, each with a network of its own, and all that is around them.
struct Pair {
    folder: Folder,
    site: SocketAddr,
    _sandbox: Process,
    networks: [Network; 2],
    daemons: [Daemon; 2],
    load: Load,
    // Last, so that the servers end last.
    cluster: Cluster,
}

impl Pair {
    async fn start() -> Self {
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
        let folder = Folder::new("");
        let seed = folder.file("seed.json", &load::seed(PEOPLE));
        let (sandbox, site) = folder.sandbox(&["--seed", &seed, "--deletion-grace", "1s"]);
        folder.file("key", &"07".repeat(32));
        offboardd::store::read_or_make_evidence_key(&folder.database()).unwrap();
        let settings = load::settings(&format!("http://{site}"), "x").replace(
            "store.url = \"sqlite:x\"",
            "store = { url = { env = \"STORE_URL\" }, key = { file = \"key\" } }
             evidence.key = { file = \"offboardd.db.evidence-key\" }",
        );
        folder.file("offboardd.toml", &settings.replace("look_again", "timeout = \"2s\"\n look_again"));
        let networks = [Network::to(cluster.primary()).await, Network::to(cluster.primary()).await];
        let daemons = [serve(&folder, &networks[0]), serve(&folder, &networks[1])];
        let load = Load::start(daemons.each_ref().map(|daemon| daemon.webhooks));
        let pair = Self { folder, site, _sandbox: sandbox, networks, daemons, load, cluster };
        pair.wait_until_one_works(&[0, 1]).await;
        pair
    }

    fn restart(&mut self, index: usize) {
        self.daemons[index] = serve(&self.folder, &self.networks[index]);
        self.load.send_to(self.daemons.each_ref().map(|daemon| daemon.webhooks));
    }

    /// The replica that works the site. Waits until it is one of these.
    async fn wait_until_one_works(&self, of: &[usize]) -> usize {
        let begun = Instant::now();
        loop {
            for index in of {
                if self.daemons[*index].readiness().await["sites"] == json!(["acme"]) {
                    return *index;
                }
            }
            assert!(begun.elapsed() < TIMEOUT, "no replica works the site");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal to a replica.
    fn signal(&self, index: usize, signal: &str) {
        let id = self.daemons[index].process.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until all cases are closed. Returns what was seen, with the lost, the doubled and the early ones.
    async fn end(self, server: SocketAddr) -> (Seen, [usize; 3]) {
        let Self { folder, site, daemons, load, cluster, .. } = self;
        let seen = load.end().await;
        let mut database = cluster::connect(server).await;
        let open = "SELECT (SELECT COUNT(*) FROM deliveries WHERE status = 'received')
                        + (SELECT COUNT(*) FROM cases WHERE state NOT IN ('erased', 'no_account')) AS count";
        let begun = Instant::now();
        loop {
            let left: i64 = sqlx::query(open).fetch_one(&mut database).await.unwrap().get("count");
            if left == 0 {
                break;
            }
            assert!(
                begun.elapsed() < TIMEOUT,
                "{left} are left; {:#?}",
                daemons.each_ref().map(|it| it.process.output_lines())
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let mut lost = 0;
        for delivery in seen.acknowledged.values() {
            let found = sqlx::query("SELECT 1 FROM deliveries WHERE id = $1").bind(delivery);
            lost += usize::from(found.fetch_optional(&mut database).await.unwrap().is_none());
        }
        let (doubled, early) = changes(site, seen.acknowledged.len()).await;
        for mut daemon in daemons {
            assert!(daemon.process.terminate().success(), "{:#?}", daemon.process.output_lines());
        }
        let verified = folder.command(&["journal", "verify"]).env("STORE_URL", cluster::url(server)).output().unwrap();
        assert!(verified.status.success(), "{verified:?}");
        drop(cluster);
        (seen, [lost, doubled, early])
    }
}

fn serve(folder: &Folder, network: &Network) -> Daemon {
    let log = "warn,offboardd::cli=info,offboardd::store::replicas=info";
    let mut command = folder.command(&["serve"]);
    Folder::serve_as(command.env("RUST_LOG", log).env("STORE_URL", cluster::url(network.address)))
}

/// The number of changes that were made twice, and of deletions before the grace was over.
async fn changes(site: SocketAddr, people: usize) -> (usize, usize) {
    let mut times = BTreeMap::<(String, String), Vec<Timestamp>>::new();
    for call in sandbox_list(site, "calls").await {
        if call["changed"] == true && ["revoke", "delete"].contains(&call["call"].as_str().unwrap()) {
            let text = |name: &str| call[name].as_str().unwrap().to_owned();
            times.entry((text("call"), text("account_id"))).or_default().push(text("at").parse().unwrap());
        }
    }
    let doubled = times.values().map(|times| times.len() - 1).sum();
    let deletions = times.iter().filter(|((call, _), _)| call == "delete");
    let grace = SignedDuration::from_secs(1);
    let is_early = |account: &String, deleted: &Vec<Timestamp>| {
        let revoked = &times[&("revoke".to_owned(), account.clone())];
        deleted[0].duration_since(revoked[0]) < grace
    };
    let early = deletions.clone().filter(|((_, account), deleted)| is_early(account, deleted)).count();
    assert!(deletions.count() >= people, "some accounts were not deleted");
    (doubled, early)
}

/// Vendors that send to both replicas, and repeat at the other one what was not acknowledged.
struct Load {
    senders: JoinSet<()>,
    daemons: watch::Sender<[SocketAddr; 2]>,
    enough: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The deliveries, by person.
    acknowledged: BTreeMap<usize, String>,
    last_at: Option<Instant>,
    /// The longest time between two acknowledgements.
    gap: Duration,
    refusals: usize,
}

impl Seen {
    fn acknowledge(&mut self, person: usize, delivery: String) {
        self.touch();
        self.acknowledged.insert(person, delivery);
    }

    /// Anything was acknowledged.
    fn touch(&mut self) {
        let now = Instant::now();
        self.gap = self.gap.max(self.last_at.map_or(Duration::ZERO, |last_at| now - last_at));
        self.last_at = Some(now);
    }
}

impl Load {
    fn start(daemons: [SocketAddr; 2]) -> Self {
        let (daemons, current) = watch::channel(daemons);
        let (enough, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            senders.spawn(send(sender, current.clone(), Arc::clone(&enough), Arc::clone(&seen)));
        }
        senders.spawn(repeat(current, Arc::clone(&enough), Arc::clone(&seen)));
        Self { senders, daemons, enough, seen }
    }

    fn send_to(&self, daemons: [SocketAddr; 2]) {
        self.daemons.send_replace(daemons);
    }

    fn acknowledged(&self) -> usize {
        self.seen.lock().unwrap().acknowledged.len()
    }

    async fn wait_until_more_than(&self, before: usize) {
        let begun = Instant::now();
        while self.acknowledged() <= before {
            assert!(begun.elapsed() < TIMEOUT, "nothing is acknowledged");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Begins to measure the longest time between two acknowledgements.
    fn measure(&self) {
        let mut seen = self.seen.lock().unwrap();
        (seen.last_at, seen.gap) = (Some(Instant::now()), Duration::ZERO);
    }

    fn gap(&self) -> Duration {
        self.seen.lock().unwrap().gap
    }

    async fn end(mut self) -> Seen {
        self.enough.store(true, Ordering::Relaxed);
        while let Some(ended) = self.senders.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// Repeats one delivery without effect all the time, to measure how long nothing is acknowledged.
async fn repeat(daemons: watch::Receiver<[SocketAddr; 2]>, enough: Arc<AtomicBool>, seen: Arc<Mutex<Seen>>) {
    let (http, hr) = (crate::http::client(), hr_source());
    let body = json!({ "type": "profile", "person": { "id": "1", "email": "absent@example.com" } }).to_string();
    let mut replica = 0;
    while !enough.load(Ordering::Relaxed) {
        let to = daemons.borrow()[replica];
        match tokio::time::timeout(PATIENCE, load::post(&http, &hr, to, "repeated", &body)).await {
            Ok(Some((200 | 202, _))) => seen.lock().unwrap().touch(),
            Ok(_) | Err(_) => replica = 1 - replica,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send(
    sender: usize,
    daemons: watch::Receiver<[SocketAddr; 2]>,
    enough: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
) {
    let (http, hr) = (crate::http::client(), hr_source());
    for person in (sender..PEOPLE).step_by(SENDERS) {
        let body = json!({ "type": "departed", "person": { "email": email(person) } }).to_string();
        for attempt in person / SENDERS.. {
            if enough.load(Ordering::Relaxed) {
                return;
            }
            let to = daemons.borrow()[attempt % 2];
            let id = format!("msg_{person}");
            let answer = tokio::time::timeout(PATIENCE, load::post(&http, &hr, to, &id, &body)).await;
            match answer {
                Ok(Some((200 | 202, answer))) => {
                    let delivery = answer["delivery"].as_str().unwrap().to_owned();
                    seen.lock().unwrap().acknowledge(person, delivery);
                    break;
                }
                Ok(Some((503, _))) => seen.lock().unwrap().refusals += 1,
                Ok(Some((status, answer))) => panic!("what is genuine was refused: {status} {answer}"),
                Ok(None) | Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

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
