//! Erased email addresses that have an account again: found by keyed hash, because nothing else is left of them.

use std::collections::HashSet;

use jiff::Timestamp;
use tracing::instrument;

use super::brake::Actor;
use super::sql::query;
use super::{CaseRecord, NewCase, Note, Store, StoreError, Tx};
use crate::domain::brake::Brake;
use crate::domain::case::{Attention, AttentionReason, Cause, Escalation, Hold, State, Terms};
use crate::domain::ids::SiteName;
use crate::domain::person::{EmailAddress, Person};
use crate::domain::policy::{Action, Approvals};
use crate::proof::seal::KeyedHash;

/// The actor whose brake counts the cases that the watch opens.
const WATCH: &str = "watch_erased";

/// The limits of the cases that the watch opens: the strictest of the policies of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchLimits {
    pub approvals: Approvals,
    pub brake: Brake,
}

impl WatchLimits {
    /// Where no policy is known.
    pub const CAREFUL: Self =
        Self { approvals: Approvals { revoke: 1, delete: 1 }, brake: Brake { per_hour: 1, per_day: 1 } };
}

impl Store {
    /// The hashes of the email addresses whose newest case on the site ended in an erasure, and that were not reported as
    /// present since.
    #[instrument(name = "store.watch.erased", skip_all, fields(site = %site), err)]
    pub async fn erased_addresses(&self, site: &SiteName) -> Result<HashSet<KeyedHash>, StoreError> {
        let rows = query(
            "SELECT c.email_hash
             FROM cases c
             WHERE c.site = $1
                 AND c.state = 'erased'
                 AND c.email_hash IS NOT NULL
                 AND NOT EXISTS (
                     SELECT 1
                     FROM cases newer
                     WHERE newer.email_hash = c.email_hash AND newer.site = c.site AND newer.id > c.id)
                 AND NOT EXISTS (
                     SELECT 1
                     FROM facts f
                     WHERE f.person_key = c.email_hash
                         AND f.kind IN ('returned', 'departure_cancelled')
                         AND f.happened_ns > c.opened_at * 1000000)",
        )
        .bind(site.as_str())
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let hash: Vec<u8> = row.try_get("email_hash")?;
                let wrong = |_wrong_length| StoreError::inconsistent("case", "", "column `email_hash`: no such hash");
                hash.try_into().map(KeyedHash).map_err(wrong)
            })
            .collect()
    }
}

impl Tx {
    /// Opens a case for an account of an erased email address. With `revokes` its access is revoked, within the limits;
    /// otherwise a human decides. Returns `None` if there is a newer case of the address.
    #[instrument(name = "store.watch.open", skip_all, fields(site = %site), err)]
    pub async fn open_erased_again(
        &mut self,
        site: &SiteName,
        email: EmailAddress,
        revokes: bool,
        limits: WatchLimits,
        now: Timestamp,
    ) -> Result<Option<CaseRecord>, StoreError> {
        let hash = self.key.hash_email(site, &email);
        let newest = query(
            "SELECT state
             FROM cases
             WHERE email_hash = $1 AND site = $2
             ORDER BY id DESC
             LIMIT 1",
        )
        .bind(hash.0.as_slice())
        .bind(site.as_str())
        .fetch_optional(&mut **self)
        .await?;
        let is_erased = newest.is_some_and(|row| row.try_get::<String>("state").is_ok_and(|state| state == "erased"));
        if !is_erased {
            return Ok(None);
        }
        let new = NewCase {
            site: site.clone(),
            source: None,
            person: Person { id: None, email: Some(email) },
            terms: Terms {
                action: Action::Revoke,
                local_grace: jiff::SignedDuration::ZERO,
                approvals: limits.approvals,
                detach: Vec::new(),
                reinvite: false,
                requested_by: Some(WATCH.to_owned()),
                policy: None,
            },
            cause: Cause::ErasedAgain,
            effective_at: now,
            deadline: None,
        };
        let attention = Attention::new(
            AttentionReason::Regranted,
            "an account with an email address that was erased exists again: retry revokes its access, cancel leaves it",
        );
        let is_braked = revokes && self.is_operator_braked(WATCH).await?;
        let beginning = match (revokes, is_braked) {
            (false, _) => Some(State::NeedsAttention(attention)),
            (true, true) => Some(State::Held(Hold::Brake)),
            (true, false) => None,
        };
        let record = self.open_case(new, beginning, Note::default(), now).await?;
        let id = record.case.id;
        if !revokes {
            return Ok(Some(record));
        }
        self.count_escalation(Actor::Operator(WATCH), id, Escalation::Opened, now).await?;
        if is_braked {
            self.add_to_operator_brake(WATCH, id).await?;
        } else if let Some(tripped) = self.brake_trip(Actor::Operator(WATCH), &limits.brake, 0, now).await? {
            let held = self.freeze_operator(WATCH, &tripped, now).await?;
            tracing::error!(held, "watch_erased: brake tripped ({tripped}), {held} cases held");
        }
        self.case(id).await
    }
}
