//! Escalations: the destructive actions that were opened, moved earlier or made stronger. The brake counts them.

use jiff::{SignedDuration, Timestamp};
use tracing::instrument;

use crate::domain::brake::{Brake, BrakeTrip, RecentActivity};
use crate::domain::case::Escalation;
use crate::domain::ids::{CaseId, SourceName};
use crate::store::row::{RowReader, millis};
use crate::store::sql::query;
use crate::store::{StoreError, Tx, dialect};

pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The number of days in which the busiest one is searched.
const DAYS: i32 = 31;

/// A source without cases that are as old as this is new: its busiest day says nothing.
const DAYS_UNTIL_KNOWN: i32 = 7;

/// How long escalations are kept: a little longer than the window in which the busiest day is searched.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 40);

/// The subject of a brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    Source(&'a SourceName),
    /// An operator, by the name of the admin token.
    Operator(&'a str),
}

impl Actor<'_> {
    /// The name in the database. A source's name has no colon.
    pub(super) fn key(self) -> String {
        match self {
            Self::Source(source) => source.to_string(),
            Self::Operator(name) => format!("operator:{name}"),
        }
    }
}

/// How escalations are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// Several of one kind about one case count each.
    All,
    /// They count once.
    Different,
}

/// The numbers of actions since two instants.
#[derive(Debug, Clone, Copy)]
struct Counts {
    last_hour: u32,
    last_day: u32,
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
        query("INSERT INTO escalations (actor, at, case_id, kind) VALUES ($1, $2, $3, $4)")
            .bind(actor.key())
            .bind(millis(now))
            .bind(case_id.to_string())
            .bind(escalation.as_str())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// The limit that an actor exceeds, together with `following` actions that are about to follow.
    #[instrument(name = "store.brake.trip", skip_all, err)]
    pub async fn brake_trip(
        &mut self,
        actor: Actor<'_>,
        brake: &Brake,
        following: u32,
        now: Timestamp,
    ) -> Result<Option<BrakeTrip>, StoreError> {
        // To count all is much faster than to count different ones, and mostly enough.
        let at_most = self.activity_with(actor, Counting::All, following, now).await?;
        if brake.trips(&at_most).is_none() {
            return Ok(None);
        }
        Ok(brake.trips(&self.activity_with(actor, Counting::Different, following, now).await?))
    }

    /// The recent activity of an actor, without released cases and with the actions that follow. Persons with a pending
    /// lookup are counted too: a flood must not pass one by one as the lookups end.
    async fn activity_with(
        &mut self,
        actor: Actor<'_>,
        counting: Counting,
        following: u32,
        now: Timestamp,
    ) -> Result<RecentActivity, StoreError> {
        let actor = actor.key();
        let released_at = self.brake_released_at(&actor).await?;
        let hour = millis(ago(now, HOUR)).max(released_at);
        let day = millis(ago(now, DAY)).max(released_at);
        let escalated = self.count_escalations(&actor, counting, hour, day).await?;
        let looked_up = self.count_pending_departures(&actor, hour, day).await?;
        let is_known = self.has_cases_since(&actor, ago(now, DAY.saturating_mul(DAYS_UNTIL_KNOWN))).await?;
        Ok(RecentActivity {
            last_hour: escalated.last_hour.saturating_add(looked_up.last_hour).saturating_add(following),
            last_day: escalated.last_day.saturating_add(looked_up.last_day).saturating_add(following),
            busiest_day: if is_known { Some(self.busiest_day(&actor, now).await?) } else { None },
        })
    }

    /// When an operator last released the brake of a source; 0 if never.
    async fn brake_released_at(&mut self, actor: &str) -> Result<i64, StoreError> {
        let row = query("SELECT brake_released_at FROM sources WHERE name = $1")
            .bind(actor)
            .fetch_optional(&mut **self)
            .await?;
        let released_at: Option<i64> = row.map(|row| row.try_get("brake_released_at")).transpose()?.flatten();
        Ok(released_at.unwrap_or_default())
    }

    /// The escalations of an actor.
    async fn count_escalations(
        &mut self,
        actor: &str,
        counting: Counting,
        hour: i64,
        day: i64,
    ) -> Result<Counts, StoreError> {
        let statement = match counting {
            Counting::All => {
                "SELECT '' AS id, COUNT(*) AS last_day, COUNT(CASE WHEN at > $3 THEN 1 END) AS last_hour
                 FROM escalations
                 WHERE actor = $1 AND at > $2"
            }
            Counting::Different => {
                "SELECT '' AS id, COUNT(*) AS last_day, COUNT(CASE WHEN newest_at > $3 THEN 1 END) AS last_hour
             FROM (
                 SELECT MAX(at) AS newest_at
                 FROM escalations
                 WHERE actor = $1 AND at > $2
                 GROUP BY case_id, kind) counted"
            }
        };
        let row = query(statement).bind(actor).bind(day).bind(hour).fetch_one(&mut **self).await?;
        let reader = RowReader { what: "source", row: &row };
        Ok(Counts { last_hour: reader.count("last_hour")?, last_day: reader.count("last_day")? })
    }

    /// The pending lookups of a source for which a departure or an erasure request waits.
    async fn count_pending_departures(&mut self, source: &str, hour: i64, day: i64) -> Result<Counts, StoreError> {
        let row = query(
            "SELECT '' AS id, COUNT(*) AS last_day, COUNT(CASE WHEN since > $3 THEN 1 END) AS last_hour
             FROM lookups
             WHERE source = $1 AND urgency = 0 AND since > $2",
        )
        .bind(source)
        .bind(day)
        .bind(hour)
        .fetch_one(&mut **self)
        .await?;
        let reader = RowReader { what: "source", row: &row };
        Ok(Counts { last_hour: reader.count("last_hour")?, last_day: reader.count("last_day")? })
    }

    /// Whether the oldest case of a source was opened by `at`.
    async fn has_cases_since(&mut self, source: &str, at: Timestamp) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM cases WHERE source = $1 AND opened_at <= $2 LIMIT 1")
            .bind(source)
            .bind(millis(at))
            .fetch_optional(&mut **self)
            .await?;
        Ok(row.is_some())
    }

    /// The number of escalations on the busiest of the days before the last one.
    async fn busiest_day(&mut self, actor: &str, now: Timestamp) -> Result<u32, StoreError> {
        let row = query(
            "SELECT '' AS id, COALESCE(MAX(count), 0) AS busiest_day
             FROM (
                 SELECT COUNT(*) AS count
                 FROM escalations
                 WHERE actor = $1 AND at > $2 AND at <= $3
                 GROUP BY ($3 - at) / $4) days",
        )
        .bind(actor)
        .bind(millis(ago(now, DAY.saturating_mul(DAYS))))
        .bind(millis(ago(now, DAY)))
        .bind(DAY_MS)
        .fetch_one(&mut **self)
        .await?;
        RowReader { what: "source", row: &row }.count("busiest_day")
    }

    /// Deletes escalations that are too old to be counted. Returns their number.
    pub(in crate::store) async fn delete_old_escalations(
        &mut self,
        step: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let done =
            query(dialect::DELETE_OLD_ESCALATIONS).bind(millis(ago(now, KEPT))).bind(step).execute(&mut **self).await?;
        Ok(done.rows_affected())
    }
}

pub(super) fn ago(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_sub(span).unwrap_or(Timestamp::MIN)
}
