//! The intake over PostgreSQL beside the same rows inserted by hand, on a server that the bench starts itself.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::daemon::Daemon;
use crate::folder::{Folder, NOWHERE, settings};
use crate::load::{BODY, Load};
use crate::table::{Table, median, ratio};

const ROUNDS: usize = 5;

/// Rows in each insert by hand.
const ROWS: usize = 64;

/// How many bytes sealing adds to a body.
const SEAL: usize = 28;

/// A server in the folder `$1` with the programs in `$2` on the port `$3`, until standard input ends.
const SERVER: &str = r#"
set -e
cd "$1"
"$2/initdb" -D data -A trust -U postgres -E UTF8 --locale=C >initdb.log
"$2/postgres" -D data -p "$3" -k "$1" -c listen_addresses=127.0.0.1 >log 2>&1 &
until "$2/pg_isready" -q -h 127.0.0.1 -p "$3"; do sleep 0.05; done
echo ready
cat >/dev/null
kill -QUIT $!
wait || true
rm -rf "$1"
"#;

const INSERT: &str = "INSERT INTO deliveries (id, source, received_at, dedupe_hash, body)
     SELECT *
     FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[])";

/// The daemon with everything on, and one connection that inserts 64 rows at a time.
pub(crate) fn beside_inserts_by_hand(table: &mut Table) {
    let Some(server) = Server::start() else {
        return table.add(("T17", "≥ 0.6", "≥ 0.85"), "PostgreSQL is not installed", "–".to_owned(), String::new());
    };
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let url = server.database(&format!("ours{round}"));
        let store = "store = { url = { file = \"address\" }, key = { file = \"key\" } }
            evidence.key = { file = \"offboardd.db.evidence-key\" }";
        let folder = Folder::new(&format!("{store}\n{}", settings(NOWHERE, 1)));
        folder.write("address", &url);
        folder.write("key", &"07".repeat(32));
        offboardd::store::read_or_make_evidence_key(&folder.database()).unwrap();
        let daemon = Daemon::serve(&folder);
        ours.push(Load::usual(daemon.webhooks).run().rate);
        drop(daemon);
        by_hand.push(server.wait_for(insert(&url, Duration::from_secs(3))));
    }
    let figures = format!("{:.0}/s beside {:.0}/s", median(ours.iter().copied()), median(by_hand.iter().copied()));
    let measured = format!("{:.2}", ratio(&ours, &by_hand));
    table.add(("T17", "≥ 0.6", "≥ 0.85"), "PostgreSQL: durable intake ÷ 64 rows an insert by hand", measured, figures);
}

/// Rows per second.
async fn insert(url: &str, lasts: Duration) -> f64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let (begun, mut count) = (Instant::now(), 0_usize);
    while begun.elapsed() < lasts {
        let numbers: Vec<_> = (count..count + ROWS).collect();
        let ids: Vec<_> = numbers.iter().map(|number| format!("019aab12-0000-7000-8000-{number:012}")).collect();
        let hashes: Vec<_> = numbers.iter().map(|number| number.to_be_bytes().repeat(4)).collect();
        let insert = sqlx::query(INSERT).bind(ids).bind(vec!["hr0"; ROWS]).bind(vec![0_i64; ROWS]).bind(hashes);
        insert.bind(vec![vec![7_u8; BODY + SEAL]; ROWS]).execute(&mut connection).await.unwrap();
        count += ROWS;
    }
    connection.close().await.unwrap();
    count as f64 / begun.elapsed().as_secs_f64()
}

struct Server {
    port: u16,
    runtime: tokio::runtime::Runtime,
    /// The server ends with this process, because its standard input does.
    _process: Child,
}

impl Server {
    fn start() -> Option<Self> {
        let installed = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path().join("bin"));
        let programs: PathBuf = installed.filter(|folder| folder.join("initdb").exists()).max()?;
        let folder = tempfile::tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = if rustix::process::geteuid().is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&folder).status().unwrap().success());
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.args(["-c", SERVER, "sh"]).arg(&folder).arg(&programs).arg(port.to_string()).current_dir(&folder);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "PostgreSQL does not start: see {}", folder.display());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Some(Self { port, runtime, _process: process })
    }

    /// A new database.
    fn database(&self, name: &str) -> String {
        let url = |name: &str| format!("postgres://postgres:unused@127.0.0.1:{}/{name}", self.port);
        self.wait_for(async {
            let mut connection = PgConnection::connect(&url("postgres")).await.unwrap();
            let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
            sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
        url(name)
    }

    fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}
