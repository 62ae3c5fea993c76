//! `offboardd delivery …`.

use clap::{Args, Subcommand};

use super::client::{Client, read};
use super::list::{or_dash, print_list};
use super::options::{ListArgs, Output};
use super::table;
use crate::admin::api::{DeliveryView, EventView};
use crate::domain::ids::{DeliveryId, SourceName};
use crate::store::DeliveryStatus;

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveryCommand {
    /// List deliveries, newest first
    #[command(after_help = "Example: offboardd delivery list --status unreadable")]
    List(DeliveryListArgs),
    /// Show one delivery and its events
    #[command(after_help = "Example: offboardd delivery show 019a2b3c-4d5e-7f60-8123-456789abcdef")]
    Show {
        /// Id of the delivery
        delivery: DeliveryId,
    },
    /// Read a stored delivery again, after a fix of the mapping
    #[command(after_help = "Example: offboardd delivery replay 019a2b3c-4d5e-7f60-8123-456789abcdef")]
    Replay {
        /// Id of the delivery
        delivery: DeliveryId,
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

pub(super) async fn run(command: DeliveryCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let json = match command {
        DeliveryCommand::List(args) => return list(args, client, output).await,
        DeliveryCommand::Show { delivery } => client.get(&["deliveries", &delivery.to_string()], &[]).await?,
        DeliveryCommand::Replay { delivery } => {
            client.post_reason(&["deliveries", &delivery.to_string(), "replay"], None).await?
        }
    };
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    print_delivery(&read(&json)?, output)
}

async fn list(args: DeliveryListArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let filter = [("source", args.source.map(String::from)), ("status", args.status.map(|status| status.to_string()))];
    let listed = client.list::<DeliveryView>("deliveries", &filter, &args.page).await?;
    print_list(&listed, ["delivery", "source", "received", "status", "problem"], row, client, output)
}

fn row(delivery: &DeliveryView) -> [String; 5] {
    [
        delivery.id.to_string(),
        delivery.source.to_string(),
        delivery.received_at.to_string(),
        delivery.status.to_string(),
        or_dash(delivery.problem.as_ref()),
    ]
}

fn print_delivery(delivery: &DeliveryView, output: Output<'_>) -> anyhow::Result<()> {
    writeln!(output, "delivery {}", delivery.id)?;
    let body = if delivery.replayable { "stored, can be replayed" } else { "expired" };
    let facts = [
        ("source", Some(delivery.source.to_string())),
        ("received", Some(delivery.received_at.to_string())),
        ("status", Some(delivery.status.to_string())),
        ("routed", delivery.routed_at.map(|at| at.to_string())),
        ("problem", delivery.problem.clone()),
        ("body", Some(body.to_owned())),
    ];
    table::print_facts(&facts, output)?;
    let events = delivery.events.iter().flatten().map(event_row).collect();
    writeln!(output)?;
    Ok(table::print(&["no", "event", "status", "reason", "case"], events, output)?)
}

fn event_row(event: &EventView) -> Vec<String> {
    vec![
        event.position.to_string(),
        event.event_type.clone(),
        event.status.to_string(),
        or_dash(event.reason.as_ref()),
        or_dash(event.case.as_ref()),
    ]
}
