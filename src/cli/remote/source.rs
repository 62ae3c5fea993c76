//! `offboardd source …`.

use clap::{Args, Subcommand};

use super::client::{Client, Listed, read};
use super::list::{or_dash, print_list};
use super::options::{ListArgs, Output};
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
    /// Accept a secret that the vendor offered; `source list --json` prints the offers
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
        SourceCommand::Pause(args) => change(&args, "pause", client).await?,
        SourceCommand::Resume(args) => change(&args, "resume", client).await?,
        SourceCommand::Release(args) => release(&args, client).await?,
        SourceCommand::Accept(args) => accept(&args, client).await?,
    };
    print_list(
        &listed,
        ["source", "preset", "site", "policy", "last delivery", "state", "ignored in 7 days"],
        row,
        client,
        output,
    )
}

async fn change(args: &SourceArgs, verb: &str, client: &Client) -> anyhow::Result<Listed<SourceView>> {
    let json = client.post_reason(&["sources", args.source.as_str(), verb], None).await?;
    Ok(Listed { items: vec![read(&json)?], json, next: None })
}

async fn release(args: &ReleaseArgs, client: &Client) -> anyhow::Result<Listed<SourceView>> {
    let body = serde_json::json!({ "digest": args.digest, "reason": args.reason });
    let json = client.post(&["sources", args.source.as_str(), "release"], &body).await?;
    Ok(Listed { items: vec![read(&json)?], json, next: None })
}

async fn accept(args: &AcceptArgs, client: &Client) -> anyhow::Result<Listed<SourceView>> {
    let body = serde_json::json!({ "offer": args.offer, "replace": args.replace });
    let json = client.post(&["sources", args.source.as_str(), "accept"], &body).await?;
    Ok(Listed { items: vec![read(&json)?], json, next: None })
}

fn row(source: &SourceView) -> [String; 7] {
    let state = match (source.paused_at, &source.paused_by) {
        (Some(at), Some(by)) => format!("paused since {at} by {by}"),
        (Some(at), None) => format!("paused since {at}"),
        (None, _) if source.quiet => "quiet".to_owned(),
        (None, _) => "listening".to_owned(),
    };
    let state = source.brake.as_ref().map_or(state, |brake| {
        format!("frozen by its brake ({}), {}, digest {}", brake.why, brake.message, brake.digest)
    });
    let state = match source.offered.len() {
        0 => state,
        offered => format!("{state}, {offered} offered secrets to review"),
    };
    let state = match &source.lookup {
        None => state,
        Some(lookup) => {
            let problem = lookup.problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
            format!("{state}, {} address lookups pending{problem}", lookup.waiting)
        }
    };
    [
        source.name.to_string(),
        or_dash(source.preset.as_ref()),
        source.sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        source.policy.to_string(),
        or_dash(source.last_delivery_at.as_ref()),
        state,
        ignored(source),
    ]
}

/// The most frequent event names that the mapping ignored.
fn ignored(source: &SourceView) -> String {
    const SHOWN: usize = 3;
    let mut words: Vec<_> =
        source.ignored.iter().take(SHOWN).map(|ignored| format!("{} ({})", ignored.word, ignored.count)).collect();
    match source.ignored.len().saturating_sub(SHOWN) {
        _ if words.is_empty() => "-".to_owned(),
        0 => words.join(", "),
        more => {
            words.push(format!("{more} more"));
            words.join(", ")
        }
    }
}
