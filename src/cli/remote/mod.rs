//! The commands that work on a running daemon, over its admin API.
//!
//! They see nothing but what the API shows, and may do nothing that the token may not.

pub mod case;
mod client;
pub mod delivery;
mod format;
pub mod job;
pub mod site;
pub mod source;
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

/// Where what a command has to say is written.
pub type Output<'a> = &'a mut (dyn Write + Send);

/// A command that works on a running daemon.
#[derive(Debug, Subcommand)]
pub enum RemoteCommand {
    /// Find cases, see what happened to whom, stop it, approve it
    Case(About<CaseCommand>),
    /// See what is queued
    Job(About<JobCommand>),
    /// See which sources were heard, pause and resume them
    Source(About<SourceCommand>),
    /// See which sites are paused and why, and resume them
    Site(About<SiteCommand>),
    /// See what came, and have it read once more
    Delivery(About<DeliveryCommand>),
}

/// What to do, and with which daemon.
#[derive(Debug, Args)]
pub struct About<C: Subcommand> {
    #[command(subcommand)]
    command: C,
    #[command(flatten)]
    remote: Remote,
}

/// Which daemon, and in which form its answers are printed. The token is no argument: arguments can be seen by others.
#[derive(Debug, Args)]
pub struct Remote {
    /// The daemon's admin listener
    #[arg(long, env = "OFFBOARDD_URL", hide_env_values = true, default_value = "http://127.0.0.1:9090", global = true)]
    pub url: Url,
    /// Print the API's JSON as it is
    #[arg(long, global = true)]
    pub json: bool,
}

/// Which part of a list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// How many at most, 1 to 500
    #[arg(long, conflicts_with = "all")]
    pub limit: Option<u16>,
    /// Where an earlier page ended
    #[arg(long, conflicts_with = "all")]
    pub cursor: Option<String>,
    /// The whole list, however long
    #[arg(long)]
    pub all: bool,
}

/// Runs one command. `token` is what `OFFBOARDD_TOKEN` says.
pub async fn run(command: RemoteCommand, token: Option<SecretString>, output: Output<'_>) -> anyhow::Result<()> {
    let client = |remote: &Remote| Client::new(remote, token);
    match command {
        RemoteCommand::Case(about) => case::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Job(about) => job::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Source(about) => source::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Site(about) => site::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Delivery(about) => delivery::run(about.command, &client(&about.remote)?, output).await,
    }
}

/// Prints a list: the API's JSON, or a table and where it goes on.
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
        writeln!(output, "\nthere are more: --cursor {next}, or --all")?;
    }
    Ok(())
}

fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
