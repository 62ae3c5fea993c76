//! `serve` against `sandbox`, with `send` for the vendors: as an integrator tries it, with seconds for days.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

use crate::binary::{Folder, sandbox_list, settings};

fn at(call: &Value) -> Timestamp {
    call["at"].as_str().unwrap().parse().unwrap()
}

/// What happened to the cases, in order of the journal.
async fn history(folder: &Folder) -> Vec<String> {
    let options = SqliteConnectOptions::new().filename(folder.database());
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = sqlx::query("SELECT kind FROM journal ORDER BY case_id, seq").fetch_all(&mut database).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn departure_from_each_vendor_ends_erased_with_one_revoke_and_one_deletion() {
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&["--deletion-grace", "1s"]);
    folder.file("offboardd.toml", &settings(site, ""));
    let mut daemon = folder.serve("info");
    let own = r#"{"type":"departed","person":{"email":"ann@example.com"}}"#;
    let fields = r#"{"employees":[{"id":"300","action":"Updated","changedFields":["Status"],
        "fields":{"Status":"Terminated","Work Email":"ben@example.com"}}]}"#;
    for (source, body) in [("hr", own), ("bamboohr", fields)] {
        let body = folder.file(&format!("{source}.json"), body);
        let url = format!("http://{}/webhooks/{source}", daemon.webhooks);
        let sent = folder.run(&["send", source, "--body", &body, "--url", &url]);
        assert_eq!(sent.code, Some(0), "{sent:?}");
    }
    daemon.process.wait_for_lines("gone_confirmed", 2);
    assert!(daemon.process.terminate().success());

    for email in ["ann@example.com", "ben@example.com"] {
        let account =
            sandbox_list(site, "accounts").await.into_iter().find(|account| account["email"] == email).unwrap();
        assert_eq!(account["state"], "deleted");
        let mut calls = sandbox_list(site, "calls").await;
        calls.retain(|call| call["account_id"] == account["account_id"]);
        let changed: Vec<&Value> = calls.iter().filter(|call| call["changed"] == true).collect();
        let [revoke, delete] = changed[..] else { panic!("{changed:?}") };
        assert_eq!((&revoke["call"], &delete["call"]), (&"revoke".into(), &"delete".into()));
        let second = SignedDuration::from_secs(1);
        assert!(at(delete).duration_since(at(revoke)) >= second, "the grace was cut short: {revoke} {delete}");
        assert!(at(calls.last().unwrap()).duration_since(at(delete)) >= second, "verified too early");
    }
    let one = [
        "opened",
        "revoke_dispatched",
        "revoke_confirmed",
        "due",
        "deletion_dispatched",
        "deletion_accepted",
        "gone_seen",
        "gone_confirmed",
    ];
    assert_eq!(history(&folder).await, [one, one].concat());
    assert_eq!(folder.run(&["journal", "verify"]).code, Some(0));
}
