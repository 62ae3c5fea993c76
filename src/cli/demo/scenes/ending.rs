//! What is left when the story is over: the sandbox's log, its accounts, the journal, the bytes on the disk.

use anyhow::Context as _;

use crate::cli::demo::cast::{ANN, IDA};
use crate::cli::demo::narrator;
use crate::cli::demo::stage::Stage;
use crate::sandbox::{AccountView, CallRecord};
use crate::store::{self, Verdict};

/// What must not be found on the disk: the address of the one who was erased, and the family name.
const TRACES: [&str; 2] = [ANN.email, "Archer"];

/// Looks at everything once more, and sums up.
pub(super) async fn is_true(stage: &Stage, before: &[AccountView]) -> anyhow::Result<()> {
    narrator::title("What is left.");
    the_log(stage)?;
    the_accounts(stage, before)?;
    the_journal(stage).await?;
    the_bytes(stage).await?;
    narrator::sum_up("metrics", &format!("http://{}/metrics", stage.admin));
    narrator::title("Everything came out as told.");
    Ok(())
}

/// One revoke and one deletion of the leaver, one revoke of the one who came back, and nothing else.
fn the_log(stage: &Stage) -> anyhow::Result<()> {
    let calls = stage.sandbox.calls();
    let (ann, ida) = (stage.account_of(&ANN)?.account_id, stage.account_of(&IDA)?.account_id);
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
fn the_accounts(stage: &Stage, before: &[AccountView]) -> anyhow::Result<()> {
    let others = |accounts: &[AccountView]| {
        let others = accounts.iter().filter(|account| account.email.as_deref() != Some(ANN.email));
        others.map(serde_json::to_value).collect::<Result<Vec<_>, _>>()
    };
    let now = others(&stage.sandbox.accounts())?;
    anyhow::ensure!(now == others(before)?, "somebody's account is not as it was in the beginning");
    narrator::sum_up("", &format!("has {} other accounts, each of them as it was in the beginning", now.len()));
    Ok(())
}

async fn the_journal(stage: &Stage) -> anyhow::Result<()> {
    match store::verify_journal(&stage.folder.database()).await? {
        Verdict::Intact { entries, head } => {
            let head: String = hex::encode(head).chars().take(16).collect();
            narrator::sum_up("journal", &format!("intact: {entries} entries, the newest link is {head}…"));
            Ok(())
        }
        Verdict::Broken(broken) => anyhow::bail!("the journal is broken: {broken}"),
    }
}

/// No byte of the database files names the one who was erased. That the search can find anything is shown by the case's id.
async fn the_bytes(stage: &Stage) -> anyhow::Result<()> {
    let cases = stage.cases_of(&ANN).await?;
    anyhow::ensure!(cases.len() == 1, "Ann should have one case, not {}", cases.len());
    let case = cases.first().context("Ann has no case")?.case.id.to_string();
    let files: Vec<_> = stage.folder.database_files()?.iter().map(|bytes| bytes.to_ascii_lowercase()).collect();
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
            "{} files of {} kB together hold the case {case}, and neither \"{}\" nor \"{}\"",
            files.len(),
            files.iter().map(Vec::len).sum::<usize>() / 1024,
            TRACES[0],
            TRACES[1],
        ),
    );
    Ok(())
}
