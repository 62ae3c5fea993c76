//! The balance of sites between replicas: a replica that works at least two sites more than another one hands a site over to it.
//!
//! Only a site without a running job is handed over, so that no call is cut off. That is checked in the unit of work that gives the
//! term to the other owner with another token: a job that was claimed before is seen, and none can be claimed afterwards. If the other
//! replica is dead, its term ends as any other.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::replicas::TermKeeper;
use super::row::RowReader;
use super::sql::query;
use super::terms::{Duty, HandedOver, TERM, Term};
use super::{StoreError, dialect};

/// The shortest time between two sites that are handed over.
const BETWEEN: Duration = Duration::from_secs(5);

/// The difference in sites from which one is handed over: with a smaller one, the other replica would have more afterwards.
const DIFFERENCE: usize = 2;

/// The longest wait for the unit of work. The renewal of the terms waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(300);

/// To choose a site that can probably be handed over.
const BUSY_SITES: &str = "SELECT DISTINCT site AS id, site FROM jobs WHERE state = 'running'";

impl TermKeeper {
    /// Hands a site over if another replica works fewer. Returns whether it did.
    pub(super) async fn balance(&mut self) -> Result<bool, StoreError> {
        if !self.has_others || self.handed_over.as_ref().is_some_and(|last| last.at.elapsed() < BETWEEN) {
            return Ok(false);
        }
        let held = self.shared.held.borrow().clone();
        let mut sites: Vec<_> = held.into_iter().filter(|(duty, _)| matches!(duty, Duty::Site(_))).collect();
        let Some(connection) = self.connection.as_mut().filter(|_| sites.len() >= DIFFERENCE) else { return Ok(false) };
        let idlest = query(dialect::IDLEST_REPLICA).bind(&self.shared.replica).bind(&self.settings);
        let Some(idlest) = idlest.fetch_optional(&mut *connection).await? else { return Ok(false) };
        let (other, others_sites): (String, u32) = (idlest.try_get("id")?, idlest.try_get("sites")?);
        if sites.len() < usize::try_from(others_sites).unwrap_or(usize::MAX).saturating_add(DIFFERENCE) {
            return Ok(false);
        }
        let mut busy = Vec::new();
        for row in &query(BUSY_SITES).fetch_all(&mut *connection).await? {
            busy.push(Duty::Site(RowReader { what: "job", row }.word("site")?));
        }
        sites.retain(|(duty, _)| !busy.contains(duty));
        let Some((duty, term)) = sites.pop() else { return Ok(false) };
        match timeout(PATIENCE, self.hand_over(&duty, term, &other)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(false),
            // The term is renewed all the same. The next renewal shows who has it.
            Ok(Err(error)) => {
                tracing::debug!(%error, duty = duty.key(), "a site was not handed over");
                return Ok(false);
            }
            Err(_elapsed) => {
                tracing::debug!(duty = duty.key(), "a site was not handed over in time");
                return Ok(false);
            }
        }
        tracing::info!(
            duty = duty.key(),
            to = other,
            "replica: handed over {} to replica {other}, which works fewer sites",
            duty.key()
        );
        self.shared.held.send_modify(|held| {
            held.remove(&duty);
        });
        self.handed_over = Some(HandedOver { duty, at: Instant::now() });
        self.notify_others().await?;
        Ok(true)
    }

    /// Gives the term to another replica. Returns whether it did: not while a job of the site runs.
    async fn hand_over(&self, duty: &Duty, term: Term, to: &str) -> Result<bool, StoreError> {
        let Duty::Site(site) = duty else { return Ok(false) };
        let mut tx = self.store.begin_on(std::slice::from_ref(duty)).await?;
        let changed = query(dialect::HAND_OVER)
            .bind(&self.shared.replica)
            .bind(duty.key())
            .bind(term.token)
            .bind(to)
            .bind(i64::try_from(TERM.as_millis()).unwrap_or(i64::MAX))
            .bind(site.as_str())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }
}
