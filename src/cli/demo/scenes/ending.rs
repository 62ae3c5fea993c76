//! What is left when the story is over: the sandbox's log, its accounts, the journal, the bytes on the disk, and what the
//! admin listener says of it all.

use anyhow::Context as _;
use serde_json::Value;

use crate::cli::demo::cast::{ANN, IDA};
use crate::cli::demo::narrator::{self, short};
use crate::cli::demo::observer::Observer;
use crate::sandbox::{AccountView, CallRecord};
use crate::store::{self, Verdict};

/// What must not be found on the disk: the address of the one who was erased, and the family name.
const TRACES: [&str; 2] = [ANN.email, "Archer"];

/// Looks at everything once more, and sums up.
pub(super) async fn is_true(observer: &Observer, before: &[AccountView]) -> anyhow::Result<()> {
    narrator::title("What is left.");
    the_log(observer)?;
    the_accounts(observer, before)?;
    the_journal(observer).await?;
    the_bytes(observer).await?;
    the_cases(observer).await?;
    the_metrics(observer).await?;
    narrator::title("All steps succeeded.");
    Ok(())
}

/// One revoke and one deletion of the leaver, one revoke of the one who came back, and nothing else.
fn the_log(observer: &Observer) -> anyhow::Result<()> {
    let calls = observer.sandbox.calls();
    let (ann, ida) = (observer.account_of(&ANN)?.account_id, observer.account_of(&IDA)?.account_id);
    let changes: Vec<_> = calls.iter().filter(|call| call.changed || call.method != "GET").collect();
    let seen: Vec<_> = changes.iter().map(|call| (call.account_id.as_deref(), name(call))).collect();
    let told = [(Some(&*ann), "revoke"), (Some(&*ida), "revoke"), (Some(&*ann), "delete")];
    anyhow::ensure!(
        seen.iter().map(|(account, name)| (*account, name.as_str())).eq(told),
        "Atlassian should have seen a revoke and a deletion of Ann and a revoke of Ida, but saw {} changes",
        seen.len()
    );
    narrator::sum_up(
        "Atlassian",
        &format!(
            "saw {} calls, of which {} changed something: one revoke and one deletion of {}, one revoke of {}",
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

/// Everybody but the leaver is as in the beginning.
fn the_accounts(observer: &Observer, before: &[AccountView]) -> anyhow::Result<()> {
    let others = |accounts: &[AccountView]| {
        let others = accounts.iter().filter(|account| account.email.as_deref() != Some(ANN.email));
        others.map(serde_json::to_value).collect::<Result<Vec<_>, _>>()
    };
    let now = others(&observer.sandbox.accounts())?;
    anyhow::ensure!(now == others(before)?, "somebody's account is not as it was in the beginning");
    narrator::sum_up("", &format!("has {} other accounts, each of them as it was in the beginning", now.len()));
    Ok(())
}

/// The API lists the three cases of the story, the newest first.
async fn the_cases(observer: &Observer) -> anyhow::Result<()> {
    let list: Value = serde_json::from_str(&observer.get("/api/v1/cases").await?)?;
    let cases = list.pointer("/items").and_then(Value::as_array).context("the list of cases has no items")?;
    let states: Vec<_> = cases.iter().filter_map(|case| case.pointer("/state").and_then(Value::as_str)).collect();
    anyhow::ensure!(
        states == ["restored", "cancelled", "erased"],
        "the API should list a case restored, one cancelled and one erased, but lists: {}",
        states.join(", ")
    );
    narrator::sum_up("API", &format!("lists {} cases: {}", states.len(), states.join(", ")));
    Ok(())
}

/// The metrics counted every webhook of the story.
async fn the_metrics(observer: &Observer) -> anyhow::Result<()> {
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
        "the metrics should count 5 accepted, 1 duplicate and 1 unauthorized, not {accepted}, {duplicate} and {unauthorized}"
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

async fn the_journal(observer: &Observer) -> anyhow::Result<()> {
    match store::verify_journal(&observer.folder.database()).await? {
        Verdict::Intact { entries, head } => {
            let head: String = hex::encode(head).chars().take(16).collect();
            narrator::sum_up("journal", &format!("intact: {entries} entries, the newest link is {head}…"));
            Ok(())
        }
        Verdict::Broken(broken) => anyhow::bail!("the journal is broken: {broken}"),
    }
}

/// No byte of the database files names the one who was erased. That the search can find anything is shown by the case's id.
async fn the_bytes(observer: &Observer) -> anyhow::Result<()> {
    let cases = observer.cases_of(&ANN).await?;
    anyhow::ensure!(cases.len() == 1, "Ann should have one case, not {}", cases.len());
    let case = cases.first().context("Ann has no case")?.case.id.to_string();
    let files: Vec<_> = observer.folder.database_files()?.iter().map(|bytes| bytes.to_ascii_lowercase()).collect();
    let holds = |text: &str| {
        let text = text.to_ascii_lowercase();
        files.iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    anyhow::ensure!(holds(&case), "the search of the database files finds nothing at all");
    for trace in TRACES {
        anyhow::ensure!(!holds(trace), "`{trace}` can still be found in the database files");
    }
    narrator::sum_up(
        "database",
        &format!(
            "{} files of {} kB together hold the case {}, but neither \"{}\" nor \"{}\"",
            files.len(),
            files.iter().map(Vec::len).sum::<usize>() / 1024,
            short(&case),
            TRACES[0],
            TRACES[1],
        ),
    );
    Ok(())
}
