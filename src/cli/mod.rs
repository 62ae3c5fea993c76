//! The command line: one file a command.
//!
//! Exit codes: 0 done, 1 failed (the reason on standard error, in one line, then details), 2 misuse.

mod backup;
pub mod check;
mod demo;
mod explain;
mod healthcheck;
mod journal;
mod migrate;
mod output;
mod preset;
pub mod remote;
mod restore;
mod sandbox;
mod send;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;

use self::output::print_out;
use crate::settings::Settings;
use crate::telemetry;

/// Turns a signed "this person left" webhook into the revocation or deletion of a Jira Service Management portal-only
/// customer: durably, once, on time, and with proof.
#[derive(Debug, Parser)]
#[command(name = "offboardd", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Command,
}

/// Where the settings are.
#[derive(Debug, Clone, Args)]
struct Config {
    /// The settings file
    #[arg(long, env = "OFFBOARDD_CONFIG", default_value = "offboardd.toml", value_name = "FILE", global = true)]
    config: PathBuf,
}

impl Config {
    fn load(&self) -> anyhow::Result<Settings> {
        Ok(Settings::load(&self.config)?)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    Serve,
    /// See the whole thing on this machine, with no account anywhere: days pass in a quarter of a second
    Demo(demo::Arguments),
    /// Run a sandbox Atlassian site, for your own tests
    Sandbox(sandbox::Arguments),
    /// Read the settings, resolve their secrets, and print them as they take effect
    Check(check::Arguments),
    /// Sign a body as a source's vendor would, and post it
    Send(send::Arguments),
    /// Say which events are read out of a body, what would be done about each, and why; changes nothing
    Explain(explain::Arguments),
    /// The vendors that are known by name
    #[command(subcommand)]
    Preset(preset::Preset),
    /// The append-only history
    #[command(subcommand)]
    Journal(journal::Command),
    /// Write a consistent copy of a running database
    Backup(backup::Arguments),
    /// Put a backup in the place of the database; no daemon may run
    Restore(restore::Arguments),
    /// Bring a database to this version's schema
    Migrate,
    /// Say whether a daemon is ready, for container health checks
    Healthcheck(healthcheck::Arguments),
    #[command(flatten)]
    Remote(remote::RemoteCommand),
}

/// Runs the command that the command line names.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Nobody listens any more when even this cannot be said.
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run(cli.command, &cli.config)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => {
            telemetry::start();
            serve::run(config.load()?).await?;
        }
        Command::Demo(arguments) => {
            // The story says what happens; a refused forgery and a daily look in vain are part of it, not news.
            telemetry::start_with("error");
            demo::run(arguments).await?;
        }
        Command::Sandbox(arguments) => {
            telemetry::start();
            sandbox::run(arguments).await?;
        }
        Command::Check(arguments) => return check::run(&arguments, config).await,
        Command::Send(arguments) => send::run(arguments, config).await?,
        Command::Explain(arguments) => return explain::run(&arguments, config),
        Command::Preset(command) => preset::run(&command)?,
        Command::Journal(command) => return journal::run(command, config).await,
        Command::Backup(arguments) => backup::run(&arguments, config).await?,
        Command::Restore(arguments) => restore::run(&arguments, config).await?,
        Command::Migrate => migrate::run(&config.load()?).await?,
        Command::Healthcheck(arguments) => healthcheck::run(arguments, config).await?,
        Command::Remote(command) => {
            let mut text = Vec::new();
            let done = remote::run(command, token(), &mut text).await;
            print_out(&String::from_utf8_lossy(&text));
            done?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Who we are at a running daemon. From the environment alone: arguments can be seen by others.
fn token() -> Option<SecretString> {
    std::env::var("OFFBOARDD_TOKEN").ok().map(SecretString::from)
}

/// The reason in one line, then what lies under it.
fn failed(error: &anyhow::Error) -> ExitCode {
    let mut chain = error.chain();
    let mut text = format!("offboardd: {}\n", chain.next().map(ToString::to_string).unwrap_or_default());
    for cause in chain {
        text.push_str("  because: ");
        text.push_str(&cause.to_string());
        text.push('\n');
    }
    output::print_err(&text);
    ExitCode::FAILURE
}
