//! `offboardd preset`: the built-in vendor presets.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde::Serialize;

use super::output::print_out;
use crate::sources::{PresetSummary, preset};

#[derive(Debug, Subcommand)]
pub(super) enum Preset {
    /// List the presets
    #[command(after_help = "Example: offboardd preset list")]
    List {
        /// Print all facts of each preset as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one preset: signature, handshake, event mapping and configuration
    #[command(after_help = "Example: offboardd preset show bamboohr --example")]
    Show {
        /// Name of the preset
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Print a sample body for `send` and `explain`, after the header lines that the mapping reads
        #[arg(long, conflicts_with = "json")]
        example: bool,
    },
}

pub(super) fn run(command: &Preset) -> anyhow::Result<()> {
    let text = match command {
        Preset::List { json: true } => {
            let listed = |summary: Result<PresetSummary, _>| summary.map(Listed::of);
            let summaries: Result<Vec<_>, _> =
                preset::names().into_iter().filter_map(PresetSummary::of).map(listed).collect();
            serde_json::to_string_pretty(&summaries?)? + "\n"
        }
        Preset::List { json: false } => list()?,
        Preset::Show { name, json, example } => {
            let Some(summary) = PresetSummary::of(name) else {
                let meant = preset::nearest(name).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
                bail!("no preset `{name}`; {meant}presets: {}", preset::names().join(", "));
            };
            let summary = summary.context("invalid preset")?;
            if *example {
                let sample = preset::find(name).and_then(preset::Preset::example);
                sample.map(|sample| sample.text).with_context(|| format!("the preset `{name}` has no example"))?
            } else if *json {
                serde_json::to_string_pretty(&summary)? + "\n"
            } else {
                show(&summary)
            }
        }
    };
    print_out(&text);
    Ok(())
}

#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    summary: PresetSummary,
    /// The event types that its mapping can produce: `departed`, `returned`, …
    results_in: Vec<String>,
    /// Whether the preset only verifies deliveries, so that the source needs a mapping.
    needs_mapping: bool,
}

impl Listed {
    fn of(summary: PresetSummary) -> Self {
        let needs_mapping = preset::find(&summary.name).is_some_and(|preset| preset.needs_mapping);
        let results_in = if needs_mapping { Vec::new() } else { results_in(&summary) };
        Self { summary, results_in, needs_mapping }
    }

    fn describe_results(&self) -> String {
        match self.results_in.as_slice() {
            [] if self.needs_mapping => "needs a mapping".to_owned(),
            [] => "nothing by itself".to_owned(),
            events if events.len() == RESULTS.len() => "every event".to_owned(),
            events => events.join(", "),
        }
    }
}

/// The events that open or stop cases.
const RESULTS: [&str; 5] = ["departed", "departure_cancelled", "returned", "email_changed", "erasure_requested"];

fn results_in(summary: &PresetSummary) -> Vec<String> {
    let events = RESULTS.into_iter().filter(|event| summary.events.iter().any(|meaning| meaning.event == *event));
    events.map(str::to_owned).collect()
}

fn list() -> anyhow::Result<String> {
    let mut text = String::new();
    for summary in preset::names().into_iter().filter_map(PresetSummary::of) {
        let listed = Listed::of(summary?);
        let results_in = listed.describe_results();
        let PresetSummary { name, title, mapping_confidence, lookup, .. } = listed.summary;
        let sure = match mapping_confidence {
            preset::Confidence::Verified => "verified",
            preset::Confidence::Secondary => "secondary",
        };
        let lookup = if lookup.is_some() { "lookup" } else { "" };
        text.push_str(format!("{name:<18} {sure:<10} {lookup:<7} {title}: {results_in}").trim_end());
        text.push('\n');
    }
    Ok(text)
}

fn show(summary: &PresetSummary) -> String {
    let confidence = |confidence| match confidence {
        preset::Confidence::Verified => "from the vendor's documentation or code",
        preset::Confidence::Secondary => "from third-party code: test it with a real delivery first",
    };
    let mut facts = vec![
        ("proof", summary.proof.clone()),
        ("secret", summary.secret.clone()),
        ("time window", summary.window.clone().unwrap_or_else(|| "none: the signature covers no time".to_owned())),
        ("delivery id", summary.delivery_id.clone()),
        ("email", if summary.reads_address { "read if the delivery has it" } else { "never in a delivery" }.to_owned()),
        ("signing", confidence(summary.confidence).to_owned()),
        ("events", confidence(summary.mapping_confidence).to_owned()),
        ("reference", summary.source.clone()),
    ];
    facts.extend(summary.handshakes.iter().map(|handshake| ("handshake", handshake.clone())));
    if let Some(lookup) = &summary.lookup {
        facts.push(("lookup", format!("{} (`{}` of the response)", lookup.url, lookup.email.join("`, else `"))));
        facts.extend(lookup.notes.iter().map(|note| ("", note.clone())));
    }
    let mut text = format!("{} ({})\n\n", summary.title, summary.name);
    for (name, fact) in facts {
        text.push_str(format!("{name:<12} {fact}").trim_end());
        text.push('\n');
    }
    let meanings = summary.events.iter().map(|meaning| format!("{} → {}", meaning.when, meaning.event));
    list_of(&mut text, "Event mapping", meanings);
    list_of(&mut text, "Notes", summary.notes.iter().cloned());
    if let Some(preset) = preset::find(&summary.name) {
        let reasons = [("No departure", preset.no_departure()), ("No return", preset.no_return())];
        list_of(&mut text, "Limits", reasons.into_iter().filter_map(|(what, why)| Some(format!("{what}: {}", why?))));
        list_of(&mut text, "At the vendor", preset.clicks().iter().cloned());
    }
    text.push_str("\nConfiguration:\n\n");
    text.push_str(&summary.settings);
    text
}

/// Appends a heading and its lines, or nothing if there are no lines.
fn list_of(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    for (i, line) in lines.enumerate() {
        if i == 0 {
            text.extend(["\n", heading, ":\n"]);
        }
        text.extend(["  - ", line.as_str(), "\n"]);
    }
}
