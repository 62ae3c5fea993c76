//! Makes the screens in `docs/screens.md` and at the end of each guide, and compares them with what the commands print.
//!
//! `OFFBOARDD_BLESS=1` writes them.

use std::path::Path;

use offboardd::sandbox::NewAccount;
use serde_json::{Value, json};

use super::document;
use crate::harness::{Harness, Setup};

/// The id of every case in a document: ids end at random.
const ID: &str = "01a0a9c4-6e00-7000-8000-00005eed0001";

/// Settings in which each screen has something to show.
const POLICY: &str = "departed = \"revoke_then_delete\"\nemail_changed = \"revoke\"\nlocal_grace = \"30d\"\n\
                      approvals = { delete = 1 }\ntimezone = \"Europe/Berlin\"\ndetach = [\"organizations\"]";

async fn story() -> Harness {
    Harness::with(Setup { policy: POLICY, free_bytes: Some(25 << 30), ..Setup::default() }).await
}

fn departed(email: &str, at: Option<&str>) -> Value {
    let mut event = json!({ "type": "departed", "person": { "email": email } });
    if let Some(at) = at {
        event["effective_at"] = json!(at);
    }
    event
}

/// What a command prints, with a fixed id for each case: `numbers` are their persons, in the order of the numbers.
async fn printed(story: &Harness, command: &str, persons: &[&str]) -> String {
    let mut words: Vec<String> = command.split_whitespace().skip(1).map(str::to_owned).collect();
    let mut names = Vec::new();
    for (number, person) in persons.iter().enumerate() {
        let id = story.case(person).await.case.id.to_string();
        let shown = ID.replace("0001", &format!("{:04}", number + 1));
        let end = |id: &str| id.get(id.len() - 8..).unwrap().to_owned();
        names.push((end(&id), end(&shown)));
        names.push((id, shown));
    }
    // In a document the command names a case as it is shown there.
    for word in &mut words {
        if let Some((found, _)) = names.iter().find(|(_, shown)| shown == word) {
            found.clone_into(word);
        }
    }
    let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = story.run(&arguments).await;
    let mut text = run.stdout + &run.stderr;
    for (found, shown) in names.iter().rev() {
        text = text.replace(found, shown);
    }
    text.replace(env!("CARGO_PKG_VERSION"), "0.1.0")
}

/// Compares the `text` block that follows the only block of this command, or writes it.
async fn check(story: &Harness, name: &str, command: &str, persons: &[&str]) {
    let text = document(name);
    let start = format!("```sh\n{command}\n```\n\n```text\n");
    let (before, rest) =
        text.split_once(&start).unwrap_or_else(|| panic!("{name}: no block of `{command}` and its output"));
    let (shown, after) = rest.split_once("```").unwrap();
    let printed = printed(story, command, persons).await;
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "wider than 80 columns:\n{printed}");
    if std::env::var_os("OFFBOARDD_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::write(path, format!("{before}{start}{printed}```{after}")).unwrap();
        return;
    }
    assert_eq!(shown, printed, "{name}: `{command}` prints something else: run with OFFBOARDD_BLESS=1");
}

#[tokio::test]
async fn screens_of_the_document_are_printed_by_the_commands() {
    let story = story().await;
    story.send_event(departed("dora@example.com", None)).await;
    // Ids of one millisecond are in no order.
    story.advance("1s").await;
    story.send_event(departed("ann@example.com", None)).await;
    story.advance("29d").await;
    story.send_event(departed("ben@example.com", Some("2026-10-20"))).await;
    story.send("hr", &json!({ "type": "no such type" })).await;
    story.advance("1d1h").await;
    let persons = ["ann@example.com", "ben@example.com", "dora@example.com"];
    check(&story, "docs/screens.md", "offboardd status", &persons).await;
    check(&story, "docs/screens.md", "offboardd case list --sort next", &persons).await;
    check(&story, "docs/screens.md", "offboardd case show ann@example.com", &persons).await;
    story.finish(&["revoke ann@example.com", "detach_organization ann@example.com"]).await;
}

#[tokio::test]
async fn guide_to_an_old_address_shows_the_case_of_the_old_account() {
    let story = story().await;
    story.site.add(NewAccount::customer("ann.new@example.com", "Ann Archer")).unwrap();
    let person = json!({ "id": "42", "email": "ann.new@example.com", "old_email": "ann@example.com" });
    story.send_event(json!({ "type": "email_changed", "person": person })).await;
    check(&story, "docs/guides/old-address.md", "offboardd case show ann@example.com", &["ann@example.com"]).await;
    story.finish(&["revoke ann@example.com", "detach_organization ann@example.com"]).await;
}
