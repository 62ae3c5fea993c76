//! `offboardd check`: validates the settings and prints the effective ones, with secrets as references, and warnings. With
//! `--online` it also queries the sites and the vendors.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use self::channels::ChannelReport;
use self::lookups::LookupReport;
use self::report::SiteReport;
pub(super) use self::warnings::{notes, server_warnings, warnings};
use super::config::Config;
use super::output::{print_err, print_out};
use crate::settings::{Settings, SettingsFile};

mod admin_steps;
mod channels;
mod lookups;
mod online;
mod report;
mod warnings;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = "Example: offboardd check --online --config /etc/offboardd.toml")]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Query each site and each lookup: credentials, permissions and APIs; changes nothing. Exit with 1 when something has
    /// to be fixed
    #[arg(long)]
    online: bool,
    /// Send a test message to each channel of `[notify]`; needs --online
    #[arg(long, requires = "online")]
    send_test_notice: bool,
    /// Exit with 1 when there are warnings
    #[arg(long)]
    strict: bool,
}

pub(super) async fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let settings = config.load()?;
    let online = if arguments.online {
        Some(Online {
            sites: online::inspect(&settings).await?,
            lookups: lookups::inspect(&settings).await?,
            channels: channels::inspect(&settings, arguments.send_test_notice).await?,
        })
    } else {
        None
    };
    let warnings = [warnings(&settings), server_warnings(&settings).await].concat();
    let mut text = print(&settings, &warnings, online.as_ref(), arguments.json)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if !arguments.json {
        // On standard error: standard output stays a valid settings file.
        let lines: Vec<_> = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
        print_err(&lines.concat());
    }
    print_out(&text);
    let fine = online.is_none_or(|online| online.is_fine()) && (!arguments.strict || warnings.is_empty());
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Debug)]
struct Online {
    sites: Vec<SiteReport>,
    lookups: Vec<LookupReport>,
    channels: Vec<ChannelReport>,
}

impl Online {
    fn is_fine(&self) -> bool {
        self.sites.iter().all(SiteReport::is_fine)
            && self.lookups.iter().all(LookupReport::is_fine)
            && self.channels.iter().all(ChannelReport::is_fine)
    }
}

/// Formats settings, notes and online findings as a complete settings file with comments, or as JSON.
fn print(settings: &Settings, warnings: &[String], online: Option<&Online>, json: bool) -> anyhow::Result<String> {
    let notes = notes(settings);
    let sites = online.map(|online| online.sites.as_slice());
    let lookups = online.map(|online| online.lookups.as_slice());
    let channels = online.map(|online| online.channels.as_slice());
    if json {
        let report = Report { settings: &settings.file, warnings, notes: &notes, sites, lookups, channels };
        return Ok(serde_json::to_string_pretty(&report)?);
    }
    let mut text = String::new();
    for note in &notes {
        text.extend(["# note: ", note.as_str(), "\n"]);
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    text.push_str(&settings.file.to_toml()?);
    let reports = sites.unwrap_or_default().iter().map(ToString::to_string);
    let reports = reports.chain(lookups.unwrap_or_default().iter().map(ToString::to_string));
    for report in reports.chain(channels.unwrap_or_default().iter().map(ToString::to_string)) {
        text.push('\n');
        text.extend(report.lines().flat_map(|line| ["# ", line, "\n"]));
    }
    Ok(text)
}

/// What `check --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    settings: &'a SettingsFile,
    warnings: &'a [String],
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<&'a [SiteReport]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookups: Option<&'a [LookupReport]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<&'a [ChannelReport]>,
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
        cloud_id = "22222222-3333-4444-5555-666666666666"
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
        Settings::parse(text, Path::new(""), &|name| Some(format!("hunter2-hunter2-hunter2-{name}"))).unwrap()
    }

    #[test]
    fn all_settings_are_printed_except_secrets() {
        insta::assert_snapshot!(print(&parse(SETTINGS), &[], None, false).unwrap(), @r#"
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
        name = 'tom "the" ü'
        role = "viewer"
        token = { env = "TOM_TOKEN" }

        [store]
        url = "sqlite:offboardd.db"
        keep_backups = "30d"
        keep_payloads = "7d"
        keep_deliveries = "400d"
        keep_people = "400d"
        keep_attempts = "400d"
        keep_cases = "1100d"

        [notify]
        personal_data = false
        on = ["attention", "approval", "brake", "site_paused", "source_quiet", "deadline", "unreadable", "closed", "fence"]
        gather = "10s"

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
        watch_erased = "ignore"
        watch_erased_every = "1d"
        probe_every = "1m"
        probe_idle = "15m"
        concurrency = 4
        timeout = "30s"

        [sites.beta]
        url = "https://beta.atlassian.net"
        cloud_id = "22222222-3333-4444-5555-666666666666"
        gateway = "https://api.atlassian.com"
        via = "gateway"
        auth = { client_id = "abc", client_secret = { env = "BETA_SECRET" } }
        delete_with = "customer-account"
        deletion_grace = "14d"
        look_back = "1d"
        protect = { emails = [], domains = [], account_ids = [] }
        look_again = ["1m30s"]
        watch_grant = "5m"
        watch_erased = "ignore"
        watch_erased_every = "1d"
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
        erasure_within = "28d"

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
    fn printed_settings_parse_to_the_same_settings() {
        for text in [SETTINGS, ""] {
            let settings = parse(text);
            let again = parse(&print(&settings, &[], None, false).unwrap());
            for json in [false, true] {
                assert_eq!(print(&settings, &[], None, json).unwrap(), print(&again, &[], None, json).unwrap());
            }
            assert_eq!(settings.policies, again.policies);
            assert_eq!(settings.retry, again.retry);
            assert_eq!(settings.file.server, again.file.server);
        }
    }

    #[test]
    fn json_contains_settings_warnings_and_no_secret() {
        let printed = print(&parse(SETTINGS), &warnings(&parse(SETTINGS)), None, true).unwrap();
        assert!(!printed.contains("hunter2"), "{printed}");
        let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(report.pointer("/settings/sites/acme/via").unwrap(), "site");
        assert_eq!(report.pointer("/settings/sites/beta/via").unwrap(), "gateway");
        assert_eq!(report.pointer("/settings/sources/hr/secrets/0/env").unwrap(), "HR_KEY");
        assert_eq!(report.pointer("/settings/policies/leavers/local_grace").unwrap(), "1d12h");
        assert_eq!(report.pointer("/warnings").unwrap(), &serde_json::json!([]));
    }
}
