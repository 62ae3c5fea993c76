//! The deadlines of requests for erasure, and the steps at which humans were alerted.

use jiff::Timestamp;
use serde_json::json;
use tracing::instrument;

use super::jobs::{NEAR_DEADLINE, urgency};
use super::row::{RowReader, millis};
use super::sql::query;
use super::{Store, StoreError, Tx};
use crate::domain::case::{DeadlineStep, ErasureDeadline};
use crate::domain::ids::CaseId;

/// An open request for erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenErasure {
    pub case_id: CaseId,
    pub deadline: ErasureDeadline,
    /// The last step at which humans were alerted.
    pub alerted: Option<DeadlineStep>,
}

impl Store {
    /// The open requests for erasure, the nearest deadline first.
    #[instrument(name = "store.deadline.list", skip_all, err)]
    pub async fn open_erasures(&self) -> Result<Vec<OpenErasure>, StoreError> {
        let rows = query(
            "SELECT c.id, c.erasure_requested_at, c.erasure_deadline_at, s.step
             FROM cases c
                 LEFT JOIN deadline_steps s ON s.case_id = c.id AND s.until_at = c.erasure_deadline_at
             WHERE c.erasure_deadline_at IS NOT NULL
             ORDER BY c.erasure_deadline_at",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "case", row };
                let (requested_at, until) = (reader.at("erasure_requested_at")?, reader.at("erasure_deadline_at")?);
                Ok(OpenErasure {
                    case_id: reader.word("id")?,
                    deadline: ErasureDeadline { requested_at, until },
                    alerted: reader.word_if_any("step")?,
                })
            })
            .collect()
    }
}

impl Tx {
    /// Records that humans are alerted about a deadline, and puts the job of the case before the others. The entry of the
    /// journal is the transition that notices are sent for.
    #[instrument(name = "store.deadline.reach", skip_all, fields(case.id = %erasure.case_id), err)]
    pub async fn reach_deadline_step(
        &mut self,
        erasure: &OpenErasure,
        step: DeadlineStep,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let OpenErasure { case_id, deadline, .. } = erasure;
        query(
            "INSERT INTO deadline_steps (case_id, step, reached_at, until_at)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (case_id) DO UPDATE
             SET step = $2, reached_at = $3, until_at = $4",
        )
        .bind(case_id.to_string())
        .bind(step.as_str())
        .bind(millis(now))
        .bind(millis(deadline.until))
        .execute(&mut **self)
        .await?;
        query("UPDATE jobs SET urgency = $1 WHERE case_id = $2 AND state = 'queued' AND urgency = $3")
            .bind(NEAR_DEADLINE)
            .bind(case_id.to_string())
            .bind(urgency(false))
            .execute(&mut **self)
            .await?;
        let detail = json!({ "step": step, "requested_at": deadline.requested_at, "until": deadline.until });
        self.write_journal(Some(*case_id), "deadline", &detail, now).await?;
        Ok(())
    }
}
