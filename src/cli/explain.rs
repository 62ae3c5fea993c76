//! `offboardd explain`: which events a body contains, and what each would do.
//!
//! It reads the settings and the body and applies the rules of the daemon. It opens no database and makes no call.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use super::config::Config;
use super::output::print_out;
use super::send;
use crate::app;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::ids::SourceName;
use crate::explain::{self, Circumstances, Explanation, Lookup};
use crate::settings::{Settings, SettingsError};
use crate::sources::{self, lookup, near, preset};

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd explain bamboohr --body departure.json")]
pub(super) struct Arguments {
    /// Source of the settings, or preset
    source: String,
    /// File with the body; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// Content-Type of the delivery [default: detected from the body]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let body = send::read(&arguments.body)?;
    let explanation = explain(arguments, config, &body, SystemClock.now())?;
    print_out(&if arguments.json { serde_json::to_string_pretty(&explanation)? + "\n" } else { explanation.render() });
    Ok(if explanation.is_readable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn explain(arguments: &Arguments, config: &Config, body: &[u8], now: Timestamp) -> anyhow::Result<Explanation> {
    let (_, bare) = preset::split_headers(body);
    let content_type = Some(arguments.content_type.as_deref().unwrap_or_else(|| send::content_type(bare)));
    let settings = Settings::load(&config.config);
    if let Ok(settings) = &settings
        && let Some(source) = arguments.source.parse::<SourceName>().ok().and_then(|name| settings.sources.get(&name))
    {
        return app::explain(settings, &source.name, content_type, body, now);
    }
    let Some(preset) = preset::find(&arguments.source) else { return Err(unknown_name(arguments, settings)) };
    let read = sources::explain_preset(preset, content_type, body)?;
    let policy = explain::neutral();
    let lookup = if lookup::of_preset(preset.name()).is_some() { Lookup::Available } else { Lookup::None };
    let circumstances = Circumstances { policy: &policy, preset: Some(preset.name()), lookup, observes: false };
    let assumed = "none; assuming `departed = \"revoke_then_delete\"` and the time zone UTC".to_owned();
    Ok(Explanation::new(format!("preset {}", preset.name()), assumed, read, &circumstances, now))
}

fn unknown_name(arguments: &Arguments, settings: Result<Settings, SettingsError>) -> anyhow::Error {
    let name = &arguments.source;
    match settings {
        Ok(settings) => {
            let known: Vec<_> = settings.sources.keys().map(SourceName::as_str).collect();
            let meant = near::nearest(name, known.iter().copied()).or_else(|| preset::nearest(name));
            let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
            anyhow::anyhow!("no source or preset `{name}`; {meant}configured sources: {}", known.join(", "))
        }
        Err(error) => {
            let meant = preset::nearest(name).map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
            let reason = format!("no preset `{name}`{meant}, and the settings are invalid");
            anyhow::Error::new(error).context(reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"
        [sites.acme]
        url = "https://acme.atlassian.net"
        cloud_id = "b"
        auth = { bearer = { env = "TOKEN" } }
        [policies.leavers]
        departed = "revoke_then_delete"
        local_grace = "30d"
        timezone = "Europe/Berlin"
        approvals = { delete = 2 }
        [sources.hr]
        preset = "bamboohr"
        site = "acme"
        policy = "leavers"
        secrets = [{ env = "HR_KEY" }]
    "#;

    fn by_settings(body: &str) -> String {
        let env = |_: &str| Some("secret".to_owned());
        let settings = Settings::parse(SETTINGS, std::path::Path::new(""), &env).unwrap();
        let source = settings.sources.values().next().unwrap();
        let now = "2026-09-07T12:00:00Z".parse().unwrap();
        app::explain(&settings, &source.name, None, body.as_bytes(), now).unwrap().render()
    }

    fn by_preset(name: &str, body: &str) -> String {
        let arguments = Arguments { source: name.to_owned(), body: PathBuf::new(), content_type: None, json: false };
        let config = Config { config: "/nowhere/offboardd.toml".into() };
        let now = "2026-09-07T12:00:00Z".parse().unwrap();
        explain(&arguments, &config, body.as_bytes(), now).unwrap().render()
    }

    #[test]
    fn departure_is_explained_up_to_its_deletion() {
        let body = r#"{"employees":[
            {"id":"5","action":"Updated","changedFields":["Status"],
             "fields":{"Status":"Inactive","Work Email":"ann@example.com","Termination Date":"2026-09-30"}},
            {"id":"6","action":"Deleted"},
            {"id":"7","action":"Updated","fields":{"Status":"Inactive","Work Email":"no address"}}]}"#;
        insta::assert_snapshot!(by_settings(body), @r#"
        source hr
        policy: leavers

        item 0: departed, person 5, ann@example.com, effective 2026-09-30
          reason: `$.fields['Status']` is `Inactive`: departed
          - policy: `departed = "revoke_then_delete"`
          - effective 2026-10-01 00:00:00 +02:00: the end of the given day in Europe/Berlin
          - access is revoked without approval
          - after the local grace, not before 2026-10-30 23:00:00 +01:00, the account is deleted after 2 approvals by different people
          - the brake holds all cases of this source after 25 in an hour or 100 in a day
          - mode is "observe": the steps are planned and held, and nothing is changed at Atlassian

        item 1: departed, person 6
          reason: `$.action` is `Deleted`: departed
          - no email address: the stored address of this id is used; otherwise the case needs attention: no_email
          - policy: `departed = "revoke_then_delete"`
          - effective 2026-09-07 14:00:00 +02:00: the event has no date, so it takes effect on arrival
          - access is revoked without approval
          - after the local grace, not before 2026-10-07 14:00:00 +02:00, the account is deleted after 2 approvals by different people
          - the brake holds all cases of this source after 25 in an hour or 100 in a day
          - mode is "observe": the steps are planned and held, and nothing is changed at Atlassian

        item 2: departed, person 7
          reason: `$.fields['Status']` is `Inactive`: departed
          - no email address: the stored address of this id is used; otherwise the case needs attention: no_email
          - policy: `departed = "revoke_then_delete"`
          - effective 2026-09-07 14:00:00 +02:00: the event has no date, so it takes effect on arrival
          - access is revoked without approval
          - after the local grace, not before 2026-10-07 14:00:00 +02:00, the account is deleted after 2 approvals by different people
          - the brake holds all cases of this source after 25 in an hour or 100 in a day
          - mode is "observe": the steps are planned and held, and nothing is changed at Atlassian
        "#);
    }

    #[test]
    fn recorded_body_of_bamboohr_without_a_departure_is_ignored() {
        let body = r#"{"employees":[{"changedFields":["First name"],"fields":{"Employee #":{"value":"300"},"First name":{"value":"Tefi"},"Last name":{"value":"Adams"}},"id":"5"}]}"#;
        insta::assert_snapshot!(by_preset("bamboohr", body), @r#"
        preset bamboohr
        policy: none; assuming `departed = "revoke_then_delete"` and the time zone UTC

        item 0: ignored
          reason: the rule `@.changedFields && !@.action && !@.fields['Status'] && !@.fields['status'] && !@.fields['Employment Status'] && !@.fields['employmentStatus'] && !@.fields['employmentHistoryStatus']` holds: profile, but it does not hold both an id and an address
          - ignored: not relevant, or incomplete; `offboardd preset show bamboohr` lists the events
        "#);
    }

    #[test]
    fn preset_is_explained_without_settings() {
        let left = r#"{"type":"employee.left","data":{"employeeId":"7"}}"#;
        insta::assert_snapshot!(by_preset("hibob", left), @r#"
        preset hibob
        policy: none; assuming `departed = "revoke_then_delete"` and the time zone UTC

        item 0: departed, person 7
          reason: `$.type` is `employee.left`: departed
          - no email address: the stored address of this id is used; otherwise the vendor is queried, if [sources.NAME.lookup] is configured; otherwise the case needs attention: no_email
          - policy: `departed = "revoke_then_delete"`
          - effective 2026-09-07 12:00:00 +00:00: the event has no date, so it takes effect on arrival
          - access is revoked without approval
          - after the local grace, not before 2026-10-07 12:00:00 +00:00, the account is deleted without approval
          - the brake holds all cases of this source after 25 in an hour or 100 in a day
        "#);
        insta::assert_snapshot!(by_preset("hibob", r#"{"type":"employee.inactivated","data":{"employeeId":"7"}}"#), @r#"
        preset hibob
        policy: none; assuming `departed = "revoke_then_delete"` and the time zone UTC

        item 0: ignored
          reason: the mapping knows no such event: ignored
          - ignored: not relevant, or incomplete; `offboardd preset show hibob` lists the events
        "#);
        insta::assert_snapshot!(by_preset("hubspot", "{"), @r#"
        preset hubspot
        policy: none; assuming `departed = "revoke_then_delete"` and the time zone UTC
        the body is unreadable: at `$`: expected JSON (it breaks off at line 1, column 1)
        the delivery would be stored as unreadable; fix the mapping, then replay it
        "#);
    }
}
