//! The brake of a source: counted, tripped, looked at, released.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use tracing::instrument;

use super::row::{Reading, millis};
use super::{HappenError, Note, Store, StoreError, Tx};
use crate::domain::brake::{Opened, Tripped};
use crate::domain::case::{Happening, Hold};
use crate::domain::ids::{CaseId, SourceName};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a source's brake holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Braked {
    /// Since when.
    pub since: Timestamp,
    /// Which limit was passed, and by how much.
    pub why: String,
    /// How many cases it holds.
    pub held: u32,
    /// How many of the same flood were carried out before it tripped.
    pub carried_out: u32,
    /// Names exactly the cases that are held: who releases says which list was looked at.
    pub digest: String,
}

/// Why a brake was not released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReleased {
    /// It did not trip.
    #[error("the brake of this source holds nothing")]
    NotBraked,
    /// The list is another than the one that was looked at.
    #[error("the list has changed since you looked: {held} cases are held now, with the digest {digest}")]
    Changed {
        /// How many cases are held now.
        held: u32,
        /// The digest of the present list.
        digest: String,
    },
}

impl Tx {
    /// What a source opened lately, not counting whom an operator let go. Who waits for the vendor to say the address is
    /// counted too: a flood must not come through one by one as it is looked up.
    #[instrument(name = "store.brake.opened", skip_all, fields(source = %source), err)]
    pub async fn opened_lately(&mut self, source: &SourceName, now: Timestamp) -> Result<Opened, StoreError> {
        let ago = |span| millis(now.saturating_sub(span).unwrap_or(Timestamp::MIN));
        let row = self
            .statement(
                "WITH counted AS (
                 SELECT opened_at FROM (
                     SELECT opened_at FROM cases WHERE source = ?1 AND opened_at > ?4
                     UNION ALL
                     SELECT l.since FROM lookups l WHERE l.source = ?1 AND EXISTS (
                         SELECT 1 FROM events e WHERE e.person_hash = l.person_hash
                             AND e.type IN ('departed', 'erasure_requested')))
                 WHERE opened_at > COALESCE((SELECT brake_released_at FROM sources WHERE name = ?1), 0))
             SELECT '' AS id,
                 (SELECT COUNT(*) FROM counted WHERE opened_at > ?2) AS last_hour,
                 (SELECT COUNT(*) FROM counted WHERE opened_at > ?3) AS last_day,
                 (SELECT COALESCE(MAX(count), 0) FROM (
                     SELECT COUNT(*) AS count FROM cases WHERE source = ?1 AND opened_at > ?4 AND opened_at <= ?3
                     GROUP BY (?3 - opened_at) / 86400000)) AS busiest_day,
                 (SELECT MIN(opened_at) FROM cases WHERE source = ?1) <= ?5 AS is_known",
            )
            .bind(source.as_str())
            .bind(ago(HOUR))
            .bind(ago(DAY))
            .bind(ago(DAY.saturating_mul(31)))
            .bind(ago(DAY.saturating_mul(7)))
            .the_row()
            .await?;
        let reading = Reading { what: "source", row: &row };
        let known: Option<bool> = row.try_get("is_known")?;
        let busiest_day = if known == Some(true) { Some(reading.count("busiest_day")?) } else { None };
        Ok(Opened { last_hour: reading.count("last_hour")?, last_day: reading.count("last_day")?, busiest_day })
    }

    /// Whether a source is frozen.
    #[instrument(name = "store.brake.is_braked", skip_all, fields(source = %source), err)]
    pub async fn is_braked(&mut self, source: &SourceName) -> Result<bool, StoreError> {
        let row = self
            .statement("SELECT 1 FROM sources WHERE name = ? AND braked_at IS NOT NULL")
            .bind(source.as_str())
            .row()
            .await?;
        Ok(row.is_some())
    }

    /// Freezes a source: everything that it opened in the last day and that nobody was called about is held.
    #[instrument(name = "store.brake.freeze", skip_all, fields(source = %source), err)]
    pub async fn freeze(&mut self, source: &SourceName, tripped: &Tripped, now: Timestamp) -> Result<u32, StoreError> {
        self.statement(
            "INSERT INTO sources (name, braked_at, brake) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET braked_at = ?2, brake = ?3",
        )
        .bind(source.as_str())
        .bind(millis(now))
        .bind(tripped.to_string())
        .later();
        let rows = self.statement(
            "SELECT id FROM cases WHERE source = ?1 AND opened_at > ?2 AND state IN ('scheduled', 'revoking', 'deleting')
                 AND revoke_asked_at IS NULL AND deletion_asked_at IS NULL
                 AND opened_at > COALESCE((SELECT brake_released_at FROM sources WHERE name = ?1), 0)",
        )
        .bind(source.as_str())
        .bind(millis(now.saturating_sub(DAY).unwrap_or(Timestamp::MIN))).rows().await?;
        let mut held = 0;
        for row in &rows {
            held += self.withhold(Reading { what: "case", row }.word("id")?, now).await?;
        }
        let detail = json!({ "source": source, "brake": tripped.to_string(), "held": held });
        self.write_journal(None, "brake_tripped", &detail, now).await?;
        Ok(held)
    }

    async fn withhold(&mut self, id: CaseId, now: Timestamp) -> Result<u32, StoreError> {
        let Some(dossier) = self.case(id).await? else { return Ok(0) };
        match self.interfere(dossier, &Happening::Withheld(Hold::Brake), Note::default(), now).await {
            Ok(_) => Ok(1),
            Err(HappenError::Store(error)) => Err(error),
            // Its call is being made right now: that one was not stopped, and is counted as carried out.
            Err(HappenError::Refused(_) | HappenError::TooLate) => Ok(0),
        }
    }

    /// Lets exactly the held cases go whose list has this digest.
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
        let rows = self
            .statement("SELECT id FROM cases WHERE source = ? AND held = 'brake' ORDER BY id")
            .bind(source.as_str())
            .rows()
            .await?;
        let ids: Result<Vec<CaseId>, _> = rows.iter().map(|row| Reading { what: "case", row }.word("id")).collect();
        let (ids, held) = (ids?, u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let present = digest_of(&ids);
        if present != digest {
            return Ok(Err(NotReleased::Changed { held, digest: present }));
        }
        for id in ids {
            let Some(dossier) = self.case(id).await? else { continue };
            let happened = self.happen(dossier, &Happening::BrakeReleased, note.clone(), now).await;
            happened.map_err(|error| StoreError::inconsistent("case", id, error))?;
        }
        self.statement("UPDATE sources SET braked_at = NULL, brake = NULL, brake_released_at = ? WHERE name = ?")
            .bind(millis(now))
            .bind(source.as_str())
            .later();
        let detail = json!({ "source": source, "by": note.by, "digest": digest, "released": held });
        self.write_journal(None, "brake_released", &detail, now).await?;
        Ok(Ok(held))
    }
}

impl Store {
    /// What a source's brake holds; `None` while it did not trip.
    #[instrument(name = "store.brake.show", skip_all, fields(source = %source), err)]
    pub async fn braked(&self, source: &SourceName) -> Result<Option<Braked>, StoreError> {
        let row = sqlx::query(
            "SELECT name AS id, braked_at, brake,
                 (SELECT COUNT(*) FROM cases c WHERE c.source = s.name AND c.opened_at > s.braked_at - 86400000
                      AND c.opened_at > COALESCE(s.brake_released_at, 0)
                      AND (c.revoke_asked_at IS NOT NULL OR c.deletion_asked_at IS NOT NULL)) AS carried_out
             FROM sources s WHERE name = ? AND braked_at IS NOT NULL",
        )
        .bind(source.as_str())
        .fetch_optional(&self.reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let rows = sqlx::query("SELECT id FROM cases WHERE source = ? AND held = 'brake' ORDER BY id")
            .bind(source.as_str())
            .fetch_all(&self.reader)
            .await?;
        let ids: Result<Vec<CaseId>, _> = rows.iter().map(|row| Reading { what: "case", row }.word("id")).collect();
        let reading = Reading { what: "source", row: &row };
        Ok(Some(Braked {
            since: reading.at("braked_at")?,
            why: reading.text_if_any("brake")?.unwrap_or_default(),
            held: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            carried_out: reading.count("carried_out")?,
            digest: digest_of(&ids?),
        }))
    }
}

/// Names a list of cases: SHA-256 over their ids in order.
fn digest_of(ids: &[CaseId]) -> String {
    let mut hash = Sha256::new();
    for id in ids {
        hash.update(id.as_bytes());
    }
    hex::encode(hash.finalize())
}
