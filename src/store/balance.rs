//! The balance of sites between replicas: a replica that works at least two sites more than another one hands a site over to it.
//!
//! Only a site without a running job is handed over, so that no call is cut off. The giver stops its work at the site first, as at the
//! end of a term; only then the term gets the other owner and another token. If that replica is dead, its term ends as any other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::replicas::TermKeeper;
use super::sql::query;
use super::terms::{Duty, HandedOver, TERM, Term};
use super::{StoreError, dialect};

/// The shortest time between two sites that are handed over.
const BETWEEN: Duration = Duration::from_secs(5);

/// The difference in sites from which one is handed over: with a smaller one, the other replica would have more afterwards.
const DIFFERENCE: usize = 2;

const BUSY_SITES: &str = "SELECT DISTINCT site FROM jobs WHERE state = 'running'";

impl TermKeeper {
    /// Hands a site over if another replica works fewer. Returns whether it did.
    pub(super) async fn balance(&mut self) -> Result<bool, StoreError> {
        if !self.has_others || self.handed_over.as_ref().is_some_and(|last| last.at.elapsed() < BETWEEN) {
            return Ok(false);
        }
        let (replica, held) = (self.shared.replica.clone(), self.shared.held.borrow().clone());
        let mut sites: Vec<_> = held.into_iter().filter(|(duty, _)| matches!(duty, Duty::Site(_))).collect();
        let Some(connection) = self.connection.as_mut().filter(|_| sites.len() >= DIFFERENCE) else { return Ok(false) };
        let idlest = query(dialect::IDLEST_REPLICA).bind(&replica).bind(&self.settings);
        let Some(idlest) = idlest.fetch_optional(&mut *connection).await? else { return Ok(false) };
        let (other, others_sites): (String, u32) = (idlest.try_get("id")?, idlest.try_get("sites")?);
        if sites.len() < usize::try_from(others_sites).unwrap_or(usize::MAX).saturating_add(DIFFERENCE) {
            return Ok(false);
        }
        let mut busy = BTreeSet::new();
        for row in query(BUSY_SITES).fetch_all(&mut *connection).await? {
            busy.insert(format!("site/{}", row.try_get::<&str>("site")?));
        }
        sites.retain(|(duty, _)| !busy.contains(&duty.key()));
        let Some((duty, term)) = sites.pop() else { return Ok(false) };
        self.hand_over(duty, term, &other).await?;
        Ok(true)
    }

    async fn hand_over(&mut self, duty: Duty, term: Term, to: &str) -> Result<(), StoreError> {
        // From here on, nothing that this replica does at the site continues.
        self.shared.held.send_modify(|held| {
            held.remove(&duty);
        });
        let key = duty.key();
        self.handed_over = Some(HandedOver { duty, at: Instant::now() });
        let Some(connection) = &mut self.connection else { return Ok(()) };
        query(dialect::HAND_OVER)
            .bind(&self.shared.replica)
            .bind(&key)
            .bind(term.token)
            .bind(to)
            .bind(i64::try_from(TERM.as_millis()).unwrap_or(i64::MAX))
            .execute(connection)
            .await?;
        tracing::info!(duty = key, to, "replica: handed over {key} to replica {to}, which works fewer sites");
        self.notify_others().await
    }
}
