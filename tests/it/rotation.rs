//! Secrets that change while the daemon runs: in their files, and by a vendor's own handshake.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use offboardd::domain::case::StateName;
use offboardd::sources::{Outgoing, Source, Spec};
use offboardd::store::OfferedSecret;
use rustix::process::{Signal, getpid, kill_process};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::harness::{Harness, Setup};

/// A source of HiBob's whose secrets stand in two files.
async fn story() -> (Harness, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let files = [folder.path().join("key"), folder.path().join("next")];
    std::fs::write(&files[0], "old").unwrap();
    std::fs::write(&files[1], "spare").unwrap();
    let more = format!(
        "[sources.hibob]
         preset = \"hibob\"
         site = \"acme\"
         policy = \"leavers\"
         secrets = [{{ file = {:?} }}, {{ file = {:?} }}]",
        files[0], files[1]
    );
    (Harness::with(Setup { more: more.leak(), ..Setup::default() }).await, folder)
}

fn put(file: PathBuf, secret: &str) {
    // As an orchestrator does it: the whole file is replaced.
    let beside = file.with_extension("new");
    std::fs::write(&beside, secret).unwrap();
    std::fs::rename(beside, file).unwrap();
}

fn signed(preset: &str, secret: &str, at: Timestamp, body: &[u8]) -> Vec<(String, String)> {
    let secrets = vec![SecretString::from(secret)];
    let spec = Spec { preset: Some(preset.to_owned()), secrets, ..Spec::default() };
    let source = Source::compile(&"x".parse().unwrap(), spec).unwrap();
    source.sign(&Outgoing { method: "POST", query: None, id: "1", at, body }).unwrap()
}

/// The status of a delivery that is signed with this secret.
async fn status_with(story: &Harness, secret: &str) -> u16 {
    let body = json!({ "type": "employee.inactivated", "n": story.new_id() }).to_string();
    let headers = signed("hibob", secret, story.now(), body.as_bytes());
    story.post("hibob", body.as_bytes(), &headers).await.status
}

/// Waits until a secret is taken (202) or not (401); meanwhile every response is one of these two.
async fn until_status(story: &Harness, secret: &str, wanted: u16) {
    let begun = Instant::now();
    loop {
        let status = status_with(story, secret).await;
        if status == wanted {
            return;
        }
        assert!(matches!(status, 202 | 401), "{status}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{secret} still gets {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn secret_is_rotated_without_restart_and_without_gap() {
    let (story, folder) = story().await;
    assert_eq!((status_with(&story, "old").await, status_with(&story, "new").await), (202, 401));
    put(folder.path().join("next"), "new");
    until_status(&story, "new", 202).await;
    assert_eq!(status_with(&story, "old").await, 202, "both count while they change");
    put(folder.path().join("key"), "new");
    until_status(&story, "old", 401).await;
    assert_eq!(status_with(&story, "new").await, 202);
    story.finish(&[]).await;
}

#[tokio::test]
async fn invalid_secret_file_keeps_the_previous_secret() {
    let (story, folder) = story().await;
    put(folder.path().join("next"), "\n");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((status_with(&story, "old").await, status_with(&story, "spare").await), (202, 202));
    put(folder.path().join("next"), "new");
    until_status(&story, "new", 202).await;
    assert_eq!(status_with(&story, "spare").await, 401);
    story.finish(&[]).await;
}

#[tokio::test]
async fn sighup_reloads_secrets_even_if_no_file_looks_changed() {
    let (story, folder) = story().await;
    let file = folder.path().join("key");
    let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
    // In its place, as long as before, and as old.
    std::fs::write(&file, "new").unwrap();
    File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((status_with(&story, "old").await, status_with(&story, "new").await), (202, 401));
    // The other daemons of this process also read their secrets again, and find them unchanged.
    kill_process(getpid(), Signal::HUP).unwrap();
    until_status(&story, "new", 202).await;
    assert_eq!(status_with(&story, "old").await, 401);
    story.finish(&[]).await;
}

async fn offers(story: &Harness) -> Vec<OfferedSecret> {
    story.store().offered_secrets().await.unwrap()
}

#[tokio::test]
async fn offered_secret_is_valid_after_an_operator_accepts_it() {
    let more = "[sources.gusto]\npreset = \"gusto\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = []";
    let mut story = Harness::with(Setup { more, ..Setup::default() }).await;
    let token = json!({ "verification_token": "v3rify-me", "webhook_subscription_uuid": "u" });
    let reply = story.post("gusto", token.to_string().as_bytes(), &[]).await;
    assert_eq!((reply.status, reply.body), (200, Value::String(String::new())));
    let offered = offers(&story).await;
    assert_eq!(offered[0].secret.expose_secret(), "v3rify-me");

    let left = json!({ "uuid": "1", "event_type": "employee.deleted", "entity_uuid": "7" }).to_string();
    let headers = signed("gusto", "v3rify-me", story.now(), left.as_bytes());
    assert_eq!(story.post("gusto", left.as_bytes(), &headers).await.status, 401, "no operator has accepted it");

    let accept = json!({ "offer": offered[0].id });
    assert_eq!(story.api("/sources/gusto/accept", Some(accept)).await.status, 200);
    let begun = Instant::now();
    while story.post("gusto", left.as_bytes(), &headers).await.status == 401 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It is the source's own from now on.
    story.restart().await;
    assert_eq!(story.post("gusto", left.as_bytes(), &headers).await.status, 200, "a duplicate by now");
    story.settle().await;
    let cases = story.cases().await;
    assert_eq!((cases.len(), cases[0].case.state.name()), (1, StateName::NeedsAttention));
    let database = std::fs::read(story.database_file()).unwrap();
    assert!(!database.windows(9).any(|window| window == b"v3rify-me"), "it is sealed");
    story.finish(&[]).await;
}
