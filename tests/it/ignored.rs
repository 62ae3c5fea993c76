//! Words of a vendor that no mapping knows are counted, and shown per source.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::Folder;

const SETTINGS: &str = "mode = \"enforce\"
server = { webhooks = \"127.0.0.1:0\", admin = \"127.0.0.1:0\" }
[[admin.tokens]]
name = \"rosa\"
role = \"viewer\"
token = { env = \"HR_KEY\" }
[sites.acme]
url = \"https://127.0.0.1:9\"
cloud_id = \"11111111-2222-3333-4444-555555555555\"
auth = { email = \"bot@example.com\", token = { env = \"ACME_TOKEN\" } }
[policies.leavers]
departed = \"revoke\"
[sources.okta]
preset = \"okta\"
site = \"acme\"
policy = \"leavers\"
secrets = [{ env = \"BAMBOOHR_KEY\" }]
[sources.quiet]
preset = \"okta\"
site = \"acme\"
policy = \"leavers\"
secrets = [{ env = \"ACME_TOKEN\" }]
";

fn body(id: u32, word: &str) -> String {
    format!(
        r#"{{"eventId":"e{id}","data":{{"events":[{{"uuid":"{id}","published":"2026-11-20T09:00:00Z","eventType":"{word}","outcome":{{"result":"SUCCESS"}},"target":[{{"type":"User","id":"u{id}","alternateId":"ann@example.com"}}]}}]}}}}"#
    )
}

#[test]
fn ignored_words_are_counted_per_source_in_lists_and_metrics() {
    let folder = Folder::new(SETTINGS);
    let daemon = folder.serve("info");
    let url = format!("http://{}/webhooks/okta", daemon.webhooks);
    let words = ["user.lifecycle.brandnew", "user.lifecycle.brandnew", "user.session.start", "ann@example.com"];
    for (id, word) in (0..).zip(words) {
        let file = folder.file("body.json", &body(id, word));
        assert_eq!(folder.run(&["send", "okta", "--body", &file, "--url", &url]).code, Some(0));
    }
    let admin = format!("http://{}", daemon.admin);
    let list = |json: bool| {
        let mut command = folder.command(if json { &["source", "list", "--json"] } else { &["source", "list"] });
        let output =
            command.env("OFFBOARDD_URL", &admin).env("OFFBOARDD_TOKEN", crate::binary::HR_KEY).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let counted = || {
        let listed: Value = serde_json::from_str(&list(true)).unwrap();
        let items = listed["items"].as_array().unwrap().clone();
        let of = |name: &str| items.iter().find(|source| source["name"] == name).unwrap()["ignored"].clone();
        (of("okta"), of("quiet"))
    };
    let expected = serde_json::json!([
        { "word": "user.lifecycle.brandnew", "count": 2 },
        { "word": "(other)", "count": 1 },
        { "word": "user.session.start", "count": 1 },
    ]);
    let begun = Instant::now();
    while counted().0 != expected && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(counted(), (expected, serde_json::json!([])));
    let shown = list(false);
    assert!(shown.contains("user.lifecycle.brandnew (2), (other) (1), user.session.start (1)"), "{shown}");
}
