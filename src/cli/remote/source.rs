//! `offboardd source …`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::{Client, Listed, read};
use super::list::print_list;
use super::options::{ListArgs, Output};
use super::times::Times;
use crate::admin::api::SourceView;
use crate::domain::ids::SourceName;

#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// List the configured sources
    #[command(after_help = "Example: offboardd source list")]
    List,
    /// Pause a source: answer its deliveries with 503 and suspend its jobs
    #[command(after_help = "Example: offboardd source pause bamboohr")]
    Pause(SourceArgs),
    /// Resume a paused source
    #[command(after_help = "Example: offboardd source resume bamboohr")]
    Resume(SourceArgs),
    /// Release the cases that a source's brake holds; `source list` prints their digest
    #[command(after_help = "Example: offboardd source release bamboohr --digest 3f9a --reason TICKET-7")]
    Release(ReleaseArgs),
    /// Accept a secret that the vendor offered; `source list` prints the offers
    #[command(after_help = "Example: offboardd source accept asana --offer 3f9a --replace")]
    Accept(AcceptArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AcceptArgs {
    /// Name of the source
    pub(crate) source: SourceName,
    /// Id of the reviewed offer
    #[arg(long)]
    pub(crate) offer: String,
    /// Delete all secrets that were accepted before
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    /// Name of the source
    pub(crate) source: SourceName,
    /// Digest of the reviewed list
    #[arg(long)]
    pub(crate) digest: String,
    /// Reason, stored with the history of each case
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Name of the source
    pub(crate) source: SourceName,
}

pub(super) async fn run(command: SourceCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let listed = match command {
        SourceCommand::List => client.list("sources", &[], &ListArgs { limit: None, cursor: None, all: false }).await?,
        SourceCommand::Pause(args) => change(&args.source, "pause", json!({}), client).await?,
        SourceCommand::Resume(args) => change(&args.source, "resume", json!({}), client).await?,
        SourceCommand::Release(args) => {
            change(&args.source, "release", json!({ "digest": args.digest, "reason": args.reason }), client).await?
        }
        SourceCommand::Accept(args) => {
            change(&args.source, "accept", json!({ "offer": args.offer, "replace": args.replace }), client).await?
        }
    };
    let times = client.times();
    let heads = ["source", "preset", "site", "policy", "last delivery", "state"];
    print_list(&listed, heads, |source| row(source, &times), client, output)?;
    if !client.prints_json() {
        for line in listed.items.iter().flat_map(details) {
            writeln!(output, "{line}")?;
        }
    }
    Ok(())
}

async fn change(
    name: &SourceName,
    verb: &str,
    body: serde_json::Value,
    client: &Client,
) -> anyhow::Result<Listed<SourceView>> {
    let json = client.post(&["sources", name.as_str(), verb], &body).await?;
    Ok(Listed { items: vec![read(&json)?], json, next: None })
}

fn row(source: &SourceView, times: &Times) -> [String; 6] {
    let state = match (source.paused_at, &source.paused_by) {
        (Some(at), Some(by)) => format!("paused since {} by {by}", times.full(at)),
        (Some(at), None) => format!("paused since {}", times.full(at)),
        (None, _) if source.quiet => "quiet".to_owned(),
        (None, _) => "listening".to_owned(),
    };
    let frozen = source.brake.as_ref().map(|brake| format!("frozen by its brake, {}", brake.message));
    [
        source.name.to_string(),
        source.preset.clone().unwrap_or_else(|| "-".to_owned()),
        source.sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        source.policy.to_string(),
        source.last_delivery_at.map_or_else(|| "-".to_owned(), |at| times.distance(at)),
        frozen.unwrap_or(state),
    ]
}

/// What does not fit into the table: one line each, not wrapped, so that commands can be copied.
fn details(source: &SourceView) -> Vec<String> {
    let name = &source.name;
    let mut lines = Vec::new();
    if let Some(brake) = &source.brake {
        lines.push(format!("{name}: brake: {}; review: offboardd case list --held brake --source {name}", brake.why));
        lines.push(format!("{name}: release: offboardd source release {name} --digest {} --reason …", brake.digest));
    }
    for (reason, count) in &source.refused {
        lines.push(format!("{name}: {count} requests refused in the last hour: {reason}"));
    }
    for offer in &source.offered {
        lines.push(format!("{name}: offered secret: offboardd source accept {name} --offer {}", offer.id));
    }
    if let Some(lookup) = &source.lookup {
        let problem = lookup.problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
        lines.push(format!("{name}: {} address lookups pending{problem}", lookup.waiting));
    }
    if !source.ignored.is_empty() {
        lines.push(format!("{name}: ignored in 7 days: {}", ignored(source)));
    }
    lines
}

/// The most frequent event names that the mapping ignored.
fn ignored(source: &SourceView) -> String {
    const SHOWN: usize = 3;
    let mut words: Vec<_> =
        source.ignored.iter().take(SHOWN).map(|ignored| format!("{} ({})", ignored.word, ignored.count)).collect();
    let more = source.ignored.len().saturating_sub(SHOWN);
    if more > 0 {
        words.push(format!("{more} more"));
    }
    words.join(", ")
}
