//! The release of a brake, by a digest of exactly the changes that it makes.

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tracing::instrument;

use super::escalations::DAY_MS;
use crate::domain::case::{Case, Hold, State, Transition};
use crate::domain::ids::{CaseId, SourceName};
use crate::proof::seal::MasterKey;
use crate::store::cases::readable;
use crate::store::row::{RowReader, millis};
use crate::store::sql::{Row, query};
use crate::store::sums::Guarded;
use crate::store::{CaseRecord, Note, Store, StoreError, TransitionError, Transitioned, Tx};

/// The cases that the brake of `?1` holds, and those about which a frozen source reported an event.
const CONCERNED: &str = "SELECT c.*, NULL AS sealed_key
     FROM cases c
     WHERE c.closed_at IS NULL
         AND c.id IN (
             SELECT id
             FROM cases
             WHERE state = 'held' AND held = 'brake' AND source = $1
             UNION
             SELECT b.id
             FROM brake_holds h
                 JOIN cases b ON b.id = h.case_id
             WHERE h.actor = $1 AND b.held = 'brake'
             UNION
             SELECT case_id
             FROM brake_deferred
             WHERE source = $1)
     ORDER BY c.id";

/// The events that a frozen source reported meanwhile, in the order of arrival.
const DEFERRED: &str = "SELECT '' AS id, * FROM brake_deferred WHERE source = $1 ORDER BY seq";

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
#[derive(Debug, thiserror::Error)]
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
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NotReleased {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Tx {
    /// Releases exactly the changes with this digest: the held cases proceed, and the deferred events take effect.
    #[instrument(name = "store.brake.release", skip_all, fields(source = %source))]
    pub async fn release_brake(
        &mut self,
        source: &SourceName,
        digest: &str,
        note: Note,
        now: Timestamp,
    ) -> Result<u32, NotReleased> {
        if !self.is_braked(source).await? {
            return Err(NotReleased::NotBraked);
        }
        let cases = query(CONCERNED).bind(source.as_str()).fetch_all(&mut **self).await?;
        let deferred = query(DEFERRED).bind(source.as_str()).fetch_all(&mut **self).await?;
        let release = Release::read(&cases, &deferred, &self.key, now)?;
        if release.digest != digest {
            return Err(NotReleased::Changed { held: release.held(), digest: release.digest });
        }
        for id in release.ids() {
            if self.is_dispatched(id).await? {
                return Err(NotReleased::Busy);
            }
        }
        let before = self.source_row(source.as_str()).await?;
        query(
            "UPDATE sources
             SET braked_at = NULL, brake = NULL, brake_released_at = $1
             WHERE name = $2",
        )
        .bind(millis(now))
        .bind(source.as_str())
        .execute(&mut **self)
        .await?;
        self.count_source_change(source.as_str(), &before).await?;
        let released = query("DELETE FROM brake_holds WHERE actor = $1 RETURNING *")
            .bind(source.as_str())
            .fetch_all(&mut **self)
            .await?;
        self.guarded_removed(Guarded::BrakeHolds, &released)?;
        let applied = query("DELETE FROM brake_deferred WHERE source = $1 RETURNING *")
            .bind(source.as_str())
            .fetch_all(&mut **self)
            .await?;
        self.guarded_removed(Guarded::BrakeDeferred, &applied)?;
        for planned in &release.planned {
            self.release_case(planned, &note, now).await?;
        }
        let held = release.held();
        let detail = json!({ "source": source, "by": note.by, "digest": digest, "released": held });
        self.write_journal(None, "brake_released", &detail, now).await?;
        Ok(held)
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
        let released = query("DELETE FROM brake_holds WHERE case_id = $1 AND actor LIKE 'operator:%' RETURNING *")
            .bind(id.to_string())
            .fetch_all(&mut **self)
            .await
            .map_err(StoreError::from)?;
        self.guarded_removed(Guarded::BrakeHolds, &released)?;
        query("DELETE FROM escalations WHERE case_id = $1 AND actor LIKE 'operator:%'")
            .bind(id.to_string())
            .execute(&mut **self)
            .await?;
        if self.is_held_by_brake(id).await? {
            return self.transition(record, &Transition::Released { enforce: true }, note, now).await;
        }
        self.transition(record, &Transition::BrakeReleased, note, now).await
    }
}

impl Store {
    /// The state of a source's brake; `None` while it has not tripped.
    #[instrument(name = "store.brake.status", skip_all, fields(source = %source), err)]
    pub async fn braked(&self, source: &SourceName, now: Timestamp) -> Result<Option<BrakeStatus>, StoreError> {
        let row = query(
            "SELECT name AS id, braked_at, brake
             FROM sources
             WHERE name = $1 AND braked_at IS NOT NULL",
        )
        .bind(source.as_str())
        .fetch_optional(&self.reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let cases = query(CONCERNED).bind(source.as_str()).fetch_all(&self.reader).await?;
        let deferred = query(DEFERRED).bind(source.as_str()).fetch_all(&self.reader).await?;
        let release = Release::read(&cases, &deferred, &self.key, now)?;
        let reader = RowReader { what: "source", row: &row };
        Ok(Some(BrakeStatus {
            since: reader.at("braked_at")?,
            why: reader.text_if_any("brake")?.unwrap_or_default(),
            held: release.held(),
            carried_out: self.count_carried_out(source).await?,
            digest: release.digest,
        }))
    }

    /// The number of cases whose action was carried out within a day before the source's brake tripped, or after it.
    async fn count_carried_out(&self, source: &SourceName) -> Result<u32, StoreError> {
        let row = query(
            "SELECT '' AS id, COUNT(DISTINCT c.id) AS carried_out
             FROM sources s
                 JOIN escalations e ON e.actor = s.name
                 JOIN cases c ON c.id = e.case_id
             WHERE s.name = $1
                 AND e.at > s.braked_at - $2
                 AND e.at > COALESCE(s.brake_released_at, 0)
                 AND (
                     c.deletion_dispatched_at >= e.at
                     OR c.revoke_dispatched_at > e.at
                     OR (c.revoke_dispatched_at = e.at AND e.kind = 'opened'))",
        )
        .bind(source.as_str())
        .bind(DAY_MS)
        .fetch_one(&self.reader)
        .await?;
        RowReader { what: "source", row: &row }.count("carried_out")
    }

    /// The cases that a release of this source would concern, as they would be after it.
    #[instrument(name = "store.brake.cases", skip_all, fields(source = %source), err)]
    pub async fn braked_cases(&self, source: &SourceName, now: Timestamp) -> Result<Vec<Case>, StoreError> {
        let cases = query(CONCERNED).bind(source.as_str()).fetch_all(&self.reader).await?;
        let deferred = query(DEFERRED).bind(source.as_str()).fetch_all(&self.reader).await?;
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
    fn read(cases: &[Row], deferred: &[Row], key: &MasterKey, now: Timestamp) -> Result<Self, StoreError> {
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

fn read_deferred(row: &Row) -> Result<Transition, StoreError> {
    let reader = RowReader { what: "deferred event", row };
    let demand = reader.json("demand")?;
    Ok(match reader.text("kind")?.as_str() {
        "departed" => Transition::Departed(demand),
        _ => Transition::ErasureRequested(demand),
    })
}
