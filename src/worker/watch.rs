//! Watches whether an erased email address has an account again.
//!
//! Only keyed hashes of the erased addresses are left, so the list of all users is read, page by page, and the address of each
//! customer is hashed. Accounts that hide their address are not seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::context::Context;
use crate::atlassian::{Client, WatchErased};
use crate::domain::ids::SiteName;
use crate::domain::retry::Failure;
use crate::store::{StoreError, WatchLimits};

/// The watches that run, and when the next ones are due.
#[derive(Debug, Default)]
pub(super) struct Watches {
    next: BTreeMap<SiteName, Timestamp>,
    watching: JoinSet<()>,
}

#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("the list of users cannot be read: {0}")]
    Site(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Watches {
    /// Starts the watches of these sites that are due. Returns when the next one is due.
    pub(super) async fn tick(
        &mut self,
        sites: &BTreeMap<SiteName, Client>,
        context: &Arc<Context>,
    ) -> Result<Option<Timestamp>, StoreError> {
        while self.watching.try_join_next().is_some() {}
        let watched = sites.values().filter(|client| client.site().watch_erased != WatchErased::Ignore);
        let watched: Vec<_> = watched.cloned().collect();
        if watched.is_empty() {
            return Ok(None);
        }
        let statuses = context.store.sites().await?;
        let now = context.clock.now();
        for client in watched {
            let site = client.site();
            let is_paused = statuses.iter().any(|status| status.name == site.name && status.paused_at.is_some());
            let next = self.next.entry(site.name.clone()).or_insert(now);
            if now < *next || is_paused {
                continue;
            }
            *next = now.saturating_add(site.watch_erased_every).unwrap_or(Timestamp::MAX);
            self.watching.spawn(watch(context.of_site(&site.name), client.clone()));
        }
        Ok(self.next.values().filter(|next| **next > now).min().copied())
    }
}

async fn watch(context: Arc<Context>, client: Client) {
    let site = client.site().name.clone();
    match look(&context, &client).await {
        Ok(0) => {}
        Ok(opened) => {
            tracing::warn!(%site, opened, "site {site}: {opened} erased email addresses have an account again");
            context.awakened.notify_one();
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::warn!(%site, error = format!("{error:#}"), "site {site}: erased email addresses could not be watched");
        }
    }
}

/// Reads the list of users, and opens a case for each erased address. Returns their number.
async fn look(context: &Context, client: &Client) -> Result<usize, WatchError> {
    let site = client.site();
    let erased = context.store.erased_addresses(&site.name).await?;
    if erased.is_empty() {
        return Ok(0);
    }
    let key = Arc::clone(context.store.key());
    let is_erased = |email: &_| erased.contains(&key.hash_email(&site.name, email));
    let found = client
        .customers_with(is_erased)
        .await
        .map_err(|failure: Failure| WatchError::Site(failure.detail().to_owned()))?;
    let limits = context.watch_limits.get(&site.name).copied();
    let mut opened = 0;
    for email in found.into_iter().filter_map(|account| account.email.filter(|_| account.active)) {
        if site.protect.covers_address(&email) {
            continue;
        }
        // Without a policy, only a human may decide.
        let revokes = site.watch_erased == WatchErased::Revoke && limits.is_some();
        let limits = limits.unwrap_or(WatchLimits::CAREFUL);
        let mut tx = context.store.begin().await?;
        let record = tx.open_erased_again(&site.name, email, revokes, limits, context.clock.now()).await?;
        tx.commit().await?;
        if let Some(record) = record {
            opened += 1;
            let id = record.case.id;
            tracing::warn!(case.id = %id, "case {id}: opened, an erased email address has an account again");
        }
    }
    Ok(opened)
}
