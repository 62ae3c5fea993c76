//! `offboardd case …`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Client, read};
use super::{ListArgs, Output, print_list, story};
use crate::admin::api::{CaseView, HistoryView, List, Released};
use crate::domain::case::{Hold, StateName};
use crate::domain::ids::{CaseId, PolicyName, SiteName, SourceName};
use crate::domain::policy::Action;

/// Find cases, see what happened to whom, stop it, approve it.
#[derive(Debug, Subcommand)]
pub enum CaseCommand {
    /// List cases, newest first
    List(CaseListArgs),
    /// Show one case
    Show {
        /// The case
        case: CaseId,
    },
    /// Tell what happened to a case
    History {
        /// The case
        case: CaseId,
    },
    /// Ask for somebody to be offboarded, without an event
    Open(OpenArgs),
    /// Consent to the next deed of a case
    Approve(MoveArgs),
    /// Cancel a case, as far as it can still be stopped
    Cancel(MoveArgs),
    /// Hold a case until it is released
    Hold(MoveArgs),
    /// Let a held case go on, or all that observe mode held
    Release(ReleaseArgs),
    /// Try it again now
    Retry(MoveArgs),
    /// Say that it was settled by hand
    Resolve(MoveArgs),
}

/// Which cases.
#[derive(Debug, Args)]
pub struct CaseListArgs {
    /// In this state
    #[arg(long)]
    pub state: Option<StateName>,
    /// Of this source
    #[arg(long)]
    pub source: Option<SourceName>,
    /// Of this site
    #[arg(long)]
    pub site: Option<SiteName>,
    /// Of exactly this address, also when the case has forgotten it
    #[arg(long)]
    pub email: Option<String>,
    /// Only those that need a human
    #[arg(long)]
    pub attention: bool,
    /// Which part of the list
    #[command(flatten)]
    pub page: ListArgs,
}

/// Whose case, and what it leads to.
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// Where the account is
    #[arg(long)]
    pub site: SiteName,
    /// The address of the account
    #[arg(long)]
    pub email: String,
    /// revoke, `revoke_then_delete` or delete
    #[arg(long)]
    pub action: Action,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// From when on: a date or a time; at once if nothing is said
    #[arg(long)]
    pub effective_at: Option<String>,
    /// The policy whose graces and approvals count
    #[arg(long)]
    pub policy: Option<PolicyName>,
}

/// Which case, and why.
#[derive(Debug, Args)]
pub struct MoveArgs {
    /// The case
    pub case: CaseId,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
}

/// Which case or cases, and why.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// The case
    #[arg(required_unless_present = "held", conflicts_with_all = ["held", "expect", "source", "site"])]
    pub case: Option<CaseId>,
    /// All that were held for this: `observe`
    #[arg(long, requires_all = ["expect", "reason"])]
    pub held: Option<Hold>,
    /// How many they are; with another number nothing is released, and the right one is told
    #[arg(long)]
    pub expect: Option<u64>,
    /// Only those of this source
    #[arg(long)]
    pub source: Option<SourceName>,
    /// Only those of this site
    #[arg(long)]
    pub site: Option<SiteName>,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
}

pub(super) async fn run(command: CaseCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    match command {
        CaseCommand::List(args) => list(args, client, output).await,
        CaseCommand::Show { case } => {
            let json = client.get(&["cases", &case.to_string()], &[]).await?;
            print_case(&json, client, output)
        }
        CaseCommand::History { case } => history(case, client, output).await,
        CaseCommand::Open(args) => open(args, client, output).await,
        CaseCommand::Approve(args) => carry_out("approve", &args, client, output).await,
        CaseCommand::Cancel(args) => carry_out("cancel", &args, client, output).await,
        CaseCommand::Hold(args) => carry_out("hold", &args, client, output).await,
        CaseCommand::Release(args) => release(args, client, output).await,
        CaseCommand::Retry(args) => carry_out("retry", &args, client, output).await,
        CaseCommand::Resolve(args) => carry_out("resolve", &args, client, output).await,
    }
}

async fn list(args: CaseListArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let filter = [
        ("state", args.state.map(|state| state.to_string())),
        ("source", args.source.map(String::from)),
        ("site", args.site.map(String::from)),
        ("email", args.email),
        ("attention", args.attention.then(|| "true".to_owned())),
    ];
    let listed = client.list::<CaseView>("cases", &filter, &args.page).await?;
    let heads = ["case", "state", "waits for", "person", "site", "source", "next"];
    print_list(&listed, heads, story::case_row, client, output)
}

async fn history(case: CaseId, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let json = client.get(&["cases", &case.to_string(), "history"], &[]).await?;
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    let entries: List<HistoryView> = read(&json)?;
    Ok(story::tell_history(&entries.items, output)?)
}

async fn open(args: OpenArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let body = without_nulls(json!({
        "site": args.site,
        "email": args.email,
        "action": args.action,
        "reason": args.reason,
        "effective_at": args.effective_at,
        "policy": args.policy,
    }));
    let json = client.post(&["cases"], &body).await?;
    print_case(&json, client, output)
}

async fn carry_out(verb: &str, args: &MoveArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let json = client.post_reason(&["cases", &args.case.to_string(), verb], args.reason.as_deref()).await?;
    print_case(&json, client, output)
}

async fn release(args: ReleaseArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    if let Some(case) = args.case {
        return carry_out("release", &MoveArgs { case, reason: args.reason }, client, output).await;
    }
    let body = without_nulls(json!({
        "held": args.held,
        "expect": args.expect,
        "source": args.source,
        "site": args.site,
        "reason": args.reason,
    }));
    let json = client.post(&["cases", "release"], &body).await?;
    if client.prints_json() {
        writeln!(output, "{json}")?;
    } else {
        writeln!(output, "{} cases go on", read::<Released>(&json)?.released)?;
    }
    Ok(())
}

fn print_case(json: &str, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    Ok(story::tell_case(&read::<CaseView>(json)?, output)?)
}

fn without_nulls(body: Value) -> Value {
    let members = if let Value::Object(members) = body { members } else { Map::new() };
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
}
