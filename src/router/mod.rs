//! Turns deliveries into events, and events into cases, by the pure rules of `domain`. The sources are routed in turn.
//!
//! The router runs when the intake stored a delivery, when a job is settled, and periodically. It decides only from
//! stored data, so that it can be killed at any instant. It makes no calls; a [`Resolver`] queries vendors for email
//! addresses that deliveries lack. A large delivery is routed in parts, each in one transaction, and counts as unrouted
//! until the last one.

mod addresses;
mod apply;
mod changes;
mod companies;
mod context;
mod metrics;
mod people;
mod reader;
mod repeats;
mod resolver;
mod results;
mod route;
mod source_queue;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::context::EventContext;
pub use self::metrics::Metrics;
pub use self::resolver::Resolver;
use self::results::{TurnResults, Turned};
pub use self::route::Route;
use self::source_queue::{SourceQueue, Start};
use crate::clock::{self, Clock};
use crate::domain::event::{Event, EventType};
use crate::domain::facts;
use crate::domain::ids::{DeliveryId, EventId, SiteName, SourceName};
use crate::domain::problem::Incident;
use crate::domain::repeat::Repetition;
use crate::domain::routing::IgnoredReason;
use crate::store::{
    Actor, EventOutcome, EventStatus, NewEvent, Origin, Store, StoreError, Tx, UnroutedDelivery, WaitingEvent,
};

/// The period of the fallback in case a notification is missed.
const PERIOD: Duration = Duration::from_mins(1);

/// The wait before a round while few deliveries arrive: those that follow shortly are routed in the same turn. A turn for
/// each delivery would delay the vendors.
const GATHER: Duration = Duration::from_millis(5);

#[derive(Debug, Clone)]
pub struct Router {
    pub store: Store,
    /// The sources by name.
    pub routes: BTreeMap<SourceName, Route>,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// Notified when there may be work for the router.
    pub awakened: Arc<Notify>,
    /// Notifies the worker of possible work.
    pub worker: Arc<Notify>,
    /// Notifies the resolvers of possible lookups.
    pub resolver: Arc<Notify>,
}

/// The state that the router keeps between rounds. A new process starts without it.
#[derive(Debug, Default)]
struct RouterState {
    queues: BTreeMap<SourceName, SourceQueue>,
    /// `None` before the first round.
    start: Option<Start>,
    /// Waiting events that cannot be applied. Each is logged once.
    stuck: BTreeSet<EventId>,
}

impl Router {
    /// Routes until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        let mut state = RouterState::default();
        loop {
            // The notification is registered before the check, so that none is missed in between.
            let awakened = self.awakened.notified();
            let done = self.route_all(&mut state, &stopping).await;
            if let Err(error) = done {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "routing failed, retry in the next round");
                // The database has failed: pause before the next attempt.
                tokio::select! {
                    () = stopping.cancelled() => break,
                    () = tokio::time::sleep(Duration::from_secs(1)) => continue,
                }
            }
            tokio::select! {
                () = stopping.cancelled() => break,
                () = awakened => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        for queue in state.queues.values_mut() {
            if let Err(error) = self.clear_crash_mark(queue).await {
                tracing::warn!(%error, "a stop of the router is counted as a crash over one delivery");
            }
        }
    }

    /// Routes all deliveries: one turn of each source after the other, until none has any left.
    async fn route_all(&self, state: &mut RouterState, stopping: &CancellationToken) -> Result<(), StoreError> {
        let start = if let Some(start) = state.start {
            start
        } else {
            let start = Start { at: Instant::now(), newest_delivery: self.store.newest_delivery().await? };
            self.end_orphaned_lookups().await?;
            *state.start.insert(start)
        };
        loop {
            self.settle_waiting_events(state).await?;
            self.settle_companies().await?;
            let (mut any, mut more) = (false, false);
            for source in self.store.unrouted_sources().await? {
                if stopping.is_cancelled() {
                    return Ok(());
                }
                let queue = state.queues.entry(source.clone()).or_default();
                let turned = self.turn(&source, queue, start).await?;
                any |= turned != Turned::Nothing;
                more |= turned == Turned::More;
            }
            if !any {
                // Jobs may wait until everything is routed.
                self.worker.notify_one();
                return Ok(());
            }
            if !more {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    /// After a change of settings, releases events that wait for a lookup at a vendor that is no longer queried.
    async fn end_orphaned_lookups(&self) -> Result<(), StoreError> {
        for waiting in self.store.waiting_lookups().await? {
            let route = self.routes.get(&waiting.source);
            if route.is_some_and(|route| route.lookup.is_some()) {
                continue;
            }
            while let Some(pending) = self.store.next_lookup(&waiting.source, self.clock.now()).await? {
                let mut tx = self.store.begin().await?;
                for event in tx.end_lookup(&waiting.source, pending.person_hash).await? {
                    self.resume_event(&mut tx, event).await?;
                }
                if let Some(route) = route {
                    self.check_brake(&mut tx, &waiting.source, route).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// A delivery that meets an inconsistent row must not block the others.
    async fn mark_unreadable(&self, id: DeliveryId, error: StoreError) -> Result<(), StoreError> {
        let problem = error.to_string();
        let error = anyhow::Error::new(error);
        tracing::error!(delivery.id = %id, error = format!("{error:#}"), "delivery {id}: marked unreadable, inconsistent row in the database");
        let mut tx = self.store.begin().await?;
        tx.mark_unreadable(id, &problem, self.clock.now()).await?;
        tx.commit().await
    }

    /// Checks the recent activity of the source before the changes by this delivery become visible.
    async fn check_brake(&self, tx: &mut Tx, source: &SourceName, route: &Route) -> Result<(), StoreError> {
        if tx.is_braked(source).await? {
            return Ok(());
        }
        let now = self.clock.now();
        if let Some(tripped) = tx.brake_trip(Actor::Source(source), &route.policy.brake, 0, now).await? {
            let held = tx.freeze(source, &tripped, now).await?;
            tracing::error!(held, brake = %tripped, "the brake tripped: nothing of this source is carried out until released");
        }
        Ok(())
    }

    /// Updates the count in the reason of a frozen source, which has grown since the brake tripped. The count reads the
    /// activity of a whole day: it is made when the deliveries are routed, and not for each part of a flood.
    async fn recount_brake(&self, tx: &mut Tx, source: &SourceName, route: &Route) -> Result<(), StoreError> {
        if tx.is_braked(source).await?
            && let Some(tripped) =
                tx.brake_trip(Actor::Source(source), &route.policy.brake, 0, self.clock.now()).await?
        {
            tx.update_brake_reason(source, &tripped).await?;
        }
        Ok(())
    }

    /// Routes one event. Returns whether it changed anything.
    async fn route_event(
        &self,
        tx: &mut Tx,
        results: &mut TurnResults,
        delivery: &UnroutedDelivery,
        route: &Route,
        position: u32,
        event: Event,
    ) -> Result<bool, StoreError> {
        self.metrics.count(&delivery.source, event.event_type.as_str());
        let mut changed = false;
        for site in &route.sites {
            let mut new = self.new_event(delivery.id, position, &delivery.source, event.event_type.as_str());
            new.happened_at = facts::happened_at(&event, delivery.received_at);
            new.site = (route.sites.len() > 1).then_some(site);
            if has_no_effect(&event) {
                let outcome = context::ignored(IgnoredReason::NotOurs, None);
                tx.push_ignored(&mut results.events, &new, &outcome, (site, event.person.email.as_ref()));
                continue;
            }
            let context = self.event_context(&delivery.source, (route, site), delivery.origin, delivery.received_at);
            let context = EventContext { position, ..context };
            let outcome = Box::pin(context.apply(tx, &event)).await?;
            if outcome.status == EventStatus::Waiting {
                // Later events of the same turn wait, too, if this one is stored.
                tx.record_event(&new, outcome, Some(&event)).await?;
            } else {
                results.events.push(&new, &outcome);
            }
            changed |= matches!(outcome.status, EventStatus::Applied | EventStatus::Waiting);
        }
        Ok(changed)
    }

    /// Applies the events that arrived while a call about their person was in progress. An event that cannot be applied
    /// stays, and blocks the jobs of its case: a stop must not be lost.
    async fn settle_waiting_events(&self, state: &mut RouterState) -> Result<(), StoreError> {
        let events = self.store.waiting_events().await?;
        let any = !events.is_empty();
        for (id, event) in events {
            let settled = match event {
                Ok(event) => self.settle_waiting(event).await,
                Err(error) => Err(error),
            };
            match settled {
                Err(error) if error.is_about_one_row() => {
                    if state.stuck.insert(id) {
                        let error = anyhow::Error::new(error);
                        tracing::error!(event.id = %id, error = format!("{error:#}"), "event {id}: cannot be applied, the jobs of its case wait");
                    }
                }
                settled => settled?,
            }
        }
        if any {
            self.worker.notify_one();
        }
        Ok(())
    }

    async fn settle_waiting(&self, waiting: WaitingEvent) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        let route = self.routes.get(&waiting.source);
        if let Some((route, site)) = route.and_then(|route| Some((route, route.site_of(waiting.site.as_ref())?))) {
            let context = self.event_context(&waiting.source, (route, site), waiting.origin, waiting.received_at);
            let context = EventContext { waited: Some(waiting.seq), ..context };
            let outcome = Box::pin(context.resume(&mut tx, &waiting.event)).await?;
            tx.settle_event(waiting.id, outcome).await?;
        } else {
            tx.settle_event(waiting.id, unreadable(Incident::NoSource.as_str())).await?;
        }
        tx.commit().await
    }

    /// Resumes an event that waited for an email address.
    async fn resume_event(&self, tx: &mut Tx, waiting: WaitingEvent) -> Result<(), StoreError> {
        let route = self.routes.get(&waiting.source);
        let Some((route, site)) = route.and_then(|route| Some((route, route.site_of(waiting.site.as_ref())?))) else {
            tx.settle_event(waiting.id, unreadable(Incident::NoSource.as_str())).await?;
            return Ok(());
        };
        let context = self.event_context(&waiting.source, (route, site), waiting.origin, waiting.received_at);
        let context = EventContext { can_look_up: false, waited: Some(waiting.seq), ..context };
        let outcome = Box::pin(context.apply(tx, &waiting.event)).await?;
        tx.settle_event(waiting.id, outcome).await
    }

    fn event_context<'a>(
        &self,
        source: &'a SourceName,
        (route, site): (&'a Route, &'a SiteName),
        origin: Origin,
        received_at: jiff::Timestamp,
    ) -> EventContext<'a> {
        let (policy, can_look_up) = (&route.policy, route.lookup.is_some());
        EventContext {
            source,
            site,
            policy,
            delivery_id: origin.delivery_id,
            origin,
            repetition: Repetition::New,
            received_at,
            now: self.clock.now(),
            can_look_up,
            position: 0,
            waited: None,
        }
    }

    fn new_event<'a>(
        &self,
        delivery_id: DeliveryId,
        position: u32,
        source: &'a SourceName,
        event_type: &'a str,
    ) -> NewEvent<'a> {
        let now = self.clock.now();
        NewEvent {
            id: EventId::from(clock::new_id(now)),
            delivery_id,
            position,
            source,
            site: None,
            event_type,
            happened_at: now,
        }
    }
}

/// Whether an event has no effect whatever is known about its person. One that names its person by the id alone may have
/// to wait for a lookup.
fn has_no_effect(event: &Event) -> bool {
    event.event_type == EventType::Ignored && (event.person.email.is_some() || event.person.id.is_none())
}

fn unreadable(problem: &str) -> EventOutcome<'_> {
    EventOutcome { status: EventStatus::Unreadable, reason: Some(problem), case_id: None, looked_up: None }
}
