//! The files of the database: who may read them, and what a daemon says of those that it cannot use.

use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::after;
use super::load::{self, UNREACHABLE};
use super::table::expect_row;
use crate::binary::Folder;

fn folder() -> Folder {
    Folder::new(&load::settings(UNREACHABLE, "offboardd.db"))
}

fn mode(file: &Path) -> u32 {
    file.metadata().unwrap_or_else(|error| panic!("{}: {error}", file.display())).permissions().mode() & 0o777
}

async fn take(daemon: &crate::binary::Daemon, id: &str) -> Option<u16> {
    let body = json!({ "type": "ignored", "id": id }).to_string();
    let http = crate::http::client();
    load::post(&http, &load::hr_source(), daemon.webhooks, id, &body).await.map(|(status, _)| status)
}

#[tokio::test]
async fn files_are_private_with_any_umask() {
    let row = expect_row("umask 0", "every file is its owner’s alone");
    let folder = folder();
    let mut daemon = Folder::serve_as(&mut after("umask 0", &folder, &["serve"]));
    assert_eq!(take(&daemon, "a").await, Some(202));
    assert!(after("umask 0", &folder, &["backup", "copy.db"]).output().unwrap().status.success());
    for file in
        ["offboardd.db", "offboardd.db-wal", "offboardd.db-shm", "offboardd.db.key", "offboardd.db.lock", "copy.db"]
    {
        assert_eq!(mode(&folder.path().join(file)), 0o600, "{file}");
    }
    assert!(daemon.process.terminate().success());

    let migrated = self::folder();
    assert!(after("umask 0", &migrated, &["migrate"]).output().unwrap().status.success());
    assert_eq!(mode(&migrated.database()), 0o600);
    row.passed(7, "7 × 0600");
}

#[tokio::test]
async fn missing_key_is_refused_and_not_replaced() {
    let row = expect_row(
        "the key is lost, or another one",
        "a refusal to start that says where to put it; no file is changed",
    );
    let folder = folder();
    let mut daemon = folder.serve("info");
    assert_eq!(take(&daemon, "a").await, Some(202));
    assert!(daemon.process.terminate().success());
    let (key, kept) = (folder.path().join("offboardd.db.key"), folder.path().join("kept"));
    std::fs::rename(&key, &kept).unwrap();
    let before = std::fs::read(folder.database()).unwrap();
    for arguments in [["serve"].as_slice(), &["backup", "copy.db"]] {
        let refused = folder.run(arguments);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            refused.stderr.contains("the key of this database is gone: put its file back at "),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("offboardd.db.key"), "{}", refused.stderr);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".key")), "{left:?}");
    }
    assert!(std::fs::read(folder.database()).unwrap() == before, "the database was written to");

    // Another one is no help, and is left as it is.
    std::fs::write(&key, "11".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let refused = folder.run(&["serve"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("sealed with another key"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "11".repeat(32));
    std::fs::rename(&kept, &key).unwrap();
    let daemon = folder.serve("info");
    assert_eq!(take(&daemon, "a").await, Some(200));
    row.passed(3, "3 refusals");
}

#[test]
fn readable_or_malformed_key_file_is_refused_and_kept() {
    let row = expect_row(
        "a key file that others may read, or that holds no key",
        "a refusal to start that does not repeat it",
    );
    for (text, mode, reason) in [
        ("11".repeat(32), 0o640, "others may read it: allow it to its owner only (chmod 600)"),
        ("11".repeat(31), 0o600, "it does not hold 64 hexadecimal digits"),
        (String::new(), 0o600, "it does not hold 64 hexadecimal digits"),
        ("zz".repeat(32), 0o600, "it does not hold 64 hexadecimal digits"),
    ] {
        let folder = folder();
        let key = folder.path().join("offboardd.db.key");
        std::fs::write(&key, &text).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = folder.run(&["serve"]);
        assert!(refused.code == Some(1) && refused.stderr.contains(reason), "{refused:?}");
        assert!(!refused.stderr.contains("11111111") && !refused.stderr.contains("zz"), "{}", refused.stderr);
        assert_eq!(std::fs::read_to_string(&key).unwrap(), text);
    }
    row.passed(4, "4 refusals");
}

#[tokio::test]
async fn damaged_database_is_refused_or_503() {
    let row = expect_row(
        "a page of the database is overwritten",
        "a refusal to start with a clear reason, 503, or it is not needed",
    );
    let folder = folder();
    let mut daemon = folder.serve("info");
    assert_eq!(take(&daemon, "a").await, Some(202));
    assert!(daemon.process.terminate().success());
    let whole = std::fs::read(folder.database()).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 10, "{pages}");

    // The first page is the way to all others.
    let file = std::fs::OpenOptions::new().write(true).open(folder.database()).unwrap();
    file.write_all_at(&[0x5a; 4096], 0).unwrap();
    let refused = folder.run(&["serve"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("file is not a database"), "{}", refused.stderr);

    let mut outcomes = std::collections::BTreeMap::new();
    for page in 1..pages {
        std::fs::write(folder.database(), &whole).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(folder.database()).unwrap();
        file.write_all_at(&[0x5a; 4096], u64::try_from(page * 4096).unwrap()).unwrap();
        drop(file);
        let outcome = match folder.try_serve() {
            Err(ended) => {
                assert_eq!(ended.code, Some(1), "{ended:?}");
                assert!(ended.stderr.contains("offboardd: "), "{}", ended.stderr);
                assert!(ended.stderr.contains("because: ") || ended.stderr.contains("store.url"), "{}", ended.stderr);
                "refused to start"
            }
            Ok(daemon) => match take(&daemon, "b").await {
                Some(503) => "503",
                // The page is one that a delivery does not need.
                Some(202) => "taken",
                other => panic!("page {page}: {other:?}"),
            },
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
        for beside in ["-wal", "-shm"] {
            drop(std::fs::remove_file(folder.path().join(format!("offboardd.db{beside}"))));
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.contains_key("503") && outcomes.contains_key("refused to start"), "{outcomes:?}");
    row.passed(pages, format!("{outcomes:?}"));
}

#[tokio::test]
async fn locked_database_is_503_until_it_is_unlocked() {
    let row = expect_row("another process locks the database", "503 until it releases it, then stored once");
    let folder = folder();
    let daemon = folder.serve("info");
    assert_eq!(take(&daemon, "a").await, Some(202));
    let mut other = load::open(&folder.database()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let begun = Instant::now();
    // Both at the same time: each waits as long as the database is busy.
    let (b, c) = tokio::join!(take(&daemon, "b"), take(&daemon, "c"));
    for status in [b, c] {
        assert_eq!(status, Some(503), "{:#?}", daemon.process.output_lines());
    }
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    // One whose write still waited after the response is stored now: its repetition is a duplicate.
    for id in ["b", "c"] {
        let status = take(&daemon, id).await;
        assert!(matches!(status, Some(202 | 200)), "{status:?}: {:#?}", daemon.process.output_lines());
        assert_eq!(take(&daemon, id).await, Some(200), "{id} is stored");
    }
    row.passed(2, "2 × 503, then 2 stored once");
}

#[tokio::test]
async fn transaction_rolled_back_by_sqlite_fails_alone() {
    let row = expect_row("SQLite gives a transaction up by itself", "503, and 202 as soon as the reason is gone");
    // As when the disk is full (`disk.rs` fills one).
    let folder = folder();
    let daemon = folder.serve("info");
    let mut other = load::open(&folder.database()).await;
    let full = "CREATE TRIGGER full BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ROLLBACK, 'as if full'); END";
    sqlx::query(full).execute(&mut other).await.unwrap();
    for id in ["a", "b", "c"] {
        assert_eq!(take(&daemon, id).await, Some(503));
    }
    sqlx::query("DROP TRIGGER full").execute(&mut other).await.unwrap();
    for id in ["a", "b", "c"] {
        assert_eq!(take(&daemon, id).await, Some(202), "{:#?}", daemon.process.output_lines());
    }
    row.passed(3, "3 × 503, then 3 × 202");
}
