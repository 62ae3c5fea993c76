//! `offboardd import FILE.csv`: shows the plan, and with `--yes` opens exactly the planned cases.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::client::{Client, read};
use super::options::{Output, Remote};
use crate::admin::api::{ImportView, ProgressView};
use crate::domain::ids::{PolicyName, SiteName};
use crate::domain::import_format::ImportFormat;
use crate::duration::ConfigDuration;

/// How often the progress is read.
const POLL: Duration = Duration::from_millis(300);

/// How many lines of problems and cases are printed.
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
            write!(output, "{}", text(&plan))?;
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
        write!(output, "{}", text(&view))?;
        let (opened, id) = (view.done.unwrap_or_default(), view.import.unwrap_or_default());
        writeln!(output, "opened {opened} cases (import {id})")?;
    }
    Ok(())
}

/// The plan of now. A roster waits until the site's customers are read.
async fn plan(args: &ImportArgs, client: &Client, file: &[u8]) -> anyhow::Result<(String, ImportView)> {
    loop {
        let json = client.post_file(&["import"], &args.query(), file.to_vec()).await?;
        let view: ImportView = read(&json)?;
        if view.state != "listing" {
            return Ok((json, view));
        }
        show_progress("reading the site's customers");
        tokio::time::sleep(POLL).await;
    }
}

async fn wait_until_done(client: &Client, id: &str) -> anyhow::Result<ProgressView> {
    loop {
        let progress: ProgressView = read(&client.get(&["imports", id], &[]).await?)?;
        let finished = progress.opened.saturating_add(progress.skipped);
        show_progress(&bar(finished, progress.total));
        if progress.state == "done" {
            show_progress("");
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

/// The plan in words.
fn text(view: &ImportView) -> String {
    let ImportView { site, format, policy, policy_chosen, rows, .. } = view;
    let chosen = policy_chosen.as_str().replace('_', " ");
    let mut lines = vec![
        format!("{format} for site {site}, policy {policy} ({chosen})"),
        format!("{} cases, {} of them delete an account, which cannot be undone", view.count, view.irreversible),
        format!(
            "other rows: {} bad, {} duplicate, {} with an open case, {} excluded",
            rows.bad, rows.duplicate, rows.already_open, rows.excluded
        ),
    ];
    lines.extend(view.warning.iter().map(|warning| format!("warning: {warning}")));
    for problem in view.problems.iter().take(PRINTED) {
        lines.push(format!("  line {}: {}", problem.line, problem.problem));
    }
    if view.problems.len() > PRINTED {
        lines.push(format!("  and {} more; --json lists them", view.problems.len() - PRINTED));
    }
    for case in view.cases.iter().take(PRINTED) {
        let at = case.effective_at.map_or_else(|| "immediately".to_owned(), |at| at.to_string());
        let email = case.email.as_ref().map_or("", |email| email.as_str());
        lines.push(format!("  {email}  {}  {at}", case.action));
    }
    if view.count > PRINTED.min(view.cases.len()) {
        lines.push(format!("  and {} more", view.count - PRINTED.min(view.cases.len())));
    }
    lines.extend(view.digest.iter().map(|digest| format!("digest {digest}")));
    lines.join("\n") + "\n"
}

fn bar(finished: u32, total: u32) -> String {
    const WIDTH: u32 = 30;
    let filled = finished.saturating_mul(WIDTH).checked_div(total).unwrap_or(WIDTH).min(WIDTH);
    let full = usize::try_from(filled).unwrap_or_default();
    let rest = usize::try_from(WIDTH - filled).unwrap_or_default();
    format!("[{}{}] {finished} of {total}", "#".repeat(full), " ".repeat(rest))
}

/// Replaces the line of the progress, on a terminal only.
fn show_progress(text: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // A closed terminal has no reader.
        let shown = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
        drop(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_grows_with_the_progress() {
        assert_eq!(bar(0, 10_000), format!("[{}] 0 of 10000", " ".repeat(30)));
        assert_eq!(bar(5_000, 10_000), format!("[{}{}] 5000 of 10000", "#".repeat(15), " ".repeat(15)));
        assert_eq!(bar(0, 0), format!("[{}] 0 of 0", "#".repeat(30)));
    }
}
