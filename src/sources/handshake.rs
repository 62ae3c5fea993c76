//! Challenges and pings that a vendor sends before and between deliveries.
//!
//! Unsigned ones are answered before verification and store nothing. Signed ones are answered after it.

use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::encoding::Encoding;
use super::header;
use super::mapping::body;
use super::request::Request;
use super::signature::{Scheme, Shape};

/// The largest challenge of a request without a signature, in bytes.
const LONGEST_CHALLENGE: usize = 4096;

/// A request of a vendor and its expected response. presets.toml states the source of each.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Handshake {
    /// A GET whose header is returned as a member of a JSON object (Okta).
    EchoHeader {
        header: String,
        /// The member of the response.
        member: String,
    },
    /// A query parameter is returned as plain text (Microsoft Graph).
    EchoQuery { parameter: String },
    /// A signed body that matches; one of its strings is returned as JSON under the same name (Slack).
    EchoBody {
        /// The condition on the body.
        when: Match,
        member: String,
    },
    /// A signed body that matches; one of its tokens is returned with its own signature (Zoom).
    ProveSecret {
        /// The condition on the body.
        when: Match,
        /// A JSON pointer to the token.
        token: String,
        /// The member of the response that repeats the token.
        plain: String,
        /// The member of the response that holds its hex signature.
        signed: String,
    },
    /// A body that matches is a ping: it is answered with 200 and not stored.
    Ping {
        /// The condition on the body.
        when: Match,
        /// Whether the ping is signed like a delivery.
        #[serde(default)]
        signed: bool,
    },
    /// A request with this header is a ping if its signature is valid: it is answered with 200 and not stored (Google).
    PingHeader {
        header: String,
        /// The required value.
        equals: String,
    },
    /// HEAD is answered with 200 (Intercom, Trello). The braces make serde reject unknown keys here, too.
    Head {},
    /// A header that is returned and becomes the secret after an operator accepts it (Asana).
    HookSecret { header: String },
    /// A body with a token that is shown to the operator, who enters it at the vendor (Gusto, Notion).
    CaptureToken {
        /// A JSON pointer to the token.
        pointer: String,
    },
}

/// A condition on a body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    /// A JSON pointer; empty for the whole body.
    #[serde(default)]
    pub pointer: String,
    /// The required value.
    pub equals: Value,
}

impl Match {
    fn fits(&self, body: &Value) -> bool {
        body.pointer(&self.pointer) == Some(&self.equals)
    }
}

/// The response to a handshake. Only an offered secret is stored.
#[derive(Debug, Clone)]
pub struct HandshakeResponse {
    pub status: StatusCode,
    /// The headers, including `content-type`.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// A secret that the vendor offered. It is valid only after an operator accepted it.
    pub offered: Option<SecretString>,
}

impl HandshakeResponse {
    fn empty() -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: Vec::new(), offered: None }
    }

    fn text(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![
            ("content-type".to_owned(), content_type.to_owned()),
            // The echoed text is untrusted: no browser may interpret it as a page.
            ("x-content-type-options".to_owned(), "nosniff".to_owned()),
        ];
        Self { headers, body: body.into(), ..Self::empty() }
    }

    fn json(body: &Value) -> Self {
        Self::text("application/json", body.to_string())
    }
}

impl Handshake {
    /// Whether this handshake offers the vendor's secret.
    pub(super) fn offers_a_secret(&self) -> bool {
        matches!(self, Self::HookSecret { .. } | Self::CaptureToken { .. })
    }

    /// Whether an operator has to enter the secret at the vendor.
    pub(super) fn shows_a_token(&self) -> bool {
        matches!(self, Self::CaptureToken { .. })
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::EchoHeader { header, .. } => format!("a GET with {header} is answered with its value"),
            Self::EchoQuery { parameter } => format!("a request with ?{parameter}= is answered with its value"),
            Self::EchoBody { member, .. } => format!("a signed request with `{member}` is answered with its value"),
            Self::ProveSecret { .. } => "a signed challenge is answered with its signature".to_owned(),
            Self::Ping { signed: false, .. } => "a ping without a signature is answered with 200".to_owned(),
            Self::Ping { signed: true, .. } => "a signed ping is answered with 200".to_owned(),
            Self::PingHeader { header, equals } => {
                format!("a request with {header}: {equals} is answered with 200 and not stored")
            }
            Self::Head {} => "HEAD is answered with 200".to_owned(),
            Self::HookSecret { header } => {
                format!("{header} comes back and becomes the secret, once an operator has accepted it")
            }
            Self::CaptureToken { pointer } => format!(
                "the token at `{pointer}` is shown to an operator, who accepts it and takes it back to the vendor"
            ),
        }
    }

    /// The response to an unsigned handshake.
    pub(super) fn answer_unsigned(&self, request: &Request<'_>) -> Option<HandshakeResponse> {
        match self {
            Self::EchoHeader { header, member } if request.method == "GET" => {
                let challenge = challenge(request, header)?;
                Some(HandshakeResponse::json(&json!({ member: challenge })))
            }
            Self::EchoQuery { parameter } if matches!(request.method, "POST" | "GET") => {
                let query = request.query.filter(|query| query.len() <= LONGEST_CHALLENGE)?;
                let (_, token) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == parameter)?;
                Some(HandshakeResponse::text("text/plain; charset=utf-8", token.as_bytes()))
            }
            Self::Ping { when, signed: false } if request.method == "POST" => {
                when.fits(&short_json(request)?).then(HandshakeResponse::empty)
            }
            Self::Head {} if request.method == "HEAD" => Some(HandshakeResponse::empty()),
            Self::HookSecret { header } if request.method == "POST" => {
                let secret = challenge(request, header)?;
                Some(HandshakeResponse {
                    headers: vec![(header.clone(), secret.to_owned())],
                    offered: Some(SecretString::from(secret)),
                    ..HandshakeResponse::empty()
                })
            }
            Self::CaptureToken { pointer } if request.method == "POST" => {
                let body = short_json(request)?;
                let token = body.pointer(pointer)?.as_str()?;
                Some(HandshakeResponse { offered: Some(SecretString::from(token)), ..HandshakeResponse::empty() })
            }
            Self::EchoHeader { .. }
            | Self::EchoQuery { .. }
            | Self::EchoBody { .. }
            | Self::ProveSecret { .. }
            | Self::Ping { .. }
            | Self::PingHeader { .. }
            | Self::Head {}
            | Self::HookSecret { .. }
            | Self::CaptureToken { .. } => None,
        }
    }

    /// The response to a handshake with a valid signature that is recognized by its headers.
    pub(super) fn answer_by_headers(&self, request: &Request<'_>) -> Option<HandshakeResponse> {
        match self {
            Self::PingHeader { header, equals } => {
                let value = challenge(request, header)?;
                value.trim().eq_ignore_ascii_case(equals).then(HandshakeResponse::empty)
            }
            Self::EchoHeader { .. }
            | Self::EchoQuery { .. }
            | Self::EchoBody { .. }
            | Self::ProveSecret { .. }
            | Self::Ping { .. }
            | Self::Head {}
            | Self::HookSecret { .. }
            | Self::CaptureToken { .. } => None,
        }
    }

    /// The response to a handshake with a valid signature that is recognized by its body.
    pub(super) fn answer_signed(&self, scheme: &Scheme, body: &Value) -> Option<HandshakeResponse> {
        match self {
            Self::EchoBody { when, member } if when.fits(body) => {
                let challenge = body.get(member)?.as_str()?;
                Some(HandshakeResponse::json(&json!({ member: challenge })))
            }
            Self::ProveSecret { when, token, plain, signed } if when.fits(body) => {
                let token = body.pointer(token)?.as_str()?;
                let proof = prove(scheme, token.as_bytes())?;
                Some(HandshakeResponse::json(&json!({ plain: token, signed: proof })))
            }
            Self::Ping { when, signed: true } if when.fits(body) => Some(HandshakeResponse::empty()),
            Self::EchoHeader { .. }
            | Self::EchoQuery { .. }
            | Self::EchoBody { .. }
            | Self::ProveSecret { .. }
            | Self::Ping { .. }
            | Self::PingHeader { .. }
            | Self::Head {}
            | Self::HookSecret { .. }
            | Self::CaptureToken { .. } => None,
        }
    }

    /// Whether [`Self::answer_signed`] needs the body.
    pub(super) fn reads_signed_bodies(&self) -> bool {
        matches!(self, Self::EchoBody { .. } | Self::ProveSecret { .. } | Self::Ping { signed: true, .. })
    }
}

fn challenge<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    let name = header::name(name).ok()?;
    let value = header::find(request.headers, &[name]).ok()??;
    str::from_utf8(value).ok().filter(|text| !text.is_empty() && text.len() <= LONGEST_CHALLENGE)
}

fn short_json(request: &Request<'_>) -> Option<Value> {
    let is_short = request.body.len() <= LONGEST_CHALLENGE;
    is_short.then(|| body::parse(request.content_type(), request.body).ok()).flatten()
}

fn prove(scheme: &Scheme, token: &[u8]) -> Option<String> {
    match &scheme.shape {
        Shape::Signed(signed) => {
            let mut hash = signed.keys.first()?.start();
            hash.update(token);
            Some(Encoding::Hex.encode(&hash.finish()))
        }
        Shape::StaticHeader(_) | Shape::Basic(_) | Shape::BodyToken(_) => None,
    }
}
