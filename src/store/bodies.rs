//! The people that a delivery without an id is about. They decide for how long the same body is a duplicate.

use jiff::Timestamp;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::{StoreError, Tx};
use crate::domain::ids::{DeliveryId, SiteName, SourceName};
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::repeat::EarlierCopy;
use crate::proof::seal::KeyedHash;

/// The identity of a delivery, by which it is compared with earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub delivery_id: DeliveryId,
    /// Its place in the order of acceptance.
    pub seq: i64,
    /// The hash that identifies the delivery, if that is the body's: the vendor signs no id.
    pub body_hash: Option<KeyedHash>,
    /// The time that the signature covers.
    pub signed_at: Option<Timestamp>,
}

/// The hashes of a person's email address and id.
pub type PersonKeys = (Option<KeyedHash>, Option<KeyedHash>);

impl Origin {
    /// Reads the columns `id_column`, `seq`, `dedupe_hash`, `dedupe_until` and `signed_at`.
    pub(super) fn read(row: &Row, id_column: &str) -> Result<Self, StoreError> {
        let reader = RowReader { what: "delivery", row };
        let delivery_id: DeliveryId = reader.word(id_column)?;
        let by_body = reader.at_if_any("dedupe_until")?.is_some();
        let hash = reader.bytes_if_any("dedupe_hash")?.filter(|_| by_body);
        let body_hash = hash
            .map(|hash| hash.try_into().map(KeyedHash))
            .transpose()
            .map_err(|_wrong_length| StoreError::inconsistent("delivery", delivery_id, "no such hash"))?;
        let seq: Option<i64> = row.try_get("seq")?;
        Ok(Self { delivery_id, seq: seq.unwrap_or_default(), body_hash, signed_at: reader.at_if_any("signed_at")? })
    }
}

impl Tx {
    /// The newest earlier delivery of the same body about the same person.
    #[instrument(name = "store.body.find_earlier_copy", skip_all, err)]
    pub async fn earlier_copy(
        &mut self,
        origin: &Origin,
        (email_hash, person_hash): PersonKeys,
    ) -> Result<Option<EarlierCopy>, StoreError> {
        let Some(body_hash) = origin.body_hash else { return Ok(None) };
        let row = query(
            "SELECT d.id, d.dedupe_until, MAX(b.superseded_at) AS superseded_at
             FROM body_people b
                 JOIN deliveries d ON d.seq = b.delivery_seq
             WHERE b.person_key IN ($1, $2) AND b.body_hash = $3 AND b.delivery_seq < $4
             GROUP BY b.delivery_seq, d.id, d.dedupe_until
             ORDER BY b.delivery_seq DESC
             LIMIT 1",
        )
        .bind(bytes(email_hash))
        .bind(bytes(person_hash))
        .bind(body_hash.0.as_slice())
        .bind(origin.seq)
        .fetch_optional(&mut **self)
        .await?;
        row.map(|row| {
            let reader = RowReader { what: "delivery", row: &row };
            Ok(EarlierCopy {
                superseded_at: reader.at_if_any("superseded_at")?,
                duplicate_until: reader.at_if_any("dedupe_until")?.unwrap_or(Timestamp::MIN),
            })
        })
        .transpose()
    }

    /// Stores that a delivery without an id is about this person.
    #[instrument(name = "store.body.record", skip_all)]
    pub async fn record_body(
        &mut self,
        origin: &Origin,
        (email_hash, person_hash): PersonKeys,
    ) -> Result<(), StoreError> {
        let Some(body_hash) = origin.body_hash else { return Ok(()) };
        for person_key in [email_hash, person_hash].into_iter().flatten() {
            query(
                "INSERT INTO body_people (person_key, body_hash, delivery_seq)
                 VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
            )
            .bind(person_key.0.as_slice())
            .bind(body_hash.0.as_slice())
            .bind(origin.seq)
            .execute(&mut **self)
            .await?;
        }
        Ok(())
    }

    /// Marks earlier bodies about this person as superseded, because something about the person took effect: they are
    /// no longer duplicates when they arrive again. `by` is the delivery that caused it; copies of its own body stay
    /// duplicates. `None` for an operator.
    #[instrument(name = "store.body.supersede", skip_all)]
    pub async fn supersede_bodies(
        &mut self,
        (email_hash, person_hash): PersonKeys,
        by: Option<&Origin>,
        effect_at: Timestamp,
    ) -> Result<(), StoreError> {
        let body_hash = by.and_then(|origin| origin.body_hash);
        let seq = by.map(|origin| origin.seq);
        let superseded = query(
            "UPDATE body_people
             SET superseded_at = $5
             WHERE person_key IN ($1, $2)
                 AND body_hash IS DISTINCT FROM $3
                 AND ($4 IS NULL OR delivery_seq < $4)
                 AND superseded_at IS NULL
             RETURNING delivery_seq",
        )
        .bind(bytes(email_hash))
        .bind(bytes(person_hash))
        .bind(bytes(body_hash))
        .bind(seq)
        .bind(millis(effect_at))
        .fetch_all(&mut **self)
        .await?;
        for body in &superseded {
            query("UPDATE deliveries SET dedupes = 0 WHERE seq = $1 AND dedupes = 1 AND dedupe_until IS NOT NULL")
                .bind(body.try_get::<i64>("delivery_seq")?)
                .execute(&mut **self)
                .await?;
        }
        Ok(())
    }

    /// Marks earlier bodies as superseded when the email address of a person id changes. Call it before the address is
    /// stored.
    #[instrument(name = "store.body.supersede_other_address", skip_all)]
    pub async fn supersede_bodies_of_other_address(
        &mut self,
        (site, source): (&SiteName, &SourceName),
        (id, email): (&PersonId, &EmailAddress),
        by: &Origin,
        effect_at: Timestamp,
    ) -> Result<(), StoreError> {
        let person_hash = self.key.hash_person_id(source, id);
        let email_hash = self.key.hash_email(site, email);
        let other_address = query("SELECT 1 FROM people WHERE source = $1 AND person_hash = $2 AND email_hash <> $3")
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .bind(email_hash.0.as_slice())
            .fetch_optional(&mut **self)
            .await?;
        if other_address.is_none() {
            return Ok(());
        }
        self.supersede_bodies((None, Some(person_hash)), Some(by), effect_at).await
    }
}

fn bytes(hash: Option<KeyedHash>) -> Option<Vec<u8>> {
    hash.map(|hash| hash.0.to_vec())
}
