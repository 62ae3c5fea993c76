//! The commands that work on a running daemon, over its admin API.
//!
//! They use only the API, with the rights of the token.

pub(crate) mod case;
mod client;
pub(crate) mod delivery;
mod format;
pub(crate) mod job;
pub(crate) mod site;
pub(crate) mod source;
mod table;

#[cfg(test)]
mod tests;

use std::io::Write;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use url::Url;

use self::case::CaseCommand;
use self::client::{Client, Listed};
use self::delivery::DeliveryCommand;
use self::job::JobCommand;
use self::site::SiteCommand;
use self::source::SourceCommand;

pub(crate) type Output<'a> = &'a mut (dyn Write + Send);

/// A command that works on a running daemon.
#[derive(Debug, Subcommand)]
pub(crate) enum RemoteCommand {
    /// List, inspect, approve and stop cases
    Case(About<CaseCommand>),
    /// List jobs
    Job(About<JobCommand>),
    /// List, pause, resume and release sources
    Source(About<SourceCommand>),
    /// List sites and resume paused ones
    Site(About<SiteCommand>),
    /// List, inspect and replay deliveries
    Delivery(About<DeliveryCommand>),
}

/// A subcommand and the daemon that it calls.
#[derive(Debug, Args)]
pub(crate) struct About<C: Subcommand> {
    #[command(subcommand)]
    command: C,
    #[command(flatten)]
    remote: Remote,
}

/// The token is no argument: other users of the machine can see arguments.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// URL of the admin listener
    #[arg(long, env = "OFFBOARDD_URL", hide_env_values = true, default_value = "http://127.0.0.1:9090", global = true)]
    pub(crate) url: Url,
    /// Print the JSON of the API
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Maximum number of items, 1 to 500 [default: 50]
    #[arg(long, conflicts_with = "all")]
    pub(crate) limit: Option<u16>,
    /// Cursor that an earlier page printed
    #[arg(long, conflicts_with = "all")]
    pub(crate) cursor: Option<String>,
    /// Print all pages
    #[arg(long)]
    pub(crate) all: bool,
}

/// `token` is the value of `OFFBOARDD_TOKEN`.
pub(crate) async fn run(command: RemoteCommand, token: Option<SecretString>, output: Output<'_>) -> anyhow::Result<()> {
    let client = |remote: &Remote| Client::new(remote, token);
    match command {
        RemoteCommand::Case(about) => case::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Job(about) => job::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Source(about) => source::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Site(about) => site::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Delivery(about) => delivery::run(about.command, &client(&about.remote)?, output).await,
    }
}

/// Prints the JSON of the API, or a table and the cursor of the next page.
fn print_list<T, const N: usize>(
    listed: &Listed<T>,
    heads: [&str; N],
    row: impl Fn(&T) -> [String; N],
    client: &Client,
    output: Output<'_>,
) -> anyhow::Result<()> {
    if client.prints_json() {
        writeln!(output, "{}", listed.json)?;
        return Ok(());
    }
    table::print(&heads, listed.items.iter().map(|item| row(item).to_vec()).collect(), output)?;
    if let Some(next) = &listed.next {
        writeln!(output, "\nmore items: --cursor {next}, or --all")?;
    }
    Ok(())
}

fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
