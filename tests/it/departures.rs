//! People leave: what is done, when, and what the history says about it.

use offboardd::domain::case::{AttentionReason, Hold, JobKind, State, StateName};
use offboardd::sandbox::{self, CallName, NewAccount, Seed};
use serde_json::json;

use crate::harness::{Harness, ROSA, Setup, TOM};

#[tokio::test]
async fn departure_is_revoked_then_deleted_after_grace_then_erased() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;

    assert_eq!(story.changes(), ["revoke ann@example.com"]);
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.advance_quiet("30d").await;
    assert_eq!(story.changes(), ["revoke ann@example.com", "delete ann@example.com"]);
    assert_eq!(story.state("ann@example.com").await, StateName::DeletionGrace);
    story.advance_quiet("14d").await;

    assert_eq!(story.state("ann@example.com").await, StateName::Erased);
    assert_eq!(story.account("ann@example.com").state, sandbox::State::Deleted);
    assert!(story.job("ann@example.com").await.is_none());
    insta::assert_snapshot!(story.history_text("ann@example.com").await, @r"
    2026-09-07T12:00:00Z opened
    2026-09-07T12:00:00Z revoke_dispatched
    2026-09-07T12:00:00Z revoke_confirmed (done_by_us)
    2026-10-07T12:00:00Z due
    2026-10-07T12:00:00Z deletion_dispatched
    2026-10-07T12:00:00Z deletion_accepted (done_by_us)
    2026-10-21T12:00:00Z gone_confirmed (not_there)
    ");
    story.advance("365d").await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn bamboohr_departure_runs_at_the_end_of_day_in_the_policy_timezone() {
    let story = Harness::start().await;
    let body = json!({ "employees": [{
        "id": "300", "action": "Updated", "timestamp": "2026-09-07T11:59:00+0000",
        "changedFields": ["Status", "Termination Date"],
        "fields": {
            "Status": { "value": "Inactive" },
            "Work Email": { "value": "Ann@example.com" },
            "Termination Date": { "value": "2026-09-30" },
        },
    }] });
    assert_eq!(story.send("bamboohr", &body).await.status, 202);
    story.settle().await;

    assert_eq!(story.state("ann@example.com").await, StateName::Scheduled);
    // The 30th ends in Berlin two hours before it does in Greenwich.
    story.advance_quiet("23d10h").await;
    assert_eq!(story.now().to_string(), "2026-09-30T22:00:00Z");
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.advance_quiet("30d").await;
    story.advance_quiet("14d").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn revoke_policy_ends_revoked() {
    let story = Harness::with(Setup { policy: "departed = \"revoke\"", ..Setup::default() }).await;
    story.send_departed("ann@example.com").await;
    story.advance("1000d").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn delete_policy_deletes_without_a_revoke() {
    let story = Harness::with(Setup { policy: "departed = \"delete\"", ..Setup::default() }).await;
    story
        .send_event(json!({ "type": "departed", "person": { "email": "ann@example.com" },
        "effective_at": "2026-09-08T08:00:00Z" }))
        .await;
    story.advance_quiet("20h").await;
    assert_eq!(story.state("ann@example.com").await, StateName::DeletionGrace);
    story.advance_quiet("14d").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Erased);
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn erasure_request_overrides_the_grace_of_a_departure() {
    let policy = "departed = \"revoke_then_delete\"\nerasure_requested = \"delete\"";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed("ann@example.com").await;
    story.advance("1d").await;
    story.send_event(json!({ "type": "erasure_requested", "person": { "email": "ann@example.com" } })).await;
    assert_eq!(story.state("ann@example.com").await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn email_change_offboards_only_the_account_of_the_old_email() {
    let policy = "departed = \"ignore\"\nemail_changed = \"revoke\"";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story
        .send_event(json!({ "type": "email_changed",
        "person": { "id": "42", "email": "ben@example.com", "old_email": "ann@example.com" } }))
        .await;
    // Who is a mover in one system is not a leaver in another.
    story.send_departed("ben@example.com").await;
    assert!(story.cases_of("ben@example.com").await.is_empty());
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn detach_policy_removes_organizations_service_desks_and_requests() {
    let policy = "departed = \"revoke\"\ndetach = [\"organizations\", \"service_desks\", \"participants\"]";
    let mut seed = Seed::sample();
    let mut desk = seed.desks[1].clone();
    (desk.id, desk.key) = ("3".to_owned(), "INN".to_owned());
    seed.desks.push(desk);
    let story = Harness::with(Setup { seed, policy, ..Setup::default() }).await;
    story.send_departed("ben@example.com").await;
    let ben = story.account("ben@example.com");
    assert!(ben.organizations.is_empty() && ben.desks.is_empty(), "{ben:?}");
    // HELP-3 is done: it stays as it was.
    assert_eq!(ben.participates_in, ["HELP-3"]);
    assert_eq!(story.state("ben@example.com").await, StateName::Revoked);
    let changes = story.changes();
    assert_eq!(changes.iter().filter(|change| change.starts_with("detach_")).count(), 6, "{changes:?}");
    // A place without his membership is not reported as left; a service desk answers the same either way.
    let detached = story.history("ben@example.com").await.pop().unwrap();
    assert_eq!(detached.kind, "detached");
    for (how, what, call) in [
        ("left", "organizations", "detach_organization"),
        ("requested", "service_desks", "detach_desk"),
        ("left", "participants", "detach_request"),
    ] {
        let count = changes.iter().filter(|change| change.starts_with(call)).count();
        assert!(count > 0 && detached.detail[how][what] == count, "{what}: {:?}", detached.detail);
    }
    assert!(detached.detail["left"]["service_desks"].is_null());
    let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
    story.finish(&changes).await;
}

#[tokio::test]
async fn unreadable_item_of_a_batch_is_shown_and_the_others_are_applied() {
    let story = Harness::start().await;
    let id = story
        .send_event(json!([
            { "type": "departed", "person": { "email": "ann@example.com" } },
            { "type": "departed", "person": { "email": "no address at all" } },
            { "type": "departed", "person": { "email": "ben@example.com" } },
        ]))
        .await;
    let delivery = story.delivery(id).await;
    assert_eq!(delivery.status.as_str(), "unreadable");
    assert_eq!(
        delivery.problem.as_deref(),
        Some("1 of 3 items cannot be read: item 1, at `$.person.email`: expected one e-mail address")
    );
    assert!(delivery.replayable);
    let outcomes: Vec<_> = story.events(id).await.iter().map(|event| event.status.to_string()).collect();
    assert_eq!(outcomes, ["applied", "unreadable", "applied"]);
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

#[tokio::test]
async fn replay_of_a_delivery_applies_its_events_once() {
    let story = Harness::start().await;
    let id = story
        .send_event(json!([
            { "type": "departed", "person": { "email": "ann@example.com" } },
            { "type": "departed", "person": { "email": "no address at all" } },
        ]))
        .await;
    let before = story.history("ann@example.com").await.len();
    let replay = story.api(&format!("/deliveries/{id}/replay"), Some(json!({}))).await;
    assert_eq!(replay.status, 200, "{replay:?}");
    story.settle().await;
    assert_eq!(story.delivery(id).await.status.as_str(), "unreadable");
    let outcomes: Vec<_> = story.events(id).await.iter().map(|event| event.status.to_string()).collect();
    assert_eq!(outcomes, ["applied", "unreadable"]);
    assert_eq!(story.history("ann@example.com").await.len(), before);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn case_without_an_email_needs_attention_until_a_profile_names_it() {
    let story = Harness::start().await;
    story.send_event(json!({ "type": "departed", "person": { "id": "42" } })).await;
    let cases = story.cases().await;
    assert_eq!(cases.len(), 1);
    let State::NeedsAttention(attention) = &cases[0].case.state else { panic!("{:?}", cases[0].case.state) };
    assert_eq!(attention.reason, AttentionReason::NoEmail);
    assert!(story.site.calls().is_empty());

    story.send_event(json!({ "type": "profile", "person": { "id": "43", "email": "ben@example.com" } })).await;
    assert!(story.site.calls().is_empty(), "that was another person");
    story.send_event(json!({ "type": "profile", "person": { "id": "42", "email": "ann@example.com" } })).await;
    assert_eq!(story.case("ann@example.com").await.case.id, cases[0].case.id);
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn email_from_an_earlier_delivery_is_used_for_the_person_id() {
    let story = Harness::start().await;
    let hired = json!({ "employees": [{ "id": "300", "action": "Created", "changedFields": [], "fields": {
        "Status": "Active", "Work Email": "ann@example.com" } }] });
    assert_eq!(story.send("bamboohr", &hired).await.status, 202);
    let deleted = json!({ "employees": [{ "id": "300", "action": "Deleted", "changedFields": [], "fields": {} }] });
    story.settle().await;
    assert_eq!(story.send("bamboohr", &deleted).await.status, 202);
    story.settle().await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn observe_mode_reads_and_changes_nothing() {
    let mut story = Harness::with(Setup { mode: "observe", ..Setup::default() }).await;
    story.send_departed("ann@example.com").await;
    story.send_departed("dora@example.com").await;
    story.advance("100d").await;

    let ann = story.case("ann@example.com").await;
    assert_eq!(ann.case.state, State::Held(Hold::Observe));
    assert_eq!(ann.account.unwrap().id.as_str(), story.account("ann@example.com").account_id, "it was looked up");
    assert_eq!(
        story.attention("dora@example.com").await,
        AttentionReason::AmbiguousAccount,
        "what would fail is shown"
    );
    assert!(story.count(CallName::Search) > 0);
    assert_eq!(story.changes(), [""; 0]);

    // Nothing has to be sent again when it is meant.
    story.restart_with(|settings| settings.replace("\"observe\"", "\"enforce\"")).await;
    assert_eq!(story.state("ann@example.com").await, StateName::Held);
    story.act("ann@example.com", "release").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.advance_quiet("30d").await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn deletion_waits_for_its_approval_only() {
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"1d\"\napprovals.delete = 2";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed("ann@example.com").await;
    story.advance("10d").await;
    assert_eq!(story.case("ann@example.com").await.case.state, State::Held(Hold::Approval));
    for _ in 0..2 {
        let reply = story.approve(ROSA, "ann@example.com", "delete").await;
        assert_eq!((reply.status, reply.body["approvals"].as_array().unwrap().len()), (200, 1), "different people");
    }
    assert_eq!(story.count(CallName::Delete), 0);
    assert_eq!(story.approve(TOM, "ann@example.com", "delete").await.status, 200);
    assert_eq!(story.state("ann@example.com").await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn departure_after_an_erasure_opens_a_new_case() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    story.advance("30d").await;
    story.advance("14d").await;
    story.site.add(NewAccount::customer("ann@example.com", "Ann Archer")).unwrap();
    story.advance("1d").await;
    story.send_departed("ann@example.com").await;
    let states: Vec<_> =
        story.cases_of("ann@example.com").await.iter().map(|record| record.case.state.name()).collect();
    assert_eq!(states, [StateName::Revoked, StateName::Erased]);
    assert_eq!(story.job("ann@example.com").await.unwrap().kind, JobKind::Delete);
    story.finish(&["revoke ann@example.com", "delete ann@example.com", "revoke ann@example.com"]).await;
}
