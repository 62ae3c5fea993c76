//! Inbound webhooks: what HR and CRM systems send, how they sign it, and which events it contains.
//!
//! A [`Source`] consists of a [`preset`] and the overrides of the settings, all of it data. The intake calls
//! [`answer_handshake`](Source::answer_handshake) and [`verify`](Source::verify); the router calls
//! [`open`](Source::open); `offboardd send` calls [`sign`](Source::sign), the inverse of verification. A
//! [`lookup`](lookup::Lookup) queries the vendor's API for the email address of a person whom a delivery identifies by
//! id only. The module keeps no state and does not use the database.

mod bearer;
pub(crate) mod compile_error;
mod encoding;
mod handshake;
mod header;
mod header_list;
mod json_path;
pub(crate) mod json_path_error;
pub mod lookup;
mod mapping;
pub mod near;
pub mod preset;
mod public_url;
mod recipe;
mod rejection;
mod request;
pub(crate) mod serde_message;
mod sign;
mod signature;
mod signature_key;
mod strength;
mod summary;
mod template;
mod timestamp;

use std::borrow::Cow;
use std::collections::BTreeSet;

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use crate::domain::event::EventType;
use crate::domain::ids::SourceName;

pub use self::compile_error::{CompileError, KeyPath, Step};
use self::encoding::Encoding;
use self::handshake::Handshake;
pub use self::handshake::HandshakeResponse;
pub use self::mapping::{Batch, Because, Explained, Headers, Lack, Match, Unreadable};
use self::mapping::{Description, Mapping};
use self::recipe::Recipe;
pub use self::rejection::Rejection;
pub use self::request::Request;
pub use self::sign::{Outgoing, SignError};
use self::signature::{ParsedBody, Scheme};
pub use self::strength::{WeakSecret, weak_secrets};
pub use self::summary::{Meaning, PresetSummary};

/// The settings of a source before compilation.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// The preset's name; without one, `signature` and `mapping` hold the whole description.
    pub preset: Option<String>,
    /// `[sources.X.signature]`: overrides the preset key by key.
    pub signature: Option<toml::Table>,
    /// `[sources.X.mapping]`: overrides the preset key by key.
    pub mapping: Option<toml::Table>,
    /// Any of them is accepted.
    pub secrets: Vec<SecretString>,
    /// The URL under which the vendor reaches this source, for schemes that sign it.
    pub public_url: Option<Url>,
}

/// A compiled source.
#[derive(Debug)]
pub struct Source {
    scheme: Scheme,
    handshakes: Vec<Handshake>,
    mapping: Mapping,
}

/// The result of a successful verification.
#[derive(Debug)]
pub struct Verified {
    /// The vendor's own id of the delivery, which is the same when the vendor resends it. Without one, the hash of the
    /// body identifies the delivery. This is also the case where the id is in an unsigned header (GitHub, Greenhouse,
    /// Shopify): a recorded request under a new id would pass as a new one, and a new request under a predicted id
    /// would be dropped as a duplicate.
    pub delivery_id: Option<String>,
    /// The signed time; a time inside the body is the same when the body is resent.
    pub signed_at: Option<Timestamp>,
    /// The response, if the request is a handshake: it is not stored.
    pub handshake: Option<HandshakeResponse>,
}

impl Source {
    /// Compiles a description. The path of an error begins with `sources.NAME`.
    pub fn compile(name: &SourceName, spec: Spec) -> Result<Self, CompileError> {
        Self::of_spec(spec).map_err(|error| error.within(name.as_str()).within("sources"))
    }

    /// The same, with error paths relative to `sources.NAME`.
    pub(crate) fn of_spec(spec: Spec) -> Result<Self, CompileError> {
        let (signature, mapping) = described(spec.preset.as_deref(), spec.signature, spec.mapping)?;
        for secret in &spec.secrets {
            signature_key::check_secret(secret).map_err(|error| error.within("secrets"))?;
        }
        let recipe: Recipe = read_table("signature", signature)?;
        let (scheme, handshakes) =
            recipe.compile(&spec.secrets, spec.public_url.as_ref()).map_err(|error| error.within("signature"))?;
        // A vendor that offers the secret itself must get its response before a secret exists; until then no request is
        // accepted.
        if spec.secrets.is_empty() && !handshakes.iter().any(Handshake::offers_a_secret) {
            return Err(CompileError::at(
                "secrets",
                "any sender would be accepted: write at least one { env = … } or { file = … }",
            ));
        }
        let description: Description = read_table("mapping", mapping)?;
        let mapping = Mapping::compile(description).map_err(|error| error.within("mapping"))?;
        Ok(Self { scheme, handshakes, mapping })
    }

    /// The response to an unsigned handshake; `None` for every other request. Call it before verification.
    pub fn answer_handshake(&self, request: &Request<'_>) -> Option<HandshakeResponse> {
        self.handshakes.iter().find_map(|handshake| handshake.answer_unsigned(request))
    }

    /// Whether the vendor offers a secret that an operator has to enter at the vendor.
    pub fn shows_a_token(&self) -> bool {
        self.handshakes.iter().any(Handshake::shows_a_token)
    }

    /// Verifies by the raw bytes that a request received `now` is the vendor's.
    pub fn verify(&self, request: &Request<'_>, now: Timestamp) -> Result<Verified, Rejection> {
        let body = ParsedBody::of(request);
        let (delivery_id, signed_at) = self.scheme.verify(request, &body, now)?;
        let ping = self.handshakes.iter().find_map(|handshake| handshake.answer_by_headers(request));
        Ok(Verified { delivery_id, signed_at, handshake: ping.or_else(|| self.signed_handshake(&body)) })
    }

    fn signed_handshake(&self, body: &ParsedBody<'_>) -> Option<HandshakeResponse> {
        if !self.handshakes.iter().any(Handshake::reads_signed_bodies) {
            return None;
        }
        let body = body.get()?;
        self.handshakes.iter().find_map(|handshake| handshake.answer_signed(&self.scheme, body))
    }

    /// How long after its signing a request is accepted: the hash of a body must be stored for at least as long. `None`
    /// when requests do not expire.
    pub fn window(&self) -> Option<SignedDuration> {
        let window = self.scheme.window;
        self.scheme.time.as_ref()?;
        Some(window.past?.saturating_add(window.future?))
    }

    /// The stored form of a body: the headers that the mapping reads, one per line, an empty line, and the body.
    /// [`Self::open`] splits them again.
    pub fn to_store<'b>(&self, headers: &HeaderMap, body: &'b [u8]) -> Cow<'b, [u8]> {
        if !self.mapping.reads_headers() {
            return Cow::Borrowed(body);
        }
        let mut stored = Vec::with_capacity(body.len());
        for (name, value) in self.mapping.headers(headers) {
            stored.extend([name.as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        }
        // The empty line is always present, so that no body is read as headers.
        stored.push(b'\n');
        stored.extend_from_slice(body);
        Cow::Owned(stored)
    }

    /// The items of a stored body. Each is read by itself, so that a bad one never affects the others.
    pub fn open(&self, content_type: Option<&str>, body: &[u8]) -> Result<Batch, Unreadable> {
        let (headers, body) = preset::split_headers(body);
        self.mapping.open(content_type, Headers::of(&headers), body)
    }

    /// The types of event that a delivery can have.
    pub fn event_types(&self) -> BTreeSet<EventType> {
        self.mapping.event_types()
    }

    /// Whether a delivery can carry an email address. Otherwise only earlier deliveries or a lookup provide it.
    pub fn can_name_address(&self) -> bool {
        self.mapping.can_name_address()
    }

    /// Whether a delivery can carry a person id, by which a lookup could find the email address.
    pub fn can_name_id(&self) -> bool {
        self.mapping.can_name_id()
    }

    /// The headers with which the vendor would send a message: the inverse of [`Self::verify`].
    pub fn sign(&self, message: &Outgoing<'_>) -> Result<Vec<(String, String)>, SignError> {
        self.scheme.sign(message, &[])
    }

    /// A sample (see [`preset::Sample`]) as the vendor would send it: the headers, and the body with the secret in
    /// place of `{secret}` if this vendor puts it into the body.
    pub fn prepare(&self, sample: &[u8]) -> (Vec<(String, String)>, Vec<u8>) {
        let (headers, body) = preset::split_headers(sample);
        let secret = self.scheme.secret_in_body().and_then(|secret| serde_json::to_string(secret.expose_secret()).ok());
        let filled = str::from_utf8(body).ok().zip(secret).map(|(body, secret)| {
            let secret = secret.trim_matches('"');
            body.replace("{secret}", secret).into_bytes()
        });
        (headers, filled.unwrap_or_else(|| body.to_vec()))
    }

    /// The same for a vendor whose signature covers other headers of the request, given as `headers`.
    pub fn sign_with(
        &self,
        message: &Outgoing<'_>,
        headers: &[(String, String)],
    ) -> Result<Vec<(String, String)>, SignError> {
        self.scheme.sign(message, headers)
    }
}

/// Explains a body of a preset's vendor, without any secret.
pub fn explain_preset(
    preset: &preset::Preset,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Result<Vec<Explained>, Unreadable>, CompileError> {
    let mapping = Mapping::compile(read_table("mapping", preset.mapping.clone())?)?;
    let (headers, body) = preset::split_headers(body);
    Ok(mapping.open(content_type, Headers::of(&headers), body).map(|items| items.explain()))
}

/// Checks the mapping of a description alone, when another part of the source is invalid.
pub(crate) fn check_mapping(spec: &Spec) -> Result<(), CompileError> {
    // Without its own signature, a source without a preset has nothing to merge with; that is a separate error.
    let signature = spec.signature.clone().or_else(|| Some(toml::Table::new()));
    let (_, mapping) = described(spec.preset.as_deref(), signature, spec.mapping.clone())?;
    let description: Description = read_table("mapping", mapping)?;
    Mapping::compile(description).map_err(|error| error.within("mapping")).map(|_| ())
}

/// The preset's tables, merged with those of the settings.
fn described(
    preset: Option<&str>,
    signature: Option<toml::Table>,
    mapping: Option<toml::Table>,
) -> Result<(toml::Table, toml::Table), CompileError> {
    let (preset_signature, preset_mapping) = match preset {
        Some(name) => {
            let preset = preset::find(name).ok_or_else(|| {
                CompileError::at("preset", format!("unknown preset `{name}`; there are {}", preset::names().join(", ")))
            })?;
            (preset.signature.clone(), preset.mapping.clone())
        }
        None if signature.is_none() => {
            return Err(CompileError::new("write preset = \"…\", or describe the vendor in [sources.NAME.signature]"));
        }
        None if mapping.is_some() => (toml::Table::new(), toml::Table::new()),
        None => (toml::Table::new(), preset::own_events()),
    };
    let mut preset_mapping = preset_mapping;
    // Rules refer to the words of the preset's locations: with other locations they would match missing values.
    if mapping.as_ref().is_some_and(|mapping| mapping.contains_key("type")) {
        preset_mapping.remove("rules");
    }
    Ok((
        preset::merged(preset_signature, signature.unwrap_or_default()),
        preset::merged(preset_mapping, mapping.unwrap_or_default()),
    ))
}

fn read_table<T: DeserializeOwned>(place: &str, table: toml::Table) -> Result<T, CompileError> {
    serde_path_to_error::deserialize(toml::Value::Table(table))
        .map_err(|error| CompileError::of_serde(error.path(), error.inner().message()).within(place))
}

#[cfg(test)]
mod tests;
