//! `offboardd check --online`: checks whether the mail server accepts the credentials. A message is sent only with
//! `--send-test-notice`.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::report::{CheckStatus, Finding};
use crate::app;
use crate::clock::{self, Clock as _, SystemClock};
use crate::notices::{Channel, Message};
use crate::settings::Settings;

#[derive(Debug, Serialize)]
pub(super) struct ChannelReport {
    /// The key below `[notify]`.
    channel: String,
    finding: Finding,
}

impl ChannelReport {
    pub(super) fn is_fine(&self) -> bool {
        self.finding.status != CheckStatus::Fix
    }
}

impl fmt::Display for ChannelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "notify.{}\n{}", self.channel, self.finding)
    }
}

/// Checks every channel, and sends a test message on request.
pub(super) async fn inspect(settings: &Settings, send: bool) -> anyhow::Result<Vec<ChannelReport>> {
    let http = crate::outbound::http()?;
    let now = SystemClock.now();
    let mut reports = Vec::new();
    for (key, _, channel) in app::channels(&settings.notify) {
        let finding = if send { send_test(&channel, &http, &key, now).await } else { check(&channel, &key).await };
        reports.push(ChannelReport { channel: key, finding });
    }
    Ok(reports)
}

async fn send_test(channel: &Channel, http: &reqwest::Client, key: &str, now: Timestamp) -> Finding {
    let message = Message::test(clock::new_id(now).to_string(), now);
    match channel.send(http, &message, now).await {
        Ok(()) => Finding::ok("test message", "accepted"),
        Err(error) => Finding::fix("test message", error.to_string(), format!("correct notify.{key}")),
    }
}

async fn check(channel: &Channel, key: &str) -> Finding {
    match channel {
        Channel::Webhook(_) | Channel::Chat(_) => {
            Finding::unknown("channel", "not contacted; --send-test-notice sends a test message")
        }
        Channel::Mail(mail) => match mail.test_connection().await {
            Ok(()) => Finding::ok("mail server", "connected; --send-test-notice sends a test message"),
            Err(error) => Finding::fix("mail server", error.to_string(), format!("correct notify.{key}")),
        },
    }
}
