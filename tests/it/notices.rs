//! Messages to people: one for each transition, however often the daemon stops, and none with a name in it.

mod debian;
mod receivers;

use std::fmt::Write as _;

use offboardd::domain::case::StateName;
use offboardd::sandbox::{CallName, Fault, NewAccount, Seed};
use serde_json::{Value, json};

use self::receivers::{Answer, HttpReceiver, MailReceiver, NOTIFY_SECRET};
use crate::binary::Folder;
use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";
/// Has two accounts.
const DORA: &str = "dora@example.com";

/// The receivers of a story, one of each kind.
pub(crate) struct Receivers {
    pub(crate) webhook: HttpReceiver,
    chat: HttpReceiver,
    mail: MailReceiver,
    secrets: tempfile::TempDir,
}

impl Receivers {
    pub(crate) async fn start() -> Self {
        let secrets = tempfile::tempdir().unwrap();
        let chat = HttpReceiver::start().await;
        std::fs::write(secrets.path().join("chat"), format!("http://{}/services/T0/B0/s3cret", chat.address)).unwrap();
        std::fs::write(secrets.path().join("webhook"), NOTIFY_SECRET).unwrap();
        Self { webhook: HttpReceiver::start().await, chat, mail: MailReceiver::start().await, secrets }
    }

    /// The table `[notify]` with every channel.
    fn settings(&self, more: &str) -> &'static str {
        let folder = self.secrets.path().display();
        let mut text = format!("[notify]\n{more}\n");
        writeln!(
            text,
            "webhooks = [{{ url = \"http://{}/hook\", secret = {{ file = \"{folder}/webhook\" }} }}]
             chat = [{{ url = {{ file = \"{folder}/chat\" }} }}]
             mail = {{ server = \"smtp://{}\", from = \"offboardd@acme.example\", to = [\"admins@acme.example\"] }}",
            self.webhook.address, self.mail.address,
        )
        .unwrap();
        text.leak()
    }

    pub(crate) async fn story(&self, notify: &str, setup: Setup) -> Harness {
        let server = ", admin_url = \"https://offboardd.acme.example\"";
        let more = format!("{}\n{}", setup.more, self.settings(notify)).leak();
        Harness::with(Setup { server, more, ..setup }).await
    }
}

/// Waits until every transition so far is gathered, and lets the gather time pass.
pub(crate) async fn gather(story: &Harness) {
    let query = "SELECT (SELECT seq FROM notice_cursor) = (SELECT COALESCE(MAX(seq), 0) FROM journal) AS is_true";
    story.wait_until_true("the journal to be read", query).await;
    story.advance("1m").await;
}

/// Waits until no message is left.
pub(crate) async fn wait_until_sent(story: &Harness) {
    let query = "SELECT COUNT(*) = 0 AS is_true FROM notices";
    story.wait_until_true("the messages to be sent", query).await;
}

fn customers(story: &Harness, people: usize) {
    for number in 0..people {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
}

fn address(number: usize) -> String {
    format!("person{number}@example.com")
}

fn departed(number: usize) -> Value {
    json!({ "type": "departed", "person": { "id": number.to_string(), "email": address(number) } })
}

#[tokio::test]
async fn transition_is_reported_once_on_every_channel_without_personal_data() {
    let receivers = Receivers::start().await;
    let mut story = receivers.story("", Setup::default()).await;
    story.send_departed(DORA).await;
    assert_eq!(story.state(DORA).await, StateName::NeedsAttention);
    let id = story.case(DORA).await.case.id.to_string();
    gather(&story).await;
    wait_until_sent(&story).await;

    let webhooks = receivers.webhook.received();
    assert_eq!(webhooks.len(), 1, "{webhooks:?}");
    webhooks[0].assert_signed();
    let body = webhooks[0].json();
    assert_eq!(
        (&body["type"], &body["data"]["site"], &body["data"]["count"]),
        (&json!("attention"), &json!("acme"), &json!(1))
    );
    let url = format!("https://offboardd.acme.example/cases/{id}");
    assert_eq!(body["data"]["cases"], json!([{ "id": id, "reason": "ambiguous_account", "url": url }]));

    let chat = receivers.chat.received();
    assert_eq!((chat.len(), chat[0].path.as_str()), (1, "/services/T0/B0/s3cret"));
    let text = chat[0].json()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("*acme: a case needs a decision*\n") && text.contains(&url), "{text}");

    let mails = receivers.mail.received();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("Subject: [offboardd] acme: a case needs a decision"), "{}", mails[0]);
    assert!(mails[0].contains("To: admins@acme.example") && mails[0].contains(&id), "{}", mails[0]);

    let all = format!("{webhooks:?} {chat:?} {mails:?}");
    assert!(!all.to_lowercase().contains(DORA), "{all}");
    story.restart().await;
    gather(&story).await;
    assert_eq!(receivers.webhook.received().len(), 1, "nothing is reported again");
    let metrics = story.metrics().await;
    for channel in ["webhook", "chat", "mail"] {
        let series = format!("offboardd_notices_total{{channel=\"{channel}\",outcome=\"sent\"}} 0");
        assert!(metrics.contains(&series), "{metrics}");
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn flood_of_812_departures_is_one_notice() {
    let receivers = Receivers::start().await;
    let policy = "departed = \"revoke\"\nbrake = { per_hour = 25, per_day = 100 }";
    let story = receivers.story("", Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
    story.send_event(Value::Array((0..812).map(departed).collect())).await;
    gather(&story).await;
    wait_until_sent(&story).await;
    let received = receivers.webhook.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let body = received[0].json();
    assert_eq!(
        (&body["type"], &body["data"]["count"], &body["data"]["source"]),
        (&json!("brake"), &json!(812), &json!("hr"))
    );
    assert!(body["data"]["text"].as_str().unwrap().contains("offboardd source release hr"), "{body}");
    assert_eq!((receivers.chat.received().len(), receivers.mail.received().len()), (1, 1));
    story.finish(&[]).await;
}

#[tokio::test]
async fn cases_that_wait_for_approval_together_are_one_notice_with_links() {
    let receivers = Receivers::start().await;
    let policy =
        "departed = \"revoke\"\napprovals = { revoke = 1, delete = 0 }\nbrake = { per_hour = 900, per_day = 900 }";
    let story = receivers.story("", Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
    customers(&story, 100);
    story.send_event(Value::Array((0..100).map(departed).collect())).await;
    gather(&story).await;
    wait_until_sent(&story).await;
    let received = receivers.webhook.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let data = received[0].json()["data"].clone();
    assert_eq!((&data["count"], data["cases"].as_array().unwrap().len()), (&json!(100), 20));
    assert_eq!(data["url"], "https://offboardd.acme.example/cases?held=approval");
    let confirm = data["cases"][0]["confirm_url"].as_str().unwrap();
    let page = format!(
        "https://offboardd.acme.example/cases/{}/approve?for=revoke&link=",
        data["cases"][0]["id"].as_str().unwrap()
    );
    assert!(confirm.starts_with(&page), "{confirm}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn notice_of_a_transition_before_a_crash_is_sent_after_it() {
    let receivers = Receivers::start().await;
    let mut story = receivers.story("", Setup::default()).await;
    story.send_departed(DORA).await;
    story.crash().await;
    gather(&story).await;
    wait_until_sent(&story).await;
    assert_eq!(receivers.webhook.received().len(), 1);
    assert_eq!((receivers.chat.received().len(), receivers.mail.received().len()), (1, 1));
    story.finish(&[]).await;
}

#[tokio::test]
async fn message_without_an_answer_before_a_crash_is_repeated_with_the_same_id() {
    let receivers = Receivers::start().await;
    let mut story = receivers.story("", Setup::default()).await;
    receivers.webhook.answer_next(Answer::Hang);
    story.send_departed(DORA).await;
    gather(&story).await;
    story.wait_until("the first attempt", async || receivers.webhook.received().len() == 1).await;
    let query = "SELECT COUNT(*) = 1 AS is_true FROM notice_messages";
    story.wait_until_true("the other channels", query).await;
    story.crash().await;
    wait_until_sent(&story).await;
    let received = receivers.webhook.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(receivers.chat.received().len(), 1, "the other channels had accepted it");
    story.finish(&[]).await;
}

#[tokio::test]
async fn chat_that_answers_429_gets_the_message_after_its_retry_after() {
    let receivers = Receivers::start().await;
    let story = receivers.story("", Setup::default()).await;
    receivers.chat.answer_next(Answer::Status(429, Some("600")));
    story.send_departed(DORA).await;
    gather(&story).await;
    story.wait_until("the first attempt", async || receivers.chat.received().len() == 1).await;
    story.wait_until("the others", async || receivers.webhook.received().len() == 1).await;
    for _ in 0..9 {
        story.advance("1m").await;
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    assert_eq!(receivers.chat.received().len(), 1, "the receiver demanded ten minutes");
    story.advance("2m").await;
    wait_until_sent(&story).await;
    assert_eq!(receivers.chat.received().len(), 2);
    let metrics = story.metrics().await;
    assert!(metrics.contains("offboardd_notices_total{channel=\"chat\",outcome=\"failed\"} 1"), "{metrics}");
    assert!(metrics.contains("offboardd_notices_total{channel=\"chat\",outcome=\"sent\"} 1"), "{metrics}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn mail_server_that_greets_and_hangs_delays_no_revoke_and_no_other_channel() {
    let receivers = Receivers::start().await;
    receivers.mail.hang(true);
    let story = receivers.story("", Setup::default()).await;
    story.send_departed(DORA).await;
    gather(&story).await;
    story.wait_until("the mail server", async || receivers.mail.connections() == 1).await;
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.wait_until("the others", async || receivers.webhook.received().len() == 1).await;
    assert_eq!(receivers.chat.received().len(), 1);
    receivers.mail.hang(false);
    // The attempt ends after its time limit, and a later one succeeds.
    story
        .wait_at_most(std::time::Duration::from_secs(90), async || {
            story.advance("1m").await;
            receivers.mail.received().len() == 1
        })
        .await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn receiver_that_stays_down_is_given_up() {
    let receivers = Receivers::start().await;
    let more = "[retry]\nbase = \"1s\"\nmax = \"1h\"\ngive_up_after = \"6h\"";
    let story = receivers.story("", Setup { more, ..Setup::default() }).await;
    receivers.webhook.always(Answer::Status(503, None));
    story.send_departed(DORA).await;
    gather(&story).await;
    for _ in 0..14 {
        let before = receivers.webhook.received().len();
        story.advance("30m").await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(receivers.webhook.received().len() >= before);
    }
    wait_until_sent(&story).await;
    let metrics = story.metrics().await;
    assert!(metrics.contains("offboardd_notices_total{channel=\"webhook\",outcome=\"given_up\"} 1"), "{metrics}");
    assert!(receivers.webhook.received().len() > 3);
    story.finish(&[]).await;
}

#[tokio::test]
async fn message_names_the_person_only_if_configured() {
    let receivers = Receivers::start().await;
    let story = receivers.story("personal_data = true", Setup::default()).await;
    story.send_departed(DORA).await;
    gather(&story).await;
    wait_until_sent(&story).await;
    assert_eq!(receivers.webhook.received()[0].json()["data"]["cases"][0]["email"], DORA);
    assert!(receivers.chat.received()[0].json()["text"].as_str().unwrap().contains(DORA));
    assert!(receivers.mail.received()[0].contains(DORA));
    story.finish(&[]).await;
}

#[tokio::test]
async fn site_source_delivery_closing_and_deadline_are_reported_by_kind() {
    let receivers = Receivers::start().await;
    let policy = "departed = \"revoke\"\nerasure_requested = \"delete\"\napprovals = { revoke = 0, delete = 1 }";
    let more = "[sources.crm]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"leavers\"
         secrets = [{ env = \"HR_KEY\" }]\nquiet_after = \"30d\"";
    let mut story = receivers.story("", Setup { policy, more, ..Setup::default() }).await;
    let kinds = async |story: &Harness| {
        gather(story).await;
        wait_until_sent(story).await;
        let mut kinds: Vec<String> = receivers.webhook.take().iter().map(receivers::Received::kind).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(story.send("hr", &json!({ "type": "nonsense" })).await.status, 202);
    story.settle().await;
    assert_eq!(kinds(&story).await, ["unreadable"]);

    story.send_event(json!({ "type": "departed", "person": { "email": ANN }, "effective_at": "2026-12-01" })).await;
    story.send_returned(ANN).await;
    assert_eq!(kinds(&story).await, ["closed"]);

    story.send_event(json!({ "type": "erasure_requested", "person": { "email": ANN } })).await;
    assert_eq!(kinds(&story).await, ["approval"]);
    story.advance("21d").await;
    // Deadlines are checked at a start, and periodically.
    story.restart().await;
    let query = "SELECT COUNT(*) = 1 AS is_true FROM journal WHERE kind = 'deadline'";
    story.wait_until_true("the deadline to be noticed", query).await;
    assert_eq!(kinds(&story).await, ["deadline"]);

    story.inject(Fault { call: Some(CallName::Search), status: Some(401), ..Fault::default() });
    story.send_departed("ben@example.com").await;
    story.wait_until("the pause", async || story.is_paused().await).await;
    assert_eq!(kinds(&story).await, ["site_paused"]);

    let reply = story.send("crm", &json!({ "type": "ignored" })).await;
    story.wait_until_routed(reply.delivery()).await;
    story.clock.advance(crate::harness::duration("31d"));
    story.site.clear_faults();
    // Quiet sources are reported at a start, and periodically.
    story.restart().await;
    story
        .wait_until("the report of the quiet source", async || {
            let quiet = story.store().sources().await.unwrap();
            quiet.iter().any(|source| source.quiet_since.is_some())
        })
        .await;
    assert!(kinds(&story).await.contains(&"source_quiet".to_owned()));
    story.restart().await;
    assert!(!kinds(&story).await.contains(&"source_quiet".to_owned()), "it was reported before");
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn channels_are_configured_later_without_the_past() {
    let receivers = Receivers::start().await;
    let mut story = Harness::start().await;
    story.send_departed(DORA).await;
    let notify = receivers.settings("");
    story.restart_with(|settings| format!("{settings}\n{notify}")).await;
    gather(&story).await;
    assert!(receivers.webhook.received().is_empty());
    story.send_departed("dora2@example.com").await;
    story.advance_past_rechecks().await;
    gather(&story).await;
    wait_until_sent(&story).await;
    assert_eq!(receivers.webhook.received()[0].kind(), "closed");
    story.finish(&[]).await;
}

#[tokio::test]
async fn check_sends_a_test_message_only_on_request_and_shows_no_secret() {
    let receivers = Receivers::start().await;
    let folder = Folder::new(receivers.settings(""));
    let quiet = tokio::task::spawn_blocking(move || (folder.run(&["check", "--online"]), folder)).await.unwrap();
    let (run, folder) = quiet;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("notify.mail") && run.stdout.contains("not contacted"), "{run:?}");
    assert!(receivers.webhook.received().is_empty() && receivers.mail.received().is_empty());
    let send = move || folder.run(&["check", "--online", "--send-test-notice"]);
    let run = tokio::task::spawn_blocking(send).await.unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!run.stdout.contains("s3cret") && !run.stderr.contains("s3cret"), "{run:?}");
    let received = receivers.webhook.received();
    assert_eq!((received.len(), receivers.chat.received().len(), receivers.mail.received().len()), (1, 1, 1));
    received[0].assert_verified_now();
}
