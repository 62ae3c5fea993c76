//! One channel to people.

use jiff::Timestamp;

use super::chat::Chat;
use super::mail::Mail;
use super::message::Message;
use super::post::{SendError, TIMEOUT, post};
use super::webhook::Webhook;

/// A channel with its secrets.
#[derive(Debug, Clone)]
pub enum Channel {
    Webhook(Webhook),
    Chat(Chat),
    Mail(Mail),
}

impl Channel {
    /// The label in the metrics.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Chat(_) => "chat",
            Self::Mail(_) => "mail",
        }
    }

    /// Sends one message, within [`TIMEOUT`].
    pub async fn send(&self, http: &reqwest::Client, message: &Message, now: Timestamp) -> Result<(), SendError> {
        let sending = async {
            match self {
                Self::Webhook(webhook) => post(webhook.request(http, message, now)?, now).await,
                Self::Chat(chat) => post(chat.request(http, message)?, now).await,
                Self::Mail(mail) => mail.send(message).await,
            }
        };
        let elapsed = || SendError::of(format!("no answer within {} s", TIMEOUT.as_secs()));
        tokio::time::timeout(TIMEOUT, sending).await.map_err(|_elapsed| elapsed())?
    }
}
