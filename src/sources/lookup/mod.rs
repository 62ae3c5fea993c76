//! Person id to e-mail address: asking the vendor's API when a delivery names a person by id only.
//!
//! Next to `atlassian`, the only place that opens an outbound connection. It only reads, asks for one person at a time, and
//! repeats nothing: that is for whoever asked. No text of a failure holds an address, an id or a URL.

mod preset;
mod token;

use std::borrow::Cow;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serde_json_path::JsonPath;
use url::Url;

pub use self::preset::{AuthKind, LookupPreset, find, names, of_preset};
use self::token::TokenRequest;
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::retry::Failure;
use crate::outbound::{BodyError, TokenCache, TransportError, read_capped, retry_instant};

/// What stands for the person's id in the address.
pub const PERSON_ID: &str = "{person_id}";

/// What stands for the secret in the address.
pub const SECRET: &str = "{secret}";

/// One answer takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a vendor tells of one person is a few kilobytes.
const LONGEST_BODY: usize = 256 * 1024;

/// No `Retry-After` is believed beyond this.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);

/// What carries the questions: one for the whole process.
pub type Http = reqwest::Client;

/// Where a vendor keeps a person's address.
#[derive(Debug, Clone)]
pub struct LookupEndpoint {
    /// The URLs to read, with [`PERSON_ID`] in each; the next one where the one before knows nobody of this id.
    pub urls: Vec<String>,
    /// Headers that the vendor wants, in lower case. No secrets.
    pub headers: Vec<(String, String)>,
    /// What is posted, as JSON, with [`PERSON_ID`] where the id goes; without it, it is a GET.
    pub body: Option<String>,
    /// Where the e-mail address is in the answer; the first place that has one counts.
    pub emails: Vec<JsonPath>,
    /// Whether the vendor writes the person's id, without hyphens, in front of the address of a deleted person.
    pub id_in_front: bool,
}

/// A vendor that can be queried for a person's address.
#[derive(Debug)]
pub struct Lookup {
    endpoint: LookupEndpoint,
    /// Who we are there.
    auth: Auth,
    tokens: TokenCache,
}

/// Who we are at a vendor.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `Authorization: Bearer`.
    Bearer(SecretString),
    /// `Authorization: Basic`.
    Basic {
        /// The user.
        user: SecretString,
        /// The password, if there is one.
        password: Option<SecretString>,
    },
    /// In the URL, in the place of `{secret}`.
    InUrl(SecretString),
    /// A header of the vendor's own.
    Header {
        /// Its name, in lower case.
        name: String,
        /// Its value.
        value: SecretString,
    },
    /// OAuth 2.0 client credentials: exchanged for an access token, and again when that expires.
    Client {
        /// Where.
        token_url: Url,
        /// The client's id.
        client_id: SecretString,
        /// The client's secret.
        client_secret: SecretString,
        /// What the token is for, where the vendor wants that said.
        scope: Option<String>,
        /// Whom the token is for, where the vendor wants that said.
        audience: Option<String>,
    },
}

/// What the vendor said of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupOutcome {
    /// The address.
    Found(EmailAddress),
    /// It knows nobody of this id.
    UnknownPerson,
    /// It knows the person, and no address or none that could be one.
    NoAddress,
}

impl Lookup {
    /// A lookup at this place with these credentials.
    pub fn new(endpoint: LookupEndpoint, auth: Auth) -> Self {
        Self { endpoint, auth, tokens: TokenCache::default() }
    }

    /// Who we are there.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Asks for the address of one person. `http` must not follow redirects: they would carry our credentials away.
    pub async fn find_email(
        &self,
        http: &reqwest::Client,
        id: &PersonId,
        now: Timestamp,
    ) -> Result<LookupOutcome, Failure> {
        // An id that is a step in a path would name something else than a person.
        if matches!(id.as_str(), "." | "..") {
            return Ok(LookupOutcome::UnknownPerson);
        }
        for url in &self.endpoint.urls {
            let outcome = self.query_url(url, http, id, now).await?;
            if outcome != LookupOutcome::UnknownPerson {
                return Ok(outcome);
            }
        }
        Ok(LookupOutcome::UnknownPerson)
    }

    async fn query_url(
        &self,
        url: &str,
        http: &reqwest::Client,
        id: &PersonId,
        now: Timestamp,
    ) -> Result<LookupOutcome, Failure> {
        let encoded = utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC).to_string();
        let url = Url::parse(&self.with_secret(url).replace(PERSON_ID, &encoded)).map_err(|_not_repeated| {
            Failure::Permanent { detail: "lookup: its `url` is no web address for this person id".to_owned() }
        })?;
        let request = match &self.endpoint.body {
            None => http.get(url),
            Some(body) => http.post(url).header(CONTENT_TYPE, "application/json").body(filled(body, id)),
        };
        let request = self.endpoint.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = self.authorize(request, http, now).await?;
        let answer = receive(request.header(ACCEPT, "application/json"), now).await?;
        match answer.status.as_u16() {
            200 => self.read(&answer, id),
            404 | 410 if !answer.is_web_page() => Ok(LookupOutcome::UnknownPerson),
            401 => {
                self.tokens.clear().await;
                Err(answer.failure())
            }
            _ => Err(answer.failure()),
        }
    }

    /// The URL with the secret in its place. The person id goes in later: it must not be able to ask for the secret.
    fn with_secret<'a>(&self, url: &'a str) -> Cow<'a, str> {
        match &self.auth {
            Auth::InUrl(secret) => {
                let secret = utf8_percent_encode(secret.expose_secret(), NON_ALPHANUMERIC).to_string();
                url.replace(SECRET, &secret).into()
            }
            Auth::Bearer(_) | Auth::Basic { .. } | Auth::Header { .. } | Auth::Client { .. } => Cow::Borrowed(url),
        }
    }

    async fn authorize(
        &self,
        request: RequestBuilder,
        http: &reqwest::Client,
        now: Timestamp,
    ) -> Result<RequestBuilder, Failure> {
        Ok(match &self.auth {
            Auth::InUrl(_) => request,
            Auth::Bearer(token) => request.bearer_auth(token.expose_secret()),
            Auth::Basic { user, password } => {
                request.basic_auth(user.expose_secret(), password.as_ref().map(SecretString::expose_secret))
            }
            Auth::Header { name, value } => request.header(name, value.expose_secret()),
            Auth::Client { token_url, client_id, client_secret, scope, audience } => {
                let client = TokenRequest { token_url, client_id, client_secret, scope, audience };
                request.bearer_auth(client.token(&self.tokens, http, now).await?.expose_secret())
            }
        })
    }

    /// Two different values in one place are no address: to take the first would be to guess.
    fn read(&self, answer: &VendorResponse, id: &PersonId) -> Result<LookupOutcome, Failure> {
        let value: Value = serde_json::from_slice(&answer.body).map_err(|error| Failure::Transient {
            // Only where, never the parser's own words: they may quote the body.
            detail: format!("lookup: the answer is not JSON: line {}, column {}", error.line(), error.column()),
            retry_at: None,
        })?;
        for place in &self.endpoint.emails {
            let found = place.query(&value);
            let is_empty = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
            let mut filled = found.iter().filter(|value| !is_empty(value));
            let Some(first) = filled.next() else { continue };
            if filled.any(|other| other != first) {
                return Ok(LookupOutcome::NoAddress);
            }
            if let Some(email) = first.as_str().and_then(|text| self.address(text, id)) {
                return Ok(LookupOutcome::Found(email));
            }
        }
        Ok(LookupOutcome::NoAddress)
    }

    fn address(&self, text: &str, id: &PersonId) -> Option<EmailAddress> {
        let front = id.as_str().replace('-', "");
        let bare = text
            .split_at_checked(front.len())
            .filter(|(begin, _)| self.endpoint.id_in_front && begin.eq_ignore_ascii_case(&front))
            .map_or(text, |(_, rest)| rest);
        EmailAddress::parse(bare).ok()
    }
}

/// The id within a text of JSON.
fn filled(body: &str, id: &PersonId) -> String {
    let quoted = Value::from(id.as_str()).to_string();
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    body.replace(PERSON_ID, inner)
}

/// An answer, whatever it says.
struct VendorResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    at: Timestamp,
}

impl VendorResponse {
    fn is_web_page(&self) -> bool {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|text| text.trim_start().to_ascii_lowercase().starts_with("text/html"))
    }

    fn failure(&self) -> Failure {
        let status = self.status.as_u16();
        let detail = |what: &str| format!("lookup: {status}: {what}");
        match status {
            429 => Failure::RateLimited { detail: detail("too many requests"), retry_at: self.retry_at() },
            401 | 403 => {
                Failure::AccessDenied { detail: detail("access denied: configure credentials that may read people") }
            }
            408 | 425 | 500.. => Failure::Transient { detail: detail("the vendor failed"), retry_at: self.retry_at() },
            200..=299 => Failure::Transient { detail: detail("unexpected response"), retry_at: None },
            300..=399 => Failure::Permanent { detail: detail("a redirect, which is not followed: correct the `url`") },
            _ => Failure::Permanent { detail: detail("the vendor rejected the request: correct the lookup") },
        }
    }

    /// `Retry-After`, in seconds or as an HTTP date.
    fn retry_at(&self) -> Option<Timestamp> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        retry_instant(text, &self.headers, self.at, LONGEST_REST)
    }
}

async fn receive(request: RequestBuilder, now: Timestamp) -> Result<VendorResponse, Failure> {
    let mut response =
        request.timeout(TIMEOUT).send().await.map_err(|error| failure_of(&BodyError::Transport(error.into())))?;
    let status = response.status();
    let body = if status == StatusCode::OK {
        read_capped(&mut response, LONGEST_BODY).await.map_err(|error| failure_of(&error))?
    } else {
        Vec::new()
    };
    Ok(VendorResponse { status, headers: std::mem::take(response.headers_mut()), body, at: now })
}

fn failure_of(error: &BodyError) -> Failure {
    transient(match error {
        BodyError::Transport(TransportError::Unsendable) => {
            return Failure::AccessDenied {
                detail: "lookup: the credentials hold characters that no header can carry".to_owned(),
            };
        }
        BodyError::Transport(TransportError::Timeout) => "no response in time",
        BodyError::Transport(TransportError::Unreachable { .. }) => "cannot connect to the vendor",
        BodyError::Transport(TransportError::Broken) => "the connection broke before the response was complete",
        BodyError::TooLong => "the response is too long",
    })
}

fn transient(what: &str) -> Failure {
    Failure::Transient { detail: format!("lookup: {what}"), retry_at: None }
}

#[cfg(test)]
mod tests;
