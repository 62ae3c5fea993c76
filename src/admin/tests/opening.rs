//! An operator's own request.

use serde_json::{Value, json};

use super::{ADA, Answer, Daemon, OTTO};

async fn open(daemon: &Daemon, changes: Value) -> Answer {
    let mut body = json!({"site": "acme", "email": "Ann@example.com", "action": "delete", "reason": "asked by mail"});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    daemon.post("/api/v1/cases", OTTO, body).await
}

#[tokio::test]
async fn a_request_becomes_a_case_that_says_whose_it_was() {
    let daemon = Daemon::enforcing().await;
    let answer = open(&daemon, json!({})).await;
    assert_eq!(answer.status, 201);
    let case = answer.json();
    assert_eq!(answer.headers["location"], format!("/api/v1/cases/{}", case["id"].as_str().unwrap()).as_str());
    assert_eq!((&case["source"], &case["person"]["email"]), (&Value::Null, &json!("ann@example.com")));
    assert_eq!((&case["state"], &case["job"]["kind"]), (&json!("deleting"), &json!("delete")));
    let path = format!("/api/v1/cases/{}/history", case["id"].as_str().unwrap());
    let history = daemon.get(&path, OTTO).await.json();
    assert_eq!(
        (&history["items"][0]["detail"]["by"], &history["items"][0]["remark"]),
        (&json!(OTTO), &json!("asked by mail"))
    );
}

#[tokio::test]
async fn a_second_request_for_the_same_person_is_told_of_the_first() {
    let daemon = Daemon::enforcing().await;
    let first = open(&daemon, json!({})).await.json();
    let second = open(&daemon, json!({"email": "ANN@EXAMPLE.COM"})).await;
    assert_eq!(second.status, 409);
    assert_eq!(second.json()["case"], first["id"]);
    assert!(!second.text.to_lowercase().contains("ann@"), "{}", second.text);
    assert_eq!(open(&daemon, json!({"site": "globex"})).await.status, 201);
}

#[tokio::test]
async fn a_day_counts_by_the_policy() {
    let daemon = Daemon::enforcing().await;
    let case = open(&daemon, json!({"effective_at": "2026-12-31"})).await.json();
    assert_eq!((&case["effective_at"], &case["state"]), (&json!("2027-01-01T00:00:00Z"), &json!("scheduled")));
    let timed = open(&daemon, json!({"email": "bob@example.com", "effective_at": "2026-12-31T10:00:00+01:00"})).await;
    assert_eq!(timed.json()["effective_at"], "2026-12-31T09:00:00Z");
}

#[tokio::test]
async fn the_most_careful_policy_of_the_site_counts_unless_one_is_named() {
    let daemon = Daemon::enforcing().await;
    let careful = open(&daemon, json!({})).await.json();
    let named = open(&daemon, json!({"email": "bob@example.com", "policy": "leavers"})).await.json();
    let approve = async |case: &Value| {
        daemon.post(&format!("/api/v1/cases/{}/approve", case["id"].as_str().unwrap()), ADA, json!({})).await
    };
    assert_eq!(approve(&careful).await.status, 200);
    let needless = approve(&named).await;
    assert_eq!(needless.status, 409);
    assert!(needless.detail().contains("ask for no approval"), "{}", needless.detail());
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_by_its_key() {
    let daemon = Daemon::enforcing().await;
    for (changes, text) in [
        (json!({"site": "nowhere"}), "`site`: expected one of: acme, globex"),
        (json!({"email": "ann"}), "`email`: not an e-mail address"),
        (json!({"action": "ignore"}), "`action`: expected one of: revoke, revoke_then_delete, delete"),
        (json!({"action": "burn"}), "`action`: expected one of: ignore, revoke, revoke_then_delete, delete"),
        (json!({"reason": " "}), "`reason`: expected a few words: why?"),
        (json!({"policy": "none"}), "`policy`: expected one of: careful, leavers"),
        (
            json!({"effective_at": "soon"}),
            "`effective_at`: not a date (2026-12-31) and not a time (2026-12-31T18:00:00Z)",
        ),
    ] {
        let answer = open(&daemon, changes).await;
        assert_eq!((answer.status.as_u16(), answer.detail().as_str()), (422, text));
    }
}
