//! Sources as a whole: presets with sign, verify and read.

mod companies;
mod computed;
mod fuzz;
mod handshakes;
mod language;
mod payloads;
mod presets;
mod properties;
mod published;
mod samples;
mod settings;
mod vectors;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::domain::event::Event;

/// The instant of the self-computed vectors.
const SIGNED_AT: i64 = 1_766_000_000;

impl Source {
    /// The event of each item.
    fn read(&self, content_type: Option<&str>, body: &[u8]) -> Result<Vec<Result<Event, Unreadable>>, Unreadable> {
        let items = self.open(content_type, body)?;
        let event = |index| items.event_and_ignored_word(index).map(|(event, _word)| event);
        Ok((0..items.count()).map(event).collect())
    }

    fn explain(&self, content_type: Option<&str>, body: &[u8]) -> Result<Vec<Explained>, Unreadable> {
        Ok(self.open(content_type, body)?.explain())
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A secret in a form that the preset accepts: this one is valid text, hex and base64.
fn usable_secret(preset: &str) -> &'static str {
    if matches!(preset, "pipedrive" | "paylocity") { "user:password" } else { "00112233445566778899aabbccddeeff" }
}

fn headers<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::try_from(name.as_ref()).unwrap();
        map.append(name, HeaderValue::try_from(value.as_ref()).unwrap());
    }
    map
}

fn table(text: &str) -> toml::Table {
    toml::from_str(text).unwrap()
}

fn spec(preset: &str, secret: &str) -> Spec {
    Spec {
        preset: Some(preset.to_owned()),
        secrets: vec![SecretString::from(secret)],
        public_url: Some("https://hooks.example.com/in/hubspot".parse().unwrap()),
        ..Spec::default()
    }
}

fn compile(spec: Spec) -> Result<Source, CompileError> {
    Source::compile(&"test".parse().unwrap(), spec)
}

fn source(preset: &str, secret: &str) -> Source {
    compile(spec(preset, secret)).unwrap()
}

fn post<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
    Request { method: "POST", query: None, headers, body }
}
