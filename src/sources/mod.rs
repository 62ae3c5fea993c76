//! Inbound knowledge: what HR and CRM systems send, how they sign it, and what it means.
//!
//! A [`Source`] is made of a [`preset`] and what the settings override of it, all of it data. The intake asks it
//! to [`answer_handshake`](Source::answer_handshake) and to [`verify`](Source::verify); the router asks it to [`read`](Source::read);
//! `offboardd send` asks it to [`sign`](Source::sign), the mirror of verification; and a [`lookup`](lookup::Lookup) asks the
//! vendor's API for the address of somebody whom a delivery names by id only. It keeps no state, and knows nothing of the
//! database.

mod bearer;
pub(crate) mod compile_error;
mod encoding;
mod handshake;
mod header;
mod json_path;
pub(crate) mod json_path_error;
pub mod lookup;
mod mapping;
pub mod near;
pub mod preset;
mod public_url;
mod recipe;
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
use axum::http::header::CONTENT_TYPE;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use crate::domain::event::{Event, EventType};
use crate::domain::ids::SourceName;

pub use self::compile_error::{CompileError, KeyPath, Step};
use self::encoding::Encoding;
use self::handshake::Handshake;
pub use self::handshake::HandshakeResponse;
use self::mapping::{Description, Mapping};
pub use self::mapping::{Explained, Headers, Unreadable};
use self::recipe::Recipe;
pub use self::sign::{Outgoing, SignError};
pub use self::signature::Rejection;
use self::signature::{ParsedBody, Scheme};
pub use self::strength::{WeakSecret, weak_secrets};
pub use self::summary::{Meaning, PresetSummary};

/// What the settings say of a source, before it is compiled.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// The preset's name; without one, the generic description is all in `signature` and `mapping`.
    pub preset: Option<String>,
    /// `[sources.X.signature]`: overrides the preset's, key by key.
    pub signature: Option<toml::Table>,
    /// `[sources.X.mapping]`: overrides the preset's, key by key.
    pub mapping: Option<toml::Table>,
    /// Any of them is accepted.
    pub secrets: Vec<SecretString>,
    /// The address under which the vendor reaches this source, for schemes that sign it.
    pub public_url: Option<Url>,
}

/// A source, ready to verify, to shake hands and to read.
#[derive(Debug)]
pub struct Source {
    scheme: Scheme,
    handshakes: Vec<Handshake>,
    mapping: Mapping,
}

/// A request as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `POST`, mostly.
    pub method: &'a str,
    /// What stands behind the `?`.
    pub query: Option<&'a str>,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The bytes, before anything decoded them.
    pub body: &'a [u8],
}

impl Request<'_> {
    fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
    }
}

/// What a genuine request is.
#[derive(Debug)]
pub struct Verified {
    /// The vendor's own id of the delivery, the same when it is sent again. Without one, the body's hash takes its place;
    /// also where the id stands in a header that is not signed (GitHub, Greenhouse, Shopify): a request that somebody
    /// recorded would pass as a new one under a new id, and a new one be taken for an old one under an id told in advance.
    pub delivery_id: Option<String>,
    /// The time that the signature covers; inside the body it is the same when the body is sent again.
    pub signed_at: Option<Timestamp>,
    /// The request is a handshake: to be answered with this, and not stored.
    pub handshake: Option<HandshakeResponse>,
}

impl Source {
    /// Makes a source of its description. The path of an error begins with `sources.NAME`.
    pub fn compile(name: &SourceName, spec: Spec) -> Result<Self, CompileError> {
        Self::of_spec(spec).map_err(|error| error.within(name.as_str()).within("sources"))
    }

    /// The same, where the path of an error begins below `sources.NAME`.
    pub(crate) fn of_spec(spec: Spec) -> Result<Self, CompileError> {
        let (signature, mapping) = described(spec.preset.as_deref(), spec.signature, spec.mapping)?;
        for secret in &spec.secrets {
            signature_key::check_secret(secret).map_err(|error| error.within("secrets"))?;
        }
        let recipe: Recipe = read_table("signature", signature)?;
        let (scheme, handshakes) =
            recipe.compile(&spec.secrets, spec.public_url.as_ref()).map_err(|error| error.within("signature"))?;
        // A vendor that offers the secret itself must be greeted before anybody knows it; nothing is admitted till then.
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

    /// The answer to a handshake that carries no signature; `None` for everything else. Call it before verification.
    pub fn answer_handshake(&self, request: &Request<'_>) -> Option<HandshakeResponse> {
        self.handshakes.iter().find_map(|handshake| handshake.answer_unsigned(request))
    }

    /// Whether the vendor offers a secret that a human has to type back to it.
    pub fn shows_a_token(&self) -> bool {
        self.handshakes.iter().any(Handshake::shows_a_token)
    }

    /// Whether a request received `now` is the vendor's, judged by its raw bytes.
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

    /// How long after its signing a request is still admitted: a body's hash must be remembered for at least as long.
    /// `None` when the vendor's requests do not grow old.
    pub fn window(&self) -> Option<SignedDuration> {
        let window = self.scheme.window;
        self.scheme.time.as_ref()?;
        Some(window.past?.saturating_add(window.future?))
    }

    /// A body as it is stored: where the mapping reads headers of the request, they stand in front of it, each on a line
    /// and an empty line behind the last. [`Self::read`] and [`Self::explain`] take that apart again.
    pub fn to_store<'b>(&self, headers: &HeaderMap, body: &'b [u8]) -> Cow<'b, [u8]> {
        if !self.mapping.reads_headers() {
            return Cow::Borrowed(body);
        }
        let mut stored = Vec::with_capacity(body.len());
        for (name, value) in self.mapping.headers(headers) {
            stored.extend([name.as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        }
        // Always there, so that nobody's body is taken for headers.
        stored.push(b'\n');
        stored.extend_from_slice(body);
        Cow::Owned(stored)
    }

    /// The events that a body holds, as it was stored, one result an item, so that one bad item never takes the others
    /// along.
    pub fn read(&self, content_type: Option<&str>, body: &[u8]) -> Result<Vec<Result<Event, Unreadable>>, Unreadable> {
        let (headers, body) = preset::split_headers(body);
        self.mapping.read(content_type, &Headers::of(&headers), body)
    }

    /// The same, and why each is what it is.
    pub fn explain(&self, content_type: Option<&str>, body: &[u8]) -> Result<Vec<Explained>, Unreadable> {
        explain(&self.mapping, content_type, body)
    }

    /// The vendor's words of the items that are passed over, an entry for each item: so that a new word is
    /// noticed. `body` is as it was stored.
    pub fn ignored_words(&self, content_type: Option<&str>, body: &[u8]) -> Vec<String> {
        let (headers, body) = preset::split_headers(body);
        self.mapping.ignored_words(content_type, &Headers::of(&headers), body)
    }

    /// The types of event that a delivery can have at all.
    pub fn event_types(&self) -> BTreeSet<EventType> {
        self.mapping.event_types()
    }

    /// Whether a delivery can carry an email address. Without one, only earlier deliveries or a lookup have it.
    pub fn can_name_address(&self) -> bool {
        self.mapping.can_name_address()
    }

    /// Whether a delivery can carry a person id, by which a lookup could find the email address.
    pub fn can_name_id(&self) -> bool {
        self.mapping.can_name_id()
    }

    /// The headers with which the vendor would send a message: the mirror of [`Self::verify`].
    pub fn sign(&self, message: &Outgoing<'_>) -> Result<Vec<(String, String)>, SignError> {
        self.scheme.sign(message, &[])
    }

    /// A sample (see [`preset::Sample`]) as it would be sent: the headers in front of it, and the body with the secret
    /// in the place of `{secret}` where this vendor puts it into the body.
    pub fn prepare(&self, sample: &[u8]) -> (Vec<(String, String)>, Vec<u8>) {
        let (headers, body) = preset::split_headers(sample);
        let secret = self.scheme.secret_in_body().and_then(|secret| serde_json::to_string(secret.expose_secret()).ok());
        let filled = str::from_utf8(body).ok().zip(secret).map(|(body, secret)| {
            let secret = secret.trim_matches('"');
            body.replace("{secret}", secret).into_bytes()
        });
        (headers, filled.unwrap_or_else(|| body.to_vec()))
    }

    /// The same for a vendor whose signature covers other headers of the request, which are these.
    pub fn sign_with(
        &self,
        message: &Outgoing<'_>,
        headers: &[(String, String)],
    ) -> Result<Vec<(String, String)>, SignError> {
        self.scheme.sign(message, headers)
    }
}

fn explain(mapping: &Mapping, content_type: Option<&str>, body: &[u8]) -> Result<Vec<Explained>, Unreadable> {
    let (headers, body) = preset::split_headers(body);
    mapping.explain(content_type, &Headers::of(&headers), body)
}

/// Explains a body of a preset's vendor, without any secret.
pub fn explain_preset(
    preset: &preset::Preset,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Result<Vec<Explained>, Unreadable>, CompileError> {
    let mapping = Mapping::compile(read_table("mapping", preset.mapping.clone())?)?;
    Ok(explain(&mapping, content_type, body))
}

/// Checks the mapping of a description by itself, where something else is wrong with the source.
pub(crate) fn check_mapping(spec: &Spec) -> Result<(), CompileError> {
    // Without a signature of its own a source without a preset has nothing to merge with; that is another fault.
    let signature = spec.signature.clone().or_else(|| Some(toml::Table::new()));
    let (_, mapping) = described(spec.preset.as_deref(), signature, spec.mapping.clone())?;
    let description: Description = read_table("mapping", mapping)?;
    Mapping::compile(description).map_err(|error| error.within("mapping")).map(|_| ())
}

/// The preset's tables with the settings' merged over them.
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
    // The rules are about the words of the preset's places: elsewhere they would judge by what is not there.
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
