//! The work that a duty permits: its units of work are rejected, and the work itself is dropped, when the term is over.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tracing::instrument;

use super::sql::query;
use super::terms::Duty;
use super::{Store, StoreError, Tx};

/// The wait before a replica that gained a duty tries again, when the database failed.
const RETRY: Duration = Duration::from_millis(500);

impl Tx {
    /// Fails if another replica has taken over the duty.
    #[instrument(name = "store.term.require", skip_all)]
    async fn require_term(&mut self, duty: &Duty, token: i64) -> Result<(), StoreError> {
        let row = query("SELECT 1 FROM terms WHERE duty = $1 AND token = $2")
            .bind(duty.key())
            .bind(token)
            .fetch_optional(&mut **self)
            .await?;
        if row.is_some() { Ok(()) } else { Err(StoreError::TermOver) }
    }
}

impl Store {
    /// The same database for a part with this duty: its units of work fail while another replica has the duty.
    #[must_use]
    pub fn on_duty(&self, duty: Duty) -> Self {
        Self { duty: Some(Arc::new(duty)), ..self.clone() }
    }

    /// Whether other daemons may use the same database.
    pub const fn is_shared(&self) -> bool {
        self.terms.among_others().is_some()
    }

    /// The token of a duty, while this replica has it. Each term has another one.
    pub fn term_of(&self, duty: &Duty) -> Option<i64> {
        self.terms.token(duty)
    }

    /// Begins a unit of work that several duties permit.
    pub async fn begin_on(&self, duties: &[Duty]) -> Result<Tx, StoreError> {
        if !self.is_shared() {
            return self.begin_unit().await;
        }
        let mut terms = Vec::with_capacity(duties.len());
        for duty in duties {
            terms.push((duty, self.term_of(duty).ok_or(StoreError::TermOver)?));
        }
        let mut tx = self.begin_unit().await?;
        for (duty, token) in terms {
            tx.require_term(duty, token).await?;
        }
        Ok(tx)
    }

    /// Waits until this replica has the duty, and until no unit of an earlier holder can be committed any more.
    pub async fn gain_duty(&self) {
        let Some(duty) = self.duty.as_deref().filter(|_| self.is_shared()) else { return };
        loop {
            self.terms.gained(duty).await;
            // The earlier holder's unit ends before this one begins, and its next one fails.
            match self.begin().await {
                Ok(_rolled_back) => return,
                Err(error) => {
                    tracing::debug!(%error, "a duty cannot begin");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Runs `work` while this replica has its duty. Returns `None` if it lost the duty: the work was dropped. It does not continue
    /// even for one step when a frozen process resumes after the end of its term.
    pub async fn while_on_duty<W: Future>(&self, work: W) -> Option<W::Output> {
        let Some(duty) = self.duty.as_deref().filter(|_| self.is_shared()) else { return Some(work.await) };
        let token = self.term_of(duty)?;
        let (mut ended, mut work) = (pin!(self.terms.ended(duty, token)), pin!(work));
        poll_fn(|context| {
            if self.term_of(duty) != Some(token) || ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// Gives up a duty, so that another replica takes it immediately.
    pub fn resign(&self, duty: &Duty) {
        let Some(shared) = self.terms.among_others() else { return };
        shared.resigned.lock().unwrap_or_else(PoisonError::into_inner).insert(duty.clone());
        shared.held.send_modify(|held| {
            held.remove(duty);
        });
        shared.renewal.notify_one();
    }
}
