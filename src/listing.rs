//! Reads the lists of a site's customers that an import or an event about a company requested: page by page, so that a
//! kill in between repeats one page at most.
//!
//! A failure is retried as durably as a job; rate limits and pauses of the site are honored.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::atlassian::{Client, MembersPage};
use crate::clock::{self, Clock};
use crate::domain::retry::{Failure, RetryDecision, RetryPolicy};
use crate::store::{ListedPage, Listing, ListingScope, Store, StoreError};

/// How often the lists are checked in case a notification is missed.
const PERIOD: Duration = Duration::from_secs(1);

/// How long a list without an event is kept: from the dry run of an import to its run.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Reads the lists of one site.
#[derive(Debug, Clone)]
pub struct Lister {
    pub store: Store,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub retry: RetryPolicy,
    /// Notified when a list was requested.
    pub awakened: Arc<Notify>,
    /// Notifies the router of a complete list.
    pub router: Arc<Notify>,
}

/// The result of one attempt.
enum Step {
    Page(MembersPage),
    /// There is no such organization, or more than one.
    Impossible(String),
}

impl Lister {
    /// Reads lists until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        loop {
            let awakened = self.awakened.notified();
            let reading = tokio::select! {
                () = stopping.cancelled() => return,
                reading = self.read_all_due() => reading,
            };
            if let Err(error) = reading {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "list of customers: database error, retry in a moment");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = awakened => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn read_all_due(&self) -> Result<(), StoreError> {
        for id in self.store.expired_listings(KEPT, self.clock.now()).await? {
            let mut tx = self.store.begin().await?;
            tx.delete_listing(&id).await?;
            tx.commit().await?;
        }
        while let Some(listing) = self.store.next_listing(&self.client.site().name).await? {
            if listing.due_at > self.clock.now() {
                return Ok(());
            }
            match self.read_page(&listing).await {
                Ok(step) => self.store_step(&listing, step).await?,
                Err(failure) => self.fail(&listing, &failure).await?,
            }
        }
        Ok(())
    }

    async fn read_page(&self, listing: &Listing) -> Result<Step, Failure> {
        if listing.scope == ListingScope::Domain {
            return self.client.directory_page(listing.start).await.map(Step::Page);
        }
        let found = self.client.find_organizations(&listing.subject).await?;
        match found.as_slice() {
            [organization] => self.client.organization_page(&organization.id, listing.start).await.map(Step::Page),
            [] => Ok(Step::Impossible("the site has no such organization".to_owned())),
            many => {
                Ok(Step::Impossible(format!("{} organizations of the site have this name: send the id", many.len())))
            }
        }
    }

    async fn store_step(&self, listing: &Listing, step: Step) -> Result<(), StoreError> {
        let (now, site, id) = (self.clock.now(), &listing.site, &listing.id);
        let mut tx = self.store.begin().await?;
        let is_done = match step {
            Step::Impossible(problem) => {
                tx.fail_listing(id, &problem, now).await?;
                tracing::error!(%site, "list {id} of site {site}: {problem}");
                true
            }
            Step::Page(page) => {
                let page = listed(listing, page);
                tx.store_page(listing, &page, now).await?;
                page.next.is_none()
            }
        };
        tx.commit().await?;
        if is_done {
            tracing::info!(%site, "list {id} of site {site}: complete");
            self.router.notify_one();
        }
        Ok(())
    }

    async fn fail(&self, listing: &Listing, failure: &Failure) -> Result<(), StoreError> {
        let (now, id) = (self.clock.now(), &listing.id);
        let (site, error) = (&listing.site, failure.detail());
        let retry_at = match failure {
            Failure::Transient { retry_at, .. } | Failure::RateLimited { retry_at, .. } => *retry_at,
            Failure::AccessDenied { .. }
            | Failure::SiteUnavailable { .. }
            | Failure::CallRefused { .. }
            | Failure::Permanent { .. } => None,
        };
        let attempts = listing.failures.saturating_add(1);
        let mut tx = self.store.begin().await?;
        match self.retry.next(attempts, listing.failing_since.unwrap_or(now), retry_at, now, clock::chance()) {
            RetryDecision::RetryAt(due_at) => {
                tracing::warn!(%site, error, %due_at, "list {id} of site {site}: a page cannot be read, retry at {due_at}");
                tx.defer_listing(id, due_at, now).await?;
            }
            RetryDecision::GiveUp => {
                tracing::error!(%site, error, "list {id} of site {site}: given up");
                tx.fail_listing(id, error, now).await?;
            }
        }
        tx.commit().await?;
        self.router.notify_one();
        Ok(())
    }
}

/// The customers of a page that belong on the list. A page that is the previous one again ends the list.
fn listed(listing: &Listing, page: MembersPage) -> ListedPage {
    let is_repeated = listing.last_page.as_deref() == Some(page.digest.as_str());
    let belongs = |domain: &str| listing.scope == ListingScope::Organization || domain == listing.subject;
    let customers = page.customers.into_iter();
    // An account without access is not offboarded again, unless its whole organization is.
    let customers = customers.filter(|customer| customer.active || listing.scope == ListingScope::Organization);
    let customers = customers.map(|customer| customer.email).filter(|email| belongs(email.domain()));
    ListedPage {
        customers: if is_repeated { Vec::new() } else { customers.collect() },
        hidden: if is_repeated { 0 } else { page.hidden },
        next: page.next.filter(|_| !is_repeated),
        digest: page.digest,
    }
}
