//! The commands that work on a running daemon, over its admin API.
//!
//! They use only the API, with the rights of the token.

mod bulk;
pub(crate) mod case;
mod case_text;
mod client;
pub(crate) mod delivery;
pub(crate) mod evidence;
mod facts;
pub(crate) mod fence;
mod history_text;
pub(crate) mod import;
pub(crate) mod job;
mod list;
mod names;
pub(crate) mod options;
pub(crate) mod screen;
pub(crate) mod site;
pub(crate) mod source;
mod status;
mod table;
mod times;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use secrecy::SecretString;

use self::case::CaseCommand;
use self::client::Client;
pub(crate) use self::client::Misuse;
use self::delivery::DeliveryCommand;
use self::evidence::EvidenceArgs;
use self::fence::FenceCommand;
use self::import::ImportArgs;
use self::job::JobCommand;
use self::options::{Output, Remote};
use self::screen::Screen;
use self::site::SiteCommand;
use self::source::SourceCommand;

/// A command that works on a running daemon.
#[derive(Debug, Subcommand)]
pub(crate) enum RemoteCommand {
    /// Show the state of the daemon on one screen; exits with 1 when something is wrong
    #[command(after_help = "Example: offboardd status")]
    Status(Remote),
    /// List, inspect, approve and stop cases
    Case(About<CaseCommand>),
    /// List jobs
    Job(About<JobCommand>),
    /// List, pause, resume and release sources
    Source(About<SourceCommand>),
    /// List, pause and resume sites
    Site(About<SiteCommand>),
    /// List, inspect, explain and replay deliveries
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
pub(crate) async fn run(
    command: RemoteCommand,
    token: Option<SecretString>,
    screen: Screen,
    output: Output<'_>,
) -> anyhow::Result<ExitCode> {
    let client = |remote: &Remote| Client::new(remote, token, screen);
    match command {
        RemoteCommand::Status(remote) => {
            let ok = status::run(&client(&remote)?, output).await?;
            return Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        RemoteCommand::Case(about) => case::run(about.command, &client(&about.remote)?, output).await?,
        RemoteCommand::Job(about) => job::run(about.command, &client(&about.remote)?, output).await?,
        RemoteCommand::Source(about) => source::run(about.command, &client(&about.remote)?, output).await?,
        RemoteCommand::Site(about) => site::run(about.command, &client(&about.remote)?, output).await?,
        RemoteCommand::Delivery(about) => return delivery::run(about.command, &client(&about.remote)?, output).await,
        RemoteCommand::Import(args) => import::run(&args, &client(&args.remote)?, output).await?,
        RemoteCommand::Evidence(args) => evidence::run(args, client, output).await?,
        RemoteCommand::Fence(about) => fence::run(about.command, &client(&about.remote)?, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}
