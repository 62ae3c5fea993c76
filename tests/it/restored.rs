//! Yesterday's backup is restored, from outside: only commands, HTTP and the sandbox.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use offboardd::clock::{Clock as _, SystemClock};
use offboardd::sources::Outgoing;
use serde_json::{Value, json};

use crate::binary::{CommandOutput, Daemon, Folder, SITE_TOKEN, sandbox_list, settings, vendor};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

async fn send_departed(daemon: &Daemon, email: &str, id: &str) -> u16 {
    let body = json!({ "type": "departed", "person": { "email": email }, "occurred_at": "2026-01-01T00:00:00Z" });
    let body = body.to_string();
    let message = Outgoing { method: "POST", query: None, id, at: SystemClock.now(), body: body.as_bytes() };
    let mut request = crate::http::client().post(format!("http://{}/webhooks/hr", daemon.webhooks));
    for (name, value) in vendor().sign(&message).unwrap() {
        request = request.header(name, value);
    }
    request.body(body).send().await.unwrap().status().as_u16()
}

/// The changes at the site, as `call address`.
async fn changes(site: SocketAddr) -> Vec<String> {
    let accounts = sandbox_list(site, "accounts").await;
    let email = |id: &Value| {
        let account = accounts.iter().find(|account| account["account_id"] == *id);
        account.and_then(|account| account["email"].as_str()).unwrap_or_default().to_owned()
    };
    let calls = sandbox_list(site, "calls").await;
    let changed = calls.iter().filter(|call| call["changed"] == true);
    changed.map(|call| format!("{} {}", call["call"].as_str().unwrap(), email(&call["account_id"]))).collect()
}

async fn wait_for_changes(site: SocketAddr, expected: &[&str]) {
    let begun = Instant::now();
    while changes(site).await != expected {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", changes(site).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn remote(folder: &Folder, daemon: &Daemon, arguments: &[&str]) -> CommandOutput {
    let mut command = folder.command(arguments);
    command.env("OFFBOARDD_URL", format!("http://{}", daemon.admin)).env("OFFBOARDD_TOKEN", SITE_TOKEN);
    let output = command.output().unwrap();
    CommandOutput {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_of_yesterday_repeats_nothing_and_loses_nothing() {
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&["--deletion-grace", "1s"]);
    let tokens = "admin.tokens = [{ name = \"rosa\", role = \"approver\", token = { env = \"ACME_TOKEN\" } }]\n";
    // No account is deleted in this story.
    let text = settings(site, "").replace("local_grace = \"1s\"", "local_grace = \"30d\"");
    folder.file("offboardd.toml", &format!("{tokens}{text}"));
    let mut daemon = folder.serve("info");
    assert_eq!(send_departed(&daemon, ANN, "msg-1").await, 202);
    wait_for_changes(site, &["revoke ann@example.com"]).await;
    daemon.process.wait_for_lines("\"outcome\":\"revoke_confirmed\"", 1);
    let backup = folder.run(&["backup", "yesterday.db"]);
    assert_eq!(backup.code, Some(0), "{backup:?}");
    // A day of work that the backup does not know.
    assert_eq!(send_departed(&daemon, BEN, "msg-2").await, 202);
    wait_for_changes(site, &["revoke ann@example.com", "revoke ben@example.com"]).await;
    daemon.process.wait_for_lines("\"outcome\":\"revoke_confirmed\"", 2);
    assert!(daemon.process.terminate().success());

    let restored = folder.run(&["restore", "--replace", "yesterday.db"]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let mut daemon = folder.serve("info");
    // The vendor sends again what it sent since: it is accepted, and nothing is done.
    assert_eq!(send_departed(&daemon, BEN, "msg-2").await, 202);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(changes(site).await, ["revoke ann@example.com", "revoke ben@example.com"]);
    let fence = remote(&folder, &daemon, &["fence", "show", "--json"]);
    let fence: Value = serde_json::from_str(&fence.stdout).unwrap();
    assert_eq!((&fence["raised"], &fence["open_cases"]), (&json!(true), &json!(2)), "{fence}");

    // The differences: Ben's case is to be revoked, and has no access already.
    let compared = folder.run(&["doctor", "--online", "--json"]);
    assert_eq!(compared.code, Some(1), "{compared:?}");
    let compared: Value = serde_json::from_str(&compared.stdout).unwrap();
    let cases = compared["open_cases"].as_array().unwrap();
    let of_state = |state: &str| cases.iter().find(|case| case["state"] == state).cloned().unwrap_or_default();
    assert_eq!((cases.len(), &of_state("revoked")["differs"]), (2, &json!(false)), "{cases:?}");
    let ben = of_state("revoking");
    assert_eq!((&ben["at_site"], &ben["differs"]), (&json!("no access"), &json!(true)), "{cases:?}");
    let findings: Vec<_> = compared["findings"].as_array().unwrap().iter().map(|finding| &finding["kind"]).collect();
    // The replaced database is beside the restored one, with the key of a case that the latter does not know.
    assert_eq!(findings, [&json!("key"), &json!("site")]);

    let digest = fence["digest"].as_str().unwrap();
    let lifted = remote(&folder, &daemon, &["fence", "lift", "--digest", digest, "--reason", "compared"]);
    assert_eq!(lifted.code, Some(0), "{lifted:?}");
    daemon.process.wait_for_lines("\"outcome\":\"revoke_confirmed\"", 1);
    let cases = remote(&folder, &daemon, &["case", "list", "--json"]);
    let cases: Value = serde_json::from_str(&cases.stdout).unwrap();
    let states: Vec<_> = cases["items"].as_array().unwrap().iter().map(|case| &case["state"]).collect();
    assert_eq!(states, [&json!("revoked"), &json!("revoked")], "nothing is lost");
    assert_eq!(changes(site).await, ["revoke ann@example.com", "revoke ben@example.com"], "nothing is repeated");
    assert!(daemon.process.terminate().success());
}
