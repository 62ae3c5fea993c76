//! In which order facts count, whatever order they arrive in, and whose address is whose.

use jiff::{SignedDuration, Timestamp};
use offboardd::domain::case::{AttentionReason, StateName};
use offboardd::sandbox::{AccountType, CallName, Fault, FaultTiming, NewAccount, Seed};
use serde_json::{Value, json};

use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";
const OLD: &str = "old@example.com";
const NEW: &str = "new@example.com";

/// A second source of the same site, whose policy is stronger.
const CRM: &str = "[policies.customers]
    departed = \"revoke_then_delete\"
    local_grace = \"1d\"
    [sources.crm]
    preset = \"standard-webhooks\"
    site = \"acme\"
    policy = \"customers\"
    secrets = [{ env = \"HR_KEY\" }]";

async fn story_of(policy: &'static str, more: &'static str) -> Harness {
    let mut seed = Seed::default();
    let admin = NewAccount::customer("admin@example.com", "Admin");
    seed.accounts.push(NewAccount { account_type: AccountType::Atlassian, ..admin });
    for email in [ANN, OLD, NEW] {
        seed.accounts.push(NewAccount::customer(email, "A Person"));
    }
    Harness::with(Setup { seed, policy, more, ..Setup::default() }).await
}

async fn story() -> Harness {
    story_of("departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\nemail_changed = \"revoke\"\nerasure_requested = \"delete\"", "").await
}

/// An event of person `id`, `minutes` before the story begins.
fn event(kind: &str, id: &str, email: &str, minutes: i64) -> Value {
    let begin: Timestamp = crate::harness::START.parse().unwrap();
    let mut person = json!({ "id": id });
    if !email.is_empty() {
        person["email"] = json!(email);
    }
    json!({ "type": kind, "person": person, "occurred_at": begin - SignedDuration::from_mins(minutes) })
}

fn effective(mut event: Value, at: Timestamp) -> Value {
    event["effective_at"] = json!(at.to_string());
    event
}

fn changed(id: &str, from: &str, to: &str, minutes: i64) -> Value {
    let mut event = event("email_changed", id, to, minutes);
    event["person"]["old_email"] = json!(from);
    event
}

impl Harness {
    fn in_days(&self, days: i64) -> Timestamp {
        self.now() + SignedDuration::from_hours(24 * days)
    }

    /// Sends several events in one delivery.
    async fn send_batch(&self, events: &[Value]) {
        assert_eq!(self.send("hr", &json!(events)).await.status, 202);
        self.settle().await;
    }

    async fn send_by(&self, source: &str, event: &Value) {
        assert_eq!(self.send(source, event).await.status, 202);
        self.settle().await;
    }
}

#[tokio::test]
async fn late_departure_is_outdated_by_a_return_under_another_address() {
    let story = story().await;
    let day = story.in_days(1);
    story.send_event(effective(event("departed", "1", OLD, 30), day)).await;
    story.send_event(event("returned", "1", NEW, 10)).await;
    assert_eq!(story.state(OLD).await, StateName::Cancelled);
    let late = story.send_event(effective(event("departed", "1", OLD, 20), day)).await;
    assert_eq!(story.outcome(late).await, ("ignored".to_owned(), Some("older".to_owned())));
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn item_order_in_a_delivery_does_not_order_facts() {
    let story = story().await;
    story.send_batch(&[event("returned", "1", OLD, 10), event("departed", "1", NEW, 20)]).await;
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn same_fact_under_another_delivery_id_changes_nothing_after_a_cancel() {
    let story = story().await;
    let departed = effective(event("departed", "1", ANN, 30), story.in_days(1));
    story.send_event(departed.clone()).await;
    story.act(ANN, "cancel").await;
    let again = story.send_event(departed).await;
    assert_eq!(story.outcome(again).await, ("ignored".to_owned(), Some("same_fact".to_owned())));
    let older = story.send_event(event("departed", "1", ANN, 20)).await;
    assert_eq!(story.outcome(older).await, ("ignored".to_owned(), Some("older".to_owned())));
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn same_fact_does_not_touch_the_next_account_of_an_erased_address() {
    let story = story_of("departed = \"delete\"", "").await;
    let departed = event("departed", "1", ANN, 30);
    story.send_event(departed.clone()).await;
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.site.add(NewAccount::customer(ANN, "New Person")).unwrap();
    story.send_event(departed).await;
    story.advance("100d").await;
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn sub_millisecond_order_decides() {
    let story = story().await;
    let at = |kind: &str, nanos: &str| json!({ "type": kind, "person": { "id": "1", "email": ANN }, "occurred_at": format!("2026-09-07T11:00:00.000{nanos}Z") });
    story.send_event(at("returned", "000900")).await;
    story.send_event(at("departed", "000100")).await;
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn older_return_does_not_stop_an_operators_request() {
    let story = story().await;
    let request = json!({ "site": "acme", "email": ANN, "action": "revoke", "reason": "requested", "effective_at": story.in_days(1).to_string() });
    assert_eq!(story.api("/cases", Some(request)).await.status, 201);
    story.send_event(event("returned", "1", ANN, 5)).await;
    assert_eq!(story.state(ANN).await, StateName::Scheduled);
    story.advance("1d").await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn stop_by_id_reaches_every_case_that_a_departure_of_the_id_opened() {
    let story = story().await;
    let day = story.in_days(1);
    story.send_event(effective(event("departed", "1", OLD, 30), day)).await;
    story.send_event(effective(event("departed", "1", NEW, 29), day)).await;
    story.send_event(event("departure_cancelled", "1", OLD, 10)).await;
    assert_eq!([story.state(OLD).await, story.state(NEW).await], [StateName::Cancelled; 2]);
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn stop_by_id_leaves_the_case_of_a_former_address() {
    let story = story().await;
    story.send_event(effective(changed("1", OLD, NEW, 30), story.in_days(2))).await;
    story.send_event(effective(event("departed", "1", NEW, 20), story.in_days(1))).await;
    story.send_event(event("returned", "1", "", 10)).await;
    assert_eq!([story.state(OLD).await, story.state(NEW).await], [StateName::Scheduled, StateName::Cancelled]);
    story.advance("100d").await;
    story.finish(&["revoke old@example.com"]).await;
}

#[tokio::test]
async fn older_profile_does_not_restore_a_previous_address() {
    let story = story().await;
    story.send_event(event("profile", "1", NEW, 30)).await;
    story.send_event(event("profile", "1", OLD, 40)).await;
    story.send_event(event("departed", "1", "", 20)).await;
    story.finish(&["revoke new@example.com"]).await;
}

#[tokio::test]
async fn outdated_event_stores_no_address() {
    let story = story().await;
    story.send_event(event("departure_cancelled", "1", OLD, 50)).await;
    story.send_event(event("profile", "1", NEW, 30)).await;
    story.send_event(event("departure_cancelled", "1", OLD, 60)).await;
    story.send_event(event("departed", "1", "", 20)).await;
    story.finish(&["revoke new@example.com"]).await;
}

#[tokio::test]
async fn former_email_in_use_again_is_not_touched() {
    // Changed back, the other address is a former one.
    let both = [(changed("1", NEW, OLD, 10), vec!["revoke new@example.com"]), (event("profile", "1", OLD, 10), vec![])];
    for (back, changes) in both {
        let story = story().await;
        story.send_event(effective(changed("1", OLD, NEW, 30), story.in_days(1))).await;
        story.send_event(back).await;
        assert_eq!(story.state(OLD).await, StateName::Cancelled);
        story.advance("100d").await;
        story.finish(&changes).await;
    }
}

#[tokio::test]
async fn former_email_of_another_person_is_not_touched() {
    let story = story().await;
    story.send_event(event("profile", "2", OLD, 40)).await;
    let delivery = story.send_event(changed("1", OLD, NEW, 30)).await;
    assert_eq!(story.outcome(delivery).await, ("ignored".to_owned(), Some("address_in_use".to_owned())));
    story.finish(&[]).await;
}

#[tokio::test]
async fn record_with_the_email_of_an_open_case_needs_attention() {
    for life in [event("profile", "2", ANN, 0), changed("2", "x@example.com", ANN, 0)] {
        let story = story().await;
        story.send_event(event("departed", "1", ANN, 30)).await;
        assert_eq!(story.state(ANN).await, StateName::Revoked);
        story.send_event(life).await;
        assert_eq!(story.attention(ANN).await, AttentionReason::AddressUnconfirmed);
        story.advance("100d").await;
        assert_eq!(story.state(ANN).await, StateName::NeedsAttention);
        story.act(ANN, "retry").await;
        story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
    }
}

#[tokio::test]
async fn leavers_own_record_is_no_sign_of_life() {
    let story = story().await;
    story.send_event(event("departed", "1", ANN, 30)).await;
    story.send_event(event("profile", "1", ANN, 0)).await;
    story.send_event(event("departed", "2", ANN, 0)).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn stop_by_another_source_needs_attention() {
    let story = story_of("departed = \"revoke\"", CRM).await;
    story.send_event(effective(event("departed", "1", ANN, 30), story.in_days(1))).await;
    story.send_by("crm", &event("returned", "c1", ANN, 10)).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::SourcesDisagree);
    story.advance("100d").await;
    story.act(ANN, "retry").await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn stronger_action_of_two_sources_wins() {
    let story = story_of("departed = \"revoke\"", CRM).await;
    story.send_event(event("departed", "1", ANN, 30)).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.send_by("crm", &event("departed", "c1", ANN, 10)).await;
    story.advance("1d").await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn events_that_wait_for_a_call_are_decided_by_their_arrival() {
    let story = story().await;
    story.inject(Fault { call: Some(CallName::Revoke), delay_ms: 1500, times: Some(1), ..Fault::default() });
    assert_eq!(story.send("hr", &event("departed", "1", ANN, 30)).await.status, 202);
    story.wait_for_call(CallName::Revoke).await;
    let again = effective(event("departed", "1", ANN, 10), story.in_days(60));
    story.send_batch(&[event("departure_cancelled", "1", ANN, 20), again]).await;
    story.advance("60d").await;
    assert_eq!(story.changes(), ["revoke ann@example.com"], "not before the new last day plus the local grace");
    story.advance("30d").await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn later_last_day_moves_a_deletion_until_its_call() {
    let story = story().await;
    story.send_event(event("departed", "1", ANN, 30)).await;
    story.advance("20d").await;
    let later = story.in_days(20);
    story.send_event(effective(json!({ "type": "departed", "person": { "id": "1", "email": ANN } }), later)).await;
    story.advance_quiet("50d").await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn erasure_request_is_not_postponed_by_a_later_departure() {
    let story = story().await;
    story.send_event(effective(event("erasure_requested", "1", ANN, 30), story.in_days(1))).await;
    story.send_event(effective(event("departed", "1", ANN, 20), story.in_days(60))).await;
    story.advance_quiet("1d").await;
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn departure_moves_a_deletion_that_fails() {
    let story = story_of("departed = \"delete\"", "").await;
    story.inject(Fault { drop: Some(FaultTiming::Before), ..Fault::default() });
    story.send_event(event("departed", "1", ANN, 30)).await;
    assert_eq!(story.state(ANN).await, StateName::Deleting);
    story.send_event(effective(event("departed", "1", ANN, 10), story.in_days(2))).await;
    story.site.clear_faults();
    story.advance_quiet("2d").await;
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn renamed_leaver_needs_attention_and_is_not_closed_as_unknown() {
    let departures = [event("departed", "1", "left@example.com", 20), event("departed", "1", "", 20)];
    for departed in departures {
        let story = story().await;
        story.send_event(event("profile", "1", ANN, 40)).await;
        story.send_event(event("profile", "1", "left@example.com", 30)).await;
        story.send_event(departed).await;
        story.advance_past_rechecks().await;
        assert_eq!(story.attention("left@example.com").await, AttentionReason::AddressChanged);
        story.finish(&[]).await;
    }
}

#[tokio::test]
async fn late_email_of_another_person_needs_attention() {
    let story = story().await;
    story.send_event(event("erasure_requested", "2", "", 30)).await;
    story.send_event(event("profile", "3", ANN, 20)).await;
    story.send_event(event("erasure_requested", "2", ANN, 10)).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::AddressUnconfirmed);
    story.finish(&[]).await;
}

#[tokio::test]
async fn late_email_that_was_stopped_needs_attention() {
    let story = story_of("departed = \"revoke\"", CRM).await;
    story.send_event(event("departed", "2", "", 30)).await;
    story.send_by("crm", &event("returned", "c1", ANN, 20)).await;
    story.send_event(event("profile", "2", ANN, 10)).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::AddressUnconfirmed);
    story.finish(&[]).await;
}

#[tokio::test]
async fn leaver_of_a_stopped_case_is_not_touched_while_another_has_the_email() {
    let story = story().await;
    story.send_event(event("departed", "1", ANN, 40)).await;
    story.send_event(changed("3", "x@example.com", ANN, 30)).await;
    story.send_event(event("returned", "3", "", 20)).await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    let erasure = story.send_event(event("erasure_requested", "1", ANN, 10)).await;
    assert_eq!(story.outcome(erasure).await, ("ignored".to_owned(), Some("shared_address".to_owned())));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn departure_with_an_email_carries_no_older_one_past_a_stop() {
    let story = story_of("departed = \"revoke\"\nerasure_requested = \"delete\"", CRM).await;
    story.send_event(event("erasure_requested", "2", "", 30)).await;
    story.send_by("crm", &event("returned", "c1", ANN, 20)).await;
    story.send_event(event("departed", "2", ANN, 10)).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::AddressUnconfirmed);
    story.finish(&[]).await;
}

#[tokio::test]
async fn stop_by_id_reaches_a_case_of_another_source_that_the_departure_joined() {
    let story = story_of("departed = \"revoke\"", CRM).await;
    let day = story.in_days(1);
    story.send_by("crm", &effective(event("departed", "c1", ANN, 30), day)).await;
    story.send_event(effective(event("departed", "1", ANN, 20), day)).await;
    story.send_event(event("returned", "1", NEW, 10)).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::SourcesDisagree);
    story.finish(&[]).await;
}

#[tokio::test]
async fn departure_whose_address_has_a_case_does_not_wait_for_another_address() {
    let story = story_of("departed = \"revoke\"", CRM).await;
    story.send_by("crm", &event("departed", "c1", ANN, 40)).await;
    story.send_event(event("departed", "2", "", 30)).await;
    story.send_event(event("departed", "2", ANN, 20)).await;
    story.send_event(event("profile", "2", NEW, 10)).await;
    let cases = story.cases().await;
    let without_address = cases.iter().find(|record| record.person.email.is_none()).unwrap();
    assert_eq!(without_address.case.attention().unwrap().reason, AttentionReason::AddressUnconfirmed);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn later_departure_of_another_id_with_the_known_address_is_a_sign_of_life() {
    let story = story().await;
    story.send_event(event("departed", "1", ANN, 40)).await;
    story.send_event(event("departed", "2", ANN, 30)).await;
    story.send_event(effective(event("departed", "2", "", 20), story.in_days(10))).await;
    story.send_event(event("erasure_requested", "1", ANN, 10)).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::AddressUnconfirmed);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn erasure_of_another_id_stops_when_the_first_has_the_address_again() {
    let story = story().await;
    story.send_event(changed("1", ANN, NEW, 40)).await;
    let later = effective(event("erasure_requested", "1", ANN, 20), story.in_days(2));
    story.send_batch(&[event("erasure_requested", "2", ANN, 30), later]).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::AddressUnconfirmed);
    story.finish(&[&format!("revoke {ANN}")]).await;
}

#[tokio::test]
async fn stop_by_id_ends_the_departure_and_leaves_the_former_address() {
    let story = story().await;
    let day = story.in_days(5);
    story.send_event(effective(event("departed", "1", OLD, 40), day)).await;
    story.send_event(effective(changed("1", OLD, NEW, 30), story.in_days(1))).await;
    story.send_event(event("returned", "1", NEW, 20)).await;
    story.advance("40d").await;
    assert_eq!(story.state(OLD).await, StateName::Revoked);
    story.finish(&[&format!("revoke {OLD}")]).await;
}

#[tokio::test]
async fn address_that_is_a_present_one_again_leaves_the_departure() {
    let story = story().await;
    let day = story.in_days(5);
    story.send_event(effective(event("departed", "1", OLD, 40), day)).await;
    story.send_event(effective(changed("1", OLD, NEW, 30), story.in_days(1))).await;
    story.send_event(event("profile", "1", OLD, 20)).await;
    story.advance("4d").await;
    assert_eq!(story.state(OLD).await, StateName::Scheduled);
    story.advance("2d").await;
    assert_eq!(story.state(OLD).await, StateName::Revoked);
    story.finish(&[&format!("revoke {OLD}")]).await;
}

#[tokio::test]
async fn stop_that_is_older_than_a_change_of_its_address_leaves_the_former_address() {
    let story = story().await;
    let day = story.in_days(1);
    story.send_event(effective(changed("1", OLD, NEW, 10), day)).await;
    story.send_event(event("returned", "1", OLD, 20)).await;
    story.advance("2d").await;
    assert_eq!(story.state(OLD).await, StateName::Revoked);
    story.finish(&[&format!("revoke {OLD}")]).await;
}

#[tokio::test]
async fn person_who_stays_after_all_protects_the_present_address() {
    for (kind, minutes) in [("departed", 30), ("returned", 25)] {
        let story = story().await;
        story.send_event(event("departed", "2", OLD, 50)).await;
        story.send_event(event("profile", "2", ANN, 20)).await;
        story.send_event(effective(event("departed", "1", ANN, 19), story.in_days(1))).await;
        story.send_event(effective(event(kind, "2", OLD, minutes), story.in_days(10))).await;
        assert_eq!(story.attention(ANN).await, AttentionReason::AddressUnconfirmed, "{kind}");
        story.finish(&[&format!("revoke {OLD}")]).await;
    }
}

#[tokio::test]
async fn stop_from_before_a_change_of_address_counts_against_the_departure() {
    for (source, expected) in [("hr", None), ("crm", Some(AttentionReason::SourcesDisagree))] {
        let story =
            story_of("departed = \"revoke_then_delete\"\nlocal_grace = \"3d\"\nemail_changed = \"revoke\"", CRM).await;
        story.send_event(event("departed", "1", OLD, 30)).await;
        story.send_event(changed("1", OLD, NEW, 10)).await;
        story.send_by(source, &event("departure_cancelled", "1", OLD, 20)).await;
        story.advance("30d").await;
        let case = story.case(OLD).await.case;
        assert_eq!(case.attention().map(|attention| attention.reason), expected, "{source}: {:?}", case.state);
        story.finish(&["revoke old@example.com"]).await;
    }
}

#[tokio::test]
async fn stop_of_a_due_deletion_leaves_the_former_address() {
    let story = story().await;
    story.inject(Fault { drop: Some(FaultTiming::Before), ..Fault::default() });
    story.send_event(effective(changed("1", OLD, NEW, 30), story.in_days(2))).await;
    story.send_event(event("erasure_requested", "1", OLD, 40)).await;
    assert_eq!(story.state(OLD).await, StateName::Deleting);
    story.send_event(event("returned", "1", "", 10)).await;
    assert_eq!(story.state(OLD).await, StateName::Scheduled);
    story.site.clear_faults();
    story.advance("3d").await;
    assert_eq!(story.state(OLD).await, StateName::Revoked);
    story.finish(&["revoke old@example.com"]).await;
}

#[tokio::test]
async fn departure_without_an_email_leaves_the_cases_of_earlier_addresses() {
    let story = story_of("departed = \"delete\"\nemail_changed = \"revoke\"", CRM).await;
    story.send_event(effective(event("departed", "1", ANN, 60), story.in_days(20))).await;
    story.send_event(effective(changed("1", OLD, "unknown@example.com", 40), story.in_days(10))).await;
    story.send_by("crm", &event("departed", "c1", "unknown@example.com", 30)).await;
    story.advance_past_rechecks().await;
    assert_eq!(story.state("unknown@example.com").await, StateName::NoAccount);
    story.send_event(event("departed", "1", "", 20)).await;
    assert_eq!([story.state(OLD).await, story.state(ANN).await], [StateName::Scheduled; 2]);
    let cases = story.cases().await;
    let without_address = cases.iter().find(|record| record.case.attention().is_some()).unwrap();
    assert_eq!(without_address.case.attention().unwrap().reason, AttentionReason::NoEmail);
    story.advance("15d").await;
    story.finish(&["revoke old@example.com"]).await;
}

#[tokio::test]
async fn hold_applies_to_a_case_that_learns_the_email_of_the_person() {
    let story = story_of("departed = \"revoke\"", CRM).await;
    story.send_event(effective(event("departed", "1", ANN, 40), story.in_days(1))).await;
    story.act(ANN, "hold").await;
    story.send_event(event("returned", "1", "", 30)).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.send_by("crm", &event("departed", "c1", "", 20)).await;
    story.send_by("crm", &event("profile", "c1", ANN, 10)).await;
    let states: Vec<_> = story.cases_of(ANN).await.iter().map(|record| record.case.state.name()).collect();
    assert!(states.len() == 2 && states.contains(&StateName::Held), "{states:?}");
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn hold_applies_to_a_case_that_the_person_joins() {
    let story = story_of("departed = \"revoke\"", CRM).await;
    let day = story.in_days(1);
    story.send_event(effective(event("departed", "1", OLD, 40), day)).await;
    story.act(OLD, "hold").await;
    story.send_by("crm", &effective(event("departed", "c1", NEW, 30), day)).await;
    assert_eq!(story.state(NEW).await, StateName::Scheduled);
    story.send_event(effective(event("departed", "1", NEW, 20), day)).await;
    assert_eq!(story.state(NEW).await, StateName::Held);
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn departure_of_a_former_owner_deletes_no_account_that_the_present_owner_has_again() {
    const CRM: &str = "[policies.customers]
        departed = \"revoke\"
        [sources.crm]
        preset = \"standard-webhooks\"
        site = \"acme\"
        policy = \"customers\"
        secrets = [{ env = \"HR_KEY\" }]";
    let story =
        story_of("departed = \"revoke_then_delete\"\nlocal_grace = \"3d\"\nemail_changed = \"revoke\"", CRM).await;
    story.send_event(changed("1", OLD, NEW, 40)).await;
    story.send_event(event("returned", "3", OLD, 30)).await;
    story.send_by("crm", &event("departed", "c1", OLD, 20)).await;
    // The source says that the address is person 3's, who stays; only the other source demands anything.
    story.send_event(effective(event("departed", "1", OLD, 10), story.in_days(10))).await;
    story.advance("40d").await;
    assert_eq!(story.state(OLD).await, StateName::Revoked);
    story.finish(&["revoke old@example.com"]).await;
}
