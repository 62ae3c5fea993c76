//! The brake: the recent destructive actions of a source or an operator, the cases held because the actions exceeded a
//! limit, and the release by a digest of the pending changes.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tracing::instrument;

use super::cases::readable;
use super::row::{RowReader, millis};
use super::{CaseRecord, Note, Store, StoreError, TransitionError, Transitioned, Tx};
use crate::domain::brake::{BrakeTrip, RecentActivity};
use crate::domain::case::{Case, Direction, Escalation, Hold, State, Transition};
use crate::domain::ids::{CaseId, SourceName};
use crate::proof::seal::MasterKey;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long escalations are kept: a little longer than the window in which the busiest day is searched.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 40);

/// The cases that the brake of `?1` holds, and those about which a frozen source reported an event.
const CONCERNED: &str = "SELECT c.*, NULL AS sealed_key FROM cases c WHERE c.closed_at IS NULL AND c.id IN (
         SELECT id FROM cases WHERE state = 'held' AND held = 'brake' AND source = $1
         UNION SELECT b.id FROM brake_holds h JOIN cases b ON b.id = h.case_id WHERE h.actor = $1 AND b.held = 'brake'
         UNION SELECT case_id FROM brake_deferred WHERE source = $1)
     ORDER BY c.id";

/// The events that a frozen source reported meanwhile, in the order of arrival.
const DEFERRED: &str = "SELECT '' AS id, * FROM brake_deferred WHERE source = $1 ORDER BY seq";

/// The subject of a brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    Source(&'a SourceName),
    /// An operator, by the name of the admin token.
    Operator(&'a str),
}

impl Actor<'_> {
    /// The name in the database. A source's name has no colon.
    fn key(self) -> String {
        match self {
            Self::Source(source) => source.to_string(),
            Self::Operator(name) => format!("operator:{name}"),
        }
    }
}

/// The effect of a source's event.
#[derive(Debug)]
pub enum SourceEffect {
    /// The event was applied to the case.
    Applied(Box<Transitioned>),
    /// The source is frozen: the event takes effect when the source is released.
    Deferred,
}

/// The state of a source's brake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrakeStatus {
    /// When the brake tripped.
    pub since: Timestamp,
    /// The limit that was exceeded, and by how much.
    pub why: String,
    /// The number of cases held.
    pub held: u32,
    /// The number of cases of the same flood that were carried out before the brake tripped.
    pub carried_out: u32,
    /// Identifies exactly the changes that a release would make: each case with its action and dates.
    pub digest: String,
}

/// The reason why a brake was not released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReleased {
    /// The brake did not trip.
    #[error("the brake of this source holds nothing")]
    NotBraked,
    /// The release would make different changes than the reviewed ones.
    #[error("the list has changed since you looked: {held} cases are held now, with the digest {digest}")]
    Changed {
        /// The number of cases held now.
        held: u32,
        /// The digest of the current list.
        digest: String,
    },
    /// A call about one of the cases is in progress.
    #[error("a call to Atlassian about one of these cases is in progress: try again in a moment")]
    Busy,
}

impl Tx {
    /// Counts a destructive action that `actor` opened, moved earlier or made stronger.
    #[instrument(name = "store.brake.count", skip_all, fields(case.id = %case_id))]
    pub async fn count_escalation(
        &mut self,
        actor: Actor<'_>,
        case_id: CaseId,
        escalation: Escalation,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO escalations (actor, at, case_id, kind) VALUES ($1, $2, $3, $4)")
            .bind(actor.key())
            .bind(millis(now))
            .bind(case_id.to_string())
            .bind(escalation.as_str())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Applies an event of a source to a case, and counts it if it makes an action earlier or stronger. A frozen source
    /// can stop and postpone. Its escalations are deferred until its release.
    #[instrument(name = "store.brake.transition_unless_dispatched", skip_all, fields(source = %source, case.id = %record.case.id), err(level = "debug"))]
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
        sqlx::query("INSERT INTO brake_deferred (source, case_id, kind, demand) VALUES ($1, $2, $3, $4)")
            .bind(source.as_str())
            .bind(case_id.to_string())
            .bind(transition.name())
            .bind(json!(demand).to_string())
            .execute(&mut **self)
            .await?;
        Ok(true)
    }

    /// Deletes deferred events that the frozen source has withdrawn.
    pub async fn drop_deferred(
        &mut self,
        source: &SourceName,
        case_id: CaseId,
        former_address: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM brake_deferred
             WHERE source = $1 AND case_id = $2 AND (demand ->> '$.cause' = 'email_changed') = $3",
        )
        .bind(source.as_str())
        .bind(case_id.to_string())
        .bind(former_address)
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// Holds a case that an event of a frozen source changed in another way than by its dates or its action.
    #[instrument(name = "store.brake.rein_in", skip_all, fields(source = %source), err)]
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

    /// The recent activity of an actor, without released cases. Persons with a pending lookup are counted too: a flood
    /// must not pass one by one as the lookups end.
    #[instrument(name = "store.brake.opened", skip_all, err)]
    pub async fn recent_activity(&mut self, actor: Actor<'_>, now: Timestamp) -> Result<RecentActivity, StoreError> {
        let ago = |span| millis(now.saturating_sub(span).unwrap_or(Timestamp::MIN));
        let row = sqlx::query(
            "WITH counted AS (
                 SELECT at, case_id, kind FROM (
                     SELECT at, case_id, kind FROM escalations WHERE actor = $1 AND at > $3
                     UNION ALL
                     SELECT l.since, hex(l.person_hash), 'opened' FROM lookups l WHERE l.source = $1 AND EXISTS (
                         SELECT 1 FROM events e WHERE e.person_hash = l.person_hash
                             AND e.type IN ('departed', 'erasure_requested')))
                 WHERE at > COALESCE((SELECT brake_released_at FROM sources WHERE name = $1), 0))
             SELECT '' AS id,
                 (SELECT COUNT(*) FROM (SELECT DISTINCT case_id, kind FROM counted WHERE at > $2)) AS last_hour,
                 (SELECT COUNT(*) FROM (SELECT DISTINCT case_id, kind FROM counted WHERE at > $3)) AS last_day,
                 (SELECT COALESCE(MAX(count), 0) FROM (
                     SELECT COUNT(*) AS count FROM escalations WHERE actor = $1 AND at > $4 AND at <= $3
                     GROUP BY ($3 - at) / 86400000)) AS busiest_day,
                 (SELECT MIN(opened_at) FROM cases WHERE source = $1) <= $5 AS is_known",
        )
        .bind(actor.key())
        .bind(ago(HOUR))
        .bind(ago(DAY))
        .bind(ago(DAY.saturating_mul(31)))
        .bind(ago(DAY.saturating_mul(7)))
        .fetch_one(&mut **self)
        .await?;
        let reader = RowReader { what: "source", row: &row };
        let known: Option<bool> = row.try_get("is_known")?;
        let busiest_day = if known == Some(true) { Some(reader.count("busiest_day")?) } else { None };
        Ok(RecentActivity { last_hour: reader.count("last_hour")?, last_day: reader.count("last_day")?, busiest_day })
    }

    /// [`Tx::recent_activity`] of a source.
    pub async fn recent_activity_of_source(
        &mut self,
        source: &SourceName,
        now: Timestamp,
    ) -> Result<RecentActivity, StoreError> {
        self.recent_activity(Actor::Source(source), now).await
    }

    /// Whether a source is frozen.
    #[instrument(name = "store.brake.is_braked", skip_all, fields(source = %source), err)]
    pub async fn is_braked(&mut self, source: &SourceName) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM sources WHERE name = $1 AND braked_at IS NOT NULL")
            .bind(source.as_str())
            .fetch_optional(&mut **self)
            .await?;
        Ok(row.is_some())
    }

    /// Stores the current count in the reason of a frozen source's brake.
    #[instrument(name = "store.brake.count", skip_all, fields(source = %source))]
    pub async fn update_brake_reason(&mut self, source: &SourceName, tripped: &BrakeTrip) -> Result<(), StoreError> {
        sqlx::query("UPDATE sources SET brake = $1 WHERE name = $2 AND braked_at IS NOT NULL")
            .bind(tripped.to_string())
            .bind(source.as_str())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Whether an operator's brake holds cases: releasing or cancelling them releases the brake.
    #[instrument(name = "store.brake.is_operator_braked", skip_all, err)]
    pub async fn is_operator_braked(&mut self, name: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM brake_holds WHERE actor = $1 LIMIT 1")
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
        sqlx::query(
            "INSERT INTO sources (name, braked_at, brake) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET braked_at = $2, brake = $3",
        )
        .bind(source.as_str())
        .bind(millis(now))
        .bind(tripped.to_string())
        .execute(&mut **self)
        .await?;
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
        let rows = sqlx::query(
            "SELECT DISTINCT c.id FROM escalations e JOIN cases c ON c.id = e.case_id
                 WHERE e.actor = $1 AND e.at > $2
                     AND e.at > COALESCE((SELECT brake_released_at FROM sources WHERE name = $1), 0)
                     AND c.closed_at IS NULL AND c.direction = 'leaving' AND c.deletion_dispatched_at IS NULL
                     AND CASE e.kind WHEN 'opened' THEN COALESCE(c.revoke_dispatched_at, 0) < e.at
                         ELSE COALESCE(c.revoke_dispatched_at, 0) <= e.at END
                 ORDER BY c.id",
        )
        .bind(&actor)
        .bind(millis(now.saturating_sub(DAY).unwrap_or(Timestamp::MIN)))
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
        sqlx::query("INSERT INTO brake_holds (actor, case_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(actor)
            .bind(case_id.to_string())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Releases exactly the changes with this digest: the held cases proceed, and the deferred events take effect.
    #[instrument(name = "store.brake.release", skip_all, fields(source = %source), err)]
    pub async fn release_brake(
        &mut self,
        source: &SourceName,
        digest: &str,
        note: Note,
        now: Timestamp,
    ) -> Result<Result<u32, NotReleased>, StoreError> {
        if !self.is_braked(source).await? {
            return Ok(Err(NotReleased::NotBraked));
        }
        let cases = sqlx::query(CONCERNED).bind(source.as_str()).fetch_all(&mut **self).await?;
        let deferred = sqlx::query(DEFERRED).bind(source.as_str()).fetch_all(&mut **self).await?;
        let release = Release::read(&cases, &deferred, &self.key, now)?;
        if release.digest != digest {
            return Ok(Err(NotReleased::Changed { held: release.held(), digest: release.digest }));
        }
        for id in release.ids() {
            if self.is_dispatched(id).await? {
                return Ok(Err(NotReleased::Busy));
            }
        }
        sqlx::query("UPDATE sources SET braked_at = NULL, brake = NULL, brake_released_at = $1 WHERE name = $2")
            .bind(millis(now))
            .bind(source.as_str())
            .execute(&mut **self)
            .await?;
        sqlx::query("DELETE FROM brake_holds WHERE actor = $1").bind(source.as_str()).execute(&mut **self).await?;
        sqlx::query("DELETE FROM brake_deferred WHERE source = $1").bind(source.as_str()).execute(&mut **self).await?;
        for planned in &release.planned {
            self.release_case(planned, &note, now).await?;
        }
        let held = release.held();
        let detail = json!({ "source": source, "by": note.by, "digest": digest, "released": held });
        self.write_journal(None, "brake_released", &detail, now).await?;
        Ok(Ok(held))
    }

    async fn release_case(&mut self, planned: &Planned, note: &Note, now: Timestamp) -> Result<(), StoreError> {
        let id = planned.case.id;
        let transitions = planned.deferred.iter().cloned().chain([Transition::BrakeReleased]);
        for transition in transitions {
            let Some(record) = self.case(id).await? else { return Ok(()) };
            let releases = transition == Transition::BrakeReleased;
            if releases && (record.case.state != State::Held(Hold::Brake) || self.is_held_by_brake(id).await?) {
                continue;
            }
            match self.transition(record, &transition, note.clone(), now).await {
                Ok(_) => {}
                // A deferred event may have become irrelevant.
                Err(TransitionError::Invalid(_) | TransitionError::TooLate) if !releases => {}
                Err(TransitionError::Store(error)) => return Err(error),
                Err(error) => return Err(StoreError::inconsistent("case", id, error)),
            }
        }
        Ok(())
    }

    /// Whether a brake holds a case: that of its source, or one that is recorded for the case.
    #[instrument(name = "store.brake.holds", skip_all, fields(case.id = %case_id), err)]
    pub async fn is_held_by_brake(&mut self, case_id: CaseId) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT 1 FROM cases c WHERE c.id = $1 AND (
                     EXISTS (SELECT 1 FROM brake_holds WHERE case_id = $1)
                     OR EXISTS (SELECT 1 FROM sources s WHERE s.name = c.source AND s.braked_at IS NOT NULL))",
        )
        .bind(case_id.to_string())
        .fetch_optional(&mut **self)
        .await?;
        Ok(row.is_some())
    }

    /// Releases one request from the brake of the operator that made it. The caller checks permissions.
    #[instrument(name = "store.brake.release_operator", skip_all, fields(case.id = %record.case.id), err(level = "debug"))]
    pub async fn release_from_operator_brake(
        &mut self,
        record: CaseRecord,
        note: Note,
        now: Timestamp,
    ) -> Result<Transitioned, TransitionError> {
        let id = record.case.id;
        // A released case is not counted again.
        sqlx::query("DELETE FROM brake_holds WHERE case_id = $1 AND actor LIKE 'operator:%'")
            .bind(id.to_string())
            .execute(&mut **self)
            .await?;
        sqlx::query("DELETE FROM escalations WHERE case_id = $1 AND actor LIKE 'operator:%'")
            .bind(id.to_string())
            .execute(&mut **self)
            .await?;
        if self.is_held_by_brake(id).await? {
            return self.transition(record, &Transition::Released { enforce: true }, note, now).await;
        }
        self.transition(record, &Transition::BrakeReleased, note, now).await
    }

    /// Deletes the brakes' records of a case that was stopped or closed.
    pub(super) async fn clear_brake_of(&mut self, case_id: CaseId, closed: bool) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM brake_deferred WHERE case_id = $1")
            .bind(case_id.to_string())
            .execute(&mut **self)
            .await?;
        if closed {
            sqlx::query("DELETE FROM brake_holds WHERE case_id = $1")
                .bind(case_id.to_string())
                .execute(&mut **self)
                .await?;
        }
        Ok(())
    }

    /// Deletes escalations that are too old to be counted. Returns their number.
    pub(super) async fn delete_old_escalations(&mut self, step: i64, now: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM escalations WHERE rowid IN (SELECT rowid FROM escalations WHERE at <= $1 LIMIT $2)",
        )
        .bind(millis(now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN)))
        .bind(step)
        .execute(&mut **self)
        .await?;
        Ok(done.rows_affected())
    }
}

impl Store {
    /// The state of a source's brake; `None` while it has not tripped.
    #[instrument(name = "store.brake.show", skip_all, fields(source = %source), err)]
    pub async fn braked(&self, source: &SourceName, now: Timestamp) -> Result<Option<BrakeStatus>, StoreError> {
        let row = sqlx::query(
            "SELECT name AS id, braked_at, brake,
                 (SELECT COUNT(DISTINCT c.id) FROM escalations e JOIN cases c ON c.id = e.case_id
                  WHERE e.actor = s.name AND e.at > s.braked_at - 86400000 AND e.at > COALESCE(s.brake_released_at, 0)
                      AND (c.deletion_dispatched_at >= e.at OR c.revoke_dispatched_at > e.at
                          OR (e.kind = 'opened' AND c.revoke_dispatched_at = e.at))) AS carried_out
             FROM sources s WHERE name = $1 AND braked_at IS NOT NULL",
        )
        .bind(source.as_str())
        .fetch_optional(&self.reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let cases = sqlx::query(CONCERNED).bind(source.as_str()).fetch_all(&self.reader).await?;
        let deferred = sqlx::query(DEFERRED).bind(source.as_str()).fetch_all(&self.reader).await?;
        let release = Release::read(&cases, &deferred, &self.key, now)?;
        let reader = RowReader { what: "source", row: &row };
        Ok(Some(BrakeStatus {
            since: reader.at("braked_at")?,
            why: reader.text_if_any("brake")?.unwrap_or_default(),
            held: release.held(),
            carried_out: reader.count("carried_out")?,
            digest: release.digest,
        }))
    }
}

impl Store {
    /// The cases that a release of this source would concern, as they would be after it.
    #[instrument(name = "store.brake.cases", skip_all, fields(source = %source), err)]
    pub async fn braked_cases(&self, source: &SourceName, now: Timestamp) -> Result<Vec<Case>, StoreError> {
        let cases = sqlx::query(CONCERNED).bind(source.as_str()).fetch_all(&self.reader).await?;
        let deferred = sqlx::query(DEFERRED).bind(source.as_str()).fetch_all(&self.reader).await?;
        let release = Release::read(&cases, &deferred, &self.key, now)?;
        Ok(release.planned.iter().map(|planned| planned.after(now)).collect())
    }
}

/// A case that a release concerns.
struct Planned {
    case: Case,
    /// What a frozen source reported about it, in the order of arrival.
    deferred: Vec<Transition>,
}

impl Planned {
    /// The case with what was deferred, as far as it is possible.
    fn after(&self, now: Timestamp) -> Case {
        let deferred = self.deferred.iter();
        deferred.fold(self.case.clone(), |case, transition| case.apply(transition, now).unwrap_or(case))
    }
}

/// The changes that a release would make.
struct Release {
    planned: Vec<Planned>,
    digest: String,
}

impl Release {
    /// Reads the cases and the deferred events. A row that cannot be read is omitted: it is never acted on.
    fn read(cases: &[SqliteRow], deferred: &[SqliteRow], key: &MasterKey, now: Timestamp) -> Result<Self, StoreError> {
        let cases = readable(cases, key)?.into_iter();
        let mut planned: Vec<_> = cases.map(|record| Planned { case: record.case, deferred: Vec::new() }).collect();
        for row in deferred {
            let id: CaseId = RowReader { what: "deferred event", row }.word("case_id")?;
            let transition = read_deferred(row)?;
            if let Ok(at) = planned.binary_search_by_key(&id, |planned| planned.case.id)
                && let Some(planned) = planned.get_mut(at)
            {
                planned.deferred.push(transition);
            }
        }
        let digest = digest_of("release", planned.iter().map(|planned| planned.after(now)));
        Ok(Self { planned, digest })
    }

    fn held(&self) -> u32 {
        u32::try_from(self.planned.len()).unwrap_or(u32::MAX)
    }

    fn ids(&self) -> Vec<CaseId> {
        self.planned.iter().map(|planned| planned.case.id).collect()
    }
}

/// Identifies the changes of an action: SHA-256 over the action and each case with its own action and its dates.
pub fn digest_of(what: &str, cases: impl IntoIterator<Item = Case>) -> String {
    let mut hash = Sha256::new();
    hash.update(what.as_bytes());
    for case in cases {
        let delete_at = case.delete_at().map_or_else(|| "-".to_owned(), |at| millis(at).to_string());
        let line = format!("\n{} {} {} {delete_at}", case.id, case.terms.action, millis(case.effective_at));
        hash.update(line.as_bytes());
    }
    hex::encode(hash.finalize())
}

fn read_deferred(row: &SqliteRow) -> Result<Transition, StoreError> {
    let reader = RowReader { what: "deferred event", row };
    let demand = reader.json("demand")?;
    Ok(match reader.text("kind")?.as_str() {
        "departed" => Transition::Departed(demand),
        _ => Transition::ErasureRequested(demand),
    })
}
