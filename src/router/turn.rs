//! One turn of one source: one transaction, bounded in time, of several deliveries or of a part of a large one.
//!
//! The sources are routed in turn, so that a flood of one source delays the others by one turn each. Items stay in
//! their order, and so do the deliveries of a source.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::reader::Item;
use super::results::{TurnResults, Turned};
use super::source_queue::{Head, SourceQueue, Start};
use super::{Route, Router, unreadable};
use crate::domain::ids::SourceName;
use crate::domain::problem::Incident;
use crate::store::{StoreError, Tx, UnroutedDelivery};

/// The duration of a turn while no other writer waits. A writer that begins to wait ends the turn.
const TURN: Duration = Duration::from_millis(10);

/// The duration while another writer waits: about half as long as a commit of the intake at full load, so that both get a
/// share and vendors the larger one.
const SHARE: Duration = Duration::from_millis(1);

/// The maximum number of items in a turn: their results are stored by one statement, for which other writers wait.
const ITEMS: usize = 64;

/// The maximum number of deliveries of a source that are fetched together, and of bytes of their bodies.
const DELIVERIES: u32 = 64;
const BYTES: u64 = 256 * 1024;

/// The number of crashes over one delivery after which the delivery is marked unreadable.
const CRASHES: u32 = 2;

/// How long the process has run before it routes a delivery over which it crashed before.
const SETTLED: Duration = Duration::from_secs(2);

impl Router {
    /// Routes one turn of a source.
    pub(super) async fn turn(
        &self,
        source: &SourceName,
        queue: &mut SourceQueue,
        start: Start,
    ) -> Result<Turned, StoreError> {
        let turned = AssertUnwindSafe(self.route_turn(source, queue, start)).catch_unwind().await;
        match turned.unwrap_or(Err(StoreError::Panicked)) {
            Err(error) if error.is_about_one_row() && queue.at.is_some() => {
                // One delivery meets an inconsistent row or a bug. Routed separately, it does not affect the others.
                let failed = queue.at.filter(|_| queue.one_by_one);
                queue.reset();
                if let Some(id) = failed {
                    self.mark_unreadable(id, error).await?;
                    queue.one_by_one = false;
                }
                Ok(Turned::More)
            }
            Err(error) => {
                queue.reset();
                Err(error)
            }
            Ok(turned) => Ok(turned),
        }
    }

    async fn route_turn(
        &self,
        source: &SourceName,
        queue: &mut SourceQueue,
        start: Start,
    ) -> Result<Turned, StoreError> {
        let route = self.routes.get(source);
        if queue.is_empty() {
            self.fetch(source, queue, start).await?;
        }
        self.mark_suspect(queue, start).await?;
        // The items are read before the turn has the connection.
        match queue.read_ahead(route, &self.awakened, ITEMS).await {
            Head::Ready => {}
            Head::Opening | Head::Nothing => return Ok(Turned::Nothing),
        }
        let mut tx = self.store.begin().await?;
        let (begun, mut items, mut changed, mut in_parts) = (Instant::now(), 0, false, false);
        let mut results = TurnResults::default();
        let is_over = |tx: &Tx, items: usize| {
            let took = begun.elapsed();
            items >= ITEMS || took >= TURN || (took >= SHARE && tx.is_awaited())
        };
        while let Some(mut progress) = queue.next() {
            if !progress.begun {
                progress.begun = true;
                if progress.delivery.replayed {
                    progress.applied = tx.begin_reading(progress.delivery.id).await?;
                }
            }
            while !is_over(&tx, items) || items == 0 {
                let Some((position, item)) = progress.take() else { break };
                items += 1;
                if let (Some(route), false) = (route, progress.applied.contains(&position)) {
                    let delivery = &progress.delivery;
                    let span = tracing::debug_span!("router.event", delivery.id = %delivery.id, %source, position);
                    let routed = self.route_item(&mut tx, &mut results, delivery, route, position, item);
                    changed |= routed.instrument(span).await?;
                }
            }
            if !progress.is_finished() {
                tx.part_routed(progress.delivery.id, progress.next).await?;
                progress.in_parts = true;
                in_parts = true;
                queue.requeue(progress);
                break;
            }
            // A delivery without items has a small cost, too.
            items += usize::from(progress.count() == 0);
            results.finish(&mut tx, progress, self.clock.now()).await?;
            if is_over(&tx, items) {
                break;
            }
        }
        if let (Some(route), true) = (route, changed) {
            self.check_brake(&mut tx, source, route).await?;
        }
        let is_full = is_over(&tx, items);
        queue.uncounted |= changed;
        if let (Some(route), true) = (route, queue.uncounted && queue.is_empty()) {
            self.recount_brake(&mut tx, source, route).await?;
            queue.uncounted = false;
        }
        let (any_delivery, ended_parts) = (results.any_delivery(), results.ended_parts);
        let done = results.store(&mut tx, source, self.clock.now()).await?;
        tx.commit().await?;
        queue.marked = None;
        queue.one_by_one &= !any_delivery;
        if changed {
            self.resolver.notify_waiters();
        }
        // No job of the source is claimed between the parts of a delivery.
        if (changed && !in_parts) || ended_parts {
            self.worker.notify_one();
        }
        for delivery in done {
            if delivery.reuses_id() {
                self.metrics.count_reused_id(source);
            }
            delivery.log(source);
        }
        Ok(if is_full || !queue.is_empty() { Turned::More } else { Turned::All })
    }

    async fn fetch(&self, source: &SourceName, queue: &mut SourceQueue, start: Start) -> Result<(), StoreError> {
        queue.waiting = self.store.unrouted(source, DELIVERIES, BYTES).await?.into();
        if !queue.fetched {
            queue.fetched = true;
            // The previous process had fetched these if it crashed while routing.
            queue.suspects =
                queue.waiting.iter().filter(|waiting| Some(waiting.origin.seq) <= start.newest_delivery).count();
        }
        Ok(())
    }

    /// Counts a crash in advance for the deliveries that may cause one, because it is too late after a crash. The
    /// commit of the routed deliveries resets the count.
    async fn mark_suspect(&self, queue: &mut SourceQueue, start: Start) -> Result<(), StoreError> {
        let Some((id, crashes)) = queue.suspect().map(|suspect| (suspect.id, suspect.crashes)) else { return Ok(()) };
        if crashes >= CRASHES {
            queue.mark_next_unreadable(Incident::DiedTwice.as_str());
            return Ok(());
        }
        // A process that is killed repeatedly soon after its start is likely to be killed over the same delivery. Only a
        // crash of a process that has run for a while counts as the second one.
        if crashes > 0 {
            tokio::time::sleep(SETTLED.saturating_sub(start.at.elapsed())).await;
        }
        let mut tx = self.store.begin().await?;
        tx.expect_crash(id).await?;
        tx.commit().await?;
        queue.marked = Some(id);
        Ok(())
    }

    /// Resets the count of [`Self::mark_suspect`] if the daemon stops before the commit.
    pub(super) async fn clear_crash_mark(&self, queue: &mut SourceQueue) -> Result<(), StoreError> {
        let Some(id) = queue.marked.take() else { return Ok(()) };
        let mut tx = self.store.begin().await?;
        tx.expect_no_crash(id).await?;
        tx.commit().await
    }

    async fn route_item(
        &self,
        tx: &mut Tx,
        results: &mut TurnResults,
        delivery: &UnroutedDelivery,
        route: &Route,
        position: u32,
        item: Item,
    ) -> Result<bool, StoreError> {
        match item {
            Ok(event) => self.route_event(tx, results, delivery, route, position, event).await,
            Err(problem) => {
                self.metrics.count(&delivery.source, "unreadable");
                let new = self.new_event(delivery.id, position, &delivery.source, "unreadable");
                results.events.push(&new, &unreadable(&problem));
                Ok(false)
            }
        }
    }
}
