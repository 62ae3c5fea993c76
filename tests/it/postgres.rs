//! Real daemons over a real PostgreSQL server: each site is worked by one at a time, and nothing acknowledged is lost.

mod cluster;
mod faults;
mod network;
mod pooler;
mod replicas;
mod transfer;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use crate::binary::{CommandOutput, Daemon, Folder, sandbox_list, settings};
use crate::harness::postgres::StoryDatabase;

/// A database, a site, and a folder with the settings for both.
struct Story {
    database: StoryDatabase,
    folder: Folder,
    _sandbox: crate::binary::Process,
    site: std::net::SocketAddr,
}

impl Story {
    fn begin(database: StoryDatabase) -> Self {
        let folder = Folder::new("");
        let (sandbox, site) = folder.sandbox(&["--deletion-grace", "1s"]);
        folder.file("address", &database.url());
        folder.file("key", &"07".repeat(32));
        offboardd::store::read_or_make_evidence_key(&folder.database()).unwrap();
        let store = "store = { url = { file = \"address\" }, key = { file = \"key\" } }
             evidence.key = { file = \"offboardd.db.evidence-key\" }";
        folder.file("offboardd.toml", &format!("{store}\n{}", settings(site, "")));
        Self { database, folder, _sandbox: sandbox, site }
    }

    fn send(&self, daemon: &Daemon, id: &str, email: &str) -> CommandOutput {
        let body = format!(r#"{{"type":"departed","person":{{"email":"{email}"}}}}"#);
        let body = self.folder.file(&format!("{id}.json"), &body);
        let url = format!("http://{}/webhooks/hr", daemon.webhooks);
        self.folder.run(&["send", "hr", "--body", &body, "--id", id, "--url", &url])
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.database.url()).await.unwrap()
    }

    /// Migrates the database as a newer version would.
    async fn migrate_beyond(&self) {
        let mut beside = self.connect().await;
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     SELECT MAX(version) + 1, 'newer', TRUE, '\\x00', 0 FROM _sqlx_migrations";
        sqlx::query(newer).execute(&mut beside).await.unwrap();
        beside.close().await.unwrap();
    }

    /// The emails of the deleted accounts.
    async fn deleted(&self) -> Vec<Value> {
        let mut accounts = sandbox_list(self.site, "accounts").await;
        accounts.retain(|account| account["state"] == "deleted");
        accounts.iter_mut().map(|account| account["email"].take()).collect()
    }
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn second_daemon_takes_webhooks_and_takes_over_the_site_of_a_killed_one() {
    let story = Story::begin(StoryDatabase::create().await);
    let mut first = story.folder.serve("info");
    first.wait_until_it_works(&["acme"]).await;
    let mut second = story.folder.serve("info");
    let sent = story.send(&second, "one", "ann@example.com");
    assert_eq!(sent.code, Some(0), "{sent:?}");
    first.process.wait_for_lines("revoke_confirmed", 1);
    let (here, there) = (first.readiness().await, second.readiness().await);
    assert_ne!(here["replica"], there["replica"]);
    assert_eq!((&here["sites"], &there["sites"]), (&json!(["acme"]), &json!([])));
    assert_eq!(here["settings"]["fingerprint"], there["settings"]["fingerprint"]);
    assert_eq!((&here["settings"]["differs"], &there["settings"]["differs"]), (&json!([]), &json!([])));

    first.process.kill();
    let killed_at = Instant::now();
    second.wait_until_it_works(&["acme"]).await;
    assert!(killed_at.elapsed() < Duration::from_secs(5), "taken over after {:?}", killed_at.elapsed());
    let repeated = story.send(&second, "one", "ann@example.com");
    assert!(repeated.stdout.contains("duplicate"), "{repeated:?}");
    second.process.wait_for_lines("gone_confirmed", 1);
    assert!(second.process.terminate().success());
    assert_eq!(story.deleted().await, ["ann@example.com"]);
    let verified = story.folder.run(&["journal", "verify"]);
    assert!(verified.stdout.starts_with("intact: ") && !verified.stdout.contains("not verified"), "{verified:?}");
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn first_delivery_after_a_restart_of_the_server_is_accepted() {
    let story = Story::begin(StoryDatabase::create().await);
    let mut daemon = story.folder.serve("info");
    daemon.wait_until_it_works(&["acme"]).await;
    assert_eq!(story.send(&daemon, "one", "ann@example.com").code, Some(0));
    daemon.process.wait_for_lines("gone_confirmed", 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    // What a restart does to a connection that is idle at that time.
    let mut beside = story.connect().await;
    let ended = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: i64 = sqlx::query(ended).fetch_one(&mut beside).await.unwrap().get(0);
    assert!(ended > 1, "{ended} connections");
    let sent = story.send(&daemon, "two", "ben@example.com");
    assert_eq!(sent.code, Some(0), "{sent:?}");
    daemon.process.wait_for_lines("gone_confirmed", 2);
    assert!(daemon.process.terminate().success());
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn operator_at_one_replica_stops_what_another_one_would_do() {
    let story = Story::begin(StoryDatabase::create().await);
    let token = "rosa-4pprover-secret-0123456789";
    story.folder.file("rosa", token);
    let settings = std::fs::read_to_string(story.folder.path().join("offboardd.toml")).unwrap();
    let settings = settings.replace("local_grace = \"1s\"", "local_grace = \"4s\"");
    let tokens = "admin.tokens = [{ name = \"rosa\", role = \"approver\", token = { file = \"rosa\" } }]";
    story.folder.file("offboardd.toml", &format!("{tokens}\n{settings}"));
    let mut first = story.folder.serve("info");
    first.wait_until_it_works(&["acme"]).await;
    let second = story.folder.serve("info");
    let (http, admin) = (crate::http::client(), second.admin);
    let post = async |path: &str| {
        let request = http.post(format!("http://{admin}/api/v1/{path}")).bearer_auth(token);
        let answer = request.json(&json!({ "reason": "by hand" })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {:?}", answer.text().await);
    };
    assert_eq!(story.send(&second, "one", "ann@example.com").code, Some(0));
    first.process.wait_for_lines("revoke_confirmed", 1);
    let cases = http.get(format!("http://{admin}/api/v1/cases")).bearer_auth(token).send().await.unwrap();
    let cases: Value = cases.json().await.unwrap();
    let id = cases["items"][0]["id"].as_str().unwrap();
    post(&format!("cases/{id}/hold")).await;
    post("sources/hr/pause").await;
    let paused_at = Instant::now();
    let paused = async || story.send(&first, "two", "ben@example.com").code != Some(0);
    while !paused().await {
        assert!(paused_at.elapsed() < Duration::from_secs(5), "the first replica still accepts deliveries");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(story.deleted().await, [Value::Null; 0], "deleted although it was held");
    post("sources/hr/resume").await;
    post(&format!("cases/{id}/release")).await;
    first.process.wait_for_lines("gone_confirmed", 1);
    assert!(story.deleted().await.contains(&"ann@example.com".into()));
    assert!(first.process.terminate().success());
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn replica_that_stops_hands_over_its_sites_immediately() {
    let story = Story::begin(StoryDatabase::create().await);
    let mut first = story.folder.serve("info");
    first.wait_until_it_works(&["acme"]).await;
    let second = story.folder.serve("info");
    first.process.send_sigterm();
    let stopped_at = Instant::now();
    second.wait_until_it_works(&["acme"]).await;
    let took = stopped_at.elapsed();
    assert!(took < Duration::from_secs(2), "taken over after {took:?}");
    assert!(first.process.wait().success());
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn replica_with_other_settings_is_shown() {
    let story = Story::begin(StoryDatabase::create().await);
    let first = story.folder.serve("info");
    first.wait_until_it_works(&["acme"]).await;
    let settings = std::fs::read_to_string(story.folder.path().join("offboardd.toml")).unwrap();
    story.folder.file("offboardd.toml", &settings.replace("local_grace = \"1s\"", "local_grace = \"2s\""));
    let second = story.folder.serve("info");
    let other = second.readiness().await["replica"].clone();
    let begun = Instant::now();
    while first.readiness().await["settings"]["differs"] != json!([other]) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", first.readiness().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn daemon_stops_when_a_newer_version_has_migrated_the_database() {
    let story = Story::begin(StoryDatabase::create().await);
    let mut daemon = story.folder.serve("info");
    daemon.wait_until_it_works(&["acme"]).await;
    story.migrate_beyond().await;
    daemon.process.wait_for_lines("run the newer offboardd", 1);
    assert_eq!(daemon.process.wait().code(), Some(1));
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn daemon_continues_after_the_server_ended_its_sessions() {
    let story = Story::begin(StoryDatabase::create().await);
    let mut daemon = story.folder.serve("info");
    assert_eq!(story.send(&daemon, "one", "ann@example.com").code, Some(0));
    let mut beside = story.connect().await;
    let end = "SELECT COUNT(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'offboardd'";
    let ended: i64 = sqlx::query(end).fetch_one(&mut beside).await.unwrap().get("ended");
    assert!(ended >= 2, "the sessions of the daemon: {ended}");
    beside.close().await.unwrap();
    // `send` repeats as the vendor would, until it is accepted.
    let mut codes = Vec::new();
    while codes.last() != Some(&Some(0)) {
        assert!(codes.len() < 50, "never accepted again: {codes:?}");
        codes.push(story.send(&daemon, "two", "ben@example.com").code);
    }
    daemon.process.wait_for_lines("gone_confirmed", 2);
    assert!(daemon.process.terminate().success());
    let mut deleted = story.deleted().await;
    deleted.sort_by_key(Value::to_string);
    assert_eq!(deleted, ["ann@example.com", "ben@example.com"]);
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn schema_is_migrated_once_and_a_newer_one_is_refused() {
    let story = Story::begin(StoryDatabase::create_empty().await);
    let early = story.folder.run(&["journal", "verify"]);
    assert!(early.stderr.contains("it has no schema of this version: `offboardd migrate` makes it"), "{early:?}");
    let migrated = story.folder.run(&["migrate"]);
    assert_eq!(migrated.stdout, "updated the database schema in 1 step\n", "{migrated:?}");
    assert_eq!(story.folder.run(&["migrate"]).stdout, "the database schema is up to date\n");
    story.migrate_beyond().await;
    for command in ["migrate", "serve"] {
        let refused = story.folder.run(&[command]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("and this version of offboardd knows"), "{refused:?}");
    }
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn commands_on_files_name_the_tools_of_the_server() {
    let story = Story::begin(StoryDatabase::create().await);
    for arguments in [&["backup", "copy.db"][..], &["restore", "copy.db"], &["doctor"]] {
        let refused = story.folder.run(arguments);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("for a PostgreSQL database, use"), "{refused:?}");
    }
    let checked = story.folder.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!checked.stdout.contains("unused"), "the password is shown: {checked:?}");
    assert!(checked.stderr.contains("warning: store.url: the server has no synchronous standby"), "{checked:?}");
    assert!(!checked.stderr.contains("synchronous_commit is"), "{checked:?}");
    let mut beside = story.connect().await;
    let off =
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$";
    sqlx::raw_sql(off).execute(&mut beside).await.unwrap();
    beside.close().await.unwrap();
    let checked = story.folder.run(&["check"]);
    assert!(checked.stderr.contains("warning: store.url: synchronous_commit is off on the server"), "{checked:?}");
    let rotated = story.folder.run(&["key", "rotate"]);
    assert!(rotated.stderr.contains("write the new key before the old one"), "{rotated:?}");
    story.database.remove().await;
}

/// The number of entries and the newest link.
fn head(folder: &Folder) -> Value {
    let verified = folder.run(&["journal", "verify", "--json"]);
    let verified: Value = serde_json::from_str(&verified.stdout).unwrap_or_else(|_| panic!("{verified:?}"));
    assert_eq!((&verified["intact"], &verified["rows_verified"]), (&true.into(), &true.into()), "{verified}");
    serde_json::json!([verified["entries"], verified["head"]])
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn database_moves_to_a_server_and_back_and_its_cases_continue() {
    let story = Story::begin(StoryDatabase::create_empty().await);
    let (folder, url) = (&story.folder, story.database.url());
    let on_server = std::fs::read_to_string(folder.path().join("offboardd.toml")).unwrap();
    let slow = on_server.replace("local_grace = \"1s\"", "local_grace = \"5s\"");
    let (_, others) = slow.split_once("evidence.key").unwrap();
    let beside =
        |path: &str| format!("store = {{ url = \"sqlite:{path}\", key = {{ file = \"key\" }} }}\nevidence.key{others}");
    folder.file("offboardd.toml", &beside("one.db"));
    let mut daemon = folder.serve("info");
    assert_eq!(story.send(&daemon, "one", "ann@example.com").code, Some(0));
    daemon.process.wait_for_lines("revoke_confirmed", 1);
    let refused = folder.run(&["migrate", "--to", &url]);
    assert!(refused.stderr.contains("another daemon uses this database"), "{refused:?}");
    assert!(daemon.process.terminate().success());

    let before = head(folder);
    let moved = folder.run(&["migrate", "--to", &url]);
    assert!(moved.stdout.starts_with("moved ") && moved.stdout.contains("journal entries are intact"), "{moved:?}");
    assert!(!moved.stdout.contains("unused"), "the password is shown: {moved:?}");
    let again = folder.run(&["migrate", "--to", &url]);
    assert!(again.stderr.contains("it holds a database already"), "{again:?}");

    folder.file("offboardd.toml", &slow);
    assert_eq!(head(folder), before);
    let mut daemon = folder.serve("info");
    let repeated = story.send(&daemon, "one", "ann@example.com");
    assert!(repeated.stdout.contains("duplicate"), "{repeated:?}");
    daemon.process.wait_for_lines("gone_confirmed", 1);
    assert_eq!(story.send(&daemon, "two", "ben@example.com").code, Some(0));
    daemon.process.wait_for_lines("revoke_confirmed", 1);
    assert!(daemon.process.terminate().success());

    let before = head(folder);
    let moved = folder.run(&["migrate", "--to", "sqlite:two.db"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    folder.file("offboardd.toml", &beside("two.db"));
    assert_eq!(head(folder), before);
    let mut daemon = folder.serve("info");
    daemon.process.wait_for_lines("gone_confirmed", 1);
    assert!(daemon.process.terminate().success());
    let mut deleted = story.deleted().await;
    deleted.sort_by_key(Value::to_string);
    assert_eq!(deleted, ["ann@example.com", "ben@example.com"]);

    // A daemon that still uses the previous database makes no change.
    folder.file("offboardd.toml", &beside("one.db"));
    let mut daemon = folder.serve("info");
    daemon.process.wait_for_lines("this database was moved to postgres://127.0.0.1:", 1);
    assert!(daemon.process.terminate().success());
    story.database.remove().await;
}
