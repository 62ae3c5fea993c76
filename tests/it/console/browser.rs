//! The console in a real browser: `tests/browser/run.mjs` drives Chromium over the pages of this story.
//!
//! Needs Debian's `chromium`, `nodejs` and `npm`. `OFFBOARDD_SHOTS=FOLDER` also writes pictures of the pages.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::client::{OTTO, VERA, tokens};
use crate::harness::{Harness, ROSA, Setup, TOM};

/// The policy of most sources: four eyes before a deletion.
const POLICY: &str = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\ntimezone = \"Europe/Berlin\"\n\
     approvals = { delete = 2 }";

/// More policies, and a source for each part of the story.
const MORE: &str = "
[policies.plain]
departed = \"revoke_then_delete\"
local_grace = \"30d\"
timezone = \"Europe/Berlin\"
[policies.quick]
departed = \"revoke_then_delete\"
local_grace = \"1d\"
timezone = \"Europe/Berlin\"
[policies.careful]
departed = \"revoke_then_delete\"
local_grace = \"30d\"
timezone = \"Europe/Berlin\"
brake = { per_hour = 3, per_day = 3 }
";

const SOURCES: [(&str, &str); 6] = [
    ("payroll", "plain"),
    ("portal", "quick"),
    ("subsidiary", "leavers"),
    ("partners", "leavers"),
    ("workday", "careful"),
    ("contacts", "plain"),
];

fn more() -> &'static str {
    let source = |(name, policy): &(&str, &str)| {
        format!(
            "[sources.{name}]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"{policy}\"\n\
             secrets = [{{ env = \"HR_KEY\" }}]\nquiet_after = \"7d\"\n"
        )
    };
    (MORE.to_owned() + &SOURCES.iter().map(source).collect::<String>()).leak()
}

/// A copy of `tests/browser`, beside which npm puts its packages.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["package.json", "package-lock.json", "run.mjs"] {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(file);
        std::fs::copy(original, folder.join(file)).unwrap();
    }
    folder
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}");
}

async fn depart(story: &Harness, source: &str, email: &str, at: Option<&str>) {
    let id = email.split('@').next().unwrap();
    let mut event = json!({ "type": "departed", "person": { "id": id, "email": email } });
    if let Some(at) = at {
        event["effective_at"] = json!(at);
    }
    assert_eq!(story.send(source, &event).await.status, 202);
    story.settle().await;
}

/// A site in the middle of its work: every part of the console has something to show.
async fn busy_site(story: &Harness) {
    depart(story, "portal", "hana.ito@example.com", None).await;
    for _ in 0..3 {
        story.advance("10d").await;
    }
    depart(story, "payroll", "mary-ann@example.com", None).await;
    story.advance("9d").await;
    depart(story, "portal", "frontdesk@example.com", None).await;
    story.advance("5d").await;
    for email in ["ann@example.com", "ida@example.com"] {
        depart(story, "hr", email, None).await;
    }
    for (email, day) in [("ben@example.com", "2026-10-24"), ("jon@example.com", "2026-10-30")] {
        depart(story, "hr", email, Some(day)).await;
    }
    for (source, first, day) in [("subsidiary", "kim", "2026-11-02"), ("partners", "lea", "2026-10-27")] {
        for n in 1..=3 {
            depart(story, source, &format!("{first}{n}@example.com"), Some(day)).await;
        }
    }
    depart(story, "hr", "dora@example.com", None).await;
    depart(story, "payroll", "cleo@example.com", None).await;
    let returned = json!({ "type": "returned", "person": { "id": "cleo", "email": "cleo@example.com" } });
    assert_eq!(story.send("payroll", &returned).await.status, 202);
    for n in 1..=8 {
        depart(story, "workday", &format!("person{n}@example.com"), Some("2026-10-31")).await;
    }
    for body in [json!({ "type": "departed", "person": "ann" }), json!({ "type": "left", "person": { "id": "7" } })] {
        assert_eq!(story.send("hr", &body).await.status, 202);
    }
    story.settle().await;
}

async fn id(story: &Harness, email: &str) -> String {
    story.case(email).await.case.id.to_string()
}

/// The pages of a role, each with something to show.
async fn pages(story: &Harness) -> Vec<String> {
    let unreadable = story.api("/deliveries?status=unreadable", None).await.body;
    let delivery = unreadable["items"][0]["id"].as_str().unwrap().to_owned();
    let mut pages: Vec<String> = [
        "/",
        "/cases",
        "/cases?state=attention",
        "/cases?q=unknown@example.net",
        "/sources",
        "/sites",
        "/deliveries",
        "/journal",
        "/evidence",
        "/settings",
        "/api",
    ]
    .map(str::to_owned)
    .into();
    for email in [
        "mary-ann@example.com",
        "frontdesk@example.com",
        "hana.ito@example.com",
        "ann@example.com",
        "ben@example.com",
        "dora@example.com",
        "cleo@example.com",
        "person8@example.com",
    ] {
        pages.push(format!("/cases/{}", id(story, email).await));
    }
    pages.push(format!("/deliveries/{delivery}"));
    pages
}

async fn confirmations(story: &Harness) -> Vec<String> {
    let case = |email: &'static str| id(story, email);
    vec![
        format!("/cases/{}/approve?for=delete", case("ann@example.com").await),
        format!("/cases/{}/cancel", case("mary-ann@example.com").await),
        format!("/cases/{}/retry", case("dora@example.com").await),
        "/cases/bulk?source=subsidiary&action=cancel".to_owned(),
        "/cases/new".to_owned(),
        "/sources/workday/release".to_owned(),
        "/sources/hr/pause".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, nodejs and npm: see CONTRIBUTING.md"]
async fn console_works_in_a_real_browser() {
    let secrets = tempfile::tempdir().unwrap();
    let setup = Setup { policy: POLICY, tokens: tokens(secrets.path()), more: more(), ..Setup::default() };
    let story = Harness::with(setup).await;
    busy_site(&story).await;
    let (pages, confirmations) = (pages(&story).await, confirmations(&story).await);
    let operator = |more: &[String]| [pages.as_slice(), more].concat();
    let shots = std::env::var("OFFBOARDD_SHOTS").ok();
    let case = |email: &'static str| id(&story, email);
    let settings = json!({
        "address": format!("http://{}", story.admin()),
        "chromium": std::env::var("OFFBOARDD_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned()),
        "tokens": { "rosa": ROSA, "tom": TOM },
        "roles": { "approver": ROSA, "operator": OTTO, "viewer": VERA },
        "pages": { "approver": operator(&confirmations), "operator": pages, "viewer": pages },
        "people": {
            "withScript": { "deleted": "ann@example.com", "held": "ben@example.com", "bulkSource": "subsidiary", "late": "late1@example.com" },
            "withoutScript": { "deleted": "ida@example.com", "held": "jon@example.com", "bulkSource": "partners", "late": "late2@example.com" },
        },
        "shots": shots,
        "onlyShots": std::env::var("OFFBOARDD_ONLY_SHOTS").is_ok(),
        "full": std::env::var("OFFBOARDD_FULL_SHOTS").is_ok(),
        "pictures": {
            "today": "/", "today.de": "/", "cases": "/cases",
            "case": format!("/cases/{}", case("mary-ann@example.com").await),
            "case.de": format!("/cases/{}", case("mary-ann@example.com").await),
            "case-ambiguous": format!("/cases/{}", case("dora@example.com").await),
            "case-restoring": format!("/cases/{}", case("cleo@example.com").await),
            "case-grace": format!("/cases/{}", case("frontdesk@example.com").await),
            "case-erased": format!("/cases/{}", case("hana.ito@example.com").await),
            "approve": confirmations[0], "bulk": confirmations[3], "release": confirmations[5], "bulk.de": confirmations[3],
            "sources": "/sources", "sites": "/sites", "deliveries": "/deliveries", "journal": "/journal",
            "evidence": "/evidence", "settings": "/settings", "api": "/api", "new": "/cases/new",
            "delivery": pages.last().unwrap(),
        },
    });
    let tally = drive(&story, &settings).await;
    println!("{tally}");
    let changes = story.changes();
    let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
    story.finish(&changes).await;
}

/// Runs the program, and carries out what it requests. Returns its last line.
async fn drive(story: &Harness, settings: &Value) -> String {
    let folder = folder();
    if !folder.join("node_modules").exists() {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder));
    }
    let mut program = Command::new("node")
        .arg("run.mjs")
        .current_dir(&folder)
        .env("OFFBOARDD_BROWSER", settings.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    let (mut input, output) = (program.stdin.take().unwrap(), BufReader::new(program.stdout.take().unwrap()));
    let (lines, mut received) = tokio::sync::mpsc::unbounded_channel();
    let reading = std::thread::spawn(move || {
        for line in output.lines() {
            lines.send(line.unwrap()).unwrap();
        }
    });
    let mut last = String::new();
    while let Some(line) = received.recv().await {
        match line.strip_prefix("> ").map(|command| command.split(' ').collect::<Vec<_>>()).as_deref() {
            Some(["depart", source, email]) => {
                depart(story, source, email, Some("2026-12-01")).await;
                writeln!(input, "done").unwrap();
            }
            Some(other) => panic!("the program requests {other:?}"),
            None => {
                println!("{line}");
                last = line;
            }
        }
    }
    reading.join().unwrap();
    assert!(program.wait().unwrap().success(), "{last}");
    last
}
