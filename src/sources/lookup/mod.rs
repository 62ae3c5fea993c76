//! Person id to email address: queries the vendor's API when a delivery identifies a person by id only.
//!
//! Besides `atlassian`, only this module opens outbound connections. It only reads, one person per query, and never
//! retries: retries belong to the caller. No text of a failure contains an email address, an id or a URL.

mod preset;
mod response;
mod token;

use std::borrow::Cow;

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serde_json_path::JsonPath;
use url::Url;

pub use self::preset::{AuthKind, LookupPreset, find, names, of_preset};
use self::response::{VendorResponse, receive};
use self::token::TokenRequest;
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::retry::Failure;
use crate::outbound::TokenCache;

/// Placeholder of the person's id in the URL.
pub const PERSON_ID: &str = "{person_id}";

/// Placeholder of the secret in the URL.
pub const SECRET: &str = "{secret}";

/// The HTTP client for all lookups of the process.
pub type Http = reqwest::Client;

/// Where a vendor's API returns a person's email address.
#[derive(Debug, Clone)]
pub struct LookupEndpoint {
    /// The URLs to read, each with [`PERSON_ID`]; the next one is read when the previous one does not know the id.
    pub urls: Vec<String>,
    /// Headers that the vendor requires, in lower case. No secrets.
    pub headers: Vec<(String, String)>,
    /// The JSON body to post, with [`PERSON_ID`] in place of the id; without it, the request is a GET.
    pub body: Option<String>,
    /// Location of the email address in the response; the first location with a value counts.
    pub emails: Vec<JsonPath>,
    /// Whether the vendor prefixes a deleted person's email address with the person's id, without hyphens.
    pub id_in_front: bool,
}

/// A vendor that can be queried for a person's email address.
#[derive(Debug)]
pub struct Lookup {
    endpoint: LookupEndpoint,
    auth: Auth,
    tokens: TokenCache,
}

/// The credentials at a vendor.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `Authorization: Bearer`.
    Bearer(SecretString),
    /// `Authorization: Basic`.
    Basic { user: SecretString, password: Option<SecretString> },
    /// In the URL, in the place of `{secret}`.
    InUrl(SecretString),
    /// A vendor-specific header.
    Header {
        /// The name, in lower case.
        name: String,
        value: SecretString,
    },
    /// OAuth 2.0 client credentials: exchanged for an access token, and again when that expires.
    Client {
        token_url: Url,
        client_id: SecretString,
        client_secret: SecretString,
        /// The scope of the token, if the vendor requires one.
        scope: Option<String>,
        /// The audience of the token, if the vendor requires one.
        audience: Option<String>,
    },
}

/// The vendor's response about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupOutcome {
    Found(EmailAddress),
    /// The vendor does not know the id.
    UnknownPerson,
    /// The vendor knows the person, but returns no valid email address.
    NoAddress,
}

impl Lookup {
    /// A lookup at this endpoint with these credentials.
    pub fn new(endpoint: LookupEndpoint, auth: Auth) -> Self {
        Self { endpoint, auth, tokens: TokenCache::default() }
    }

    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Queries the email address of one person. `http` must not follow redirects: a redirect would disclose the
    /// credentials.
    pub async fn find_email(
        &self,
        http: &reqwest::Client,
        id: &PersonId,
        now: Timestamp,
    ) -> Result<LookupOutcome, Failure> {
        // An id that is a path step would address something other than a person.
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

    /// The URL with the secret inserted. The person id is inserted later: it must not be able to contain `{secret}`.
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

    /// Two different values at one location count as none: to choose the first would be a guess.
    fn read(&self, answer: &VendorResponse, id: &PersonId) -> Result<LookupOutcome, Failure> {
        let value: Value = serde_json::from_slice(&answer.body).map_err(|error| Failure::Transient {
            // Only the position, never the parser's own words: they may quote the body.
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

/// The body with the id inserted as JSON text.
fn filled(body: &str, id: &PersonId) -> String {
    let quoted = Value::from(id.as_str()).to_string();
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    body.replace(PERSON_ID, inner)
}

#[cfg(test)]
mod tests;
