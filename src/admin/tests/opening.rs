//! Tests of cases that operators open.

use serde_json::{Value, json};

use super::{ADA, Daemon, OTTO, ROSA, TestResponse};

async fn open(daemon: &Daemon, changes: Value) -> TestResponse {
    let mut body =
        json!({"site": "acme", "email": "Ann@example.com", "action": "delete", "reason": "requested by mail"});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    daemon.post("/api/v1/cases", OTTO, body).await
}

#[tokio::test]
async fn request_opens_a_case_with_the_name_of_the_operator() {
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
        (&json!(OTTO), &json!("requested by mail"))
    );
}

#[tokio::test]
async fn second_request_for_the_same_person_returns_the_first_case() {
    let daemon = Daemon::enforcing().await;
    let first = open(&daemon, json!({})).await.json();
    let second = open(&daemon, json!({"email": "ANN@EXAMPLE.COM"})).await;
    assert_eq!(second.status, 409);
    assert_eq!(second.json()["case"], first["id"]);
    assert!(!second.text.to_lowercase().contains("ann@"), "{}", second.text);
    assert_eq!(open(&daemon, json!({"site": "globex"})).await.status, 201);
}

#[tokio::test]
async fn date_is_interpreted_by_the_policy() {
    let daemon = Daemon::enforcing().await;
    let case = open(&daemon, json!({"effective_at": "2026-12-31"})).await.json();
    assert_eq!((&case["effective_at"], &case["state"]), (&json!("2027-01-01T00:00:00Z"), &json!("scheduled")));
    let timed = open(&daemon, json!({"email": "bob@example.com", "effective_at": "2026-12-31T10:00:00+01:00"})).await;
    assert_eq!(timed.json()["effective_at"], "2026-12-31T09:00:00Z");
}

#[tokio::test]
async fn strictest_approvals_of_the_site_apply_to_any_named_policy() {
    let daemon = Daemon::enforcing().await;
    for (email, changes, policy) in
        [("ann@example.com", json!({}), "careful"), ("bob@example.com", json!({"policy": "leavers"}), "leavers")]
    {
        let mut changes = changes;
        changes["email"] = json!(email);
        let case = open(&daemon, changes).await.json();
        assert_eq!((&case["policy"], &case["requested_by"]), (&json!(policy), &json!(OTTO)));
        let id = case["id"].as_str().unwrap().parse().unwrap();
        let mut tx = daemon.store.begin().await.unwrap();
        let record = tx.case(id).await.unwrap().unwrap();
        assert_eq!(record.case.terms.approvals.delete, 2, "{policy}");
    }
}

#[tokio::test]
async fn request_without_enough_approvers_is_rejected() {
    let daemon = Daemon::enforcing().await;
    // Two approvals are needed, and Rosa is one of the two approvers.
    let body = json!({"site": "acme", "email": "ann@example.com", "action": "delete", "reason": "requested"});
    let answer = daemon.post("/api/v1/cases", ROSA, body.clone()).await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().starts_with("this request requires 2 approvals by other people"), "{}", answer.detail());
    let mut revoke = body;
    revoke["action"] = json!("revoke");
    assert_eq!(daemon.post("/api/v1/cases", ROSA, revoke).await.status, 201, "a revoke needs none");
}

#[tokio::test]
async fn flood_of_requests_is_held_and_released_by_another_approver() {
    let daemon = Daemon::enforcing().await;
    let mut ids = Vec::new();
    for n in 0..27 {
        let case = open(&daemon, json!({"action": "revoke", "email": format!("p{n}@example.com")})).await.json();
        ids.push(case["id"].as_str().unwrap().to_owned());
    }
    let held = daemon.get("/api/v1/cases?state=held", OTTO).await.json();
    assert_eq!(held["items"].as_array().unwrap().len(), 27, "including the first");
    let other = json!({"site": "acme", "email": "eve@example.com", "action": "revoke", "reason": "requested"});
    assert_eq!(
        daemon.post("/api/v1/cases", ADA, other).await.json()["state"],
        "revoking",
        "each token has its own brake"
    );

    let release = async |who: &str| daemon.post(&format!("/api/v1/cases/{}/release", ids[0]), who, json!({})).await;
    assert_eq!(release(OTTO).await.status, 403);
    assert_eq!(release(ROSA).await.json()["state"], "revoking");
    let filter = json!({"action": "release", "filter": {"held": "brake", "requested_by": OTTO}, "reason": "a merger"});
    assert_eq!(daemon.post("/api/v1/cases/bulk", OTTO, filter.clone()).await.json()["count"], 0);
    let mut filter = filter;
    filter["digest"] = daemon.post("/api/v1/cases/bulk", ROSA, filter.clone()).await.json()["digest"].clone();
    assert_eq!(daemon.post("/api/v1/cases/bulk", ROSA, filter).await.json()["done"], 26);
    let next = open(&daemon, json!({"action": "revoke", "email": "next@example.com"})).await.json();
    assert_eq!(next["state"], "revoking", "released cases are not counted again");
}

#[tokio::test]
async fn invalid_value_is_rejected_by_key() {
    let daemon = Daemon::enforcing().await;
    for (changes, text) in [
        (json!({"site": "nowhere"}), "`site`: expected one of: acme, globex"),
        (json!({"email": "ann"}), "`email`: not an e-mail address"),
        (json!({"action": "ignore"}), "`action`: expected one of: revoke, revoke_then_delete, delete"),
        (json!({"action": "burn"}), "`action`: expected one of: ignore, revoke, revoke_then_delete, delete"),
        (json!({"reason": " "}), "`reason`: expected a text"),
        (json!({"policy": "none"}), "`policy`: expected one of: careful, leavers"),
        (
            json!({"effective_at": "soon"}),
            "`effective_at`: expected a date (2026-12-31) or a time (2026-12-31T18:00:00Z)",
        ),
    ] {
        let answer = open(&daemon, changes).await;
        assert_eq!((answer.status.as_u16(), answer.detail().as_str()), (422, text));
    }
}
