//! What is deleted: in the files of the daemon, in its backups, and by age.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use offboardd::clock::{Clock as _, SystemClock};
use offboardd::domain::case::StateName;
use offboardd::sources::Outgoing;
use offboardd::store::{Database, KeyLocation, StoreError};
use serde_json::{Value, json};

use crate::binary::{CommandOutput, Folder, sandbox_list, settings, vendor};
use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";

/// Runs `doctor` with a standard input.
fn doctor(folder: &Folder, arguments: &[&str], input: &str) -> CommandOutput {
    let mut command = folder.command(&["doctor"]);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    CommandOutput {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The bytes of a text as they may stand in a file, in lower case.
fn spellings(text: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let each = |format: &dyn Fn(u8) -> String| text.bytes().map(format).collect::<String>();
    let special = |format: &dyn Fn(u8) -> String| {
        let one = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format(byte) };
        text.bytes().map(one).collect::<String>()
    };
    let mut texts = vec![text.to_owned(), each(&|byte| format!("{byte:02x}"))];
    for format in ["%", "=", "\\u00", "\\x"] {
        texts.extend([each(&|byte| format!("{format}{byte:02x}")), special(&|byte| format!("{format}{byte:02x}"))]);
    }
    texts.push(special(&|byte| format!("&#{byte};")));
    // Within other text, a spelling in base64 depends on its place; the last digits depend on what follows.
    for (place, skipped) in [(0, 0), (1, 2), (2, 3)] {
        let bytes = [vec![0; place], text.as_bytes().to_vec()].concat();
        let digits = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&bytes);
        texts.push(digits.get(skipped..bytes.len() * 4 / 3).unwrap().to_owned());
    }
    let mut all: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    all.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    all.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    for bytes in &mut all {
        bytes.make_ascii_lowercase();
    }
    all
}

/// The files of a folder that hold one of the texts in any spelling, with the text.
fn holding(folder: &Path, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let mut bytes = std::fs::read(entry.path()).unwrap();
        bytes.make_ascii_lowercase();
        for text in texts {
            let holds = |spelling: &Vec<u8>| bytes.windows(spelling.len()).any(|window| window == spelling);
            if spellings(text).iter().any(holds) {
                found.push(format!("{}: {text}", entry.file_name().display()));
            }
        }
    }
    found
}

#[test]
fn byte_search_of_the_stories_finds_every_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for spelled in [
        ANN.to_uppercase().into_bytes(),
        b"x ann%40example%2Ecom y".to_vec(),
        b"ann\\u0040example\\u002ecom".to_vec(),
        b"eyJlIjoiYW5uQGV4YW1wbGUuY29tIn0=".to_vec(),
        b"616e6e406578616d706c652e636f6d".to_vec(),
        utf16(ANN),
    ] {
        std::fs::write(folder.path().join("file"), &spelled).unwrap();
        assert_eq!(holding(folder.path(), &[ANN.to_owned()]).len(), 1, "{spelled:?}");
    }
    std::fs::write(folder.path().join("file"), "ben@example.com").unwrap();
    assert!(holding(folder.path(), &[ANN.to_owned()]).is_empty());
}

#[tokio::test]
async fn no_file_holds_the_person_in_any_spelling_after_a_whole_story() {
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&["--deletion-grace", "1s"]);
    let accounts = sandbox_list(site, "accounts").await;
    let account = accounts.iter().find(|account| account["email"] == ANN).unwrap();
    let text_of = |key: &str| account[key].as_str().unwrap().to_owned();
    let (name, account_id) = (text_of("display_name"), text_of("account_id"));
    folder.file("offboardd.toml", &settings(site, "detach = [\"organizations\", \"service_desks\", \"participants\"]"));
    let mut daemon = folder.serve("info");
    let person_id = "employee-4711-0815";
    let body = json!({ "type": "departed", "person": { "id": person_id, "email": ANN } }).to_string();
    let at = SystemClock.now();
    let message = Outgoing { method: "POST", query: None, id: "msg-a-1", at, body: body.as_bytes() };
    let mut request = crate::http::client().post(format!("http://{}/webhooks/hr", daemon.webhooks)).body(body.clone());
    for (name, value) in vendor().sign(&message).unwrap() {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status().as_u16(), 202);
    daemon.process.wait_for_lines("\"outcome\":\"gone_confirmed\"", 1);
    // The log is truncated soon after the case closed, while the daemon runs.
    std::thread::sleep(Duration::from_secs(3));
    folder.file("daemon.log", &daemon.process.output_lines().join("\n"));
    let searched = format!("{ANN}\n{person_id}\n{body}\n");
    for running in [true, false] {
        if !running {
            assert!(daemon.process.terminate().success());
        }
        let found = doctor(&folder, &["--also", "daemon.log"], &searched);
        assert_eq!(found.code, Some(0), "running: {running}: {found:?}");
        assert!(found.stdout.ends_with("nothing was found that should not be there\n"), "{found:?}");
    }
    // The same by a search of its own.
    let texts = [ANN.to_owned(), person_id.to_owned(), name, account_id, body];
    assert_eq!(holding(folder.path(), &texts), Vec::<String>::new());
}

#[tokio::test]
async fn doctor_finds_an_address_in_every_spelling_and_prints_it_in_none() {
    let folder = Folder::new(&settings("127.0.0.1:9".parse().unwrap(), ""));
    let daemon = folder.serve("info");
    drop(daemon);
    let utf16: Vec<u8> = ANN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, content) in [
        ("plain.log", ANN.to_uppercase().into_bytes()),
        ("percent.log", b"GET /user?query=ann%40example.com".to_vec()),
        ("json.log", br#"{"email":"ann\u0040example.com"}"#.to_vec()),
        ("utf16.log", utf16),
        ("mime.log", b"eyJlbWFpbCI6ImFubkBleGFt\r\ncGxlLmNvbSJ9".to_vec()),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
        let found = doctor(&folder, &["--json", "--also", name], ANN);
        assert_eq!(found.code, Some(1), "{name}: {found:?}");
        let report: Value = serde_json::from_str(&found.stdout).unwrap();
        assert_eq!(
            (&report["findings"][0]["kind"], &report["findings"][0]["place"]),
            (&json!("address"), &json!(name))
        );
        assert!(!format!("{found:?}").to_lowercase().contains(ANN), "{found:?}");
        let nothing = doctor(&folder, &["--also", name], "ben@example.com\n");
        assert_eq!(nothing.code, Some(0), "{name}: {nothing:?}");
    }
    assert_eq!(doctor(&folder, &["--also", "missing.log"], ANN).code, Some(1));
    assert_eq!(doctor(&folder, &[], "").code, Some(0), "without an address only keys and anchors are looked at");
}

/// The number of periods whose secrets are kept.
fn periods(story: &Harness) -> usize {
    std::fs::read_to_string(story.folder().join("offboardd.db.keys")).unwrap().lines().count()
}

fn copy(from: &Path, to: &Path, suffixes: &[&str]) {
    for suffix in suffixes {
        let with = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(with(from), with(to)).unwrap();
    }
}

#[tokio::test]
async fn old_backup_with_the_master_key_opens_no_closed_case_after_its_retention() {
    let mut story = Harness::start().await;
    story.send_departed(ANN).await;
    let case = story.case(ANN).await.case.id;
    story.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    copy(&story.database_file(), &backup, &["", ".key"]);
    let opens = async |secrets: &Path| {
        // The backup with the master key, and the secrets of the periods as they are at that time.
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("offboardd.db");
        copy(&backup, &path, &["", ".key"]);
        std::fs::copy(format!("{}.keys", secrets.display()), format!("{}.keys", path.display())).unwrap();
        let opened = Database::file(path, KeyLocation::Beside).open_existing().await.unwrap();
        let read = opened.case(case).await;
        opened.close().await;
        match read {
            Ok(record) => record.unwrap().person.email.is_some(),
            Err(StoreError::Sealed { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    };
    let database = Database::file(story.database_file(), KeyLocation::Beside);
    assert!(opens(&story.database_file()).await, "the backup of today opens");
    story.start_daemon().await;
    story.advance("30d").await;
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    let keys = database.keys_in_backup(&backup).await.unwrap();
    assert_eq!((keys.of_closed_cases, keys.openable), (1, 1), "it is kept for 30 days after its period");
    // Periods end at the start of a daemon, too.
    for _ in 0..5 {
        story.advance("8d").await;
        story.restart().await;
        story
            .wait_until("the end of old periods", async || {
                periods(&story) <= 5 && story.store().count_stale().await.unwrap() == 0
            })
            .await;
    }
    let secrets = story.database_file();
    story
        .wait_until("the end of the first period", async || {
            let keys = database.keys_in_backup(&backup).await.unwrap();
            keys.openable == 0
        })
        .await;
    assert!(!opens(&secrets).await, "the master key does not open it any more");
    story.stop().await;
    let refused = database.restore(&backup, true, story.now()).await.unwrap_err();
    assert!(refused.to_string().contains("it is older than store.keep_backups"), "{refused}");
    story.start_daemon().await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn open_case_is_readable_through_all_periods() {
    let mut story = Harness::with(Setup {
        policy: "departed = \"revoke_then_delete\"\nlocal_grace = \"400d\"",
        ..Setup::default()
    })
    .await;
    story.send_departed(ANN).await;
    story.send_event(json!({ "type": "profile", "person": { "id": "7", "email": "ben@example.com" } })).await;
    for _ in 0..12 {
        story.advance("9d").await;
        story.restart().await;
        story
            .wait_until("everything to be sealed again", async || {
                periods(&story) <= 5 && story.store().count_stale().await.unwrap() == 0
            })
            .await;
        assert_eq!(story.case(ANN).await.person.email.unwrap().as_str(), ANN);
    }
    // The address of an id is remembered, too.
    story.send_event(json!({ "type": "departed", "person": { "id": "7" } })).await;
    assert_eq!(story.state("ben@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

async fn count(story: &Harness, table: &str) -> i64 {
    let mut database = story.database().await;
    let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query_scalar::<_, i64>(query).fetch_one(&mut database).await.unwrap()
}

#[tokio::test]
async fn rows_expire_by_age_and_open_cases_keep_theirs() {
    let mut story = Harness::start().await;
    let keep = ["deliveries", "people", "attempts", "cases"].map(|what| format!("store.keep_{what} = \"60d\"\n"));
    story.restart_with(|settings| settings.replacen("store.url", &format!("{}store.url", keep.concat()), 1)).await;
    let erased = story.send_departed(ANN).await;
    let scheduled = story.send_departed_at("ben@example.com", "2028-12-31T00:00:00Z").await;
    story.send_event(json!({ "type": "profile", "person": { "id": "9", "email": "carl@example.com" } })).await;
    story.advance("30d").await;
    story.advance("14d").await;
    let case = story.case(ANN).await.case.id;
    assert_eq!((count(&story, "cases").await, count(&story, "people").await), (2, 1));
    story.advance("61d").await;
    story.restart().await;
    story.wait_until("the retention", async || story.cases().await.len() == 1).await;
    story.wait_until("the retention", async || story.store().delivery(erased).await.unwrap().is_none()).await;
    story.wait_until("the retention", async || count(&story, "people").await == 0).await;
    assert!(story.store().case(case).await.unwrap().is_none());
    assert!(story.store().delivery(scheduled).await.unwrap().is_some(), "an open case needs it");
    assert_eq!(story.state("ben@example.com").await, StateName::Scheduled);
    assert_eq!(story.store().verify_history().await.unwrap(), [], "the journal states what expired");
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}
