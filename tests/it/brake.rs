//! A flood is stopped before its first call, and released by an operator who has seen exactly the list.

use offboardd::domain::case::{Hold, State, StateName};
use offboardd::sandbox::{CallName, NewAccount, Seed};
use serde_json::{Value, json};

use crate::harness::{Harness, ROSA, Setup, TOM};

const REVOKE: &str = "departed = \"revoke\"\nbrake = { per_hour = 25, per_day = 100 }";

fn address(number: usize) -> String {
    format!("person{number}@example.com")
}

fn departed(number: usize) -> Value {
    json!({ "type": "departed", "person": { "id": number.to_string(), "email": address(number) } })
}

/// A site with as many customers as a flood would name.
async fn site_of(people: usize) -> Harness {
    let story = Harness::with(Setup { seed: Seed::default(), policy: REVOKE, ..Setup::default() }).await;
    for number in 0..people {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    story
}

async fn brake(story: &Harness) -> Value {
    let sources = story.api("/sources", None).await.body;
    let hr = sources["items"].as_array().unwrap().iter().find(|source| source["name"] == "hr").unwrap();
    hr["brake"].clone()
}

#[tokio::test]
async fn flood_in_one_delivery_is_held_before_any_call_and_released_by_digest() {
    let story = site_of(212).await;
    story.send_event(Value::Array((0..212).map(departed).collect())).await;
    assert!(story.site.calls().is_empty(), "no account was searched");

    let tripped = brake(&story).await;
    assert_eq!(tripped["message"], "0 of 212 carried out");
    assert_eq!(tripped["why"], "per_hour: 212 revokes and deletions planned, where 25 are allowed");
    let release =
        |digest: Value| story.api("/sources/hr/release", Some(json!({ "digest": digest, "reason": "a merger" })));

    // One more joins the list: who looked before has to look again.
    story.site.add(NewAccount::customer(&address(212), "Person 212")).unwrap();
    story.send_event(departed(212)).await;
    let refused = release(tripped["digest"].clone()).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body["detail"].as_str().unwrap().starts_with("the list has changed since you looked: 213 cases"));
    assert!(story.site.calls().is_empty());

    assert_eq!(release(brake(&story).await["digest"].clone()).await.status, 200);
    story.settle().await;
    assert_eq!(story.count(CallName::Revoke), 213);
    assert_eq!(brake(&story).await, Value::Null);
    let expected: Vec<String> = (0..=212).map(|number| format!("revoke {}", address(number))).collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn tripped_brake_holds_the_deletion_of_an_earlier_leaver() {
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\nbrake = { per_hour = 2, per_day = 100 }";
    let story = Harness::with(Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
    for number in 0..4 {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    story.send_event(departed(0)).await;
    story.advance("29d23h").await;
    story.send_event(Value::Array((1..4).map(departed).collect())).await;
    assert_eq!(story.state(&address(0)).await, StateName::Revoked, "nothing is due yet");
    story.advance("1h").await;
    assert_eq!(story.case(&address(0)).await.case.state, State::Held(Hold::Brake));
    assert_eq!((story.count(CallName::Revoke), story.count(CallName::Delete)), (1, 0));
    let release = json!({ "digest": brake(&story).await["digest"] });
    assert_eq!(story.api("/sources/hr/release", Some(release)).await.status, 200);
    story.settle().await;
    assert_eq!(story.state(&address(0)).await, StateName::DeletionGrace);
    let revoked = (0..4).map(|number| format!("revoke {}", address(number)));
    let expected: Vec<String> = revoked.chain([format!("delete {}", address(0))]).collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn tripped_brake_holds_only_the_source_of_the_flood() {
    let story = site_of(40).await;
    story.send_event(Value::Array((0..30).map(departed).collect())).await;
    let employee = |id: usize| {
        json!({ "employees": [{ "id": id.to_string(), "action": "Updated", "changedFields": ["Status"],
            "fields": { "Status": "Inactive", "Work Email": address(id) } }] })
    };
    let reply = story.send("bamboohr", &employee(35)).await;
    story.wait_until_routed(reply.delivery()).await;
    story.settle().await;
    assert_eq!(story.state(&address(35)).await, StateName::Revoked);
    assert_eq!(story.case(&address(3)).await.case.state, State::Held(Hold::Brake));
    story.finish(&["revoke person35@example.com"]).await;
}

#[tokio::test]
async fn departures_below_the_brake_limit_are_carried_out() {
    let story = site_of(30).await;
    for number in 0..30 {
        story.send_event(departed(number)).await;
        story.advance("10m").await;
    }
    assert_eq!(brake(&story).await, Value::Null);
    let expected: Vec<String> = (0..30).map(|number| format!("revoke {}", address(number))).collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn single_departures_beyond_the_brake_limit_are_held() {
    let story = site_of(30).await;
    for number in 0..30 {
        story.send_event(departed(number)).await;
    }
    assert_eq!(brake(&story).await["message"], "25 of 30 carried out");
    let mut database = story.database().await;
    let entry = sqlx::query_scalar("SELECT detail FROM journal WHERE kind = 'brake_tripped'");
    let entry: String = entry.fetch_one(&mut database).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&entry).unwrap()["held"], 1, "{entry}");
    // A re-hire still cancels who is held.
    story.send_returned(&address(29)).await;
    assert_eq!(story.state(&address(29)).await, StateName::Cancelled);
    let expected: Vec<String> = (0..25).map(|number| format!("revoke {}", address(number))).collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

/// A site with `hr` and a second source, each with its own policy.
async fn two_sources(people: usize) -> Harness {
    let policy = "departed = \"revoke_then_delete\"\nerasure_requested = \"delete\"\nlocal_grace = \"30d\"";
    let more = "[policies.tight]\ndeparted = \"revoke\"\nerasure_requested = \"delete\"\nbrake = { per_hour = 3, per_day = 100 }
         [sources.crm]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"tight\"
         secrets = [{ env = \"HR_KEY\" }]";
    let story = Harness::with(Setup { seed: Seed::default(), policy, more, ..Setup::default() }).await;
    for number in 0..people {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    story
}

fn of_crm(kind: &str, number: usize) -> Value {
    json!({ "type": kind, "person": { "id": format!("c{number}"), "email": address(number) } })
}

async fn crm_says(story: &Harness, events: Vec<Value>) {
    let reply = story.send("crm", &Value::Array(events)).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    story.wait_until_routed(reply.delivery()).await;
    story.settle().await;
}

async fn brake_of(story: &Harness, name: &str) -> Value {
    let sources = story.api("/sources", None).await.body;
    sources["items"].as_array().unwrap().iter().find(|source| source["name"] == name).unwrap()["brake"].clone()
}

#[tokio::test]
async fn earlier_or_stronger_actions_count_for_the_brake() {
    let policy = "departed = \"revoke_then_delete\"\nerasure_requested = \"delete\"\nlocal_grace = \"60d\"
         brake = { per_hour = 3, per_day = 100 }";
    for (effective, kind) in [(Some("2027-01-01"), "departed"), (None, "erasure_requested")] {
        let story = Harness::with(Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
        for number in 0..5 {
            story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
            let mut event = departed(number);
            if let Some(day) = effective {
                event["effective_at"] = json!(day);
            }
            story.send_event(event).await;
            story.advance("2h").await;
        }
        assert_eq!(brake(&story).await, Value::Null);
        let before = story.site.calls().len();
        let events = (0..5)
            .map(|number| json!({ "type": kind, "person": { "id": number.to_string(), "email": address(number) } }));
        story.send_event(Value::Array(events.collect())).await;
        assert_eq!(story.site.calls().len(), before, "{kind}");
        assert_eq!(brake(&story).await["held"], 5, "{kind}");
        let changes = story.changes();
        story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn flood_about_cases_of_another_source_is_held_and_released_by_digest() {
    let story = two_sources(5).await;
    story.send_event(Value::Array((0..5).map(departed).collect())).await;
    story.advance("2h").await;
    crm_says(&story, (0..5).map(|number| of_crm("erasure_requested", number)).collect()).await;
    assert_eq!(story.count(CallName::Delete), 0);
    let tripped = brake_of(&story, "crm").await;
    assert_eq!((&tripped["held"], &tripped["message"]), (&json!(5), &json!("0 of 5 carried out")));
    assert_eq!(brake(&story).await, Value::Null, "the source that opened the cases is not frozen");
    let body = json!({ "digest": tripped["digest"], "reason": "requested by legal" });
    assert_eq!(story.api("/sources/crm/release", Some(body)).await.status, 200);
    story.settle().await;
    assert_eq!(story.count(CallName::Delete), 5);
    let expected = (0..5).flat_map(|n| [format!("revoke {}", address(n)), format!("delete {}", address(n))]);
    let expected: Vec<String> = expected.collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn event_of_a_held_source_takes_effect_at_release_and_changes_the_digest() {
    let story = two_sources(10).await;
    story.send_event(Value::Array((0..2).map(departed).collect())).await;
    crm_says(&story, (2..6).map(|number| of_crm("departed", number)).collect()).await;
    let frozen = brake_of(&story, "crm").await;
    assert_eq!(frozen["held"], 4);
    // The cases of the other source continue as they were.
    crm_says(&story, (0..2).map(|number| of_crm("erasure_requested", number)).collect()).await;
    for number in 0..2 {
        assert_eq!(story.state(&address(number)).await, StateName::Revoked);
    }
    let release = async |digest: &Value| {
        let body = json!({ "digest": digest, "reason": "reviewed" });
        story.api("/sources/crm/release", Some(body)).await.status
    };
    assert_eq!(release(&frozen["digest"]).await, 409);
    // A stop passes, and takes what was deferred with it.
    story.send_event(json!({ "type": "returned", "person": { "id": "1", "email": address(1) } })).await;
    assert_eq!(story.state(&address(1)).await, StateName::Restoring);
    let present = brake_of(&story, "crm").await;
    assert_eq!(present["held"], 5);
    assert_eq!(release(&present["digest"]).await, 200);
    story.settle().await;
    assert_eq!(story.state(&address(0)).await, StateName::DeletionGrace);
    assert_eq!(story.state(&address(1)).await, StateName::Restoring);
    let mut expected: Vec<String> = (0..6).map(|number| format!("revoke {}", address(number))).collect();
    expected.push(format!("delete {}", address(0)));
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn flood_of_operator_requests_is_held_by_the_strictest_brake() {
    let story = two_sources(6).await;
    let request = |number: usize| {
        json!({ "site": "acme", "email": address(number), "action": "revoke",
        "reason": "requested", "policy": "leavers", "effective_at": "2026-09-07T13:00:00Z" })
    };
    for number in 0..5 {
        assert_eq!(story.api("/cases", Some(request(number))).await.status, 201);
    }
    assert_eq!(story.api_as(TOM, "/cases", Some(request(5))).await.status, 201);
    story.advance("1h").await;
    let held = story.api("/cases?state=held", None).await.body["items"].clone();
    assert_eq!(held.as_array().unwrap().iter().filter(|case| case["held"] == "brake").count(), 5);
    assert_eq!(story.state(&address(5)).await, StateName::Revoked, "each token has its own brake");
    let own = story.try_action(ROSA, &address(0), "release").await;
    assert_eq!(own.status, 403, "{own:?}");
    story.act_as(TOM, &address(0), "release").await;
    assert_eq!(story.state(&address(0)).await, StateName::Revoked);
    story.finish(&["revoke person0@example.com", "revoke person5@example.com"]).await;
}
