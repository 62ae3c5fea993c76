//! Tests of actions on one case.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{ADA, Daemon, OTTO, ROSA};
use crate::domain::case::{Change, Hold, State};
use crate::domain::ids::CaseId;
use crate::domain::policy::Action;
use crate::store::{ClaimRequest, Dispatch, Intent};

async fn approve(daemon: &Daemon, id: CaseId, who: &str) -> super::TestResponse {
    let body = json!({"reason": "I know them", "for": "delete"});
    daemon.post(&format!("/api/v1/cases/{id}/approve"), who, body).await
}

#[tokio::test]
async fn hold_cancels_the_job_and_release_queues_it_again() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let held = daemon.act_on_case(id, "hold").await;
    assert_eq!(held.status, 200);
    assert_eq!((&held.json()["state"], &held.json()["held"]), (&json!("held"), &json!("hold")));
    assert!(held.json()["job"].is_null());
    let released = daemon.act_on_case(id, "release").await.json();
    assert_eq!((&released["state"], &released["job"]["kind"]), (&json!("scheduled"), &json!("revoke")));
}

#[tokio::test]
async fn action_is_in_the_history_with_name_and_reason_and_wakes_the_worker() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    daemon.post(&format!("/api/v1/cases/{id}/hold"), OTTO, json!({"reason": "she is only on leave"})).await;
    let history = daemon.get(&format!("/api/v1/cases/{id}/history"), OTTO).await.json();
    let last = history["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["detail"]["by"]), (&json!("held"), &json!(OTTO)));
    assert_eq!(last["remark"], "she is only on leave");
    tokio::time::timeout(Duration::from_secs(5), daemon.worker.notified()).await.unwrap();
}

#[tokio::test]
async fn empty_body_is_accepted() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let answer = daemon.request(reqwest::Method::POST, &format!("/api/v1/cases/{id}/hold"), OTTO, None).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn action_that_the_state_forbids_is_rejected_with_the_reason() {
    let daemon = Daemon::observing().await;
    let id = daemon.scheduled("ann@example.com").await;
    for (verb, text) in [
        ("release", "a case in state `scheduled` cannot be released: it is not held"),
        ("retry", "a case in state `scheduled` cannot be retried: nothing failed"),
        ("resolve", "a case in state `scheduled` cannot be resolved: it does not wait for a human's decision"),
    ] {
        let answer = daemon.act_on_case(id, verb).await;
        assert_eq!((answer.status.as_u16(), answer.detail().as_str()), (409, text));
    }
    assert_eq!(daemon.act_on_case(id, "cancel").await.json()["state"], "cancelled");
    let held = daemon.act_on_case(id, "hold").await;
    assert_eq!(
        (held.status.as_u16(), held.detail().as_str()),
        (409, "a case in state `cancelled` cannot be held: it is closed")
    );
}

#[tokio::test]
async fn observe_mode_releases_no_case() {
    let daemon = Daemon::observing().await;
    let id = daemon.case("ann@example.com", Action::Revoke, Some(State::Held(Hold::Observe))).await.case.id;
    let answer = daemon.act_on_case(id, "release").await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().contains("set mode = \"enforce\" first"), "{}", answer.detail());
}

#[tokio::test]
async fn cancel_during_the_call_is_rejected_as_too_late() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    daemon.clock.advance(SignedDuration::from_hours(2));
    let now = daemon.now();
    let mut tx = daemon.store.begin().await.unwrap();
    let until = now + SignedDuration::from_mins(1);
    let request = ClaimRequest { site: &"acme".parse().unwrap(), urgent: true, jobs: 1, until };
    let claimed = tx.claim(&[request], now).await.unwrap().remove(0);
    let intent = Intent { change: Change::Revoke, detail: Value::Null, window: SignedDuration::from_mins(1) };
    let dispatch = tx.dispatch(claimed.lease, &intent, &claimed.record, true, now).await.unwrap();
    assert!(matches!(dispatch, Dispatch::Allowed(_)));
    tx.commit().await.unwrap();
    let answer = daemon.act_on_case(id, "cancel").await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.detail(), "it is too late: the call to Atlassian is being made at this moment");
}

#[tokio::test]
async fn two_different_people_approve() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.case("ann@example.com", Action::Delete, Some(State::Held(Hold::Approval))).await.case.id;
    let once = approve(&daemon, id, ROSA).await.json();
    assert_eq!((&once["state"], &once["approvals"][0]["by"]), (&json!("held"), &json!(ROSA)));
    assert_eq!(once["approvals"][0]["for"], "delete");
    let again = approve(&daemon, id, ROSA).await.json();
    assert_eq!((&again["state"], again["approvals"].as_array().unwrap().len()), (&json!("held"), 1));
    let twice = approve(&daemon, id, ADA).await.json();
    assert_eq!((&twice["state"], &twice["job"]["kind"]), (&json!("scheduled"), &json!("delete")));
}

#[tokio::test]
async fn operator_cannot_approve_their_own_request() {
    let daemon = Daemon::enforcing().await;
    let body = json!({"site": "acme", "email": "ann@example.com", "action": "delete", "reason": "asked to"});
    let opened = daemon.post("/api/v1/cases", OTTO, body).await.json();
    let id = opened["id"].as_str().unwrap().parse().unwrap();
    let mut tx = daemon.store.begin().await.unwrap();
    let mut record = tx.case(id).await.unwrap().unwrap();
    record.case.terms.requested_by = Some(ROSA.to_owned());
    tx.save_observed(&record).await.unwrap();
    tx.commit().await.unwrap();
    let own = approve(&daemon, id, ROSA).await;
    assert_eq!(own.status, 403);
    assert_eq!(own.detail(), "an operator cannot approve their own request");
    assert_eq!(approve(&daemon, id, ADA).await.status, 200);
    assert_eq!(approve(&daemon, id, ROSA).await.status, 403, "also after another approval");
}

#[tokio::test]
async fn approval_without_its_action_is_rejected_by_key() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    for verb in ["approve", "withdraw"] {
        for body in [json!({"reason": "x"}), json!({"reason": "x", "for": "detach"}), json!({"for": null})] {
            let answer = daemon.post(&format!("/api/v1/cases/{id}/{verb}"), ROSA, body.clone()).await;
            assert_eq!(answer.status, 422, "{verb} {body}");
            assert!(answer.detail().starts_with("`for`: expected"), "{}", answer.detail());
        }
    }
}

#[tokio::test]
async fn unplanned_action_or_one_without_approvals_cannot_be_approved() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.case("ann@example.com", Action::Revoke, None).await.case.id;
    for (stage, why) in
        [("revoke", "its terms require no approval of this action"), ("delete", "no deletion is planned")]
    {
        let answer = daemon.post(&format!("/api/v1/cases/{id}/approve"), ROSA, json!({"for": stage})).await;
        let detail = format!("a case in state `scheduled` cannot be approved: {why}");
        assert_eq!((answer.status.as_u16(), answer.detail()), (409, detail));
    }
}

#[tokio::test]
async fn approver_withdraws_only_their_own_approval_and_may_repeat_it() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.case("ann@example.com", Action::Delete, Some(State::Held(Hold::Approval))).await.case.id;
    approve(&daemon, id, ROSA).await;
    let withdraw = async |who: &str| {
        daemon.post(&format!("/api/v1/cases/{id}/withdraw"), who, json!({"for": "delete"})).await.json()["approvals"]
            .clone()
    };
    assert_eq!(withdraw(ADA).await.as_array().unwrap().len(), 1);
    assert_eq!((withdraw(ROSA).await, withdraw(ROSA).await), (json!([]), json!([])));
    let history = daemon.get(&format!("/api/v1/cases/{id}/history"), OTTO).await.json();
    let kinds: Vec<_> = history["items"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["opened", "approved", "withdrawn"], "a repetition adds no entry");
}

#[tokio::test]
async fn repeating_an_action_that_took_effect_changes_nothing() {
    let daemon = Daemon::enforcing().await;
    for verbs in [&["hold"][..], &["cancel"], &["hold", "release"]] {
        let id = daemon.scheduled(&format!("{}@example.com", verbs.join("-"))).await;
        for verb in verbs {
            daemon.act_on_case(id, verb).await;
        }
        let entries = async || {
            let history = daemon.get(&format!("/api/v1/cases/{id}/history"), OTTO).await.json();
            history["items"].as_array().unwrap().len()
        };
        let (before, written) = (daemon.get(&format!("/api/v1/cases/{id}"), OTTO).await.json(), entries().await);
        let again = daemon.act_on_case(id, verbs.last().unwrap()).await;
        assert_eq!((again.status.as_u16(), again.json()), (200, before), "{verbs:?}");
        assert_eq!(entries().await, written, "{verbs:?}");
    }
}

#[tokio::test]
async fn action_on_an_unknown_case_is_not_found() {
    let daemon = Daemon::enforcing().await;
    for id in ["01980000-0000-7000-8000-000000000000", "nonsense"] {
        let answer = daemon.post(&format!("/api/v1/cases/{id}/cancel"), OTTO, json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.detail().as_str()), (404, "no such case"));
    }
}
