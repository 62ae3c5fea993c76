//! Frozen sources and operators: their recent actions that were not carried out are held.

use jiff::Timestamp;
use serde_json::json;
use tracing::instrument;

use super::escalations::{Actor, DAY, ago};
use crate::domain::brake::BrakeTrip;
use crate::domain::case::{Direction, Hold, State, Transition};
use crate::domain::ids::{CaseId, SourceName};
use crate::store::row::{RowReader, millis};
use crate::store::sql::query;
use crate::store::sums::Guarded;
use crate::store::{Note, StoreError, TransitionError, Tx};

impl Tx {
    /// Holds a case that an event of a frozen source changed in another way than by its dates or its action.
    #[instrument(name = "store.brake.withhold", skip_all, fields(source = %source), err)]
    pub async fn withhold_if_braked(
        &mut self,
        source: &SourceName,
        case_id: CaseId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.is_braked(source).await? {
            self.hold_by_brake(&Actor::Source(source).key(), case_id, now).await?;
        }
        Ok(())
    }

    /// Whether a source is frozen.
    #[instrument(name = "store.brake.is_braked", skip_all, fields(source = %source), err)]
    pub async fn is_braked(&mut self, source: &SourceName) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM sources WHERE name = $1 AND braked_at IS NOT NULL")
            .bind(source.as_str())
            .fetch_optional(&mut **self)
            .await?;
        Ok(row.is_some())
    }

    /// Stores the current count in the reason of a frozen source's brake.
    #[instrument(name = "store.brake.update_reason", skip_all, fields(source = %source))]
    pub async fn update_brake_reason(&mut self, source: &SourceName, tripped: &BrakeTrip) -> Result<(), StoreError> {
        query("UPDATE sources SET brake = $1 WHERE name = $2 AND braked_at IS NOT NULL")
            .bind(tripped.to_string())
            .bind(source.as_str())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Whether an operator's brake holds cases: releasing or cancelling them releases the brake.
    #[instrument(name = "store.brake.is_operator_braked", skip_all, err)]
    pub async fn is_operator_braked(&mut self, name: &str) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM brake_holds WHERE actor = $1 LIMIT 1")
            .bind(Actor::Operator(name).key())
            .fetch_optional(&mut **self)
            .await?;
        Ok(row.is_some())
    }

    /// Freezes a source: all its actions of the last day that were not carried out are held, whichever source opened
    /// the case.
    #[instrument(name = "store.brake.freeze", skip_all, fields(source = %source), err)]
    pub async fn freeze(
        &mut self,
        source: &SourceName,
        tripped: &BrakeTrip,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let before = self.source_row(source.as_str()).await?;
        query(
            "INSERT INTO sources (name, braked_at, brake)
             VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE
             SET braked_at = $2, brake = $3",
        )
        .bind(source.as_str())
        .bind(millis(now))
        .bind(tripped.to_string())
        .execute(&mut **self)
        .await?;
        self.count_source_change(source.as_str(), &before).await?;
        let held = self.hold_all_by_brake(Actor::Source(source), now).await?;
        let detail = json!({ "source": source, "brake": tripped.to_string(), "held": held });
        self.write_journal(None, "brake_tripped", &detail, now).await?;
        Ok(held)
    }

    /// Holds an operator's own requests of the last day that were not carried out.
    #[instrument(name = "store.brake.freeze_operator", skip_all, err)]
    pub async fn freeze_operator(
        &mut self,
        name: &str,
        tripped: &BrakeTrip,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let held = self.hold_all_by_brake(Actor::Operator(name), now).await?;
        let detail = json!({ "operator": name, "brake": tripped.to_string(), "held": held });
        self.write_journal(None, "brake_tripped", &detail, now).await?;
        Ok(held)
    }

    /// Holds a case that was opened after the operator's brake tripped.
    pub async fn add_to_operator_brake(&mut self, name: &str, case_id: CaseId) -> Result<(), StoreError> {
        self.add_brake_hold(&Actor::Operator(name).key(), case_id).await
    }

    async fn hold_all_by_brake(&mut self, actor: Actor<'_>, now: Timestamp) -> Result<u32, StoreError> {
        let actor = actor.key();
        let rows = query(
            "SELECT DISTINCT c.id
             FROM escalations e
                 JOIN cases c ON c.id = e.case_id
             WHERE e.actor = $1
                 AND e.at > $2
                 AND e.at > COALESCE((SELECT brake_released_at FROM sources WHERE name = $1), 0)
                 AND c.closed_at IS NULL
                 AND c.direction = 'leaving'
                 AND c.deletion_dispatched_at IS NULL
                 AND (
                     c.revoke_dispatched_at IS NULL
                     OR c.revoke_dispatched_at < e.at
                     OR (c.revoke_dispatched_at = e.at AND e.kind <> 'opened'))
             ORDER BY c.id",
        )
        .bind(&actor)
        .bind(millis(ago(now, DAY)))
        .fetch_all(&mut **self)
        .await?;
        let mut held = 0;
        for row in &rows {
            let id = RowReader { what: "case", row }.word("id")?;
            held += u32::from(self.hold_by_brake(&actor, id, now).await?);
        }
        Ok(held)
    }

    /// Holds a case by a brake. Returns false if the case waits for another reason, or if its call is in progress.
    async fn hold_by_brake(&mut self, actor: &str, id: CaseId, now: Timestamp) -> Result<bool, StoreError> {
        let record = match self.case(id).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(false),
            // A row that cannot be read is never acted on, and must not prevent the brake from holding the others.
            Err(error) if error.is_about_one_row() => return Ok(false),
            Err(error) => return Err(error),
        };
        self.add_brake_hold(actor, id).await?;
        let active = matches!(record.case.state, State::Scheduled | State::Revoking | State::Revoked | State::Deleting);
        if !active || record.case.direction == Direction::Returning || record.case.next_stage().is_none() {
            return Ok(false);
        }
        match self.transition_unless_dispatched(record, &Transition::Withheld(Hold::Brake), Note::default(), now).await
        {
            Ok(_) => Ok(true),
            Err(TransitionError::Store(error)) => Err(error),
            // Its call is in progress: it was not stopped, and counts as carried out.
            Err(TransitionError::Invalid(_) | TransitionError::TooLate) => Ok(false),
        }
    }

    async fn add_brake_hold(&mut self, actor: &str, case_id: CaseId) -> Result<(), StoreError> {
        let held = query("INSERT INTO brake_holds (actor, case_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING *")
            .bind(actor)
            .bind(case_id.to_string())
            .fetch_all(&mut **self)
            .await?;
        self.guarded_added(Guarded::BrakeHolds, &held)
    }

    /// Whether a brake holds a case: that of its source, or one that is recorded for the case.
    #[instrument(name = "store.brake.is_held", skip_all, fields(case.id = %case_id), err)]
    pub async fn is_held_by_brake(&mut self, case_id: CaseId) -> Result<bool, StoreError> {
        let row = query(
            "SELECT 1
             FROM cases c
             WHERE c.id = $1
                 AND (
                     EXISTS (SELECT 1 FROM brake_holds WHERE case_id = $1)
                     OR EXISTS (SELECT 1 FROM sources WHERE name = c.source AND braked_at IS NOT NULL))",
        )
        .bind(case_id.to_string())
        .fetch_optional(&mut **self)
        .await?;
        Ok(row.is_some())
    }

    /// Deletes the brakes' records of a case that was stopped or closed.
    pub(in crate::store) async fn clear_brake_of(&mut self, case_id: CaseId, closed: bool) -> Result<(), StoreError> {
        let dropped = query("DELETE FROM brake_deferred WHERE case_id = $1 RETURNING *")
            .bind(case_id.to_string())
            .fetch_all(&mut **self)
            .await?;
        self.guarded_removed(Guarded::BrakeDeferred, &dropped)?;
        if closed {
            let released = query("DELETE FROM brake_holds WHERE case_id = $1 RETURNING *")
                .bind(case_id.to_string())
                .fetch_all(&mut **self)
                .await?;
            self.guarded_removed(Guarded::BrakeHolds, &released)?;
        }
        Ok(())
    }
}
