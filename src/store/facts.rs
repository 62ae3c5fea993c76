//! The newest facts about people's leaving and staying, by person id and by email address.

use jiff::Timestamp;
use tracing::instrument;

use super::row::RowReader;
use super::sql::query;
use super::{StoreError, Tx};
use crate::domain::facts::{Fact, FactKind};
use crate::domain::ids::DeliveryId;
use crate::proof::seal::KeyedHash;

impl Tx {
    /// The facts under any of these keys. Facts of the delivery `reading` are marked.
    #[instrument(name = "store.facts.find", skip_all, err)]
    pub async fn facts(&mut self, keys: &[KeyedHash], reader: Option<DeliveryId>) -> Result<Vec<Fact>, StoreError> {
        let mut facts = Vec::new();
        for key in keys {
            let rows = query(
                "SELECT kind, happened_ns, claimed_ns, delivery_id
                     FROM facts
                     WHERE person_key = $1",
            )
            .bind(key.0.as_slice())
            .fetch_all(&mut **self)
            .await?;
            for row in &rows {
                let fact = RowReader { what: "fact", row };
                let claimed: Option<i64> = row.try_get("claimed_ns")?;
                let delivery_id: Option<DeliveryId> = fact.word_if_any("delivery_id")?;
                facts.push(Fact {
                    kind: fact.word("kind")?,
                    happened_at: from_nanos(row.try_get("happened_ns")?)?,
                    claimed_at: claimed.map(from_nanos).transpose()?,
                    is_of_this_delivery: reader.is_some() && delivery_id == reader,
                });
            }
        }
        Ok(facts)
    }

    /// Stores a fact under each of these keys; of each kind the newest is kept.
    #[instrument(name = "store.facts.note", skip_all)]
    pub async fn note_fact(
        &mut self,
        keys: &[KeyedHash],
        fact: &Fact,
        delivery_id: Option<DeliveryId>,
    ) -> Result<(), StoreError> {
        for key in keys {
            query(
                "INSERT INTO facts (person_key, kind, happened_ns, claimed_ns, delivery_id)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (person_key, kind) DO UPDATE
                 SET happened_ns = excluded.happened_ns,
                     claimed_ns = excluded.claimed_ns,
                     delivery_id = excluded.delivery_id
                 WHERE facts.happened_ns <= excluded.happened_ns",
            )
            .bind(key.0.as_slice())
            .bind(fact.kind.as_str())
            .bind(nanos(fact.happened_at))
            .bind(fact.claimed_at.map(nanos))
            .bind(delivery_id.map(|id| id.to_string()))
            .execute(&mut **self)
            .await?;
        }
        Ok(())
    }

    /// Stores an operator's decision about a person as a fact with its own instant.
    pub(super) async fn note_operators_fact(
        &mut self,
        keys: &[KeyedHash],
        kind: FactKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let fact = Fact { kind, happened_at: now, claimed_at: None, is_of_this_delivery: false };
        self.note_fact(keys, &fact, None).await
    }
}

/// An instant in nanoseconds since 1970, which distinguishes facts within a millisecond. The column ends in the year
/// 2262.
pub(super) fn nanos(at: Timestamp) -> i64 {
    let end = if at.as_nanosecond().is_negative() { i64::MIN } else { i64::MAX };
    i64::try_from(at.as_nanosecond()).unwrap_or(end)
}

pub(super) fn from_nanos(nanos: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_nanosecond(nanos.into()).map_err(|error| StoreError::inconsistent("fact", "", error))
}
