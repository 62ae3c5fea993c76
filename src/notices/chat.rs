//! Messages to a chat by its incoming webhook: `{"text": …}` for Slack and others, an Adaptive Card for Microsoft Teams.

use std::fmt;

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::message::Message;
use super::post::{SendError, TIMEOUT};

/// The form of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatForm {
    Slack,
    Teams,
}

/// An incoming webhook of a chat.
#[derive(Clone)]
pub struct Chat {
    /// The URL is the only secret of an incoming webhook: it is never printed.
    pub url: SecretString,
    pub form: ChatForm,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chat(…)")
    }
}

impl Chat {
    pub(super) fn request(&self, http: &Client, message: &Message) -> Result<RequestBuilder, SendError> {
        let url = url::Url::parse(self.url.expose_secret()).map_err(|_secret| SendError::of("the URL is no URL"))?;
        let body = match self.form {
            ChatForm::Slack => json!({ "text": slack_text(message) }),
            ChatForm::Teams => teams_card(message),
        };
        Ok(http.post(url).timeout(TIMEOUT).json(&body))
    }
}

/// The text with the three characters escaped that Slack reserves.
fn slack_text(message: &Message) -> String {
    let text = format!("*{}*\n{}", message.subject, message.text());
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn teams_card(message: &Message) -> Value {
    let block = |text: &str, weight: &str| json!({ "type": "TextBlock", "text": text, "wrap": true, "weight": weight });
    // A line break within a text block needs an empty line.
    let text = message.text().replace('\n', "\n\n");
    let actions =
        message.url.iter().map(|url| json!({ "type": "Action.OpenUrl", "title": "Open the console", "url": url }));
    let card = json!({
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": [block(&message.subject, "bolder"), block(&text, "default")],
        "actions": actions.collect::<Vec<_>>(),
    });
    let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": card });
    json!({ "type": "message", "summary": message.subject, "text": message.subject, "attachments": [attachment] })
}
