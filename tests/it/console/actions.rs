//! What operators do on the pages: approve, withdraw, hold, cancel, release, replay, bulk.

use offboardd::domain::case::StateName;
use serde_json::json;

use super::client::{Page, Visitor};
use crate::harness::{Harness, ROSA, Setup, TOM};

const APPROVED: &str = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\ntimezone = \"Europe/Berlin\"\napprovals = { delete = 2 }";

/// Confirms an action of the case of this address, with the values of its page.
async fn confirm(story: &Harness, visitor: &Visitor, email: &str, action: &str, more: &[(&str, &str)]) -> Page {
    let id = story.case(email).await.case.id;
    let stage = more.iter().find(|(name, _)| *name == "for").map(|(_, stage)| format!("?for={stage}"));
    let page = visitor.get(&format!("/cases/{id}/{action}{}", stage.unwrap_or_default())).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let fields = [&[("reason", "because of a ticket")], more].concat();
    let done = visitor.post(&format!("/cases/{id}/{action}"), &fields).await;
    story.settle().await;
    done
}

#[tokio::test]
async fn deletion_is_approved_by_two_people_and_withdrawn_by_one() {
    let story = Harness::with(Setup { policy: APPROVED, ..Setup::default() }).await;
    story.send_departed("ann@example.com").await;
    let (rosa, tom) = (Visitor::signed_in(&story, ROSA).await, Visitor::signed_in(&story, TOM).await);
    let id = story.case("ann@example.com").await.case.id;
    assert!(rosa.get(&format!("/cases/{id}")).await.shows("Review and approve the deletion…"));
    let delete = [("for", "delete"), ("understood", "1")];
    // Without the statement that it cannot be undone nothing is done, and the reason is kept.
    let page = confirm(&story, &rosa, "ann@example.com", "approve", &[("for", "delete")]).await;
    assert_eq!(page.status, 409);
    assert!(
        page.shows("The confirmation is missing") && page.shows(">because of a ticket</textarea>"),
        "{}",
        page.text
    );
    for visitor in [&rosa, &tom] {
        let page = confirm(&story, visitor, "ann@example.com", "approve", &delete).await;
        assert_eq!((page.status, page.location), (303, Some(format!("/cases/{id}"))));
    }
    assert_eq!(story.case("ann@example.com").await.case.approvals.len(), 2);
    let page = tom.get(&format!("/cases/{id}")).await;
    assert!(page.shows("<b>rosa</b> · deletion") && page.shows("Withdraw your approval…"), "{}", page.text);
    confirm(&story, &tom, "ann@example.com", "withdraw", &[("for", "delete")]).await;
    assert_eq!(story.case("ann@example.com").await.case.approvals.len(), 1);
    story.advance("31d").await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn held_person_is_released_and_the_reason_is_in_the_history() {
    let story = Harness::start().await;
    story.send_departed_at("ann@example.com", "2026-09-10").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    assert_eq!(confirm(&story, &rosa, "ann@example.com", "hold", &[]).await.status, 303);
    story.advance("10d").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let id = story.case("ann@example.com").await.case.id;
    let page = rosa.get(&format!("/cases/{id}")).await;
    assert!(page.shows("Held by an operator") && page.shows("<q>because of a ticket</q>"), "{}", page.text);
    let question = rosa.get(&format!("/cases/{id}/release")).await;
    assert!(
        question.shows("Then: Revoke access") && question.shows("Access can be granted again"),
        "{}",
        question.text
    );
    confirm(&story, &rosa, "ann@example.com", "release", &[]).await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn cancelled_deletion_shows_the_clicks_that_grant_access() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let id = story.case("ann@example.com").await.case.id;
    let page = rosa.get(&format!("/cases/{id}")).await;
    for text in ["Cancel the deletion…", "data-until=\"2026-10-07T12:00:", "Local grace · 30 days", "(12:00 UTC)"] {
        assert!(page.shows(text), "{text}: {}", page.text);
    }
    let question = rosa.get(&format!("/cases/{id}/cancel")).await;
    assert!(question.shows("The person stays without access for now."), "{}", question.text);
    assert_eq!(confirm(&story, &rosa, "ann@example.com", "cancel", &[]).await.status, 303);
    let page = rosa.get(&format!("/cases/{id}")).await;
    for text in ["Centralized", "Original", "Portal-only customers", "User management", "<code>ann@example.com</code>"]
    {
        assert!(page.shows(text), "{text}: {}", page.text);
    }
    // A button of an old page: the state forbids it now, and the page says so.
    let late = rosa.post(&format!("/cases/{id}/release"), &[("reason", "x")]).await;
    assert_eq!(late.status, 409);
    assert!(late.shows("Nothing was done: the state changed") && late.shows("it is not held"), "{}", late.text);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn cases_of_a_filter_are_cancelled_only_as_they_were_shown() {
    let story = Harness::start().await;
    for email in ["ann@example.com", "ben@example.com"] {
        story.send_departed_at(email, "2026-12-01").await;
    }
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let list = rosa.get("/cases?source=hr").await;
    assert!(list.shows("Cancel all…"), "{}", list.text);
    let path = "/cases/bulk?source=hr&action=cancel";
    let shown = rosa.get(path).await;
    assert!(shown.shows("Cancel 2 cases?") && shown.shows("A closed case cannot be reopened."), "{}", shown.text);
    story.send_departed_at("ida@example.com", "2026-12-01").await;
    let fields = |page: &Page| {
        let digest = page.field("digest").to_owned();
        [
            ("source", "hr".to_owned()),
            ("action", "cancel".to_owned()),
            ("digest", digest),
            ("reason", "a test run".to_owned()),
        ]
    };
    let send = async |page: &Page| {
        let fields = fields(page);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        rosa.post("/cases/bulk", &fields).await
    };
    let changed = send(&shown).await;
    assert_eq!(changed.status, 409);
    assert!(changed.shows("Nothing was done: the set changed") && changed.shows("Cancel 3 cases?"), "{}", changed.text);
    assert_eq!(story.state("ann@example.com").await.as_str(), "scheduled");
    let done = send(&changed).await;
    assert_eq!((done.status, done.location.as_deref()), (303, Some("/cases?source=hr")));
    for email in ["ann@example.com", "ben@example.com", "ida@example.com"] {
        assert_eq!(story.state(email).await.as_str(), "cancelled");
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn frozen_source_is_released_by_its_list() {
    let policy = "departed = \"revoke\"\nbrake = { per_hour = 2, per_day = 2 }";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    for email in ["ann@example.com", "ben@example.com", "ida@example.com"] {
        story.send_departed_at(email, "2026-12-01").await;
    }
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let page = rosa.get("/sources").await;
    assert!(page.shows("Frozen") || page.shows("frozen"), "{}", page.text);
    assert!(page.shows("/sources/hr/release"), "{}", page.text);
    let today = rosa.get("/").await;
    assert!(today.shows("The source hr is frozen"), "{}", today.text);
    let list = rosa.get("/sources/hr/release").await;
    assert_eq!(list.status, 200, "{}", list.text);
    assert!(list.shows("Check with the owner of the source first."), "{}", list.text);
    let digest = list.field("digest").to_owned();
    let old = rosa.post("/sources/hr/release", &[("digest", "00"), ("reason", "x")]).await;
    assert_eq!(old.status, 409);
    let released = rosa.post("/sources/hr/release", &[("digest", &digest), ("reason", "a merger")]).await;
    assert_eq!((released.status, released.location.as_deref()), (303, Some("/sources#hr")));
    assert!(!rosa.get("/sources").await.shows("/sources/hr/release"));
    story.finish(&[]).await;
}

#[tokio::test]
async fn unreadable_delivery_is_explained_and_replayed() {
    let story = Harness::start().await;
    let delivery = story.send("hr", &json!({ "type": "departed", "person": "ann" })).await.delivery();
    story.settle().await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    assert!(rosa.get("/").await.shows("Deliveries cannot be read"));
    let page = rosa.get(&format!("/deliveries/{delivery}")).await;
    assert!(page.shows("This delivery cannot be read") && page.shows("Nothing is lost"), "{}", page.text);
    assert!(rosa.get(&format!("/deliveries/{delivery}/replay")).await.shows("Nothing is done twice."));
    let replayed = rosa.post(&format!("/deliveries/{delivery}/replay"), &[]).await;
    assert_eq!((replayed.status, replayed.location), (303, Some(format!("/deliveries/{delivery}"))));
    story.finish(&[]).await;
}

#[tokio::test]
async fn source_is_paused_and_resumed() {
    let story = Harness::start().await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    assert!(rosa.get("/sources/hr/pause").await.shows("answered with 503"));
    assert_eq!(rosa.post("/sources/hr/pause", &[]).await.status, 303);
    assert!(rosa.get("/sources").await.shows("by rosa"));
    assert_eq!(story.send("hr", &json!({})).await.status, 503);
    assert_eq!(rosa.post("/sources/hr/resume", &[]).await.status, 303);
    story.send_departed("ann@example.com").await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn case_is_opened_without_an_event_and_a_second_one_is_refused() {
    let story = Harness::start().await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let fields = [
        ("email", "ann@example.com"),
        ("site", "acme"),
        ("action", "revoke"),
        ("effective_at", "2026-12-01"),
        ("reason", "left"),
    ];
    let opened = rosa.post("/cases/new", &fields).await;
    let id = story.case("ann@example.com").await.case.id;
    assert_eq!((opened.status, opened.location), (303, Some(format!("/cases/{id}"))));
    let again = rosa.post("/cases/new", &fields).await;
    assert_eq!(again.status, 422);
    assert!(again.shows("The case was not opened") && again.shows("value=\"ann@example.com\""), "{}", again.text);
    story.finish(&[]).await;
}

#[tokio::test]
async fn journal_is_listed_filtered_and_verified() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let page = rosa.get("/journal").await;
    assert!(page.shows("Access revoked, read back") && page.shows("Case opened"), "{}", page.text);
    let id = story.case("ann@example.com").await.case.id;
    let page = rosa.get(&format!("/journal?kind=outcomes&case={id}")).await;
    assert!(page.shows("Access revoked, read back") && !page.shows("Case opened"), "{}", page.text);
    assert!(rosa.post("/journal/verify", &[]).await.shows("The journal is intact"));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn file_is_imported_by_its_reviewed_plan() {
    let story = Harness::start().await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let csv = "email,effective_at\nann@example.com,2026-12-01\nno address,\nben@example.com,2026-12-01\n";
    let plan = rosa.post("/import", &[("csv", csv), ("format", "departures")]).await;
    assert_eq!(plan.status, 200, "{}", plan.text);
    for text in ["Open 2 cases?", "Cannot be used", "line 3", "ann@example.com", "2 of them end with a deletion"] {
        assert!(plan.shows(text), "{text}: {}", plan.text);
    }
    let digest = plan.field("digest").to_owned();
    // Without a reason nothing is opened, and what changed meanwhile is reviewed again.
    let page = rosa.post("/import", &[("csv", csv), ("digest", &digest)]).await;
    assert!(page.status == 409 && page.shows("A reason is missing"), "{}", page.text);
    story.send_departed_at("ben@example.com", "2026-12-24").await;
    let page = rosa.post("/import", &[("csv", csv), ("digest", &digest), ("reason", "a reorganization")]).await;
    assert!(page.status == 409 && page.shows("Open 1 case?") && page.shows("Have an open case"), "{}", page.text);
    let digest = page.field("digest").to_owned();
    let done = rosa.post("/import", &[("csv", csv), ("digest", &digest), ("reason", "a reorganization")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    story.settle().await;
    let progress = rosa.get(&done.location.unwrap()).await;
    assert!(progress.shows("1 of 1") && progress.shows("done"), "{}", progress.text);
    assert_eq!(story.case("ann@example.com").await.case.state.name(), StateName::Scheduled);
    // A file that cannot be read comes back with the reason.
    let page = rosa.post("/import", &[("csv", "no,columns\n1,2\n")]).await;
    assert!(page.status == 422 && page.shows("The file cannot be used"), "{}", page.text);
    story.finish(&[]).await;
}

#[tokio::test]
async fn period_is_shown_as_its_signed_file_states_it() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let page = rosa.get("/evidence?from=2026-09-01&to=2026-09-30").await;
    for text in ["everything accounted for", "1, as the journal counts them", "1 of 1 case", "2026-09-01 to 2026-09-30"]
    {
        assert!(page.shows(text), "{text}: {}", page.text);
    }
    assert!(!page.shows("ann@example.com"), "{}", page.text);
    let page = rosa.get("/evidence?from=2026-09-30&to=2026-09-01").await;
    assert!(page.shows("The period cannot be used"), "{}", page.text);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn delivery_is_explained_in_sentences() {
    let story = Harness::start().await;
    story.send_departed_at("ann@example.com", "2026-12-01").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let delivery = story.api("/deliveries", None).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let page = rosa.get(&format!("/deliveries/{delivery}/explain")).await;
    for text in ["1. departed", "ann@example.com", "readable", "What would be done", "the account is deleted"] {
        assert!(page.shows(text), "{text}: {}", page.text);
    }
    assert!(!page.shows("&quot;items&quot;") && !page.shows("{&#34;"), "{}", page.text);
    story.finish(&[]).await;
}
