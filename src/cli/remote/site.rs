//! `offboardd site …`.

use clap::Subcommand;

use super::client::{Client, Listed, read};
use super::list::print_list;
use super::options::{ListArgs, Output};
use crate::admin::api::SiteView;
use crate::domain::ids::SiteName;

#[derive(Debug, Subcommand)]
pub(crate) enum SiteCommand {
    /// List the configured sites
    #[command(after_help = "Example: offboardd site list")]
    List,
    /// Resume a paused site and its paused calls
    #[command(after_help = "Example: offboardd site resume acme")]
    Resume {
        /// Name of the site
        site: SiteName,
    },
}

pub(super) async fn run(command: SiteCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let listed = match command {
        SiteCommand::List => client.list("sites", &[], &ListArgs { limit: None, cursor: None, all: false }).await?,
        SiteCommand::Resume { site } => {
            let json = client.post_reason(&["sites", site.as_str(), "resume"], None).await?;
            Listed { items: vec![read(&json)?], json, next: None }
        }
    };
    print_list(&listed, ["site", "url", "state"], row, client, output)
}

fn row(site: &SiteView) -> [String; 3] {
    let kinds: Vec<_> = site.paused_calls.iter().map(|call| format!("{} paused: {}", call.kind, call.reason)).collect();
    let state = match (site.paused_at, &site.reason) {
        (None, _) if !kinds.is_empty() => kinds.join("; "),
        (Some(at), Some(reason)) => format!("paused since {at}: {reason}"),
        (Some(at), None) => format!("paused since {at}"),
        (None, _) => "working".to_owned(),
    };
    [site.name.to_string(), site.url.to_string(), state]
}
