//! The console in a real browser: `tests/browser/run.mjs` drives Chromium over the pages of this story.
//!
//! Needs Debian's `chromium`, `nodejs` and `npm`. `OFFBOARDD_BLESS=1` also writes the pictures of docs/images, and
//! `OFFBOARDD_SHOTS=FOLDER` writes pictures of every page and does nothing else.

use std::collections::BTreeMap;
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

const SOURCES: [(&str, &str); 7] = [
    ("payroll", "plain"),
    ("portal", "quick"),
    ("subsidiary", "leavers"),
    ("partners", "leavers"),
    ("workday", "careful"),
    ("sap", "careful"),
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
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
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
    story.advance("15d").await;
    depart(story, "portal", "frontdesk@example.com", None).await;
    story.advance("5d").await;
    for email in ["ann@example.com", "ida@example.com"] {
        depart(story, "hr", email, None).await;
    }
    for (email, day) in [("ben@example.com", "2026-10-30"), ("jon@example.com", "2026-11-05")] {
        depart(story, "hr", email, Some(day)).await;
    }
    for (source, first, day) in [("subsidiary", "kim", "2026-11-08"), ("partners", "lea", "2026-11-02")] {
        for n in 1..=3 {
            depart(story, source, &format!("{first}{n}@example.com"), Some(day)).await;
        }
    }
    depart(story, "hr", "dora@example.com", None).await;
    depart(story, "payroll", "cleo@example.com", None).await;
    let returned = json!({ "type": "returned", "person": { "id": "cleo", "email": "cleo@example.com" } });
    assert_eq!(story.send("payroll", &returned).await.status, 202);
    for source in ["workday", "sap"] {
        for n in 1..=8 {
            depart(story, source, &format!("{source}{n}@example.com"), Some("2026-11-06")).await;
        }
    }
    for body in [json!({ "type": "departed", "person": "ann" }), json!({ "type": "left", "person": { "id": "7" } })] {
        assert_eq!(story.send("hr", &body).await.status, 202);
    }
    // Markup wherever a vendor or an operator can write: types, ids, reasons.
    assert_eq!(story.send("contacts", &json!({ "type": MARKUP, "person": { "id": MARKUP } })).await.status, 202);
    let hostile = json!({ "type": "departed", "person": { "id": MARKUP, "email": "o'neil&co@example.com" } });
    assert_eq!(story.send("contacts", &hostile).await.status, 202);
    story.settle().await;
    let id = id(story, "o'neil&co@example.com").await;
    assert_eq!(story.api(&format!("/cases/{id}/hold"), Some(json!({ "reason": MARKUP }))).await.status, 200);
}

/// Executes something, wherever it is not escaped.
const MARKUP: &str =
    "\"></td></textarea><img src=x onerror=\"document.title='executed'\"><script>window.executed=1</script>";

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
        "/cases?source=contacts&state=erased",
        "/sources",
        "/sites",
        "/deliveries",
        "/journal",
        "/evidence",
        "/settings",
        "/api",
        "/no-such-page",
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
        "workday8@example.com",
    ] {
        pages.push(format!("/cases/{}", id(story, email).await));
    }
    pages.push(format!("/deliveries/{delivery}"));
    pages
}

async fn confirmations(story: &Harness) -> Vec<String> {
    let case = |email: &'static str| id(story, email);
    let unreadable = story.api("/deliveries?status=unreadable", None).await.body;
    let delivery = unreadable["items"][0]["id"].as_str().unwrap().to_owned();
    let read = story.api("/deliveries?status=routed&source=hr", None).await.body;
    let routed = read["items"][0]["id"].as_str().unwrap().to_owned();
    vec![
        format!("/cases/{}/approve?for=delete", case("ann@example.com").await),
        format!("/cases/{}/cancel", case("mary-ann@example.com").await),
        format!("/cases/{}/retry", case("dora@example.com").await),
        "/cases/bulk?source=subsidiary&action=cancel".to_owned(),
        "/cases/new".to_owned(),
        "/sources/workday/release".to_owned(),
        "/sources/hr/pause".to_owned(),
        "/sites/acme/pause".to_owned(),
        format!("/cases/{}/requests", case("mary-ann@example.com").await),
        format!("/deliveries/{delivery}/explain"),
        format!("/deliveries/{routed}/explain"),
        format!("/deliveries/{delivery}/replay"),
        "/cases?q=unknown@example.net".to_owned(),
        "/import".to_owned(),
        "/evidence?from=2026-09-01&to=2026-10-31".to_owned(),
    ]
}

/// The pages on which the markup is shown.
async fn hostile_pages(story: &Harness) -> Vec<String> {
    let id = id(story, "o'neil&co@example.com").await;
    let deliveries = story.api("/deliveries?source=contacts", None).await.body;
    let deliveries = deliveries["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap());
    let mut pages: Vec<String> =
        ["/", "/cases", "/sources", "/deliveries", "/journal"].map(str::to_owned).into_iter().collect();
    for delivery in deliveries {
        pages.extend([format!("/deliveries/{delivery}"), format!("/deliveries/{delivery}/explain")]);
    }
    let encoded: String = form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    pages.extend([
        format!("/cases?q={encoded}"),
        format!("/journal?case={encoded}"),
        format!("/{encoded}"),
        format!("/cases/{id}/release"),
        format!("/cases/{id}"),
    ]);
    pages
}

/// A name for each page that is worth a look.
async fn pictures(story: &Harness, pages: &[String], confirmations: &[String]) -> BTreeMap<String, String> {
    let mut pictures = BTreeMap::from([("today".to_owned(), "/".to_owned())]);
    for name in ["cases", "sources", "sites", "deliveries", "journal", "evidence", "settings", "api"] {
        pictures.insert(name.to_owned(), format!("/{name}"));
    }
    for (name, email) in [
        ("case", "mary-ann@example.com"),
        ("case-approval", "ann@example.com"),
        ("case-ambiguous", "dora@example.com"),
        ("case-restoring", "cleo@example.com"),
        ("case-grace", "frontdesk@example.com"),
        ("case-erased", "hana.ito@example.com"),
        ("case-scheduled", "ben@example.com"),
        ("case-braked", "workday8@example.com"),
        ("case-hostile", "o'neil&co@example.com"),
    ] {
        pictures.insert(name.to_owned(), format!("/cases/{}", id(story, email).await));
    }
    let names = [
        "approve",
        "cancel",
        "retry",
        "bulk",
        "new",
        "release",
        "pause",
        "site-pause",
        "requests",
        "explain-unreadable",
        "explain",
        "replay",
        "none-found",
        "import",
        "evidence-period",
    ];
    pictures.extend(names.into_iter().map(str::to_owned).zip(confirmations.iter().cloned()));
    pictures.insert("delivery".to_owned(), pages.last().unwrap().clone());
    pictures.insert("not-found".to_owned(), "/no-such-page".to_owned());
    pictures
}

/// The pictures of docs/images: name, path, language, theme, width, height.
fn documented(pictures: &BTreeMap<String, String>) -> Value {
    let of = |name: &str, page: &str, lang: &str, theme: &str, (width, height): (u32, u32)| json!({ "name": name, "path": pictures[page], "lang": lang, "colorScheme": theme, "width": width, "height": height });
    let (desk, phone) = ((1200, 860), (375, 780));
    json!([
        of("console-today", "today", "en", "light", desk),
        of("console-case", "case", "en", "light", desk),
        of("console-brake", "sources", "en", "dark", desk),
        of("console-phone", "case", "de", "dark", phone),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, nodejs and npm: see CONTRIBUTING.md"]
async fn console_works_in_a_real_browser() {
    let secrets = tempfile::tempdir().unwrap();
    let setup = Setup { policy: POLICY, tokens: tokens(secrets.path()), more: more(), ..Setup::default() };
    let story = Harness::with(setup).await;
    busy_site(&story).await;
    let (pages, confirmations) = (pages(&story).await, confirmations(&story).await);
    let pictures = pictures(&story, &pages, &confirmations).await;
    let of_approver = [pages.as_slice(), &confirmations].concat();
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    let people = |deleted: &str, held: &str, bulk: &str, late: &str, frozen: &str| {
        let imported = format!("imported.{late}");
        json!({
            "deleted": deleted, "held": held, "bulkSource": bulk, "late": late, "frozen": frozen, "imported": imported,
        })
    };
    let settings = json!({
        "address": format!("http://{}", story.admin()),
        "chromium": std::env::var("OFFBOARDD_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned()),
        "tokens": { "rosa": ROSA, "tom": TOM },
        "roles": { "approver": ROSA, "operator": OTTO, "viewer": VERA },
        "pages": { "approver": of_approver, "operator": pages, "viewer": pages },
        "hostile": hostile_pages(&story).await,
        "people": {
            "withScript": people("ann@example.com", "ben@example.com", "subsidiary", "late1@example.com", "workday"),
            "withoutScript": people("ida@example.com", "jon@example.com", "partners", "late2@example.com", "sap"),
        },
        "shots": std::env::var("OFFBOARDD_SHOTS").ok(),
        "documents": std::env::var("OFFBOARDD_BLESS").is_ok().then_some(images),
        "documented": documented(&pictures),
        "pictures": pictures,
    });
    drive(&story, &settings).await;
    let changes = story.changes();
    let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
    story.finish(&changes).await;
}

/// Runs the program, prints what it reports, and carries out what it requests.
async fn drive(story: &Harness, settings: &Value) {
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
}
