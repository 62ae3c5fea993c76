//! The admin API as clients see it: filters, names of cases, candidates, requests, explanations, repeated actions.

use offboardd::domain::case::{State, StateName};
use serde_json::{Value, json};

use crate::harness::{Harness, ROSA, Reply, Setup};

const ANN: &str = "ann@example.com";
const VERA: &str = "t0ken-of-vera-never-shown";
const OTTO: &str = "t0ken-of-otto-never-shown";

/// More tokens, in files of their own.
fn tokens(folder: &tempfile::TempDir) -> &'static str {
    let entry = |name: &str, role: &str, token: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, token).unwrap();
        format!("{{ name = \"{name}\", role = \"{role}\", token = {{ file = {file:?} }} }}")
    };
    format!("{}, {}", entry("vera", "viewer", VERA), entry("otto", "operator", OTTO)).leak()
}

fn ids(reply: &Reply) -> Vec<String> {
    let items = reply.body["items"].as_array().unwrap_or_else(|| panic!("{reply:?}"));
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn id_of(story: &Harness, email: &str) -> String {
    story.case(email).await.case.id.to_string()
}

#[tokio::test]
async fn unknown_filter_is_a_bad_request_and_not_an_empty_list() {
    let story = Harness::start().await;
    for query in [
        "cases?source=unknown",
        "cases?site=unknown",
        "cases?state=unknown",
        "cases?held=unknown",
        "cases?sort=unknown",
        "cases?unknown=1",
        "cases?state=held&state=held",
        "deliveries?source=unknown",
        "deliveries?status=unknown",
        "jobs?state=unknown",
        "jobs?kind=unknown",
        "jobs?unknown=1",
        "sources?unknown=1",
        "sites?unknown=1",
        "status?unknown=1",
    ] {
        let reply = story.api(&format!("/{query}"), None).await;
        assert_eq!((reply.status, &reply.body["status"]), (400, &json!(400)), "{query}: {reply:?}");
        assert!(reply.body["detail"].as_str().unwrap().starts_with("query parameter"), "{query}: {reply:?}");
    }
    let bulk = json!({ "action": "hold", "filter": { "source": "unknown" } });
    assert_eq!(story.api("/cases/bulk", Some(bulk)).await.status, 422);
    story.finish(&[]).await;
}

#[tokio::test]
async fn cases_are_filtered_by_person_and_hold_and_sorted_by_what_is_next() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "departed = \"revoke_then_delete\"\napprovals = { revoke = 1 }";
    let story = Harness::with(Setup { policy, tokens: tokens(&folder), ..Setup::default() }).await;
    for (number, (email, at)) in
        [(ANN, "2026-09-20"), ("ben@example.com", "2026-09-10"), ("ida@example.com", "2026-09-15")].iter().enumerate()
    {
        let person = json!({ "id": format!("no {number}"), "email": email });
        story.send_event(json!({ "type": "departed", "person": person, "effective_at": at })).await;
    }
    let [ann, ben, ida] =
        [id_of(&story, ANN).await, id_of(&story, "ben@example.com").await, id_of(&story, "ida@example.com").await];
    let next = story.api("/cases?sort=next", None).await;
    assert_eq!(ids(&next), [ben.clone(), ida.clone(), ann.clone()]);
    let first = story.api("/cases?sort=next&limit=2", None).await;
    let rest = format!("/cases?sort=next&limit=2&cursor={}", first.body["next"].as_str().unwrap());
    assert_eq!((ids(&first), ids(&story.api(&rest, None).await)), (vec![ben.clone(), ida], vec![ann.clone()]));
    assert_eq!(ids(&story.api("/cases?sort=newest&limit=1", None).await).len(), 1);

    let by_id = "/cases?person_id=no%200";
    assert_eq!(ids(&story.api(by_id, None).await), std::slice::from_ref(&ann));
    assert_eq!(ids(&story.api(&format!("{by_id}&source=hr"), None).await), std::slice::from_ref(&ann));
    assert!(ids(&story.api(&format!("{by_id}&source=bamboohr"), None).await).is_empty());
    assert_eq!(story.api_as(VERA, by_id, None).await.status, 403);
    assert_eq!(story.api_as(VERA, "/cases?email=ann@example.com", None).await.status, 403);

    story.advance("4d").await;
    assert_eq!(ids(&story.api("/cases?held=approval", None).await), std::slice::from_ref(&ben));
    assert!(ids(&story.api("/cases?held=brake", None).await).is_empty());
    let held = story.api(&format!("/cases/{ben}"), None).await.body;
    let awaits = json!({ "for": "revoke", "approvals_missing": 1, "not_before": "2026-09-11T00:00:00Z" });
    assert_eq!((&held["awaits"], &held["policy"], &held["requested_by"]), (&awaits, &json!("leavers"), &Value::Null));
    // Found by the id after the case has closed and its data is shredded, too.
    story.act(ANN, "cancel").await;
    assert_eq!(ids(&story.api(by_id, None).await), [ann]);
    story.finish(&[]).await;
}

#[tokio::test]
async fn case_is_named_by_its_end_or_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let story = Harness::with(Setup { tokens: tokens(&folder), ..Setup::default() }).await;
    story.send_departed_at(ANN, "2026-09-20").await;
    let id = id_of(&story, ANN).await;
    let end = |length: usize| id.get(id.len() - length..).unwrap();
    for name in [id.as_str(), end(4), end(12), end(id.len() - 1), "ann@example.com", "ANN@example.com"] {
        let shown = story.api(&format!("/cases/{name}"), None).await;
        assert_eq!((shown.status, &shown.body["id"]), (200, &json!(id)), "{name}: {shown:?}");
        assert_eq!(story.api(&format!("/cases/{name}/history"), None).await.status, 200, "{name}");
    }
    for name in [end(3), "zzzz", "ben@example.com", "00000000-0000-7000-8000-000000000000"] {
        assert_eq!(story.api(&format!("/cases/{name}"), None).await.status, 404, "{name}");
    }
    assert_eq!(story.api_as(VERA, "/cases/ann@example.com", None).await.status, 403);
    assert_eq!(story.api_as(VERA, &format!("/cases/{}", end(6)), None).await.status, 200);
    let held = story.api("/cases/ann@example.com/hold", Some(json!({ "reason": "holiday" }))).await;
    assert_eq!((held.status, &held.body["state"]), (200, &json!("held")));
    story.finish(&[]).await;
}

#[tokio::test]
async fn repeated_action_changes_nothing() {
    let story = Harness::start().await;
    story.send_departed_at(ANN, "2026-09-20").await;
    let id = id_of(&story, ANN).await;
    for verb in ["hold", "release", "cancel"] {
        let path = format!("/cases/{id}/{verb}");
        let first = story.api(&path, Some(json!({ "reason": "because" }))).await;
        let entries = story.history(ANN).await.len();
        let again = story.api(&path, Some(json!({ "reason": "because" }))).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "{verb}");
        assert_eq!(story.history(ANN).await.len(), entries, "{verb}");
    }
    for path in ["sources/hr/pause", "sources/hr/resume", "sites/acme/pause", "sites/acme/resume"] {
        let first = story.api(&format!("/{path}"), Some(json!({}))).await;
        let entries = story.store().count_journal_entries().await.unwrap();
        let again = story.api(&format!("/{path}"), Some(json!({}))).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "{path}");
        assert_eq!(story.store().count_journal_entries().await.unwrap(), entries, "{path}");
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn candidates_of_an_ambiguous_case_are_shown_to_operators_only() {
    let folder = tempfile::tempdir().unwrap();
    let story = Harness::with(Setup { tokens: tokens(&folder), ..Setup::default() }).await;
    story.send_departed("dora@example.com").await;
    let id = id_of(&story, "dora@example.com").await;
    let case = story.api_as(OTTO, &format!("/cases/{id}"), None).await.body;
    assert_eq!(case["attention"]["reason"], "ambiguous_account");
    let candidates = case["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2, "{case}");
    for candidate in candidates {
        assert_eq!((&candidate["type"], &candidate["active"]), (&json!("customer"), &json!(true)));
        assert_eq!(candidate["email"], "dora@example.com");
        assert!(candidate["id"].as_str().unwrap().starts_with("qm:"));
    }
    assert_eq!(story.api_as(VERA, &format!("/cases/{id}"), None).await.body.get("candidates"), None);
    story.act("dora@example.com", "resolve").await;
    assert_eq!(story.api(&format!("/cases/{id}"), None).await.body.get("candidates"), None);
    story.finish(&[]).await;
}

#[tokio::test]
async fn open_requests_are_read_from_the_site_and_stored_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let story = Harness::with(Setup { tokens: tokens(&folder), ..Setup::default() }).await;
    // Before any account is known, and after the revoke.
    story.send_departed_at(ANN, "2026-09-08T12:00:00Z").await;
    let path = format!("/cases/{}/requests", id_of(&story, ANN).await);
    let requests = json!([
        { "key": "HELP-1", "summary": "The printer on the second floor", "status": "Waiting for support" },
        { "key": "VIP-1", "summary": "Invoice of September", "status": "Waiting for support" },
    ]);
    for _ in 0..2 {
        let reply = story.api_as(OTTO, &path, None).await;
        assert_eq!((reply.status, &reply.body["items"], &reply.body["next"]), (200, &requests, &Value::Null));
        story.advance("1d").await;
    }
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert_eq!(story.api_as(VERA, &path, None).await.status, 403);
    story.site.change_options(|options| options.tokens = Some(Vec::new()));
    let refused = story.api(&path, None).await;
    assert_eq!((refused.status, &refused.body["status"]), (502, &json!(502)), "{refused:?}");
    for file in std::fs::read_dir(story.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"Invoice"), "a summary was stored");
    }
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn stored_delivery_is_explained_and_its_body_is_for_approvers_only() {
    let folder = tempfile::tempdir().unwrap();
    let story = Harness::with(Setup { tokens: tokens(&folder), ..Setup::default() }).await;
    let body = json!([{ "type": "departed", "person": { "email": ANN } }, { "type": "unheard of" }]);
    let reply = story.send("hr", &body).await;
    story.settle().await;
    let path = format!("/deliveries/{}", reply.delivery());
    let shown = story.api_as(VERA, &path, None).await;
    assert_eq!((shown.status, &shown.body["status"]), (200, &json!("unreadable")));
    assert_eq!(shown.body.get("body"), None);
    assert!(shown.body["problem"].as_str().unwrap().contains("type"), "{shown:?}");

    assert_eq!(story.api_as(VERA, &format!("{path}/explain"), None).await.status, 403);
    let explained = story.api_as(OTTO, &format!("{path}/explain"), None).await;
    assert_eq!((explained.status, &explained.body["policy"]), (200, &json!("leavers")), "{explained:?}");
    let items = explained.body["items"].as_array().unwrap();
    assert_eq!(items[0]["event"]["type"], "departed");
    assert!(items[1]["unreadable"].is_string() && items[0]["then"].as_array().unwrap().len() > 2, "{items:?}");

    let with_body = format!("{path}?body=true");
    for token in [VERA, OTTO] {
        assert_eq!(story.api_as(token, &with_body, None).await.status, 403);
    }
    let entries = story.store().count_journal_entries().await.unwrap();
    let read = story.api_as(ROSA, &with_body, None).await;
    assert_eq!(read.body["body"], body.to_string());
    assert_eq!(story.store().count_journal_entries().await.unwrap(), entries + 1, "it is in the journal");
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn job_that_was_held_is_not_listed_as_done() {
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"1d\"\napprovals = { delete = 1 }";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("1d").await;
    assert!(matches!(story.case(ANN).await.case.state, State::Held(_)));
    let jobs = story.api("/jobs?kind=delete", None).await.body;
    let states: Vec<_> = jobs["items"].as_array().unwrap().iter().map(|job| &job["state"]).collect();
    assert_eq!(states, ["cancelled"], "{jobs}");
    // The planned time has passed, and it can still be stopped: there is no time in the past.
    story.advance("3d").await;
    let case = story.api("/cases/ann@example.com", None).await.body;
    assert_eq!((&case["held"], &case["stoppable_until"]), (&json!("approval"), &Value::Null));
    story.act(ANN, "cancel").await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn frozen_and_paused_source_is_shown_with_every_case() {
    let policy = "departed = \"revoke\"\nbrake = { per_hour = 1, per_day = 100 }";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    let leavers = [ANN, "ben@example.com"].map(|email| json!({ "type": "departed", "person": { "email": email } }));
    story.send_event(Value::Array(leavers.into())).await;
    story.post_action("sources/hr/pause").await;
    let cases = story.api("/cases", None).await.body;
    for case in cases["items"].as_array().unwrap() {
        let by: Vec<_> = case["blocked"].as_array().unwrap().iter().map(|blocked| &blocked["by"]).collect();
        assert_eq!(by, ["source_paused", "source_frozen"], "{case}");
    }
    story.post_action("sources/hr/resume").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn bulk_action_takes_two_steps_and_refuses_a_changed_set() {
    let story = Harness::start().await;
    story.send_departed_at(ANN, "2026-09-20").await;
    let request = |digest: Option<&Value>| {
        let mut body = json!({ "action": "hold", "filter": { "state": "scheduled" }, "reason": "audit" });
        if let Some(digest) = digest {
            body["digest"] = digest.clone();
        }
        body
    };
    let reviewed = story.api("/cases/bulk", Some(request(None))).await;
    assert_eq!((reviewed.status, &reviewed.body["count"], &reviewed.body["done"]), (200, &json!(1), &Value::Null));
    assert_eq!(story.state(ANN).await, StateName::Scheduled);
    story.send_departed_at("ben@example.com", "2026-09-20").await;
    let changed = story.api("/cases/bulk", Some(request(Some(&reviewed.body["digest"])))).await;
    assert_eq!((changed.status, &changed.body["count"]), (409, &json!(2)), "{changed:?}");
    let reviewed = story.api("/cases/bulk", Some(request(None))).await;
    let done = story.api("/cases/bulk", Some(request(Some(&reviewed.body["digest"])))).await;
    assert_eq!((done.status, &done.body["done"]), (200, &json!(2)));
    assert_eq!(story.state(ANN).await, StateName::Held);
    story.finish(&[]).await;
}
