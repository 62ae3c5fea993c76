//! Releasing what observe mode held.

use serde_json::{Value, json};

use super::{Answer, Daemon, OTTO};
use crate::domain::case::{Hold, State};
use crate::domain::policy::Action;

async fn release(daemon: &Daemon, changes: Value) -> Answer {
    let mut body = json!({"held": "observe", "expect": 3, "reason": "switched to enforce"});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    daemon.post("/api/v1/cases/release", OTTO, body).await
}

async fn three_held(daemon: &Daemon) {
    for email in ["ann@example.com", "bob@example.com", "cem@example.com"] {
        daemon.case(email, Action::Revoke, Some(State::Held(Hold::Observe))).await;
    }
    daemon.case("dan@example.com", Action::Delete, Some(State::Held(Hold::Approval))).await;
}

async fn held(daemon: &Daemon) -> usize {
    daemon.get("/api/v1/cases?state=held", OTTO).await.json()["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn all_that_observe_mode_held_goes_on_and_nothing_else() {
    let daemon = Daemon::enforcing().await;
    three_held(&daemon).await;
    let answer = release(&daemon, json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"released": 3})));
    let rest = daemon.get("/api/v1/cases?state=held", OTTO).await.json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["held"], "approval");
}

#[tokio::test]
async fn another_number_releases_nobody_and_tells_the_right_one() {
    let daemon = Daemon::enforcing().await;
    three_held(&daemon).await;
    for (changes, count) in [
        (json!({"expect": 2}), 3),
        (json!({"expect": 4}), 3),
        (json!({"source": "crm"}), 0),
        (json!({"site": "globex"}), 0),
    ] {
        let answer = release(&daemon, changes.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["count"]), (409, &json!(count)), "{changes}");
    }
    assert_eq!(held(&daemon).await, 4);
    assert_eq!(release(&daemon, json!({"source": "bamboohr", "site": "acme"})).await.json()["released"], 3);
}

#[tokio::test]
async fn more_than_one_transaction_holds_are_released_too() {
    let daemon = Daemon::enforcing().await;
    for n in 0..51 {
        daemon.case(&format!("p{n}@example.com"), Action::Revoke, Some(State::Held(Hold::Observe))).await;
    }
    assert_eq!(release(&daemon, json!({"expect": 51})).await.json()["released"], 51);
    assert_eq!(held(&daemon).await, 0);
}

#[tokio::test]
async fn observe_mode_and_other_holds_are_not_released_in_bulk() {
    let daemon = Daemon::observing().await;
    three_held(&daemon).await;
    assert_eq!(release(&daemon, json!({})).await.status, 409);
    for wrong in [json!({"held": "approval"}), json!({"held": "everything"}), json!({"reason": ""})] {
        assert_eq!(release(&daemon, wrong.clone()).await.status, 422, "{wrong}");
    }
    assert_eq!(held(&daemon).await, 4);
}
