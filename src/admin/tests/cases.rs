//! Tests of lists and views of cases.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Daemon, OTTO};
use crate::domain::case::{Attention, Hold, State};
use crate::domain::policy::Action;

#[tokio::test]
async fn case_has_exactly_the_keys_of_the_contract() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let case = daemon.get(&format!("/api/v1/cases/{id}"), OTTO).await.json();
    let keys: BTreeSet<&str> = case.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "id site source state since action person account effective_at revoked_at delete_at \
                    deletion_requested_at grace_ends_at reinvite_from stoppable_until closed_at attention job approvals policy requested_by";
    assert_eq!(keys, expected.split_whitespace().collect());
    let job_keys: BTreeSet<&str> = case["job"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(job_keys, BTreeSet::from(["id", "kind", "state", "due_at", "attempts", "last_error"]));
    for (key, value) in [
        ("state", json!("scheduled")),
        ("action", json!("revoke_then_delete")),
        ("since", json!("2026-06-01T08:00:00.001Z")),
        ("effective_at", json!("2026-06-01T09:00:00.001Z")),
        ("delete_at", json!("2026-07-01T09:00:00.001Z")),
        ("stoppable_until", json!("2026-07-01T09:00:00.001Z")),
        ("revoked_at", Value::Null),
        ("attention", Value::Null),
        ("approvals", json!([])),
    ] {
        assert_eq!(case[key], value, "{key}");
    }
    assert_eq!(case["job"]["kind"], "revoke");
    assert_eq!(case["job"]["due_at"], case["effective_at"]);
}

#[tokio::test]
async fn held_cases_and_cases_with_attention_contain_the_reason() {
    let daemon = Daemon::enforcing().await;
    let held = daemon.case("ann@example.com", Action::Delete, Some(State::Held(Hold::Observe))).await;
    let stuck = State::NeedsAttention(Attention::no_email());
    let stuck = daemon.case("bob@example.com", Action::Delete, Some(stuck)).await;
    let held = daemon.get(&format!("/api/v1/cases/{}", held.case.id), OTTO).await.json();
    assert_eq!((&held["held"], &held["job"]), (&json!("observe"), &Value::Null));
    let awaits = json!({"for": "delete", "approvals_missing": 2, "not_before": held["effective_at"]});
    assert_eq!((&held["awaits"], &held["policy"]), (&awaits, &json!("leavers")));
    let only = daemon.get("/api/v1/cases?attention=true", OTTO).await.json();
    assert_eq!(only["items"].as_array().unwrap().len(), 1);
    assert_eq!(only["items"][0]["id"], stuck.case.id.to_string());
    assert_eq!(only["items"][0]["attention"]["reason"], "no_email");
    assert!(only["items"][0]["attention"]["detail"].is_string());
}

#[tokio::test]
async fn cursor_continues_after_the_previous_page() {
    let daemon = Daemon::enforcing().await;
    let mut opened = Vec::new();
    for n in 0..5 {
        opened.push(daemon.scheduled(&format!("person{n}@example.com")).await.to_string());
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = daemon.get(&format!("/api/v1/cases?limit=2&cursor={cursor}"), OTTO).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|case| case["id"].as_str().unwrap().to_owned()));
        assert!(items.iter().all(|case| case["job"]["kind"] == "revoke"), "each with its own job");
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    opened.reverse();
    assert_eq!(seen, opened);
}

#[tokio::test]
async fn filters_are_combined() {
    let daemon = Daemon::enforcing().await;
    let cancelled = daemon.scheduled("ann@example.com").await;
    daemon.scheduled("bob@example.com").await;
    daemon.act_on_case(cancelled, "cancel").await;
    for (query, count) in [
        ("", 2),
        ("state=cancelled", 1),
        ("state=scheduled&source=bamboohr&site=acme", 1),
        ("state=scheduled&source=crm", 0),
        ("state=&source=&site=&email=", 2),
        ("attention=false", 2),
    ] {
        let found = daemon.get(&format!("/api/v1/cases?{query}"), OTTO).await.json();
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{query}");
    }
}
