//! The schema's history: each step on a database that is in use, and what comes out in the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr as _;

use offboardd::store::{Database, KeyLocation, MIGRATOR, POSTGRES_MIGRATOR};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

/// What stands in a database after the step of this number, so that the next one meets rows.
fn sample(version: i64) -> &'static [&'static str] {
    match version {
        1 => &[
            "INSERT INTO deliveries (id, source, received_at, dedupe_hash, body) VALUES ('d1', 'hr', 1, x'01', x'02')",
            "INSERT INTO deliveries (id, source, received_at, status, routed_at, problem)
             VALUES ('d2', 'hr', 2, 'unreadable', 3, 'not JSON')",
            "INSERT INTO body_people (person_key, body_hash, delivery_seq) VALUES (x'01', x'01', 1)",
            "INSERT INTO events (id, delivery_id, position, source, type, happened_at, status, case_id)
             VALUES ('e1', 'd1', 0, 'hr', 'departed', 1, 'applied', 'c1')",
            "INSERT INTO people (source, site, person_hash, email_hash, sealed, as_of_ns, since_ns, seen_at)
             VALUES ('hr', 'acme', x'01', x'02', x'03', 1, 1, 1)",
            "INSERT INTO source_sites (source, site) VALUES ('hr', 'acme')",
            "INSERT INTO former_addresses (source, person_hash, email_hash, sealed, until_ns)
             VALUES ('hr', x'01', x'0d', x'0e', 1)",
            "INSERT INTO facts (person_key, kind, happened_ns) VALUES (x'01', 'departed', 1)",
            "INSERT INTO cases (id, site, source, person_key, opened_at, state, since, terms, demands, approvals, direction,
                 effective_at, revoke_dispatched_at, revoked_at, sealed)
             VALUES ('c1', 'acme', 'hr', x'01', 1, 'revoked', 1, '{}', '[]', '[]', 'leaving', 1, 1, 1, x'04')",
            "INSERT INTO cases (id, site, person_key, opened_at, state, since, attention, terms, demands, approvals,
                 direction, effective_at) VALUES ('c2', 'acme', x'02', 1, 'needs_attention', 1, 'no_email', '{}', '[]', '[]', 'leaving', 1)",
            "INSERT INTO case_keys (case_id, sealed) VALUES ('c1', x'05')",
            "INSERT INTO jobs (id, case_id, site, source, kind, urgency, state, due_at, created_at)
             VALUES ('j1', 'c1', 'acme', 'hr', 'delete', 1, 'queued', 5, 1)",
            "INSERT INTO attempts (job_id, number, started_at, ended_at, outcome) VALUES ('j1', 1, 1, 2, 'failed')",
            "INSERT INTO sites (name, paused_at, reason) VALUES ('acme', 1, '401')",
            "INSERT INTO paused_kinds (site, kind, paused_at, reason) VALUES ('acme', 'delete', 1, '403')",
            "INSERT INTO sources (name, last_delivery_at) VALUES ('hr', 1)",
            "INSERT INTO journal (seq, at, case_id, kind, detail, link, code)
             VALUES (1, 1, 'c1', 'opened', '{}', x'06', x'16')",
            "INSERT INTO remarks (seq, case_id, sealed) VALUES (1, 'c1', x'07')",
            "INSERT INTO lookups (source, person_hash, sealed, since, due_at) VALUES ('hr', x'09', x'0a', 1, 2)",
            "INSERT INTO ignored_words (source, day, word, count) VALUES ('hr', 1, 'employee.renamed', 1)",
            "INSERT INTO offered_secrets (source, hash, sealed, offered_at) VALUES ('hr', x'0b', x'0c', 1)",
            "INSERT INTO case_people (person_hash, case_id) VALUES (x'01', 'c1')",
            "INSERT INTO holds (site, person_key, case_id, held_at) VALUES ('acme', x'01', 'c1', 1)",
            "INSERT INTO deadline_steps (case_id, until_at, step, reached_at) VALUES ('c1', 2, 'overdue', 3)",
            "INSERT INTO escalations (actor, at, case_id, kind) VALUES ('hr', 1, 'c1', 'opened')",
            "INSERT INTO brake_holds (actor, case_id) VALUES ('hr', 'c1')",
            "INSERT INTO brake_deferred (source, case_id, kind, demand) VALUES ('hr', 'c1', 'departed', '{}')",
            "INSERT INTO fences (reason, detail) VALUES ('restored', 'a backup was restored')",
            "INSERT INTO notice_cursor (sole, seq) VALUES (1, 1)",
            "INSERT INTO notices (id, kind, site, source, first_at, closes_at, sample)
             VALUES ('n1', 'attention', 'acme', 'hr', 1, 2, '{}')",
            "INSERT INTO notice_messages (notice_id, channel, due_at) VALUES ('n1', 'mail', 2)",
            "INSERT INTO used_links (nonce, expires_at) VALUES (x'0f', 2)",
            "INSERT INTO listings (id, site, scope, subject_hash, sealed, requested_at, due_at)
             VALUES ('l1', 'acme', 'domain', x'10', x'11', 1, 1)",
            "INSERT INTO listed_customers (listing_id, email_hash, sealed) VALUES ('l1', x'12', x'13')",
            "INSERT INTO company_events (listing_id, source, delivery_id, position, sealed)
             VALUES ('l1', 'crm', 'd1', 0, x'14')",
            "INSERT INTO imports (id, operator, site, format, digest, brake, total, created_at)
             VALUES ('i1', 'rosa', 'acme', 'departures', 'x', '{}', 1, 1)",
            "INSERT INTO import_rows (import_id, line, sealed) VALUES ('i1', 2, x'15')",
            "INSERT INTO sessions (hash, operator, bound, began_at, expires_at) VALUES (x'0d', 'rosa', x'0e', 1, 2)",
            "INSERT INTO terms (duty, owner, token, until) VALUES ('background', 'r1', 1, 2)",
            "INSERT INTO replicas (id, settings, seen_at) VALUES ('r1', 'x', 1)",
            "INSERT INTO store_key (sole, sealed) VALUES (1, x'08')",
        ],
        newer => panic!("add the rows of a database after migration {newer}"),
    }
}

async fn database() -> SqliteConnection {
    let options = SqliteConnectOptions::from_str("sqlite::memory:").unwrap().foreign_keys(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn rows(database: &mut SqliteConnection) -> Vec<(String, i64)> {
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name";
    let tables = sqlx::query(tables).fetch_all(&mut *database).await.unwrap();
    let mut counted = Vec::new();
    for table in tables {
        let name: String = table.get(0);
        let count = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {name}")));
        let count: i64 = count.fetch_one(&mut *database).await.unwrap().get(0);
        counted.push((name, count));
    }
    counted
}

#[tokio::test]
async fn every_migration_keeps_existing_rows() {
    let mut database = database().await;
    let mut before = Vec::new();
    for migration in MIGRATOR.iter() {
        MIGRATOR.run_to(migration.version, &mut database).await.unwrap();
        let after = rows(&mut database).await;
        for (table, count) in before {
            assert!(after.contains(&(table, count)), "step {} lost rows: {after:?}", migration.version);
        }
        for statement in sample(migration.version) {
            sqlx::query(*statement).execute(&mut database).await.unwrap();
        }
        before = rows(&mut database).await;
        assert!(before.iter().all(|(_, count)| *count > 0), "a table without a sample: {before:?}");
    }
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut database).await.unwrap();
    assert!(broken.is_empty());
    let whole: String = sqlx::query("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap().get(0);
    assert_eq!(whole, "ok");
}

/// The tables with their columns, and the names of the indexes and views, of all steps together.
fn tables_and_columns(engine: &str) -> BTreeMap<String, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
    let mut steps: Vec<_> = std::fs::read_dir(folder).unwrap().map(|step| step.unwrap().path()).collect();
    steps.sort();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for step in steps {
        let text = std::fs::read_to_string(step).unwrap();
        let mut table = None;
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
            match words.as_slice() {
                ["CREATE", "TABLE", name, ..] => table = Some((*name).to_owned()),
                ["CREATE", kind @ ("INDEX" | "VIEW"), name, ..] | ["CREATE", "UNIQUE", kind @ "INDEX", name, ..] => {
                    found.insert(format!("{kind} {name}"), Vec::new());
                }
                [first, ..] if first.starts_with(')') => table = None,
                [column, "TEXT" | "INTEGER" | "BIGINT" | "BLOB" | "BYTEA", ..] => {
                    if let Some(table) = &table {
                        found.entry(table.clone()).or_default().push((*column).to_owned());
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn both_engines_have_the_same_steps_tables_and_columns() {
    let numbers = |steps: &sqlx::migrate::Migrator| steps.iter().map(|step| step.version).collect::<Vec<_>>();
    assert_eq!(numbers(&MIGRATOR), numbers(&POSTGRES_MIGRATOR));
    let (sqlite, mut postgres) = (tables_and_columns("sqlite"), tables_and_columns("postgres"));
    assert!(sqlite.len() > 70 && sqlite.contains_key("journal") && sqlite.contains_key("VIEW runnable_jobs"));
    // SQLite has this column in every table.
    postgres.get_mut("escalations").unwrap().retain(|column| column != "rowid");
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn newest_schema_matches_the_reviewed_snapshot() {
    let mut database = database().await;
    MIGRATOR.run(&mut database).await.unwrap();
    let rows = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_%' ESCAPE '\\'
                ORDER BY type = 'table' DESC, tbl_name, name";
    let rows = sqlx::query(rows).fetch_all(&mut database).await.unwrap();
    let schema: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    insta::assert_snapshot!(schema.join(";\n\n"));
}

#[tokio::test]
async fn newer_schema_is_not_reported_as_current() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offboardd.db");
    let store = Database::file(path.clone(), KeyLocation::Beside).open().await.unwrap();
    assert!(store.schema_is_current().await.unwrap());
    let mut beside = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT MAX(version) + 1, 'newer', TRUE, x'00', 0 FROM _sqlx_migrations";
    sqlx::query(newer).execute(&mut beside).await.unwrap();
    assert!(!store.schema_is_current().await.unwrap());
    store.close().await;
}
