//! Accounts that Atlassian's search also returns: by prefix, by word, by a name that is an email address.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::cli::demo::cast::ANN;
use crate::cli::demo::narrator::{self, Speaker};
use crate::cli::demo::observer::Observer;

/// An account in a search result.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    account_id: String,
    email_address: Option<String>,
    display_name: String,
}

/// Searches as the daemon does, and returns the accounts besides the exact match.
pub(super) async fn search(observer: &Observer) -> anyhow::Result<Vec<Found>> {
    narrator::title("A search at Atlassian returns more accounts than the exact match.");
    let url = format!("http://{}/rest/api/3/user/search?query={}", observer.site, ANN.email);
    let request = observer.http.get(url).basic_auth("bot@example.org", Some("demo")).timeout(Duration::from_secs(10));
    let found: Vec<Found> =
        request.send().await?.json().await.context("cannot parse the search result of the sandbox")?;
    let (meant, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|found| found.email_address.as_deref() == Some(ANN.email));
    anyhow::ensure!(meant.len() == 1, "expected one account with the address {}, found {}", ANN.email, meant.len());
    anyhow::ensure!(!others.is_empty(), "expected other accounts in the search result, found none");
    let names: Vec<_> = others.iter().map(Found::describe).collect();
    observer.narrate(
        Speaker::Atlassian,
        &format!("searches for {}, and returns {}, but also {}", ANN.email, ANN.name, names.join(", ")),
    );
    // From now on the sandbox records only the calls of the daemon.
    observer.sandbox.clear_calls();
    Ok(others)
}

/// Checks that none of these accounts was changed.
pub(super) fn check_accounts(observer: &Observer, namesakes: &[Found]) -> anyhow::Result<()> {
    for namesake in namesakes {
        let account = observer.sandbox.account(&namesake.account_id);
        let untouched = observer.changes_to(&namesake.account_id).is_empty();
        anyhow::ensure!(
            account.is_some_and(|account| account.active) && untouched,
            "the account of {} was changed",
            namesake.describe()
        );
    }
    let names: Vec<_> = namesakes.iter().map(Found::describe).collect();
    observer.narrate(Speaker::Atlassian, &format!("has no change of {}: all have access", names.join(", ")));
    Ok(())
}

impl Found {
    fn describe(&self) -> String {
        let address = self.email_address.as_deref().unwrap_or("hidden");
        // A display name can look like an email address.
        let name = if self.display_name.contains('@') {
            format!("\"{}\"", self.display_name)
        } else {
            self.display_name.clone()
        };
        format!("{name} ({address})")
    }
}
