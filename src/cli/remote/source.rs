//! `offboardd source …`.

use clap::{Args, Subcommand};

use super::client::{Client, Listed, read};
use super::{ListArgs, Output, or_dash, print_list};
use crate::admin::api::SourceView;
use crate::domain::ids::SourceName;

/// See which sources were heard, pause and resume them.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// List the sources of the settings
    List,
    /// Ask a source's webhooks to come again later, and let its jobs wait
    Pause(SourceArgs),
    /// Hear a source again
    Resume(SourceArgs),
    /// Let the cases go that the source's brake holds; `source list --json` says the digest of their list
    Release(ReleaseArgs),
    /// Make a secret that the vendor offered one of the source's own; `source list --json` shows what was offered
    Accept(AcceptArgs),
}

/// Which source, and which of the offered secrets.
#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// The source
    pub source: SourceName,
    /// The id of the offer that you looked at
    #[arg(long)]
    pub offer: String,
    /// Forget those that were accepted before
    #[arg(long)]
    pub replace: bool,
}

/// Which source, and which list was looked at.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// The source
    pub source: SourceName,
    /// The digest of the list that you looked at
    #[arg(long)]
    pub digest: String,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
}

/// Which source.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// The source
    pub source: SourceName,
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
        ["source", "preset", "site", "policy", "last heard", "state", "ignored in 7 days"],
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
        format!("frozen by its brake ({}), {}: digest {}", brake.why, brake.message, brake.digest)
    });
    let state = match source.offered.len() {
        0 => state,
        offered => format!("{state}, {offered} offered secrets wait"),
    };
    let state = match &source.lookup {
        None => state,
        Some(lookup) => {
            let problem = lookup.problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
            format!("{state}, {} people wait for their address{problem}", lookup.waiting)
        }
    };
    [
        source.name.to_string(),
        or_dash(source.preset.as_ref()),
        source.site.to_string(),
        source.policy.to_string(),
        or_dash(source.last_delivery_at.as_ref()),
        state,
        ignored(source),
    ]
}

/// The most frequent of the words that were passed over.
fn ignored(source: &SourceView) -> String {
    const SHOWN: usize = 3;
    let mut words: Vec<_> =
        source.ignored.iter().take(SHOWN).map(|ignored| format!("{} ({})", ignored.word, ignored.count)).collect();
    match source.ignored.len().saturating_sub(SHOWN) {
        _ if words.is_empty() => "-".to_owned(),
        0 => words.join(", "),
        more => {
            words.push(format!("{more} more words"));
            words.join(", ")
        }
    }
}
