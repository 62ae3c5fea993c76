//! `offboardd case …`.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Client, read};
use super::format;
use super::list::print_list;
use super::options::{ListArgs, Output};
use crate::admin::api::{BulkView, CaseView, HistoryView, List};
use crate::domain::case::{Hold, Stage, StateName};
use crate::domain::ids::{CaseId, PolicyName, SiteName, SourceName};
use crate::domain::policy::Action;

#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// List cases, newest first
    #[command(after_help = "Example: offboardd case list --state held --source bamboohr")]
    List(CaseListArgs),
    /// Show one case
    #[command(after_help = "Example: offboardd case show 019a2b3c-4d5e-7f60-8123-456789abcdef")]
    Show {
        /// Id of the case
        case: CaseId,
    },
    /// Show the history of a case, oldest entry first
    #[command(after_help = "Example: offboardd case history 019a2b3c-4d5e-7f60-8123-456789abcdef")]
    History {
        /// Id of the case
        case: CaseId,
    },
    /// Open a case without an event
    #[command(
        after_help = "Example: offboardd case open --site acme --email ann@example.com --action revoke --reason TICKET-7"
    )]
    Open(OpenArgs),
    /// Approve the revoke or the deletion that a case waits for
    #[command(
        after_help = "Example: offboardd case approve 019a2b3c-4d5e-7f60-8123-456789abcdef --for delete --reason TICKET-7"
    )]
    Approve(ApproveArgs),
    /// Withdraw your own approval before the call is made
    #[command(after_help = "Example: offboardd case withdraw 019a2b3c-4d5e-7f60-8123-456789abcdef --for delete")]
    Withdraw(ApproveArgs),
    /// Cancel a case before its next call; calls that were made are not undone
    #[command(after_help = "Example: offboardd case cancel 019a2b3c-4d5e-7f60-8123-456789abcdef --reason TICKET-7")]
    Cancel(ActionArgs),
    /// Hold a case until it is released
    #[command(after_help = "Example: offboardd case hold 019a2b3c-4d5e-7f60-8123-456789abcdef --reason TICKET-7")]
    Hold(ActionArgs),
    /// Release a held case, or all cases that are held for one reason
    #[command(
        after_help = "Example: offboardd case release --held brake --source bamboohr --expect 12 --reason TICKET-7 --yes"
    )]
    Release(ReleaseArgs),
    /// Retry a failed case now
    #[command(after_help = "Example: offboardd case retry 019a2b3c-4d5e-7f60-8123-456789abcdef")]
    Retry(ActionArgs),
    /// Close a case that was handled manually
    #[command(after_help = "Example: offboardd case resolve 019a2b3c-4d5e-7f60-8123-456789abcdef --reason TICKET-7")]
    Resolve(ActionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CaseListArgs {
    /// Only cases in this state
    #[arg(long)]
    pub(crate) state: Option<StateName>,
    /// Only cases of this source
    #[arg(long)]
    pub(crate) source: Option<SourceName>,
    /// Only cases of this site
    #[arg(long)]
    pub(crate) site: Option<SiteName>,
    /// Only cases of exactly this email address, also after it was shredded
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Only cases that need attention
    #[arg(long)]
    pub(crate) attention: bool,
    #[command(flatten)]
    pub(crate) page: ListArgs,
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Site of the account
    #[arg(long)]
    pub(crate) site: SiteName,
    /// Email address of the account
    #[arg(long)]
    pub(crate) email: String,
    /// Action: revoke, `revoke_then_delete` or delete
    #[arg(long)]
    pub(crate) action: Action,
    /// Reason, stored with the history of the case
    #[arg(long)]
    pub(crate) reason: String,
    /// Effective date or time [default: now]
    #[arg(long)]
    pub(crate) effective_at: Option<String>,
    /// Policy whose graces and approvals apply [default: the strictest of the site]
    #[arg(long)]
    pub(crate) policy: Option<PolicyName>,
}

#[derive(Debug, Args)]
pub(crate) struct ActionArgs {
    /// Id of the case
    pub(crate) case: CaseId,
    /// Reason, stored with the history of the case
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// Id of the case
    pub(crate) case: CaseId,
    /// Approved action: revoke or delete
    #[arg(long = "for")]
    pub(crate) stage: Stage,
    /// Reason, stored with the history of the case
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    /// Id of the case
    #[arg(required_unless_present = "held", conflicts_with_all = ["held", "expect", "source", "site", "requested_by", "yes"])]
    pub(crate) case: Option<CaseId>,
    /// Release all cases that are held for this reason: observe, brake or hold
    #[arg(long)]
    pub(crate) held: Option<Hold>,
    /// Expected number of cases; on a mismatch nothing is released and the actual number is printed
    #[arg(long)]
    pub(crate) expect: Option<usize>,
    /// Only cases of this source
    #[arg(long)]
    pub(crate) source: Option<SourceName>,
    /// Only cases of this site
    #[arg(long)]
    pub(crate) site: Option<SiteName>,
    /// Only cases that this operator opened
    #[arg(long)]
    pub(crate) requested_by: Option<String>,
    /// Release the cases; without it, only print how many there are and how many would be deleted
    #[arg(long, requires_all = ["expect", "reason"])]
    pub(crate) yes: bool,
    /// Reason, stored with the history of the case
    #[arg(long)]
    pub(crate) reason: Option<String>,
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

async fn carry_out(verb: &str, args: &ActionArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
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
        return carry_out("release", &ActionArgs { case, reason: args.reason }, client, output).await;
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
        bail!(
            "found {} cases to release, expected {expected}: review them and repeat with that number",
            reviewed.count
        );
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
            "{} cases would be released; {} of them include a deletion, which cannot be undone\n\
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
