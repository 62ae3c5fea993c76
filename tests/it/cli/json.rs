//! `--json` of the commands that work on files, on one delivery or on one check.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::{SETTINGS, answering_once};
use crate::binary::{CommandOutput, Folder};

/// The one line that a command printed.
fn report(ended: &CommandOutput) -> Value {
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

#[test]
fn send_as_json_prints_the_response_or_the_headers() {
    let folder = Folder::new(SETTINGS);
    let body = folder.file("body.json", "{\"type\":\"ignored\"}");
    let send = |more: &[&str]| folder.run(&[&["send", "hr", "--json", "--body", &body][..], more].concat());
    let printed = report(&send(&["--print", "--id", "msg_1", "--url", "http://127.0.0.1:1/webhooks/hr"]));
    assert_eq!(printed["url"], "http://127.0.0.1:1/webhooks/hr");
    assert_eq!(printed["headers"][0], json!({ "name": "content-type", "value": "application/json" }));
    assert_eq!(printed["headers"][1], json!({ "name": "webhook-id", "value": "msg_1" }));

    let mut daemon = folder.serve("info");
    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    let accepted = send(&["--url", &url]);
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    let accepted = report(&accepted);
    assert_eq!((&accepted["status"], &accepted["url"]), (&json!(202), &json!(url)));
    assert!(accepted["response"]["delivery"].is_string(), "{accepted}");
    let stale = send(&["--url", &url, "--at", "2021-02-25T15:02:10Z"]);
    assert_eq!((stale.code, &report(&stale)["status"]), (Some(1), &json!(401)));
    assert!(daemon.process.terminate().success());
}

#[test]
fn migrate_backup_and_restore_as_json_name_what_they_made() {
    let folder = Folder::new(SETTINGS);
    let path = folder.path().display().to_string();
    let first = report(&folder.run(&["migrate", "--json"]));
    assert!(first["database"].as_str().unwrap().ends_with("offboardd.db"), "{first}");
    assert!(first["steps"].as_u64().unwrap() > 0, "{first}");
    assert_eq!(report(&folder.run(&["migrate", "--json"]))["steps"], 0);
    // A daemon makes the keys of the database.
    assert!(folder.serve("info").process.terminate().success());

    let copy = report(&folder.run(&["backup", "copy.db", "--json"]));
    let bytes = std::fs::metadata(folder.path().join("copy.db")).unwrap().len();
    assert_eq!(copy, json!({ "file": "copy.db", "bytes": bytes, "keys_file": "copy.db.keys" }));
    assert!(folder.path().join("copy.db.keys").exists());
    let piped = folder.command(&["backup", "-", "--json"]).output().unwrap();
    let note: Value = serde_json::from_slice(&piped.stderr).unwrap();
    assert_eq!(note, json!({ "file": "-", "bytes": piped.stdout.len(), "keys_file": null }));

    let restored = folder.run(&["restore", "--replace", "copy.db", "--json"]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let restored = report(&restored);
    assert_eq!((&restored["backup"], &restored["fenced"]), (&json!("copy.db"), &json!(true)));
    assert_eq!((&restored["entries"], &restored["without_its_log"]), (&json!(0), &json!(false)));
    let previous = restored["previous"].as_str().unwrap();
    assert!(std::path::Path::new(&path).join(previous).exists(), "{restored}");
}

#[test]
fn healthcheck_as_json_lists_the_checks_and_keeps_its_exit_code() {
    let folder = Folder::new("");
    let checks =
        r#"{"ready":false,"checks":{"database":{"ok":true,"detail":null},"space":{"ok":false,"detail":"1 MiB free"}}}"#;
    let url = format!("http://{}", answering_once("/readyz", "503 Service Unavailable", checks));
    let failed = folder.run(&["healthcheck", "--ready", "--json", &url]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.stderr.contains("space: 1 MiB free"), "{failed:?}");
    let report_of_failure = report(&failed);
    assert_eq!((&report_of_failure["ok"], &report_of_failure["status"]), (&json!(false), &json!(503)));
    assert_eq!(report_of_failure["checks"]["space"], json!({ "ok": false, "detail": "1 MiB free" }));

    let url = format!("http://{}", answering_once("/livez", "200 OK", ""));
    let alive = folder.run(&["healthcheck", "--json", &url]);
    let url = format!("{url}/livez");
    assert_eq!(report(&alive), json!({ "ok": true, "url": url, "status": 200, "checks": {} }));

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = folder.run(&["healthcheck", "--json", &format!("http://{closed}")]);
    assert_eq!((silent.code, &report(&silent)["status"]), (Some(1), &Value::Null));
}

#[test]
fn man_as_json_names_the_folder() {
    let folder = Folder::new("");
    std::fs::create_dir(folder.path().join("man1")).unwrap();
    assert_eq!(report(&folder.run(&["man", "man1", "--json"])), json!({ "folder": "man1" }));
    assert!(folder.path().join("man1/offboardd-migrate.1").exists());
}
