//! A pooler in transaction mode between the replicas and the server: a transaction may be on any connection, and a session is on
//! none.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Story;
use crate::binary::Folder;
use crate::harness::postgres::StoryDatabase;

/// `PgBouncer` in front of a server. It passes no parameters of sessions on.
struct Pooler {
    process: Child,
    url: String,
}

impl Pooler {
    /// Starts the program. `None` if it is too old for prepared statements in transactions: 1.21 is the first one.
    fn start(server: &str, folder: &Folder) -> Option<Self> {
        let program = std::env::var("OFFBOARDD_PGBOUNCER").unwrap_or_else(|_unset| "pgbouncer".to_owned());
        let version = Command::new(&program).arg("--version").output().expect("PgBouncer is installed");
        let version = String::from_utf8(version.stdout).unwrap();
        let minor = version.split_whitespace().nth(1).and_then(|version| version.split('.').nth(1));
        let minor: u32 = minor.and_then(|minor| minor.parse().ok()).unwrap();
        if minor < 21 {
            println!("left out: {}", version.lines().next().unwrap());
            return None;
        }
        let (_, address) = server.split_once('@').unwrap();
        let (host, database) = address.split_once('/').unwrap();
        let (host, port) = host.split_once(':').unwrap();
        let own = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\nmax_prepared_statements = 1000\n\
             ignore_startup_parameters = options,extra_float_digits\n"
        )
        .replace("host=", "user=postgres host=");
        let settings = folder.file("pgbouncer.ini", &settings);
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", &program, &settings]).stdout(Stdio::null()).stderr(Stdio::null());
        for path in [folder.path().display().to_string(), settings.clone()] {
            assert!(Command::new("chmod").args(["a+rx", &path]).status().unwrap().success());
        }
        let process = command.spawn().unwrap();
        Some(Self { process, url: format!("postgres://postgres:unused@127.0.0.1:{own}/{database}") })
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let ended = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.process.id().to_string()]).status();
        assert!(ended.unwrap().success());
        drop(self.process.wait());
    }
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL, and PgBouncer 1.21 or newer"]
async fn replicas_share_the_work_behind_a_pooler_in_transaction_mode() {
    let story = Story::begin(StoryDatabase::create().await);
    let Some(pooler) = Pooler::start(&story.database.url(), &story.folder) else {
        return story.database.remove().await;
    };
    story.folder.file("address", &pooler.url);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut first = story.folder.serve("info");
    first.wait_until_it_works(&["acme"]).await;
    let mut second = story.folder.serve("info");
    for (id, email) in [("one", "ann@example.com"), ("two", "ben@example.com")] {
        let sent = story.send(&second, id, email);
        assert_eq!(sent.code, Some(0), "{sent:?}");
    }
    first.process.wait_for_lines("revoke_confirmed", 2);
    first.process.kill();
    let killed_at = Instant::now();
    second.wait_until_it_works(&["acme"]).await;
    assert!(killed_at.elapsed() < Duration::from_secs(5), "taken over after {:?}", killed_at.elapsed());
    second.process.wait_for_lines("gone_confirmed", 2);
    assert!(second.process.terminate().success());
    let mut deleted = story.deleted().await;
    deleted.sort_by_key(Value::to_string);
    assert_eq!(deleted, ["ann@example.com", "ben@example.com"]);
    drop(pooler);
    story.database.remove().await;
}
