//! Deliveries become events, events become cases: by the pure rules of `domain`, each delivery in one transaction.
//!
//! Awakened by the intake, by a settled job and by period; takes no input and decides only from what is stored, so that it
//! can be killed at any instant. It calls nobody; a [`Resolver`] beside it asks vendors for addresses that deliveries lack.

mod metrics;
mod repeats;
mod resolver;
mod ruling;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::metrics::Metrics;
pub use self::resolver::Resolver;
use self::ruling::Subject;
use crate::clock::{self, Clock};
use crate::domain::event::Event;
use crate::domain::facts;
use crate::domain::ids::{DeliveryId, EventId, SiteName, SourceName};
use crate::domain::policy::Policy;
use crate::domain::repeat::Repetition;
use crate::sources::Source;
use crate::sources::lookup::Lookup;
use crate::store::{EventStatus, EventVerdict, NewEvent, Origin, Store, StoreError, Tx, Waiting, WaitingEvent};

/// The safety net under the notifications.
const PERIOD: Duration = Duration::from_mins(1);

/// How many deliveries are looked at between two looks at the stop.
const BATCH: u32 = 64;

/// How many times as long as it made others wait the router lets them go on.
const COURTESY: u32 = 8;

/// But never longer.
const LONGEST_COURTESY: Duration = Duration::from_millis(50);

/// What the router needs to know of a source.
#[derive(Debug, Clone)]
pub struct Route {
    /// How its bodies are read.
    pub source: Arc<Source>,
    /// Whose customers its people are.
    pub site: SiteName,
    /// What its events lead to.
    pub policy: Policy,
    /// Whom to ask for an address; exchanged as a whole when secrets are read anew.
    pub lookup: Option<Arc<ArcSwap<Arc<Lookup>>>>,
}

/// An item of a delivery: an event, or what is wrong with it.
type Item = Result<Event, String>;

/// Turns stored deliveries into cases.
#[derive(Debug, Clone)]
pub struct Router {
    /// The database.
    pub store: Store,
    /// The sources by name.
    pub routes: BTreeMap<SourceName, Route>,
    /// For "now".
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// Told when there may be something to route.
    pub awakened: Arc<Notify>,
    /// Tells the worker that there may be something to do.
    pub worker: Arc<Notify>,
    /// Tells the resolvers that there may be somebody to ask for.
    pub resolver: Arc<Notify>,
}

impl Router {
    /// Routes until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        loop {
            // Interest is registered before the look, so that nothing slips in between.
            let awakened = self.awakened.notified();
            let done = self.route_all(&stopping).await;
            if let Err(error) = done {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "routing failed; it goes on with the next round");
                // The trouble is the database's: a moment's peace for it.
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => continue,
                }
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = awakened => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn route_all(&self, stopping: &CancellationToken) -> Result<(), StoreError> {
        self.end_lookups_of_nobody().await?;
        for waiting in self.store.waiting_events(BATCH).await? {
            self.settle_waiting(waiting).await?;
        }
        loop {
            let deliveries = self.store.waiting_deliveries(BATCH).await?;
            if deliveries.is_empty() || stopping.is_cancelled() {
                return Ok(());
            }
            let mut rest = deliveries.as_slice();
            while !rest.is_empty() && !stopping.is_cancelled() {
                let routed = self.route_next(rest).await?;
                rest = rest.get(routed..).unwrap_or_default();
            }
        }
    }

    /// Reads the next of these deliveries, together with as many as can be; says how many it has read.
    async fn route_next(&self, deliveries: &[Waiting]) -> Result<usize, StoreError> {
        match self.route_together(deliveries).await {
            Err(error) if error.is_about_one_row() => {}
            done => return done,
        }
        // One of them meets a row that cannot be. By itself it takes none of the others along.
        let Some((first, _)) = deliveries.split_first() else { return Ok(0) };
        match self.route_together(std::slice::from_ref(first)).await {
            Err(error) if error.is_about_one_row() => self.set_aside(first.id, error).await.map(|()| 1),
            done => done,
        }
    }

    /// Who waits for a vendor that is not asked any more, because the settings changed, goes on as it is.
    async fn end_lookups_of_nobody(&self) -> Result<(), StoreError> {
        for waiting in self.store.waiting_lookups().await? {
            let route = self.routes.get(&waiting.source);
            if route.is_some_and(|route| route.lookup.is_some()) {
                continue;
            }
            while let Some(asked) = self.store.next_lookup(&waiting.source).await? {
                let mut tx = self.store.begin().await?;
                for event in tx.end_lookup(&waiting.source, asked.person_hash).await? {
                    self.take_up(&mut tx, event).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Reads deliveries in one transaction, until somebody else wants to write; says how many it has read. Who made others
    /// wait then lets them go on for a while: a vendor waits for the intake's answer, and nobody for the router's.
    async fn route_together(&self, deliveries: &[Waiting]) -> Result<usize, StoreError> {
        let mut tx = self.store.begin().await?;
        let (begun, mut awaited) = (Instant::now(), false);
        let mut problems = Vec::new();
        for delivery in deliveries {
            problems.push(self.route(&mut tx, delivery).await?);
            awaited = tx.is_awaited();
            if awaited {
                break;
            }
        }
        tx.commit().await?;
        let (took, routed) = (begun.elapsed(), problems.len());
        self.worker.notify_one();
        self.resolver.notify_waiters();
        for (Waiting { id, source, .. }, problem) in deliveries.iter().zip(problems) {
            if let Some(problem) = problem {
                let what = "a delivery could not be read: it waits for a mended mapping";
                tracing::warn!(delivery.id = %id, %source, problem, "{what}");
            } else {
                tracing::info!(delivery.id = %id, %source, "routed");
            }
        }
        if awaited {
            tokio::time::sleep((took * COURTESY).min(LONGEST_COURTESY)).await;
        }
        Ok(routed)
    }

    /// Reads one delivery. What cannot be read stays, and is shown.
    async fn route(&self, tx: &mut Tx, delivery: &Waiting) -> Result<Option<String>, StoreError> {
        let now = self.clock.now();
        let problem = match self.read(delivery) {
            Err(problem) => Some(problem),
            Ok((route, items)) => self.take_items(tx, delivery, route, items).await?,
        };
        tx.routed(delivery, problem.as_deref(), now);
        Ok(problem)
    }

    /// A delivery that meets a row which cannot be must not keep the others waiting.
    async fn set_aside(&self, id: DeliveryId, error: StoreError) -> Result<(), StoreError> {
        let problem = error.to_string();
        let error = anyhow::Error::new(error);
        tracing::error!(delivery.id = %id, error = format!("{error:#}"), "a delivery is set aside: the database contradicts itself");
        let mut tx = self.store.begin().await?;
        tx.set_aside(id, &problem, self.clock.now());
        tx.commit().await
    }

    fn read(&self, delivery: &Waiting) -> Result<(&Route, Vec<Item>), String> {
        let body = delivery.body.as_deref().ok_or("its body is forgotten, or was sealed with another key")?;
        let route = self.routes.get(&delivery.source).ok_or("the settings know no source of this name")?;
        // A panic over one body would come again at every start: it is one more way of being unreadable.
        let read = AssertUnwindSafe(|| route.source.read(delivery.content_type.as_deref(), body));
        let read =
            std::panic::catch_unwind(read).map_err(|_panic| "an error of our own: see the log, and report it")?;
        let items = read.map_err(|error| error.to_string())?;
        Ok((route, items.into_iter().map(|item| item.map_err(|error| error.to_string())).collect()))
    }

    /// Takes each item by itself: a bad one never takes the others along. Says what is wrong with the bad ones.
    async fn take_items(
        &self,
        tx: &mut Tx,
        delivery: &Waiting,
        route: &Route,
        items: Vec<Item>,
    ) -> Result<Option<String>, StoreError> {
        let applied = tx.begin_reading(delivery.id).await?;
        let (count, mut bad, mut may_open) = (items.len(), Vec::new(), false);
        for (position, item) in (0..).zip(items) {
            // On a replay, what was applied before stays applied and is not done again.
            if applied.contains(&position) {
                continue;
            }
            match item {
                Ok(event) => may_open |= self.take(tx, delivery, route, position, event).await?,
                Err(problem) => {
                    self.metrics.count(&delivery.source, "unreadable");
                    let new = self.new_event(delivery.id, position, &delivery.source, "unreadable");
                    tx.record_event(&new, unreadable(&problem), None)?;
                    bad.push(problem);
                }
            }
        }
        if may_open {
            self.brake(tx, &delivery.source, route).await?;
        }
        Ok((!bad.is_empty()).then(|| format!("{} of {count} items cannot be read: {}", bad.len(), bad.join("; "))))
    }

    /// Looks at what the source opened lately, before anybody sees what this delivery opened.
    async fn brake(&self, tx: &mut Tx, source: &SourceName, route: &Route) -> Result<(), StoreError> {
        if tx.is_braked(source).await? {
            return Ok(());
        }
        let now = self.clock.now();
        if let Some(tripped) = route.policy.brake.trips(&tx.opened_lately(source, now).await?) {
            let held = tx.freeze(source, &tripped, now).await?;
            tracing::error!(held, brake = %tripped, "the brake tripped: nothing of this source is carried out until released");
        }
        Ok(())
    }

    /// Takes one event; says whether it led to anything.
    async fn take(
        &self,
        tx: &mut Tx,
        delivery: &Waiting,
        route: &Route,
        position: u32,
        event: Event,
    ) -> Result<bool, StoreError> {
        self.metrics.count(&delivery.source, event.event_type.as_str());
        let mut new = self.new_event(delivery.id, position, &delivery.source, event.event_type.as_str());
        new.happened_at = facts::happened_at(&event, delivery.received_at);
        let subject = self.subject(&delivery.source, route, delivery.origin, delivery.received_at);
        let outcome = subject.apply(tx, &event).await?;
        tx.record_event(&new, outcome, Some(&event))?;
        Ok(matches!(outcome.status, EventStatus::Applied | EventStatus::Waiting))
    }

    /// Takes up an event that came while a call about its person was being made.
    async fn settle_waiting(&self, waiting: WaitingEvent) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        if let Some(route) = self.routes.get(&waiting.source) {
            let subject = self.subject(&waiting.source, route, waiting.origin, waiting.received_at);
            let subject = Subject { waited: Some(waiting.seq), ..subject };
            let outcome = subject.resume(&mut tx, &waiting.event).await?;
            tx.settle_event(waiting.id, outcome);
        } else {
            tx.settle_event(waiting.id, unreadable("no such source"));
        }
        tx.commit().await?;
        self.worker.notify_one();
        Ok(())
    }

    /// Takes up an event that waited for an address.
    async fn take_up(&self, tx: &mut Tx, waiting: WaitingEvent) -> Result<(), StoreError> {
        let Some(route) = self.routes.get(&waiting.source) else {
            tx.settle_event(waiting.id, unreadable("no such source"));
            return Ok(());
        };
        let subject = self.subject(&waiting.source, route, waiting.origin, waiting.received_at);
        let subject = Subject { may_ask: false, waited: Some(waiting.seq), ..subject };
        let outcome = subject.apply(tx, &waiting.event).await?;
        tx.settle_event(waiting.id, outcome);
        self.brake(tx, &waiting.source, route).await
    }

    fn subject<'a>(
        &self,
        source: &'a SourceName,
        route: &'a Route,
        origin: Origin,
        received_at: jiff::Timestamp,
    ) -> Subject<'a> {
        let (site, policy, may_ask) = (&route.site, &route.policy, route.lookup.is_some());
        Subject {
            source,
            site,
            policy,
            delivery_id: origin.delivery_id,
            origin,
            repetition: Repetition::New,
            received_at,
            now: self.clock.now(),
            may_ask,
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
        NewEvent { id: EventId::from(clock::new_id(now)), delivery_id, position, source, event_type, happened_at: now }
    }
}

fn unreadable(problem: &str) -> EventVerdict<'_> {
    EventVerdict { status: EventStatus::Unreadable, because: Some(problem), case_id: None, asked: None }
}
