//! What is acknowledged is routed before any call: behind a backlog, across restarts, in parts, and beside a flood.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use offboardd::clock::{Clock as _, SystemClock};
use offboardd::domain::case::StateName;
use offboardd::sandbox::{CallName, Fault};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

use crate::binary::{Folder, sandbox_list, settings, vendor};
use crate::harness::{Harness, ROSA, Setup};
use crate::stress::load::{email, post, seed};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

/// A delivery of so many people, none of whom concerns the site.
fn profiles(batch: usize, items: usize) -> Value {
    let person =
        |item: usize| json!({ "id": format!("{batch}x{item}"), "email": format!("p{batch}x{item}@example.com") });
    (0..items).map(|item| json!({ "type": "profile", "person": person(item) })).collect()
}

fn departed(email: &str) -> Value {
    json!({ "type": "departed", "person": { "email": email } })
}

/// Sends a backlog and then the return of Ann, without waiting for the router.
async fn a_return_behind_a_backlog(story: &Harness) {
    for batch in 0..10 {
        assert_eq!(story.send("hr", &profiles(batch, 100)).await.status, 202);
    }
    assert_eq!(story.send("hr", &json!({ "type": "returned", "person": { "email": ANN } })).await.status, 202);
}

#[tokio::test]
async fn stop_behind_a_backlog_prevents_a_due_revoke() {
    let story = Harness::start().await;
    story.send_departed_at(ANN, story.now() + SignedDuration::from_hours(1)).await;
    a_return_behind_a_backlog(&story).await;
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.finish(&[]).await;
}

#[tokio::test]
async fn stop_from_another_source_is_routed_before_the_call() {
    let crm = "[sources.crm]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"leavers\"\n\
        secrets = [{ env = \"HR_KEY\" }]";
    let story = Harness::with(Setup { more: crm, ..Setup::default() }).await;
    story.send_departed_at(ANN, story.now() + SignedDuration::from_hours(1)).await;
    for batch in 0..5 {
        assert_eq!(story.send("crm", &profiles(batch, 100)).await.status, 202);
    }
    assert_eq!(story.send("hr", &json!({ "type": "returned", "person": { "email": ANN } })).await.status, 202);
    story.advance("1h").await;
    assert_eq!(story.count(CallName::Revoke), 0);
    story.finish(&[]).await;
}

#[tokio::test]
async fn restart_and_crash_run_the_router_before_the_worker() {
    for crash in [false, true] {
        let mut story = Harness::start().await;
        story.send_departed_at(ANN, story.now() + SignedDuration::from_hours(1)).await;
        a_return_behind_a_backlog(&story).await;
        story.clock.advance(SignedDuration::from_hours(1));
        if crash {
            story.crash().await;
        } else {
            story.stop().await;
            story.start_daemon().await;
        }
        story.settle().await;
        assert_eq!(story.state(ANN).await, StateName::Cancelled, "crash: {crash}");
        story.finish(&[]).await;
    }
}

#[tokio::test]
async fn return_during_a_failing_call_is_applied_before_the_next_call() {
    for crash in [false, true] {
        let mut story = Harness::start().await;
        let slow = Fault { call: Some(CallName::Revoke), delay_ms: 1500, status: Some(500), ..Fault::default() };
        story.inject(slow);
        assert_eq!(story.send("hr", &departed(ANN)).await.status, 202);
        story.wait_for_call(CallName::Revoke).await;
        let returned = story.send("hr", &json!({ "type": "returned", "person": { "email": ANN } })).await;
        story.wait_until_routed(returned.delivery()).await;
        if crash {
            story.crash().await;
        }
        story.settle().await;
        story.advance("1d").await;
        assert_eq!(story.count(CallName::Revoke), 1, "crash: {crash}");
        story.finish(&[]).await;
    }
}

#[tokio::test]
async fn large_delivery_is_routed_in_parts_beside_other_sources() {
    let crm = "[sources.crm]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"leavers\"\n\
        secrets = [{ env = \"HR_KEY\" }]";
    let story = Harness::with(Setup { more: crm, ..Setup::default() }).await;
    let large = story.send("crm", &profiles(0, 3000)).await.delivery();
    let small = story.send("hr", &profiles(1, 1)).await.delivery();
    story.wait_until_routed(small).await;
    assert_eq!(story.delivery(large).await.routed_at, None, "the large delivery is not done");
    story.settle().await;
    let events = story.events(large).await;
    let positions: BTreeSet<u32> = events.iter().map(|event| event.position).collect();
    assert_eq!((events.len(), positions.len(), positions.last()), (1000, 1000, Some(&999)), "no more are shown");
    let mut database = story.database().await;
    let count = "SELECT COUNT(*), COUNT(DISTINCT position), MAX(position) FROM events WHERE delivery_id = ?";
    let row = sqlx::query(count).bind(large.to_string()).fetch_one(&mut database).await.unwrap();
    assert_eq!((row.get::<u32, _>(0), row.get::<u32, _>(1), row.get::<u32, _>(2)), (3000, 3000, 2999));
    story.finish(&[]).await;
}

#[tokio::test]
async fn large_delivery_that_trips_the_brake_makes_no_call() {
    let story = Harness::start().await;
    let people = [ANN, BEN].into_iter().map(str::to_owned).chain((0..400).map(|n| format!("p{n}@example.com")));
    let all: Value = people.map(|email| departed(&email)).collect();
    let delivery = story.send("hr", &all).await.delivery();
    story.wait_until_routed(delivery).await;
    story.settle().await;
    assert_eq!((story.state(ANN).await, story.state(BEN).await), (StateName::Held, StateName::Held));
    story.finish(&[]).await;
}

#[tokio::test]
async fn delivery_beyond_the_item_limit_is_unreadable_with_a_short_problem() {
    let story = Harness::start().await;
    let items: Value = (0..10_001).map(|_| json!(1)).collect();
    let delivery = story.send_event(items).await;
    let shown = story.delivery(delivery).await;
    assert_eq!(shown.status.as_str(), "unreadable");
    assert!(shown.problem.as_ref().unwrap().contains("at most 10000 items, and there are 10001"), "{shown:?}");
    assert!(story.events(delivery).await.is_empty());

    let bad: Value = (0..500).map(|_| json!({ "type": "departed" })).collect();
    let delivery = story.send_event(bad).await;
    let problem = story.delivery(delivery).await.problem.unwrap();
    assert!(problem.starts_with("500 of 500 items cannot be read") && problem.ends_with("and 495 more"), "{problem}");
    assert!(problem.len() < 2000, "{problem}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn body_of_a_partly_unreadable_delivery_expires_of_an_unreadable_one_not() {
    let mut story = Harness::start().await;
    let partly =
        story.send_event(json!([{ "type": "profile", "person": { "id": "7" } }, { "type": "departed" }])).await;
    let wholly = story.send_event(json!([{ "type": "departed" }])).await;
    assert_eq!(story.delivery(partly).await.status.as_str(), "unreadable");
    story.clock.advance(SignedDuration::from_hours(24 * 30));
    story.restart().await;
    story.wait_until("the body to expire", async || !story.delivery(partly).await.replayable).await;
    assert!(story.delivery(wholly).await.replayable);
    story.finish(&[]).await;
}

#[tokio::test]
async fn delivery_that_crashed_the_process_twice_is_unreadable_and_replayable() {
    let mut story = Harness::start().await;
    let mut deliveries = Vec::new();
    for email in [ANN, BEN] {
        let tomorrow = story.now() + SignedDuration::from_hours(24);
        let event = json!({ "type": "departed", "person": { "email": email }, "effective_at": tomorrow.to_string() });
        deliveries.push(story.send_event(event).await);
    }
    story.stop().await;
    let mut database = story.database().await;
    for (delivery, crashes) in deliveries.iter().zip([1, 2]) {
        let unread = "UPDATE deliveries SET status = 'received', routed_at = NULL, crashes = ? WHERE id = ?";
        sqlx::query(unread).bind(crashes).bind(delivery.to_string()).execute(&mut database).await.unwrap();
    }
    database.close().await.unwrap();
    story.start_daemon().await;
    story.settle().await;
    let [once, twice] = [story.delivery(deliveries[0]).await, story.delivery(deliveries[1]).await];
    assert_eq!((once.status.as_str(), twice.status.as_str()), ("routed", "unreadable"));
    assert!(twice.problem.unwrap().starts_with("the process died twice"));
    let replay = story.api_as(ROSA, &format!("/deliveries/{}/replay", deliveries[1]), Some(json!({}))).await;
    assert_eq!(replay.status, 200, "{replay:?}");
    story.settle().await;
    assert_eq!(story.delivery(deliveries[1]).await.status.as_str(), "routed");
    story.finish(&[]).await;
}

/// Restarts with a backlog, a return at its end, and a revoke that falls due while no daemon runs.
async fn restarts_with_a_backlog(rounds: usize, deliveries: usize, items: usize, kill: bool) {
    let folder = Folder::new("");
    let accounts = folder.file("seed.json", &seed(rounds * 4));
    let (_sandbox, site) = folder.sandbox(&["--seed", &accounts]);
    folder.file("offboardd.toml", &settings(site, "brake = { per_hour = 1000000, per_day = 1000000 }"));
    let (http, vendor) = (crate::http::client(), vendor());
    let mut daemon = folder.serve("warn,offboardd=info");
    let (mut proven, mut delay) = (0, 2);
    for round in 0..rounds * 4 {
        if proven == rounds {
            break;
        }
        let send = async |number: usize, body: Value, daemon: std::net::SocketAddr| {
            let id = format!("msg_{round}_{number}");
            let (status, answer) = post(&http, &vendor, daemon, &id, &body.to_string()).await.unwrap();
            assert_eq!(status, 202, "{answer}");
            answer["delivery"].as_str().unwrap().to_owned()
        };
        let due = SystemClock.now() + SignedDuration::from_secs(delay);
        let leaves =
            json!({ "type": "departed", "person": { "email": email(round) }, "effective_at": due.to_string() });
        send(0, leaves, daemon.webhooks).await;
        for batch in 0..deliveries {
            send(batch + 1, profiles(round * 1000 + batch, items), daemon.webhooks).await;
        }
        let returns = json!({ "type": "returned", "person": { "email": email(round) } });
        let returned = send(deliveries + 1, returns, daemon.webhooks).await;
        let in_time = SystemClock.now() < due;
        if kill {
            daemon.process.kill();
        } else {
            assert!(daemon.process.terminate().success());
        }
        let rest = due.duration_since(SystemClock.now()) + SignedDuration::from_millis(100);
        tokio::time::sleep(rest.max(SignedDuration::ZERO).unsigned_abs()).await;
        daemon = folder.serve("warn,offboardd=info");
        wait_until_routed(&folder, &returned).await;
        if in_time {
            proven += 1;
        } else {
            delay *= 2;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let revoked: Vec<_> =
            sandbox_list(site, "calls").await.into_iter().filter(|call| call["changed"] == true).collect();
        assert!(!in_time || revoked.is_empty(), "round {round}: {revoked:?}");
        assert!(in_time || delay < 200, "the machine is too slow");
    }
    assert_eq!(proven, rounds);
}

async fn wait_until_routed(folder: &Folder, delivery: &str) {
    let begun = Instant::now();
    let options = SqliteConnectOptions::new().filename(folder.database()).busy_timeout(Duration::from_secs(30));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    loop {
        let row = sqlx::query("SELECT status = 'routed' FROM deliveries WHERE id = ?").bind(delivery);
        if row.fetch_one(&mut database).await.unwrap().get::<bool, _>(0) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(10), "the router does not get there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restart_with_a_backlog_makes_no_call_after_an_acknowledged_stop() {
    for kill in [false, true] {
        restarts_with_a_backlog(1, 5, 100, kill).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: see the module `stress`"]
async fn twenty_restarts_with_15000_unrouted_events_make_no_call() {
    for kill in [false, true] {
        restarts_with_a_backlog(20, 30, 500, kill).await;
    }
}

#[tokio::test]
async fn departure_in_the_year_9999_breaks_no_list() {
    let story = Harness::start().await;
    for effective_at in [Timestamp::MAX.to_string(), "9999-12-31".to_owned()] {
        let event = json!({ "type": "departed", "person": { "email": ANN }, "effective_at": effective_at });
        story.send_event(event).await;
    }
    story.send_departed(BEN).await;
    for path in ["/cases", "/jobs"] {
        let answer = story.api(path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    assert_eq!(story.state(BEN).await, StateName::Revoked);
    story.finish(&["revoke ben@example.com"]).await;
}
