//! The fence: no change is made while the database is an older copy, or was changed by another hand.

use std::path::PathBuf;

use offboardd::domain::case::StateName;
use offboardd::store::{FenceReason, JournalCheck, verify_journal};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::harness::Harness;

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

/// A story with a case that is revoked and waits out its local grace.
async fn revoked() -> Harness {
    let mut story = Harness::start().await;
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.stop().await;
    story
}

fn copy_of(story: &Harness) -> PathBuf {
    let copy = story.folder().join("older.db");
    std::fs::copy(story.database_file(), &copy).unwrap();
    copy
}

async fn execute(story: &Harness, statement: &str) {
    story.tampers();
    let mut database = story.database().await;
    for trigger in ["journal_is_never_changed", "journal_is_never_shortened"] {
        sqlx::query(AssertSqlSafe(format!("DROP TRIGGER IF EXISTS {trigger}"))).execute(&mut database).await.unwrap();
    }
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut database).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

async fn reason(story: &Harness) -> FenceReason {
    story.store().fences().await.unwrap().first().expect("the fence stands").reason
}

async fn lift(story: &Harness) {
    let fence = story.api("/fence", None).await.body;
    let reply = story.api("/fence/lift", Some(json!({ "digest": fence["digest"], "reason": "compared" }))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["raised"], false);
    story.settle().await;
}

#[tokio::test]
async fn older_copy_changes_nothing_until_an_approver_lifts_the_fence() {
    let mut story = revoked().await;
    let older = copy_of(&story);
    story.start_daemon().await;
    story.send_departed(BEN).await;
    story.stop().await;
    std::fs::copy(older, story.database_file()).unwrap();
    story.start_daemon().await;

    assert_eq!(reason(&story).await, FenceReason::Older);
    story.advance("40d").await;
    assert_eq!(story.changes(), ["revoke ann@example.com", "revoke ben@example.com"], "the deletion waits");
    let fence = story.api("/fence", None).await.body;
    assert_eq!(
        (&fence["raised"], &fence["findings"][0]["reason"], &fence["open_cases"]),
        (&json!(true), &json!("older"), &json!(1))
    );
    assert!(story.metrics().await.contains("offboardd_fenced 1"));

    // Deliveries are accepted, and a revoke that was made already is not repeated.
    story.send_departed(BEN).await;
    let stale = story.api("/fence/lift", Some(json!({ "digest": fence["digest"] }))).await;
    assert_eq!(stale.status, 409, "a case was opened since: {stale:?}");
    lift(&story).await;
    assert_eq!(story.state(BEN).await, StateName::Revoked);
    story.restart().await;
    assert!(story.store().fences().await.unwrap().is_empty());
    story.advance("15d").await;
    story.finish(&["revoke ann@example.com", "revoke ben@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn older_copy_is_noticed_by_the_anchor_without_the_record_beside_the_database() {
    let mut story = revoked().await;
    let older = copy_of(&story);
    let anchor = story.folder().join("anchor");
    story.start_daemon().await;
    let setting = format!("\n[evidence]\nanchor = \"{}\"\n", anchor.display());
    story.restart_with(|settings| settings + &setting).await;
    story.send_departed(BEN).await;
    story.stop().await;
    assert!(std::fs::read_to_string(&anchor).unwrap().contains("-----BEGIN SSH SIGNATURE-----"));
    std::fs::copy(older, story.database_file()).unwrap();
    std::fs::remove_file(story.folder().join("offboardd.db.lock")).unwrap();
    story.start_daemon().await;
    assert_eq!(reason(&story).await, FenceReason::Older);
    lift(&story).await;
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

#[tokio::test]
async fn journal_that_was_cut_or_rewritten_raises_the_fence() {
    for (statement, expected) in [
        ("DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)", FenceReason::Older),
        ("UPDATE journal SET link = zeroblob(32) WHERE seq = (SELECT MAX(seq) FROM journal)", FenceReason::Changed),
        ("UPDATE journal SET kind = 'held' WHERE seq = 1", FenceReason::Changed),
        ("UPDATE journal SET at = 9223372036854775807 WHERE seq = 1", FenceReason::Changed),
    ] {
        let mut story = revoked().await;
        execute(&story, statement).await;
        story.start_daemon().await;
        story.wait_until("the fence", async || !story.store().fences().await.unwrap().is_empty()).await;
        assert_eq!(reason(&story).await, expected, "{statement}");
        story.advance("40d").await;
        if statement.starts_with("DELETE") {
            // What is left of the chain is whole: only the record shows that something is missing.
            story.finish(&["revoke ann@example.com"]).await;
        } else {
            story.finish_with_broken_journal(&["revoke ann@example.com"]).await;
        }
    }
}

#[tokio::test]
async fn journal_is_verified_against_its_recorded_head() {
    let story = revoked().await;
    let verify = async || verify_journal(&story.database_file()).await.unwrap();
    assert!(matches!(verify().await, JournalCheck::Intact { .. }));
    execute(&story, "DELETE FROM remarks").await;
    execute(&story, "DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)").await;
    assert!(matches!(verify().await, JournalCheck::Broken(_)));
    story.finish_with_broken_journal(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn row_of_a_case_changed_without_the_key_is_not_acted_on() {
    for statement in [
        "UPDATE cases SET terms = json_set(terms, '$.local_grace', 'PT0S')",
        "UPDATE cases SET effective_at = effective_at - 86400000",
        "UPDATE cases SET revoked_at = 0",
        "UPDATE cases SET approvals = '[{\"by\":\"eve\",\"stage\":\"delete\",\"at\":\"2026-01-01T00:00:00Z\",\"account\":null}]'",
        "UPDATE cases SET site = 'other'",
        "UPDATE cases SET sealed = zeroblob(80)",
        "UPDATE cases SET code = NULL",
    ] {
        let mut story = revoked().await;
        execute(&story, statement).await;
        story.start_daemon().await;
        story.wait_until("the fence", async || !story.store().fences().await.unwrap().is_empty()).await;
        assert_eq!(reason(&story).await, FenceReason::Changed, "{statement}");
        lift(&story).await;
        story.advance("40d").await;
        story.finish(&["revoke ann@example.com"]).await;
    }
}
