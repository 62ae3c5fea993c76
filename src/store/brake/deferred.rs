//! Events of a frozen source that would make an action earlier or stronger: they are deferred until the release.

use jiff::Timestamp;
use serde_json::json;
use tracing::instrument;

use super::escalations::Actor;
use crate::domain::case::Transition;
use crate::domain::ids::{CaseId, SourceName};
use crate::store::sql::query;
use crate::store::sums::Guarded;
use crate::store::{CaseRecord, Note, StoreError, TransitionError, Transitioned, Tx};

/// The effect of a source's event.
#[derive(Debug)]
pub enum SourceEffect {
    /// The event was applied to the case.
    Applied(Box<Transitioned>),
    /// The source is frozen: the event takes effect when the source is released.
    Deferred,
}

impl Tx {
    /// Applies an event of a source to a case, and counts it if it makes an action earlier or stronger. A frozen source
    /// can stop and postpone. Its escalations are deferred until its release.
    #[instrument(name = "store.brake.transition_by_source", skip_all, fields(source = %source, case.id = %record.case.id), err(level = "debug"))]
    pub async fn transition_by_source(
        &mut self,
        source: &SourceName,
        record: CaseRecord,
        transition: &Transition,
        note: Note,
        now: Timestamp,
    ) -> Result<SourceEffect, TransitionError> {
        let case_id = record.case.id;
        let escalation = record.case.apply(transition, now)?.escalation(&record.case, now);
        if escalation.is_some() && self.is_braked(source).await? && self.defer(source, case_id, transition).await? {
            self.write_journal(Some(case_id), "deferred_by_brake", &note.detail, now).await?;
            return Ok(SourceEffect::Deferred);
        }
        let transitioned = self.transition_unless_dispatched(record, transition, note, now).await?;
        if let Some(escalation) = escalation {
            self.count_escalation(Actor::Source(source), case_id, escalation, now).await?;
        }
        Ok(SourceEffect::Applied(Box::new(transitioned)))
    }

    /// Defers an event of a frozen source. Returns false for an event without a demand.
    async fn defer(
        &mut self,
        source: &SourceName,
        case_id: CaseId,
        transition: &Transition,
    ) -> Result<bool, StoreError> {
        let (Transition::Departed(demand) | Transition::ErasureRequested(demand)) = transition else {
            return Ok(false);
        };
        let deferred =
            query("INSERT INTO brake_deferred (source, case_id, kind, demand) VALUES ($1, $2, $3, $4) RETURNING *")
                .bind(source.as_str())
                .bind(case_id.to_string())
                .bind(transition.name())
                .bind(json!(demand).to_string())
                .fetch_all(&mut **self)
                .await?;
        self.guarded_added(Guarded::BrakeDeferred, &deferred)?;
        Ok(true)
    }

    /// Deletes deferred events that the frozen source has withdrawn.
    pub async fn drop_deferred(
        &mut self,
        source: &SourceName,
        case_id: CaseId,
        former_address: bool,
    ) -> Result<(), StoreError> {
        let dropped = query(
            "DELETE FROM brake_deferred
             WHERE source = $1 AND case_id = $2 AND CASE demand ->> 'cause' = 'email_changed' WHEN TRUE THEN 1 WHEN FALSE THEN 0 END = $3
             RETURNING *",
        )
        .bind(source.as_str())
        .bind(case_id.to_string())
        .bind(former_address)
        .fetch_all(&mut **self)
        .await?;
        self.guarded_removed(Guarded::BrakeDeferred, &dropped)
    }
}
