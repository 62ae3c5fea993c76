//! `kill -9` under load: every 2xx is kept and ends in a case, and no account is revoked or deleted twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use offboardd::clock::{Clock as _, SystemClock};
use offboardd::sources::Outgoing;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::binary::{Folder, sandbox_list, settings, vendor};
use crate::rng::SeededRng;
use crate::stress::is_full_run;
use crate::stress::load::{email, seed};

const SENDERS: usize = 8;
const TIMEOUT: Duration = Duration::from_mins(3);

/// One sender: reports each of its people until that is acknowledged, as a vendor would.
async fn send(
    people: Vec<usize>,
    mut daemon: watch::Receiver<std::net::SocketAddr>,
    pause: Duration,
    no_more: Arc<AtomicBool>,
) -> Vec<(usize, String)> {
    let source = vendor();
    let http = crate::http::client();
    let mut acknowledged = Vec::new();
    for person in people {
        let body = json!({ "type": "departed", "person": { "email": email(person) } }).to_string();
        let id = format!("msg_{person}");
        while !no_more.load(Ordering::Relaxed) {
            let message =
                Outgoing { method: "POST", query: None, id: &id, at: SystemClock.now(), body: body.as_bytes() };
            let url = format!("http://{}/webhooks/hr", *daemon.borrow_and_update());
            let mut request = http.post(url).body(body.clone()).timeout(Duration::from_secs(5));
            for (name, value) in source.sign(&message).unwrap() {
                request = request.header(name, value);
            }
            let answer = match request.send().await {
                Ok(answer) => (answer.status(), answer.json::<Value>().await.ok()),
                Err(_killed) => (reqwest::StatusCode::SERVICE_UNAVAILABLE, None),
            };
            match answer {
                (status, Some(answer)) if status.is_success() => {
                    acknowledged.push((person, answer["delivery"].as_str().unwrap().to_owned()));
                    break;
                }
                (status, _) => {
                    assert!(
                        status.is_success() || status.is_server_error(),
                        "a genuine delivery was refused: {status}"
                    );
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
    acknowledged
}

async fn open(folder: &Folder) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.database()).busy_timeout(TIMEOUT);
    SqliteConnection::connect_with(&options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_under_load_lose_and_repeat_nothing() {
    let kills = if is_full_run() { 10 } else { 3 };
    // More than can be worked off between two kills, so that each finds some half-way.
    let people = 24 * kills;
    let mut rng = SeededRng::from_environment();
    let folder = Folder::new("");
    let seed = folder.file("seed.json", &seed(people));
    let (_sandbox, site) = folder.sandbox(&["--seed", &seed, "--deletion-grace", "1s"]);
    folder.file("offboardd.toml", &settings(site, "brake = { per_hour = 1000000, per_day = 1000000 }"));
    let mut daemon = folder.serve("warn,offboardd=info");
    let (set_address, address) = watch::channel(daemon.webhooks);
    let no_more = Arc::new(AtomicBool::new(false));
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let of_sender = (sender..people).step_by(SENDERS).collect();
        // Slow enough that there is something to send between all of the kills.
        senders.spawn(send(of_sender, address.clone(), Duration::from_millis(100), Arc::clone(&no_more)));
    }
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(50 + rng.below(350))).await;
        daemon.process.kill();
        daemon = folder.serve("warn,offboardd=info");
        set_address.send(daemon.webhooks).unwrap();
    }
    let begun = Instant::now();
    let mut acknowledged = BTreeMap::new();
    while let Some(sender) = senders.join_next().await {
        acknowledged.extend(sender.unwrap());
    }
    assert_eq!(acknowledged.len(), people, "all people are acknowledged in the end");

    let mut database = open(&folder).await;
    loop {
        let row = sqlx::query("SELECT COUNT(*) FROM cases WHERE state = 'erased'").fetch_one(&mut database).await;
        if row.unwrap().get::<i64, _>(0) == i64::try_from(people).unwrap() {
            break;
        }
        if begun.elapsed() > TIMEOUT {
            let rows = sqlx::query("SELECT state, COUNT(*) FROM cases GROUP BY state").fetch_all(&mut database).await;
            let states: Vec<(String, i64)> = rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
            let jobs =
                "SELECT kind || ' ' || state || ' ' || (due_at - unixepoch() * 1000) || ' ' || COALESCE(last_error, '')
                        FROM jobs WHERE state IN ('queued', 'running') LIMIT 5";
            let jobs = sqlx::query(jobs).fetch_all(&mut database).await.unwrap();
            let jobs: Vec<String> = jobs.iter().map(|row| row.get(0)).collect();
            let deliveries = "SELECT status || ' ' || COALESCE(problem, ''), COUNT(*) FROM deliveries GROUP BY 1";
            let rows = sqlx::query(deliveries).fetch_all(&mut database).await.unwrap();
            let deliveries: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            panic!("not all are erased: {states:?}, {jobs:?}, {deliveries:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (person, delivery) in &acknowledged {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM deliveries d JOIN events e ON e.delivery_id = d.id JOIN cases c ON c.id = e.case_id
             WHERE d.id = ? AND d.status = 'routed' AND e.status = 'applied'",
        )
        .bind(delivery)
        .fetch_one(&mut database)
        .await;
        assert_eq!(row.unwrap().get::<i64, _>(0), 1, "the delivery of person {person} does not end in a case");
    }
    let counted = "SELECT (SELECT COUNT(*) FROM deliveries), (SELECT COUNT(*) FROM cases)";
    let row = sqlx::query(counted).fetch_one(&mut database).await.unwrap();
    let expected = i64::try_from(people).unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (expected, expected));
    database.close().await.unwrap();

    let calls = sandbox_list(site, "calls").await;
    let mut changes: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for call in calls.iter().filter(|call| call["changed"] == true) {
        let (call, account) = (call["call"].as_str().unwrap(), call["account_id"].as_str().unwrap());
        *changes.entry((call, account)).or_default() += 1;
    }
    let of = |name: &str| changes.keys().filter(|(call, _)| *call == name).count();
    assert_eq!((of("revoke"), of("delete"), changes.len()), (people, people, 2 * people));
    assert!(changes.values().all(|times| *times == 1), "an account was changed twice: {changes:?}");

    assert!(daemon.process.terminate().success());
    let verified = folder.run(&["journal", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
