//! A summary of a preset for people who set a vendor up: proof, handshakes and meaning of its bodies.
//!
//! It is derived from the tables that verification and mapping use, so it cannot contradict them.

use serde::Serialize;
use toml::{Table, Value};

use super::handshake::Handshake;
use super::preset::{Confidence, Preset};
use super::recipe::{Mode, Recipe, Tolerance};
use super::signature_key::{Algorithm, KeyEncoding};
use super::{CompileError, Encoding, Mapping, lookup, read_table};

/// The summary of a preset.
#[derive(Debug, Clone, Serialize)]
pub struct PresetSummary {
    /// The name in the settings.
    pub name: String,
    /// The vendor's name.
    pub title: String,
    /// Other names of the preset.
    pub aliases: Vec<String>,
    /// How reliable the facts are.
    pub confidence: Confidence,
    /// How reliable the mapping is.
    pub mapping_confidence: Confidence,
    /// The source of the facts.
    pub source: String,
    /// The proof of a request, as a sentence.
    pub proof: String,
    /// The headers of the signature, or of the static secret; the first that is present counts.
    pub signature_headers: Vec<String>,
    /// Form of the secret.
    pub secret: String,
    /// Whether `server.public_url` must be exactly the URL under which the vendor reaches us.
    pub needs_public_url: bool,
    /// Accepted deviation of the time of signing; `None` when requests carry no signed time.
    pub window: Option<String>,
    /// What identifies a resent delivery: the vendor's id, or the body.
    pub delivery_id: String,
    /// The vendor's handshakes before and between deliveries, one sentence each.
    pub handshakes: Vec<String>,
    /// Whether the vendor offers the secret itself, so that an operator must accept it.
    pub offers_secret: bool,
    /// Whether deliveries can hold an email address.
    pub reads_address: bool,
    /// The types of event that a delivery can have.
    pub event_types: Vec<String>,
    /// Why no event is a departure unless the settings say so.
    pub no_departure: Option<String>,
    /// Why no event is a return.
    pub no_return: Option<String>,
    /// The setup steps at the vendor.
    pub clicks: Vec<String>,
    /// The event of each vendor word.
    pub events: Vec<Meaning>,
    /// The lookup that provides a missing email address.
    pub lookup: Option<lookup::LookupPreset>,
    /// Notes for an integrator, and why ambiguous events have no effect.
    pub notes: Vec<String>,
    /// The lines for the settings file.
    pub settings: String,
}

/// The event of a word or a condition.
#[derive(Debug, Clone, Serialize)]
pub struct Meaning {
    /// The vendor's word, or a condition about the body.
    pub when: String,
    pub event: String,
}

impl PresetSummary {
    /// The summary of the preset with this name or alias.
    pub fn of(name: &str) -> Option<Result<Self, CompileError>> {
        super::preset::find(name).map(Self::of_preset)
    }

    fn of_preset(preset: &Preset) -> Result<Self, CompileError> {
        let recipe: Recipe = read_table("signature", preset.signature.clone())?;
        let offers_secret = recipe.handshakes.iter().any(Handshake::offers_a_secret);
        let needs_public_url = recipe.template.contains("{url}");
        let lookup = lookup::of_preset(preset.name()).cloned();
        let mapping = Mapping::compile(read_table("mapping", preset.mapping.clone())?)?;
        Ok(Self {
            name: preset.name().to_owned(),
            title: preset.title.clone(),
            aliases: preset.aliases.clone(),
            confidence: preset.confidence,
            mapping_confidence: preset.mapping_confidence.unwrap_or(preset.confidence),
            source: preset.source.clone(),
            proof: proof(&recipe),
            signature_headers: headers(&recipe),
            secret: secret(&recipe, offers_secret),
            needs_public_url,
            window: window(&recipe),
            delivery_id: delivery_id(&recipe),
            handshakes: recipe.handshakes.iter().map(Handshake::describe).collect(),
            offers_secret,
            reads_address: reads_address(&preset.mapping),
            event_types: mapping.event_types().iter().map(ToString::to_string).collect(),
            no_departure: preset.no_departure().map(str::to_owned),
            no_return: preset.no_return().map(str::to_owned),
            clicks: preset.clicks().to_vec(),
            events: meanings(&preset.mapping),
            settings: settings(preset.name(), offers_secret, needs_public_url, lookup.as_ref()),
            lookup,
            notes: preset.notes.clone(),
        })
    }
}

fn headers(recipe: &Recipe) -> Vec<String> {
    match recipe.mode {
        Mode::Hmac | Mode::Digest | Mode::StaticHeader => recipe.headers.clone(),
        Mode::Basic => vec!["Authorization".to_owned()],
        Mode::BodyToken => Vec::new(),
    }
}

fn proof(recipe: &Recipe) -> String {
    let hash = match recipe.algorithm {
        Algorithm::Sha1 => "SHA-1",
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
    };
    let encoding = match recipe.encoding {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64",
        Encoding::Base64url => "base64url",
    };
    let place = recipe.headers.join(" or ");
    let shape = match (&recipe.list, recipe.prefix.as_str()) {
        (Some(list), _) => format!(" behind `{}{}`", list.keys.join("` or `"), list.pair),
        (None, "") => String::new(),
        (None, prefix) => format!(" behind `{prefix}`"),
    };
    let template = &recipe.template;
    match recipe.mode {
        Mode::Hmac => format!("HMAC-{hash} over `{template}`, in {encoding}{shape}, in the header {place}"),
        Mode::Digest => format!("plain {hash} over `{template}`, in {encoding}{shape}, in the header {place}"),
        Mode::StaticHeader => format!("nothing is signed: the secret itself{shape} stands in the header {place}"),
        Mode::Basic => "nothing is signed: HTTP Basic in the header Authorization".to_owned(),
        Mode::BodyToken => {
            let token = recipe.token.as_ref().map_or("", |token| token.as_str());
            format!("nothing is signed: the secret itself stands in the body, at `{token}`")
        }
    }
}

fn secret(recipe: &Recipe, offered: bool) -> String {
    if offered {
        return "offered by the vendor in its handshake; an operator accepts it".to_owned();
    }
    match (recipe.mode, recipe.key_encoding) {
        (Mode::Basic, _) => "user:password".to_owned(),
        (Mode::Hmac, KeyEncoding::Hex) => "the vendor's key, in hex as it shows it".to_owned(),
        (Mode::Hmac, KeyEncoding::Base64) => "the vendor's key, in base64 as it shows it".to_owned(),
        (Mode::Hmac, KeyEncoding::Text) | (Mode::Digest, _) => "the vendor's key, as the text that it shows".to_owned(),
        (Mode::StaticHeader | Mode::BodyToken, _) => "the value that you chose at the vendor's".to_owned(),
    }
}

fn window(recipe: &Recipe) -> Option<String> {
    recipe.template.contains("{timestamp}").then_some(())?;
    let limit = |tolerance: Tolerance| tolerance.0.map_or_else(|| "any time".to_owned(), |time| time.to_string());
    Some(format!("{} into the past, {} into the future", limit(recipe.tolerance_past), limit(recipe.tolerance_future)))
}

fn delivery_id(recipe: &Recipe) -> String {
    match (&recipe.id_headers, &recipe.id_pointer) {
        (headers, _) if !headers.is_empty() => format!("the header {}", headers.join(" or ")),
        (_, Some(pointer)) => format!("`{pointer}` of the body"),
        (_, None) => "none: the body itself, for the time of dedupe_window".to_owned(),
    }
}

fn reads_address(mapping: &Table) -> bool {
    let rules = mapping.get("rules").and_then(Value::as_array).into_iter().flatten();
    mapping.contains_key("email") || rules.filter_map(Value::as_table).any(|rule| rule.contains_key("email"))
}

/// Rules come first, as they are evaluated first.
fn meanings(mapping: &Table) -> Vec<Meaning> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let rules = mapping.get("rules").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table);
    let rules = rules.map(|rule| Meaning { when: text(rule.get("when")), event: text(rule.get("event")) });
    let words = mapping.get("types").and_then(Value::as_table).into_iter().flatten();
    let words = words.map(|(word, event)| Meaning { when: format!("`{word}`"), event: text(Some(event)) });
    rules.chain(words).collect()
}

fn settings(name: &str, offers: bool, needs_public_url: bool, lookup: Option<&lookup::LookupPreset>) -> String {
    let upper = name.to_uppercase().replace('-', "_");
    let secrets = if offers { "[]".to_owned() } else { format!("[{{ env = \"{upper}_KEY\" }}]") };
    let mut lines = vec![
        format!("[sources.{name}]"),
        format!("preset = \"{name}\""),
        "site = \"…\"".to_owned(),
        "policy = \"…\"".to_owned(),
        format!("secrets = {secrets}"),
    ];
    if needs_public_url {
        lines.insert(0, "server.public_url = \"https://…\"\n".to_owned());
    }
    if let Some(lookup) = lookup {
        lines.push(format!("\n[sources.{name}.lookup]"));
        lines.extend(lookup.lines(name));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::preset;

    #[test]
    fn every_preset_has_a_summary() {
        for name in preset::names() {
            let summary = PresetSummary::of(name).unwrap().unwrap();
            assert!(!summary.proof.contains("``") && !summary.settings.is_empty(), "{summary:?}");
            assert!(!summary.events.is_empty(), "{name} has no events");
        }
        assert!(PresetSummary::of("unknown").is_none());
    }

    #[test]
    fn summary_agrees_with_the_recipe() {
        let shown = |name: &str| {
            let summary = PresetSummary::of(name).unwrap().unwrap();
            format!("{} / {} / {}", summary.proof, summary.secret, summary.delivery_id)
        };
        insta::assert_snapshot!(["bamboohr", "stripe", "okta", "pipedrive", "zoho", "gusto", "hubspot-v1", "close"].map(shown).join("\n"), @r"
        HMAC-SHA-256 over `{body}{timestamp}`, in hex, in the header X-BambooHR-Signature / the vendor's key, as the text that it shows / none: the body itself, for the time of dedupe_window
        HMAC-SHA-256 over `{timestamp}.{body}`, in hex behind `v1=`, in the header Stripe-Signature / the vendor's key, as the text that it shows / `/id` of the body
        nothing is signed: the secret itself stands in the header Authorization / the value that you chose at the vendor's / `/eventId` of the body
        nothing is signed: HTTP Basic in the header Authorization / user:password / none: the body itself, for the time of dedupe_window
        nothing is signed: the secret itself stands in the body, at `$.token` / the value that you chose at the vendor's / none: the body itself, for the time of dedupe_window
        HMAC-SHA-256 over `{body}`, in hex, in the header X-Gusto-Signature / offered by the vendor in its handshake; an operator accepts it / `/uuid` of the body
        plain SHA-256 over `{secret}{body}`, in hex, in the header X-HubSpot-Signature / the vendor's key, as the text that it shows / none: the body itself, for the time of dedupe_window
        HMAC-SHA-256 over `{timestamp}{body}`, in hex, in the header close-sig-hash / the vendor's key, in hex as it shows it / `/event/id` of the body
        ");
        insta::assert_snapshot!(PresetSummary::of("bamboohr").unwrap().unwrap().settings, @r#"
        [sources.bamboohr]
        preset = "bamboohr"
        site = "…"
        policy = "…"
        secrets = [{ env = "BAMBOOHR_KEY" }]

        [sources.bamboohr.lookup]
        company = "…"
        auth = { user = { env = "BAMBOOHR_API_KEY" } }
        "#);
        insta::assert_snapshot!(PresetSummary::of("hubspot").unwrap().unwrap().settings, @r#"
        server.public_url = "https://…"

        [sources.hubspot]
        preset = "hubspot"
        site = "…"
        policy = "…"
        secrets = [{ env = "HUBSPOT_KEY" }]

        [sources.hubspot.lookup]
        auth = { bearer = { env = "HUBSPOT_TOKEN" } }
        "#);
    }

    #[test]
    fn summary_lists_window_id_and_handshakes() {
        let shown = |name: &str| {
            let summary = PresetSummary::of(name).unwrap().unwrap();
            let PresetSummary { signature_headers, window, handshakes, reads_address, delivery_id, .. } = summary;
            format!("{name}: {signature_headers:?}, {window:?}, {reads_address}, {delivery_id}, {handshakes:?}")
        };
        let names = ["standard-webhooks", "pipedrive", "microsoft-graph", "okta", "slack", "intercom", "copper"];
        insta::assert_snapshot!(names.map(shown).join("\n"), @r#"
        standard-webhooks: ["webhook-signature", "svix-signature"], Some("5m into the past, 5m into the future"), true, the header webhook-id or svix-id, []
        pipedrive: ["Authorization"], None, true, none: the body itself, for the time of dedupe_window, []
        microsoft-graph: [], None, false, none: the body itself, for the time of dedupe_window, ["a request with ?validationToken= is answered with its value"]
        okta: ["Authorization"], None, true, `/eventId` of the body, ["a GET with x-okta-verification-challenge is answered with its value"]
        slack: ["X-Slack-Signature"], Some("5m into the past, 5m into the future"), true, `/event_id` of the body, ["a signed request with `challenge` is answered with its value"]
        intercom: ["X-Hub-Signature"], None, true, `/id` of the body, ["HEAD is answered with 200", "a signed ping is answered with 200"]
        copper: [], None, true, none: the body itself, for the time of dedupe_window, []
        "#);
        let hibob = settings("hibob", false, false, lookup::find("hibob"));
        let auth = r#"auth = { user = { env = "HIBOB_USER" }, password = { env = "HIBOB_TOKEN" } }"#;
        assert!(hibob.contains(auth), "{hibob}");
    }

    #[test]
    fn only_a_mapping_with_an_email_location_reads_addresses() {
        let reads = |mapping: &str| reads_address(&toml::from_str(mapping).unwrap());
        assert!(reads("email = '$.mail'"));
        assert!(reads("rules = [{ when = '@.a' }, { when = '@.b', email = '$.mail' }]"));
        assert!(!reads("person_id = '$.id'\nrules = [{ when = '@.a', person_id = '$.id' }]"));
    }
}
