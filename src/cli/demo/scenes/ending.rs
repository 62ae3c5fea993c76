//! The final checks: the sandbox's calls and accounts, the journal, the database files, the API and the metrics.

use anyhow::Context as _;
use serde_json::Value;

use crate::cli::demo::cast::{ANN, IDA};
use crate::cli::demo::narrator::{self, short};
use crate::cli::demo::observer::Observer;
use crate::sandbox::{AccountView, CallRecord};
use crate::store::{self, JournalCheck};

/// What the database files must not contain: email address and family name of the erased person.
const TRACES: [&str; 2] = [ANN.email, "Archer"];

pub(super) async fn check_all(observer: &Observer, before: &[AccountView]) -> anyhow::Result<()> {
    narrator::title("Summary.");
    check_calls(observer)?;
    check_accounts(observer, before)?;
    check_journal(observer).await?;
    check_files(observer).await?;
    check_cases(observer).await?;
    check_metrics(observer).await?;
    narrator::title("All steps succeeded.");
    Ok(())
}

/// The only changes are one revoke and one deletion of Ann, and one revoke of Ida.
fn check_calls(observer: &Observer) -> anyhow::Result<()> {
    let calls = observer.sandbox.calls();
    let (ann, ida) = (observer.account_of(&ANN)?.account_id, observer.account_of(&IDA)?.account_id);
    let changes: Vec<_> = calls.iter().filter(|call| call.changed || call.method != "GET").collect();
    let seen: Vec<_> = changes.iter().map(|call| (call.account_id.as_deref(), name(call))).collect();
    let expected = [(Some(&*ann), "revoke"), (Some(&*ida), "revoke"), (Some(&*ann), "delete")];
    anyhow::ensure!(
        seen.iter().map(|(account, name)| (*account, name.as_str())).eq(expected),
        "expected a revoke and a deletion of Ann and a revoke of Ida, found {} changes",
        seen.len()
    );
    narrator::sum_up(
        "Atlassian",
        &format!(
            "received {} calls, {} of them changes: one revoke and one deletion of {}, one revoke of {}",
            calls.len(),
            changes.len(),
            ANN.name,
            IDA.name
        ),
    );
    Ok(())
}

fn name(call: &CallRecord) -> String {
    serde_json::to_value(call.call).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// All accounts except Ann's are unchanged.
fn check_accounts(observer: &Observer, before: &[AccountView]) -> anyhow::Result<()> {
    let others = |accounts: &[AccountView]| {
        let others = accounts.iter().filter(|account| account.email.as_deref() != Some(ANN.email));
        others.map(serde_json::to_value).collect::<Result<Vec<_>, _>>()
    };
    let now = others(&observer.sandbox.accounts())?;
    anyhow::ensure!(now == others(before)?, "an account of another person changed");
    narrator::sum_up("", &format!("has {} other accounts, all unchanged", now.len()));
    Ok(())
}

/// The API lists the three cases of the demo, newest first.
async fn check_cases(observer: &Observer) -> anyhow::Result<()> {
    let list: Value = serde_json::from_str(&observer.get("/api/v1/cases").await?)?;
    let cases = list.pointer("/items").and_then(Value::as_array).context("the list of cases has no items")?;
    let states: Vec<_> = cases.iter().filter_map(|case| case.pointer("/state").and_then(Value::as_str)).collect();
    anyhow::ensure!(
        states == ["restored", "cancelled", "erased"],
        "expected the cases restored, cancelled and erased from the API, found: {}",
        states.join(", ")
    );
    narrator::sum_up("API", &format!("lists {} cases: {}", states.len(), states.join(", ")));
    Ok(())
}

/// The metrics counted every webhook of the demo.
async fn check_metrics(observer: &Observer) -> anyhow::Result<()> {
    let metrics = observer.get("/metrics").await?;
    let count = |verdict: &str| -> u64 {
        let label = format!("verdict=\"{verdict}\"");
        let counters = metrics.lines().filter(|line| line.starts_with("offboardd_deliveries_total{"));
        let counters = counters.filter(|line| line.contains(&label)).filter_map(|line| line.rsplit(' ').next());
        counters.filter_map(|number| number.parse::<u64>().ok()).sum()
    };
    let [accepted, duplicate, unauthorized] = ["accepted", "duplicate", "unauthorized"].map(count);
    anyhow::ensure!(
        (accepted, duplicate, unauthorized) == (5, 1, 1),
        "expected 5 accepted, 1 duplicate and 1 unauthorized in the metrics, found {accepted}, {duplicate} and {unauthorized}"
    );
    narrator::sum_up(
        "metrics",
        &format!(
            "http://{}/metrics counts {accepted} accepted, {duplicate} duplicate, {unauthorized} unauthorized",
            observer.admin
        ),
    );
    Ok(())
}

async fn check_journal(observer: &Observer) -> anyhow::Result<()> {
    match store::verify_journal(&observer.folder.database()).await? {
        JournalCheck::Intact { entries, head } => {
            let head: String = hex::encode(head).chars().take(16).collect();
            narrator::sum_up("journal", &format!("intact: {entries} entries, newest link {head}…"));
            Ok(())
        }
        JournalCheck::Broken(broken) => anyhow::bail!("the journal is broken: {broken}"),
    }
}

/// The database files contain no trace of the erased person. The search must find the id of the case, as a control.
async fn check_files(observer: &Observer) -> anyhow::Result<()> {
    let cases = observer.cases_of(&ANN).await?;
    anyhow::ensure!(cases.len() == 1, "expected one case of Ann, found {}", cases.len());
    let case = cases.first().context("Ann has no case")?.case.id.to_string();
    let files: Vec<_> = observer.folder.database_files()?.iter().map(|bytes| bytes.to_ascii_lowercase()).collect();
    let holds = |text: &str| {
        let text = text.to_ascii_lowercase();
        files.iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    anyhow::ensure!(holds(&case), "the search does not find the case id in the database files");
    for trace in TRACES {
        anyhow::ensure!(!holds(trace), "the database files still contain `{trace}`");
    }
    narrator::sum_up(
        "database",
        &format!(
            "{} files of {} kB contain the case {}, but neither \"{}\" nor \"{}\"",
            files.len(),
            files.iter().map(Vec::len).sum::<usize>() / 1024,
            short(&case),
            TRACES[0],
            TRACES[1],
        ),
    );
    Ok(())
}
