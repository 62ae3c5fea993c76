//! The vendors that have a lookup preset: loaded from `lookups.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::named;
use crate::sources::preset::Confidence;

/// A lookup that lacks only the credentials and what only the customer knows.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LookupPreset {
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
    /// The URL to read when the first one knows nobody of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<String>,
    /// Headers that the vendor wants.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What is posted there, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where the e-mail address is in the answer; the first place that has one counts.
    pub email: Vec<String>,
    /// Whether the vendor writes the person's id in front of the address of a deleted person.
    #[serde(default, skip_serializing_if = "is_false")]
    pub id_in_front: bool,
    /// Which credentials the vendor wants.
    pub auth: AuthKind,
    /// The password where the vendor does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Where access tokens are handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// What the access token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whom the access token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Whether the vendor's departures hold no address, so that a source cannot do without the lookup.
    #[serde(default, skip_serializing_if = "is_false")]
    pub needed: bool,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
fn is_false(value: &bool) -> bool {
    !value
}

impl LookupPreset {
    /// Whether a URL of it holds `{company}`, which only the customer knows.
    pub fn needs_company(&self) -> bool {
        self.url.contains("{company}") || self.token_url.as_ref().is_some_and(|url| url.contains("{company}"))
    }
}

impl LookupPreset {
    /// The lines of `[sources.NAME.lookup]` that only the customer can fill in.
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

    /// The same in one line.
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

/// The lookup preset of the sources with a preset.
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
    fn every_lookup_preset_lookup_could_be_used() {
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
