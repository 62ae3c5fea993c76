//! Unrouted deliveries: the sources that have any, the next ones of a source, and the progress of one in parts.

use tracing::instrument;

use super::row::RowReader;
use super::sql::query;
use super::{Origin, Store, StoreError, Tx, UnroutedDelivery, dialect};
use crate::domain::ids::{DeliveryId, SourceName};
use crate::proof::seal::ID_HALF;

/// The length of a keyed hash.
const HASH: usize = 32;

impl Tx {
    /// Stores how many items of a delivery are routed. It stays unrouted as a whole.
    #[instrument(name = "store.delivery.part_routed", skip_all, fields(delivery.id = %id))]
    pub async fn part_routed(&mut self, id: DeliveryId, items: u32) -> Result<(), StoreError> {
        query("UPDATE deliveries SET items_routed = $1, crashes = 0 WHERE id = $2")
            .bind(items)
            .bind(id.to_string())
            .exec_one(self, "delivery", id)
            .await
    }

    /// Stores that some items of an unreadable delivery were read: its body expires like that of a routed one.
    #[instrument(name = "store.delivery.partly_read", skip_all, fields(delivery.id = %id))]
    pub async fn partly_read(&mut self, id: DeliveryId) -> Result<(), StoreError> {
        query("UPDATE deliveries SET partly_read = 1 WHERE id = $1")
            .bind(id.to_string())
            .exec_one(self, "delivery", id)
            .await
    }

    /// Counts a crash of the process in advance, before a delivery is routed; a commit of the router resets the count.
    #[instrument(name = "store.delivery.expect_crash", skip_all, fields(delivery.id = %id))]
    pub async fn expect_crash(&mut self, id: DeliveryId) -> Result<(), StoreError> {
        query("UPDATE deliveries SET crashes = crashes + 1 WHERE id = $1")
            .bind(id.to_string())
            .exec_one(self, "delivery", id)
            .await
    }

    /// Reverts [`Tx::expect_crash`]: the process stops without a crash.
    #[instrument(name = "store.delivery.expect_no_crash", skip_all, fields(delivery.id = %id))]
    pub async fn expect_no_crash(&mut self, id: DeliveryId) -> Result<(), StoreError> {
        query("UPDATE deliveries SET crashes = crashes - 1 WHERE id = $1 AND crashes > 0")
            .bind(id.to_string())
            .execute(&mut **self)
            .await?;
        Ok(())
    }
}

impl Store {
    #[instrument(name = "store.delivery.unrouted_sources", skip_all, err)]
    pub async fn unrouted_sources(&self) -> Result<Vec<SourceName>, StoreError> {
        // From source to source by the index, however many deliveries wait.
        let rows = query(
            "WITH RECURSIVE unrouted (source) AS (
                 SELECT MIN(source)
                 FROM deliveries
                 WHERE status = 'received'
                 UNION ALL
                 SELECT (SELECT MIN(source) FROM deliveries WHERE status = 'received' AND source > unrouted.source)
                 FROM unrouted
                 WHERE unrouted.source IS NOT NULL)
             SELECT source AS id, source
             FROM unrouted
             WHERE source IS NOT NULL",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| RowReader { what: "delivery", row }.word("source")).collect()
    }

    /// The oldest unrouted deliveries of a source: at most `limit`, and no more than one beyond `bytes` of bodies.
    #[instrument(name = "store.delivery.unrouted", skip_all, fields(source = %source), err)]
    pub async fn unrouted(
        &self,
        source: &SourceName,
        limit: u32,
        bytes: u64,
    ) -> Result<Vec<UnroutedDelivery>, StoreError> {
        let sizes = query(
            "SELECT seq, COALESCE(LENGTH(body), 0) AS size
             FROM deliveries
             WHERE status = 'received' AND source = $1
             ORDER BY seq
             LIMIT $2",
        )
        .bind(source.as_str())
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        let (mut last, mut total) = (None, 0);
        for row in &sizes {
            total += u64::from(RowReader { what: "delivery", row }.count("size")?);
            if last.is_some() && total > bytes {
                break;
            }
            last = Some(row.try_get::<i64>("seq")?);
        }
        let Some(last) = last else { return Ok(Vec::new()) };
        let rows = query(dialect::UNROUTED)
            .bind(source.as_str())
            .bind(last)
            .bind(limit)
            .bind(i64::try_from(ID_HALF).unwrap_or_default())
            .bind([u8::MAX; HASH - ID_HALF].as_slice())
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "delivery", row };
                let id: DeliveryId = reader.word("id")?;
                // A body that does not open is returned as unreadable, so that it does not block the other deliveries.
                let body = reader.bytes_if_any("body")?.and_then(|sealed| self.key.open(id.as_bytes(), &sealed).ok());
                Ok(UnroutedDelivery {
                    id,
                    source: reader.word("source")?,
                    received_at: reader.at("received_at")?,
                    content_type: reader.text_if_any("content_type")?,
                    body,
                    origin: Origin::read(row, "id")?,
                    items_routed: reader.count("items_routed")?,
                    crashes: reader.count("crashes")?,
                    replayed: row.try_get("replayed")?,
                    reuses_id: row.try_get("reuses_id")?,
                })
            })
            .collect()
    }
}
