//! Commits the requests and reports of attempts in groups: one commit serves all that arrived during the previous
//! commit. Each is answered after the commit, so that no call is made on the basis of data that may be lost.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::domain::case::StateName;
use crate::store::{AttemptReport, CaseRecord, Dispatch, Intent, Lease, LeasedJob, Store, StoreError, Tx};

/// The maximum number of entries in one commit: it takes a few milliseconds, because a vendor may wait meanwhile.
const GROUP: usize = 32;

/// A request to make a call.
#[derive(Debug)]
pub(super) struct DispatchRequest {
    pub(super) intent: Intent,
    /// The observations of the attempt's reads so far.
    pub(super) observed: CaseRecord,
}

/// The queue of requests and reports that wait for a commit.
#[derive(Debug, Clone)]
pub(super) struct JobCommitQueue(mpsc::Sender<Entry>);

/// Commits the entries of the queue.
#[derive(Debug)]
pub(super) struct JobCommitter {
    store: Store,
    clock: Arc<dyn Clock>,
    enforce: bool,
    entries: mpsc::Receiver<Entry>,
}

#[derive(Debug)]
struct Entry {
    lease: Lease,
    write: PendingWrite,
}

#[derive(Debug)]
enum PendingWrite {
    DispatchRequest(Pending<DispatchRequest, Dispatch>),
    CallDone(Pending<Value, ()>),
    Report(Pending<AttemptReport, StateName>),
}

/// An entry with the channel for its answer.
#[derive(Debug)]
struct Pending<W, A> {
    what: W,
    answer: oneshot::Sender<Result<A, StoreError>>,
    /// The answer to send after the commit; `None` before the entry was written.
    found: Option<Result<A, StoreError>>,
}

impl JobCommitQueue {
    /// Requests permission for a call that changes something, right before the call.
    pub(super) async fn ask(&self, lease: Lease, question: DispatchRequest) -> Result<Dispatch, StoreError> {
        self.submit(lease, PendingWrite::DispatchRequest, question).await
    }

    /// Records that a call was answered; the attempt continues.
    pub(super) async fn call_done(&self, lease: Lease, detail: Value) -> Result<(), StoreError> {
        self.submit(lease, PendingWrite::CallDone, detail).await
    }

    /// Settles an attempt. Returns the state of its case after that.
    pub(super) async fn settle(&self, lease: Lease, report: AttemptReport) -> Result<StateName, StoreError> {
        self.submit(lease, PendingWrite::Report, report).await
    }

    async fn submit<W, A>(
        &self,
        lease: Lease,
        write: fn(Pending<W, A>) -> PendingWrite,
        what: W,
    ) -> Result<A, StoreError> {
        let (answer, answered) = oneshot::channel();
        let write = write(Pending { what, answer, found: None });
        self.0.send(Entry { lease, write }).await.map_err(|_nobody_writes| StoreError::NotCommitted)?;
        answered.await.map_err(|_given_up| StoreError::NotCommitted)?
    }
}

impl JobCommitter {
    /// Creates a committer and its queue. Without `enforce`, no call is allowed.
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>, enforce: bool) -> (Self, JobCommitQueue) {
        let (sender, entries) = mpsc::channel(GROUP);
        (Self { store, clock, enforce, entries }, JobCommitQueue(sender))
    }

    /// Commits until the last queue is dropped.
    pub(super) async fn run(mut self) {
        let mut entries = Vec::with_capacity(GROUP);
        while self.entries.recv_many(&mut entries, GROUP).await > 0 {
            while !entries.is_empty() {
                let count = of_different_jobs(&entries);
                let (group, _) = entries.split_at_mut(count);
                let done = self.write_next(group).await;
                for entry in entries.drain(..done) {
                    entry.write.answer();
                }
            }
        }
    }

    /// Writes these entries. Returns the number of leading entries that are finished, written or not.
    async fn write_next(&self, entries: &mut [Entry]) -> usize {
        match self.write(entries).await {
            Ok(()) => return entries.len(),
            Err(error) if error.is_about_one_row() => {}
            Err(error) => {
                let (count, error) = (entries.len(), anyhow::Error::new(error));
                tracing::error!(count, error = format!("{error:#}"), "a group of attempts was not written down");
                return count;
            }
        }
        // One of the entries meets an inconsistent row. Written separately, it does not affect the others.
        if let Some((first, _)) = entries.split_first_mut()
            && let Err(error) = self.write(std::slice::from_mut(first)).await
        {
            first.write.fail(error);
        }
        1
    }

    async fn write(&self, entries: &mut [Entry]) -> Result<(), StoreError> {
        // A panic over one entry must not stop the commits of all others.
        let written = AssertUnwindSafe(self.transact(entries)).catch_unwind().await;
        let written = written.unwrap_or_else(|_panic| Err(StoreError::Panicked));
        if written.is_err() {
            for entry in entries {
                entry.write.forget();
            }
        }
        written
    }

    async fn transact(&self, entries: &mut [Entry]) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        let now = self.clock.now();
        // Entries of the same kind are adjacent, because they use the same statements.
        entries.sort_by_key(|entry| matches!(entry.write, PendingWrite::Report(_)));
        let leases: Vec<_> = entries.iter().map(|entry| entry.lease).collect();
        let jobs = tx.load_leased(&leases, now).await?;
        for (entry, job) in entries.iter_mut().zip(jobs) {
            match job {
                Ok(job) => entry.write.write(&mut tx, job, self.enforce, now).await?,
                Err(error) => entry.write.fail(error),
            }
        }
        tx.commit().await
    }
}

/// The number of leading entries that belong to different jobs. An attempt that ran out of time reports while its
/// request still waits. The report then builds on the result of the request.
fn of_different_jobs(entries: &[Entry]) -> usize {
    let mut jobs = BTreeSet::new();
    entries.iter().take_while(|entry| jobs.insert(entry.lease.job_id)).count()
}

impl PendingWrite {
    async fn write(
        &mut self,
        tx: &mut Tx,
        job: Option<LeasedJob>,
        enforce: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self {
            Self::DispatchRequest(Pending { what: DispatchRequest { intent, observed }, found, .. }) => {
                *found = Some(Ok(tx.dispatch(job, intent, observed, enforce, now).await?));
            }
            Self::CallDone(Pending { what: detail, found, .. }) => {
                *found = match tx.call_done(job, detail, now).await {
                    Err(lost @ StoreError::LeaseLost) => Some(Err(lost)),
                    done => Some(Ok(done?)),
                };
            }
            Self::Report(Pending { what: report, found, .. }) => {
                *found = match tx.settle(job, report, now).await {
                    // Nothing of this entry is written, so that the others can be committed.
                    Err(lost @ StoreError::LeaseLost) => Some(Err(lost)),
                    settled => Some(Ok(settled?)),
                };
            }
        }
        Ok(())
    }

    /// Drops the answers after a rollback.
    fn forget(&mut self) {
        match self {
            Self::DispatchRequest(handed) => handed.found = None,
            Self::CallDone(handed) => handed.found = None,
            Self::Report(handed) => handed.found = None,
        }
    }

    fn fail(&mut self, error: StoreError) {
        match self {
            Self::DispatchRequest(handed) => handed.found = Some(Err(error)),
            Self::CallDone(handed) => handed.found = Some(Err(error)),
            Self::Report(handed) => handed.found = Some(Err(error)),
        }
    }

    fn answer(self) {
        match self {
            Self::DispatchRequest(handed) => handed.answer(),
            Self::CallDone(handed) => handed.answer(),
            Self::Report(handed) => handed.answer(),
        }
    }
}

impl<W, A> Pending<W, A> {
    fn answer(self) {
        if let Some(found) = self.found
            && self.answer.send(found).is_err()
        {
            tracing::debug!("an attempt ran out of time before its answer; what was written stands");
        }
    }
}

#[cfg(test)]
mod tests;
