//! `offboardd site …`.

use clap::{Args, Subcommand};

use super::client::{Client, Listed, read};
use super::list::print_list;
use super::options::{ListArgs, Output};
use super::times::Times;
use crate::admin::api::SiteView;
use crate::domain::ids::SiteName;

#[derive(Debug, Subcommand)]
pub(crate) enum SiteCommand {
    /// List the configured sites
    #[command(after_help = "Example: offboardd site list")]
    List,
    /// Pause a site: make no call until an operator resumes it
    #[command(after_help = "Example: offboardd site pause acme")]
    Pause(SiteArgs),
    /// Resume a paused site and its paused calls
    #[command(after_help = "Example: offboardd site resume acme")]
    Resume(SiteArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SiteArgs {
    /// Name of the site
    pub(crate) site: SiteName,
}

pub(super) async fn run(command: SiteCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let listed = match command {
        SiteCommand::List => client.list("sites", &[], &ListArgs { limit: None, cursor: None, all: false }).await?,
        SiteCommand::Pause(args) => change(&args, "pause", client).await?,
        SiteCommand::Resume(args) => change(&args, "resume", client).await?,
    };
    let times = client.times();
    print_list(&listed, ["site", "url", "last success", "state"], |site| row(site, &times), client, output)
}

async fn change(args: &SiteArgs, verb: &str, client: &Client) -> anyhow::Result<Listed<SiteView>> {
    let json = client.post_reason(&["sites", args.site.as_str(), verb], None).await?;
    Ok(Listed { items: vec![read(&json)?], json, next: None })
}

fn row(site: &SiteView, times: &Times) -> [String; 4] {
    let kinds: Vec<_> = site.paused_calls.iter().map(|call| format!("{} paused: {}", call.kind, call.reason)).collect();
    let state = match (site.paused_at, &site.paused_by, &site.reason) {
        (Some(at), Some(by), _) => format!("paused since {} by {by}", times.full(at)),
        (Some(at), None, Some(reason)) => format!("paused since {}: {reason}", times.full(at)),
        (Some(at), None, None) => format!("paused since {}", times.full(at)),
        (None, ..) if !kinds.is_empty() => kinds.join("; "),
        (None, ..) => "working".to_owned(),
    };
    let last = site.last_ok_at.map_or_else(|| "-".to_owned(), |at| times.distance(at));
    [site.name.to_string(), site.url.to_string(), last, state]
}
