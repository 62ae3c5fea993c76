//! `offboardd doctor`: looks for what should not be there.

mod files;
mod finding;
mod online;

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use self::finding::Finding;
use super::config::Config;
use super::output::print_out;
use crate::app;
use crate::domain::person::EmailAddress;
use crate::proof::search::Search;
use crate::store::is_database;

/// The longest standard input that is read.
const LONGEST_INPUT: u64 = 1 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd doctor --also /backup/offboardd-2026-11-26.db")]
pub(super) struct Arguments {
    /// Further files to look through, such as backups and logs
    #[arg(long, value_name = "FILE", num_args = 1..)]
    also: Vec<PathBuf>,
    /// Compare each open case with the account at its site; needs the site's credentials and changes nothing
    #[arg(long)]
    online: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    files: Vec<String>,
    addresses: usize,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_cases: Option<Vec<online::OpenCase>>,
}

pub(super) async fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let settings = config.load()?;
    let database = app::database_file(&settings, "`offboardd journal verify`")?;
    anyhow::ensure!(database.path.exists(), "no database at `{}`", database.path.display());
    let addresses = read_addresses()?;
    let search = search(&addresses);
    let own = files::beside(&database.path)?;
    let mut findings = Vec::new();
    for path in own.iter().chain(&arguments.also) {
        let is_copy = !own.contains(path);
        findings.extend(files::look_through(path, &search, is_copy).await?);
        if *path != database.path && is_database(path).await {
            findings.extend(files::look_for_keys(&database, path).await?);
        }
    }
    for older in database.compare_with_anchors(settings.evidence.anchor.as_deref()).await? {
        let place = database.path.display().to_string();
        findings.push(Finding { kind: "older", place, detail: older.detail });
    }
    let open_cases = if arguments.online {
        let open_cases = online::compare(&settings, &database).await?;
        findings.extend(open_cases.iter().filter_map(online::OpenCase::finding));
        Some(open_cases)
    } else {
        None
    };
    let files = own.iter().chain(&arguments.also).map(|path| path.display().to_string()).collect();
    let report = Report { files, addresses: addresses.len(), findings, open_cases };
    let text = if arguments.json { serde_json::to_string(&report)? + "\n" } else { text(&report) };
    print_out(&text);
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The addresses on standard input; none on a terminal.
fn read_addresses() -> anyhow::Result<Vec<String>> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(Vec::new());
    }
    let mut text = String::new();
    stdin.lock().take(LONGEST_INPUT).read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Every address as it was given, and in the other spellings of its domain.
fn search(addresses: &[String]) -> Search {
    let mut texts = addresses.to_vec();
    for address in addresses {
        if let Ok(email) = EmailAddress::parse(address) {
            texts.push(email.as_str().to_owned());
            texts.extend(email.other_spellings());
        }
    }
    Search::new(&texts)
}

fn text(report: &Report) -> String {
    let mut text = format!("looked through {} files for {} addresses\n", report.files.len(), report.addresses);
    for case in report.open_cases.iter().flatten() {
        text.extend(["open case ", &case.line(), "\n"]);
    }
    for Finding { kind, place, detail } in &report.findings {
        text.extend(["found (", kind, "): ", place, ": ", detail, "\n"]);
    }
    text.push_str(if report.findings.is_empty() { "nothing was found that should not be there\n" } else { "" });
    text
}
