//! Those whom a search takes for somebody else: by prefix, by word, by a name that is an address.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::cli::demo::cast::ANN;
use crate::cli::demo::narrator::{self, Speaker};
use crate::cli::demo::observer::Observer;

/// One account of a search's answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    account_id: String,
    email_address: Option<String>,
    display_name: String,
}

/// Asks the site as the daemon will, and says who is found besides the one that is meant.
pub(super) async fn are_found(observer: &Observer) -> anyhow::Result<Vec<Found>> {
    narrator::title("Before anything happens: whom does Atlassian take for whom?");
    let url = format!("http://{}/rest/api/3/user/search?query={}", observer.site, ANN.email);
    let asked = observer.http.get(url).basic_auth("bot@example.org", Some("demo")).timeout(Duration::from_secs(10));
    let found: Vec<Found> = asked.send().await?.json().await.context("the sandbox's search cannot be read")?;
    let (meant, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|found| found.email_address.as_deref() == Some(ANN.email));
    anyhow::ensure!(meant.len() == 1, "one account should have the address {}, not {}", ANN.email, meant.len());
    anyhow::ensure!(!others.is_empty(), "the search should find namesakes, but finds nobody else");
    let names: Vec<_> = others.iter().map(Found::describe).collect();
    observer.narrate(
        Speaker::Atlassian,
        &format!("is asked for {}, and finds {}, but also {}", ANN.email, ANN.name, names.join(", ")),
    );
    // From now on the sandbox's log holds the daemon's calls alone.
    observer.sandbox.clear_calls();
    Ok(others)
}

/// Nothing was done to any of them.
pub(super) fn are_left_alone(observer: &Observer, namesakes: &[Found]) -> anyhow::Result<()> {
    for namesake in namesakes {
        let account = observer.sandbox.account(&namesake.account_id);
        let untouched = observer.changes_to(&namesake.account_id).is_empty();
        anyhow::ensure!(
            account.is_some_and(|account| account.active) && untouched,
            "{} should have been left alone",
            namesake.describe()
        );
    }
    let names: Vec<_> = namesakes.iter().map(Found::describe).collect();
    observer.narrate(Speaker::Atlassian, &format!("saw nothing done to {}: all have access", names.join(", ")));
    Ok(())
}

impl Found {
    fn describe(&self) -> String {
        let address = self.email_address.as_deref().unwrap_or("hidden");
        // Only somebody's name, however much it looks like an address.
        let name = if self.display_name.contains('@') {
            format!("\"{}\"", self.display_name)
        } else {
            self.display_name.clone()
        };
        format!("{name} ({address})")
    }
}
