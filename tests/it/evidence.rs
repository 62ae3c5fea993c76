//! Evidence of whole stories: verified by the commands of its document, without the binary.

use std::path::Path;
use std::process::Command;

use offboardd::domain::case::StateName;
use offboardd::proof::evidence::document::Checkpoint;
use offboardd::proof::evidence::verify::{EvidenceError, Subject, verify};
use offboardd::proof::signature::{self, PublicKey};
use serde_json::{Value, json};

use crate::binary::{CommandOutput, Folder};
use crate::documents::{document, of_language, section};
use crate::harness::{Harness, ROSA, Setup, TOM};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

const APPROVED_DELETION: &str = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\napprovals.delete = 1";

/// The text of a response.
async fn get(story: &Harness, path: &str) -> String {
    let reply = story.api(path, None).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body.as_str().expect("the response is text").to_owned()
}

async fn evidence_of(story: &Harness, email: &str) -> String {
    get(story, &format!("/cases/{}/evidence", story.case(email).await.case.id)).await
}

async fn public_key(story: &Harness) -> PublicKey {
    PublicKey::read(&get(story, "/evidence/key").await).unwrap()
}

/// The summary of a file.
fn summary(file: &str) -> Value {
    serde_json::from_str(file.split("\n\n").next().unwrap()).unwrap()
}

/// Runs the command lines of one section of the document with the tools of the system only.
fn run_documented(folder: &Path, heading: &str, before: &str) -> String {
    let lines = of_language(section(&document("docs/evidence.md"), heading), "sh").remove(0);
    let output = Command::new("sh")
        .args(["-euc", &format!("{before}\n{lines}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn has_ssh_keygen() -> bool {
    let found = Command::new("sh").args(["-c", "command -v ssh-keygen"]).output().unwrap().status.success();
    if !found {
        println!("skipped: ssh-keygen is not installed");
    }
    found
}

/// A case with an approval, from the webhook to the erasure.
async fn erased() -> Harness {
    let story = Harness::with(Setup { policy: APPROVED_DELETION, ..Setup::default() }).await;
    story.send_departed(BEN).await;
    story.send_departed(ANN).await;
    story.advance("1d").await;
    assert_eq!(story.approve(TOM, ANN, "delete").await.status, 200);
    story.advance("30d").await;
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story
}

const DONE: &[&str] = &["revoke ann@example.com", "delete ann@example.com", "revoke ben@example.com"];

#[tokio::test]
async fn evidence_of_an_erased_case_is_verified_by_the_documented_commands() {
    let story = erased().await;
    let account = story.site.accounts().into_iter().find(|account| account.email.as_deref() == Some(ANN));
    let (file, key) = (evidence_of(&story, ANN).await, get(&story, "/evidence/key").await);
    let account_id = account.map_or_else(|| "qm:".to_owned(), |account| account.account_id);
    for secret in [ANN, "ann%40", account_id.as_str()] {
        assert!(!file.contains(secret), "{secret}");
    }
    if has_ssh_keygen() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("case.evidence"), &file).unwrap();
        std::fs::write(folder.path().join("offboardd-evidence.pub"), &key).unwrap();
        let run = |heading: &str, before: &str| run_documented(folder.path(), heading, before);
        let signature = run("## Check the signature", "");
        assert!(signature.starts_with("Good \"offboardd-evidence\" signature for offboardd"), "{signature}");
        let whose = |email: &str| run("## Check the person", &format!("EMAIL={email}"));
        assert_eq!(whose(ANN), "this case is about ann@example.com\n");
        assert_eq!(whose(BEN), "this case is about another person\n");
        let lines = run("## Check the journal lines", "");
        let entries = file.split("\n\n").nth(1).unwrap().lines().count();
        assert_eq!(lines.lines().filter(|line| line.starts_with("in the tree: ")).count(), entries, "{lines}");
        assert_eq!(lines.lines().count(), entries, "{lines}");
        // The tools notice a changed byte, too.
        let changed = file.replacen("erased", "Erased", 1);
        std::fs::write(folder.path().join("case.evidence"), changed).unwrap();
        assert!(!run("## Check the signature", "").contains("Good"));
        std::fs::write(
            folder.path().join("message"),
            file.replacen("\"gone_confirmed\"", "x", 1).replace("due", "duE"),
        )
        .unwrap();
        assert!(run("## Check the journal lines", "").contains("NOT in the tree"));
    }
    story.finish(DONE).await;
}

#[tokio::test]
async fn evidence_of_an_erased_case_is_found_by_its_address_until_the_case_expires() {
    let mut story = erased().await;
    let of_case = async |name: &str| summary(&get(&story, &format!("/cases/{name}/evidence")).await)["case"].clone();
    let id = story.case(ANN).await.case.id.to_string();
    let end = id.get(id.len() - 8..).unwrap();
    for name in [&id, end, ANN, "Ann%40EXAMPLE.com"] {
        assert_eq!(of_case(name).await, id, "{name}");
    }
    let refused = story.api("/cases/unknown%40example.com/evidence", None).await;
    assert_eq!(refused.status, 404, "{refused:?}");
    assert!(refused.body["detail"].as_str().unwrap().contains("name it by its id"), "{refused:?}");
    story.advance("2d").await;
    story.restart_with(|settings| settings.replacen("store.url", "store.keep_cases = \"1d\"\nstore.url", 1)).await;
    story.wait_until("the case to expire", async || story.cases().await.len() == 1).await;
    for name in [&id, ANN] {
        assert_eq!(story.api(&format!("/cases/{name}/evidence"), None).await.status, 404, "{name}");
    }
    story.finish(DONE).await;
}

#[tokio::test]
async fn evidence_states_dates_duties_calls_and_graces() {
    let story = erased().await;
    let (file, key) = (evidence_of(&story, ANN).await, public_key(&story).await);
    let verified = verify(file.as_bytes(), Some(&key)).unwrap();
    let case = story.case(ANN).await.case;
    let entries = story.history(ANN).await.len();
    assert_eq!(verified.subject, Subject::Case { case: case.id.to_string(), state: "erased".to_owned(), entries });
    let summary = summary(&file);
    let duties = &summary["duties"];
    assert_eq!(
        (&duties["requested_by"], &duties["approved_by"], &duties["executed_by"]),
        (&json!("source hr"), &json!(["tom"]), &json!("offboardd")),
    );
    assert_eq!(
        (&duties["approver_is_not_requester"], &duties["approver_is_not_executor"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(summary["dates"]["seconds_from_effect_to_removal"], 0);
    assert_eq!(summary["dates"]["access_removed_at"], json!(case.progress.revoked_at));
    assert_eq!(summary["dates"]["gone_at"], json!(case.progress.gone_at));
    let calls = summary["calls"].as_array().unwrap();
    let calls: Vec<_> = calls.iter().map(|call| (&call["call"], &call["outcomes"][0]["what"])).collect();
    assert_eq!(
        calls,
        [(&json!("revoke"), &json!("revoke_confirmed")), (&json!("delete"), &json!("deletion_accepted"))]
    );
    assert_eq!(summary["graces"]["local"]["length"], "PT720H");
    assert_eq!(summary["graces"]["deletion"]["until"], json!(case.progress.grace_ends_at));
    assert_eq!(summary["deliveries"][0]["signature"], "verified");
    assert_eq!(summary["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!((&summary["policy"], &summary["left_open"]), (&json!("leavers"), &Value::Null));
    let found: Vec<_> = summary["read_backs"].as_array().unwrap().iter().map(|read| read["found"].clone()).collect();
    assert!(found.contains(&json!("no access")) && found.contains(&json!("no account")), "{found:?}");

    // An open case states what it waits for.
    let open = evidence_of(&story, BEN).await;
    verify(open.as_bytes(), Some(&key)).unwrap();
    let open = self::summary(&open);
    assert_eq!(open["left_open"]["approvals_missing"], json!({ "for": "delete", "count": 1 }));
    assert_eq!(open["duties"]["approved_by"], json!([]));
    story.finish(DONE).await;
}

#[tokio::test]
async fn approval_that_lapsed_before_the_call_is_no_approval_of_it() {
    let policy = "departed = \"revoke_then_delete\"\nerasure_requested = \"delete\"\nlocal_grace = \"30d\"\napprovals.delete = 1";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 200);
    // An erasure request makes the deletion earlier than what was approved.
    story.send_event(json!({ "type": "erasure_requested", "person": { "email": ANN } })).await;
    assert_eq!(story.approve(TOM, ANN, "delete").await.status, 200);
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    let of_case = summary(&evidence_of(&story, ANN).await);
    assert_eq!(of_case["duties"]["approved_by"], json!(["tom"]));
    let period = summary(&get(&story, "/evidence?from=2026-09-01&to=2026-10-01").await);
    assert_eq!(period["cases"][0]["duties"]["approved_by"], json!(["tom"]), "{period}");
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn operator_who_approves_their_own_kind_of_request_shows_as_requester() {
    let story = Harness::with(Setup { policy: APPROVED_DELETION, ..Setup::default() }).await;
    let request = json!({ "site": "acme", "email": ANN, "action": "delete", "reason": "because" });
    assert_eq!(story.api_as(ROSA, "/cases", Some(request)).await.status, 201);
    story.settle().await;
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 403);
    assert_eq!(story.approve(TOM, ANN, "delete").await.status, 200);
    let summary = summary(&evidence_of(&story, ANN).await);
    assert_eq!(summary["duties"]["requested_by"], "operator rosa");
    assert_eq!(summary["duties"]["approved_by"], json!(["tom"]));
    let steps: Vec<_> = summary["operators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["what"].clone(), step["by"].clone()))
        .collect();
    assert!(
        steps.contains(&(json!("opened"), json!("rosa"))) && steps.contains(&(json!("approved"), json!("tom"))),
        "{steps:?}"
    );
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn period_accounts_for_every_delivery() {
    let story = Harness::start().await;
    let before = story.now();
    story.send_departed(ANN).await;
    // No effect: a return without a case, and what is known already.
    story.send_returned(BEN).await;
    // Unreadable, ignored, and a repeated request, which is no delivery of its own.
    let unreadable = story.send("hr", &json!({ "type": "departed" })).await.delivery();
    story.send("hr", &json!({ "type": "ignored", "person": { "id": "1" } })).await.delivery();
    let (id, body) = (story.new_id(), json!({ "type": "departed", "person": { "email": BEN } }).to_string());
    let headers = story.sign("hr", &id, story.now(), body.as_bytes());
    let statuses = [
        story.post("hr", body.as_bytes(), &headers).await.status,
        story.post("hr", body.as_bytes(), &headers).await.status,
    ];
    assert_eq!(statuses, [202, 200]);
    story.settle().await;
    story.advance("30d").await;
    let after = story.now();

    let key = public_key(&story).await;
    let file = get(&story, &format!("/evidence?from={before}&to={after}")).await;
    let verified = verify(file.as_bytes(), Some(&key)).unwrap();
    let Subject::Period { cases, adds_up, complete, .. } = verified.subject else { panic!("{verified:?}") };
    assert_eq!((cases, adds_up, complete), (2, true, true));
    let summary = summary(&file);
    let deliveries = &summary["deliveries"];
    assert_eq!(deliveries["received"], 5);
    let by_outcome = &deliveries["by_outcome"];
    let counted: u64 = by_outcome.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counted, 5, "{by_outcome}");
    assert_eq!((&by_outcome["case"], &by_outcome["unreadable"]), (&json!(2), &json!(1)), "{by_outcome}");
    let quiet = by_outcome["no_effect"].as_u64().unwrap() + by_outcome["ignored"].as_u64().unwrap();
    assert_eq!(quiet, 2, "{by_outcome}");
    assert_eq!(deliveries["by_source"]["hr"]["case"], 2);
    assert_eq!(deliveries["unreadable"], json!([unreadable]));
    let population = &summary["population"];
    assert_eq!((&population["opened_in_period"], &population["opened_in_journal"]), (&json!(2), &json!(2)));
    assert_eq!(population["agrees"], true);
    assert!(!file.contains("@example.com"));

    // A period in which only time passed, and one before everything.
    let quiet = get(&story, &format!("/evidence?from={after}&to=2027-01-01")).await;
    let quiet = self::summary(&quiet);
    assert_eq!((&quiet["population"]["opened_in_period"], &quiet["deliveries"]["received"]), (&json!(0), &json!(0)));
    let nothing = self::summary(&get(&story, "/evidence?from=2026-01-01&to=2026-01-31").await);
    assert_eq!((&nothing["cases"], &nothing["deliveries"]["complete"]), (&json!([]), &json!(true)));
    story
        .finish(&[
            "revoke ann@example.com",
            "revoke ben@example.com",
            "delete ann@example.com",
            "delete ben@example.com",
        ])
        .await;
}

#[tokio::test]
async fn period_with_removed_deliveries_states_that_it_is_incomplete() {
    let story = Harness::start().await;
    let before = story.now();
    for email in [ANN, BEN, "carl@example.com", "dora@example.com"] {
        story.send_returned(email).await;
    }
    let mut database = story.database().await;
    sqlx::raw_sql("DELETE FROM deliveries WHERE seq IN (1, 3)").execute(&mut database).await.unwrap();
    story.advance("1m").await;
    let file = get(&story, &format!("/evidence?from={before}&to={}", story.now())).await;
    let deliveries = &summary(&file)["deliveries"];
    assert_eq!((&deliveries["received"], &deliveries["adds_up"]), (&json!(2), &json!(true)));
    assert_eq!(deliveries["complete"], false);
    let why = deliveries["incomplete_because"].as_str().unwrap();
    assert!(why.starts_with("retention removed 2 deliveries"), "{why}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn evidence_is_for_operators_and_the_key_for_all() {
    let tokens = "{ name = \"vera\", role = \"viewer\", token = { env = \"HIBOB_TOKEN\" } },";
    let story = Harness::with(Setup { tokens, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    let case = story.case(ANN).await.case.id;
    let status = async |path: &str| story.api_as("hibob-t0ken", path, None).await.status;
    assert_eq!(status(&format!("/cases/{case}/evidence")).await, 403);
    assert_eq!(status("/evidence?from=2026-01-01&to=2026-12-31").await, 403);
    assert_eq!(status("/evidence/key").await, 200);
    for bad in [
        "",
        "?from=2026-01-01",
        "?from=2026-02-01&to=2026-01-01",
        "?from=x&to=2026-01-01",
        "?from=2026-01-01&to=2026-02-01&x=1",
    ] {
        assert_eq!(story.api(&format!("/evidence{bad}"), None).await.status, 400, "{bad}");
    }
    let unknown = "/cases/019a2b3c-4d5e-7f60-8123-456789abcdef/evidence";
    assert_eq!(story.api(unknown, None).await.status, 404);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn broken_journal_proves_nothing() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    let mut database = story.database().await;
    let change = "DROP TRIGGER journal_is_never_changed; UPDATE journal SET kind = 'withheld' WHERE seq = 1;
         UPDATE journal SET kind = 'opened' WHERE seq = 1; UPDATE journal SET at = at + 1 WHERE seq = 1";
    sqlx::raw_sql(change).execute(&mut database).await.unwrap();
    let case = story.case(ANN).await.case.id;
    assert_eq!(story.api(&format!("/cases/{case}/evidence"), None).await.status, 500);
    sqlx::raw_sql("UPDATE journal SET at = at - 1 WHERE seq = 1").execute(&mut database).await.unwrap();
    assert_eq!(story.api(&format!("/cases/{case}/evidence"), None).await.status, 200);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn anchor_holds_the_signed_head_after_start_and_stop() {
    let mut story = Harness::start().await;
    let anchor = story.folder().join("head");
    let setting = format!("[evidence]\nanchor = \"{}\"\n", anchor.display());
    story.restart_with(|settings| format!("{settings}\n{setting}")).await;
    let key = public_key(&story).await;
    let read = || {
        let text = std::fs::read_to_string(&anchor).unwrap();
        let at = text.find(signature::SIGNATURE_BEGIN).unwrap();
        let (message, armored) = text.split_at(at);
        assert_eq!(signature::verify(message.as_bytes(), armored, Some(&key)), Ok(key));
        let lines: Vec<&str> = message.lines().collect();
        let checkpoint = Checkpoint::read(&format!("{}\n", lines[..3].join("\n"))).unwrap();
        (checkpoint.size, lines[3].to_owned())
    };
    story.wait_until("the anchor", async || anchor.exists()).await;
    assert_eq!(read(), (0, format!("0 {}", "0".repeat(64))));
    story.send_departed(ANN).await;
    let metrics = story.metrics().await;
    story.stop().await;
    let (size, head) = read();
    assert!(metrics.contains(&format!("\noffboardd_journal_entries {size}\n")), "{metrics}");
    let checked = offboardd::store::verify_journal(&story.database_file()).await.unwrap();
    let offboardd::store::JournalCheck::Intact { entries, head: link } = checked else { panic!("{checked:?}") };
    assert_eq!(u64::try_from(entries), Ok(size));
    assert_eq!(head, format!("{entries} {}", hex::encode(link)));
    assert!(!anchor.with_extension("new").exists());
    story.start_daemon().await;
    story.finish(&["revoke ann@example.com"]).await;
}

/// Runs a command against the daemon of a story, as rosa.
fn command(folder: &Folder, story: &Harness, arguments: &[&str]) -> CommandOutput {
    let mut command = folder.command(arguments);
    command.env("OFFBOARDD_URL", format!("http://{}", story.admin())).env("OFFBOARDD_TOKEN", ROSA);
    let output = command.output().unwrap();
    CommandOutput {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_export_and_verify() {
    let story = erased().await;
    let case = story.case(ANN).await.case.id.to_string();
    let folder = Folder::new("");
    let run = |arguments: &[&str]| command(&folder, &story, arguments);
    let key = run(&["evidence", "key"]);
    assert_eq!(key.code, Some(0), "{key:?}");
    folder.file("key.pub", &key.stdout);
    let exported = run(&["evidence", &case, "--out", "case.evidence"]);
    assert_eq!((exported.code, exported.stdout.as_str()), (Some(0), "wrote case.evidence\n"), "{exported:?}");
    let again = run(&["evidence", &case, "--out", "case.evidence"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(run(&["evidence", &case]).stdout.ends_with("-----END SSH SIGNATURE-----\n"));
    let json = run(&["evidence", &case, "--json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["state"], "erased");
    let period = run(&["evidence", "period", "2026-01-01", "2026-12-31", "--out", "year.evidence"]);
    assert_eq!(period.code, Some(0), "{period:?}");
    assert_eq!(run(&["evidence", "period", "2026-01-01", "soon"]).code, Some(2));
    assert_eq!(run(&["evidence", "no-id"]).code, Some(2));
    assert_eq!(run(&["evidence"]).code, Some(2));

    // Verification needs no daemon.
    for file in ["case.evidence", "year.evidence"] {
        let verified = folder.run(&["evidence", "verify", file, "--key", "key.pub"]);
        assert_eq!(verified.code, Some(0), "{verified:?}");
        assert!(verified.stdout.starts_with("valid: ") && verified.stdout.contains("the given key"), "{verified:?}");
    }
    let unknown = folder.run(&["evidence", "verify", "case.evidence"]);
    assert!(unknown.stdout.contains("an unknown key: compare its fingerprint"), "{unknown:?}");
    let json = folder.run(&["evidence", "verify", "case.evidence", "--key", "key.pub", "--json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["valid"], &json["subject"]["case"], &json["key_is_expected"]),
        (&json!(true), &json!(case), &json!(true))
    );
    let text = std::fs::read_to_string(folder.path().join("case.evidence")).unwrap();
    folder.file("converted.evidence", &text.replace('\n', "\r\n"));
    let converted = folder.run(&["evidence", "verify", "converted.evidence", "--json"]);
    assert_eq!(converted.code, Some(1), "{converted:?}");
    assert!(converted.stderr.contains(&EvidenceError::CarriageReturn { line: 1 }.to_string()), "{converted:?}");
    assert_eq!(serde_json::from_str::<Value>(&converted.stdout).unwrap()["valid"], false);
    assert_eq!(folder.run(&["evidence", "verify", "missing"]).code, Some(1));
    assert_eq!(folder.run(&["evidence", "verify"]).code, Some(2));
    story.finish(DONE).await;
}
