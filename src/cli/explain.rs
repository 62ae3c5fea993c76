//! `offboardd explain`: which events are read out of a body, what would be done about each, and why.
//!
//! It reads the settings and the body, asks the same rules as the daemon, and does nothing: no database, no call.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{Config, print_out, send};
use crate::clock::{Clock as _, SystemClock};
use crate::domain::event::{Effective, Event};
use crate::domain::ids::SourceName;
use crate::settings::{Mode, Settings, SettingsError, SourceSettings};
use crate::sources::{self, Explained, Unreadable, lookup, near, preset};

mod plan;

use self::plan::{Circumstances, Lookup};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A source of the settings, or a preset
    source: String,
    /// The body; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// The Content-Type with which it came
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a body says and leads to.
#[derive(Debug, Serialize)]
struct Explanation {
    /// The source or the preset by which it was read.
    source: String,
    /// What its events lead to, in words: the policy, or one that is only assumed.
    policy: String,
    /// Why the body cannot be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    /// What stands in it.
    items: Vec<Item>,
}

/// One item of a body.
#[derive(Debug, Serialize)]
struct Item {
    /// Its place, from 0.
    position: usize,
    /// The event, or why there is none.
    #[serde(flatten)]
    read: Read,
    /// By what it was found to be that.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// From when on it would count.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<Timestamp>,
    /// What would be done, a sentence each.
    then: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Read {
    /// Boxed, because the other is small.
    Event(Box<Event>),
    Unreadable(String),
}

pub(super) fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let body = send::read(&arguments.body)?;
    let explanation = explain(arguments, config, &body, SystemClock.now())?;
    print_out(&if arguments.json { serde_json::to_string_pretty(&explanation)? + "\n" } else { told(&explanation) });
    Ok(if explanation.is_readable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Explanation {
    /// Whether the daemon could read the whole of it.
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
    let Some(preset) = preset::find(&arguments.source) else { return Err(nothing_of_that_name(arguments, settings)) };
    let read = sources::explain_preset(preset, content_type, body)?;
    let policy = plan::neutral();
    let lookup = if lookup::of_preset(preset.name()).is_some() { Lookup::CouldAsk } else { Lookup::None };
    let circumstances = Circumstances { policy: &policy, preset: Some(preset.name()), lookup, observes: false };
    let told = "none: as if `departed = \"revoke_then_delete\"`, with days of UTC".to_owned();
    Ok(explanation(format!("preset {}", preset.name()), told, read, &circumstances, now))
}

fn of_source(
    settings: &Settings,
    source: &SourceSettings,
    content_type: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<Explanation> {
    let policy = settings.policies.get(&source.policy).context("the settings checked that every policy exists")?;
    let lookup = if source.lookup.is_some() { Lookup::Asks } else { Lookup::None };
    let preset = source.spec.preset.as_deref();
    let circumstances = Circumstances { policy, preset, lookup, observes: settings.mode == Mode::Observe };
    let read = source.compiled.explain(content_type, body);
    Ok(explanation(format!("source {}", source.name), source.policy.to_string(), read, &circumstances, now))
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
        let Explained { event, because } = explained;
        match event {
            Ok(event) => {
                let (effective_at, then) = circumstances.plan(&event, now);
                Item { position, read: Read::Event(Box::new(event)), because, effective_at, then }
            }
            Err(unreadable) => {
                let then = vec!["the delivery stays as unreadable, is shown, and can be replayed".to_owned()];
                let problem = Unreadable { item: None, ..unreadable }.to_string();
                Item { position, read: Read::Unreadable(problem), because, effective_at: None, then }
            }
        }
    });
    Explanation { source, policy, unreadable, items: items.collect() }
}

fn nothing_of_that_name(arguments: &Arguments, settings: Result<Settings, SettingsError>) -> anyhow::Error {
    let name = &arguments.source;
    match settings {
        Ok(settings) => {
            let known: Vec<_> = settings.sources.keys().map(SourceName::as_str).collect();
            let meant = near::nearest(name, known.iter().copied()).or_else(|| preset::nearest(name));
            let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
            anyhow::anyhow!("there is no source and no preset `{name}`; {meant}the sources are: {}", known.join(", "))
        }
        Err(error) => {
            let meant = preset::nearest(name).map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
            let reason = format!("there is no preset `{name}`{meant}, and the settings cannot be used");
            anyhow::Error::new(error).context(reason)
        }
    }
}

fn told(explanation: &Explanation) -> String {
    let mut lines = vec![explanation.source.clone(), format!("policy: {}", explanation.policy)];
    if let Some(unreadable) = &explanation.unreadable {
        lines.push(format!("the body cannot be read: {unreadable}"));
        lines.push(
            "the delivery would be stored as unreadable, shown, and replayed when the mapping is mended".to_owned(),
        );
    } else if explanation.items.is_empty() {
        lines.push("nothing stands in it, or the mapping passes it over".to_owned());
    }
    for item in &explanation.items {
        lines.push(String::new());
        match &item.read {
            Read::Event(event) => lines.push(format!("item {}: {}", item.position, of_event(event))),
            Read::Unreadable(problem) => lines.push(format!("item {}: unreadable, {problem}", item.position)),
        }
        lines.extend(item.because.iter().map(|because| format!("  because {because}")));
        lines.extend(item.then.iter().map(|sentence| format!("  - {sentence}")));
    }
    lines.join("\n") + "\n"
}

fn of_event(event: &Event) -> String {
    let mut words = vec![event.event_type.to_string()];
    words.extend(event.person.id.iter().map(|id| format!("person {}", id.as_str())));
    words.extend(event.person.email.iter().map(|email| email.as_str().to_owned()));
    words.extend(event.old_email.iter().map(|email| format!("before: {}", email.as_str())));
    words.extend(match event.effective {
        Effective::Immediately => None,
        Effective::At(instant) => Some(format!("from {instant}")),
        Effective::On(day) => Some(format!("on {day}")),
        Effective::Local(time) => Some(format!("from {time}")),
    });
    words.extend(event.occurred_at.map(|at| format!("happened {at}")));
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
        told(&of_source(&settings, source, None, body.as_bytes(), now).unwrap())
    }

    fn by_preset(name: &str, body: &str) -> String {
        let arguments = Arguments { source: name.to_owned(), body: PathBuf::new(), content_type: None, json: false };
        let config = Config { config: "/nowhere/offboardd.toml".into() };
        let now = "2026-09-07T12:00:00Z".parse().unwrap();
        told(&explain(&arguments, &config, body.as_bytes(), now).unwrap())
    }

    #[test]
    fn a_departure_is_explained_to_the_end() {
        let body = r#"{"employees":[
            {"id":"5","action":"Updated","changedFields":["Status"],
             "fields":{"Status":"Inactive","Work Email":"ann@example.com","Termination Date":"2026-09-30"}},
            {"id":"6","action":"Deleted"},
            {"id":"7","action":"Updated","fields":{"Status":"Inactive","Work Email":"no address"}}]}"#;
        insta::assert_snapshot!(by_settings(body), @r#"
        source hr
        policy: leavers

        item 0: departed, person 5, ann@example.com, on 2026-09-30
          because `$.fields['Status']` is `Inactive`: departed
          - the policy says `departed = "revoke_then_delete"`
          - from 2026-10-01 00:00:00 +02:00 on: the end of the day that it names, in Europe/Berlin
          - access is revoked without anybody's approval
          - after the local grace, not before 2026-10-30 23:00:00 +01:00, the account is deleted when 2 different people have approved
          - the brake holds everything of this source after 25 in an hour or 100 in a day
          - mode is "observe": all of it is planned, read and held, and nothing is changed

        item 1: departed, person 6
          because `$.action` is `Deleted`: departed
          - no address: the one that is remembered for this id is meant; else the case needs attention: no_email
          - the policy says `departed = "revoke_then_delete"`
          - from 2026-09-07 14:00:00 +02:00 on: it names no time, so it counts when it comes
          - access is revoked without anybody's approval
          - after the local grace, not before 2026-10-07 14:00:00 +02:00, the account is deleted when 2 different people have approved
          - the brake holds everything of this source after 25 in an hour or 100 in a day
          - mode is "observe": all of it is planned, read and held, and nothing is changed

        item 2: departed, person 7
          because `$.fields['Status']` is `Inactive`: departed
          - no address: the one that is remembered for this id is meant; else the case needs attention: no_email
          - the policy says `departed = "revoke_then_delete"`
          - from 2026-09-07 14:00:00 +02:00 on: it names no time, so it counts when it comes
          - access is revoked without anybody's approval
          - after the local grace, not before 2026-10-07 14:00:00 +02:00, the account is deleted when 2 different people have approved
          - the brake holds everything of this source after 25 in an hour or 100 in a day
          - mode is "observe": all of it is planned, read and held, and nothing is changed
        "#);
    }

    #[test]
    fn the_recorded_body_of_bamboohr_says_nothing_about_leaving() {
        let body = r#"{"employees":[{"changedFields":["First name"],"fields":{"Employee #":{"value":"300"},"First name":{"value":"Tefi"},"Last name":{"value":"Adams"}},"id":"5"}]}"#;
        insta::assert_snapshot!(by_preset("bamboohr", body), @r#"
        preset bamboohr
        policy: none: as if `departed = "revoke_then_delete"`, with days of UTC

        item 0: ignored
          because the rule `@.changedFields && !@.action && !@.fields['Status'] && !@.fields['status'] && !@.fields['Employment Status'] && !@.fields['employmentStatus'] && !@.fields['employmentHistoryStatus']` holds: profile, but it does not hold both an id and an address
          - nothing: it does not concern us, or says too little; `offboardd preset show bamboohr` says what does
        "#);
    }

    #[test]
    fn a_preset_is_explained_without_settings() {
        let left = r#"{"type":"employee.left","data":{"employeeId":"7"}}"#;
        insta::assert_snapshot!(by_preset("hibob", left), @r#"
        preset hibob
        policy: none: as if `departed = "revoke_then_delete"`, with days of UTC

        item 0: departed, person 7
          because `$.type` is `employee.left`: departed
          - no address: the one that is remembered for this id is meant; else the vendor is asked, if there is a [sources.NAME.lookup]; else the case needs attention: no_email
          - the policy says `departed = "revoke_then_delete"`
          - from 2026-09-07 12:00:00 +00:00 on: it names no time, so it counts when it comes
          - access is revoked without anybody's approval
          - after the local grace, not before 2026-10-07 12:00:00 +00:00, the account is deleted without anybody's approval
          - the brake holds everything of this source after 25 in an hour or 100 in a day
        "#);
        insta::assert_snapshot!(by_preset("hibob", r#"{"type":"employee.inactivated","data":{"employeeId":"7"}}"#), @r#"
        preset hibob
        policy: none: as if `departed = "revoke_then_delete"`, with days of UTC

        item 0: ignored
          because the mapping knows no such event: ignored
          - nothing: it does not concern us, or says too little; `offboardd preset show hibob` says what does
        "#);
        insta::assert_snapshot!(by_preset("hubspot", "{"), @r#"
        preset hubspot
        policy: none: as if `departed = "revoke_then_delete"`, with days of UTC
        the body cannot be read: at `$`: expected JSON (it breaks off at line 1, column 1)
        the delivery would be stored as unreadable, shown, and replayed when the mapping is mended
        "#);
    }
}
