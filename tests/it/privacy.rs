//! Personal data: never in a file in plain, gone for good when the case closes, never in a log.

use std::path::Path;
use std::time::{Duration, Instant};

use offboardd::clock::{Clock as _, SystemClock};
use offboardd::domain::case::StateName;
use offboardd::sources::Outgoing;
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::binary::{Folder, HR_KEY, SITE_TOKEN};
use crate::harness::Harness;

const EMAIL: &str = "ann@example.com";
const PERSON_ID: &str = "employee-4711-0815";

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
        // The nonce alone tells whether it is still there; a long body goes on in other pages.
        all.extend(rows.iter().map(|row| row.get::<Vec<u8>, _>(0)[..28].to_vec()));
    }
    all
}

#[tokio::test]
async fn no_file_ever_holds_an_address_and_after_the_end_not_even_a_sealed_one() {
    let mut story = Harness::start().await;
    let account_id = story.account(EMAIL).account_id;
    let plain = [EMAIL, "ann%40example.com", PERSON_ID, &account_id].map(|text| text.as_bytes().to_vec());
    let mut ever_sealed = Vec::new();
    story.tell(json!({ "type": "profile", "person": { "id": PERSON_ID, "email": EMAIL } })).await;
    story.tell(json!({ "type": "departed", "person": { "id": PERSON_ID } })).await;
    for (state, then) in [(StateName::Revoked, "30d"), (StateName::DeletionGrace, "14d")] {
        assert_eq!(story.state(EMAIL).await, state);
        holds_none(&files(story.folder()), &plain);
        ever_sealed.extend(sealed(&story).await);
        story.advance(then).await;
    }
    assert_eq!(story.state(EMAIL).await, StateName::Erased);
    holds_none(&files(story.folder()), &plain);
    assert!(ever_sealed.len() >= 8, "{}", ever_sealed.len());
    // The delivery that only told the address is no case's: it goes with the time for which payloads are kept.
    assert_eq!(sealed(&story).await.len(), 1);

    story.restart().await;
    story.stop().await;
    assert!(!story.folder().join("offboardd.db-wal").exists());
    let files = files(story.folder());
    holds_none(&files, &plain);
    holds_none(&files, &ever_sealed);
    story.start_daemon().await;
    // Whoever asks for the address still finds the case, by its keyed hash.
    assert_eq!(story.case(EMAIL).await.person.email, None);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn an_address_that_is_forgotten_by_one_case_is_kept_for_an_open_one() {
    let story = Harness::start().await;
    story
        .tell(json!([
            { "type": "departed", "person": { "email": EMAIL } },
            { "type": "departed", "person": { "email": "nobody@example.com" } },
        ]))
        .await;
    for wait in ["1m", "10m", "1h"] {
        story.advance(wait).await;
    }
    assert_eq!(story.state("nobody@example.com").await, StateName::NoAccount);
    assert_eq!(story.case("nobody@example.com").await.person.email, None);
    assert_eq!(story.case(EMAIL).await.person.email.unwrap().as_str(), EMAIL);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn the_most_talkative_log_names_nobody_and_no_secret() {
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&["--deletion-grace", "1s"]);
    folder.file(
        "offboardd.toml",
        &format!(
            "mode = \"enforce\"
             server = {{ webhooks = \"127.0.0.1:0\", admin = \"127.0.0.1:0\" }}
             [sites.acme]
             url = \"http://{site}\"
             gateway = \"http://{site}\"
             cloud_id = \"11111111-2222-3333-4444-555555555555\"
             auth = {{ email = \"admin@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}
             deletion_grace = \"1s\"
             [policies.leavers]
             departed = \"revoke_then_delete\"
             local_grace = \"1s\"
             detach = [\"organizations\", \"service_desks\", \"participants\"]
             [sources.hr]
             preset = \"standard-webhooks\"
             site = \"acme\"
             policy = \"leavers\"
             secrets = [{{ env = \"HR_KEY\" }}]"
        ),
    );
    let mut daemon = folder.serve("trace");
    let people = [(EMAIL, 202), ("dora@example.com", 202), ("not-an-address-at-all", 202), ("ben@example.com", 401)];
    let mut signatures = Vec::new();
    for (email, expected) in people {
        let body = json!({ "type": "departed", "person": { "id": PERSON_ID, "email": email } }).to_string();
        let source = offboardd::sources::Source::compile(
            &"hr".parse().unwrap(),
            offboardd::sources::Spec {
                preset: Some("standard-webhooks".to_owned()),
                secrets: vec![HR_KEY.into()],
                ..Default::default()
            },
        )
        .unwrap();
        let message = Outgoing { method: "POST", query: None, id: email, at: SystemClock.now(), body: body.as_bytes() };
        let http = offboardd::atlassian::http().unwrap();
        let mut request = http.post(format!("http://{}/webhooks/hr", daemon.webhooks));
        for (name, value) in source.sign(&message).unwrap() {
            signatures.extend((name == "webhook-signature").then(|| value.clone()));
            request = request.header(name, value);
        }
        let body = if expected == 202 { body } else { body + " " };
        assert_eq!(request.body(body).send().await.unwrap().status().as_u16(), expected);
    }
    let begun = Instant::now();
    let said = |what: &str| daemon.process.said().iter().any(|line| line.contains(what));
    while !said("\"outcome\":\"gone_confirmed\"") {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:#?}", daemon.process.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(daemon.process.terminate().success());

    let accounts = format!("http://{site}/_sandbox/accounts");
    let accounts: Value =
        offboardd::atlassian::http().unwrap().get(accounts).send().await.unwrap().json().await.unwrap();
    let mut secrets: Vec<String> =
        ["@example.com", "%40example", PERSON_ID, "not-an-address-at-all", SITE_TOKEN, HR_KEY].map(Into::into).into();
    secrets.push(HR_KEY.trim_start_matches("whsec_").to_owned());
    secrets.extend(signatures.iter().map(|signature| signature.trim_start_matches("v1,").to_owned()));
    for account in accounts["items"].as_array().unwrap() {
        let id = account["account_id"].as_str().unwrap();
        secrets.extend([id.to_owned(), id.replace(':', "%3A"), account["display_name"].as_str().unwrap().to_owned()]);
    }
    let said = daemon.process.said();
    assert!(said.len() > 100 && said.iter().any(|line| line.contains("TRACE")), "{} lines", said.len());
    for line in said {
        for secret in &secrets {
            assert!(!line.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in: {line}");
        }
    }
}
