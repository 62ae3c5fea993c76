//! The commands that work on a running daemon, over its admin API.
//!
//! They use only the API, with the rights of the token.

pub(crate) mod case;
mod client;
pub(crate) mod delivery;
pub(crate) mod evidence;
pub(crate) mod fence;
mod format;
pub(crate) mod import;
pub(crate) mod job;
mod list;
pub(crate) mod options;
pub(crate) mod site;
pub(crate) mod source;
mod table;

#[cfg(test)]
mod tests;

use clap::{Args, Subcommand};
use secrecy::SecretString;

use self::case::CaseCommand;
use self::client::Client;
use self::delivery::DeliveryCommand;
use self::evidence::EvidenceArgs;
use self::fence::FenceCommand;
use self::import::ImportArgs;
use self::job::JobCommand;
use self::options::{Output, Remote};
use self::site::SiteCommand;
use self::source::SourceCommand;

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
    /// Open many cases from a CSV file: shows the plan first
    Import(ImportArgs),
    /// Export and verify signed proof of a case or of a period
    Evidence(EvidenceArgs),
    /// Show and lift the stop of all changes after the database was changed or restored
    Fence(About<FenceCommand>),
}

/// A subcommand and the daemon that it calls.
#[derive(Debug, Args)]
pub(crate) struct About<C: Subcommand> {
    #[command(subcommand)]
    command: C,
    #[command(flatten)]
    remote: Remote,
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
        RemoteCommand::Import(args) => import::run(&args, &client(&args.remote)?, output).await,
        RemoteCommand::Evidence(args) => evidence::run(args, client, output).await,
        RemoteCommand::Fence(about) => fence::run(about.command, &client(&about.remote)?, output).await,
    }
}
