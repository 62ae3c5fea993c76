//! `[notify]`: who receives a message about a transition that a human should know.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::problem::{Faults, Problem};
use super::secret::{Environment, SecretRef};
use super::wait::positive;
use super::{HttpUrl, text};
use crate::domain::named;
use crate::domain::notice::NoticeKind;
use crate::duration::ConfigDuration;

/// `[notify]`: messages about transitions that a human should know.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyTable {
    /// Receivers of signed webhooks (Standard Webhooks). Default: `[]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<NotifyWebhookTable>,
    /// Incoming webhooks of Slack, Microsoft Teams, Mattermost and others. Default: `[]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chat: Vec<ChatTable>,
    /// Mail by SMTP. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailTable>,
    /// Whether messages name the person by email address. Without it they hold no personal data. Default: `false`.
    pub personal_data: bool,
    /// The transitions that are reported. Default: all of them. Example: `["attention", "approval", "brake", "fence"]`.
    pub on: Vec<NoticeKind>,
    /// How long transitions of one kind, site and source are gathered into one message after the last of them. A message
    /// is sent after six times this at the latest. Default: `"10s"`. Example: `"1m"`.
    #[serde(deserialize_with = "positive")]
    pub gather: ConfigDuration,
}

/// `[[notify.webhooks]]`: one receiver of signed webhooks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyWebhookTable {
    /// URL of the receiver. Example: `"https://ops.acme.example/offboardd"`.
    pub url: HttpUrl,
    /// Secret of the signature: `whsec_` and 24 to 64 bytes in base64. Example: `{ env = "NOTIFY_SECRET" }`.
    pub secret: SecretRef,
}

/// `[[notify.chat]]`: one incoming webhook of a chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatTable {
    /// URL of the incoming webhook, which is a secret. Example: `{ env = "SLACK_URL" }`.
    pub url: SecretRef,
    /// Form of the messages. Default: `teams` for the hosts of Microsoft, else `slack`, which Mattermost, Rocket.Chat and
    /// Google Chat take, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ChatFormat>,
}

/// The form of a chat message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatFormat {
    /// `{"text": …}`.
    Slack,
    /// An Adaptive Card.
    Teams,
}

named!(ChatFormat { Slack = "slack", Teams = "teams" });

/// `[notify.mail]`: mail by SMTP.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailTable {
    /// The mail server. `smtps://` uses TLS from the first byte (port 465); `smtp://` uses STARTTLS where the server offers
    /// it (port 25), and always with a password. Example: `"smtps://mail.acme.example"`.
    pub server: SmtpUrl,
    /// Email address of the sender. Example: `"offboardd@acme.example"`.
    pub from: String,
    /// Email addresses of the recipients. Example: `["jsm-admins@acme.example"]`.
    pub to: Vec<String>,
    /// User name at the mail server. Example: `"offboardd"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Password at the mail server. Example: `{ env = "MAIL_PASSWORD" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}

impl Default for NotifyTable {
    fn default() -> Self {
        Self {
            webhooks: Vec::new(),
            chat: Vec::new(),
            mail: None,
            personal_data: false,
            on: NoticeKind::ALL.to_vec(),
            gather: ConfigDuration::from_secs(10),
        }
    }
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    pub host: String,
    pub port: u16,
    /// TLS from the first byte.
    pub is_tls: bool,
}

/// A text that is no mail server. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmtpUrlError {
    #[error("not a mail server: write \"smtps://HOST\" or \"smtp://HOST:PORT\"")]
    NotSmtp,
    #[error("the URL contains credentials: write `user`, and `password = {{ env = … }}`")]
    Credentials,
}

impl SmtpUrl {
    /// Whether the server is on this machine.
    pub fn is_local(&self) -> bool {
        let address = self.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text).map_err(|_may_hold_a_password| SmtpUrlError::NotSmtp)?;
        let is_tls = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(SmtpUrlError::NotSmtp),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SmtpUrlError::Credentials);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SmtpUrlError::NotSmtp)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(SmtpUrlError::NotSmtp);
        }
        Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(if is_tls { 465 } else { 25 }), is_tls })
    }
}

impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "smtp{}://{}:{}", if self.is_tls { "s" } else { "" }, self.host, self.port)
    }
}

impl Serialize for SmtpUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SmtpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, "a mail server like \"smtps://mail.acme.example\"")
    }
}

/// The channels with their secrets.
#[derive(Debug, Clone, Default)]
pub struct NotifySettings {
    pub webhooks: Vec<NotifyWebhook>,
    pub chat: Vec<NotifyChat>,
    pub mail: Option<NotifyMail>,
}

/// A receiver of signed webhooks.
#[derive(Debug, Clone)]
pub struct NotifyWebhook {
    pub url: Url,
    /// The key of the signature.
    pub key: SecretSlice<u8>,
}

/// An incoming webhook of a chat.
#[derive(Debug, Clone)]
pub struct NotifyChat {
    /// A secret: it allows to write to the chat.
    pub url: SecretString,
    pub format: ChatFormat,
}

/// A mail server, with sender and recipients.
#[derive(Debug, Clone)]
pub struct NotifyMail {
    pub server: SmtpUrl,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    pub credentials: Option<(String, SecretString)>,
}

impl NotifyTable {
    pub(super) fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<NotifySettings, Vec<Problem>> {
        let mut faults = Faults::default();
        let mut settings = NotifySettings::default();
        for (i, table) in self.webhooks.iter().enumerate() {
            let read = table.convert(base_dir, env).map_err(|problem| problem.under_index(i).under("webhooks"));
            settings.webhooks.extend(faults.take(read));
        }
        for (i, table) in self.chat.iter().enumerate() {
            let read = table.convert(base_dir, env).map_err(|problem| problem.under_index(i).under("chat"));
            settings.chat.extend(faults.take(read));
        }
        let mail = self.mail.as_ref().map(|table| table.convert(base_dir, env)).transpose();
        settings.mail = faults.take_all("mail", mail).flatten();
        faults.or(Some(settings))
    }

    /// The secrets that it refers to.
    pub(super) fn references(&self) -> impl Iterator<Item = &SecretRef> {
        let webhooks = self.webhooks.iter().map(|table| &table.secret);
        let chat = self.chat.iter().map(|table| &table.url);
        webhooks.chain(chat).chain(self.mail.iter().filter_map(|mail| mail.password.as_ref()))
    }

    /// Whether any channel is configured.
    pub fn has_channels(&self) -> bool {
        !self.webhooks.is_empty() || !self.chat.is_empty() || self.mail.is_some()
    }

    /// What can be used and is hardly meant: the key within `[notify]`, and why.
    pub fn warnings(&self, has_admin_url: bool) -> Vec<(Vec<String>, String)> {
        let mut found = Vec::new();
        let mut warn = |path: &[&str], message: &str| {
            found.push((path.iter().map(|key| (*key).to_owned()).collect(), message.to_owned()));
        };
        for (i, webhook) in self.webhooks.iter().enumerate() {
            if webhook.url.is_exposed() {
                warn(
                    &["webhooks", &i.to_string(), "url"],
                    "plain HTTP: others can read the messages on the way; use https://",
                );
            }
        }
        if let Some(mail) = &self.mail
            && !mail.server.is_tls
            && !mail.server.is_local()
        {
            warn(&["mail", "server"], "smtp:// may send without encryption: use smtps:// if the server offers it");
        }
        if self.has_channels() && !has_admin_url {
            warn(&[], "messages have no links to the console: set server.admin_url");
        }
        if self.has_channels() && self.on.is_empty() {
            warn(&["on"], "no transition is reported: remove `on`, or name some");
        }
        found
    }
}

impl NotifyWebhookTable {
    fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<NotifyWebhook, Problem> {
        let secret = self.secret.based_on(base_dir).read(env).map_err(|error| Problem::from(error).under("secret"))?;
        let text = secret.expose_secret();
        let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).unwrap_or_default();
        if !(16..=64).contains(&key.len()) {
            return Err(Problem::at(
                "secret",
                format!(
                    "{} is no secret of Standard Webhooks: make one with \
                     `echo whsec_$(openssl rand -base64 32)`",
                    self.secret
                ),
            ));
        }
        Ok(NotifyWebhook { url: self.url.get().clone(), key: key.into() })
    }
}

impl ChatTable {
    fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<NotifyChat, Problem> {
        let secret = self.url.based_on(base_dir).read(env).map_err(|error| Problem::from(error).under("url"))?;
        let url = Url::parse(secret.expose_secret()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            return Err(Problem::at("url", format!("{} is no HTTP URL: copy the webhook's whole URL", self.url)));
        };
        let host = url.host_str().unwrap_or_default();
        let is_teams = [".webhook.office.com", ".logic.azure.com", ".powerplatform.com", ".powerautomate.com"]
            .iter()
            .any(|domain| host.ends_with(domain));
        let by_host = if is_teams { ChatFormat::Teams } else { ChatFormat::Slack };
        Ok(NotifyChat { url: secret, format: self.format.unwrap_or(by_host) })
    }
}

impl MailTable {
    fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<NotifyMail, Vec<Problem>> {
        let mut faults = Faults::default();
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|_invalid| Problem::here("not an email address"));
        let from = faults.take(mailbox(&self.from).map_err(|problem| problem.under("from")));
        let mut to = Vec::new();
        for (i, text) in self.to.iter().enumerate() {
            to.extend(faults.take(mailbox(text).map_err(|problem| problem.under_index(i).under("to"))));
        }
        if self.to.is_empty() {
            faults.add(Problem::at("to", "no recipient: write at least one email address"));
        }
        let password = self.password.as_ref().map(|reference| reference.based_on(base_dir).read(env)).transpose();
        let password = faults.take(password.map_err(|error| Problem::from(error).under("password"))).flatten();
        let credentials = match (&self.user, &self.password) {
            (Some(user), Some(_)) => password.map(|password| (user.clone(), password)),
            (None, None) => None,
            (Some(_), None) => {
                faults.add(Problem::at("password", "this key is missing: write { env = … } or { file = … }"));
                None
            }
            (None, Some(_)) => {
                faults.add(Problem::at("user", "this key is missing: write the user name at the mail server"));
                None
            }
        };
        let server = self.server.clone();
        faults.or(from.map(|from| NotifyMail { server, from, to, credentials }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_server_has_a_scheme_and_no_password() {
        let server = |text: &str| text.parse::<SmtpUrl>();
        assert_eq!(server("smtps://mail.acme.example").unwrap().to_string(), "smtps://mail.acme.example:465");
        assert_eq!(server("smtp://127.0.0.1:2525").unwrap().to_string(), "smtp://127.0.0.1:2525");
        assert!(server("smtp://127.0.0.1").unwrap().is_local() && !server("smtp://mail").unwrap().is_local());
        assert_eq!(server("smtps://bot:hunter2@mail"), Err(SmtpUrlError::Credentials));
        for other in ["mail.acme.example", "https://mail", "smtp:", "smtp://mail/?a=b"] {
            assert_eq!(server(other), Err(SmtpUrlError::NotSmtp), "{other}");
        }
    }

    #[test]
    fn every_fault_is_reported_without_a_secret() {
        let table: NotifyTable = toml::from_str(
            r#"
            webhooks = [{ url = "https://ops.example", secret = { env = "SHORT" } }]
            chat = [{ url = { env = "NO_URL" } }]
            mail = { server = "smtps://mail", from = "no address", to = [], user = "bot" }
            "#,
        )
        .unwrap();
        let problems = table.convert(Path::new(""), &|_| Some("hunter2".to_owned())).unwrap_err();
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let starts = ["webhooks[0].secret: ", "chat[0].url: ", "mail.from: ", "mail.to: ", "mail.password: "];
        for start in starts {
            assert!(problems.iter().any(|problem| problem.starts_with(start)), "{start} {problems:?}");
        }
        assert!(problems.iter().all(|problem| !problem.contains("hunter2")), "{problems:?}");
    }

    #[test]
    fn form_of_a_chat_follows_its_host() {
        let format = |url: &'static str| {
            let table = ChatTable { url: SecretRef::Env("URL".to_owned()), format: None };
            table.convert(Path::new(""), &move |_| Some(url.to_owned())).unwrap().format
        };
        assert_eq!(format("https://hooks.slack.com/services/T/B/x"), ChatFormat::Slack);
        assert_eq!(format("https://acme.webhook.office.com/webhookb2/x"), ChatFormat::Teams);
        assert_eq!(format("https://prod-1.westeurope.logic.azure.com:443/workflows/x?sig=y"), ChatFormat::Teams);
    }
}
