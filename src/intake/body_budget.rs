//! The memory budget of all bodies, from their first byte until the commit.
//!
//! Memory is reserved as bytes arrive, not as announced. Aborts the oldest incomplete uploads when the memory budget is
//! exhausted.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The bytes of each body that are not counted, so that small bodies are always accepted. The connection limit bounds their
/// number.
pub(super) const SMALL: usize = 16 * 1024;

/// The budget beyond that. It fits one body of the largest configurable size.
pub(super) const BYTES: usize = 64 * 1024 * 1024;

/// How long a body waits for memory of aborted uploads.
const RECLAIM_TIMEOUT: Duration = Duration::from_secs(1);

/// Shared by all requests.
#[derive(Debug, Clone)]
pub(super) struct BodyBudget {
    free: Arc<Semaphore>,
    arriving: Arc<Mutex<Uploads>>,
}

/// The incomplete bodies with a reservation, in the order of their first reservation.
#[derive(Debug, Default)]
struct Uploads {
    next: u64,
    bodies: BTreeMap<u64, Upload>,
}

#[derive(Debug)]
struct Upload {
    held: usize,
    abort: CancellationToken,
}

/// No memory is left for this body.
#[derive(Debug)]
pub(super) struct BudgetExhausted;

/// The reserved memory of one body, released on drop.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: BodyBudget,
    held: Option<OwnedSemaphorePermit>,
    upload: Option<(u64, CancellationToken)>,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self::of(BYTES)
    }
}

impl BodyBudget {
    fn of(bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes)), arriving: Arc::default() }
    }

    /// An empty reservation for a new body.
    pub(super) fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), held: None, upload: None }
    }

    /// Aborts uploads that are older than `requester`, oldest first, until they free `bytes`. Aborts none if all of them
    /// together hold less.
    fn revoke_oldest(&self, bytes: usize, requester: u64) -> Result<(), BudgetExhausted> {
        let mut arriving = self.arriving();
        let mut held = 0;
        let first = arriving.bodies.range(..requester).find(|(_, upload)| {
            held += upload.held;
            held >= bytes
        });
        let last = *first.ok_or(BudgetExhausted)?.0;
        let stay = arriving.bodies.split_off(&(last + 1));
        for upload in std::mem::replace(&mut arriving.bodies, stay).into_values() {
            upload.abort.cancel();
        }
        Ok(())
    }

    fn arriving(&self) -> MutexGuard<'_, Uploads> {
        self.arriving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Extends the reservation to a body of `bytes` bytes.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.saturating_sub(SMALL).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let permits = u32::try_from(more).map_err(|_overflow| BudgetExhausted)?;
        let number = self.number();
        let more = if let Ok(free) = Arc::clone(&self.budget.free).try_acquire_many_owned(permits) {
            free
        } else {
            self.budget.revoke_oldest(more, number)?;
            let freed =
                tokio::time::timeout(RECLAIM_TIMEOUT, Arc::clone(&self.budget.free).acquire_many_owned(permits)).await;
            freed.map_err(|_elapsed| BudgetExhausted)?.map_err(|_closed| BudgetExhausted)?
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        if let (Some(upload), Some(held)) = (self.budget.arriving().bodies.get_mut(&number), &self.held) {
            upload.held = held.num_permits();
        }
        Ok(())
    }

    /// Completes when the upload is aborted.
    pub(super) async fn cancelled(&self) {
        match &self.upload {
            Some((_, abort)) => abort.cancelled().await,
            None => pending().await,
        }
    }

    /// Marks the body as complete, so that it is not aborted any more.
    pub(super) fn keep(&mut self) {
        if let Some((number, _)) = self.upload.take() {
            self.budget.arriving().bodies.remove(&number);
        }
    }

    fn number(&mut self) -> u64 {
        if let Some((number, _)) = self.upload {
            return number;
        }
        let abort = CancellationToken::new();
        let mut arriving = self.budget.arriving();
        let number = arriving.next;
        arriving.next += 1;
        arriving.bodies.insert(number, Upload { held: 0, abort: abort.clone() });
        drop(arriving);
        self.upload = Some((number, abort));
        number
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.keep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cancelled(reservation: &Reservation) -> bool {
        reservation.upload.as_ref().is_some_and(|(_, abort)| abort.is_cancelled())
    }

    #[tokio::test]
    async fn oldest_uploads_are_aborted_and_small_ones_never() {
        let budget = BodyBudget::of(1000);
        let mut reservations: Vec<_> = (0..4).map(|_| budget.reservation()).collect();
        for reservation in &mut reservations {
            reservation.grow_to(SMALL + 250).await.unwrap();
        }
        let mut small = budget.reservation();
        small.grow_to(SMALL).await.unwrap();
        let mut late = budget.reservation();
        let (grown, ()) = tokio::join!(late.grow_to(SMALL + 300), async {
            for reservation in &mut reservations[..2] {
                reservation.cancelled().await;
                reservation.held = None;
            }
        });
        grown.unwrap();
        let aborted: Vec<_> = reservations.iter().map(is_cancelled).collect();
        assert_eq!((aborted, is_cancelled(&small)), (vec![true, true, false, false], false));
        drop((reservations, small, late));
        assert_eq!((budget.free.available_permits(), budget.arriving().bodies.len()), (1000, 0));
    }

    #[tokio::test]
    async fn no_upload_is_aborted_for_an_older_one_or_without_effect() {
        let budget = BodyBudget::of(1000);
        let (mut first, mut whole, mut second) = (budget.reservation(), budget.reservation(), budget.reservation());
        first.grow_to(SMALL + 100).await.unwrap();
        whole.grow_to(SMALL + 700).await.unwrap();
        whole.keep();
        second.grow_to(SMALL + 200).await.unwrap();
        assert!(first.grow_to(SMALL + 101).await.is_err());
        assert!(second.grow_to(SMALL + 301).await.is_err());
        assert!(!is_cancelled(&first) && !is_cancelled(&second));
        drop(whole);
        second.grow_to(SMALL + 900).await.unwrap();
        assert!(!is_cancelled(&first));
    }
}
