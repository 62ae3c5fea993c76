//! `offboardd fence …`.

use clap::Subcommand;
use serde_json::json;

use super::client::{Client, read};
use super::facts::print_facts;
use super::options::Output;
use crate::admin::api::{FenceView, FindingView};

#[derive(Debug, Subcommand)]
pub(crate) enum FenceCommand {
    /// Show whether changes at Atlassian are stopped, and why
    #[command(after_help = "Example: offboardd fence show")]
    Show,
    /// Continue after the open cases were compared with the site; `fence show` prints the digest
    #[command(after_help = "Example: offboardd fence lift --digest 3f9a --reason TICKET-7")]
    Lift {
        /// Digest of the reviewed findings and open cases
        #[arg(long)]
        digest: String,
        /// Reason
        #[arg(long)]
        reason: Option<String>,
    },
}

pub(super) async fn run(command: FenceCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let json = match command {
        FenceCommand::Show => client.get(&["fence"], &[]).await?,
        FenceCommand::Lift { digest, reason } => {
            client.post(&["fence", "lift"], &json!({ "digest": digest, "reason": reason })).await?
        }
    };
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    let fence: FenceView = read(&json)?;
    let state = if fence.raised { "raised: no change is made at Atlassian" } else { "not raised" };
    let mut facts = vec![("fence", Some(state.to_owned()))];
    for FindingView { reason, detail, raised_at } in fence.findings {
        let since = raised_at.map(|at| format!(", since {at}")).unwrap_or_default();
        facts.push(("found", Some(format!("{detail} ({reason}{since})"))));
    }
    facts.extend([("open cases", Some(fence.open_cases.to_string())), ("digest", Some(fence.digest))]);
    print_facts(&facts, client.screen(), output)?;
    Ok(())
}
