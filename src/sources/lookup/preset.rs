//! The vendors with a lookup preset, loaded from `lookups.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::named;
use crate::sources::preset::Confidence;

/// A lookup without the credentials and the customer-specific values.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LookupPreset {
    /// The vendor's name.
    pub title: String,
    /// The presets whose sources use this lookup by default.
    pub presets: Vec<String>,
    /// The source of the facts.
    pub source: String,
    /// How reliable the facts are.
    pub confidence: Confidence,
    /// The URL to read.
    pub url: String,
    /// The URL to read when the first one does not know the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<String>,
    /// Headers that the vendor requires.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The JSON body to post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Location of the email address in the response; the first location with a value counts.
    pub email: Vec<String>,
    /// Whether the vendor prefixes a deleted person's email address with the person's id.
    #[serde(default, skip_serializing_if = "is_false")]
    pub id_in_front: bool,
    /// The kind of credentials that the vendor requires.
    pub auth: AuthKind,
    /// The password, if the vendor ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The URL that issues access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// The scope of the access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The audience of the access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Whether the vendor's departures hold no email address, so that a source requires the lookup.
    #[serde(default, skip_serializing_if = "is_false")]
    pub needed: bool,
    /// Notes for an integrator.
    pub notes: Vec<String>,
}

/// The kind of credentials that a vendor requires.
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
fn is_false(value: &bool) -> bool {
    !value
}

impl LookupPreset {
    /// Whether one of its URLs contains `{company}`, which only the customer knows.
    pub fn needs_company(&self) -> bool {
        self.url.contains("{company}") || self.token_url.as_ref().is_some_and(|url| url.contains("{company}"))
    }
}

impl LookupPreset {
    /// The lines of `[sources.NAME.lookup]` that the customer has to fill in.
    pub fn lines(&self, source: &str) -> Vec<String> {
        let upper = source.to_uppercase().replace('-', "_");
        let company = self.needs_company().then(|| "company = \"…\"".to_owned());
        let auth = match self.auth {
            AuthKind::Bearer => format!("auth = {{ bearer = {{ env = \"{upper}_TOKEN\" }} }}"),
            AuthKind::Basic if self.password.is_some() => {
                format!("auth = {{ user = {{ env = \"{upper}_API_KEY\" }} }}")
            }
            AuthKind::Basic => {
                format!("auth = {{ user = {{ env = \"{upper}_USER\" }}, password = {{ env = \"{upper}_TOKEN\" }} }}")
            }
            AuthKind::Client => format!(
                "auth = {{ client_id = {{ env = \"{upper}_CLIENT\" }}, client_secret = {{ env = \"{upper}_CLIENT_SECRET\" }} }}"
            ),
        };
        company.into_iter().chain([auth]).collect()
    }

    /// The same keys on one line.
    pub fn keys(&self, source: &str) -> String {
        self.lines(source).join(" and ")
    }
}

static LOOKUP_PRESETS: LazyLock<BTreeMap<String, LookupPreset>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    toml::from_str(include_str!("../lookups.toml")).expect("lookups.toml holds lookups")
});

/// The names of the vendors.
pub fn names() -> Vec<&'static str> {
    LOOKUP_PRESETS.keys().map(String::as_str).collect()
}

/// The lookup preset of a vendor.
pub fn find(vendor: &str) -> Option<&'static LookupPreset> {
    LOOKUP_PRESETS.get(vendor)
}

/// The lookup preset of the sources that use `preset`.
pub fn of_preset(preset: &str) -> Option<&'static LookupPreset> {
    LOOKUP_PRESETS.values().find(|lookup| lookup.presets.iter().any(|name| name == preset))
}

#[cfg(test)]
mod tests {
    use serde_json_path::JsonPath;

    use super::*;
    use crate::sources::lookup::PERSON_ID;
    use crate::sources::preset;

    #[test]
    fn every_lookup_preset_is_usable() {
        for (name, preset) in LOOKUP_PRESETS.iter() {
            let body = preset.body.as_deref().unwrap_or("{}");
            assert!(preset.url.starts_with("https://"), "{name}");
            assert!(preset.url.contains(PERSON_ID) || body.contains(PERSON_ID), "{name}");
            assert!(preset.email.iter().all(|path| JsonPath::parse(path).is_ok()), "{name}");
            assert_eq!(preset.auth == AuthKind::Client, preset.token_url.is_some(), "{name}");
            assert!(preset.presets.iter().all(|preset| preset::find(preset).is_some()), "{name}");
            assert!(preset.auth == AuthKind::Client || preset.scope.is_none() && preset.audience.is_none(), "{name}");
            assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{name}");
        }
        let vendors =
            ["bamboohr", "close", "finch", "gusto", "hibob", "hubspot", "microsoft-graph", "personio", "remote"];
        assert_eq!(names(), vendors);
        assert_eq!(of_preset("hubspot-v2").unwrap().title, "HubSpot");
        assert_eq!(of_preset("personio").unwrap().title, "Personio");
    }
}
