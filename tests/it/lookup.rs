//! Deliveries with an id only: what is stored, what the vendor is queried for, and what waits meanwhile.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use offboardd::domain::case::{AttentionReason, State, StateName};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::harness::{Harness, Setup};

/// The part of HiBob's API that lookups use: its next responses, and the queries that it received.
struct HiBob {
    address: SocketAddr,
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    queries: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl HiBob {
    async fn start() -> Self {
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let queries = Arc::new(Mutex::new(Vec::new()));
        let (responses, received) = (Arc::clone(&answers), Arc::clone(&queries));
        let answer = async move |request: Request| {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1024).await.unwrap();
            let who = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(
                who.as_deref(),
                Some("Basic U0VSVklDRS0xOmhpYm9iLXQwa2Vu"),
                "the credentials of the service user"
            );
            received.lock().unwrap().push(format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body)));
            let (status, body) =
                responses.lock().unwrap().pop_front().unwrap_or_else(|| (500, "nothing to say".to_owned()));
            (StatusCode::from_u16(status).unwrap(), body)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        Self { address, answers, queries, _serving: serving }
    }

    /// A story with HiBob as a source, and this API for its lookups.
    async fn story(&self) -> Harness {
        let more = format!(
            "[sources.hibob]
             preset = \"hibob\"
             site = \"acme\"
             policy = \"leavers\"
             secrets = [{{ env = \"HIBOB_KEY\" }}]
             [sources.hibob.lookup]
             url = \"http://{}/v1/people/{{person_id}}\"
             body = '{{\"fields\":[\"root.email\"]}}'
             auth = {{ user = {{ env = \"HIBOB_USER\" }}, password = {{ env = \"HIBOB_TOKEN\" }} }}",
            self.address
        );
        Harness::with(Setup { more: more.leak(), ..Setup::default() }).await
    }

    fn will_say(&self, status: u16, body: impl Into<String>) {
        self.answers.lock().unwrap().push_back((status, body.into()));
    }

    fn will_say_that_it_is(&self, email: &str) {
        self.will_say(200, json!({ "/root/email": { "value": email } }).to_string());
    }

    fn queries(&self) -> Vec<String> {
        self.queries.lock().unwrap().clone()
    }
}

fn hibob_event(event: &str, id: &str) -> Value {
    json!({ "type": event, "companyId": 636_192, "version": "v2", "data": { "employeeId": id } })
}

async fn deliver(story: &Harness, event: Value) -> offboardd::domain::ids::DeliveryId {
    let reply = story.send("hibob", &event).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    story.wait_until_routed(reply.delivery()).await;
    story.settle().await;
    reply.delivery()
}

/// The only case that there is.
async fn only_case(story: &Harness) -> (StateName, Option<AttentionReason>) {
    let cases = story.cases().await;
    assert_eq!(cases.len(), 1);
    let reason =
        if let State::NeedsAttention(attention) = &cases[0].case.state { Some(attention.reason) } else { None };
    (cases[0].case.state.name(), reason)
}

#[tokio::test]
async fn departure_without_an_email_is_looked_up_and_revoked() {
    let hibob = HiBob::start().await;
    let story = hibob.story().await;
    hibob.will_say_that_it_is("Ann@example.com");
    let delivery = deliver(&story, hibob_event("employee.left", "33 32")).await;

    assert_eq!(hibob.queries(), [r#"POST /v1/people/33%2032 {"fields":["root.email"]}"#]);
    assert_eq!(story.outcome(delivery).await, ("applied".to_owned(), None));
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn known_email_of_a_person_id_needs_no_lookup() {
    let hibob = HiBob::start().await;
    let story = hibob.story().await;
    let mut created = hibob_event("employee.created", "7");
    created["data"]["email"] = json!("ann@example.com");
    deliver(&story, created).await;
    deliver(&story, hibob_event("employee.left", "7")).await;

    assert_eq!(hibob.queries(), [""; 0]);
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn failing_lookup_is_retried_and_its_event_waits() {
    let hibob = HiBob::start().await;
    let mut story = hibob.story().await;
    for (status, body) in [(500, "down"), (200, "<html>ann@example.com"), (401, "{}"), (403, "{}"), (429, "")] {
        hibob.will_say(status, body);
    }
    hibob.will_say_that_it_is("ann@example.com");
    let delivery = deliver(&story, hibob_event("employee.left", "7")).await;
    let waiting = ("waiting".to_owned(), Some("address_is_looked_up".to_owned()));
    assert_eq!(story.outcome(delivery).await, waiting);
    // What waits is in the database.
    story.restart().await;
    for queries in 2..6 {
        story.advance("1h").await;
        assert_eq!(hibob.queries().len(), queries);
        assert_eq!(story.outcome(delivery).await, waiting);
        assert_eq!(story.cases().await.len(), 0);
    }
    story.advance("1h").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn lookup_without_an_email_needs_attention() {
    for (status, body) in [
        (404, "{}".to_owned()),
        (200, "{}".to_owned()),
        (200, json!({ "/root/email": { "value": "ann at example.com" } }).to_string()),
        (200, json!({ "/root/email": { "value": ["ann@example.com"] } }).to_string()),
    ] {
        let hibob = HiBob::start().await;
        let story = hibob.story().await;
        hibob.will_say(status, body);
        let delivery = deliver(&story, hibob_event("employee.left", "7")).await;
        assert_eq!(only_case(&story).await, (StateName::NeedsAttention, Some(AttentionReason::NoEmail)));
        assert_eq!(story.outcome(delivery).await.0, "applied");
        // The same fact once more is looked up once more: by now the vendor may know.
        hibob.will_say_that_it_is("ann@example.com");
        deliver(&story, json!({ "type": "employee.left", "data": { "employeeId": "7" }, "again": true })).await;
        assert_eq!(hibob.queries().len(), 2);
        assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
        story.finish(&["revoke ann@example.com"]).await;
    }
}

#[tokio::test]
async fn lookup_that_never_succeeds_needs_attention() {
    let hibob = HiBob::start().await;
    let story = hibob.story().await;
    let delivery = deliver(&story, hibob_event("employee.left", "7")).await;
    story.advance("71h").await;
    assert_eq!(story.outcome(delivery).await.0, "waiting");
    story.advance("1h").await;
    assert_eq!(only_case(&story).await, (StateName::NeedsAttention, Some(AttentionReason::NoEmail)));
    story.finish(&[]).await;
}

#[tokio::test]
async fn email_from_a_later_delivery_ends_the_lookup() {
    let hibob = HiBob::start().await;
    let story = hibob.story().await;
    hibob.will_say(500, "");
    deliver(&story, hibob_event("employee.left", "7")).await;
    deliver(&story, json!({ "type": "employee.updated", "data": { "employeeId": "7", "email": "ann@example.com" } }))
        .await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    assert_eq!(hibob.queries().len(), 1);
    story.finish(&["revoke ann@example.com"]).await;
}

/// A source with a lookup and a word for every event.
async fn story_of_all_words(hibob: &HiBob) -> Harness {
    let more = format!(
        "[sources.crm]
         preset = \"standard-webhooks\"
         site = \"acme\"
         policy = \"leavers\"
         secrets = [{{ env = \"HR_KEY\" }}]
         [sources.crm.lookup]
         url = \"http://{}/{{person_id}}\"
         email = \"$.email\"
         auth = {{ user = {{ env = \"HIBOB_USER\" }}, password = {{ env = \"HIBOB_TOKEN\" }} }}",
        hibob.address
    );
    Harness::with(Setup { more: more.leak(), ..Setup::default() }).await
}

async fn crm(story: &Harness, event: Value) -> offboardd::domain::ids::DeliveryId {
    let reply = story.send("crm", &event).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    story.wait_until_routed(reply.delivery()).await;
    story.settle().await;
    reply.delivery()
}

#[tokio::test]
async fn later_event_of_a_person_waits_behind_the_lookup() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    hibob.will_say(500, "");
    let left = crm(&story, json!({ "type": "departed", "person": { "id": "7" } })).await;
    let back = crm(&story, json!({ "type": "returned", "person": { "id": "7" } })).await;
    let other = json!({ "type": "departed", "person": { "id": "8", "email": "ben@example.com" } });
    crm(&story, other).await;
    assert_eq!((story.outcome(left).await.0, story.outcome(back).await.0), ("waiting".into(), "waiting".into()));
    assert_eq!(story.state("ben@example.com").await, StateName::Revoked, "no other person waits");

    hibob.will_say(200, r#"{"email":"ann@example.com"}"#);
    story.advance("1m").await;
    assert_eq!(hibob.queries().len(), 2, "one query for both");
    assert_eq!((story.outcome(left).await.0, story.outcome(back).await.0), ("applied".into(), "applied".into()));
    assert_eq!(story.state("ann@example.com").await, StateName::Cancelled);
    story.finish(&["revoke ben@example.com"]).await;
}

#[tokio::test]
async fn email_change_waits_behind_a_departure_in_lookup() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    hibob.will_say(500, "");
    let left = crm(&story, json!({ "type": "departed", "person": { "id": "7" } })).await;
    let moved = json!({ "type": "email_changed", "person": { "id": "7", "email": "ann.new@example.com" } });
    let moved = crm(&story, moved).await;
    assert_eq!((story.outcome(left).await.0, story.outcome(moved).await.0), ("waiting".into(), "waiting".into()));
    hibob.will_say(200, r#"{"email":"ann@example.com"}"#);
    story.advance("1m").await;
    assert_eq!((story.outcome(left).await.0, story.outcome(moved).await.0), ("applied".into(), "ignored".into()));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn return_with_an_email_stops_a_departure_in_lookup() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    hibob.will_say(500, "");
    let left = crm(&story, json!({ "type": "departed", "person": { "id": "7" } })).await;
    story.advance("1s").await;
    let back = json!({ "type": "returned", "person": { "id": "7", "email": "ann@example.com" } });
    crm(&story, back).await;
    assert_eq!(story.outcome(left).await, ("ignored".to_owned(), Some("older".to_owned())));
    assert_eq!(story.cases().await.len(), 0);
    story.finish(&[]).await;
}

#[tokio::test]
async fn flood_without_emails_trips_the_brake() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    let flood: Vec<_> = (0..40).map(|id| json!({ "type": "departed", "person": { "id": id.to_string() } })).collect();
    for id in 0..40 {
        hibob.will_say(200, format!(r#"{{"email":"person{id}@example.com"}}"#));
    }
    crm(&story, Value::Array(flood)).await;
    let cases = story.cases().await;
    assert!(!cases.is_empty());
    for record in cases {
        assert!(matches!(record.case.state, State::Held(_) | State::NeedsAttention(_)), "{:?}", record.case.state);
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn removed_lookup_setting_ends_its_pending_lookups() {
    let hibob = HiBob::start().await;
    let mut story = hibob.story().await;
    let delivery = deliver(&story, hibob_event("employee.left", "7")).await;
    assert_eq!(story.outcome(delivery).await.0, "waiting");
    story.restart_with(|settings| settings.split("[sources.hibob.lookup]").next().unwrap().to_owned()).await;
    while story.outcome(delivery).await.0 == "waiting" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(only_case(&story).await, (StateName::NeedsAttention, Some(AttentionReason::NoEmail)));
    story.finish(&[]).await;
}

#[tokio::test]
async fn deletion_of_a_duplicate_record_needs_attention() {
    let story = Harness::start().await;
    let known = |id: &str| json!({ "type": "profile", "person": { "id": id, "email": "ann@example.com" } });
    let left = |id: &str| json!({ "type": "departed", "person": { "id": id } });
    story.send_event(known("5")).await;
    story.send_event(known("6")).await;
    story.send_event(left("6")).await;
    assert_eq!(story.attention("ann@example.com").await, AttentionReason::AddressUnconfirmed);
    story.advance_quiet("1d").await;
    // An operator has checked: this account is meant.
    story.act("ann@example.com", "retry").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn event_without_a_person_id_applies_to_the_email() {
    let story = Harness::start().await;
    story.send_event(json!({ "type": "profile", "person": { "id": "5", "email": "ann@example.com" } })).await;
    story.send_departed("ann@example.com").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn duplicate_record_needs_attention_and_its_deletion_changes_nothing() {
    let story = Harness::start().await;
    let known = |id: &str| json!({ "type": "profile", "person": { "id": id, "email": "ann@example.com" } });
    story.send_event(known("5")).await;
    let leaves = json!({ "type": "departed", "person": { "id": "5" }, "effective_at": "2026-09-30" });
    story.send_event(leaves).await;
    assert_eq!(story.state("ann@example.com").await, StateName::Scheduled);
    // The record is doubled: a person who has not left has the address. Then the double is deleted.
    story.send_event(known("6")).await;
    assert_eq!(story.attention("ann@example.com").await, AttentionReason::AddressUnconfirmed);
    let deleted = story.send_event(json!({ "type": "departed", "person": { "id": "6" } })).await;
    assert_eq!(story.outcome(deleted).await, ("ignored".to_owned(), Some("shared_address".to_owned())));
    // The departure itself may still be moved.
    story.send_event(json!({ "type": "departed", "person": { "id": "5" }, "effective_at": "2026-09-08" })).await;
    story.act("ann@example.com", "retry").await;
    story.advance_quiet("1d10h").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn earlier_leaver_does_not_keep_an_email_of_its_next_owner() {
    let story = Harness::start().await;
    let known = |id: &str| json!({ "type": "profile", "person": { "id": id, "email": "ann@example.com" } });
    let left = |id: &str| json!({ "type": "departed", "person": { "id": id } });
    story.send_event(known("5")).await;
    story.send_event(left("5")).await;
    story.send_event(json!({ "type": "returned", "person": { "email": "ann@example.com" } })).await;
    story.send_event(known("6")).await;
    assert_eq!(story.state("ann@example.com").await, StateName::Restoring);
    story.send_event(left("6")).await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn stop_of_an_unknown_id_without_a_case_is_not_looked_up() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    let stops: Vec<_> = (0..50).map(|id| json!({ "type": "returned", "person": { "id": id.to_string() } })).collect();
    crm(&story, Value::Array(stops)).await;
    let one = crm(&story, json!({ "type": "departure_cancelled", "person": { "id": "x" } })).await;
    assert_eq!(story.outcome(one).await.0, "ignored");
    assert_eq!(hibob.queries(), [""; 0]);
    story.finish(&[]).await;
}

#[tokio::test]
async fn stop_of_an_unknown_id_is_looked_up_while_a_case_has_no_person_id() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    let leaves = json!({ "type": "departed", "person": { "email": "ann@example.com" }, "effective_at": "2026-10-01" });
    crm(&story, leaves).await;
    hibob.will_say(200, r#"{"email":"ann@example.com"}"#);
    crm(&story, json!({ "type": "returned", "person": { "id": "7" } })).await;
    assert_eq!(hibob.queries().len(), 1);
    assert_eq!(story.state("ann@example.com").await, StateName::Cancelled);
    story.finish(&[]).await;
}

/// Uses up the lookups that a source may make today.
async fn reach_the_daily_limit(story: &Harness, source: &str) {
    let source = source.parse().unwrap();
    let mut tx = story.store().begin().await.unwrap();
    while tx.count_lookup(&source, true, story.now()).await.unwrap() {}
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn departures_beyond_the_daily_limit_are_looked_up_on_the_next_day() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    reach_the_daily_limit(&story, "crm").await;
    let departures: Vec<_> =
        (1..4).map(|id| json!({ "type": "departed", "person": { "id": id.to_string() } })).collect();
    crm(&story, Value::Array(departures)).await;
    assert_eq!((hibob.queries().len(), story.cases().await.len()), (0, 0), "all of them wait");
    for id in 1..4 {
        hibob.will_say(200, format!(r#"{{"email":"person{id}@example.com"}}"#));
    }
    story.advance("24h").await;
    assert_eq!(hibob.queries().len(), 3);
    assert_eq!(story.cases().await.len(), 3);
    story.finish(&[]).await;
}

#[tokio::test]
async fn email_from_a_later_delivery_needs_no_lookup_beyond_the_daily_limit() {
    let hibob = HiBob::start().await;
    let story = story_of_all_words(&hibob).await;
    reach_the_daily_limit(&story, "crm").await;
    crm(&story, json!({ "type": "departed", "person": { "id": "7" } })).await;
    // The second departure meets the limit after the address of the first person has become known.
    let learned = json!({ "type": "profile", "person": { "id": "7", "email": "ann@example.com" } });
    crm(&story, json!([learned, { "type": "departed", "person": { "id": "8" } }])).await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    assert_eq!(hibob.queries().len(), 0);
    story.finish(&["revoke ann@example.com"]).await;
}
