//! A flood is stopped before its first call, and let go by who has looked at exactly the list.

use offboardd::domain::case::{Hold, State, StateName};
use offboardd::sandbox::{CallName, NewAccount, Seed};
use serde_json::{Value, json};

use crate::harness::{Harness, Setup};

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
async fn a_flood_in_one_delivery_is_frozen_before_its_first_call_and_released_by_its_digest() {
    let story = site_of(812).await;
    story.tell(Value::Array((0..812).map(departed).collect())).await;
    assert!(story.site.calls().is_empty(), "nobody was even looked for");

    let tripped = brake(&story).await;
    assert_eq!(tripped["message"], "0 of 812 carried out");
    assert_eq!(tripped["why"], "per_hour: 812 departures where 25 are believed");
    let release =
        |digest: Value| story.api("/sources/hr/release", Some(json!({ "digest": digest, "reason": "a merger" })));

    // One more joins the list: who looked before has to look again.
    story.site.add(NewAccount::customer(&address(812), "Person 812")).unwrap();
    story.tell(departed(812)).await;
    let refused = release(tripped["digest"].clone()).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body["detail"].as_str().unwrap().starts_with("the list has changed since you looked: 813 cases"));
    assert!(story.site.calls().is_empty());

    assert_eq!(release(brake(&story).await["digest"].clone()).await.status, 200);
    story.settle().await;
    assert_eq!(story.count(CallName::Revoke), 813);
    assert_eq!(brake(&story).await, Value::Null);
    let expected: Vec<String> = (0..=812).map(|number| format!("revoke {}", address(number))).collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn who_left_long_before_the_flood_is_not_deleted_while_the_source_is_frozen() {
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\nbrake = { per_hour = 2, per_day = 100 }";
    let story = Harness::with(Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
    for number in 0..4 {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    story.tell(departed(0)).await;
    story.advance("29d23h").await;
    story.tell(Value::Array((1..4).map(departed).collect())).await;
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
async fn only_the_source_that_floods_is_frozen() {
    let story = site_of(40).await;
    story.tell(Value::Array((0..30).map(departed).collect())).await;
    let employee = |id: usize| {
        json!({ "employees": [{ "id": id.to_string(), "action": "Updated", "changedFields": ["Status"],
            "fields": { "Status": "Inactive", "Work Email": address(id) } }] })
    };
    let reply = story.send("bamboohr", &employee(35)).await;
    story.until_routed(reply.delivery()).await;
    story.settle().await;
    assert_eq!(story.state(&address(35)).await, StateName::Revoked);
    assert_eq!(story.case(&address(3)).await.case.state, State::Held(Hold::Brake));
    story.finish(&["revoke person35@example.com"]).await;
}

#[tokio::test]
async fn who_trickles_in_below_the_limit_is_believed() {
    let story = site_of(30).await;
    for number in 0..30 {
        story.tell(departed(number)).await;
        story.advance("10m").await;
    }
    assert_eq!(brake(&story).await, Value::Null);
    let expected: Vec<String> = (0..30).map(|number| format!("revoke {}", address(number))).collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn those_beyond_the_limit_are_held_one_by_one_too() {
    let story = site_of(30).await;
    for number in 0..30 {
        story.tell(departed(number)).await;
    }
    assert_eq!(brake(&story).await["message"], "25 of 30 carried out");
    let mut database = story.database().await;
    let entry = sqlx::query_scalar("SELECT detail FROM journal WHERE kind = 'brake_tripped'");
    let entry: String = entry.fetch_one(&mut database).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&entry).unwrap()["held"], 1, "{entry}");
    // A re-hire still cancels who is held.
    story.returns(&address(29)).await;
    assert_eq!(story.state(&address(29)).await, StateName::Cancelled);
    let expected: Vec<String> = (0..25).map(|number| format!("revoke {}", address(number))).collect();
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
