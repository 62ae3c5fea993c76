use crate::duration::ConfigDuration;
use std::time::{Duration, Instant};

use super::*;
use crate::sandbox::{Fault, FaultTiming, State};

fn on_revoke() -> Fault {
    Fault { call: Some(CallName::Revoke), times: Some(1), ..Fault::default() }
}

fn state_after(site: &Site) -> State {
    site.sandbox.account(ANN).unwrap().state
}

#[tokio::test]
async fn a_status_replaces_the_effect_once() {
    let site = Site::open().await;
    for status in [400, 401, 403, 404, 409, 412, 500, 503] {
        site.sandbox.inject(Fault { status: Some(status), ..on_revoke() }).unwrap();
        assert_eq!(site.revoke(ANN).await, status);
        assert_eq!(site.last_call(), (CallName::Revoke, Some(status), false));
    }
    assert_eq!(state_after(&site), State::Present);
    assert_eq!(site.revoke(ANN).await, 204);
}

#[tokio::test]
async fn a_success_can_be_a_lie() {
    let site = Site::open().await;
    site.sandbox.inject(Fault { status: Some(204), ..on_revoke() }).unwrap();
    assert_eq!(site.revoke(ANN).await, 204);
    assert_eq!(state_after(&site), State::Present);
}

#[tokio::test]
async fn a_status_can_follow_the_effect() {
    let site = Site::open().await;
    site.sandbox.inject(Fault { status: Some(500), after_effect: true, ..on_revoke() }).unwrap();
    assert_eq!(site.revoke(ANN).await, 500);
    assert_eq!(site.last_call(), (CallName::Revoke, Some(500), true));
    assert_eq!(state_after(&site), State::Revoked);
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date() {
    let site = Site::open().await;
    for value in [json!(1847), json!("Sun, 01 Mar 2026 09:30:00 GMT")] {
        site.sandbox.inject(Fault { retry_after: Some(value.clone()), ..on_revoke() }).unwrap();
        let response = site.call("PUT", &revoke(ANN)).send().await.unwrap();
        assert_eq!(response.status(), 429);
        let header = response.headers()["retry-after"].to_str().unwrap();
        assert_eq!(header, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    site.sandbox.inject(Fault { retry_after: Some(json!(5)), status: Some(503), ..on_revoke() }).unwrap();
    assert_eq!(site.revoke(ANN).await, 503);
}

#[tokio::test]
async fn bodies_and_headers_are_as_injected() {
    let site = Site::open().await;
    let html = Fault {
        status: Some(500),
        body: Some("<h1>Oops</h1>".into()),
        headers: [("X-Seen".to_owned(), "yes".to_owned())].into(),
        ..on_revoke()
    };
    site.sandbox.inject(html).unwrap();
    let response = site.call("PUT", &revoke(ANN)).send().await.unwrap();
    assert_eq!(response.headers()["x-seen"], "yes");
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(response.text().await.unwrap(), "<h1>Oops</h1>");

    site.sandbox.inject(Fault { body: Some(json!({ "odd": 1 })), ..on_revoke() }).unwrap();
    assert_eq!(reply(site.call("PUT", &revoke(ANN))).await, (200, json!({ "odd": 1 })));
}

#[tokio::test]
async fn garbage_is_no_json() {
    let site = Site::open().await;
    site.sandbox.inject(Fault { garbage: true, ..Fault::default() }).unwrap();
    let response = site.call("GET", &user(ANN)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    assert!(serde_json::from_str::<Value>(&response.text().await.unwrap()).is_err());
}

#[tokio::test]
async fn a_dropped_connection_gives_no_answer_before_or_after_the_effect() {
    let site = Site::open().await;
    for (moment, state) in [(FaultTiming::Before, State::Present), (FaultTiming::After, State::Revoked)] {
        site.sandbox.inject(Fault { drop: Some(moment), ..on_revoke() }).unwrap();
        let error = site.call("PUT", &revoke(ANN)).send().await.unwrap_err();
        assert!(error.is_request() && !error.is_timeout() && !error.is_connect(), "{error:?}");
        assert_eq!(state_after(&site), state);
        assert_eq!(site.last_call(), (CallName::Revoke, None, moment == FaultTiming::After));
    }
    assert_eq!(site.get(&user(ANN)).await.0, 200, "the next call has a new connection");
}

#[tokio::test]
async fn a_reset_comes_in_the_middle_of_the_body() {
    let site = Site::open().await;
    site.sandbox.inject(Fault { reset: true, times: Some(1), ..Fault::default() }).unwrap();
    let response = site.call("GET", &user(ANN)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());

    site.sandbox.inject(Fault { reset: true, ..on_revoke() }).unwrap();
    assert!(site.call("PUT", &revoke(ANN)).send().await.is_err(), "no body to break: no response");
    assert_eq!(site.last_call(), (CallName::Revoke, None, true));
}

#[tokio::test]
async fn a_slow_body_comes_whole_in_the_end() {
    let site = Site::open().await;
    site.sandbox.inject(Fault { slow_ms: Some(200), ..Fault::default() }).unwrap();
    let start = Instant::now();
    let response = site.call("GET", &user(ANN)).send().await.unwrap();
    let ann: Value = response.json().await.unwrap();
    assert_eq!(ann["accountId"], ANN);
    assert!(start.elapsed() >= Duration::from_millis(190));
    let start = Instant::now();
    assert_eq!(site.revoke(ANN).await, 204);
    assert!(start.elapsed() >= Duration::from_millis(190), "a response without a body is late instead");
}

#[tokio::test]
async fn effect_after_the_timeout_of_the_caller_is_as_injected() {
    let site = Site::open().await;
    for (after_effect, state) in [(false, State::Present), (true, State::Revoked)] {
        site.sandbox.inject(Fault { delay_ms: 400, after_effect, ..on_revoke() }).unwrap();
        let error = site.call("PUT", &revoke(ANN)).timeout(Duration::from_millis(150)).send().await.unwrap_err();
        assert!(error.is_timeout());
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(state_after(&site), state);
    }
}

#[tokio::test]
async fn latency_is_a_setting_too() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.delete_latency = ConfigDuration::from_millis(150));
    let start = Instant::now();
    assert_eq!(site.revoke(ANN).await, 204);
    assert!(start.elapsed() < Duration::from_millis(150));
    let start = Instant::now();
    assert_eq!(site.delete(&customer(ANN)).await, 204);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_fault_can_aim_at_one_account() {
    let site = Site::open().await;
    site.sandbox.inject(Fault { account: Some(ANN.to_owned()), status: Some(500), ..Fault::default() }).unwrap();
    assert_eq!(site.revoke(BEN).await, 204);
    assert_eq!(site.revoke(ANN).await, 500);
    assert_eq!(site.get(&user(ANN)).await.0, 500);
    assert_eq!(site.delete_with("/rest/servicedeskapi/organization/1/user", &[ANN]).await.0, 500);
}
