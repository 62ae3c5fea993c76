//! Tests of error responses.

use axum::body::{Body, to_bytes};
use axum::http::Response;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Daemon, OTTO, TestResponse};
use crate::admin::{error, panic_response};

fn assert_problem(answer: &TestResponse, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["title"], answer.status.canonical_reason().unwrap());
    assert!(problem["detail"].is_string());
}

#[tokio::test]
async fn every_error_response_is_a_problem() {
    let daemon = Daemon::enforcing().await;
    let hold = format!("/api/v1/cases/{}/hold", daemon.scheduled("ann@example.com").await);
    let post = || daemon.raw(Method::POST, &hold).bearer_auth(OTTO);
    let json_post = || post().header("content-type", "application/json");
    assert_problem(&daemon.get("/nothing", "").await, 404);
    assert_problem(&daemon.get("/api/v1/nothing", OTTO).await, 404);
    assert_problem(&daemon.request(Method::DELETE, "/api/v1/cases", OTTO, None).await, 405);
    assert_problem(&daemon.request(Method::POST, "/livez", "", None).await, 405);
    assert_problem(&Daemon::answer(json_post().body("{")).await, 400);
    assert_problem(&Daemon::answer(json_post().body("[1]")).await, 422);
    assert_problem(&Daemon::answer(post().body("reason=x")).await, 415);
    assert_problem(&Daemon::answer(json_post().body(" ".repeat(70_000))).await, 413);
    let unknown = daemon.post(&hold, OTTO, json!({"raeson": "x"})).await;
    assert_problem(&unknown, 422);
    assert_eq!(unknown.detail(), "`raeson`: expected `reason` or `link`");
}

#[tokio::test]
async fn invalid_query_value_is_rejected_by_name_with_the_expected_form() {
    let daemon = Daemon::enforcing().await;
    for (path, text) in [
        ("cases?limit=501", "query parameter `limit`: expected a number from 1 to 500"),
        ("cases?cursor=5", "query parameter `cursor`: expected the `next` of an earlier page"),
        ("cases?attention=maybe", "query parameter `attention`: expected true or false"),
        ("cases?email=ann", "query parameter `email`: not an e-mail address"),
        ("cases?emial=ann", "query parameter `emial`: unknown, or given more than once"),
        ("cases?site=%C3%A4", "query parameter `site`: a name has 1 to 64 letters, digits, `-` or `_`"),
        ("jobs?state=gone", "query parameter `state`: expected one of: queued, running, done, cancelled"),
        ("jobs?kind=x", "query parameter `kind`: expected one of: revoke, detach, delete, verify, restore, reinvite"),
        ("deliveries?status=x", "query parameter `status`: expected one of: received, routed, unreadable"),
        ("deliveries?cursor=x", "query parameter `cursor`: expected the `next` of an earlier page"),
        ("sites?x=1", "query parameter `x`: unknown, or given more than once"),
    ] {
        let answer = daemon.get(&format!("/api/v1/{path}"), OTTO).await;
        assert_problem(&answer, 400);
        assert_eq!(answer.detail(), text);
    }
}

#[tokio::test]
async fn database_failure_is_reported_without_its_cause() {
    let daemon = Daemon::enforcing().await;
    daemon.store.close().await;
    let answer = daemon.get("/api/v1/cases", OTTO).await;
    assert_problem(&answer, 503);
    assert_eq!(answer.detail(), "database unavailable: retry the request");
}

#[tokio::test]
async fn every_response_has_the_id_of_its_request() {
    let daemon = Daemon::enforcing().await;
    assert!(daemon.get("/livez", "").await.headers.contains_key("x-request-id"));
    let given = Daemon::answer(daemon.raw(Method::GET, "/livez").header("x-request-id", "mine")).await;
    assert_eq!(given.headers["x-request-id"], "mine");
}

#[tokio::test]
async fn panic_and_timeout_are_problems() {
    let slow = Response::builder().status(503).body(Body::empty()).unwrap();
    for (answer, status, text) in [
        (panic_response(Box::new("ann@example.com")), 500, "internal error: see the server log for this request id"),
        (
            error::as_problem(slow).await,
            503,
            "request timed out: check whether the change was applied before you retry",
        ),
    ] {
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.status(), status);
        let problem: Value = serde_json::from_slice(&to_bytes(answer.into_body(), 1000).await.unwrap()).unwrap();
        assert_eq!(problem["detail"], text);
    }
}
