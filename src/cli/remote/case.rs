//! `offboardd case …`.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;

use super::bulk::{self, FILTERS, Many, without_nulls};
use super::case_text;
use super::client::{Client, read};
use super::facts::print_fact;
use super::list::print_list;
use super::names::CaseName;
use super::options::{ListArgs, Output};
use crate::admin::api::{CaseView, HistoryView, List};
use crate::domain::case::{Hold, Stage, StateName};
use crate::domain::desk_request::DeskRequest;
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::domain::own_request::PolicyChoice;
use crate::domain::policy::Action;
use crate::store::CaseSort;

#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// List cases, newest first
    #[command(after_help = "Example: offboardd case list --state held --source bamboohr --sort next")]
    List(CaseListArgs),
    /// Show one case, what it waits for, and the command that continues
    #[command(after_help = "Example: offboardd case show ann@example.com")]
    Show {
        /// Id of the case, its end from 4 characters on, or an email address
        case: CaseName,
    },
    /// Show the history of a case, oldest entry first
    #[command(after_help = "Example: offboardd case history 89abcdef")]
    History {
        /// Id of the case, its end from 4 characters on, or an email address
        case: CaseName,
    },
    /// Open a case without an event
    #[command(
        after_help = "Example: offboardd case open --site acme --email ann@example.com --action revoke --reason TICKET-7"
    )]
    Open(OpenArgs),
    /// Approve the revoke or the deletion that a case waits for
    #[command(after_help = "Example: offboardd case approve 89abcdef --for delete --reason TICKET-7")]
    Approve(ApproveArgs),
    /// Withdraw your own approval before the call is made
    #[command(after_help = "Example: offboardd case withdraw 89abcdef --for delete")]
    Withdraw(WithdrawArgs),
    /// Cancel a case before its next call; calls that were made are not undone
    #[command(after_help = "Example: offboardd case cancel ann@example.com --reason TICKET-7")]
    Cancel(ActionArgs),
    /// Hold a case until it is released
    #[command(after_help = "Example: offboardd case hold 89abcdef --reason TICKET-7")]
    Hold(ActionArgs),
    /// Release a held case, or all cases that are held for one reason
    #[command(
        after_help = "Example: offboardd case release --held brake --source bamboohr --expect 12 --reason TICKET-7 --yes"
    )]
    Release(ActionArgs),
    /// Retry a failed case now
    #[command(after_help = "Example: offboardd case retry --attention --site acme")]
    Retry(ActionArgs),
    /// Close a case that was handled manually
    #[command(after_help = "Example: offboardd case resolve 89abcdef --reason TICKET-7")]
    Resolve(ActionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CaseListArgs {
    /// Only cases in this state
    #[arg(long)]
    pub(crate) state: Option<StateName>,
    /// Only cases that are held for this reason: observe, approval, brake or hold
    #[arg(long)]
    pub(crate) held: Option<Hold>,
    /// Only cases of this source
    #[arg(long)]
    pub(crate) source: Option<SourceName>,
    /// Only cases of this site
    #[arg(long)]
    pub(crate) site: Option<SiteName>,
    /// Only cases of exactly this email address, also after it was shredded
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Only cases of exactly this person id, also after it was shredded
    #[arg(long)]
    pub(crate) person_id: Option<String>,
    /// Only cases that need attention
    #[arg(long)]
    pub(crate) attention: bool,
    /// Order: newest, or next for what happens next [default: newest]
    #[arg(long)]
    pub(crate) sort: Option<CaseSort>,
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
    /// Id of the case, its end from 4 characters on, or an email address
    #[arg(required_unless_present_any = FILTERS)]
    pub(crate) case: Option<CaseName>,
    /// Reason, stored with the history of the case
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) many: Many,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// Approved action: revoke or delete
    #[arg(long = "for")]
    pub(crate) stage: Stage,
    #[command(flatten)]
    pub(crate) action: ActionArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// Id of the case, its end from 4 characters on, or an email address
    pub(crate) case: CaseName,
    /// Approved action: revoke or delete
    #[arg(long = "for")]
    pub(crate) stage: Stage,
    /// Reason, stored with the history of the case
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

/// What the answer to an own request has beside the case.
#[derive(Debug, Deserialize)]
struct Opened {
    policy_chosen: PolicyChoice,
}

pub(super) async fn run(command: CaseCommand, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    match command {
        CaseCommand::List(args) => list(args, client, output).await,
        CaseCommand::Show { case } => show(&case, client, output).await,
        CaseCommand::History { case } => history(&case, client, output).await,
        CaseCommand::Open(args) => open(args, client, output).await,
        CaseCommand::Approve(args) => act("approve", Some(args.stage), &args.action, client, output).await,
        CaseCommand::Withdraw(args) => {
            let WithdrawArgs { case, stage, reason } = args;
            act_on_one("withdraw", Some(stage), &case, reason.as_deref(), client, output).await
        }
        CaseCommand::Cancel(args) => act("cancel", None, &args, client, output).await,
        CaseCommand::Hold(args) => act("hold", None, &args, client, output).await,
        CaseCommand::Release(args) => act("release", None, &args, client, output).await,
        CaseCommand::Retry(args) => act("retry", None, &args, client, output).await,
        CaseCommand::Resolve(args) => act("resolve", None, &args, client, output).await,
    }
}

async fn list(args: CaseListArgs, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let filter = [
        ("state", args.state.map(|state| state.to_string())),
        ("held", args.held.map(|held| held.to_string())),
        ("source", args.source.map(String::from)),
        ("site", args.site.map(String::from)),
        ("email", args.email),
        ("person_id", args.person_id),
        ("attention", args.attention.then(|| "true".to_owned())),
        ("sort", args.sort.map(|sort| sort.to_string())),
    ];
    let listed = client.list::<CaseView>("cases", &filter, &args.page).await?;
    let times = client.times();
    let heads = ["case", "state", "person", "site", "source", "next"];
    print_list(&listed, heads, |case| case_text::row(case, &times), client, output)
}

async fn show(name: &CaseName, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let json = client.get(&["cases", name.as_str()], &[]).await?;
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    let case: CaseView = read(&json)?;
    case_text::render(&case, &client.times(), client.screen(), output)?;
    if case_text::is_before_deletion(&case) {
        // Only information: without it, for instance for a viewer, the case is shown nevertheless.
        if let Ok(json) = client.get(&["cases", &case.id.to_string(), "requests"], &[]).await {
            let requests: List<DeskRequest> = read(&json)?;
            case_text::render_requests(&requests.items, client.screen(), output)?;
        }
    }
    Ok(())
}

async fn history(name: &CaseName, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let json = client.get(&["cases", name.as_str(), "history"], &[]).await?;
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    let entries: List<HistoryView> = read(&json)?;
    Ok(case_text::render_history(&entries.items, output)?)
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
    print_case(&json, client, output)?;
    if !client.prints_json() {
        let Opened { policy_chosen } = read(&json)?;
        print_fact("policy chosen", &policy_chosen.as_str().replace('_', " "), client.screen(), output)?;
    }
    Ok(())
}

/// Applies an action to the named case, or to the cases that a filter selects.
async fn act(
    verb: &str,
    stage: Option<Stage>,
    args: &ActionArgs,
    client: &Client,
    output: Output<'_>,
) -> anyhow::Result<()> {
    let reason = args.reason.as_deref();
    match &args.case {
        Some(case) => act_on_one(verb, stage, case, reason, client, output).await,
        None => bulk::run(verb, stage, &args.many, reason, client, output).await,
    }
}

async fn act_on_one(
    verb: &str,
    stage: Option<Stage>,
    case: &CaseName,
    reason: Option<&str>,
    client: &Client,
    output: Output<'_>,
) -> anyhow::Result<()> {
    let body = without_nulls(json!({ "for": stage, "reason": reason }));
    let json = client.post(&["cases", case.as_str(), verb], &body).await?;
    print_case(&json, client, output)
}

fn print_case(json: &str, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    Ok(case_text::render(&read::<CaseView>(json)?, &client.times(), client.screen(), output)?)
}
