//! SIGTERM under load: every accepted connection is answered, and the next daemon continues where this one was.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::load::{self, Load};
use super::table::expect_row;
use super::times;
use crate::binary::Folder;

/// The default of `server.shutdown`.
const DEADLINE: Duration = Duration::from_secs(30);

/// Stops the daemon so often under load; says how many were acknowledged, lost, refused with 503, and the longest stop.
async fn rolling(stops: u32, people: usize, pause: Duration) -> (usize, usize, u32, Duration) {
    let folder = Folder::new("");
    let seed = folder.file("seed.json", &load::seed(people));
    let (_sandbox, site) = folder.sandbox(&["--seed", &seed]);
    // Only revoked: the work in progress at a stop, without the weeks after it.
    let settings = load::settings(&format!("http://{site}"), "offboardd.db").replace("revoke_then_delete", "revoke");
    folder.file("offboardd.toml", &settings);
    let mut daemon = folder.serve("info");
    let load = Load::start(daemon.webhooks, people, 8, pause);
    let mut longest = Duration::ZERO;
    for stop in 0..stops {
        let before = load.acknowledged();
        while load.acknowledged() < before + 8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let begun = Instant::now();
        let ended = daemon.process.terminate();
        longest = longest.max(begun.elapsed());
        assert!(ended.success(), "stop {stop}: {ended:?} {:#?}", daemon.process.output_lines());
        assert!(!folder.path().join("offboardd.db-wal").exists(), "it was not closed cleanly");
        daemon = folder.serve("info");
        load.send_to(daemon.webhooks);
        let again: Vec<_> =
            daemon.process.output_lines().into_iter().filter(|line| line.contains("lease expired")).collect();
        assert!(again.is_empty(), "work was left lying about: {again:?}");
    }
    let refused = load.refusals();
    let acknowledged = load.end().await;
    let lost = load::lost_deliveries(&folder.database(), &acknowledged).await.len();
    assert!(daemon.process.terminate().success());
    let (changes, accounts) = load::changes(site, "revoke").await;
    assert_eq!(changes, accounts, "an account was revoked twice");
    (acknowledged.len(), lost, refused, longest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_under_load_lose_nothing_and_end_in_time() {
    let (acknowledged, lost, _, longest) = rolling(3, 400, Duration::from_millis(20)).await;
    assert!(acknowledged >= 24 && lost == 0, "{lost} of {acknowledged} are lost");
    assert!(longest < DEADLINE, "{longest:?}");
}

#[tokio::test]
async fn idle_connections_do_not_delay_a_shutdown() {
    let row = expect_row("SIGTERM while connections say nothing", "they do not hold it up");
    let folder = Folder::new(&load::settings(load::UNREACHABLE, "offboardd.db"));
    let mut daemon = folder.serve("info");
    let mut sitting = Vec::new();
    for beginning in ["", "POST /webhooks/hr HTT", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = TcpStream::connect(daemon.webhooks).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        sitting.push(stream);
    }
    // One that is accepted later shows that these are.
    assert!(load::post(&crate::http::client(), &load::hr_source(), daemon.webhooks, "a", "{}").await.is_some());
    let begun = Instant::now();
    assert!(daemon.process.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}: {:#?}", begun.elapsed(), daemon.process.output_lines());
    row.passed(3, format!("it took {:?}", begun.elapsed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivery_accepted_before_a_shutdown_is_answered() {
    const WAITING: usize = 60;
    let row = expect_row("SIGTERM while deliveries wait for their commit", "each is answered, and kept");
    let folder = Folder::new(&load::settings(load::UNREACHABLE, "offboardd.db"));
    let mut daemon = folder.serve("info");
    // Nothing can be committed while another process holds the database.
    let mut other = load::open(&folder.database()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut senders = tokio::task::JoinSet::new();
    // One client for all: to make one takes its time, and all of them are to be in before the stop.
    let http = crate::http::client();
    for number in 0..WAITING {
        let (to, http) = (daemon.webhooks, http.clone());
        senders.spawn(async move {
            (number, load::post(&http, &load::hr_source(), to, &format!("msg_{number}"), "{}").await)
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    daemon.process.send_sigterm();
    tokio::time::sleep(Duration::from_millis(500)).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let mut acknowledged = std::collections::BTreeMap::new();
    for (number, answer) in senders.join_all().await {
        let (status, answer) =
            answer.unwrap_or_else(|| panic!("{number} was not answered: {:#?}", daemon.process.output_lines()));
        assert_eq!(status, 202, "{number}: {answer}");
        acknowledged.insert(number, answer["delivery"].as_str().unwrap().to_owned());
    }
    assert!(daemon.process.wait().success());
    let lost = load::lost_deliveries(&folder.database(), &acknowledged).await.len();
    assert_eq!((acknowledged.len(), lost), (WAITING, 0));
    row.passed(WAITING, format!("{} acknowledged: {lost} lost", acknowledged.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: see the module `stress`"]
async fn fifty_restarts_under_load_lose_nothing() {
    let row = expect_row(
        "SIGTERM under load, and the next daemon",
        "every 2xx is kept, at worst 503, within the deadline, no job requeued",
    );
    let stops = times(50);
    let (acknowledged, lost, refused, longest) = rolling(stops, 40_000, Duration::from_millis(2)).await;
    assert!(lost == 0 && longest < DEADLINE);
    row.passed(
        stops,
        format!("{acknowledged} acknowledged: {lost} lost, {refused} × 503, the longest stop {longest:?}"),
    );
}
