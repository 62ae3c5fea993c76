//! Requests for erasure: their deadline, the alerts, the order of the queue, and the answer to the person.

use offboardd::domain::case::StateName;
use offboardd::sandbox::{NewAccount, Seed};
use serde_json::{Value, json};

use crate::harness::{Harness, ROSA, Setup};

const ANN: &str = "ann@example.com";
const POLICY: &str = "departed = \"delete\"\nerasure_requested = \"delete\"\napprovals = { revoke = 0, delete = 1 }\n\
                      erasure_within = \"20d\"";

async fn requested() -> Harness {
    let story = Harness::with(Setup { policy: POLICY, ..Setup::default() }).await;
    story.send_event(json!({ "type": "erasure_requested", "person": { "email": ANN } })).await;
    story
}

fn age(metrics: &str) -> f64 {
    let line = metrics.lines().find(|line| line.starts_with("offboardd_oldest_erasure_request_seconds ")).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn steps(story: &Harness) -> Vec<String> {
    let history = story.history(ANN).await.into_iter().filter(|entry| entry.kind == "deadline");
    history.map(|entry| entry.detail["step"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn deadline_is_alerted_in_steps_and_the_answer_is_there_when_it_is_met() {
    let mut story = requested().await;
    assert!(age(&story.metrics().await) < 1.0);
    let case = story.api(&format!("/cases/{}", story.case(ANN).await.case.id), None).await.body;
    assert_eq!((&case["erase_until"], &case["answer"]), (&json!("2026-09-27T12:00:00Z"), &Value::Null));
    for (wait, expected) in [
        ("14d", vec![]),
        ("1d", vec!["quarter_left"]),
        ("2d", vec!["quarter_left"]),
        ("1d", vec!["quarter_left", "tenth_left"]),
        ("3d", vec!["quarter_left", "tenth_left", "overdue"]),
        ("3d", vec!["quarter_left", "tenth_left", "overdue"]),
    ] {
        story.advance(wait).await;
        // The deadlines are looked at when a daemon starts, and every 30 seconds.
        story.restart().await;
        story.wait_until("the alerts", async || steps(&story).await.len() >= expected.len()).await;
        assert_eq!(steps(&story).await, expected, "after {wait} more");
    }
    assert!(age(&story.metrics().await) >= 24.0 * 86_400.0);

    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 200);
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    assert!(age(&story.metrics().await) < 1.0, "no request is open");
    let id = story.case(ANN).await.case.id;
    let answer = story.api(&format!("/cases/{id}"), None).await.body["answer"].as_str().unwrap().to_owned();
    assert!(
        answer.starts_with(
            "We have carried out your request for erasure of 7 September 2026. Your customer account on our help desk was \
             deleted on 1 October 2026, and on 15 October 2026 it no longer existed."
        ),
        "{answer}"
    );
    assert!(!answer.contains('@'));
    let file = story.api(&format!("/cases/{id}/evidence"), None).await.body;
    assert!(file.as_str().unwrap().contains(&answer), "the evidence holds the same text");
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn erasure_request_near_its_deadline_goes_before_other_deletions() {
    let policy = "departed = \"delete\"\nerasure_requested = \"delete\"\nerasure_within = \"20d\"";
    let site = "look_back = \"0s\"\nconcurrency = 1";
    let mut story = Harness::with(Setup { policy, site, seed: Seed::default(), ..Setup::default() }).await;
    let address = |number: usize| format!("person{number}@example.com");
    for number in 0..6 {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    let mut tx = story.store().begin().await.unwrap();
    // By an operator: a probe lifts no such pause.
    tx.pause_site_by_operator(&"acme".parse().unwrap(), "rosa", story.now()).await.unwrap();
    tx.commit().await.unwrap();
    for number in 0..5 {
        story.send_departed(&address(number)).await;
        story.advance("1m").await;
    }
    story.send_event(json!({ "type": "erasure_requested", "person": { "email": address(5) } })).await;
    story.advance("16d").await;
    story.restart().await;
    story
        .wait_until("the alert", async || story.history(&address(5)).await.iter().any(|entry| entry.kind == "deadline"))
        .await;
    let site = "acme".parse().unwrap();
    assert_eq!(story.store().next_calls(&[&site], 10).await.unwrap().len(), 6, "the urgent one is shown, too");
    story.resume_site_if_paused().await;
    story.settle().await;
    assert_eq!(story.changes()[0], format!("delete {}", address(5)), "the erasure request goes first");
    let deleted: Vec<String> = (0..6).map(|number| format!("delete {}", address(number))).collect();
    story.finish(&deleted.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
