//! `offboardd completions` and `offboardd man`: both are made from the definition of the commands.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use serde_json::json;

use super::output::{print_out, print_report};

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd completions bash")]
pub(super) struct Completions {
    /// Shell
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd man /usr/local/share/man/man1")]
pub(super) struct Man {
    /// Folder, which must exist
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the completions for a shell.
pub(super) fn completions(arguments: &Completions, mut command: Command) {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    print_out(&String::from_utf8_lossy(&script));
}

/// Writes one manual page for each command.
pub(super) fn man(arguments: &Man, command: Command) -> anyhow::Result<()> {
    let dir = &arguments.dir;
    clap_mangen::generate_to(command, dir).with_context(|| format!("cannot write to `{}`", dir.display()))?;
    let report = json!({ "folder": dir.display().to_string() });
    print_report(arguments.json, &report, &format!("wrote the manual pages to {}\n", dir.display()));
    Ok(())
}
