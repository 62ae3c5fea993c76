//! The declarative description of a vendor's proof of authenticity, for presets and settings.
//!
//! This module only translates a description into a [`Scheme`]; it handles no requests. Its keys cover the schemes of
//! some forty vendors, no more.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use url::Url;

use super::bearer::{Basic, BodyToken, StaticHeader};
use super::compile_error::CompileError;
use super::encoding::Encoding;
use super::handshake::Handshake;
use super::header::{self, Names, RequiredHeader};
use super::header_list::List;
use super::json_path::Expression;
use super::public_url::UrlDecoding;
use super::signature::{Envelope, IdSource, Scheme, Shape, Signed};
use super::signature_key::{Algorithm, KeyEncoding, SignatureKey};
use super::template::{Template, Token};
use super::timestamp::{TimeSource, Unit, Window};
use crate::duration::ConfigDuration;

/// `[sources.NAME.signature]`: how the vendor proves that a request is its own. The keys override those of the preset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Recipe {
    /// Kind of proof: `hmac` (keyed hash), `digest` (plain hash over a template with `{secret}`), `static_header` (the
    /// secret in a header), `basic` (HTTP Basic, the secret is `user:password`) or `body_token` (the secret in the body).
    /// Default: `"hmac"`. Example: `"static_header"`.
    pub mode: Mode,
    /// Hash of `hmac` and `digest`. Default: `"sha256"`. Example: `"sha512"`.
    pub algorithm: Algorithm,
    /// Headers with the signature or the static secret; the first that is present counts. Default: `[]`. Example:
    /// `["X-Signature"]`.
    pub headers: Vec<String>,
    /// Text before the signature in the header. Default: none. Example: `"sha256="`.
    pub prefix: String,
    /// For `static_header`: whether the secret is also accepted without `prefix`. Default: `false`. Example: `true`.
    pub prefix_optional: bool,
    /// How entries are separated when the header holds several. Default: the header holds one signature.
    pub list: Option<List>,
    /// Encoding of the signature. Default: `"hex"`. Example: `"base64"`.
    pub encoding: Encoding,
    /// Encoding of the secret. Default: `"text"`. Example: `"base64"`.
    pub key_encoding: KeyEncoding,
    /// Prefix that is removed from the secret before it is decoded. Default: none. Example: `"whsec_"`.
    pub key_prefix: String,
    /// The signed text: literal text and `{body}` `{timestamp}` `{id}` `{method}` `{url}` `{secret}` `{header:NAME}`.
    /// Default: `"{body}"`. Example: `"{timestamp}.{body}"`.
    pub template: String,
    /// Headers with the time of signing; the first that is present counts. Default: `[]`. Example: `["X-Timestamp"]`.
    pub timestamp_headers: Vec<String>,
    /// Key of the entry of the signature header that holds the time of signing. It requires `list`. Default: none.
    /// Example: `"t"`.
    pub timestamp_part: Option<String>,
    /// JSON pointer to the time of signing in the body. Default: none. Example: `"/timestamp"`.
    pub timestamp_pointer: Option<String>,
    /// Notation of the time: `s` or `ms` since 1970, `iso8601`, or `auto`, which distinguishes them by magnitude.
    /// Default: `"auto"`. Example: `"ms"`.
    pub timestamp_unit: Unit,
    /// Largest accepted age of a request; `"off"` accepts any. Default: `"5m"`. Example: `"15m"`.
    pub tolerance_past: Tolerance,
    /// Largest accepted advance of the vendor's clock; `"off"` accepts any. Default: `"5m"`. Example: `"1m"`.
    pub tolerance_future: Tolerance,
    /// Headers with the id of the delivery. The id counts only if `{id}` is signed; otherwise the body identifies the
    /// delivery. Default: `[]`. Example: `["X-Delivery-Id"]`.
    pub id_headers: Vec<String>,
    /// JSON pointer to the id of the delivery in the body. Default: none. Example: `"/id"`.
    pub id_pointer: Option<String>,
    /// Whether `{url}` is signed with some percent-encodings decoded, as HubSpot does. Default: `"none"`. Example:
    /// `"hubspot"`.
    pub url_decoding: UrlDecoding,
    /// Headers that must be present with exactly this value. Default: none. Example: `{ X-Api = "v1" }`.
    pub expect: BTreeMap<String, String>,
    /// For `body_token`: JSONPath of the elements that must each carry the token. Default: the whole body. Example:
    /// `"$.value[*]"`.
    pub token_items: Option<Expression>,
    /// For `body_token`: JSONPath of the token in each element. Default: none. Example: `"$.token"`.
    pub token: Option<Expression>,
    /// Requests that the vendor sends before or between deliveries, and their responses. Default: `[]`. Example: `[{ kind
    /// = "head" }]`.
    pub handshakes: Vec<Handshake>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            mode: Mode::Hmac,
            algorithm: Algorithm::Sha256,
            headers: Vec::new(),
            prefix: String::new(),
            prefix_optional: false,
            list: None,
            encoding: Encoding::Hex,
            key_encoding: KeyEncoding::Text,
            key_prefix: String::new(),
            template: "{body}".to_owned(),
            timestamp_headers: Vec::new(),
            timestamp_part: None,
            timestamp_pointer: None,
            timestamp_unit: Unit::Auto,
            tolerance_past: Tolerance(Some(ConfigDuration::from_mins(5))),
            tolerance_future: Tolerance(Some(ConfigDuration::from_mins(5))),
            id_headers: Vec::new(),
            id_pointer: None,
            url_decoding: UrlDecoding::None,
            expect: BTreeMap::new(),
            token_items: None,
            token: None,
            handshakes: Vec::new(),
        }
    }
}

/// Kind of proof that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// A keyed hash over the template.
    Hmac,
    /// A plain hash over a template that holds the secret (HubSpot v1 and v2).
    Digest,
    /// The secret itself in a header (Okta, Factorial).
    StaticHeader,
    /// HTTP Basic; the secret is `user:password` (Pipedrive).
    Basic,
    /// The secret itself in the body (Microsoft Graph, Zoho, Copper).
    BodyToken,
}

/// Tolerance of a time: `"5m"`, `"14d"` (a day is 24 h), or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tolerance(pub Option<ConfigDuration>);

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self(None));
        }
        let duration: Result<ConfigDuration, _> = text.parse();
        duration.map(|duration| Self(Some(duration))).map_err(|error| D::Error::custom(format!("{error}, or \"off\"")))
    }
}

impl Recipe {
    /// Checks the description as a whole and compiles it with the secrets.
    pub(super) fn compile(
        self,
        secrets: &[SecretString],
        public_url: Option<&Url>,
    ) -> Result<(Scheme, Vec<Handshake>), CompileError> {
        let window = Window {
            past: self.tolerance_past.0.map(ConfigDuration::get),
            future: self.tolerance_future.0.map(ConfigDuration::get),
        };
        let shape = match self.mode {
            Mode::Hmac | Mode::Digest => Shape::Signed(Box::new(self.signed(secrets, public_url)?)),
            Mode::StaticHeader => {
                let headers = self.signature_headers()?;
                Shape::StaticHeader(StaticHeader::new(headers, self.prefix.clone(), self.prefix_optional, secrets))
            }
            Mode::Basic => Shape::Basic(Basic::new(secrets)?),
            Mode::BodyToken => {
                let token = self.token.clone().ok_or_else(|| {
                    CompileError::new("mode = \"body_token\" needs `token`: write the JSONPath of the token")
                })?;
                Shape::BodyToken(BodyToken::new(self.token_items.clone(), token, secrets))
            }
        };
        let expect =
            self.expect.iter().map(|(name, value)| RequiredHeader::parse(name, value)).collect::<Result<_, _>>()?;
        let scheme = Scheme {
            shape,
            expect,
            time: self.time_source()?,
            unit: self.timestamp_unit,
            window,
            id: self.id_source()?,
        };
        scheme.check_what_is_signed()?;
        Ok((scheme, self.handshakes))
    }

    fn signed(&self, secrets: &[SecretString], public_url: Option<&Url>) -> Result<Signed, CompileError> {
        let template = Template::parse(&self.template)?;
        let digest = self.mode == Mode::Digest;
        match (digest, template.holds(Token::Secret)) {
            (true, false) => {
                return Err(CompileError::at("template", "a plain digest proves nothing without {secret}"));
            }
            (false, true) => {
                return Err(CompileError::at(
                    "template",
                    "{secret} belongs to mode = \"digest\"; an HMAC is keyed with it",
                ));
            }
            (true, true) | (false, false) => {}
        }
        let url = match (template.holds(Token::Url), public_url) {
            (false, _) => None,
            (true, Some(url)) => Some(url.clone()),
            (true, None) => {
                return Err(CompileError::new(
                    "this vendor signs the URL: write server.public_url, the URL that the vendor calls",
                ));
            }
        };
        let keys = secrets
            .iter()
            .map(|secret| {
                if digest {
                    Ok(SignatureKey::digest(self.algorithm, secret.clone()))
                } else {
                    SignatureKey::hmac(self.algorithm, self.key_encoding, &self.key_prefix, secret)
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Signed {
            keys,
            template,
            url,
            url_decoding: self.url_decoding,
            headers: self.signature_headers()?,
            envelope: self.envelope()?,
            encoding: self.encoding,
        })
    }

    fn signature_headers(&self) -> Result<Names, CompileError> {
        header::names(&self.headers)?
            .ok_or_else(|| CompileError::at("headers", "`headers` names no header: write the header of the signature"))
    }

    fn envelope(&self) -> Result<Envelope, CompileError> {
        match (&self.list, self.prefix.as_str()) {
            (Some(_), prefix) if !prefix.is_empty() => {
                Err(CompileError::new("`prefix` and `list` exclude each other: a list has its keys"))
            }
            (Some(list), _) if !list.separator.is_ascii() || !list.pair.is_ascii() => {
                Err(CompileError::at("list", "`separator` and `pair` are ASCII characters"))
            }
            (Some(list), _) if list.keys.is_empty() => {
                Err(CompileError::at("keys", "the list is empty: name the key of the signature, like [\"v1\"]")
                    .within("list"))
            }
            (Some(list), _) => Ok(Envelope::List(list.clone())),
            (None, prefix) => Ok(Envelope::Prefix(prefix.to_owned())),
        }
    }

    fn time_source(&self) -> Result<Option<TimeSource>, CompileError> {
        let headers = header::names(&self.timestamp_headers)?;
        match (headers, self.timestamp_part.clone(), self.timestamp_pointer.clone()) {
            (None, None, None) => Ok(None),
            (Some(names), None, None) => Ok(Some(TimeSource::Header(names))),
            (None, Some(_), None) if self.list.is_none() => {
                Err(CompileError::at("timestamp_part", "this key needs `list`: a bare signature has no other entries"))
            }
            (None, Some(key), None) => Ok(Some(TimeSource::Part(key))),
            (None, None, Some(pointer)) => Ok(Some(TimeSource::Body(json_pointer("timestamp_pointer", pointer)?))),
            (_, _, _) => Err(CompileError::new(
                "write only one of timestamp_headers, timestamp_part and timestamp_pointer; [] takes back a preset's headers",
            )),
        }
    }

    fn id_source(&self) -> Result<Option<IdSource>, CompileError> {
        let headers = header::names(&self.id_headers)?;
        match (headers, self.id_pointer.clone()) {
            (None, None) => Ok(None),
            (Some(names), None) => Ok(Some(IdSource::Header(names))),
            (None, Some(pointer)) => Ok(Some(IdSource::Body(json_pointer("id_pointer", pointer)?))),
            (Some(_), Some(_)) => Err(CompileError::new("write only one of id_headers and id_pointer")),
        }
    }
}

fn json_pointer(key: &str, pointer: String) -> Result<String, CompileError> {
    if pointer.starts_with('/') {
        Ok(pointer)
    } else {
        Err(CompileError::at(key, "a JSON pointer (RFC 6901) begins with `/`"))
    }
}
