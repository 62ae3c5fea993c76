//! `status`: the bad day at one glance, and a good one.

use jiff::SignedDuration;
use offboardd::duration::ConfigDuration;
use offboardd::sandbox::{NewAccount, Seed};
use offboardd::store::{FenceReason, Finding};
use serde_json::{Value, json};

use crate::harness::{Harness, Setup, redacted};

const BRAKED: &str = "departed = \"revoke_then_delete\"\nbrake = { per_hour = 3, per_day = 100 }";

fn departed(email: &str) -> Value {
    json!({ "type": "departed", "person": { "email": email } })
}

/// Sends deliveries of `hr` with a signature that does not match.
async fn send_forged(story: &Harness, count: usize) {
    for _ in 0..count {
        let headers = story.sign("hr", &story.new_id(), story.now(), b"another body");
        assert_eq!(story.post("hr", b"{}", &headers).await.status, 401);
    }
}

#[tokio::test]
async fn good_day_has_no_problem_and_exits_with_0() {
    let story = Harness::start().await;
    story.send_departed_at("ann@example.com", "2026-09-10T12:00:00Z").await;
    let status = story.api("/status", None).await.body;
    assert_eq!((&status["ok"], &status["mode"], &status["problems"]), (&json!(true), &json!("enforce"), &json!([])));
    assert_eq!((&status["attention"], &status["held"], &status["unreadable"]), (&json!({}), &json!({}), &json!(0)));
    let next = &status["next"][0];
    assert_eq!((&next["kind"], &next["at"]), (&json!("revoke"), &json!("2026-09-10T12:00:00Z")));
    assert_eq!(next["case"], story.case("ann@example.com").await.case.id.to_string());
    let shown = story.run(&["status"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("in 3 d") && shown.stdout.contains("2026-09-10 12:00Z revoke at acme"), "{shown:?}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn bad_day_is_visible_on_one_screen() {
    let mut story = Harness::with(Setup {
        mode: "observe",
        policy: BRAKED,
        free_bytes: Some(1024 * 1024),
        site: "look_back = \"0s\"\n[sites.globex]\nurl = \"https://globex.example\"\n\
               cloud_id = \"22222222-2222-3333-4444-555555555555\"\n\
               auth = { email = \"admin@example.com\", token = { env = \"ACME_TOKEN\" } }\nprobe_idle = \"0s\"",
        ..Setup::default()
    })
    .await;
    // An ambiguous person, then a flood, an unreadable body, a wrong secret.
    story.send_event(departed("dora@example.com")).await;
    let flood = ["ann", "ben", "ida", "jon"].map(|name| departed(&format!("{name}@example.com")));
    story.send_event(Value::Array(flood.into())).await;
    assert_eq!(story.send("hr", &json!({ "type": "no such type" })).await.status, 202);
    story.settle().await;
    send_forged(&story, 12).await;
    // The clock is ahead, and the token of the idle site has expired: a probe reports it before a call is due.
    story.site.change_options(|options| {
        options.date_behind = ConfigDuration::from_secs(600);
        options.tokens = Some(Vec::new());
    });
    let probed = |settings: String| settings.replacen("probe_idle = \"0s\"", "probe_idle = \"1ms\"", 1);
    story.restart_with(probed).await;
    let is_paused = async || {
        story.clock.advance(SignedDuration::from_millis(1));
        story.wake_tasks();
        story.is_paused().await
    };
    story.wait_until("the site to be paused", is_paused).await;
    send_forged(&story, 12).await;
    let mut tx = story.store().begin().await.unwrap();
    let detail = "a backup was restored".to_owned();
    tx.raise_fence(&Finding { reason: FenceReason::Restored, detail }, story.now()).await.unwrap();
    tx.commit().await.unwrap();

    let status = story.api("/status", None).await.body;
    assert_eq!((&status["ok"], &status["mode"]), (&json!(false), &json!("observe")));
    assert_eq!(status["attention"], json!({ "ambiguous_account": 1 }));
    assert_eq!((&status["held"], &status["unreadable"]), (&json!({ "brake": 4 }), &json!(1)));
    let about: Vec<_> = status["problems"].as_array().unwrap().iter().map(|problem| &problem["about"]).collect();
    assert_eq!(about, ["space", "fence", "site acme", "site acme", "source hr", "source hr", "cases", "deliveries"]);

    let shown = story.run(&["status"]).await;
    assert_eq!(shown.code, Some(1), "{shown:?}");
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80), "{}", shown.stdout);
    insta::assert_snapshot!(redacted(&shown.stdout, &[(env!("CARGO_PKG_VERSION"), "VERSION")]));
    story.finish(&[]).await;
}

#[tokio::test]
async fn job_that_revoked_nothing_is_not_done() {
    let story = Harness::start().await;
    story.send_departed("dora@example.com").await;
    // Ids of one millisecond are in no order.
    story.advance("1s").await;
    story.send_departed("ann@example.com").await;
    let jobs = story.api("/jobs?kind=revoke", None).await.body["items"].clone();
    let of = |index: usize| (jobs[index]["state"].clone(), jobs[index]["last_error"].clone());
    assert_eq!(of(0), (json!("done"), Value::Null));
    assert_eq!(of(1), (json!("cancelled"), json!("needs attention: ambiguous_account")));
    let shown = story.run(&["job", "list"]).await.stdout;
    assert!(shown.contains("needs attention"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn refusals_are_counted_for_an_hour() {
    let story = Harness::start().await;
    send_forged(&story, 3).await;
    let refused = async || story.api("/status", None).await.body["sources"][1]["refused"].clone();
    assert_eq!(refused().await, json!({ "unauthorized": 3 }));
    story.clock.advance(SignedDuration::from_mins(61));
    assert_eq!(refused().await, json!({}));
    story.finish(&[]).await;
}

#[tokio::test]
async fn paused_site_blocks_what_comes_next_until_an_operator_resumes_it() {
    let story = Harness::with(Setup { seed: Seed::default(), ..Setup::default() }).await;
    story.site.add(NewAccount::customer("ann@example.com", "Ann")).unwrap();
    story.post_action("sites/acme/pause").await;
    let again = story.api("/sites/acme/pause", Some(json!({}))).await;
    assert_eq!((again.status, &again.body["paused_by"]), (200, &json!("rosa")));
    story.send_departed("ann@example.com").await;
    // No probe ends it.
    story.advance("2h").await;
    assert!(story.is_paused().await);
    let next = story.api("/status", None).await.body["next"][0].clone();
    assert_eq!((&next["blocked"][0]["by"], &next["blocked"][0]["name"]), (&json!("site_paused"), &json!("acme")));
    let case = story.api("/cases/ann@example.com", None).await.body;
    assert_eq!(case["blocked"][0]["meaning"], "rosa paused the site: no call until `offboardd site resume acme`");
    assert_eq!(story.api("/jobs", None).await.body["items"][0]["blocked"], case["blocked"]);
    assert!(story.site.calls().is_empty());
    story.post_action("sites/acme/resume").await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn unknown_name_on_the_command_line_is_misuse() {
    let story = Harness::start().await;
    for arguments in [
        &["case", "list", "--source", "unknown"][..],
        &["case", "list", "--site", "unknown"],
        &["case", "list", "--state", "unknown"],
        &["case", "list", "--sort", "unknown"],
        &["case", "show", "xyz"],
        &["case", "hold", "--source", "unknown"],
        &["delivery", "list", "--source", "unknown"],
        &["job", "list", "--kind", "unknown"],
    ] {
        let run = story.run(arguments).await;
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{arguments:?}: {run:?}");
    }
    assert_eq!(story.run(&["case", "show", "ffffffff"]).await.code, Some(1), "no such case");
    story.finish(&[]).await;
}
