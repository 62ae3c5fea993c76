//! Upgrade and rollback: what an old version says about a new database, and a new version about an old one.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};

use crate::binary::{CommandOutput, Folder, settings};
use crate::harness::postgres::StoryDatabase;

/// The commands that open a database.
const COMMANDS: [&[&str]; 6] = [
    &["serve"],
    &["migrate"],
    &["backup", "copy.db"],
    &["key", "rotate"],
    &["journal", "verify"],
    &["doctor", "--online"],
];

const REMEDY: &str = "run the newer offboardd, or restore a backup from before the upgrade";

fn folder() -> Folder {
    Folder::new(&settings("127.0.0.1:9".parse().unwrap(), ""))
}

/// Makes the database one of the next version.
fn upgrade(path: &std::path::Path) {
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute_batch("CREATE TABLE news (id TEXT PRIMARY KEY); PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    let step = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                SELECT MAX(version) + 1, 'newer', TRUE, x'00', 0 FROM _sqlx_migrations";
    assert_eq!(database.execute(step, []).unwrap(), 1);
    database.close().unwrap();
}

/// The files of the folder, except for those that are locked and mapped only.
fn contents(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path));
    let lasting = named.filter(|(name, _)| !["-shm", "-wal", ".lock"].iter().any(|end| name.ends_with(end)));
    lasting.map(|(name, path)| (name, std::fs::read(path).unwrap())).collect()
}

fn refuses(ended: &CommandOutput, command: &[&str]) {
    assert_eq!(ended.code, Some(1), "{command:?}: {ended:?}");
    let first = ended.stderr.lines().find(|line| line.starts_with("offboardd: ")).unwrap_or_default().to_owned();
    let whole = first + ended.stderr.lines().last().unwrap_or_default();
    assert!(whole.contains("has schema version 2, and this version of offboardd knows 1"), "{command:?}: {ended:?}");
    assert!(whole.contains(REMEDY), "{command:?}: {ended:?}");
}

#[test]
fn old_version_refuses_a_new_database_and_changes_nothing() {
    let folder = folder();
    assert!(folder.serve("info").process.terminate().success());
    upgrade(&folder.database());
    let before = contents(&folder);
    assert!(before.contains_key("offboardd.db") && before.contains_key("offboardd.db.key"), "{:?}", before.keys());
    for command in COMMANDS {
        refuses(&folder.run(command), command);
        assert!(contents(&folder) == before, "{command:?} changed a file");
    }
}

#[test]
fn backup_of_a_new_version_is_refused_by_an_old_one_and_the_rollback_works() {
    let folder = folder();
    assert!(folder.serve("info").process.terminate().success());
    // As the document says: a backup before the upgrade.
    assert_eq!(folder.run(&["backup", "before.db"]).code, Some(0));
    std::fs::copy(folder.database(), folder.path().join("new.db")).unwrap();
    upgrade(&folder.path().join("new.db"));
    upgrade(&folder.database());

    let refused = folder.run(&["restore", "--replace", "new.db"]);
    refuses(&refused, &["restore"]);
    let restored = folder.run(&["restore", "--replace", "before.db"]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert!(restored.stdout.contains("the previous database is kept as "), "{restored:?}");
    let mut daemon = folder.serve("info");
    let lines = daemon.process.output_lines().join("\n");
    assert!(lines.contains("fence"), "a restored database is fenced: {lines}");
    assert!(daemon.process.terminate().success());
}

#[test]
fn new_version_says_that_an_old_database_has_to_be_migrated_and_serve_migrates_it() {
    let folder = folder();
    // The database of the version before the first step.
    let database = rusqlite::Connection::open(folder.database()).unwrap();
    let earlier = "CREATE TABLE _sqlx_migrations (
                       version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
                       success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";
    database.execute_batch(earlier).unwrap();
    database.close().unwrap();
    for command in [&["backup", "copy.db"][..], &["journal", "verify"], &["doctor", "--online"]] {
        let refused = folder.run(command);
        assert_eq!(refused.code, Some(1), "{command:?}: {refused:?}");
        assert!(refused.stderr.contains("`offboardd migrate` makes it"), "{command:?}: {refused:?}");
    }
    assert!(!folder.path().join("copy.db").exists(), "a backup that failed leaves a file");
    assert!(folder.serve("info").process.terminate().success());
    assert_eq!(folder.run(&["migrate"]).stdout, "the database schema is up to date\n");
    assert_eq!(folder.run(&["backup", "copy.db"]).code, Some(0));
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn old_version_refuses_a_new_database_on_a_server_too() {
    let database = StoryDatabase::create_empty().await;
    let folder = Folder::new("");
    folder.file("address", &database.url());
    folder.file("key", &"07".repeat(32));
    offboardd::store::read_or_make_evidence_key(&folder.database()).unwrap();
    let store = "store = { url = { file = \"address\" }, key = { file = \"key\" } }
         evidence.key = { file = \"offboardd.db.evidence-key\" }";
    folder.file("offboardd.toml", &format!("{store}\n{}", settings("127.0.0.1:9".parse().unwrap(), "")));
    // For a rotation: the new key before the old one.
    let two_keys = "08".repeat(32) + "\n" + &"07".repeat(32);
    folder.file("key", &two_keys);
    for command in [&["key", "rotate"][..], &["journal", "verify"]] {
        let refused = folder.run(command);
        assert!(refused.code == Some(1) && refused.stderr.contains("`offboardd migrate` makes it"), "{refused:?}");
    }
    assert!(folder.serve("info").process.terminate().success());
    let mut beside = PgConnection::connect(&database.url()).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT MAX(version) + 1, 'newer', TRUE, '\\x00', 0 FROM _sqlx_migrations";
    beside.execute(newer).await.unwrap();
    beside.close().await.unwrap();
    for command in COMMANDS {
        // These two are for files only.
        if !["backup", "doctor"].contains(&command[0]) {
            refuses(&folder.run(command), command);
        }
    }
    database.remove().await;
}
