//! `offboardd import FILE.csv`: shows the plan, and with `--yes` opens exactly the planned cases.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::client::{Client, read};
use super::options::{Output, Remote};
use super::table;
use crate::admin::api::{ImportView, ProgressView};
use crate::cli::progress;
use crate::domain::ids::{PolicyName, SiteName};
use crate::domain::import_format::ImportFormat;
use crate::duration::ConfigDuration;

/// How often the progress is read.
const POLL: Duration = Duration::from_millis(300);

/// The number of problems and cases that are printed.
const PRINTED: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd import leavers.csv --reason reorganization --yes")]
pub(crate) struct ImportArgs {
    /// CSV file with a header; `-`: standard input
    file: PathBuf,
    /// Contents of the file: `departures` (the people who leave), `atlassian-export`, or `roster` (the people who stay)
    /// [default: departures]
    #[arg(long, default_value_t, hide_default_value = true)]
    format: ImportFormat,
    /// Site [default: the only one]
    #[arg(long)]
    site: Option<SiteName>,
    /// Policy [default: the most careful one of the site's sources]
    #[arg(long)]
    policy: Option<PolicyName>,
    /// Only email addresses of this domain; required for a roster
    #[arg(long)]
    domain: Option<String>,
    /// Only customers without activity for so long, for `atlassian-export`
    #[arg(long, value_name = "DURATION")]
    inactive_for: Option<ConfigDuration>,
    /// Reason for the history; required with --yes
    #[arg(long)]
    reason: Option<String>,
    /// Digest of the reviewed plan: any other plan is refused [default: the plan of now]
    #[arg(long, requires = "yes")]
    digest: Option<String>,
    /// Open the cases
    #[arg(long, requires = "reason")]
    yes: bool,
    #[command(flatten)]
    pub(super) remote: Remote,
}

pub(super) async fn run(args: &ImportArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let file = read_file(args)?;
    let (json, plan) = plan(args, client, &file).await?;
    if !args.yes {
        if client.prints_json() {
            writeln!(output, "{json}")?;
        } else {
            print_plan(&plan, client, output)?;
            writeln!(output, "Nothing was done. To open these cases, add: --reason WHY --yes")?;
        }
        return Ok(());
    }
    let digest = args.digest.clone().or_else(|| plan.digest.clone()).context("the daemon returned no digest")?;
    let mut query = args.query();
    query.push(("digest", digest));
    query.extend(args.reason.clone().map(|reason| ("reason", reason)));
    let mut json = client.post_file(&["import"], &query, file).await?;
    let mut view: ImportView = read(&json)?;
    if view.state == "running"
        && let Some(id) = view.import.clone()
    {
        let progress = wait_until_done(client, &id).await?;
        view.state = progress.state;
        view.done = Some(progress.opened);
        json = serde_json::to_string(&view)?;
    }
    if client.prints_json() {
        writeln!(output, "{json}")?;
    } else {
        print_plan(&view, client, output)?;
        let (opened, id) = (view.done.unwrap_or_default(), view.import.unwrap_or_default());
        writeln!(output, "opened {opened} cases (import {id})")?;
    }
    Ok(())
}

/// The plan of now. A roster waits until the site's customers are read.
async fn plan(args: &ImportArgs, client: &Client, file: &[u8]) -> anyhow::Result<(String, ImportView)> {
    let mut reading = None;
    loop {
        let json = client.post_file(&["import"], &args.query(), file.to_vec()).await?;
        let view: ImportView = read(&json)?;
        if view.state != "listing" {
            return Ok((json, view));
        }
        reading.get_or_insert_with(|| progress::working("reading the site's customers"));
        tokio::time::sleep(POLL).await;
    }
}

async fn wait_until_done(client: &Client, id: &str) -> anyhow::Result<ProgressView> {
    let bar = progress::steps("cases");
    loop {
        let progress: ProgressView = read(&client.get(&["imports", id], &[]).await?)?;
        bar.set_length(progress.total.into());
        bar.set_position(progress.opened.saturating_add(progress.skipped).into());
        if progress.state == "done" {
            bar.finish_and_clear();
            return Ok(progress);
        }
        tokio::time::sleep(POLL).await;
    }
}

impl ImportArgs {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("format", self.format.to_string())];
        query.extend(self.site.as_ref().map(|site| ("site", site.to_string())));
        query.extend(self.policy.as_ref().map(|policy| ("policy", policy.to_string())));
        query.extend(self.domain.clone().map(|domain| ("domain", domain)));
        query.extend(self.inactive_for.map(|duration| ("inactive_for", duration.to_string())));
        query
    }
}

fn read_file(args: &ImportArgs) -> anyhow::Result<Vec<u8>> {
    let name = args.file.display();
    let bytes = if args.file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).context("cannot read standard input")?;
        bytes
    } else {
        std::fs::read(&args.file).with_context(|| format!("cannot read `{name}`"))?
    };
    if bytes.is_empty() {
        bail!("`{name}` is empty");
    }
    Ok(bytes)
}

fn print_plan(view: &ImportView, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let ImportView { site, format, policy, policy_chosen, rows, .. } = view;
    let chosen = policy_chosen.as_str().replace('_', " ");
    writeln!(output, "{format} for site {site}, policy {policy} ({chosen})")?;
    let noun = if view.count == 1 { "case" } else { "cases" };
    writeln!(output, "{} {noun}, {} with a deletion, which cannot be undone", view.count, view.irreversible)?;
    writeln!(
        output,
        "other rows: {} bad, {} duplicate, {} with an open case, {} excluded",
        rows.bad, rows.duplicate, rows.already_open, rows.excluded
    )?;
    if let Some(warning) = &view.warning {
        writeln!(output, "{}", client.screen().red(&format!("warning: {warning}")))?;
    }
    print_problems(view, client, output)?;
    print_cases(view, client, output)?;
    if let Some(digest) = &view.digest {
        writeln!(output, "digest {digest}")?;
    }
    Ok(())
}

fn print_problems(view: &ImportView, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    if view.problems.is_empty() {
        return Ok(());
    }
    let shown = view.problems.iter().take(PRINTED);
    let rows = shown.map(|problem| vec![problem.line.to_string(), problem.problem.clone()]).collect();
    writeln!(output)?;
    table::print(&["line", "problem"], rows, client.screen(), output)?;
    if let Some(more) = view.problems.len().checked_sub(PRINTED).filter(|more| *more > 0) {
        writeln!(output, "… and {more} more; --json lists them")?;
    }
    Ok(())
}

fn print_cases(view: &ImportView, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let times = client.times();
    let shown = view.cases.iter().take(PRINTED);
    let rows: Vec<Vec<String>> = shown
        .map(|case| {
            let person = case.email.as_ref().map_or("-", |email| email.as_str()).to_owned();
            let effective = case.effective_at.map_or_else(|| "immediately".to_owned(), |at| times.full(at));
            vec![person, case.action.to_string(), effective]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let printed = rows.len();
    writeln!(output)?;
    table::print(&["person", "action", "effective"], rows, client.screen(), output)?;
    if let Some(more) = view.count.checked_sub(printed).filter(|more| *more > 0) {
        writeln!(output, "… and {more} more")?;
    }
    writeln!(output)?;
    Ok(())
}
