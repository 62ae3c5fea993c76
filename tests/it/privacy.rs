//! Personal data: never in a file in plain, gone for good when the case closes, never in a log.

use std::path::Path;

use offboardd::clock::{Clock as _, SystemClock};
use offboardd::domain::case::StateName;
use offboardd::sources::Outgoing;
use serde_json::json;
use sqlx::Row as _;

use crate::binary::{Folder, HR_KEY, SITE_TOKEN, sandbox_list, settings, vendor};
use crate::harness::{Harness, ROSA};

const EMAIL: &str = "ann@example.com";
const PERSON_ID: &str = "employee-4711-0815";
const NO_ADDRESS: &str = "not-an-address-at-all";

/// Every file of the database: the database itself, `-wal`, `-shm`, `.key`, `.lock`.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    });
    named.filter(|(name, _)| name.starts_with("offboardd.db")).collect()
}

#[track_caller]
fn holds_none(files: &[(String, Vec<u8>)], secrets: &[Vec<u8>]) {
    assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 64 * 1024, "these are not the files");
    for (name, bytes) in files {
        for (number, secret) in secrets.iter().enumerate() {
            let found = bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret));
            assert!(!found, "{name} holds secret {number}");
        }
    }
}

/// What is sealed in the database now, wherever it stands.
async fn sealed(story: &Harness) -> Vec<Vec<u8>> {
    let mut database = story.database().await;
    let mut all = Vec::new();
    for query in [
        "SELECT body FROM deliveries WHERE body IS NOT NULL",
        "SELECT sealed FROM cases WHERE sealed IS NOT NULL",
        "SELECT sealed FROM case_keys",
        "SELECT sealed FROM people",
        "SELECT sealed FROM events WHERE sealed IS NOT NULL",
        "SELECT sealed FROM remarks",
    ] {
        let rows = sqlx::query(query).fetch_all(&mut database).await.unwrap();
        // The nonce alone shows whether it is still there; a long body continues in other pages.
        all.extend(rows.iter().map(|row| row.get::<Vec<u8>, _>(0)[..28].to_vec()));
    }
    all
}

#[tokio::test]
async fn files_hold_no_email_and_after_closing_no_ciphertext() {
    let mut story = Harness::start().await;
    let account_id = story.account(EMAIL).account_id;
    let plain = [EMAIL, "ann%40example.com", PERSON_ID, &account_id].map(|text| text.as_bytes().to_vec());
    let mut ever_sealed = Vec::new();
    story.send_event(json!({ "type": "profile", "person": { "id": PERSON_ID, "email": EMAIL } })).await;
    story.send_event(json!({ "type": "departed", "person": { "id": PERSON_ID } })).await;
    for (state, then) in [(StateName::Revoked, "30d"), (StateName::DeletionGrace, "14d")] {
        assert_eq!(story.state(EMAIL).await, state);
        holds_none(&files(story.folder()), &plain);
        ever_sealed.extend(sealed(&story).await);
        story.advance(then).await;
    }
    assert_eq!(story.state(EMAIL).await, StateName::Erased);
    holds_none(&files(story.folder()), &plain);
    assert!(ever_sealed.len() >= 8, "{}", ever_sealed.len());
    // The delivery that only reported the address is no case's: it goes with the time for which payloads are kept.
    assert_eq!(sealed(&story).await.len(), 1);

    story.restart().await;
    story.stop().await;
    assert!(!story.folder().join("offboardd.db-wal").exists());
    let files = files(story.folder());
    holds_none(&files, &plain);
    holds_none(&files, &ever_sealed);
    story.start_daemon().await;
    // A search for the address still finds the case, by its keyed hash.
    assert_eq!(story.case(EMAIL).await.person.email, None);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn shredding_one_case_keeps_the_email_of_an_open_one() {
    let story = Harness::start().await;
    story
        .send_event(json!([
            { "type": "departed", "person": { "email": EMAIL } },
            { "type": "departed", "person": { "email": "unknown@example.com" } },
        ]))
        .await;
    for wait in ["1m", "10m", "1h"] {
        story.advance(wait).await;
    }
    assert_eq!(story.state("unknown@example.com").await, StateName::NoAccount);
    assert_eq!(story.case("unknown@example.com").await.person.email, None);
    assert_eq!(story.case(EMAIL).await.person.email.unwrap().as_str(), EMAIL);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn response_to_closing_a_case_shows_what_is_not_shredded() {
    let story = Harness::start().await;
    story.send_departed(EMAIL).await;
    story.send_returned(EMAIL).await;
    let shown = story.api(&format!("/cases/{}", story.case(EMAIL).await.case.id), None).await;
    assert_eq!(shown.body["person"]["email"], EMAIL);
    assert_eq!(shown.body["account"]["id"], story.account(EMAIL).account_id);
    let closed = story.try_action(ROSA, EMAIL, "cancel").await;
    assert_eq!((closed.status, &closed.body["state"]), (200, &json!("cancelled")), "{closed:?}");
    assert_eq!(closed.body["person"]["email"], json!(null), "{closed:?}");
    assert_eq!(closed.body["account"]["id"], json!(null), "{closed:?}");
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn trace_log_holds_no_person_and_no_secret() {
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&["--deletion-grace", "1s"]);
    let policy = "detach = [\"organizations\", \"service_desks\", \"participants\"]";
    folder.file("offboardd.toml", &settings(site, policy));
    let mut daemon = folder.serve("trace");
    let mut secrets =
        [EMAIL, "@example.com", "%40example", PERSON_ID, NO_ADDRESS, SITE_TOKEN, HR_KEY].map(str::to_owned).to_vec();
    secrets.push(HR_KEY.trim_start_matches("whsec_").to_owned());
    for (email, expected) in [(EMAIL, 202), ("dora@example.com", 202), (NO_ADDRESS, 202), ("ben@example.com", 401)] {
        let mut body = json!({ "type": "departed", "person": { "id": PERSON_ID, "email": email } }).to_string();
        let at = SystemClock.now();
        let message = Outgoing { method: "POST", query: None, id: email, at, body: body.as_bytes() };
        let headers = vendor().sign(&message).unwrap();
        if expected == 401 {
            body.push(' ');
        }
        let mut request = crate::http::client().post(format!("http://{}/webhooks/hr", daemon.webhooks));
        for (name, value) in headers {
            secrets.extend(value.strip_prefix("v1,").map(str::to_owned));
            request = request.header(name, value);
        }
        assert_eq!(request.body(body).send().await.unwrap().status().as_u16(), expected);
    }
    daemon.process.wait_for_lines("\"outcome\":\"gone_confirmed\"", 1);
    assert!(daemon.process.terminate().success());

    for account in sandbox_list(site, "accounts").await {
        let id = account["account_id"].as_str().unwrap();
        secrets.extend([id.to_owned(), id.replace(':', "%3A"), account["display_name"].as_str().unwrap().to_owned()]);
    }
    let lines = daemon.process.output_lines();
    assert!(lines.len() > 100 && lines.iter().any(|line| line.contains("TRACE")), "{} lines", lines.len());
    for line in lines {
        for secret in &secrets {
            assert!(!line.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in: {line}");
        }
    }
}
