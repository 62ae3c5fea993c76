//! A large database is moved to a server and back: the same rows, the same journal, the same evidence.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use offboardd::domain::ids::CaseId;
use offboardd::proof::signature::SigningKey;
use offboardd::store::{Database, KeyLocation, read_or_make_evidence_key};
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::{Story, head};
use crate::binary::{CommandOutput, Daemon, Folder};
use crate::harness::postgres::StoryDatabase;
use crate::stress::load;
use crate::stress::table::expect_row;
use crate::stress::times;

/// The events of one delivery.
const BATCH: usize = 5_000;

const TIMEOUT: Duration = Duration::from_mins(30);

/// The longest memory of a move, whatever the size of the database.
const MOST_MIB: usize = 100;

/// Columns that are sealed again during a move: their bytes differ.
const RESEALED: [&str; 2] = ["sealed", "body"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the programs of PostgreSQL; OFFBOARDD_STRESS=20 moves 100,000 cases"]
async fn thousands_of_cases_move_to_a_server_and_back_with_the_same_journal_and_evidence() {
    let row = expect_row(
        "a move from SQLite to PostgreSQL and back",
        "the same rows, journal and evidence; refused while a daemon runs",
    );
    let people = usize::try_from(times(5_000)).unwrap();
    let story = Story::begin(StoryDatabase::create_empty().await);
    let (folder, url) = (&story.folder, story.database.url());
    let limits = "local_grace = \"1s\"\nbrake = { per_hour = 1000000, per_day = 1000000 }";
    let on_server = std::fs::read_to_string(folder.path().join("offboardd.toml")).unwrap();
    let on_server = on_server.replace("local_grace = \"1s\"", limits);
    let (_, others) = on_server.split_once("evidence.key").unwrap();
    let in_file =
        |path: &str| format!("store = {{ url = \"sqlite:{path}\", key = {{ file = \"key\" }} }}\nevidence.key{others}");

    folder.file("offboardd.toml", &in_file("one.db"));
    let mut daemon = folder.serve("warn,offboardd::cli=info");
    fill(&story, &daemon, people).await;
    let refused = folder.run(&["migrate", "--to", &url]);
    assert!(refused.stderr.contains("another daemon uses this database"), "{refused:?}");
    assert!(daemon.process.terminate().success());

    let one = Database::file(folder.path().join("one.db"), KeyLocation::Given([7; 32]));
    let (server, two) = (one.elsewhere(&url).unwrap(), Database::file(folder.path().join("two.db"), one.key.clone()));
    let key = read_or_make_evidence_key(&folder.database()).unwrap();
    let cases = a_case_of_each_kind(&one).await;
    let (head_before, counts_before) = (head(folder), counts_of_file(&one).await);
    let evidence_before = evidence(&one, &cases, &key).await;

    let there = measure(folder, &url);
    folder.file("offboardd.toml", &on_server);
    assert_eq!(head(folder), head_before);
    assert_eq!(counts_of_server(&url, &counts_before).await, counts_before);
    assert!(evidence(&server, &cases, &key).await == evidence_before, "the evidence from the server differs");

    let mut daemon = folder.serve("warn,offboardd::cli=info");
    let refused = folder.run(&["migrate", "--to", "sqlite:two.db"]);
    assert!(refused.stderr.contains("another daemon uses this database"), "{refused:?}");
    assert!(!two.path.exists(), "a refused move leaves a file");
    assert!(daemon.process.terminate().success());

    let back = measure(folder, "sqlite:two.db");
    folder.file("offboardd.toml", &in_file("two.db"));
    assert_eq!(head(folder), head_before);
    assert_eq!(counts_of_file(&two).await, counts_before);
    assert_eq!(rows_that_differ(&one, &two).await, BTreeMap::new());
    assert!(evidence(&two, &cases, &key).await == evidence_before, "the evidence from the file differs");

    assert!(there.most_mib < MOST_MIB && back.most_mib < MOST_MIB, "{there:?}, {back:?}");
    story.database.remove().await;
    let (rows, entries) = (counts_before.values().sum::<i64>(), &head_before[0]);
    row.passed(
        format!("{} cases, {rows} rows, {entries} journal entries", people + 1),
        format!(
            "all the same; there {:.1?} with {} MiB, back {:.1?} with {} MiB",
            there.took, there.most_mib, back.took, back.most_mib
        ),
    );
}

/// Opens a case of each person, far in the future, and one that is carried out; closes every second one.
async fn fill(story: &Story, daemon: &Daemon, people: usize) {
    assert_eq!(story.send(daemon, "one", "ann@example.com").code, Some(0));
    let (http, hr) = (crate::http::client(), load::hr_source());
    let event = |kind: &str, at: &str, person: usize| {
        let person = json!({ "email": load::email(person) });
        json!({ "type": kind, "person": person, "occurred_at": at, "effective_at": "2150-01-01" })
    };
    let departed = |person| event("departed", "2026-01-01T09:00:00Z", person);
    let cancelled = |person| event("departure_cancelled", "2026-01-02T09:00:00Z", person);
    for first in (0..people).step_by(BATCH) {
        let batch = first..people.min(first + BATCH);
        let opened: Value = batch.clone().map(departed).collect();
        let closed: Value = batch.step_by(2).map(cancelled).collect();
        for (name, body) in [("open", opened), ("close", closed)] {
            let id = format!("{name}_{first}");
            let answer = load::post(&http, &hr, daemon.webhooks, &id, &body.to_string()).await;
            assert!(matches!(answer, Some((202, _))), "{answer:?}");
        }
    }
    let mut database =
        SqliteConnection::connect(&story.folder.path().join("one.db").display().to_string()).await.unwrap();
    let done = "SELECT (SELECT COUNT(*) FROM deliveries WHERE status = 'received') = 0
                    AND (SELECT COUNT(*) FROM cases WHERE state = 'erased') = 1";
    let begun = Instant::now();
    while !sqlx::query_scalar::<_, bool>(done).fetch_one(&mut database).await.unwrap() {
        assert!(begun.elapsed() < TIMEOUT, "the deliveries are not routed: {:#?}", daemon.process.output_lines());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let cases = "SELECT COUNT(*) FROM cases WHERE state IN ('scheduled', 'cancelled')";
    let cases: i64 = sqlx::query_scalar(cases).fetch_one(&mut database).await.unwrap();
    assert_eq!(cases, i64::try_from(people).unwrap());
    database.close().await.unwrap();
}

/// A case that was carried out, a cancelled one and an open one.
async fn a_case_of_each_kind(database: &Database) -> Vec<CaseId> {
    let mut connection = SqliteConnection::connect(&database.path.display().to_string()).await.unwrap();
    let mut cases = Vec::new();
    for state in ["erased", "cancelled", "scheduled"] {
        let case = sqlx::query_scalar::<_, String>("SELECT MAX(id) FROM cases WHERE state = $1").bind(state);
        cases.push(case.fetch_one(&mut connection).await.unwrap().parse().unwrap());
    }
    connection.close().await.unwrap();
    cases
}

/// The signed files about these cases, and about all cases, as of one instant.
async fn evidence(database: &Database, cases: &[CaseId], key: &SigningKey) -> Vec<String> {
    let (from, now) = ("2020-01-01T00:00:00Z".parse().unwrap(), "2140-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let store = database.open_existing().await.unwrap();
    let mut files = vec![store.evidence_of_period(from, now, key, now).await.unwrap()];
    for case in cases {
        files.push(store.evidence_of_case(*case, |_| None, key, now).await.unwrap().unwrap());
    }
    store.close().await;
    files
}

/// The number of rows of each table, but of those about running daemons.
async fn counts_of_file(database: &Database) -> BTreeMap<String, i64> {
    let mut connection = SqliteConnection::connect(&database.path.display().to_string()).await.unwrap();
    let tables = "SELECT name FROM sqlite_schema
                  WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT IN ('_sqlx_migrations', 'terms', 'replicas')";
    let mut counts = BTreeMap::new();
    for table in sqlx::query_scalar::<_, String>(tables).fetch_all(&mut connection).await.unwrap() {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        counts.insert(table, sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap());
    }
    connection.close().await.unwrap();
    counts
}

async fn counts_of_server(url: &str, tables: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut counts = BTreeMap::new();
    for table in tables.keys() {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        counts.insert(table.clone(), sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap());
    }
    connection.close().await.unwrap();
    counts
}

/// The number of rows in the second file that the first one does not have, by table.
async fn rows_that_differ(one: &Database, two: &Database) -> BTreeMap<String, i64> {
    let mut connection = SqliteConnection::connect(&two.path.display().to_string()).await.unwrap();
    sqlx::query("ATTACH $1 AS one").bind(one.path.display().to_string()).execute(&mut connection).await.unwrap();
    let mut differing = BTreeMap::new();
    for table in counts_of_file(two).await.into_keys() {
        let columns = sqlx::query("SELECT name FROM pragma_table_info($1)").bind(&table);
        let columns = columns.fetch_all(&mut connection).await.unwrap();
        let columns = columns.iter().map(|row| row.get::<String, _>("name"));
        let columns: Vec<_> = columns.filter(|column| !RESEALED.contains(&column.as_str())).collect();
        let columns = columns.join(", ");
        let differ = format!(
            "SELECT COUNT(*)
             FROM (SELECT {columns} FROM main.{table} EXCEPT SELECT {columns} FROM one.{table}) AS others"
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(differ)).fetch_one(&mut connection).await.unwrap();
        if count > 0 {
            differing.insert(table, count);
        }
    }
    connection.close().await.unwrap();
    differing
}

#[derive(Debug)]
struct Move {
    took: Duration,
    most_mib: usize,
}

/// Moves the database, and measures time and memory.
fn measure(folder: &Folder, to: &str) -> Move {
    let begun = Instant::now();
    let mut command = folder.command(&["migrate", "--to", to]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut most_mib = 0;
    while child.try_wait().unwrap().is_none() {
        // Not on every system.
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        most_mib = peak.map_or(most_mib, |kib| kib.parse::<usize>().unwrap() / 1024);
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = begun.elapsed();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let moved = CommandOutput { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    assert_eq!(moved.code, Some(0), "{moved:?}");
    println!("{took:.1?}, {most_mib} MiB: {}", moved.stdout.lines().next().unwrap_or_default());
    Move { took, most_mib }
}
