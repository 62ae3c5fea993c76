//! Tests of the visibility of personal data.

use super::{Daemon, OTTO, VERA};

#[tokio::test]
async fn viewer_sees_no_personal_data_on_any_route() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let delivery = daemon.delivery("bamboohr").await;
    let case = format!("/api/v1/cases/{id}");
    let routes = [
        "/api/v1/cases",
        &case,
        &format!("{case}/history"),
        "/api/v1/jobs",
        "/api/v1/sources",
        "/api/v1/sites",
        "/api/v1/deliveries",
        &format!("/api/v1/deliveries/{delivery}"),
        "/metrics",
    ];
    for route in routes {
        let text = daemon.get(route, VERA).await.text;
        for personal in ["ann", "example.com\"", "number-of", "qm:"] {
            assert!(!text.contains(personal), "{route} says `{personal}`: {text}");
        }
    }
    // The response does not reveal whether a person has a case.
    for email in ["ann@example.com", "unknown@example.com"] {
        let refused = daemon.get(&format!("/api/v1/cases?email={email}"), VERA).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(refused.detail(), "this requires the role `operator`; the token has `viewer`");
    }
    let seen = daemon.get(&case, VERA).await.json();
    assert_eq!(seen["person"], serde_json::json!({"id": null, "email": null}));
    assert_eq!(seen["account"], serde_json::json!({"id": null, "type": "customer"}));
}

#[tokio::test]
async fn operator_sees_personal_data() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let seen = daemon.get(&format!("/api/v1/cases/{id}"), OTTO).await.json();
    assert_eq!(seen["person"]["email"], "ann@example.com");
    assert_eq!(seen["person"]["id"], "number-of-ann@example.com");
    assert_eq!(seen["account"]["id"], "qm:secret:1");
    let history = daemon.get(&format!("/api/v1/cases/{id}/history"), OTTO).await.json();
    assert_eq!(history["items"][0]["kind"], "opened");
    assert_eq!(history["items"][0]["remark"], "a word about ann");
    assert_eq!(history["next"], serde_json::Value::Null);
}

#[tokio::test]
async fn person_is_found_by_the_exact_email_on_every_site() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    daemon.scheduled("ann@example.comm").await;
    for query in ["email=ann@example.com", "email=%20ANN%40example.com", "email=ann@example.com&site=acme"] {
        let found = daemon.get(&format!("/api/v1/cases?{query}"), OTTO).await.json();
        let ids: Vec<_> = found["items"].as_array().unwrap().iter().map(|case| case["id"].clone()).collect();
        assert_eq!(ids, [id.to_string()], "{query}");
    }
    for query in ["email=nn@example.com", "email=ann@example.com&site=globex", "email=ann@example.com&source=crm"] {
        let found = daemon.get(&format!("/api/v1/cases?{query}"), OTTO).await.json();
        assert_eq!(found["items"], serde_json::json!([]), "{query}");
    }
}

#[tokio::test]
async fn person_is_found_by_email_after_shredding() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let cancelled = daemon.act_on_case(id, "cancel").await.json();
    assert_eq!(cancelled["person"], serde_json::json!({"id": null, "email": null}));
    let found = daemon.get("/api/v1/cases?email=ann@example.com", OTTO).await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["id"], id.to_string());
    assert_eq!(found["items"][0]["person"]["email"], serde_json::Value::Null);
    let history = daemon.get(&format!("/api/v1/cases/{id}/history"), OTTO).await.json();
    assert!(history["items"].as_array().unwrap().iter().all(|entry| entry["remark"].is_null()), "{history}");
}
