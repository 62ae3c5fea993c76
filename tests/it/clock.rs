//! A clock that is wrong: nothing is changed at Atlassian by it, and the site resumes by itself when it is right again.

use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use offboardd::domain::case::StateName;
use offboardd::duration::ConfigDuration;
use offboardd::sandbox::CallName;
use serde_json::json;

use crate::binary::{Folder, settings};
use crate::harness::Harness;

const ANN: &str = "ann@example.com";

impl Harness {
    /// Sets the clock of the site's `Date` headers off ours by so many seconds.
    fn set_date_offset(&self, seconds: i64) {
        self.site.change_options(|options| {
            options.date_ahead = ConfigDuration::from_secs(seconds.max(0));
            options.date_behind = ConfigDuration::from_secs((-seconds).max(0));
        });
    }

    async fn depart_now(&self) {
        let departed = json!({ "type": "departed", "person": { "email": ANN } });
        assert_eq!(self.send("hr", &departed).await.status, 202);
        self.settle().await;
    }

    /// Why the site is paused.
    async fn pause_reason(&self) -> Option<String> {
        let sites = self.store().sites().await.unwrap();
        sites.into_iter().find(|site| site.paused_at.is_some()).and_then(|site| site.reason)
    }

    async fn assert_paused_for_the_clock(&self) {
        self.wait_until("the pause", async || self.pause_reason().await.is_some()).await;
        let reason = self.pause_reason().await.unwrap();
        assert!(reason.starts_with("clock"), "{reason}");
        assert_eq!(self.count(CallName::Revoke), 0);
    }

    async fn assert_resumed(&self) {
        self.wait_until("the site to resume", async || self.pause_reason().await.is_none()).await;
        self.settle().await;
        self.wait_until("the revoke", async || self.state(ANN).await == StateName::Revoked).await;
    }
}

#[tokio::test]
async fn clock_ahead_of_atlassian_pauses_the_site_until_it_is_right() {
    let story = Harness::start().await;
    story.set_date_offset(-600);
    story.depart_now().await;
    story.assert_paused_for_the_clock().await;
    story.advance("2m").await;
    story.assert_paused_for_the_clock().await;
    story.set_date_offset(0);
    story.advance("2m").await;
    story.assert_resumed().await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn clock_half_a_minute_off_or_behind_pauses_nothing() {
    for offset in [-30, 30, 7200] {
        let story = Harness::start().await;
        story.set_date_offset(offset);
        story.depart_now().await;
        assert_eq!(story.state(ANN).await, StateName::Revoked, "{offset}");
        story.finish(&["revoke ann@example.com"]).await;
    }
}

#[tokio::test]
async fn clock_set_back_after_a_future_pause_resumes_the_site() {
    let story = Harness::start().await;
    let wrong = SignedDuration::from_hours(40 * 24);
    story.clock.jump(wrong);
    story.set_date_offset(-wrong.as_secs());
    story.depart_now().await;
    story.assert_paused_for_the_clock().await;
    story.clock.jump(-wrong);
    story.set_date_offset(0);
    story.advance("2m").await;
    story.wait_until("the site to resume", async || story.pause_reason().await.is_none()).await;
    assert_eq!(story.count(CallName::Revoke), 0);
    // The departure was received in the false future, and is carried out when that has come.
    story.advance("40d").await;
    story.assert_resumed().await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn start_with_a_clock_behind_the_journal_waits_until_it_has_passed() {
    let mut story = Harness::start().await;
    story.send_departed("ben@example.com").await;
    story.stop().await;
    let hour = SignedDuration::from_hours(1);
    story.clock.jump(-hour);
    story.set_date_offset(hour.as_secs());
    story.start_daemon().await;
    story.depart_now().await;
    story.wait_until("the pause", async || story.pause_reason().await.is_some()).await;
    assert!(story.pause_reason().await.unwrap().starts_with("clock: this machine's clock is behind"));
    story.advance("61m").await;
    story.assert_resumed().await;
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

#[tokio::test]
async fn start_with_a_clock_behind_the_journal_continues_if_atlassian_agrees() {
    let mut story = Harness::start().await;
    story.send_departed("ben@example.com").await;
    story.stop().await;
    story.clock.jump(-SignedDuration::from_hours(1));
    story.start_daemon().await;
    story.depart_now().await;
    story.wait_until("the revoke", async || story.state(ANN).await == StateName::Revoked).await;
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

/// The library that shows a process another time.
fn faketime() -> Option<&'static str> {
    [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/faketime/libfaketimeMT.so.1",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())
}

/// A daemon whose system clock is wrong, which no clock of ours hides.
fn serve_with_time(folder: &Folder, offset: &str) -> crate::binary::Daemon {
    let mut command: Command = folder.command(&["serve"]);
    command
        .env("RUST_LOG", "info")
        .env("LD_PRELOAD", faketime().expect("libfaketime is installed (Debian package `faketime`)"))
        .env("FAKETIME", offset)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    Folder::serve_as(&mut command)
}

#[test]
#[ignore = "needs libfaketime: cargo test --test it clock -- --ignored"]
fn system_clock_forty_days_ahead_deletes_no_account() {
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&[]);
    folder.file("offboardd.toml", &settings(site, "").replace("local_grace = \"1s\"", "local_grace = \"30d\""));
    let mut daemon = folder.serve("info");
    let body = folder.file("body.json", r#"{"type":"departed","person":{"email":"ann@example.com"}}"#);
    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    assert_eq!(folder.run(&["send", "hr", "--body", &body, "--url", &url]).code, Some(0));
    daemon.process.wait_for_lines("revoke_confirmed", 1);
    assert!(daemon.process.terminate().success());
    let mut daemon = serve_with_time(&folder, "+40d");
    daemon.process.wait_for_lines("clock is ahead of Atlassian", 1);
    assert!(!daemon.process.output_lines().iter().any(|line| line.contains("deletion_accepted")));
    assert!(daemon.process.terminate().success());
}
