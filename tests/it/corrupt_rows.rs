//! A row that contradicts itself, by a bug or by a hand in the database: what is about it waits and reports it, everything
//! else continues, and once the row is fixed nothing was lost.

use offboardd::domain::case::StateName;
use offboardd::domain::ids::CaseId;
use serde_json::json;

use crate::harness::{Harness, ROSA, duration};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

/// Takes from a case what it agreed to, and says what that was.
async fn damage(story: &Harness, case: CaseId) -> String {
    let mut database = story.database().await;
    let terms = sqlx::query_scalar("SELECT terms FROM cases WHERE id = ?").bind(case.to_string());
    let terms = terms.fetch_one(&mut database).await.unwrap();
    write_terms(story, case, "{}").await;
    terms
}

async fn write_terms(story: &Harness, case: CaseId, terms: &str) {
    story.tampers();
    let mut database = story.database().await;
    let update = sqlx::query("UPDATE cases SET terms = ? WHERE id = ?").bind(terms).bind(case.to_string());
    assert_eq!(update.execute(&mut database).await.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn job_of_an_inconsistent_case_is_deferred_and_others_run() {
    let story = Harness::start().await;
    for email in [ANN, BEN] {
        let tomorrow = story.now() + duration("1d");
        story.send_departed_at(email, tomorrow).await;
    }
    let case = story.case(ANN).await.case.id;
    let terms = damage(&story, case).await;
    for (list, items) in [("cases", 1), ("jobs", 2), ("sources", 2)] {
        let reply = story.api(&format!("/{list}"), None).await;
        assert_eq!((reply.status, reply.body["items"].as_array().unwrap().len()), (200, items), "{list}");
    }
    story.advance("1d").await;
    assert_eq!(story.state(BEN).await, StateName::Revoked);
    let job = story.store().job_of(case).await.unwrap().unwrap();
    assert_eq!((job.attempts, job.due_at), (0, story.now() + duration("1h")));
    assert!(job.last_error.unwrap().starts_with(&format!("the case `{case}` in the database contradicts itself")));

    write_terms(&story, case, &terms).await;
    story.advance_quiet("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

#[tokio::test]
async fn delivery_for_an_inconsistent_case_is_unreadable_until_fixed_and_replayed() {
    let story = Harness::start().await;
    let tomorrow = story.now() + duration("1d");
    story.send_departed_at(ANN, tomorrow).await;
    let case = story.case(ANN).await.case.id;
    let terms = damage(&story, case).await;
    let returned = story.send_returned(ANN).await;
    let shown = story.delivery(returned).await;
    assert_eq!((shown.status.as_str(), shown.replayable), ("unreadable", true));
    assert!(shown.problem.unwrap().contains("contradicts itself"));
    assert_eq!(shown.routed_at, Some(story.now()));
    story.send_departed(BEN).await;
    assert_eq!(story.state(BEN).await, StateName::Revoked);

    write_terms(&story, case, &terms).await;
    let replay = story.api_as(ROSA, &format!("/deliveries/{returned}/replay"), Some(json!({}))).await;
    assert_eq!(replay.status, 200, "{replay:?}");
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.finish(&["revoke ben@example.com"]).await;
}
