//! `offboardd check`: the settings as they take effect, secrets as references only, and what is odd about them; with
//! `--online` also what the sites say.

use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret;
use serde::Serialize;

use self::online::SiteReport;
use super::{Config, say};
use crate::app;
use crate::domain::operator::Role;
use crate::settings::{File, Mode, Settings, Source};

mod clicks;
pub mod online;
mod toml_text;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Ask each site who we are and what works there; changes nothing. Exits with 1 when something has to be mended
    #[arg(long)]
    online: bool,
}

pub(super) async fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let settings = config.load()?;
    let sites = if arguments.online { Some(online::inspect(&settings).await?) } else { None };
    let mut text = print(&settings, sites.as_deref(), arguments.json)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    say(&text);
    let fine = sites.into_iter().flatten().all(|site| site.is_fine());
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The effective settings, the warnings and what the sites said, for a person (as a settings file that says all) or as JSON.
pub fn print(settings: &Settings, sites: Option<&[SiteReport]>, json: bool) -> serde_json::Result<String> {
    let warnings = warnings(settings);
    if json {
        return serde_json::to_string_pretty(&Report { settings: &settings.file, warnings: &warnings, sites });
    }
    let mut text = String::new();
    for warning in &warnings {
        text.extend(["# warning: ", warning.as_str(), "\n"]);
    }
    if !warnings.is_empty() {
        text.push('\n');
    }
    text.push_str(&toml_text::write(&settings.file)?);
    for site in sites.unwrap_or_default() {
        text.push('\n');
        text.extend(site.to_string().lines().flat_map(|line| ["# ", line, "\n"]));
    }
    Ok(text)
}

/// What `check --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    settings: &'a File,
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<&'a [SiteReport]>,
}

/// What is allowed, but seldom meant: one sentence each, with what to do.
pub fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    if settings.mode == Mode::Observe {
        warnings
            .push("mode is \"observe\": nothing is changed at Atlassian; write \"enforce\" when you are ready".into());
    }
    about_access(settings, &mut warnings);
    about_transport(settings, &mut warnings);
    about_policies(settings, &mut warnings);
    about_secrets(settings, &mut warnings);
    warnings.extend(app::database(settings).warnings());
    if settings.sources.is_empty() {
        warnings.push("there are no [sources]: nothing will ever arrive".into());
    }
    if settings.retry.base > settings.retry.max {
        warnings.push("retry.base is longer than retry.max: no wait is longer than retry.max".into());
    }
    warnings
}

fn about_access(settings: &Settings, warnings: &mut Vec<String>) {
    let exposed = !settings.server.admin.ip().is_loopback();
    match (settings.admin_tokens.is_empty(), exposed) {
        (true, true) => warnings.push(format!(
            "server.admin listens on {}, and there are no [[admin.tokens]]: health and metrics are open to that network, \
             API and console to nobody",
            settings.server.admin
        )),
        (true, false) => warnings.push("there are no [[admin.tokens]]: nobody can use the API and the console".into()),
        (false, true) => warnings.push(format!(
            "server.admin listens on {}: keep that network private, or put TLS in front of it",
            settings.server.admin
        )),
        (false, false) => {}
    }
}

fn about_transport(settings: &Settings, warnings: &mut Vec<String>) {
    let file = &settings.file;
    let sites = file.sites.iter().flat_map(|(name, site)| {
        [(format!("sites.{name}.url"), &site.url), (format!("sites.{name}.gateway"), &site.gateway)]
    });
    let public = file.server.public_url.iter().map(|url| ("server.public_url".to_owned(), url));
    for (key, url) in sites.chain(public).filter(|(_, url)| url.is_exposed()) {
        warnings
            .push(format!("{key} is plain HTTP to another machine ({url}): whoever is between can read it; use https"));
    }
}

fn about_policies(settings: &Settings, warnings: &mut Vec<String>) {
    let approvers = settings.admin_tokens.iter().filter(|token| token.role >= Role::Approver).count();
    for (name, policy) in &settings.policies {
        for (job, wanted) in [("revoke", policy.approvals.revoke), ("delete", policy.approvals.delete)] {
            if usize::from(wanted) > approvers {
                warnings.push(format!(
                    "policies.{name}.approvals.{job} wants {wanted} people, but only {approvers} of the [[admin.tokens]] \
                     may approve: nothing would ever be approved"
                ));
            }
        }
        if !settings.sources.values().any(|source| source.policy == *name) {
            warnings.push(format!("policies.{name} is followed by no source"));
        }
    }
}

/// Hardly a scheme signs where a delivery goes: one to this source is as good at every other one that has the secret.
fn about_secrets(settings: &Settings, warnings: &mut Vec<String>) {
    let mut sources = settings.sources.values();
    while let Some(source) = sources.next() {
        let secrets: Vec<_> = source.spec.secrets.iter().map(ExposeSecret::expose_secret).collect();
        let shares = |other: &Source| other.spec.secrets.iter().any(|secret| secrets.contains(&secret.expose_secret()));
        for other in sources.clone().filter(|other| shares(other)) {
            warnings.push(format!(
                "sources.{} and sources.{} have a secret in common: whoever records a delivery to one can have it taken \
                 at the other, too; give each its own",
                source.name, other.name
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SETTINGS: &str = r#"
        mode = "enforce"
        server.public_url = "https://hooks.example.com/"
        admin.tokens = [
            { name = "rosa", role = "approver", token = { env = "ROSA_TOKEN" } },
            { name = "tom \"the\" ü", role = "viewer", token = { env = "TOM_TOKEN" } },
        ]
        [sites.acme]
        url = "https://acme.atlassian.net"
        cloud_id = "11111111-2222-3333-4444-555555555555"
        auth = { email = "bot@example.com", token = { env = "ACME_TOKEN" } }
        protect.emails = ["Boss@example.com"]
        [sites.beta]
        url = "https://beta.atlassian.net"
        cloud_id = "b"
        auth.client_id = "abc"
        auth.client_secret.env = "BETA_SECRET"
        look_again = ["90s"]
        [policies.leavers]
        departed = "revoke_then_delete"
        local_grace = "36h"
        timezone = "europe/berlin"
        approvals.delete = 1
        [sources.hr]
        preset = "github"
        site = "acme"
        policy = "leavers"
        secrets = [{ env = "HR_KEY" }]
        signature.headers = ["x-signature"]
        mapping.email = "$.mail"
        [sources.crm]
        preset = "bamboohr"
        site = "beta"
        policy = "leavers"
        secrets = [{ env = "CRM_KEY" }]
    "#;

    fn parse(text: &str) -> Settings {
        Settings::parse(text, Path::new(""), &|name| Some(format!("hunter2-{name}"))).unwrap()
    }

    #[test]
    fn everything_is_shown_but_the_secrets() {
        insta::assert_snapshot!(print(&parse(SETTINGS), None, false).unwrap(), @r#"
        mode = "enforce"

        [server]
        webhooks = "127.0.0.1:8080"
        admin = "127.0.0.1:9090"
        public_url = "https://hooks.example.com"
        max_body = "1MiB"
        shutdown = "30s"

        [[admin.tokens]]
        name = "rosa"
        role = "approver"
        token = { env = "ROSA_TOKEN" }

        [[admin.tokens]]
        name = "tom \"the\" ü"
        role = "viewer"
        token = { env = "TOM_TOKEN" }

        [store]
        url = "sqlite:offboardd.db"
        keep_payloads = "7d"

        [retry]
        base = "5s"
        max = "1h"
        give_up_after = "3d"

        [sites.acme]
        url = "https://acme.atlassian.net"
        cloud_id = "11111111-2222-3333-4444-555555555555"
        gateway = "https://api.atlassian.com"
        via = "site"
        auth = { email = "bot@example.com", token = { env = "ACME_TOKEN" } }
        delete_with = "customer-account"
        deletion_grace = "14d"
        look_back = "1d"
        protect = { emails = ["boss@example.com"], domains = [], account_ids = [] }
        look_again = ["1m", "10m", "1h"]
        watch_grant = "5m"
        probe_every = "1m"
        probe_idle = "15m"
        concurrency = 4
        timeout = "30s"

        [sites.beta]
        url = "https://beta.atlassian.net"
        cloud_id = "b"
        gateway = "https://api.atlassian.com"
        via = "gateway"
        auth = { client_id = "abc", client_secret = { env = "BETA_SECRET" } }
        delete_with = "customer-account"
        deletion_grace = "14d"
        look_back = "1d"
        protect = { emails = [], domains = [], account_ids = [] }
        look_again = ["1m30s"]
        watch_grant = "5m"
        probe_every = "1m"
        probe_idle = "15m"
        concurrency = 4
        timeout = "30s"

        [policies.leavers]
        departed = "revoke_then_delete"
        email_changed = "ignore"
        erasure_requested = "ignore"
        local_grace = "1d12h"
        timezone = "Europe/Berlin"
        effective = "end-of-day"
        approvals = { revoke = 0, delete = 1 }
        detach = []
        reinvite = false
        brake = { per_hour = 25, per_day = 100 }

        [sources.crm]
        preset = "bamboohr"
        site = "beta"
        policy = "leavers"
        secrets = [{ env = "CRM_KEY" }]
        dedupe_window = "3d"

        [sources.hr]
        preset = "github"
        site = "acme"
        policy = "leavers"
        secrets = [{ env = "HR_KEY" }]
        dedupe_window = "3d"

        [sources.hr.signature]
        headers = ["x-signature"]

        [sources.hr.mapping]
        email = "$.mail"
        "#);
    }

    #[test]
    fn what_is_printed_can_be_read_again_and_says_the_same() {
        for text in [SETTINGS, ""] {
            let settings = parse(text);
            let again = parse(&print(&settings, None, false).unwrap());
            for json in [false, true] {
                assert_eq!(print(&settings, None, json).unwrap(), print(&again, None, json).unwrap());
            }
            assert_eq!(settings.policies, again.policies);
            assert_eq!(settings.retry, again.retry);
            assert_eq!(settings.server, again.server);
        }
    }

    #[test]
    fn json_is_for_programs() {
        let printed = print(&parse(SETTINGS), None, true).unwrap();
        assert!(!printed.contains("hunter2"), "{printed}");
        let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(report.pointer("/settings/sites/acme/via").unwrap(), "site");
        assert_eq!(report.pointer("/settings/sites/beta/via").unwrap(), "gateway");
        assert_eq!(report.pointer("/settings/sources/hr/secrets/0/env").unwrap(), "HR_KEY");
        assert_eq!(report.pointer("/settings/policies/leavers/local_grace").unwrap(), "1d12h");
        assert_eq!(report.pointer("/warnings").unwrap(), &serde_json::json!([]));
    }

    #[test]
    fn what_is_seldom_meant_is_warned_of() {
        let odd = SETTINGS
            .replace("\"enforce\"", "\"observe\"\nserver.admin = \"0.0.0.0:9090\"\nretry.max = \"1s\"")
            .replace("https://beta.atlassian.net", "http://beta.example.com")
            .replace("approvals.delete = 1", "approvals.delete = 2")
            .replace("CRM_KEY", "HR_KEY")
            .replace("[policies.leavers]", "[policies.nobody]\ndeparted = \"ignore\"\n[policies.leavers]");
        insta::assert_snapshot!(warnings(&parse(&odd)).join("\n"), @r#"
        mode is "observe": nothing is changed at Atlassian; write "enforce" when you are ready
        server.admin listens on 0.0.0.0:9090: keep that network private, or put TLS in front of it
        sites.beta.url is plain HTTP to another machine (http://beta.example.com): whoever is between can read it; use https
        policies.leavers.approvals.delete wants 2 people, but only 1 of the [[admin.tokens]] may approve: nothing would ever be approved
        policies.nobody is followed by no source
        sources.crm and sources.hr have a secret in common: whoever records a delivery to one can have it taken at the other, too; give each its own
        retry.base is longer than retry.max: no wait is longer than retry.max
        "#);
        insta::assert_snapshot!(warnings(&parse("server.admin = \"0.0.0.0:9090\"")).join("\n"), @r#"
        mode is "observe": nothing is changed at Atlassian; write "enforce" when you are ready
        server.admin listens on 0.0.0.0:9090, and there are no [[admin.tokens]]: health and metrics are open to that network, API and console to nobody
        there are no [sources]: nothing will ever arrive
        "#);
        insta::assert_snapshot!(warnings(&parse("mode = \"enforce\"")).join("\n"), @"
        there are no [[admin.tokens]]: nobody can use the API and the console
        there are no [sources]: nothing will ever arrive
        ");
    }
}
