//! `offboardd explain`: which events a body contains, and what each would do.
//!
//! It reads the settings and the body and applies the rules of the daemon. It opens no database and makes no call.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::config::Config;
use super::output::print_out;
use super::send;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::event::{Effective, Event};
use crate::domain::ids::SourceName;
use crate::settings::{Mode, Settings, SettingsError, SourceSettings};
use crate::sources::{self, Explained, Unreadable, lookup, near, preset};

mod plan;

use self::plan::{Circumstances, Lookup};

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

#[derive(Debug, Serialize)]
struct Explanation {
    /// The source or the preset whose mapping was applied.
    source: String,
    /// The policy, or a sentence about the assumed one.
    policy: String,
    /// Why the whole body is unreadable.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    /// Index in the body, from 0.
    position: usize,
    #[serde(flatten)]
    read: Read,
    /// The rule of the mapping that produced the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Null for events that open no case.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<Timestamp>,
    /// The consequences, one sentence each.
    then: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Read {
    /// Boxed: the other variant is small.
    Event(Box<Event>),
    Unreadable(String),
}

pub(super) fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let body = send::read(&arguments.body)?;
    let explanation = explain(arguments, config, &body, SystemClock.now())?;
    print_out(&if arguments.json { serde_json::to_string_pretty(&explanation)? + "\n" } else { render(&explanation) });
    Ok(if explanation.is_readable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Explanation {
    /// Whether the daemon could read every item.
    fn is_readable(&self) -> bool {
        let read = |item: &Item| match item.read {
            Read::Event(_) => true,
            Read::Unreadable(_) => false,
        };
        self.unreadable.is_none() && self.items.iter().all(read)
    }
}

fn explain(arguments: &Arguments, config: &Config, body: &[u8], now: Timestamp) -> anyhow::Result<Explanation> {
    let (_, bare) = preset::split_headers(body);
    let content_type = Some(arguments.content_type.as_deref().unwrap_or_else(|| send::content_type(bare)));
    let settings = Settings::load(&config.config);
    if let Ok(settings) = &settings
        && let Some(source) = arguments.source.parse::<SourceName>().ok().and_then(|name| settings.sources.get(&name))
    {
        return of_source(settings, source, content_type, body, now);
    }
    let Some(preset) = preset::find(&arguments.source) else { return Err(unknown_name(arguments, settings)) };
    let read = sources::explain_preset(preset, content_type, body)?;
    let policy = plan::neutral();
    let lookup = if lookup::of_preset(preset.name()).is_some() { Lookup::Available } else { Lookup::None };
    let circumstances = Circumstances { policy: &policy, preset: Some(preset.name()), lookup, observes: false };
    let assumed = "none; assuming `departed = \"revoke_then_delete\"` and the time zone UTC".to_owned();
    Ok(explanation(format!("preset {}", preset.name()), assumed, read, &circumstances, now))
}

fn of_source(
    settings: &Settings,
    source: &SourceSettings,
    content_type: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<Explanation> {
    let policy =
        settings.policies.get(&source.table.policy).context("the settings checked that every policy exists")?;
    let lookup = if source.lookup.is_some() { Lookup::Configured } else { Lookup::None };
    let preset = source.spec.preset.as_deref();
    let circumstances = Circumstances { policy, preset, lookup, observes: settings.mode == Mode::Observe };
    let read = source.compiled.explain(content_type, body);
    Ok(explanation(format!("source {}", source.name), source.table.policy.to_string(), read, &circumstances, now))
}

fn explanation(
    source: String,
    policy: String,
    read: Result<Vec<Explained>, Unreadable>,
    circumstances: &Circumstances<'_>,
    now: Timestamp,
) -> Explanation {
    let (unreadable, items) = match read {
        Ok(items) => (None, items),
        Err(unreadable) => (Some(unreadable.to_string()), Vec::new()),
    };
    let items = items.into_iter().enumerate().map(|(position, explained)| {
        let Explained { event, because: reason } = explained;
        match event {
            Ok(event) => {
                let (effective_at, then) = circumstances.plan(&event, now);
                Item { position, read: Read::Event(Box::new(event)), reason, effective_at, then }
            }
            Err(unreadable) => {
                let then =
                    vec!["the delivery is stored as unreadable, needs attention, and can be replayed".to_owned()];
                let problem = Unreadable { item: None, ..unreadable }.to_string();
                Item { position, read: Read::Unreadable(problem), reason, effective_at: None, then }
            }
        }
    });
    Explanation { source, policy, unreadable, items: items.collect() }
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

fn render(explanation: &Explanation) -> String {
    let mut lines = vec![explanation.source.clone(), format!("policy: {}", explanation.policy)];
    if let Some(unreadable) = &explanation.unreadable {
        lines.push(format!("the body is unreadable: {unreadable}"));
        lines.push("the delivery would be stored as unreadable; fix the mapping, then replay it".to_owned());
    } else if explanation.items.is_empty() {
        lines.push("no events: the body is empty, or the mapping ignores its items".to_owned());
    }
    for item in &explanation.items {
        lines.push(String::new());
        match &item.read {
            Read::Event(event) => lines.push(format!("item {}: {}", item.position, of_event(event))),
            Read::Unreadable(problem) => lines.push(format!("item {}: unreadable, {problem}", item.position)),
        }
        lines.extend(item.reason.iter().map(|reason| format!("  reason: {reason}")));
        lines.extend(item.then.iter().map(|sentence| format!("  - {sentence}")));
    }
    lines.join("\n") + "\n"
}

fn of_event(event: &Event) -> String {
    let mut words = vec![event.event_type.to_string()];
    words.extend(event.person.id.iter().map(|id| format!("person {}", id.as_str())));
    words.extend(event.person.email.iter().map(|email| email.as_str().to_owned()));
    words.extend(event.old_email.iter().map(|email| format!("old address {}", email.as_str())));
    words.extend(match event.effective {
        Effective::Immediately => None,
        Effective::At(instant) => Some(format!("effective {instant}")),
        Effective::On(day) => Some(format!("effective {day}")),
        Effective::Local(time) => Some(format!("effective {time}")),
    });
    words.extend(event.occurred_at.map(|at| format!("occurred {at}")));
    words.join(", ")
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
        render(&of_source(&settings, source, None, body.as_bytes(), now).unwrap())
    }

    fn by_preset(name: &str, body: &str) -> String {
        let arguments = Arguments { source: name.to_owned(), body: PathBuf::new(), content_type: None, json: false };
        let config = Config { config: "/nowhere/offboardd.toml".into() };
        let now = "2026-09-07T12:00:00Z".parse().unwrap();
        render(&explain(&arguments, &config, body.as_bytes(), now).unwrap())
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
