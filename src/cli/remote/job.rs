//! `offboardd job …`.

use clap::{Args, Subcommand};

use super::client::Client;
use super::list::print_list;
use super::options::{ListArgs, Output};
use super::table::unbroken;
use super::times::{Times, end_of};
use crate::admin::api::JobListing;
use crate::domain::case::JobKind;
use crate::store::JobState;

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs, newest first
    #[command(after_help = "Example: offboardd job list --state queued --kind delete")]
    List(JobListArgs),
}

#[derive(Debug, Args)]
pub(crate) struct JobListArgs {
    /// Only jobs in this state: queued, running, done or cancelled
    #[arg(long)]
    pub(crate) state: Option<JobState>,
    /// Only jobs of this kind: revoke, detach, delete, verify, restore or reinvite
    #[arg(long)]
    pub(crate) kind: Option<JobKind>,
    #[command(flatten)]
    pub(crate) page: ListArgs,
}

pub(super) async fn run(command: JobCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let JobCommand::List(args) = command;
    let filter =
        [("state", args.state.map(|state| state.to_string())), ("kind", args.kind.map(|kind| kind.to_string()))];
    let listed = client.list::<JobListing>("jobs", &filter, &args.page).await?;
    let times = client.times();
    print_list(
        &listed,
        ["case", "job", "state", "due", "tries", "site", "note"],
        |job| row(job, &times),
        client,
        output,
    )
}

fn row(listing: &JobListing, times: &Times) -> [String; 7] {
    let JobListing { job, case, site, source: _, blocked } = listing;
    let mut notes: Vec<String> = blocked.iter().map(|blocked| blocked.meaning.clone()).collect();
    notes.extend(job.last_error.clone());
    [
        end_of(case),
        job.kind.to_string(),
        job.state.to_string(),
        format!("{} {}", unbroken(&Times::utc(job.due_at)), unbroken(&times.distance(job.due_at))),
        job.attempts.to_string(),
        site.to_string(),
        if notes.is_empty() { "-".to_owned() } else { notes.join("; ") },
    ]
}
