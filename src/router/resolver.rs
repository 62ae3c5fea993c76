//! Queries a source's vendor for the email addresses that its deliveries lack: one source, one person at a time.
//!
//! An event without an email address and with an unknown person id waits in the database. Later events about the same
//! person wait with it. The vendor's answer is stored, and the events continue in their order. If the vendor does not
//! know the id or has no email address, they continue without one, and the case needs a human (`no_email`). A failure
//! is attributed to the vendor or the lookup, not to the person: it is retried as durably as any job. Only after
//! `retry.give_up_after` do the events continue without an email address. Each source has its own resolver, so that an
//! unavailable vendor delays no other source.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{EventContext, Route, Router};
use crate::clock;
use crate::domain::ids::SourceName;
use crate::domain::person::EmailAddress;
use crate::domain::retry::{Failure, RetryDecision, RetryPolicy};
use crate::sources::lookup::{Http, Lookup, LookupOutcome};
use crate::store::{PendingLookup, StoreError};

/// The period of the fallback in case a notification is missed.
const PERIOD: Duration = Duration::from_mins(1);

const DAY_S: i64 = 86_400;

/// Queries one source's vendor for email addresses.
#[derive(Debug, Clone)]
pub struct Resolver {
    router: Router,
    source: SourceName,
    route: Route,
    lookup: Arc<ArcSwap<Arc<Lookup>>>,
    http: Http,
    retry: RetryPolicy,
    awakened: Arc<Notify>,
}

/// What a due lookup needs.
#[derive(Debug)]
enum Step {
    Query,
    /// Its events continue, with the email address if it is known.
    Release(Option<EmailAddress>),
    /// It waits for the next day.
    Postponed,
}

impl Router {
    /// One resolver for each source whose vendor can be queried.
    pub fn resolvers(&self, http: &Http, retry: RetryPolicy) -> Vec<Resolver> {
        let routes = self.routes.iter();
        routes
            .filter_map(|(source, route)| Some((source, route, route.lookup.as_ref()?)))
            .map(|(source, route, lookup)| Resolver {
                router: self.clone(),
                source: source.clone(),
                route: route.clone(),
                lookup: Arc::clone(lookup),
                http: http.clone(),
                retry,
                awakened: Arc::clone(&self.resolver),
            })
            .collect()
    }
}

impl Resolver {
    /// Runs lookups until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        loop {
            // The notification is registered before the check, so that none is missed in between.
            let awakened = self.awakened.notified();
            let wait = match self.look_up_all_due(&stopping).await {
                Ok(wait) => wait,
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    let source = &self.source;
                    tracing::error!(%source, error = format!("{error:#}"), "lookup at {source}: database error, retry in 1 s");
                    Duration::from_secs(1)
                }
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = awakened => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Runs all due lookups. Returns the wait until the next one.
    async fn look_up_all_due(&self, stopping: &CancellationToken) -> Result<Duration, StoreError> {
        while let Some(pending) = self.router.store.next_lookup(&self.source, self.router.clock.now()).await? {
            let until = pending.due_at.duration_since(self.router.clock.now());
            if until.is_positive() {
                return Ok(until.unsigned_abs().saturating_add(Duration::from_millis(1)).min(PERIOD));
            }
            let span = tracing::info_span!("router.lookup", source = %self.source, attempt = pending.attempts.saturating_add(1));
            self.look_up(&pending, stopping).instrument(span).await?;
            if stopping.is_cancelled() {
                break;
            }
        }
        Ok(PERIOD)
    }

    async fn look_up(&self, pending: &PendingLookup, stopping: &CancellationToken) -> Result<(), StoreError> {
        let settled = match self.next_step(pending).await {
            Ok(Step::Release(email)) => self.release(pending, email.as_ref()).await,
            Ok(Step::Query) => tokio::select! {
                () = stopping.cancelled() => Ok(()),
                answer = self.query_vendor(pending) => self.settle(pending, answer).await,
            },
            Ok(Step::Postponed) => Ok(()),
            Err(error) => Err(error),
        };
        match settled {
            // One damaged row must not block the others.
            Err(error) if error.is_about_one_row() => {
                let (source, problem) = (&self.source, error.to_string());
                let error = anyhow::Error::new(error);
                tracing::error!(%source, error = format!("{error:#}"), "lookup at {source}: inconsistent row in the database, deferred");
                self.defer(pending, self.router.clock.now().saturating_add(self.retry.max), &problem).await
            }
            settled => settled,
        }
    }

    /// Counts the lookup against the daily limit, unless a delivery has supplied the email address meanwhile. Beyond the
    /// limit, the departures wait for the next day, and a stop continues without an email address.
    async fn next_step(&self, pending: &PendingLookup) -> Result<Step, StoreError> {
        let (source, now) = (&self.source, self.router.clock.now());
        let mut tx = self.router.store.begin().await?;
        if let Some(site) = self.route.sites.first()
            && let Some(email) = tx.address_of(source, site, &pending.id).await?
        {
            return Ok(Step::Release(Some(email)));
        }
        if tx.count_lookup(source, pending.is_urgent, now).await? {
            tx.commit().await?;
            return Ok(Step::Query);
        }
        if pending.is_urgent {
            let problem = "the limit of lookups a day is reached: continued on the next day (UTC)";
            let deferred = tx.defer_urgent_lookups(source, pending, next_day(now), problem).await?;
            tx.commit().await?;
            tracing::error!(%source, deferred, "source {source}: {problem}");
            return Ok(Step::Postponed);
        }
        tracing::warn!(%source, "source {source}: the limit of lookups a day is reached, a stop continues without an address");
        Ok(Step::Release(None))
    }

    async fn query_vendor(&self, pending: &PendingLookup) -> Result<LookupOutcome, Failure> {
        let lookup = Arc::clone(&self.lookup.load());
        lookup.find_email(&self.http, &pending.id, self.router.clock.now()).await
    }

    async fn settle(&self, pending: &PendingLookup, answer: Result<LookupOutcome, Failure>) -> Result<(), StoreError> {
        let source = &self.source;
        match answer {
            Ok(LookupOutcome::Found(email)) => {
                tracing::info!(%source, "lookup at {source}: email address found");
                self.release(pending, Some(&email)).await
            }
            Ok(outcome @ (LookupOutcome::UnknownPerson | LookupOutcome::NoAddress)) => {
                tracing::warn!(%source, ?outcome, "lookup at {source}: no email address found, processing its events without one");
                self.release(pending, None).await
            }
            Err(failure) => self.fail(pending, &failure).await,
        }
    }

    async fn fail(&self, pending: &PendingLookup, failure: &Failure) -> Result<(), StoreError> {
        let now = self.router.clock.now();
        let retry_at = match failure {
            Failure::Transient { retry_at, .. } | Failure::RateLimited { retry_at, .. } => *retry_at,
            Failure::AccessDenied { .. }
            | Failure::SiteUnavailable { .. }
            | Failure::CallRefused { .. }
            | Failure::Permanent { .. } => None,
        };
        let attempts = pending.attempts.saturating_add(1);
        let error = failure.detail();
        let source = &self.source;
        match self.retry.next(attempts, pending.first_at.unwrap_or(now), retry_at, now, clock::chance()) {
            RetryDecision::RetryAt(due_at) => {
                match failure {
                    Failure::AccessDenied { .. }
                    | Failure::SiteUnavailable { .. }
                    | Failure::CallRefused { .. }
                    | Failure::Permanent { .. } => {
                        tracing::error!(%source, error, %due_at, "lookup at {source}: rejected, correct the lookup; retry at {due_at}");
                    }
                    Failure::Transient { .. } | Failure::RateLimited { .. } => {
                        tracing::warn!(%source, error, %due_at, "lookup at {source}: failed, retry at {due_at}");
                    }
                }
                self.defer(pending, Ok(due_at), error).await
            }
            RetryDecision::GiveUp => {
                tracing::error!(%source, error, "lookup at {source}: gave up, processing its events without an email address");
                self.release(pending, None).await
            }
        }
    }

    async fn defer(
        &self,
        pending: &PendingLookup,
        due_at: Result<Timestamp, jiff::Error>,
        problem: &str,
    ) -> Result<(), StoreError> {
        let now = self.router.clock.now();
        let due_at = due_at.unwrap_or_else(|_too_far| in_an_hour(now));
        let mut tx = self.router.store.begin().await?;
        tx.defer_lookup(&self.source, pending, due_at, problem, now).await?;
        tx.commit().await
    }

    /// Releases the waiting events in the order of their arrival. An email address from a delivery takes precedence
    /// over the answer.
    async fn release(&self, pending: &PendingLookup, email: Option<&EmailAddress>) -> Result<(), StoreError> {
        let router = &self.router;
        let mut tx = router.store.begin().await?;
        let waiting = tx.end_lookup(&self.source, pending.person_hash).await?;
        if let (Some(email), Some(first)) = (email, waiting.first()) {
            for site in &self.route.sites {
                if tx.address_of(&self.source, site, &pending.id).await?.is_none() {
                    let route = (&self.route, site);
                    let context: EventContext<'_> =
                        router.event_context(&self.source, route, first.origin, first.received_at);
                    Box::pin(context.learn(&mut tx, &pending.id, email, router.clock.now())).await?;
                }
            }
        }
        for event in waiting {
            router.resume_event(&mut tx, event).await?;
        }
        router.check_brake(&mut tx, &self.source, &self.route).await?;
        tx.commit().await?;
        router.worker.notify_one();
        Ok(())
    }
}

/// The start of the next day in UTC.
fn next_day(now: Timestamp) -> Timestamp {
    let day = now.as_second().div_euclid(DAY_S).saturating_add(1);
    Timestamp::from_second(day.saturating_mul(DAY_S)).unwrap_or_else(|_too_far| in_an_hour(now))
}

fn in_an_hour(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(1)).unwrap_or(now)
}
