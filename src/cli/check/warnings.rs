//! Warnings and notes of `check`: settings that are valid but cannot work, and settings worth knowing about.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use secrecy::ExposeSecret;

use crate::app;
use crate::domain::event::EventType;
use crate::domain::operator::Role;
use crate::domain::policy::{Action, Policy};
use crate::settings::{HttpUrl, Mode, Settings, SourceSettings};
use crate::sources::{self, lookup, preset};

/// Settings that work and may surprise.
pub(in crate::cli) fn notes(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if settings.mode == Mode::Observe {
        notes.push(
            "mode is \"observe\": nothing is changed at Atlassian; set mode = \"enforce\" to make changes".into(),
        );
    }
    if !settings.file.server.admin.get().ip().is_loopback() && !settings.admin_tokens.is_empty() {
        notes.push(format!(
            "server.admin listens on {}: keep that network private, or use a TLS proxy",
            settings.file.server.admin.get()
        ));
    }
    for name in settings.policies.keys() {
        if !settings.sources.values().any(|source| source.table.policy == *name) {
            notes.push(format!("policies.{name} is used by no source"));
        }
    }
    if settings.retry.base > settings.retry.max {
        notes.push("retry.base is longer than retry.max: every wait is limited to retry.max".into());
    }
    notes
}

/// Settings that cannot work: one sentence each, with place, key path and fix.
pub(in crate::cli) fn warnings(settings: &Settings) -> Vec<String> {
    let mut found = Warnings { settings, texts: Vec::new() };
    found.about_access();
    found.about_transport();
    found.about_notices();
    found.about_sites();
    found.about_policies();
    found.texts.extend(settings.secret_warnings.iter().map(ToString::to_string));
    found.about_shared_secrets();
    for source in settings.sources.values() {
        found.about_weak_secrets(source);
        found.about_events(source);
        found.about_addresses(source);
    }
    if settings.sources.is_empty() {
        found.texts.push("no [sources] configured: no delivery can be accepted".into());
    }
    match app::database(settings) {
        Ok(database) => found.texts.extend(database.warnings()),
        Err(error) => found.at(&["store", "url"], &format!("{error:#}")),
    }
    found.texts
}

/// Warnings about a database on a server.
pub(in crate::cli) async fn server_warnings(settings: &Settings) -> Vec<String> {
    // An address that cannot be used is among the others.
    match app::database(settings) {
        Ok(database) => database.server_warnings().await,
        Err(_reported) => Vec::new(),
    }
}

struct Warnings<'a> {
    settings: &'a Settings,
    texts: Vec<String>,
}

impl Warnings<'_> {
    fn at(&mut self, keys: &[&str], message: &str) {
        let place = self.settings.place_of(keys);
        let mut path = String::new();
        for key in keys {
            match key.parse::<usize>() {
                Ok(index) => _ = write!(path, "[{index}]"),
                Err(_) if path.is_empty() => path.push_str(key),
                Err(_) => _ = write!(path, ".{key}"),
            }
        }
        self.texts.push(format!("{place}: {path}: {message}"));
    }

    fn about_access(&mut self) {
        if !self.settings.admin_tokens.is_empty() {
            return;
        }
        let admin = self.settings.file.server.admin.get();
        self.texts.push(if admin.ip().is_loopback() {
            "no [[admin.tokens]] configured: API and console reject every request".to_owned()
        } else {
            format!(
                "server.admin listens on {admin} and no [[admin.tokens]] are configured: health and metrics are open to that \
                 network, API and console reject every request"
            )
        });
    }

    fn about_transport(&mut self) {
        let file = &self.settings.file;
        let public = file.server.public_url.iter().map(|url| (vec!["server", "public_url"], url));
        let sites = file.sites.iter().flat_map(|(name, site)| {
            [("url", &site.url), ("gateway", &site.gateway)].map(|(key, url)| (vec!["sites", name.as_str(), key], url))
        });
        for (keys, url) in sites.chain(public).filter(|(_, url)| url.is_exposed()) {
            self.at(&keys, &format!("plain HTTP to another machine ({url}) is not confidential: use https"));
        }
        for (name, source) in &file.sources {
            let Some(lookup) = &source.lookup else { continue };
            let message = "plain HTTP to another machine exposes the credentials: use https";
            for (key, url) in [("url", &lookup.url), ("fallback_url", &lookup.fallback_url)] {
                // The placeholder is part of the path; the host is before it.
                let address = url.as_deref().unwrap_or_default().split(['?', '{']).next().unwrap_or_default();
                if address.parse::<HttpUrl>().is_ok_and(|url| url.is_exposed()) {
                    self.at(&["sources", name.as_str(), "lookup", key], message);
                }
            }
            if lookup.auth.token_url.as_ref().is_some_and(HttpUrl::is_exposed) {
                self.at(&["sources", name.as_str(), "lookup", "auth", "token_url"], message);
            }
        }
    }

    fn about_notices(&mut self) {
        let file = &self.settings.file;
        for (keys, message) in file.notify.warnings(file.server.admin_url.is_some()) {
            let keys: Vec<&str> = ["notify"].into_iter().chain(keys.iter().map(String::as_str)).collect();
            self.at(&keys, &message);
        }
    }

    fn about_sites(&mut self) {
        for (name, site) in &self.settings.sites {
            let is_uuid = |id: &String| id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
            if site.cloud_id.as_ref().is_some_and(|id| !is_uuid(id)) {
                let info = site.url.join("_edge/tenant_info").map_or_else(|_| String::new(), |url| url.to_string());
                let message = format!("not a cloud id (a UUID): use the one that {info} shows");
                self.at(&["sites", name.as_str(), "cloud_id"], &message);
            }
        }
    }

    fn about_policies(&mut self) {
        let approvers = self.settings.admin_tokens.iter().filter(|token| token.role >= Role::Approver).count();
        for (name, policy) in &self.settings.policies {
            for (job, wanted) in [("revoke", policy.approvals.revoke), ("delete", policy.approvals.delete)] {
                if usize::from(wanted) > approvers {
                    let message = format!(
                        "{wanted} approvals are required, but only {approvers} of the [[admin.tokens]] are approvers: no \
                         case can be approved. Add tokens with role = \"approver\", or lower the number"
                    );
                    self.at(&["policies", name.as_str(), "approvals", job], &message);
                }
            }
            if let Some(offset) = policy.timezone.iana_name().and_then(|zone| zone.strip_prefix("Etc/GMT")) {
                let side = if offset.starts_with('+') { "behind" } else { "ahead of" };
                let hours = offset.trim_start_matches(['+', '-']);
                if offset.starts_with(['+', '-']) && hours != "0" {
                    let message = format!(
                        "\"Etc/GMT{offset}\" is {hours} hours {side} UTC, and has no daylight saving: use the zone of a \
                         city, like \"Europe/Berlin\""
                    );
                    self.at(&["policies", name.as_str(), "timezone"], &message);
                }
            }
        }
    }

    /// Few schemes sign the URL: a delivery to one source is valid at every other source with the same secret.
    fn about_shared_secrets(&mut self) {
        let mut sources = self.settings.sources.values();
        while let Some(source) = sources.next() {
            let secrets: Vec<_> = source.spec.secrets.iter().map(ExposeSecret::expose_secret).collect();
            let shares = |other: &SourceSettings| {
                other.spec.secrets.iter().any(|secret| secrets.contains(&secret.expose_secret()))
            };
            for other in sources.clone().filter(|other| shares(other)) {
                let message = format!(
                    "sources.{} has the same secret: a delivery to one is also accepted at the other; use a secret for \
                     each",
                    other.name
                );
                self.at(&["sources", source.name.as_str(), "secrets"], &message);
            }
        }
    }

    fn about_weak_secrets(&mut self, source: &SourceSettings) {
        for weak in sources::weak_secrets(&source.spec).unwrap_or_default() {
            let message = format!("weak secret of {} bytes: use {} bytes or more", weak.bytes, weak.enough);
            self.at(&["sources", source.name.as_str(), "secrets", &weak.index.to_string()], &message);
        }
    }

    /// Warns if the policy ignores every event of a source.
    fn about_events(&mut self, source: &SourceSettings) {
        let name = source.name.as_str();
        let preset = source.spec.preset.as_deref().and_then(preset::find);
        if let Some(preset) = preset.filter(|preset| preset.needs_mapping && source.spec.mapping.is_none()) {
            let message = format!(
                "the preset `{}` only verifies deliveries and has no mapping for the vendor's bodies: add a \
                 [sources.{name}.mapping]",
                preset.name()
            );
            return self.at(&["sources", name, "preset"], &message);
        }
        let events = source.compiled.event_types();
        let Some(policy) = self.settings.policies.get(&source.table.policy) else { return };
        let opening = opening(&events);
        if opening.iter().any(|event| action(policy, *event) != Action::Ignore) {
            return;
        }
        let opt_in = preset.and_then(opt_in).map(|note| format!(". {note}")).unwrap_or_default();
        if opening.is_empty() {
            let message = format!("no event of this source opens a case{opt_in}");
            return self.at(&["sources", name], &message);
        }
        let words: Vec<_> = opening.iter().map(|event| event.as_str()).collect();
        let message = format!(
            "this source reports only {}, which policies.{policy} ignores: set {} = \"revoke_then_delete\" or \
             \"delete\" in [policies.{policy}]{opt_in}",
            words.join(" and "),
            words.join(" or "),
            policy = source.table.policy,
        );
        self.at(&["sources", name, "policy"], &message);
    }

    /// Warns if the departures of a source have no email address and no lookup is configured.
    fn about_addresses(&mut self, source: &SourceSettings) {
        // A source that opens no case needs no address.
        if source.lookup.is_some() || opening(&source.compiled.event_types()).is_empty() {
            return;
        }
        let name = source.name.as_str();
        let ready = source.spec.preset.as_deref().and_then(preset::find).and_then(|p| lookup::of_preset(p.name()));
        let own_email = source.spec.mapping.as_ref().is_some_and(|mapping| mapping.contains_key("email"));
        let by_id_only = ready.is_some_and(|ready| ready.needed) && !own_email;
        if source.compiled.can_name_address() && !by_id_only {
            return;
        }
        let fix = match ready {
            Some(ready) => format!("add [sources.{name}.lookup] with {}", ready.keys(name)),
            None if source.compiled.can_name_id() => format!(
                "add mapping.email, or [sources.{name}.lookup] with url = \"https://…/{{person_id}}\", email = \"$.…\" and auth"
            ),
            None => "add mapping.email".to_owned(),
        };
        let message = format!("its departures contain no email address, so no account can be found: {fix}");
        self.at(&["sources", name], &message);
    }
}

/// The events that can open a case.
fn opening(events: &BTreeSet<EventType>) -> Vec<EventType> {
    let opens = [EventType::Departed, EventType::EmailChanged, EventType::ErasureRequested];
    opens.into_iter().filter(|event| events.contains(event)).collect()
}

fn action(policy: &Policy, event: EventType) -> Action {
    policy.action(event).unwrap_or_default()
}

/// The note of the preset about opting in to an ambiguous event.
fn opt_in(preset: &'static preset::Preset) -> Option<&'static str> {
    let note = preset.notes.iter().find_map(|note| note.find("To decide otherwise").and_then(|at| note.get(at..)))?;
    Some(note.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SITE: &str = r#"
mode = "enforce"
server.public_url = "https://hooks.example.com"
[[admin.tokens]]
name = "rosa"
role = "approver"
token = { env = "ROSA_TOKEN" }
[sites.acme]
url = "https://acme.atlassian.net"
cloud_id = "11111111-2222-3333-4444-555555555555"
auth = { email = "bot@example.com", token = { env = "ACME_TOKEN" } }
[policies.leavers]
departed = "revoke_then_delete"
approvals.delete = 1
"#;

    /// Values that are valid as base64 and as hexadecimal, or as `user:password`.
    #[expect(clippy::unnecessary_wraps, reason = "the shape of an environment")]
    fn env(name: &str) -> Option<String> {
        Some(if name == "BASIC" { "user:0123456789abcdef".to_owned() } else { "0123456789abcdef".repeat(3) })
    }

    fn of(text: &str) -> Vec<String> {
        warnings(&Settings::parse(text, Path::new("/nowhere"), &env).unwrap())
    }

    fn source(preset: &str, more: &str) -> String {
        let key = if preset == "pipedrive" { "BASIC" } else { "KEY" };
        format!(
            "{SITE}[sources.hr]\npreset = \"{preset}\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{{ env = \"{key}\" }}]\n{more}"
        )
    }

    #[test]
    fn working_settings_have_no_warnings() {
        for preset in ["standard-webhooks", "bamboohr", "okta", "workos", "merge", "deel", "pipedrive", "github"] {
            assert_eq!(of(&source(preset, "")), Vec::<String>::new(), "{preset}");
        }
        let lookup = "[sources.hr.lookup]\nauth = { bearer = { env = \"T\" } }";
        for preset in ["gusto", "remote", "finch"] {
            assert_eq!(of(&source(preset, lookup)), Vec::<String>::new(), "{preset}");
        }
    }

    #[test]
    fn source_that_opens_no_case_is_warned_of_with_the_fix() {
        let warned = |preset: &str| of(&source(preset, "")).join("\n");
        insta::assert_snapshot!(warned("kombo"), @"offboardd.toml:15:1: sources.hr: no event of this source opens a case");
        insta::assert_snapshot!(warned("greenhouse"), @r#"offboardd.toml:15:1: sources.hr: no event of this source opens a case. To decide otherwise: types.delete_candidate = "erasure_requested""#);
        insta::assert_snapshot!(warned("hubspot"), @r#"offboardd.toml:18:10: sources.hr.policy: this source reports only email_changed and erasure_requested, which policies.leavers ignores: set email_changed or erasure_requested = "revoke_then_delete" or "delete" in [policies.leavers]. To decide otherwise: types."contact.deletion" = "departed". contact.privacyDeletion is final"#);
        insta::assert_snapshot!(warned("jira"), @"offboardd.toml:16:10: sources.hr.preset: the preset `jira` only verifies deliveries and has no mapping for the vendor's bodies: add a [sources.hr.mapping]");
    }

    #[test]
    fn source_without_email_addresses_is_warned_of_with_the_missing_lines() {
        let warned = |preset: &str| of(&source(preset, "")).join("\n");
        insta::assert_snapshot!(warned("hibob"), @r#"offboardd.toml:15:1: sources.hr: its departures contain no email address, so no account can be found: add [sources.hr.lookup] with auth = { user = { env = "HR_USER" }, password = { env = "HR_TOKEN" } }"#);
        insta::assert_snapshot!(warned("remote"), @r#"offboardd.toml:15:1: sources.hr: its departures contain no email address, so no account can be found: add [sources.hr.lookup] with auth = { bearer = { env = "HR_TOKEN" } }"#);
        let own = format!(
            "{SITE}[sources.own]\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{{ env = \"KEY\" }}]\n[sources.own.signature]\nheaders = [\"X-S\"]\n[sources.own.mapping]\ntype = \"$.t\"\ntypes = {{ left = \"departed\" }}\nperson_id = \"$.id\"\n"
        );
        insta::assert_snapshot!(of(&own).join("\n"), @r#"offboardd.toml:15:1: sources.own: its departures contain no email address, so no account can be found: add mapping.email, or [sources.own.lookup] with url = "https://…/{person_id}", email = "$.…" and auth"#);
        assert_eq!(of(&(own + "email = \"$.mail\"\n")), Vec::<String>::new());
    }

    #[test]
    fn failing_settings_are_warned_of_and_harmless_ones_noted() {
        let odd = source(
            "okta",
            "[sources.crm]\npreset = \"okta\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{ env = \"KEY\" }]\n",
        )
        .replace("\"enforce\"", "\"observe\"\nserver.admin = \"0.0.0.0:9090\"\nretry.max = \"1s\"")
        .replace("https://acme.atlassian.net", "http://acme.example.com")
        .replace("11111111-2222-3333-4444-555555555555", "acme")
        .replace("approvals.delete = 1", "approvals.delete = 2\ntimezone = \"Etc/GMT+5\"")
        .replace("[policies.leavers]", "[policies.unused]\ndeparted = \"ignore\"\n[policies.leavers]");
        insta::assert_snapshot!(of(&odd).join("\n"), @r#"
        offboardd.toml:11:7: sites.acme.url: plain HTTP to another machine (http://acme.example.com) is not confidential: use https
        offboardd.toml:12:12: sites.acme.cloud_id: not a cloud id (a UUID): use the one that http://acme.example.com/_edge/tenant_info shows
        offboardd.toml:18:20: policies.leavers.approvals.delete: 2 approvals are required, but only 1 of the [[admin.tokens]] are approvers: no case can be approved. Add tokens with role = "approver", or lower the number
        offboardd.toml:19:12: policies.leavers.timezone: "Etc/GMT+5" is 5 hours behind UTC, and has no daylight saving: use the zone of a city, like "Europe/Berlin"
        offboardd.toml:29:11: sources.crm.secrets: sources.hr has the same secret: a delivery to one is also accepted at the other; use a secret for each
        "#);
        let settings = Settings::parse(&odd, Path::new("/nowhere"), &env).unwrap();
        insta::assert_snapshot!(notes(&settings).join("\n"), @r#"
        mode is "observe": nothing is changed at Atlassian; set mode = "enforce" to make changes
        server.admin listens on 0.0.0.0:9090: keep that network private, or use a TLS proxy
        policies.unused is used by no source
        retry.base is longer than retry.max: every wait is limited to retry.max
        "#);
        insta::assert_snapshot!(of("server.admin = \"0.0.0.0:9090\"").join("\n"), @"
        server.admin listens on 0.0.0.0:9090 and no [[admin.tokens]] are configured: health and metrics are open to that network, API and console reject every request
        no [sources] configured: no delivery can be accepted
        ");
        insta::assert_snapshot!(of("mode = \"enforce\"").join("\n"), @"
        no [[admin.tokens]] configured: API and console reject every request
        no [sources] configured: no delivery can be accepted
        ");
    }

    #[test]
    fn lookup_over_plain_http_to_another_machine_is_warned_of() {
        let lookup = |url: &str| {
            let more = format!(
                "[sources.hr.lookup]\nurl = \"{url}\"\nemail = \"$.m\"\nauth = {{ bearer = {{ env = \"T\" }} }}"
            );
            of(&source("okta", &more)).join("\n")
        };
        assert!(lookup("http://hr.example.com/{person_id}").contains("sources.hr.lookup.url: plain HTTP"));
        for url in ["http://127.0.0.1:8000/{person_id}", "https://hr.example.com/{person_id}?a=b"] {
            assert_eq!(lookup(url), "", "{url}");
        }
    }

    #[test]
    fn credentials_of_a_lookup_over_plain_http_are_warned_of() {
        let lookup = "[sources.hr.lookup]\nurl = \"http://vendor.example/{person_id}\"\n\
             fallback_url = \"http://vendor.example/gone/{person_id}\"\nemail = \"$.mail\"\n\
             auth = { client_id = { env = \"ID\" }, client_secret = { env = \"T\" }, token_url = \"http://vendor.example/token\" }";
        insta::assert_snapshot!(of(&source("okta", lookup)).join("\n"), @"
        offboardd.toml:21:7: sources.hr.lookup.url: plain HTTP to another machine exposes the credentials: use https
        offboardd.toml:22:16: sources.hr.lookup.fallback_url: plain HTTP to another machine exposes the credentials: use https
        offboardd.toml:24:81: sources.hr.lookup.auth.token_url: plain HTTP to another machine exposes the credentials: use https
        ");
        assert_eq!(of(&source("okta", &lookup.replace("http:", "https:"))), Vec::<String>::new());
    }

    #[test]
    fn weak_secret_is_warned_of_and_not_printed() {
        let settings = Settings::parse(&source("okta", ""), Path::new(""), &|name| {
            Some(if name == "KEY" { "hunter2".to_owned() } else { "0123456789abcdef".repeat(3) })
        });
        insta::assert_snapshot!(warnings(&settings.unwrap()).join("\n"), @"offboardd.toml:19:12: sources.hr.secrets[0]: weak secret of 7 bytes: use 16 bytes or more");
    }
}
