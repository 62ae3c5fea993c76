//! The rotation of the store's key: interrupted and continued, while the daemon runs.

use offboardd::domain::case::StateName;
use offboardd::proof::seal::MasterKey;
use offboardd::store::{Database, KeyLocation, Resealing};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row as _};

use crate::binary::{Folder, settings};
use crate::harness::Harness;

const SEALED: &[(&str, &str)] = &[
    ("deliveries", "body"),
    ("events", "sealed"),
    ("case_keys", "sealed"),
    ("people", "sealed"),
    ("former_addresses", "sealed"),
    ("lookups", "sealed"),
    ("offered_secrets", "sealed"),
    ("store_key", "sealed"),
];

fn keys(story: &Harness) -> Vec<[u8; 32]> {
    let text = std::fs::read_to_string(story.folder().join("offboardd.db.key")).unwrap();
    let read = |line: &str| {
        let mut key = [0; 32];
        hex::decode_to_slice(line, &mut key).unwrap();
        key
    };
    text.lines().map(read).collect()
}

/// Everything that is sealed with the master key.
async fn sealed(story: &Harness) -> Vec<Vec<u8>> {
    let mut database = story.database().await;
    let mut all = Vec::new();
    for (table, column) in SEALED {
        let query = AssertSqlSafe(format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL"));
        let rows = sqlx::query(query).fetch_all(&mut database).await.unwrap();
        all.extend(rows.iter().map(|row| row.get::<Vec<u8>, _>(0)));
    }
    all
}

/// A daemon with many sealed rows.
async fn story() -> Harness {
    let story = Harness::start().await;
    let people: Vec<_> = (0..90)
        .map(|number| {
            let person = json!({ "id": number.to_string(), "email": format!("person{number}@example.com") });
            json!({ "type": "departed", "person": person, "effective_at": "2027-06-01T00:00:00Z" })
        })
        .collect();
    story.send_event(json!(people[..20])).await;
    story.send_event(json!({ "type": "profile", "person": { "id": "a", "email": "ben@example.com" } })).await;
    story.send_event(json!({ "type": "email_changed", "person": { "id": "a", "email": "ann@example.com", "old_email": "ben@example.com" } })).await;
    for number in 20..90 {
        let person = json!({ "id": number.to_string(), "email": format!("person{number}@example.com") });
        story.send("hr", &json!({ "type": "profile", "person": person })).await;
    }
    story.settle().await;
    story
}

#[tokio::test]
async fn interrupted_rotation_continues_and_the_old_key_opens_nothing() {
    let mut story = story().await;
    story.stop().await;
    let old = keys(&story);
    let database = Database::file(story.database_file(), KeyLocation::Beside);
    // A run that is killed after its first steps.
    assert!(database.begin_rotation().unwrap());
    let both = keys(&story);
    assert_eq!((both.len(), both[1]), (2, old[0]));
    let opened = database.open_existing().await.unwrap();
    let all = opened.count_stale().await.unwrap();
    let mut progress = Resealing::default();
    assert!(opened.reseal_step(&mut progress).await.unwrap());
    assert!(opened.count_stale().await.unwrap() < all && opened.count_stale().await.unwrap() > 0);
    opened.close().await;

    // The daemon runs with both keys.
    story.start_daemon().await;
    assert_eq!(story.case("person3@example.com").await.person.email.unwrap().as_str(), "person3@example.com");
    story.send_departed("carl@example.com").await;
    // The next run, of the real command, continues with the same new key, beside the daemon.
    let folder = Folder::new("");
    let url = format!("store.url = \"sqlite:{}\"\n", story.database_file().display());
    folder.file("offboardd.toml", &(url + &settings(story.site_address(), "")));
    let rotated = tokio::task::spawn_blocking(move || {
        let rotated = folder.run(&["key", "rotate", "--settle", "1s", "--json"]);
        (folder, rotated)
    });
    let (_folder, rotated) = rotated.await.unwrap();
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    let report: Value = serde_json::from_str(&rotated.stdout).unwrap();
    assert_eq!(report["old_key_removed"], true);
    assert_eq!(keys(&story), both[..1]);

    story.send_departed("dora@example.com").await;
    let everything = sealed(&story).await;
    assert!(everything.len() > 90, "{}", everything.len());
    let hash_key = everything.last().unwrap();
    assert!(MasterKey::unseal(&old, hash_key).is_err(), "the old key opens not even the key of the hashes");
    let ring = MasterKey::unseal(&both[..1], hash_key).unwrap();
    let newest = ring.newest_id();
    assert!(everything.iter().all(|sealed| sealed[..4] == newest[..4]), "a row is sealed with the old key");
    story.restart().await;
    for email in ["person3@example.com", "carl@example.com", "dora@example.com"] {
        assert_eq!(story.case(email).await.person.email.unwrap().as_str(), email);
    }
    // The address of an id is readable, too.
    story.send_event(json!({ "type": "departed", "person": { "id": "77" } })).await;
    assert_ne!(story.state("person77@example.com").await, StateName::NeedsAttention);
    let mut connection = story.database().await;
    let journaled = sqlx::query("SELECT COUNT(*) FROM journal WHERE kind = 'key_rotated'");
    assert_eq!(journaled.fetch_one(&mut connection).await.unwrap().get::<i64, _>(0), 1);
    drop(connection);
    story.finish(&[]).await;
}

#[tokio::test]
async fn configured_key_is_rotated_by_two_lines_in_its_file() {
    let folder = Folder::new("");
    let text = |store: &str| format!("{store}\n{}", settings("127.0.0.1:9".parse().unwrap(), ""));
    folder.file("key", &"01".repeat(32));
    folder.file("offboardd.toml", &text("store.key = { file = \"key\" }"));
    let mut daemon = folder.serve("info");
    let refused = folder.run(&["key", "rotate"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("write the new key before the old one"), "{refused:?}");
    assert!(daemon.process.terminate().success());
    folder.file("key", &format!("{}\n{}\n", "02".repeat(32), "01".repeat(32)));
    let rotated = folder.run(&["key", "rotate"]);
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    assert!(rotated.stdout.contains("next: remove the old key from store.key"), "{rotated:?}");
    folder.file("key", &"02".repeat(32));
    let mut daemon = folder.serve("info");
    assert!(daemon.process.terminate().success());
    folder.file("key", &"01".repeat(32));
    assert!(folder.try_serve().is_err(), "the old key opens nothing");
}
