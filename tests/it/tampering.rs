//! A person who can write the database file, and has earlier copies of it, but not the key: every change of a row that decides is
//! found, whatever it is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use offboardd::domain::case::StateName;
use offboardd::proof::chain::{ChainEntry, GENESIS, Link};
use offboardd::sandbox::{NewAccount, Seed};
use offboardd::store::{Database, JournalCheck, KeyLocation, verify_journal};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::harness::{Harness, ROSA, Setup};
use crate::rng::SeededRng;

/// How long rows are changed at random.
const TIME: Duration = Duration::from_secs(8);

/// The tables with rows that decide, their keys, and their columns that decide. Others are remarks, leases and counts.
const TABLES: &[(&str, &str, &[&str])] = &[
    (
        "cases",
        "id",
        &[
            "id",
            "site",
            "source",
            "person_key",
            "email_hash",
            "person_hash",
            "opened_at",
            "state",
            "since",
            "held",
            "attention",
            "terms",
            "demands",
            "approvals",
            "on_hold",
            "direction",
            "effective_at",
            "revoke_dispatched_at",
            "revoked_at",
            "detached_at",
            "deletion_dispatched_at",
            "deletion_requested_at",
            "grace_ends_at",
            "last_read_at",
            "gone_at",
            "reinvite_dispatched_at",
            "reads_without_account",
            "account_type",
            "sealed",
            "closed_at",
            "version",
            "code",
        ],
    ),
    ("case_keys", "case_id", &["case_id", "sealed"]),
    // Not `urgency`, which only orders what is due: a deletion may go before others.
    ("jobs", "id", &["id", "case_id", "site", "source", "kind", "due_at", "code"]),
    ("sites", "name", &["name", "paused_at", "reason"]),
    ("sources", "name", &["name", "paused_at", "paused_by", "braked_at", "brake_released_at"]),
    ("holds", "person_key", &["site", "person_key", "case_id", "held_at"]),
    ("brake_holds", "case_id", &["actor", "case_id"]),
    ("brake_deferred", "seq", &["source", "case_id", "kind", "demand"]),
    ("fences", "id", &["id", "reason", "detail", "raised_at", "lifted_at"]),
    ("journal", "seq", &["seq", "at", "case_id", "kind", "detail", "link", "code"]),
];

/// The columns of these tables that do not decide: copies of others for an index, counts, leases, remarks.
const OTHERS: &[(&str, &[&str])] = &[
    ("cases", &["attention_detail", "erasure_requested_at", "erasure_deadline_at"]),
    (
        "jobs",
        &[
            "urgency",
            "state",
            "attempts",
            "failures",
            "failing_since",
            "refusals",
            "lease_token",
            "lease_until",
            "dispatched_at",
            "fence",
            "fences",
            "last_error",
            "created_at",
            "finished_at",
        ],
    ),
    ("sites", &["paused_by"]),
    ("sources", &["brake", "last_delivery_at", "quiet_since", "lookups_day", "lookups"]),
    ("brake_deferred", &["seq"]),
];

fn address(number: usize) -> String {
    format!("person{number}@example.com")
}

/// A stopped daemon with a row in every table, and an older copy of its database.
async fn story() -> (Harness, PathBuf) {
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\napprovals = { revoke = 0, delete = 1 }\n\
                  brake = { per_hour = 4, per_day = 100 }";
    let mut story = Harness::with(Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
    for number in 0..9 {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    for number in 0..3 {
        story.send_departed(&address(number)).await;
    }
    story.act(&address(1), "hold").await;
    let mut tx = story.store().begin().await.unwrap();
    tx.pause_site(&"other".parse().unwrap(), "credentials rejected", story.now()).await.unwrap();
    tx.commit().await.unwrap();
    story.stop().await;
    // A restore of its own copy raises a fence, which is lifted.
    let older = story.folder().join("older.db");
    std::fs::copy(story.database_file(), &older).unwrap();
    std::fs::copy(&older, story.folder().join("offboardd.db")).unwrap();
    story.start_daemon().await;
    assert_eq!(story.approve(ROSA, &address(0), "delete").await.status, 200);
    story.act(&address(2), "hold").await;
    story.post_action("sources/bamboohr/pause").await;
    for number in 3..7 {
        story.send_departed_at(&address(number), "2026-12-01T00:00:00Z").await;
    }
    story.advance("2h").await;
    story
        .send_event(json!(
            (3..7)
                .map(|number| json!({
                    "type": "departed", "person": { "email": address(number) }, "effective_at": "2026-10-01T00:00:00Z",
                    "occurred_at": "2026-09-07T13:00:00Z",
                }))
                .collect::<Vec<_>>()
        ))
        .await;
    story
        .send_event(json!([7, 8].map(|number| json!({
            "type": "departed", "person": { "email": address(number) },
        }))))
        .await;
    story
        .send_event(json!({
            "type": "departed", "person": { "email": address(3) }, "effective_at": "2026-09-20T00:00:00Z",
            "occurred_at": "2026-09-07T13:30:00Z",
        }))
        .await;
    let finding = offboardd::store::Finding {
        reason: offboardd::store::FenceReason::Changed,
        detail: "rows: a rehearsal".to_owned(),
    };
    let mut tx = story.store().begin().await.unwrap();
    tx.raise_fence(&finding, story.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(story.state(&address(0)).await, StateName::Revoked);
    story.stop().await;
    (story, older)
}

async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// The statement's number of changed rows; `None` if a constraint of the schema refuses it.
async fn execute(database: &mut SqliteConnection, statement: String) -> Option<u64> {
    match sqlx::query(AssertSqlSafe(statement.clone())).execute(database).await {
        Ok(done) => Some(done.rows_affected()),
        Err(error)
            if ["constraint", "cannot store", "datatype mismatch"]
                .iter()
                .any(|why| error.to_string().contains(why)) =>
        {
            None
        }
        Err(error) => panic!("{statement}: {error}"),
    }
}

async fn number(database: &mut SqliteConnection, query: String) -> u64 {
    let row = sqlx::query(AssertSqlSafe(query)).fetch_one(database).await.unwrap();
    u64::try_from(row.get::<i64, _>(0)).unwrap()
}

/// Computes every link after the first again, as a person without the key can.
async fn rehash(database: &mut SqliteConnection) {
    let rows = sqlx::query("SELECT * FROM journal ORDER BY seq").fetch_all(&mut *database).await.unwrap();
    let mut previous: Link = GENESIS;
    for row in rows {
        let seq: i64 = row.get("seq");
        let entry = ChainEntry {
            seq,
            at: jiff::Timestamp::from_millisecond(row.get("at")).unwrap(),
            case_id: row.get("case_id"),
            kind: row.get("kind"),
            detail: row.get("detail"),
        };
        previous = entry.link(&previous);
        let update = sqlx::query("UPDATE journal SET link = ? WHERE seq = ?").bind(previous.as_slice()).bind(seq);
        update.execute(&mut *database).await.unwrap();
    }
}

/// Changes something at random. Returns a description, or `None` if nothing that decides was changed.
async fn tamper(database: &mut SqliteConnection, rng: &mut SeededRng) -> Option<String> {
    let pick = |rng: &mut SeededRng, limit: usize| usize::try_from(rng.below(u64::try_from(limit).unwrap())).unwrap();
    let (table, key, columns) = TABLES[pick(rng, TABLES.len())];
    // Only open jobs decide, only pauses, and only fences and deferred events as they are.
    let rows = match table {
        "jobs" => "(SELECT * FROM jobs WHERE state IN ('queued', 'running'))",
        "sites" => "(SELECT * FROM sites WHERE paused_at IS NOT NULL)",
        "sources" => "(SELECT * FROM sources WHERE COALESCE(paused_at, braked_at, brake_released_at) IS NOT NULL)",
        table => table,
    };
    let count = number(database, format!("SELECT COUNT(*) FROM {rows}")).await;
    assert!(count > 0, "{table} is empty");
    let nth = |at: u64| format!("(SELECT {key} FROM {rows} r ORDER BY {key} LIMIT 1 OFFSET {at})");
    let (one, other) = (nth(rng.below(count)), nth(rng.below(count)));
    let column = columns[pick(rng, columns.len())];
    let list = columns.join(", ");
    let before = format!("SELECT {key}, {list} FROM {rows} r");
    execute(database, format!("CREATE TEMP TABLE before AS {before}")).await.unwrap();
    let statements = match rng.below(5) {
        // A change of one value.
        0 => vec![format!(
            "UPDATE {table} SET {column} = CASE typeof({column})
                 WHEN 'integer' THEN {column} + 1
                 WHEN 'text' THEN {column} || 'x'
                 WHEN 'blob' THEN zeroblob(length({column}))
                 ELSE (SELECT {column} FROM {rows} r WHERE {column} IS NOT NULL LIMIT 1) END
             WHERE {key} = {one}"
        )],
        1 => vec![format!("UPDATE {table} SET {column} = NULL WHERE {key} = {one}")],
        // The value of another row.
        2 => vec![format!(
            "UPDATE {table} SET {column} = (SELECT {column} FROM {table} WHERE {key} = {other}) WHERE {key} = {one}"
        )],
        // A cut.
        3 => vec![format!("DELETE FROM {table} WHERE {key} = {one}")],
        // An earlier version of a row, with its code.
        _ => {
            let older = format!("SELECT {key} FROM (SELECT {key}, {list} FROM older.{table} EXCEPT {before}) changed");
            let chosen = format!("{older} ORDER BY {key} LIMIT 1 OFFSET {}", rng.below(3));
            execute(database, format!("CREATE TEMP TABLE chosen AS {chosen}")).await.unwrap();
            vec![
                format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM chosen)"),
                format!("INSERT INTO {table} SELECT * FROM older.{table} WHERE {key} IN (SELECT {key} FROM chosen)"),
            ]
        }
    };
    for statement in &statements {
        execute(database, statement.clone()).await?;
    }
    if table == "journal" && rng.below(2) == 0 {
        rehash(database).await;
    }
    let after = format!("SELECT COUNT(*) FROM ({before} EXCEPT SELECT * FROM before)");
    let cut = format!("SELECT COUNT(*) FROM (SELECT * FROM before EXCEPT {before})");
    let changed = number(database, after).await + number(database, cut).await;
    (changed > 0).then(|| statements.join("; "))
}

/// Whether anything is found in the file.
async fn is_found(path: &Path, key: &Path) -> bool {
    let database = Database::file(path.to_owned(), KeyLocation::Given(read_key(key)));
    matches!(verify_journal(path).await.unwrap(), JournalCheck::Broken(_))
        || !database.verify_history().await.unwrap().is_empty()
}

fn read_key(path: &Path) -> [u8; 32] {
    let mut key = [0; 32];
    hex::decode_to_slice(std::fs::read_to_string(path).unwrap().trim(), &mut key).unwrap();
    key
}

#[tokio::test]
async fn every_column_is_changed_by_the_test_or_listed_as_one_that_does_not_decide() {
    let mut story = Harness::start().await;
    story.stop().await;
    let mut database = open(&story.database_file()).await;
    for (table, _, decide) in TABLES {
        let others = OTHERS.iter().find(|(name, _)| name == table).map_or(&[][..], |(_, columns)| columns);
        let mut listed: Vec<_> = decide.iter().chain(others).map(ToString::to_string).collect();
        let statement = "SELECT name FROM pragma_table_info(?) ORDER BY name";
        let rows = sqlx::query(statement).bind(table).fetch_all(&mut database).await.unwrap();
        let columns: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
        listed.sort();
        assert_eq!(listed, columns, "{table}: list a new column");
    }
    database.close().await.unwrap();
    story.finish(&[]).await;
}

#[tokio::test]
async fn any_change_of_a_row_that_decides_is_found() {
    let (story, older) = story().await;
    let (key, lock) = (story.folder().join("offboardd.db.key"), story.folder().join("offboardd.db.lock"));
    let (path, beside) = (story.folder().join("tampered.db"), story.folder().join("tampered.db.lock"));
    assert!(!is_found(&story.database_file(), &key).await, "nothing was changed yet");
    std::fs::copy(story.folder().join("offboardd.db.keys"), story.folder().join("tampered.db.keys")).unwrap();
    let mut rng = SeededRng::from_environment();
    let (begun, mut tampered) = (Instant::now(), 0);
    while begun.elapsed() < TIME {
        std::fs::copy(story.database_file(), &path).unwrap();
        std::fs::copy(&lock, &beside).unwrap();
        let mut database = open(&path).await;
        for trigger in ["journal_is_never_changed", "journal_is_never_shortened"] {
            execute(&mut database, format!("DROP TRIGGER {trigger}")).await.unwrap();
        }
        execute(&mut database, format!("ATTACH '{}' AS older", older.display())).await.unwrap();
        let done = tamper(&mut database, &mut rng).await;
        database.close().await.unwrap();
        if let Some(done) = done {
            tampered += 1;
            assert!(is_found(&path, &key).await, "not found: {done}");
        }
    }
    println!("{tampered} changes were found");
    assert!(tampered > 20, "{tampered}");
    story.finish(&["revoke person0@example.com", "revoke person1@example.com", "revoke person2@example.com"]).await;
}

#[tokio::test]
async fn pause_that_was_removed_in_the_file_raises_the_fence_before_the_first_call() {
    let mut story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    story.post_action("sources/hr/pause").await;
    story.stop().await;
    story.tampers();
    let mut database = story.database().await;
    execute(&mut database, "UPDATE sources SET paused_at = NULL, paused_by = NULL".to_owned()).await.unwrap();
    database.close().await.unwrap();
    story.start_daemon().await;
    let fences = story.store().fences().await.unwrap();
    assert!(fences[0].detail.starts_with("rows: the pauses and brakes of sources were changed"), "{fences:?}");
    story.advance("40d").await;

    // Once an approver has accepted the rows as they are, they are the new basis.
    let digest = story.api("/fence", None).await.body["digest"].clone();
    assert_eq!(story.api("/fence/lift", Some(json!({ "digest": digest, "reason": "compared" }))).await.status, 200);
    story.settle().await;
    assert_eq!(story.store().verify_history().await.unwrap(), []);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}
