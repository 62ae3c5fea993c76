//! `offboardd job …`.

use clap::{Args, Subcommand};

use super::client::Client;
use super::list::{or_dash, print_list};
use super::options::{ListArgs, Output};
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
    /// Only jobs of this kind
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
    let heads = ["job", "kind", "state", "due", "attempts", "case", "site", "last error"];
    print_list(&listed, heads, row, client, output)
}

fn row(JobListing { job, case, site }: &JobListing) -> [String; 8] {
    [
        job.id.to_string(),
        job.kind.to_string(),
        job.state.to_string(),
        job.due_at.to_string(),
        job.attempts.to_string(),
        case.to_string(),
        site.to_string(),
        or_dash(job.last_error.as_ref()),
    ]
}
