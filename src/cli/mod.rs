//! The command line: one file per command.
//!
//! Exit codes: 0 done, 1 failed (the reason on standard error in one line, then its causes), 2 misuse.

mod backup;
pub(crate) mod check;
mod config;
mod demo;
mod doctor;
mod explain;
mod generate;
mod healthcheck;
mod journal;
mod key;
mod migrate;
mod output;
mod preset;
mod progress;
pub(crate) mod remote;
mod restore;
mod sandbox;
mod send;
mod serve;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory as _, Parser, Subcommand};
use secrecy::SecretString;

use self::config::Config;
use self::output::{print_err, print_out};
use crate::telemetry;

/// The version, and the revision of the source if the build named one.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    option_env!("OFFBOARDD_REVISION").map_or_else(|| version.to_owned(), |revision| format!("{version} ({revision})"))
});

/// Turns a signed "this person left" webhook into the revocation or deletion of a Jira Service Management portal-only
/// customer: durably, once, on time, and with proof.
#[derive(Debug, Parser)]
#[command(name = "offboardd", version = VERSION.as_str(), arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    #[command(after_help = "Example: offboardd serve --config /etc/offboardd.toml")]
    Serve,
    /// Run a local demonstration without any account; a day takes 250 ms
    Demo(demo::Arguments),
    /// Run a sandbox Atlassian site for your own tests
    Sandbox(sandbox::Arguments),
    /// Validate the settings, resolve their secrets, and print the effective settings and warnings
    Check(check::Arguments),
    /// Sign a body as a source's vendor would, and post it
    Send(send::Arguments),
    /// Explain which events a body contains and what each would do; changes nothing
    Explain(explain::Arguments),
    /// List and show the built-in vendor presets
    #[command(subcommand)]
    Preset(preset::Preset),
    /// Verify the append-only journal
    #[command(subcommand)]
    Journal(journal::Command),
    /// Look for what should not be there: email addresses in files, keys of closed cases in backups, an older database
    ///
    /// The email addresses to search are read from standard input, one on a line. None is printed.
    Doctor(doctor::Arguments),
    /// Manage the key that encrypts personal data
    #[command(subcommand)]
    Key(key::Command),
    /// Write a consistent copy of the database, also while the daemon runs
    Backup(backup::Arguments),
    /// Replace the database with a backup; stop the daemon first
    Restore(restore::Arguments),
    /// Update a database to this version's schema, or move it to another engine
    Migrate(migrate::Arguments),
    /// Test whether a daemon runs or is ready, for container health checks
    Healthcheck(healthcheck::Arguments),
    /// Print the OpenAPI document of the admin API
    #[command(after_help = "Example: offboardd openapi")]
    Openapi,
    /// Print the completions for a shell
    Completions(generate::Completions),
    /// Write the manual pages
    Man(generate::Man),
    #[command(flatten)]
    Remote(remote::RemoteCommand),
}

/// Runs the command that the command line names.
pub fn main() -> ExitCode {
    if std::env::args_os().len() < 2 {
        // The parser prints the help only if no variable of the environment sets an option.
        print_err(&Cli::command().render_help().to_string());
        return ExitCode::from(2);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Printing fails only when the output is closed.
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run(cli.command, &cli.config)) {
        Ok(_) if output::is_cut() => ExitCode::FAILURE,
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => serve::run(config).await?,
        Command::Demo(arguments) => {
            // The demo prints its own progress; its rejected requests and empty reads are expected.
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
        Command::Doctor(arguments) => return doctor::run(&arguments, config).await,
        Command::Key(command) => return key::run(command, config).await,
        Command::Backup(arguments) => backup::run(&arguments, config).await?,
        Command::Restore(arguments) => restore::run(&arguments, config).await?,
        Command::Migrate(arguments) => migrate::run(&arguments, &config.load()?).await?,
        Command::Healthcheck(arguments) => healthcheck::run(arguments).await?,
        Command::Completions(arguments) => generate::completions(&arguments, Cli::command()),
        Command::Man(arguments) => generate::man(&arguments, Cli::command())?,
        Command::Openapi => print_out(crate::admin::openapi()),
        Command::Remote(command) => {
            let mut text = Vec::new();
            let done = remote::run(command, token(), remote::screen::Screen::detect(), &mut text).await;
            print_out(&String::from_utf8_lossy(&text));
            return done;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The API token. Only from the environment: other users of the machine can see arguments.
fn token() -> Option<SecretString> {
    std::env::var("OFFBOARDD_TOKEN").ok().map(SecretString::from)
}

/// Prints the error in one line and then its causes.
fn failed(error: &anyhow::Error) -> ExitCode {
    let mut chain = error.chain();
    let mut text = format!("offboardd: {}\n", chain.next().map(ToString::to_string).unwrap_or_default());
    for cause in chain {
        text.push_str("  because: ");
        text.push_str(&cause.to_string());
        text.push('\n');
    }
    print_err(&text);
    if error.is::<remote::Misuse>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    /// The commands without subcommands, by their full names.
    fn leaves(command: &Command, name: &str) -> Vec<(String, Command)> {
        let subcommands = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        let leaves: Vec<_> =
            subcommands.flat_map(|inner| leaves(inner, &format!("{name} {}", inner.get_name()))).collect();
        if leaves.is_empty() { vec![(name.to_owned(), command.clone())] } else { leaves }
    }

    #[test]
    fn help_of_every_command_ends_with_a_valid_example() {
        for (name, command) in leaves(&Cli::command(), "offboardd") {
            let help = command.get_after_help().unwrap_or_else(|| panic!("`{name}` has no example")).to_string();
            let example = help.strip_prefix("Example: ").unwrap_or_else(|| panic!("`{name}`: {help}"));
            assert!(example.starts_with(&name), "`{name}`: {example}");
            let parsed = Cli::try_parse_from(example.split(' '));
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn every_command_that_reports_prints_json_on_demand() {
        // They run until they are stopped, print a script or print JSON anyway.
        let others = ["serve", "demo", "sandbox", "openapi", "completions"].map(|name| format!("offboardd {name}"));
        let mut cli = Cli::command();
        cli.build();
        for (name, command) in leaves(&cli, "offboardd") {
            let takes_json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
            assert_eq!(takes_json, !others.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_command_has_a_description() {
        for (name, command) in leaves(&Cli::command(), "offboardd") {
            assert!(command.get_about().is_some(), "{name}");
        }
    }
}
