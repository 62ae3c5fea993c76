//! The group commit: one task owns the only connection that writes, and gives it to one unit of work after the other.
//!
//! A unit of work runs in a savepoint of a transaction that it shares with the units before and after it. The group is
//! committed when no unit waits or the group is full; each unit returns after that. So one fsync serves all that waited
//! during the previous one. A unit that fails, or whose future is dropped, is rolled back to its savepoint, and the
//! others are unaffected. If SQLite rolls back the whole transaction, as on a full disk, every unit of the group fails.
//!
//! A vendor waits for the intake. So its deliveries end the group, and other units go before them only within their
//! [`Share`] of the time. Without other writers the deliveries need no transaction: one statement commits them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tracing::Instrument as _;

use super::files::{Acknowledged, Files};
use super::share::Share;
use super::sql::Options;
use super::turn::{Answer, Effects, Group, Held, Request, Unit, WriterState};
use super::{StoreError, dialect, stamp};
use crate::domain::ids::SourceName;

/// The maximum number of units in a group, and the time after which no further unit joins it: the first one waits for
/// the last.
const UNITS: usize = 32;
const JOINING: Duration = Duration::from_millis(10);

/// The time without use after which the connection is tested before it is used.
const UNTESTED: Duration = Duration::from_secs(1);

/// A request that is served while no transaction is open.
pub(super) enum BetweenGroups {
    Turn(Answer<Held>),
    Close(oneshot::Sender<()>),
}

/// Serves the queues.
pub(super) struct Committer {
    pub(super) state: Arc<Mutex<WriterState>>,
    pub(super) options: Arc<Options>,
    pub(super) files: Option<Arc<Files>>,
    pub(super) paused_sources: Arc<ArcSwap<HashSet<SourceName>>>,
    /// Notified after each commit.
    pub(super) committed: Arc<Notify>,
    pub(super) deliveries: mpsc::Receiver<Request>,
    pub(super) units: mpsc::Receiver<Request>,
    pub(super) between_groups: mpsc::Receiver<BetweenGroups>,
    pub(super) share: Share,
}

impl Committer {
    pub(super) async fn run(mut self) {
        loop {
            let is_for_intake = self.share.is_for_intake(Instant::now());
            let (first, second, between_groups) = self.queues();
            tokio::select! {
                biased;
                Some(request) = between_groups.recv() => match request {
                    BetweenGroups::Turn(turn) => self.lend(turn).await,
                    BetweenGroups::Close(done) => {
                        self.close().await;
                        if done.send(()).is_err() {
                            tracing::debug!("the database is closed; the caller did not wait");
                        }
                        return;
                    }
                },
                Some(request) = first.recv() => self.run_group(request).await,
                // While it is the intake's turn, the second ones are the others.
                Some(request) = second.recv(), if !is_for_intake => self.run_group(request).await,
                () = tokio::time::sleep(Share::longest_wait()), if is_for_intake => {}
                else => return,
            }
        }
    }

    /// The queues in the order in which they are served, and the one that is served between groups.
    fn queues(
        &mut self,
    ) -> (&mut mpsc::Receiver<Request>, &mut mpsc::Receiver<Request>, &mut mpsc::Receiver<BetweenGroups>) {
        let Self { deliveries, units, between_groups, share, .. } = self;
        if share.others_first() { (units, deliveries, between_groups) } else { (deliveries, units, between_groups) }
    }

    /// Runs units until none waits or the group is full, and commits them. It never waits for further ones.
    async fn run_group(&mut self, first: Request) {
        let begun = Instant::now();
        let (mut next, mut count) = (Some(first), 0);
        let mut result = Ok(());
        while let Some(Request { is_intake, turn }) = next.take() {
            count += 1;
            let unit_start = Instant::now();
            result = self.run_unit(is_intake, turn).await;
            let now = Instant::now();
            self.share.count(is_intake, unit_start, now);
            if result.is_ok() && !is_intake && count < UNITS && begun.elapsed() < JOINING {
                let is_for_intake = self.share.is_for_intake(now);
                let (first, second, _) = self.queues();
                next = first.try_recv().ok();
                if next.is_none() && !is_for_intake {
                    next = second.try_recv().ok();
                }
            }
        }
        let span = tracing::debug_span!("store.commit", count);
        self.end_group(result).instrument(span).await;
    }

    /// Lends the connection to one unit, and waits for its end. Fails if the whole group fails.
    async fn run_unit(&self, is_intake: bool, turn: Answer<Held>) -> Result<(), StoreError> {
        if turn.is_closed() {
            return Ok(());
        }
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let begun = async {
            self.repair(&mut state).await?;
            // One statement commits the deliveries.
            if is_intake && !state.in_transaction { Ok(()) } else { state.begin_unit().await }
        };
        if let Err(error) = begun.await {
            state.is_broken = true;
            answer(turn, Err(error));
            return Err(StoreError::NotCommitted);
        }
        state.unit = Unit::Running;
        answer(turn, Ok(state));
        // If the caller no longer waits, the turn is dropped here, which ends the unit.
        self.state.lock().await.end_unit().await
    }

    /// Commits the group, and answers its units.
    async fn end_group(&self, result: Result<(), StoreError>) {
        let mut state = self.state.lock().await;
        let Group { mut answers, effects } = std::mem::take(&mut state.group);
        let committed = match result {
            Ok(()) if answers.is_empty() => Ok(()),
            Ok(()) => self.commit(&mut state, &effects).await.inspect(|()| self.committed.notify_one()),
            Err(error) => Err(error),
        };
        state.roll_back().await;
        drop(state);
        match committed {
            Ok(()) => {
                if let Some(paused) = effects.paused_sources {
                    self.paused_sources.store(Arc::new(paused));
                }
                for unit in answers {
                    answer(unit, Ok(()));
                }
            }
            Err(error) => {
                // An error has one owner: the other units refer to the log.
                let last = answers.pop();
                if !answers.is_empty() {
                    let (count, text) = (answers.len(), error.to_string());
                    tracing::error!(count, error = text, "a group of writes was not committed");
                }
                for unit in answers {
                    answer(unit, Err(StoreError::NotCommitted));
                }
                if let Some(unit) = last {
                    answer(unit, Err(error));
                }
            }
        }
    }

    async fn commit(&self, state: &mut WriterState, effects: &Effects) -> Result<(), StoreError> {
        self.check_files()?;
        if state.in_transaction {
            state.connection.run(dialect::COMMIT).await?;
            state.in_transaction = false;
        }
        // Recorded before the rows are acknowledged: fails if they may be lost at a restart.
        self.check_files()?;
        let Some(files) = &self.files else { return Ok(()) };
        files.acknowledge(Acknowledged { deliveries: effects.newest_delivery, journal: effects.recorded_head })
    }

    fn check_files(&self) -> Result<(), StoreError> {
        self.files.as_ref().map_or(Ok(()), |files| files.check())
    }

    /// Replaces a broken connection. One that was idle is tested before, so that the first delivery after a restart of the
    /// server is stored, too.
    async fn repair(&self, state: &mut WriterState) -> Result<(), StoreError> {
        let idle = std::mem::replace(&mut state.used_at, Instant::now()).elapsed();
        if !state.is_broken && !state.in_transaction && idle > UNTESTED {
            state.is_broken = !state.connection.is_alive().await;
        }
        if state.is_broken {
            self.check_files()?;
            // Opened before the other one is closed, so that the write-ahead log stays in place.
            state.connection = self.options.connect().await?;
            self.options.claim(&mut state.connection).await?;
            state.is_broken = false;
        }
        Ok(())
    }

    /// Lends the connection without a transaction, and waits until it is returned.
    async fn lend(&self, turn: Answer<Held>) {
        if turn.is_closed() {
            return;
        }
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let repaired = self.repair(&mut state).await;
        answer(turn, repaired.map(|()| state));
        drop(self.state.lock().await);
    }

    async fn close(self) {
        let mut state = self.state.lock().await;
        if !state.is_broken
            && let Some(files) = self.files.as_ref().filter(|files| files.check().is_ok())
            && let Err(error) = stamp::end(files, &mut state.connection).await
        {
            let error = anyhow::Error::new(error);
            tracing::warn!(
                error = format!("{error:#}"),
                "the clean stop could not be recorded: the next start checks the database"
            );
        }
        drop(state);
        if let Some(state) = Arc::into_inner(self.state)
            && let Err(error) = state.into_inner().connection.close().await
        {
            tracing::debug!(%error, "the writing connection was not closed cleanly");
        }
    }
}

/// Sends the result to a caller, unless it no longer waits.
fn answer<T>(waiting: Answer<T>, result: Result<T, StoreError>) {
    // An unread turn ends here. A unit that is committed stands, even if its caller is gone.
    drop(waiting.send(result));
}

#[cfg(test)]
mod tests;
