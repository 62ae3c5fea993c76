//! One action on many cases: a filter instead of a case, reviewed before it is done.

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, read};
use super::options::Output;
use super::table;
use super::times::end_of;
use crate::admin::api::{BulkCase, BulkView};
use crate::domain::case::{Hold, Stage, StateName};
use crate::domain::ids::{SiteName, SourceName};

/// The options that select many cases.
pub(super) const FILTERS: [&str; 6] = ["state", "held", "source", "site", "requested_by", "attention"];

#[derive(Debug, Args)]
pub(crate) struct Many {
    /// All open cases in this state
    #[arg(long, conflicts_with = "case", help_heading = "Many cases")]
    pub(crate) state: Option<StateName>,
    /// All cases that are held for this reason: observe, approval, brake or hold
    #[arg(long, conflicts_with = "case", help_heading = "Many cases")]
    pub(crate) held: Option<Hold>,
    /// All open cases of this source
    #[arg(long, conflicts_with = "case", help_heading = "Many cases")]
    pub(crate) source: Option<SourceName>,
    /// All open cases of this site
    #[arg(long, conflicts_with = "case", help_heading = "Many cases")]
    pub(crate) site: Option<SiteName>,
    /// All open cases that this operator opened
    #[arg(long, conflicts_with = "case", help_heading = "Many cases")]
    pub(crate) requested_by: Option<String>,
    /// All cases that need attention
    #[arg(long, conflicts_with = "case", help_heading = "Many cases")]
    pub(crate) attention: bool,
    /// Expected number of cases; on a mismatch nothing is done and the actual number is printed
    #[arg(long, conflicts_with = "case", help_heading = "Many cases")]
    pub(crate) expect: Option<usize>,
    /// Do it; without this option, only print the cases and what is irreversible
    #[arg(long, conflicts_with = "case", requires_all = ["expect", "reason"], help_heading = "Many cases")]
    pub(crate) yes: bool,
}

/// Reviews the set, and with `--yes` applies the action to exactly the reviewed cases.
pub(super) async fn run(
    verb: &str,
    stage: Option<Stage>,
    many: &Many,
    reason: Option<&str>,
    client: &Client,
    output: Output<'_>,
) -> anyhow::Result<()> {
    let mut body = without_nulls(json!({ "action": verb, "for": stage, "filter": many.filter() }));
    let mut json = client.post(&["cases", "bulk"], &body).await?;
    let reviewed: BulkView = read(&json)?;
    if let Some(expected) = many.expect.filter(|expected| *expected != reviewed.count) {
        let count = reviewed.count;
        bail!("found {count} cases to {verb}, expected {expected}: review them and repeat with that number");
    }
    if many.yes
        && let Value::Object(members) = &mut body
    {
        members.insert("digest".to_owned(), json!(reviewed.digest));
        members.insert("reason".to_owned(), json!(reason));
        json = client.post(&["cases", "bulk"], &body).await?;
    }
    if client.prints_json() {
        writeln!(output, "{json}")?;
        return Ok(());
    }
    let view: BulkView = read(&json)?;
    match view.done {
        Some(done) => writeln!(output, "{verb}: done for {done} of {} cases", view.count)?,
        None => print_review(verb, &view, client, output)?,
    }
    Ok(())
}

impl Many {
    fn filter(&self) -> Value {
        without_nulls(json!({
            "state": self.state,
            "held": self.held,
            "source": self.source,
            "site": self.site,
            "requested_by": self.requested_by,
            "attention": self.attention.then_some(true),
        }))
    }
}

fn print_review(verb: &str, view: &BulkView, client: &Client, output: Output<'_>) -> anyhow::Result<()> {
    let times = client.times();
    let row = |case: &BulkCase| {
        let deletion = case.delete_at.map_or_else(|| "-".to_owned(), |at| times.distance(at));
        vec![
            end_of(&case.id),
            case.state.to_string(),
            case.action.to_string(),
            times.distance(case.effective_at),
            deletion,
        ]
    };
    let rows = view.cases.iter().map(row).collect();
    table::print(&["case", "state", "action", "effective", "deletion"], rows, client.screen(), output)?;
    if view.cases.len() < view.count {
        writeln!(output, "… and {} more", view.count - view.cases.len())?;
    }
    writeln!(output)?;
    writeln!(output, "{} cases; nothing is done yet", view.count)?;
    if view.irreversible > 0 {
        let warning = format!("irreversible: {} of them include a deletion, which cannot be undone", view.irreversible);
        writeln!(output, "{}", client.screen().red(&warning))?;
    }
    writeln!(output, "to {verb} them, add: --expect {} --reason REASON --yes", view.count)?;
    Ok(())
}

/// Removes the members without a value.
pub(super) fn without_nulls(body: Value) -> Value {
    let members = if let Value::Object(members) = body { members } else { serde_json::Map::new() };
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
}
