//! One turn of one source: one transaction, bounded in time, of several deliveries or of a part of a large one.
//!
//! The sources are routed in turn, so that a source that floods keeps the others waiting for one turn each and no longer.
//! Items stay in their order, and so do the deliveries of a source.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;

use super::line::{Head, Item, Line, Parts};
use super::{Route, Router, unreadable};
use crate::domain::ids::{DeliveryId, SourceName};
use crate::store::{StoreError, Tx, Waiting};

/// How long a turn lasts while nobody else waits to write. Somebody who begins to wait meanwhile ends it.
const TURN: Duration = Duration::from_millis(20);

/// How long while somebody does: about as long as a commit of the intake at full load, so that both have their share.
const SHARE: Duration = Duration::from_millis(3);

/// How many items a turn routes at most, so that the statements that travel together stay few.
const ITEMS: usize = 256;

/// How many deliveries of a source are fetched together, and how many bytes of bodies.
const DELIVERIES: u32 = 64;
const BYTES: u64 = 256 * 1024;

/// How often the process may die over one delivery before the delivery is given up.
const CRASHES: u32 = 2;

/// What is written to the log when a delivery is done.
struct Done {
    id: DeliveryId,
    items: usize,
    problem: Option<String>,
}

impl Router {
    /// Routes what fits into one turn of a source. False when there is nothing to do now.
    pub(super) async fn turn(
        &self,
        source: &SourceName,
        line: &mut Line,
        at_start: Option<i64>,
    ) -> Result<bool, StoreError> {
        let turned = AssertUnwindSafe(self.take_turn(source, line, at_start)).catch_unwind().await;
        match turned.unwrap_or(Err(StoreError::OwnFault)) {
            Err(error) if error.is_about_one_row() && line.at.is_some() => {
                // One delivery meets a row that cannot be, or a fault of ours. By itself it takes none of the others along.
                let failed = line.at.filter(|_| line.alone);
                line.start_over();
                if let Some(id) = failed {
                    self.set_aside(id, error).await?;
                    line.alone = false;
                }
                Ok(true)
            }
            Err(error) => {
                line.start_over();
                Err(error)
            }
            Ok(turned) => Ok(turned),
        }
    }

    async fn take_turn(&self, source: &SourceName, line: &mut Line, at_start: Option<i64>) -> Result<bool, StoreError> {
        let route = self.routes.get(source);
        if line.is_empty() {
            self.fetch(source, line, at_start).await?;
        }
        self.count_crash_in_advance(line).await?;
        match line.advance(route, &self.awakened).await {
            Head::Ready => {}
            Head::Reading | Head::Nothing => return Ok(false),
        }
        let mut tx = self.store.begin().await?;
        let (begun, mut items, mut may_open, mut done) = (Instant::now(), 0, false, Vec::new());
        let is_over = |tx: &Tx, items: usize| {
            let took = begun.elapsed();
            items >= ITEMS || took >= TURN || (took >= SHARE && tx.is_awaited())
        };
        while let Some(parts) = &mut line.current {
            if !parts.begun {
                parts.begun = true;
                if parts.delivery.replayed {
                    parts.applied = tx.begin_reading(parts.delivery.id).await?;
                }
            }
            while !is_over(&tx, items) || items == 0 {
                let Some((position, item)) = parts.take() else { break };
                items += 1;
                if let (Some(route), false) = (route, parts.applied.contains(&position)) {
                    may_open |= self.take_item(&mut tx, &parts.delivery, route, position, item).await?;
                    tx.end_part();
                }
            }
            if !parts.is_finished() {
                tx.part_routed(parts.delivery.id, parts.next);
                break;
            }
            done.push(self.finish(&mut tx, parts));
            tx.end_part();
            line.current = None;
            // A delivery without items costs a little, too.
            items += 1;
            let alone = line.alone || line.marked.is_some() || line.suspect().is_some();
            if alone || is_over(&tx, items) || !matches!(line.advance(route, &self.awakened).await, Head::Ready) {
                break;
            }
        }
        if let (Some(route), true) = (route, may_open) {
            self.brake(&mut tx, source, route).await?;
        }
        tx.commit().await?;
        line.marked = None;
        line.alone &= done.is_empty();
        self.worker.notify_one();
        self.resolver.notify_waiters();
        for delivery in done {
            delivery.log(source);
        }
        Ok(true)
    }

    async fn fetch(&self, source: &SourceName, line: &mut Line, at_start: Option<i64>) -> Result<(), StoreError> {
        line.waiting = self.store.unrouted(source, DELIVERIES, BYTES).await?.into();
        if !line.fetched {
            line.fetched = true;
            // These are what the process before this one fetched, if it died in the middle of something.
            line.suspects = line.waiting.iter().filter(|waiting| Some(waiting.origin.seq) <= at_start).count();
        }
        Ok(())
    }

    /// Whether the process died over a delivery is only known afterwards: the crash is counted before, for the deliveries
    /// that may have been the reason, and taken back by the commit of what was routed.
    async fn count_crash_in_advance(&self, line: &mut Line) -> Result<(), StoreError> {
        let Some((id, crashes)) = line.suspect().map(|suspect| (suspect.id, suspect.crashes)) else { return Ok(()) };
        if crashes >= CRASHES {
            line.give_up_next("the process died twice while it routed this delivery: report a bug");
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        tx.expect_crash(id);
        tx.commit().await?;
        line.marked = Some(id);
        Ok(())
    }

    /// Takes back what [`Self::count_crash_in_advance`] counted, where a stop came before the commit.
    pub(super) async fn expect_no_crash(&self, line: &mut Line) -> Result<(), StoreError> {
        let Some(id) = line.marked.take() else { return Ok(()) };
        let mut tx = self.store.begin().await?;
        tx.expect_no_crash(id);
        tx.commit().await
    }

    fn finish(&self, tx: &mut Tx, parts: &Parts) -> Done {
        let problem = parts.problem();
        let now = self.clock.now();
        tx.routed(&parts.delivery, problem.as_deref(), now);
        // What an earlier reading applied was counted by it.
        if parts.applied.is_empty() {
            tx.count_ignored(&parts.delivery.source, &parts.ignored, now);
        }
        if problem.is_some() && parts.any_read {
            tx.partly_read(parts.delivery.id);
        }
        Done { id: parts.delivery.id, items: parts.count(), problem }
    }

    async fn take_item(
        &self,
        tx: &mut Tx,
        delivery: &Waiting,
        route: &Route,
        position: u32,
        item: Item,
    ) -> Result<bool, StoreError> {
        match item {
            Ok(event) => self.take(tx, delivery, route, position, event).await,
            Err(problem) => {
                self.metrics.count(&delivery.source, "unreadable");
                let new = self.new_event(delivery.id, position, &delivery.source, "unreadable");
                tx.record_event(&new, unreadable(&problem), None)?;
                Ok(false)
            }
        }
    }
}

impl Done {
    fn log(self, source: &SourceName) {
        let Self { id, items, problem } = self;
        if let Some(problem) = problem {
            tracing::warn!(delivery.id = %id, %source, items, problem, "delivery {id}: unreadable until the mapping is fixed");
        } else {
            tracing::info!(delivery.id = %id, %source, items, "delivery {id}: routed, {items} items");
        }
    }
}
