//! Verification over the raw bytes, in constant time.
//!
//! This module does not interpret bodies. [`super::recipe`] compiles the [`Scheme`], and [`super::sign`] is the
//! inverse. Every secret and every signature is tried without an early exit, so that a forged request takes as long as
//! a genuine one. The window is checked last, so that "stale" is reported only for a valid signature.

use std::borrow::Cow;
use std::cell::OnceCell;

use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use subtle::{Choice, ConstantTimeEq as _};
use url::Url;

use super::bearer::{Basic, BodyToken, StaticHeader};
use super::compile_error::CompileError;
use super::encoding::Encoding;
use super::header::{self, Names, RequiredHeader};
use super::header_list::List;
use super::mapping::body;
use super::public_url::{self, UrlDecoding};
use super::rejection::Rejection;
use super::request::Request;
use super::signature_key::SignatureKey;
use super::template::{Part, Template, Token};
use super::timestamp::{TimeSource, Unit, Window};

/// The compiled verification of a source.
#[derive(Debug)]
pub(super) struct Scheme {
    pub(super) shape: Shape,
    /// Headers that must have a certain value.
    pub(super) expect: Vec<RequiredHeader>,
    /// Location of the time.
    pub(super) time: Option<TimeSource>,
    /// Notation of the time.
    pub(super) unit: Unit,
    /// Accepted deviation of the time.
    pub(super) window: Window,
    /// Location of the delivery's id.
    pub(super) id: Option<IdSource>,
}

/// The kind of proof.
#[derive(Debug)]
pub(super) enum Shape {
    /// A hash over a template.
    Signed(Box<Signed>),
    /// The secret in a header.
    StaticHeader(StaticHeader),
    /// HTTP Basic.
    Basic(Basic),
    /// The secret in the body.
    BodyToken(BodyToken),
}

impl Shape {
    /// Whether the token is unsigned, so that anyone who has recorded a request can send another one with it. Where the
    /// secret itself is sent, nothing is left out: a recorded request contains the secret too.
    fn leaves_out(&self, token: Token) -> bool {
        match self {
            Self::Signed(signed) => !signed.template.holds(token),
            Self::StaticHeader(_) | Self::Basic(_) | Self::BodyToken(_) => false,
        }
    }
}

/// Location of the delivery's id.
#[derive(Debug, Clone)]
pub(super) enum IdSource {
    /// In a header.
    Header(Names),
    /// At this JSON pointer of the body.
    Body(String),
}

/// A hash over a template.
#[derive(Debug)]
pub(super) struct Signed {
    /// One for each secret; any of them is accepted.
    pub(super) keys: Vec<SignatureKey>,
    pub(super) template: Template,
    /// Our public URL, if it is signed.
    pub(super) url: Option<Url>,
    /// Its encoding in the signed text.
    pub(super) url_decoding: UrlDecoding,
    /// The headers that may hold the signature.
    pub(super) headers: Names,
    /// The text around the signature in the header.
    pub(super) envelope: Envelope,
    pub(super) encoding: Encoding,
}

/// The text around a signature.
#[derive(Debug, Clone)]
pub(super) enum Envelope {
    /// A fixed text before it, possibly empty.
    Prefix(String),
    /// Other entries.
    List(List),
}

/// A body that is parsed once, on first use, and never before its signature is verified (unless the body itself holds
/// the proof).
#[derive(Debug)]
pub(super) struct ParsedBody<'a> {
    request: &'a Request<'a>,
    value: OnceCell<Option<Value>>,
}

impl<'a> ParsedBody<'a> {
    pub(super) fn of(request: &'a Request<'a>) -> Self {
        Self { request, value: OnceCell::new() }
    }

    pub(super) fn get(&self) -> Option<&Value> {
        let parse = || body::parse(self.request.content_type(), self.request.body).ok();
        self.value.get_or_init(parse).as_ref()
    }
}

/// The values for the template.
#[derive(Debug, Clone, Copy)]
pub(super) struct TemplateValues<'a> {
    pub(super) body: &'a [u8],
    pub(super) timestamp: &'a [u8],
    pub(super) id: &'a [u8],
    pub(super) method: &'a [u8],
    pub(super) url: &'a [u8],
    pub(super) headers: &'a HeaderMap,
}

/// The parsed signature header.
struct SignatureEntries<'a> {
    signatures: Vec<Vec<u8>>,
    timestamp: Option<&'a [u8]>,
}

impl Scheme {
    /// Verifies a request received `now`; returns its id and its signed time.
    pub(super) fn verify(
        &self,
        request: &Request<'_>,
        body: &ParsedBody<'_>,
        now: Timestamp,
    ) -> Result<(Option<String>, Option<Timestamp>), Rejection> {
        for required in &self.expect {
            if !required.holds(request.headers)? {
                return Err(Rejection::HeaderUnexpected);
            }
        }
        let id = match &self.id {
            Some(IdSource::Header(names)) => header::find(request.headers, names)?,
            Some(IdSource::Body(_)) | None => None,
        };
        let signed_at = match &self.shape {
            Shape::Signed(signed) => self.verify_signed(signed, request, id)?,
            Shape::StaticHeader(bearer) => bearer.verify(request.headers).map(|()| None)?,
            Shape::Basic(basic) => basic.verify(request.headers).map(|()| None)?,
            Shape::BodyToken(token) => {
                let body = body.get().ok_or(Rejection::BodyUnreadable)?;
                token.verify(body).map(|()| None)?
            }
        };
        // From here on the bytes are authentic.
        let within = match &self.time {
            Some(TimeSource::Body(pointer)) => Some(self.time_in_body(body, pointer)?),
            Some(TimeSource::Header(_) | TimeSource::Part(_)) | None => signed_at,
        };
        if within.is_some_and(|signed_at| !self.window.admits(signed_at, now)) {
            return Err(Rejection::Stale);
        }
        let id = match &self.id {
            Some(IdSource::Body(pointer)) => body.get().and_then(|body| id_at(body, pointer)),
            Some(IdSource::Header(_)) if self.shape.leaves_out(Token::Id) => None,
            Some(IdSource::Header(_)) | None => id.and_then(usable_id),
        };
        Ok((id, within))
    }

    /// The secret in the body, for a vendor that puts it there.
    pub(super) fn secret_in_body(&self) -> Option<&SecretString> {
        match &self.shape {
            Shape::BodyToken(token) => token.secret(),
            Shape::Signed(_) | Shape::StaticHeader(_) | Shape::Basic(_) => None,
        }
    }

    fn verify_signed(
        &self,
        signed: &Signed,
        request: &Request<'_>,
        id: Option<&[u8]>,
    ) -> Result<Option<Timestamp>, Rejection> {
        if id.is_none() && signed.template.holds(Token::Id) {
            return Err(Rejection::IdMissing);
        }
        let value = header::find(request.headers, &signed.headers)?.ok_or(Rejection::SignatureMissing)?;
        let entries = self.entries(signed, value)?;
        let written = match &self.time {
            Some(TimeSource::Header(names)) => header::find(request.headers, names)?,
            Some(TimeSource::Part(_)) => entries.timestamp,
            Some(TimeSource::Body(_)) | None => None,
        };
        if written.is_none() && signed.template.holds(Token::Timestamp) {
            return Err(Rejection::TimestampMissing);
        }
        let signed_at = match written {
            Some(text) => Some(self.unit.parse(text).ok_or(Rejection::TimestampMalformed)?),
            None => None,
        };
        for name in signed.template.headers() {
            // One of two values could be signed and the other one read.
            header::find(request.headers, std::slice::from_ref(name))?;
        }
        let url = signed.url(request.query);
        let values = TemplateValues {
            body: request.body,
            timestamp: written.unwrap_or_default(),
            id: id.unwrap_or_default(),
            method: request.method.as_bytes(),
            url: url.as_bytes(),
            headers: request.headers,
        };
        signed.admit(&entries.signatures, &values)?;
        Ok(signed_at)
    }

    fn entries<'a>(&self, signed: &Signed, value: &'a [u8]) -> Result<SignatureEntries<'a>, Rejection> {
        let mut entries = SignatureEntries { signatures: Vec::new(), timestamp: None };
        match &signed.envelope {
            Envelope::Prefix(prefix) => {
                let bare = value.strip_prefix(prefix.as_bytes()).ok_or(Rejection::SignatureMalformed)?;
                entries.signatures.extend(signed.encoding.decode(bare));
            }
            Envelope::List(list) => {
                let time_key = match &self.time {
                    Some(TimeSource::Part(key)) => Some(key.as_bytes()),
                    Some(TimeSource::Header(_) | TimeSource::Body(_)) | None => None,
                };
                for (key, text) in list.entries(value) {
                    if Some(key) == time_key {
                        if entries.timestamp.replace(text).is_some_and(|other| other != text) {
                            return Err(Rejection::HeaderAmbiguous);
                        }
                    } else if list.keys.iter().any(|wanted| wanted.as_bytes() == key) {
                        entries.signatures.extend(signed.encoding.decode(text));
                    }
                }
            }
        }
        if entries.signatures.is_empty() { Err(Rejection::SignatureMalformed) } else { Ok(entries) }
    }

    fn time_in_body(&self, body: &ParsedBody<'_>, pointer: &str) -> Result<Timestamp, Rejection> {
        let body = body.get().ok_or(Rejection::TimestampMissing)?;
        let text = match body.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                return Err(Rejection::TimestampMissing);
            }
        };
        self.unit.parse(text.as_bytes()).ok_or(Rejection::TimestampMalformed)
    }

    /// The checked values must be signed: a time or an id that anyone could change protects nothing.
    pub(super) fn check_what_is_signed(&self) -> Result<(), CompileError> {
        let holds = |token| match &self.shape {
            Shape::Signed(signed) => signed.template.holds(token),
            Shape::StaticHeader(_) | Shape::Basic(_) | Shape::BodyToken(_) => false,
        };
        let beside_the_body = matches!(self.time, Some(TimeSource::Header(_) | TimeSource::Part(_)));
        if holds(Token::Timestamp) && !beside_the_body {
            return Err(CompileError::at("template", "{timestamp} needs timestamp_headers or timestamp_part"));
        }
        if beside_the_body && !holds(Token::Timestamp) {
            return Err(CompileError::new(
                "the time is not signed: put {timestamp} into the template, or leave it out",
            ));
        }
        if holds(Token::Id) && !matches!(self.id, Some(IdSource::Header(_))) {
            return Err(CompileError::at("template", "{id} needs id_headers"));
        }
        Ok(())
    }
}

impl Signed {
    /// The signature of one secret over a filled template, computed piece by piece.
    pub(super) fn tag(&self, key: &SignatureKey, values: &TemplateValues<'_>) -> Vec<u8> {
        let mut hash = key.start();
        for part in self.template.parts() {
            hash.update(match part {
                Part::Literal(text) => text,
                Part::Token(Token::Body) => values.body,
                Part::Token(Token::Timestamp) => values.timestamp,
                Part::Token(Token::Id) => values.id,
                Part::Token(Token::Method) => values.method,
                Part::Token(Token::Url) => values.url,
                Part::Token(Token::Secret) => key.secret(),
                Part::Header(name) => values.headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default(),
            });
        }
        hash.finish()
    }

    /// The URL in its signed form; empty if it is not signed.
    pub(super) fn url(&self, query: Option<&str>) -> Cow<'_, str> {
        self.url.as_ref().map_or(Cow::Borrowed(""), |url| public_url::signed(url, query, self.url_decoding))
    }

    fn admit(&self, signatures: &[Vec<u8>], values: &TemplateValues<'_>) -> Result<(), Rejection> {
        let mut genuine = Choice::from(0);
        for key in &self.keys {
            let tag = self.tag(key, values);
            for signature in signatures {
                genuine |= tag.ct_eq(signature);
            }
        }
        if bool::from(genuine) { Ok(()) } else { Err(Rejection::SignatureMismatch) }
    }
}

fn id_at(body: &Value, pointer: &str) -> Option<String> {
    match body.pointer(pointer)? {
        Value::String(text) => usable_id(text.as_bytes()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An invalid id counts as missing: the hash of the body takes its place.
fn usable_id(bytes: &[u8]) -> Option<String> {
    let text = str::from_utf8(bytes).ok()?;
    let fits = !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
