//! `offboardd case …`.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Client, read};
use super::{ListArgs, Output, format, print_list};
use crate::admin::api::{BulkView, CaseView, HistoryView, List};
use crate::domain::case::{Hold, Stage, StateName};
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
    /// Approve the revoke or the deletion that a case plans
    Approve(ApproveArgs),
    /// Withdraw your own approval, until the call is made
    Withdraw(ApproveArgs),
    /// Cancel a case, as far as it can still be stopped
    Cancel(MoveArgs),
    /// Hold a case until it is released
    Hold(MoveArgs),
    /// Release a held case, or all cases that are held for one reason
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

/// Which case, which action, and why.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The case
    pub case: CaseId,
    /// The action: revoke or delete
    #[arg(long = "for")]
    pub stage: Stage,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
}

/// Which case or cases, and why.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// The case
    #[arg(required_unless_present = "held", conflicts_with_all = ["held", "expect", "source", "site", "requested_by", "yes"])]
    pub case: Option<CaseId>,
    /// All cases that are held for this reason: observe, brake or hold
    #[arg(long)]
    pub held: Option<Hold>,
    /// Expected number of cases; on a mismatch nothing is released and the actual number is printed
    #[arg(long)]
    pub expect: Option<usize>,
    /// Only those of this source
    #[arg(long)]
    pub source: Option<SourceName>,
    /// Only those of this site
    #[arg(long)]
    pub site: Option<SiteName>,
    /// Only the own requests of this operator
    #[arg(long)]
    pub requested_by: Option<String>,
    /// Release them; without it only the number and what is irreversible are shown
    #[arg(long, requires_all = ["expect", "reason"])]
    pub yes: bool,
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
        CaseCommand::Approve(args) => approve("approve", &args, client, output).await,
        CaseCommand::Withdraw(args) => approve("withdraw", &args, client, output).await,
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
    print_list(&listed, heads, format::case_row, client, output)
}

async fn history(case: CaseId, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let json = client.get(&["cases", &case.to_string(), "history"], &[]).await?;
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    let entries: List<HistoryView> = read(&json)?;
    Ok(format::render_history(&entries.items, output)?)
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

async fn approve(verb: &str, args: &ApproveArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let body = without_nulls(json!({ "for": args.stage, "reason": args.reason }));
    let json = client.post(&["cases", &args.case.to_string(), verb], &body).await?;
    print_case(&json, client, output)
}

async fn release(args: ReleaseArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    if let Some(case) = args.case {
        return carry_out("release", &MoveArgs { case, reason: args.reason }, client, output).await;
    }
    let filter = without_nulls(json!({
        "held": args.held,
        "source": args.source,
        "site": args.site,
        "requested_by": args.requested_by,
    }));
    let mut body = json!({ "action": "release", "filter": filter });
    let mut json = client.post(&["cases", "bulk"], &body).await?;
    let reviewed: BulkView = read(&json)?;
    if let Some(expected) = args.expect.filter(|expected| *expected != reviewed.count) {
        bail!("{} cases would be released, not {expected}: review them and repeat with that number", reviewed.count);
    }
    if args.yes
        && let Value::Object(members) = &mut body
    {
        members.insert("digest".to_owned(), json!(reviewed.digest));
        members.insert("reason".to_owned(), json!(args.reason));
        json = client.post(&["cases", "bulk"], &body).await?;
    }
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    let view: BulkView = read(&json)?;
    match view.done {
        Some(done) => writeln!(output, "released {done} cases")?,
        None => writeln!(
            output,
            "{} cases would be released, {} of them lead to a deletion, which nothing takes back\n\
             to release them: --expect {} --reason REASON --yes",
            view.count, view.irreversible, view.count
        )?,
    }
    Ok(())
}

fn print_case(json: &str, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    Ok(format::render_case(&read::<CaseView>(json)?, output)?)
}

fn without_nulls(body: Value) -> Value {
    let members = if let Value::Object(members) = body { members } else { Map::new() };
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
}
