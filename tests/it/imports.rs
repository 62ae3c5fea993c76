//! Many cases together, from a file: what was reviewed is what is done, through approvals and the brake.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use offboardd::domain::case::{Hold, State, StateName};
use offboardd::sandbox::{CallName, NewAccount, Seed};
use serde_json::{Value, json};

use crate::harness::{Harness, ROSA, Reply, Setup, TOM};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";
const WIDE: &str = "departed = \"revoke\"\nbrake = { per_hour = 100000, per_day = 100000 }";

fn address(number: usize) -> String {
    format!("person{number}@customer.example")
}

async fn site_of(people: usize, policy: &'static str) -> Harness {
    let story = Harness::with(Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
    for number in 0..people {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    story
}

async fn planned(story: &Harness, query: &str, csv: &str) -> Value {
    let reply = story.import(query, csv).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["state"], "planned", "{reply:?}");
    reply.body
}

/// Runs the plan with this digest, and waits until its cases are open.
async fn run(story: &Harness, query: &str, csv: &str, digest: &Value) -> Reply {
    let digest = digest.as_str().unwrap();
    let reply = story.import(&format!("{query}&digest={digest}&reason=because"), csv).await;
    if let Some(id) = reply.body["import"].as_str() {
        story
            .wait_until("the import", async || story.api(&format!("/imports/{id}"), None).await.body["state"] == "done")
            .await;
        story.settle().await;
    }
    reply
}

#[tokio::test]
async fn reviewed_plan_is_carried_out_and_any_other_is_refused() {
    let story = Harness::with(Setup { policy: WIDE, ..Setup::default() }).await;
    let csv = format!(
        "\u{feff}email;person_id;effective_at;action\r\n{ANN};1;;\r\nnot an address;2;;\r\n\"{BEN}\";3;2026-12-31;\r\n\
         {ANN};4;;delete\r\ncid@example.com;5;31.12.2026;\r\n"
    );
    let plan = planned(&story, "format=departures", &csv).await;
    assert_eq!(
        (&plan["count"], &plan["policy"], &plan["policy_chosen"]),
        (&json!(2), &json!("leavers"), &json!("most_careful_of_site"))
    );
    assert_eq!(plan["rows"], json!({ "bad": 2, "duplicate": 1, "already_open": 0, "excluded": 0 }));
    let lines: Vec<_> = plan["problems"].as_array().unwrap().iter().map(|problem| problem["line"].clone()).collect();
    assert_eq!(lines, [3, 6]);
    assert!(story.cases().await.is_empty(), "a dry run does nothing");
    assert_eq!(planned(&story, "format=departures", &csv).await["digest"], plan["digest"]);

    let digest = plan["digest"].as_str().unwrap();
    let without_reason = story.import(&format!("digest={digest}"), &csv).await;
    assert_eq!(without_reason.status, 422, "{without_reason:?}");
    let other = run(&story, "format=departures", &csv.replace("2026-12-31", "2026-12-30"), &plan["digest"]).await;
    assert_eq!(other.status, 409, "{other:?}");
    assert!(story.cases().await.is_empty());

    let done = run(&story, "format=departures", &csv, &plan["digest"]).await;
    assert_eq!((done.status, &done.body["done"]), (200, &json!(2)), "{done:?}");
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    let ben = story.case(BEN).await.case;
    assert_eq!(
        (ben.state.clone(), ben.effective_at),
        (State::Scheduled, "2026-12-31T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(24))
    );
    assert_eq!(ben.terms.requested_by.as_deref(), Some("rosa"));
    // What is open is not opened again.
    let again = run(&story, "format=departures", &csv, &plan["digest"]).await;
    assert_eq!(again.status, 409, "{again:?}");
    assert_eq!(planned(&story, "format=departures", &csv).await["rows"]["already_open"], 2);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn import_above_the_brake_is_held_before_its_first_call() {
    let story = site_of(60, "departed = \"revoke\"\nbrake = { per_hour = 25, per_day = 100 }").await;
    let csv = |people: std::ops::Range<usize>| {
        people.fold("email\n".to_owned(), |mut csv, number| {
            writeln!(csv, "{}", address(number)).unwrap();
            csv
        })
    };
    let plan = planned(&story, "", &csv(0..40)).await;
    assert_eq!(run(&story, "", &csv(0..40), &plan["digest"]).await.status, 200);
    assert!(story.site.calls().is_empty(), "0 of 40 carried out");
    let held = story.cases().await.iter().filter(|record| record.case.state == State::Held(Hold::Brake)).count();
    assert_eq!(held, 40);
    // Another operator releases them; the requester cannot.
    assert_eq!(story.try_action(ROSA, &address(0), "release").await.status, 403);
    story.act_as(TOM, &address(0), "release").await;
    assert_eq!(story.state(&address(0)).await, StateName::Revoked);
    // Each token has its own brake.
    let plan = story.import_as(TOM, "", &csv(40..60)).await.body;
    let digest = plan["digest"].as_str().unwrap();
    assert_eq!(story.import_as(TOM, &format!("digest={digest}&reason=because"), &csv(40..60)).await.status, 200);
    story.wait_until("the import of Tom", async || story.count(CallName::Revoke) == 21).await;
    story.settle().await;
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn imported_cases_take_the_strictest_approvals_of_the_site() {
    let policy = "departed = \"revoke\"\napprovals = { revoke = 1, delete = 2 }";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    let csv = format!("email,action\n{ANN},\n");
    let plan = planned(&story, "policy=leavers", &csv).await;
    assert_eq!(plan["policy_chosen"], "named");
    assert_eq!(run(&story, "policy=leavers", &csv, &plan["digest"]).await.status, 200);
    assert_eq!(story.case(ANN).await.case.state, State::Held(Hold::Approval));
    let approve = json!({ "for": "revoke", "reason": "seen" });
    let id = story.case(ANN).await.case.id;
    assert_eq!(story.api(&format!("/cases/{id}/approve"), Some(approve.clone())).await.status, 403, "own request");
    assert_eq!(story.api_as(TOM, &format!("/cases/{id}/approve"), Some(approve)).await.status, 200);
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    // Two others would have to approve a deletion, and there is one.
    let csv = format!("email,action\n{BEN},delete\n");
    let plan = planned(&story, "", &csv).await;
    assert_eq!(plan["irreversible"], 1);
    assert_eq!(run(&story, "", &csv, &plan["digest"]).await.status, 409);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn roster_of_1000_people_offboards_exactly_the_missing_ones() {
    let story = site_of(1000, "departed = \"revoke\"\nbrake = { per_hour = 25, per_day = 100 }").await;
    story.site.add(NewAccount::customer("guest@other.example", "Guest")).unwrap();
    let agent = NewAccount {
        account_type: offboardd::sandbox::AccountType::Atlassian,
        ..NewAccount::customer("agent@customer.example", "Agent")
    };
    story.site.add(agent).unwrap();
    let missing: BTreeSet<usize> = (0..1000).step_by(53).collect();
    let staying = (0..1000).filter(|number| !missing.contains(number));
    let csv = staying.fold("Name,Work Email,email\n".to_owned(), |mut csv, number| {
        writeln!(csv, "Person {number},,{}", address(number).to_uppercase()).unwrap();
        csv
    });
    let query = "format=roster&domain=customer.example";
    assert_eq!(story.import("format=roster", &csv).await.status, 400, "a roster needs a domain");
    let plan = planned(&story, query, &csv).await;
    assert_eq!((&plan["count"], &plan["rows"]["excluded"]), (&json!(missing.len()), &json!(1000 - missing.len())));
    let done = run(&story, query, &csv, &plan["digest"]).await;
    assert_eq!((done.status, &done.body["count"]), (200, &plan["count"]));
    let mut expected: Vec<String> = missing.iter().map(|number| format!("revoke {}", address(*number))).collect();
    expected.sort();
    let mut changes = story.changes();
    changes.sort();
    assert_eq!(changes, expected, "0 wrong persons");
    // Below the brake all were carried out; the next roster is above it.
    let csv = csv.lines().filter(|line| !line.contains("PERSON99")).collect::<Vec<_>>().join("\n");
    story.advance("5m").await;
    let plan = planned(&story, query, &csv).await;
    assert_eq!(plan["count"], 11);
    assert_eq!(run(&story, query, &csv, &plan["digest"]).await.status, 200);
    let held = story.cases().await.iter().filter(|record| record.case.state == State::Held(Hold::Brake)).count();
    assert_eq!((held, story.count(CallName::Revoke)), (11, missing.len()));
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn incomplete_roster_is_reported() {
    let story = site_of(20, "departed = \"revoke\"").await;
    let csv = format!("email\n{}\nbroken\n", address(3));
    let plan = planned(&story, "format=roster&domain=customer.example", &csv).await;
    assert_eq!((&plan["count"], &plan["rows"]["bad"]), (&json!(19), &json!(1)));
    let warning = plan["warning"].as_str().unwrap();
    assert!(warning.contains("is it complete?") && warning.contains("cannot be read"), "{warning}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn export_of_atlassian_selects_the_inactive_customers() {
    let story = Harness::with(Setup { policy: WIDE, ..Setup::default() }).await;
    let csv = format!("Full name,Email,Last active\nAnn,{ANN},2025-01-31\nBen,{BEN},\"Sep 1, 2026\"\n");
    let query = "format=atlassian-export&inactive_for=180d&domain=example.com";
    let plan = planned(&story, query, &csv).await;
    assert_eq!((&plan["count"], &plan["cases"][0]["email"]), (&json!(1), &json!(ANN)));
    assert_eq!(run(&story, query, &csv, &plan["digest"]).await.status, 200);
    assert_eq!(story.import("inactive_for=180d", &csv).await.status, 400);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn import_continues_after_a_crash() {
    let mut story = site_of(0, WIDE).await;
    let csv = (0..1500).fold("email,effective_at\n".to_owned(), |mut csv, number| {
        writeln!(csv, "{},2026-12-31", address(number)).unwrap();
        csv
    });
    let plan = planned(&story, "", &csv).await;
    let digest = plan["digest"].as_str().unwrap().to_owned();
    let query = format!("digest={digest}&reason=because");
    let admin = story.admin();
    let mut sent = tokio::task::JoinSet::new();
    sent.spawn(async move {
        let url = format!("http://{admin}/api/v1/import?{query}");
        crate::http::client().post(url).bearer_auth(ROSA).body(csv).send().await.is_ok()
    });
    story.wait_until("some cases", async || !story.cases().await.is_empty()).await;
    story.crash().await;
    drop(sent.join_next().await);
    story
        .wait_until("the rest", async || {
            let page = story.store().count_cases().await.unwrap();
            page.iter().map(|(_, _, count)| count).sum::<u64>() >= 1500
        })
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let counts = story.store().count_cases().await.unwrap();
    assert_eq!(counts.iter().map(|(_, _, count)| count).sum::<u64>(), 1500, "each once");
    let mut database = story.database().await;
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM import_rows").fetch_one(&mut database).await.unwrap();
    assert_eq!(left, 0, "no address of the file is left beside the cases");
    story.finish(&[]).await;
}

/// Plans a file of `planned_rows` rows, one in a thousand of them bad, and imports one of `imported_rows`.
async fn plan_and_import(planned_rows: usize, imported_rows: usize) -> Harness {
    let story = site_of(0, WIDE).await;
    let plan = planned(&story, "", &csv(planned_rows)).await;
    let bad = planned_rows / 1000;
    assert_eq!((&plan["count"], &plan["rows"]["bad"]), (&json!(planned_rows - bad), &json!(bad)));
    let plan = planned(&story, "", &csv(imported_rows)).await;
    let digest = plan["digest"].as_str().unwrap();
    let reply = story.import(&format!("digest={digest}&reason=because"), &csv(imported_rows)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let id = reply.body["import"].as_str().unwrap();
    let opened = imported_rows - imported_rows / 1000;
    story
        .wait_at_most(std::time::Duration::from_mins(5), async || {
            let progress = story.api(&format!("/imports/{id}"), None).await.body;
            assert_eq!(progress["total"], opened);
            progress["state"] == "done" && progress["opened"] == opened
        })
        .await;
    story
}

fn csv(rows: usize) -> String {
    (0..rows).fold("email,effective_at\n".to_owned(), |mut csv, number| {
        let bad = if number % 1000 == 7 { " " } else { "" };
        writeln!(csv, "person{bad}{number}@customer.example,2026-12-31").unwrap();
        csv
    })
}

#[tokio::test]
async fn bad_rows_of_a_large_file_stop_no_other() {
    plan_and_import(4_000, 1_000).await.finish(&[]).await;
}

#[tokio::test]
#[ignore = "it takes minutes: see the module `stress`"]
async fn file_of_100_000_rows_is_planned_and_10_000_are_imported() {
    let story = plan_and_import(100_000, 10_000).await;
    assert_eq!(story.import("", &csv(100_002)).await.status, 422);
    story.finish(&[]).await;
}

#[tokio::test]
async fn nightly_roster_of_a_watched_folder_is_imported_once() {
    let mut story = site_of(30, "departed = \"revoke\"").await;
    let folder = story.folder().join("import");
    std::fs::create_dir(&folder).unwrap();
    let table = format!(
        "[import]\nfolder = \"{}\"\nformat = \"roster\"\ndomain = \"customer.example\"\nat = \"02:00\"\ntimezone = \"Europe/Berlin\"",
        folder.display()
    );
    story.restart_with(|settings| format!("{settings}\n{table}")).await;
    let roster = |name: &str, staying: std::ops::Range<usize>, at: Timestamp| {
        let csv = staying.fold("email\n".to_owned(), |mut csv, number| {
            writeln!(csv, "{}", address(number)).unwrap();
            csv
        });
        std::fs::write(folder.join(name), csv).unwrap();
        std::fs::File::options().write(true).open(folder.join(name)).unwrap().set_modified(at.into()).unwrap();
    };
    let done = || std::fs::read_dir(folder.join("done")).map_or(0, Iterator::count);
    roster("hr.csv", 0..28, story.now());
    story.advance("11h59m").await;
    assert_eq!((done(), story.cases().await.len()), (0, 0), "it is 1:59 in Berlin");
    story.advance("2m").await;
    story.wait_until("the roster", async || done() == 2).await;
    story.wait_until("the cases", async || story.cases().await.len() == 2).await;
    story.settle().await;
    // The next night brings the same roster: its people have open cases.
    roster("hr.csv", 0..28, story.now());
    story.advance("1d").await;
    story.wait_until("the next roster", async || done() == 4).await;
    assert_eq!(story.cases().await.len(), 2);
    // A file that was cut off is refused.
    roster("hr.csv", 0..3, story.now());
    story.advance("1d").await;
    let refused = || std::fs::read_dir(folder.join("refused")).map_or(0, Iterator::count);
    story.wait_until("the refusal", async || refused() == 2).await;
    assert_eq!(story.cases().await.len(), 2);
    // A row that cannot be read would offboard its person.
    roster("hr.csv", 0..27, story.now());
    let broken = std::fs::read_to_string(folder.join("hr.csv")).unwrap().replace("person9@", "person9_at_");
    std::fs::write(folder.join("hr.csv"), broken).unwrap();
    std::fs::File::options().write(true).open(folder.join("hr.csv")).unwrap().set_modified(story.now().into()).unwrap();
    story.advance("1d").await;
    story.wait_until("the second refusal", async || refused() == 4).await;
    assert_eq!(story.cases().await.len(), 2);
    let reports = std::fs::read_dir(folder.join("done")).unwrap().map(|entry| entry.unwrap().path());
    for report in reports.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        assert!(!std::fs::read_to_string(report).unwrap().contains('@'));
    }
    story.finish(&["revoke person28@customer.example", "revoke person29@customer.example"]).await;
}

#[tokio::test]
async fn own_request_states_its_policy_and_why() {
    let more = "[policies.careful]\ndeparted = \"revoke\"\napprovals = { revoke = 0, delete = 1 }
         [sources.crm]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"careful\"\nsecrets = [{ env = \"HR_KEY\" }]";
    let story = Harness::with(Setup { more, ..Setup::default() }).await;
    let request = |email: &str, policy: Option<&str>| json!({ "site": "acme", "email": email, "action": "revoke", "reason": "requested", "policy": policy });
    let opened = story.api("/cases", Some(request(ANN, None))).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    assert_eq!(
        (&opened.body["policy"], &opened.body["policy_chosen"]),
        (&json!("careful"), &json!("most_careful_of_site"))
    );
    assert_eq!(opened.body["approvals_required"], json!({ "revoke": 0, "delete": 1 }));
    let named = story.api("/cases", Some(request(BEN, Some("leavers")))).await;
    assert_eq!((&named.body["policy"], &named.body["policy_chosen"]), (&json!("leavers"), &json!("named")));
    assert_eq!(
        named.body["approvals_required"],
        json!({ "revoke": 0, "delete": 1 }),
        "naming a policy loosens nothing"
    );
    assert_eq!(story.history(ANN).await[0].detail["policy_chosen"], "most_careful_of_site");
    story.settle().await;
    // A case of a source names its policy, too.
    story.send_departed("cid@example.com").await;
    let cases = story.api("/cases?limit=500", None).await.body;
    assert!(cases["items"].as_array().unwrap().iter().all(|case| case["policy"].is_string()), "{cases}");
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
