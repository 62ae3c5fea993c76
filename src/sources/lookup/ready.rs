//! The vendors whose lookups are ready-made: loaded from `lookups.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::named;
use crate::sources::preset::Confidence;

/// A lookup that lacks only the credentials and what only the customer knows.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReadyMade {
    /// The vendor's name.
    pub title: String,
    /// The presets whose sources ask there unless they say otherwise.
    pub presets: Vec<String>,
    /// Where the facts were read.
    pub source: String,
    /// How sure they are.
    pub confidence: Confidence,
    /// The address to read.
    pub url: String,
    /// What is posted there, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where the e-mail address is in the answer.
    pub email: String,
    /// Which credentials the vendor wants.
    pub auth: AuthKind,
    /// The password where the vendor does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Where access tokens are handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// What an integrator should know.
    pub notes: Vec<String>,
}

/// Which credentials a vendor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthKind {
    /// `{ bearer = … }`
    Bearer,
    /// `{ user = …, password = … }`
    Basic,
    /// `{ client_id = …, client_secret = … }`
    Client,
}

named!(AuthKind { Bearer = "bearer", Basic = "basic", Client = "client" });

static READY: LazyLock<BTreeMap<String, ReadyMade>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    toml::from_str(include_str!("../lookups.toml")).expect("lookups.toml holds lookups")
});

/// The names of the vendors.
pub fn names() -> Vec<&'static str> {
    READY.keys().map(String::as_str).collect()
}

/// The ready-made lookup of a vendor.
pub fn find(vendor: &str) -> Option<&'static ReadyMade> {
    READY.get(vendor)
}

/// The ready-made lookup of the sources with a preset.
pub fn of_preset(preset: &str) -> Option<&'static ReadyMade> {
    READY.values().find(|ready| ready.presets.iter().any(|name| name == preset))
}

#[cfg(test)]
mod tests {
    use serde_json_path::JsonPath;

    use super::*;
    use crate::sources::lookup::PERSON_ID;
    use crate::sources::preset;

    #[test]
    fn every_ready_made_lookup_could_be_used() {
        for (name, ready) in READY.iter() {
            assert!(ready.url.starts_with("https://") && ready.url.contains(PERSON_ID), "{name}");
            assert!(JsonPath::parse(&ready.email).is_ok(), "{name}");
            assert_eq!(ready.auth == AuthKind::Client, ready.token_url.is_some(), "{name}");
            assert!(ready.presets.iter().all(|preset| preset::find(preset).is_some()), "{name}");
            let body = ready.body.as_deref().unwrap_or("{}");
            assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{name}");
        }
        assert_eq!(names(), ["bamboohr", "gusto", "hibob", "hubspot", "personio"]);
        assert_eq!(of_preset("hubspot-v2").unwrap().title, "HubSpot");
        assert!(of_preset("personio").is_none() && find("personio").is_some());
    }
}
