//! `offboardd delivery …`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::client::{Client, read};
use super::facts::print_facts;
use super::list::{or_dash, print_list};
use super::names::DeliveryName;
use super::options::{ListArgs, Output};
use super::table;
use super::times::{Times, end_of};
use crate::admin::api::{DeliveryView, EventView};
use crate::domain::ids::SourceName;
use crate::explain::Explanation;
use crate::store::DeliveryStatus;

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveryCommand {
    /// List deliveries, newest first
    #[command(after_help = "Example: offboardd delivery list --status unreadable")]
    List(DeliveryListArgs),
    /// Show one delivery and its events
    #[command(after_help = "Example: offboardd delivery show 89abcdef")]
    Show {
        /// Id of the delivery, or its end from 4 characters on
        delivery: DeliveryName,
        /// Print the stored body as well; for approvers, and written into the journal
        #[arg(long)]
        body: bool,
    },
    /// Explain the stored body with the settings of now; exits with 1 if an item is unreadable
    #[command(after_help = "Example: offboardd delivery explain 89abcdef")]
    Explain {
        /// Id of the delivery, or its end from 4 characters on
        delivery: DeliveryName,
    },
    /// Read a stored delivery again, after a fix of the mapping
    #[command(after_help = "Example: offboardd delivery replay 89abcdef")]
    Replay {
        /// Id of the delivery, or its end from 4 characters on
        delivery: DeliveryName,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DeliveryListArgs {
    /// Only deliveries of this source
    #[arg(long)]
    pub(crate) source: Option<SourceName>,
    /// Only deliveries with this status: received, routed or unreadable
    #[arg(long)]
    pub(crate) status: Option<DeliveryStatus>,
    #[command(flatten)]
    pub(crate) page: ListArgs,
}

pub(super) async fn run(command: DeliveryCommand, client: &Client, output: Output<'_>) -> anyhow::Result<ExitCode> {
    let json = match command {
        DeliveryCommand::List(args) => {
            list(args, client, output).await?;
            return Ok(ExitCode::SUCCESS);
        }
        DeliveryCommand::Explain { delivery } => return explain(&delivery, client, output).await,
        DeliveryCommand::Show { delivery, body } => {
            let query = if body { vec![("body", "true".to_owned())] } else { Vec::new() };
            client.get(&["deliveries", delivery.as_str()], &query).await?
        }
        DeliveryCommand::Replay { delivery } => {
            client.post_reason(&["deliveries", delivery.as_str(), "replay"], None).await?
        }
    };
    if client.prints_json() {
        writeln!(output, "{json}")?;
    } else {
        print_delivery(&read(&json)?, client, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn explain(delivery: &DeliveryName, client: &Client, output: Output<'_>) -> anyhow::Result<ExitCode> {
    let json = client.get(&["deliveries", delivery.as_str(), "explain"], &[]).await?;
    let explanation: Explanation = read(&json)?;
    if client.prints_json() {
        writeln!(output, "{json}")?;
    } else {
        write!(output, "{}", explanation.render())?;
    }
    Ok(if explanation.is_readable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn list(args: DeliveryListArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let filter = [("source", args.source.map(String::from)), ("status", args.status.map(|status| status.to_string()))];
    let listed = client.list::<DeliveryView>("deliveries", &filter, &args.page).await?;
    let times = client.times();
    let heads = ["delivery", "source", "received", "status", "problem"];
    print_list(&listed, heads, |delivery| row(delivery, &times), client, output)
}

fn row(delivery: &DeliveryView, times: &Times) -> [String; 5] {
    [
        end_of(&delivery.id),
        delivery.source.to_string(),
        times.distance(delivery.received_at),
        delivery.status.to_string(),
        or_dash(delivery.problem.as_ref()),
    ]
}

fn print_delivery(delivery: &DeliveryView, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let times = client.times();
    writeln!(output, "delivery {}", delivery.id)?;
    let body = if delivery.replayable { "stored, can be replayed" } else { "expired" };
    let next = match delivery.status {
        DeliveryStatus::Unreadable if delivery.replayable => {
            Some(format!("offboardd delivery explain {}, fix the mapping, then delivery replay", end_of(&delivery.id)))
        }
        DeliveryStatus::Unreadable => Some("have the vendor resend it".to_owned()),
        DeliveryStatus::Received | DeliveryStatus::Routed => None,
    };
    let facts = [
        ("source", Some(delivery.source.to_string())),
        ("received", Some(times.full(delivery.received_at))),
        ("status", Some(delivery.status.to_string())),
        ("routed", delivery.routed_at.map(|at| times.full(at))),
        ("problem", delivery.problem.clone()),
        ("body", Some(body.to_owned())),
        ("next", next),
    ];
    print_facts(&facts, client.screen(), output)?;
    let events = delivery.events.iter().flatten().map(event_row).collect();
    writeln!(output)?;
    table::print(&["no", "event", "status", "case", "reason"], events, client.screen(), output)?;
    if let Some(body) = &delivery.body {
        writeln!(output, "\n{body}")?;
    }
    Ok(())
}

fn event_row(event: &EventView) -> Vec<String> {
    vec![
        event.position.to_string(),
        event.event_type.clone(),
        event.status.to_string(),
        event.case.as_ref().map_or_else(|| "-".to_owned(), end_of),
        or_dash(event.reason.as_ref()),
    ]
}
