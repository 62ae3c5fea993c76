//! Mail by SMTP.

use std::fmt;
use std::time::SystemTime;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};

use super::message::Message;
use super::post::{SendError, TIMEOUT};

/// A mail server.
#[derive(Debug, Clone)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    /// TLS from the first byte.
    pub is_tls: bool,
    /// On this machine.
    pub is_local: bool,
}

/// A mail server, with sender and recipients.
#[derive(Clone)]
pub struct Mail {
    pub server: MailServer,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    pub credentials: Option<(String, SecretString)>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail(…)")
    }
}

impl Mail {
    pub(super) async fn send(&self, message: &Message) -> Result<(), SendError> {
        let mail = self.compose(message)?;
        self.transport()?.send(mail).await.map(drop).map_err(|error| SendError::of(detail(&error)))
    }

    /// Connects, signs in and leaves.
    pub async fn test_connection(&self) -> Result<(), SendError> {
        let transport = self.transport()?;
        let testing = tokio::time::timeout(TIMEOUT, transport.test_connection());
        match testing.await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(SendError::of("the server does not answer as a mail server")),
            Ok(Err(error)) => Err(SendError::of(detail(&error))),
            Err(_elapsed) => Err(SendError::of("no answer in time")),
        }
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
        let server = &self.server;
        let tls = || TlsParameters::new(server.host.clone()).map_err(|error| SendError::of(detail(&error)));
        let tls = if server.is_tls {
            Tls::Wrapper(tls()?)
        } else if server.is_local {
            Tls::None
        } else if self.credentials.is_some() {
            // A password is never sent in the clear.
            Tls::Required(tls()?)
        } else {
            Tls::Opportunistic(tls()?)
        };
        let host = server.host.trim_matches(['[', ']']);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .hello_name(ClientId::Domain(self.domain().to_owned()));
        if let Some((user, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(builder.build())
    }

    fn compose(&self, message: &Message) -> Result<lettre::Message, SendError> {
        let sent_at = SystemTime::from(message.at);
        let id = format!("<{}@{}>", message.id, self.domain());
        let builder: MessageBuilder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(format!("[offboardd] {}", message.subject))
            .date(sent_at)
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN);
        let builder = self.to.iter().fold(builder, |builder, to| builder.to(to.clone()));
        builder.body(message.text()).map_err(|_invalid| SendError::of("the mail cannot be composed"))
    }

    /// The domain of the sender.
    fn domain(&self) -> &str {
        self.from.email.domain()
    }
}

/// The kind of an error, without the text of the server, which may repeat addresses.
fn detail(error: &Error) -> String {
    if let Some(code) = error.status() {
        return format!("the mail server answered {code}");
    }
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_tls() {
        "TLS failed: the server's certificate is not trusted, or it offers no TLS".to_owned()
    } else if error.is_client() || error.is_response() {
        "the server does not speak SMTP as expected".to_owned()
    } else {
        "no connection, or the connection broke".to_owned()
    }
}
