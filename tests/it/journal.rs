//! The journal cannot be changed in passing, and a deliberate change is detected.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

use crate::binary::{CommandOutput, Folder};
use crate::harness::{Harness, site_name};

async fn open(database: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(database)).await.unwrap()
}

/// The files of a case that was carried through to its end, in a folder of their own.
async fn carried_through() -> (Folder, i64) {
    let mut story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    story.advance("30d").await;
    story.advance("14d").await;
    let entries = story.history("ann@example.com").await.len();
    story.stop().await;
    let folder = Folder::new("");
    std::fs::copy(story.database_file(), folder.database()).unwrap();
    story.start_daemon().await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
    (folder, i64::try_from(entries).unwrap())
}

fn verify(folder: &Folder) -> CommandOutput {
    folder.run(&["journal", "verify", "offboardd.db"])
}

#[tokio::test]
async fn journal_rows_cannot_be_updated_or_deleted() {
    let (folder, entries) = carried_through().await;
    let mut database = open(&folder.database()).await;
    for statement in [
        "UPDATE journal SET detail = '{}' WHERE seq = 2",
        "UPDATE journal SET seq = 100 WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 2",
        "DELETE FROM journal",
    ] {
        let refused = sqlx::query(statement).execute(&mut database).await.unwrap_err();
        assert!(refused.to_string().contains("the journal is append-only"), "{statement}: {refused}");
    }
    database.close().await.unwrap();
    let verdict = verify(&folder);
    assert_eq!(verdict.code, Some(0), "{verdict:?}");
    assert!(verdict.stdout.starts_with(&format!("intact: {entries} entries")), "{}", verdict.stdout);
}

#[tokio::test]
async fn verify_finds_an_entry_changed_without_the_triggers() {
    let (folder, entries) = carried_through().await;
    assert!(entries >= 6);
    let untouched = std::fs::read(folder.database()).unwrap();
    for (tampering, found) in [
        ("UPDATE journal SET detail = '{}' WHERE seq = 2", "entry 2 does not follow"),
        ("UPDATE journal SET at = at + 1 WHERE seq = 3", "entry 3 does not follow"),
        ("UPDATE journal SET kind = 'stopped' WHERE seq = 1", "entry 1 does not follow"),
        ("UPDATE journal SET case_id = NULL WHERE seq = 4", "entry 4 does not follow"),
        ("UPDATE journal SET link = zeroblob(32) WHERE seq = 5", "entry 5 does not follow"),
        ("DELETE FROM journal WHERE seq = 1", "entry 1 is missing"),
        ("DELETE FROM journal WHERE seq = 3", "entry 3 is missing"),
        (
            "DELETE FROM journal WHERE seq = 3; UPDATE journal SET seq = seq - 1 WHERE seq > 3",
            "entry 3 does not follow",
        ),
        (
            "INSERT INTO journal SELECT MAX(seq) + 1, MAX(at), NULL, 'slipped_in', '{}', zeroblob(32), zeroblob(32) FROM journal",
            "does not follow",
        ),
    ] {
        std::fs::write(folder.database(), &untouched).unwrap();
        let mut database = open(&folder.database()).await;
        let unlocked = "DROP TRIGGER journal_is_never_changed; DROP TRIGGER journal_is_never_shortened";
        sqlx::raw_sql(unlocked).execute(&mut database).await.unwrap();
        sqlx::raw_sql(tampering).execute(&mut database).await.unwrap();
        database.close().await.unwrap();

        let verdict = verify(&folder);
        assert_eq!(verdict.code, Some(1), "{tampering}: {verdict:?}");
        assert!(verdict.stdout.contains(found), "{tampering}: {}", verdict.stdout);
        let json: Value =
            serde_json::from_str(&folder.run(&["journal", "verify", "offboardd.db", "--json"]).stdout).unwrap();
        assert_eq!(json["intact"], false);
    }
}

#[tokio::test]
async fn pause_and_resume_are_journaled_and_repetitions_are_not() {
    let story = Harness::start().await;
    let (site, source, now) = (site_name(), "hr".parse().unwrap(), story.now());
    let mut tx = story.store().begin().await.unwrap();
    for reason in ["401", "403"] {
        tx.pause_site(&site, reason, now).await.unwrap();
    }
    for changes in [true, false] {
        assert_eq!(tx.resume_site(&site, "rosa", now).await.unwrap(), changes);
    }
    for changes in [true, false] {
        assert_eq!(tx.pause_source(&source, "rosa", now).await.unwrap(), changes);
    }
    for changes in [true, false] {
        assert_eq!(tx.resume_source(&source, "tom", now).await.unwrap(), changes);
    }
    tx.commit().await.unwrap();
    let mut database = story.database().await;
    let rows = sqlx::query("SELECT kind, detail FROM journal ORDER BY seq").fetch_all(&mut database).await.unwrap();
    let entries: Vec<(String, Value)> =
        rows.iter().map(|row| (row.get(0), serde_json::from_str(row.get(1)).unwrap())).collect();
    let expected = [
        ("site_paused", json!({ "site": "acme", "reason": "401" })),
        ("site_resumed", json!({ "site": "acme", "by": "rosa" })),
        ("source_paused", json!({ "source": "hr", "by": "rosa" })),
        ("source_resumed", json!({ "source": "hr", "by": "tom" })),
    ];
    assert_eq!(entries, expected.map(|(kind, detail)| (kind.to_owned(), detail)));
    story.finish(&[]).await;
}

#[tokio::test]
async fn verify_reports_the_newest_link_so_that_truncation_shows() {
    let (folder, entries) = carried_through().await;
    let whole = verify(&folder).stdout;
    let mut database = open(&folder.database()).await;
    let cut = "DROP TRIGGER journal_is_never_shortened; DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)";
    sqlx::raw_sql(cut).execute(&mut database).await.unwrap();
    let left: i64 = sqlx::query("SELECT COUNT(*) FROM journal").fetch_one(&mut database).await.unwrap().get(0);
    assert_eq!(left, entries - 1);
    database.close().await.unwrap();
    // The chain alone cannot know; who kept the link elsewhere does.
    assert_ne!(verify(&folder).stdout, whole);
}

#[test]
fn verify_of_a_missing_or_foreign_database_fails() {
    let folder = Folder::new("");
    let missing = verify(&folder);
    assert_eq!((missing.code, missing.stderr.starts_with("offboardd: no database at")), (Some(1), true));
    folder.file("offboardd.db", "this is no database, whatever its name says, and never was one");
    let none = verify(&folder);
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""), "{none:?}");
}

/// The resident memory of a process, in KiB, at its highest.
fn peak_memory(output: &str) -> u64 {
    let line = output.lines().find(|line| line.starts_with("VmHWM:")).expect("the kernel reports it");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
#[ignore = "writes a journal of a million entries and prints times; run it alone with --nocapture"]
async fn million_entries_are_verified_in_seconds_with_constant_memory() {
    use offboardd::proof::chain::{ChainEntry, GENESIS};
    let mut peaks = Vec::new();
    for entries in [100_000_i64, 1_000_000] {
        let folder = tempfile::tempdir().unwrap();
        let database =
            offboardd::store::Database::file(folder.path().join("offboardd.db"), offboardd::store::KeyLocation::Beside);
        database.open().await.unwrap().close().await;
        let mut connection = open(&database.path).await;
        sqlx::raw_sql("PRAGMA synchronous = OFF; BEGIN").execute(&mut connection).await.unwrap();
        let mut link = GENESIS;
        for seq in 1..=entries {
            let detail = format!("{{\"state\":\"revoked\",\"from\":\"revoking\",\"version\":{seq}}}");
            let case_id = Some("019a2b3c-4d5e-7f60-8123-456789abcdef".to_owned());
            let entry = ChainEntry {
                seq,
                at: jiff::Timestamp::UNIX_EPOCH,
                case_id,
                kind: "revoke_confirmed".to_owned(),
                detail,
            };
            link = entry.link(&link);
            sqlx::query(
                "INSERT INTO journal (seq, at, case_id, kind, detail, link, code) VALUES (?, 0, ?, ?, ?, ?, x'00')",
            )
            .bind(seq)
            .bind(&entry.case_id)
            .bind(&entry.kind)
            .bind(&entry.detail)
            .bind(link.as_slice())
            .execute(&mut connection)
            .await
            .unwrap();
        }
        sqlx::raw_sql("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        // Without the key: the links alone.
        std::fs::remove_file(database.key_file()).unwrap();
        let begun = std::time::Instant::now();
        let script = "\"$0\" journal verify \"$1\" & child=$!; while kill -0 $child 2> /dev/null; do \
                      grep VmHWM /proc/$child/status > peak 2> /dev/null && cp peak last; sleep 0.02; done; wait $child; cat last";
        let output = std::process::Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_offboardd"), &database.path.display().to_string()])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.starts_with(&format!("intact: {entries} entries")), "{text}{output:?}");
        peaks.push(peak_memory(&text));
        println!("{entries} entries: {:?}, {} KiB at most", begun.elapsed(), peaks.last().unwrap());
    }
    assert!(peaks[1] < peaks[0] + 16 * 1024, "the memory grows with the journal: {peaks:?}");
}
