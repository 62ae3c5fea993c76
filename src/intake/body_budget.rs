//! The memory budget of bodies: how much memory all of them hold at once, from their first byte until they are committed.
//!
//! It is taken as bytes arrive, not as they are announced. When there is none left, it is taken back from those bodies that
//! began to need it first and are still arriving: whoever sends what it has to say gets in, however much others have begun.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// So much of every body is not counted: small ones are taken whatever the large ones hold. There are as many of them as
/// there are connections.
pub(super) const SMALL: usize = 16 * 1024;

/// How much all bodies together hold beyond that. One of the largest size that the settings allow always fits.
pub(super) const BYTES: usize = 64 * 1024 * 1024;

/// How long a body waits for what is taken back from others.
const MOVING: Duration = Duration::from_secs(1);

/// The memory for bodies that all requests share.
#[derive(Debug, Clone)]
pub(super) struct BodyBudget {
    free: Arc<Semaphore>,
    arriving: Arc<Mutex<Uploads>>,
}

/// The bodies that are not whole yet and hold more than a small one, in the order in which they began to.
#[derive(Debug, Default)]
struct Uploads {
    begun: u64,
    bodies: BTreeMap<u64, Upload>,
}

#[derive(Debug)]
struct Upload {
    held: usize,
    leave: CancellationToken,
}

/// There is none left for this body.
#[derive(Debug)]
pub(super) struct BudgetExhausted;

/// What one body holds of the room, until it is dropped.
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

    /// What a body holds before its first byte.
    pub(super) fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), held: None, upload: None }
    }

    /// Asks those who began before `asking` to leave, the first ones first, until that makes so much room; nobody when all
    /// of them together hold less.
    fn revoke_oldest(&self, bytes: usize, asking: u64) -> Result<(), BudgetExhausted> {
        let mut arriving = self.arriving();
        let mut held = 0;
        let first = arriving.bodies.range(..asking).find(|(_, upload)| {
            held += upload.held;
            held >= bytes
        });
        let last = *first.ok_or(BudgetExhausted)?.0;
        let stay = arriving.bodies.split_off(&(last + 1));
        for upload in std::mem::replace(&mut arriving.bodies, stay).into_values() {
            upload.leave.cancel();
        }
        Ok(())
    }

    fn arriving(&self) -> MutexGuard<'_, Uploads> {
        self.arriving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Makes it hold a body of so many bytes.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.saturating_sub(SMALL).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let permits = u32::try_from(more).map_err(|_out_of_all_bounds| BudgetExhausted)?;
        let number = self.number();
        let more = if let Ok(free) = Arc::clone(&self.budget.free).try_acquire_many_owned(permits) {
            free
        } else {
            self.budget.revoke_oldest(more, number)?;
            let freed = tokio::time::timeout(MOVING, Arc::clone(&self.budget.free).acquire_many_owned(permits)).await;
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

    /// Ready when others need what this body holds.
    pub(super) async fn cancelled(&self) {
        match &self.upload {
            Some((_, leave)) => leave.cancelled().await,
            None => pending().await,
        }
    }

    /// The body is whole: nothing is taken back any more.
    pub(super) fn keep(&mut self) {
        if let Some((number, _)) = self.upload.take() {
            self.budget.arriving().bodies.remove(&number);
        }
    }

    fn number(&mut self) -> u64 {
        if let Some((number, _)) = self.upload {
            return number;
        }
        let leave = CancellationToken::new();
        let mut arriving = self.budget.arriving();
        let number = arriving.begun;
        arriving.begun += 1;
        arriving.bodies.insert(number, Upload { held: 0, leave: leave.clone() });
        drop(arriving);
        self.upload = Some((number, leave));
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
        reservation.upload.as_ref().is_some_and(|(_, leave)| leave.is_cancelled())
    }

    #[tokio::test]
    async fn who_began_first_gives_way_and_small_ones_never_have_to() {
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
        let asked: Vec<_> = reservations.iter().map(is_cancelled).collect();
        assert_eq!((asked, is_cancelled(&small)), (vec![true, true, false, false], false));
        drop((reservations, small, late));
        assert_eq!((budget.free.available_permits(), budget.arriving().bodies.len()), (1000, 0));
    }

    #[tokio::test]
    async fn nobody_gives_way_to_whoever_began_before_them_or_needs_more_than_that_gives() {
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
