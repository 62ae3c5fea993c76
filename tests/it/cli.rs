//! The binary itself: what it prints, what it refuses, and how it ends.

mod json;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::Value;

use crate::binary::{Folder, HR_KEY, SITE_TOKEN};
use crate::stress::table::expect_row;

/// A daemon that finds a free port for each of its listeners.
const SETTINGS: &str = "mode = \"enforce\"
server = { webhooks = \"127.0.0.1:0\", admin = \"127.0.0.1:0\" }
[sites.acme]
url = \"https://acme.example.com\"
cloud_id = \"11111111-2222-3333-4444-555555555555\"
auth = { email = \"bot@example.com\", token = { env = \"ACME_TOKEN\" } }
[policies.leavers]
departed = \"revoke_then_delete\"
[sources.hr]
preset = \"standard-webhooks\"
site = \"acme\"
policy = \"leavers\"
secrets = [{ env = \"HR_KEY\" }]
";

#[test]
fn missing_command_prints_help() {
    let folder = Folder::new("");
    let (bare, help) = (folder.run(&[]), folder.run(&["--help"]));
    assert_eq!(help.code, Some(0));
    // A variable that sets an option is no command either.
    let with_variable = folder.command(&[]).env("OFFBOARDD_CONFIG", "offboardd.toml").output().unwrap();
    assert_eq!((bare.code, with_variable.status.code()), (Some(2), Some(2)));
    let with_variable = String::from_utf8(with_variable.stderr).unwrap();
    for help in [bare.stdout + &bare.stderr, with_variable, help.stdout] {
        assert!(help.contains("Usage: offboardd [OPTIONS] <COMMAND>"), "{help}");
        for command in ["serve", "demo", "sandbox", "check", "send", "journal", "backup", "migrate", "healthcheck"] {
            assert!(help.contains(&format!("\n  {command} ")), "{command} is missing in {help}");
        }
    }
    assert!(folder.run(&["--version"]).stdout.starts_with("offboardd "));
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_is_cut_off_ends_with_1() {
    let folder = Folder::new("");
    let run = |sink: std::process::Stdio| folder.command(&["preset", "list"]).stdout(sink).output().unwrap();
    let full = run(std::fs::File::options().write(true).open("/dev/full").unwrap().into());
    let reason = String::from_utf8(full.stderr).unwrap();
    assert_eq!(full.status.code(), Some(1));
    assert!(reason.starts_with("offboardd: cannot write to standard output\n  because: "), "{reason}");
    // A reader that has seen enough is none.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = run(writer.into());
    assert_eq!((closed.status.code(), closed.stderr.len()), (Some(0), 0));
}

#[test]
fn misuse_ends_with_2() {
    let folder = Folder::new(SETTINGS);
    for misuse in [
        &["fly"][..],
        &["serve", "--fast"],
        &["send"],
        &["send", "hr"],
        &["send", "no name", "--body", "x"],
        &["send", "hr", "--body", "x", "--at", "yesterday"],
        &["journal"],
        &["backup"],
        &["sandbox", "--deletion-grace", "soon"],
        &["healthcheck", "not a url"],
    ] {
        let ended = folder.run(misuse);
        assert_eq!(ended.code, Some(2), "{misuse:?}: {ended:?}");
        assert!(ended.stderr.starts_with("error: ") || ended.stderr.contains("Usage:"), "{misuse:?}: {}", ended.stderr);
    }
}

#[test]
fn settings_error_is_one_line_with_place_and_suggestion() {
    for (mistake, expected) in [
        (
            "[server]\nwebhoks = \"127.0.0.1:0\"",
            "offboardd.toml:2:1: server.webhoks: unknown key; did you mean `webhooks`?",
        ),
        ("mode = \"enforced\"", "offboardd.toml:1:8: mode: "),
        ("[retry]\n\nbase = \"soon\"", "offboardd.toml:3:8: retry.base: "),
        ("[store", "offboardd.toml:1:"),
    ] {
        let folder = Folder::new(mistake);
        for command in ["check", "serve", "migrate"] {
            let ended = folder.run(&[command]);
            assert_eq!(ended.code, Some(1), "{ended:?}");
            let lines: Vec<_> = ended.stderr.lines().collect();
            assert_eq!(lines.len(), 1, "{command}: {}", ended.stderr);
            assert!(lines[0].starts_with("offboardd: ") && lines[0].contains(expected), "{command}: {}", ended.stderr);
        }
        assert!(!folder.database().exists());
    }
    let ended = Folder::new("").run(&["check", "--config", "nowhere.toml"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.starts_with("offboardd: cannot read the settings file `nowhere.toml`\n  because: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn secret_in_the_settings_file_is_refused_and_not_printed() {
    for secret in ["token = \"hunter2-hunter2\"", "token = { env = \"ACME_TOKEN\", value = \"hunter2-hunter2\" }"] {
        let folder = Folder::new(&SETTINGS.replace("token = { env = \"ACME_TOKEN\" }", secret));
        let ended = folder.run(&["check"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.starts_with("offboardd: offboardd.toml:6:"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
    let folder = Folder::new(&SETTINGS.replace("[{ env = \"HR_KEY\" }]", "[\"hunter2-hunter2\"]"));
    let ended = folder.run(&["check"]);
    assert!(ended.code == Some(1) && !ended.stderr.contains("hunter2"), "{}", ended.stderr);
    let folder = Folder::new(&SETTINGS.replace("HR_KEY", "NO_SUCH_KEY"));
    let ended = folder.run(&["check"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("NO_SUCH_KEY"), "{}", ended.stderr);
}

#[test]
fn check_prints_effective_settings_without_secrets() {
    let folder = Folder::new(SETTINGS);
    let (text, json) = (folder.run(&["check"]), folder.run(&["check", "--json"]));
    let warning = "warning: no [[admin.tokens]] configured: API and console reject every request\n";
    for (ended, warning) in [(&text, warning), (&json, "")] {
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), warning));
        for secret in [SITE_TOKEN, HR_KEY] {
            assert!(!ended.stdout.contains(secret), "{}", ended.stdout);
        }
    }
    insta::assert_snapshot!(text.stdout);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["settings"]["sites"]["acme"]["auth"]["token"]["env"], "ACME_TOKEN");
    assert!(!folder.database().exists(), "checking makes nothing");
}

#[test]
fn send_prints_the_headers_of_the_published_vector() {
    // The vector of the Standard Webhooks library.
    let folder = Folder::new(SETTINGS);
    let body = folder.file("body.json", "{\"test\": 2432232314}");
    let arguments = ["--id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "--at", "2021-02-25T15:02:10Z", "--print"];
    let ended = folder.run(&[&["send", "hr", "--body", &body][..], &arguments, &["--header", "x-more=1"]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(ended.stdout, @r"
    content-type: application/json
    webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek
    webhook-timestamp: 1614265330
    webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
    x-more: 1
    ");
    let unknown = folder.run(&["send", "crm", "--body", &body]);
    assert_eq!(unknown.code, Some(1));
    assert_eq!(unknown.stderr, "offboardd: no source `crm` in the settings; configured sources: hr\n");
}

#[test]
fn send_fails_if_the_daemon_rejects_the_delivery() {
    let folder = Folder::new(SETTINGS);
    let mut daemon = folder.serve("info");
    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    let body = folder.file("body.json", "{\"type\":\"ignored\"}");
    let sent = folder.run(&["send", "hr", "--body", &body, "--url", &url]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.stdout.starts_with("202 Accepted\n{\"delivery\":\""), "{}", sent.stdout);
    let stale = folder.run(&["send", "hr", "--body", &body, "--url", &url, "--at", "2021-02-25T15:02:10Z"]);
    assert_eq!(stale.code, Some(1));
    assert!(stale.stdout.starts_with("401 Unauthorized\n"), "{}", stale.stdout);
    assert!(daemon.process.terminate().success());
    let failed = folder.run(&["send", "hr", "--body", &body, "--url", &url]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.starts_with("offboardd: cannot post the delivery\n"), "{}", failed.stderr);
}

#[test]
fn migrate_creates_a_database_and_keeps_a_current_one() {
    let folder = Folder::new(SETTINGS);
    let first = folder.run(&["migrate"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.starts_with("updated the database schema in "), "{}", first.stdout);
    let second = folder.run(&["migrate"]);
    assert_eq!((second.code, second.stdout.as_str()), (Some(0), "the database schema is up to date\n"));
    assert_eq!(folder.run(&["journal", "verify"]).code, Some(0));
}

#[test]
fn backup_of_a_running_database_is_complete_and_opens_with_its_key() {
    // Without probes, so that nothing but the case is in the journal.
    let folder = Folder::new(&SETTINGS.replace("[policies.leavers]", "probe_idle = \"0s\"\n[policies.leavers]"));
    let daemon = folder.serve("info");
    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    let body = r#"{"type":"departed","person":{"email":"ann@example.com"},"effective_at":"2126-01-01"}"#;
    let body = folder.file("body.json", body);
    assert_eq!(folder.run(&["send", "hr", "--body", &body, "--url", &url]).code, Some(0));
    daemon.process.wait_for_lines("opened by source", 1);
    let ended = folder.run(&["backup", "copy.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("keep it together with the key"), "{}", ended.stdout);
    let again = folder.run(&["backup", "copy.db"]);
    assert!(again.code == Some(1) && again.stderr.contains("backup target already exists"), "{again:?}");

    let verified = folder.run(&["journal", "verify", "copy.db"]);
    assert!(verified.code == Some(0) && verified.stdout.starts_with("intact: 1 entries"), "{verified:?}");
    // Restored elsewhere, with its key, it works.
    let elsewhere = Folder::new(SETTINGS);
    std::fs::copy(folder.path().join("copy.db"), elsewhere.database()).unwrap();
    std::fs::copy(folder.path().join("offboardd.db.key"), elsewhere.path().join("offboardd.db.key")).unwrap();
    std::fs::copy(folder.path().join("copy.db.keys"), elsewhere.path().join("offboardd.db.keys")).unwrap();
    let mut restored = elsewhere.serve("info");
    assert!(restored.process.terminate().success());
    // Without the key it cannot be read.
    std::fs::remove_file(elsewhere.path().join("offboardd.db.key")).unwrap();
    let lost = elsewhere.run(&["serve"]);
    assert!(lost.code == Some(1) && lost.stderr.contains("the key of this database is gone"), "{lost:?}");
}

#[test]
fn second_daemon_on_one_database_refuses_to_start() {
    let row = expect_row("a second daemon on the same database", "it refuses to start, with a clear reason");
    let folder = Folder::new(SETTINGS);
    let mut first = folder.serve("info");
    let second = folder.run(&["serve"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("offboardd: another daemon uses this database: "), "{}", second.stderr);
    assert!(first.process.terminate().success());
    let mut third = folder.serve("info");
    assert!(third.process.terminate().success());
    row.passed(1, "1 refusal");
}

#[test]
fn port_in_use_prevents_the_start_with_a_clear_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = Folder::new(&SETTINGS.replacen("127.0.0.1:0", &address.to_string(), 1));
    let ended = folder.run(&["serve"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains(&format!("offboardd: cannot listen on {address} (server.webhooks)\n")),
        "{}",
        ended.stderr
    );
}

#[test]
fn sigterm_ends_the_daemon_and_the_sandbox_with_0() {
    let folder = Folder::new(SETTINGS);
    let mut daemon = folder.serve("info");
    // Who holds a connection open without using it does not hold up the stop.
    let idle = TcpStream::connect(daemon.webhooks).unwrap();
    assert_eq!(daemon.process.terminate().code(), Some(0));
    drop(idle);
    let (mut sandbox, _) = folder.sandbox(&[]);
    assert_eq!(sandbox.terminate().code(), Some(0));
}

#[test]
fn healthcheck_tests_livez_or_readyz_and_names_the_failed_check() {
    let folder = Folder::new("no settings at all");
    let run = |arguments: &[&str]| folder.run(&[&["healthcheck"], arguments].concat());
    for (path, more) in [("/livez", &[][..]), ("/readyz", &["--ready"])] {
        for (status, code) in [("200 OK", 0), ("503 Service Unavailable", 1), ("302 Found\r\nlocation: /livez", 1)] {
            let url = format!("http://{}", answering_once(path, status, ""));
            let ended = run(&[&[url.as_str()], more].concat());
            assert_eq!(ended.code, Some(code), "{path}: {status}: {ended:?}");
        }
    }
    let checks =
        r#"{"ready":false,"checks":{"database":{"ok":true,"detail":null},"space":{"ok":false,"detail":"1 MiB free"}}}"#;
    let url = format!("http://{}", answering_once("/readyz", "503 Service Unavailable", checks));
    let ended = run(&["--ready", &url]);
    let reason = format!("offboardd: {url}/readyz responded 503 Service Unavailable\n  space: 1 MiB free\n");
    assert_eq!((ended.code, ended.stderr), (Some(1), reason));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = run(&[&format!("http://{closed}/readyz")]);
    assert_eq!(ended.code, Some(1));
    let reason = format!("offboardd: no response from http://{closed}/readyz\n");
    assert!(ended.stderr.starts_with(&reason), "{}", ended.stderr);
}

#[test]
fn healthcheck_of_a_running_daemon_succeeds() {
    let folder = Folder::new(SETTINGS);
    let mut daemon = folder.serve("info");
    let url = format!("http://{}", daemon.admin);
    for arguments in [&["healthcheck", url.as_str()][..], &["healthcheck", "--ready", &url]] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    assert!(daemon.process.terminate().success());
}

/// A server that answers one request for this path, and nothing else.
fn answering_once(path: &'static str, status: &'static str, body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let length = stream.read(&mut request).unwrap();
        let expected = format!("GET {path} HTTP/1.1\r\n");
        let status = if request[..length].starts_with(expected.as_bytes()) { status } else { "404 Not Found" };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}

#[test]
fn check_exits_with_1_for_warnings_only_if_it_is_strict() {
    let folder = Folder::new(SETTINGS);
    assert_eq!(folder.run(&["check"]).code, Some(0));
    assert_eq!(folder.run(&["check", "--strict"]).code, Some(1));
    let admin = "[[admin.tokens]]\nname = \"rosa\"\nrole = \"viewer\"\ntoken = { env = \"HR_KEY\" }\n[sites.acme]";
    let folder = Folder::new(&SETTINGS.replace("[sites.acme]", admin));
    let strict = folder.run(&["check", "--strict"]);
    assert_eq!((strict.code, strict.stderr.as_str()), (Some(0), ""));
}

#[test]
fn several_settings_errors_are_listed_below_their_count() {
    let folder =
        Folder::new(&SETTINGS.replace("departed =", "departs =").replace("preset = \"standard", "preset = \"standart"));
    let ended = folder.run(&["check"]);
    assert_eq!(ended.code, Some(1));
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines[0], "offboardd: the settings have 2 errors:");
    assert!(
        lines[1].starts_with("  offboardd.toml:8:1: policies.leavers.departs: unknown key; did you mean `departed`?")
    );
    assert!(
        lines[2]
            .contains("sources.hr.preset: no preset is called `standart-webhooks`: did you mean `standard-webhooks`?")
    );
}

#[test]
fn explain_exits_with_1_if_an_item_is_unreadable() {
    let folder = Folder::new("");
    for (body, code) in [
        (r#"{"type":"departed","person":{"email":"ann@example.com"}}"#, 0),
        (r#"[{"type":"departed","person":{"email":"ann@example.com"}},{"type":"new"}]"#, 1),
        ("{", 1),
    ] {
        let file = folder.file("body.json", body);
        let ended = folder.run(&["explain", "standard-webhooks", "--body", &file]);
        assert_eq!(ended.code, Some(code), "{body}: {ended:?}");
    }
}
