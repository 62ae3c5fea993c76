//! `offboardd delivery …`.

use clap::{Args, Subcommand};

use super::client::{Client, read};
use super::{ListArgs, Output, or_dash, print_list, table};
use crate::admin::api::{DeliveryView, EventView};
use crate::domain::ids::{DeliveryId, SourceName};
use crate::store::DeliveryStatus;

/// See what came, and have it read once more.
#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// List deliveries, newest first
    List(DeliveryListArgs),
    /// Show one delivery and what was read out of it
    Show {
        /// The delivery
        delivery: DeliveryId,
    },
    /// Have a delivery read once more, after the mapping was mended
    Replay {
        /// The delivery
        delivery: DeliveryId,
    },
}

/// Which deliveries.
#[derive(Debug, Args)]
pub struct DeliveryListArgs {
    /// Of this source
    #[arg(long)]
    pub source: Option<SourceName>,
    /// In this status
    #[arg(long)]
    pub status: Option<DeliveryStatus>,
    /// Which part of the list
    #[command(flatten)]
    pub page: ListArgs,
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
    let body = if delivery.replayable { "there, it can be replayed" } else { "forgotten" };
    let facts = [
        ("source", Some(delivery.source.to_string())),
        ("received", Some(delivery.received_at.to_string())),
        ("status", Some(delivery.status.to_string())),
        ("read", delivery.routed_at.map(|at| at.to_string())),
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
