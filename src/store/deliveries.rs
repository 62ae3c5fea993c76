//! Deliveries: accepted in groups, read in their order, expired in time.

use jiff::{SignedDuration, Timestamp};
use tracing::instrument;

use super::row::{RowReader, millis, millis_if_any};
use super::sql::{ColumnsQuery, Connection, Kind, Query, Row, columns_query, query};
use super::turn::Effects;
use super::{Origin, Page, Store, StoreError, Tx, dialect};
use crate::domain::ids::{DeliveryId, SourceName};
use crate::domain::named;
use crate::proof::seal::{KeyedHash, MasterKey};

/// A verified delivery, to be stored.
#[derive(Debug)]
pub struct NewDelivery {
    /// The id that is returned to the vendor.
    pub id: DeliveryId,
    pub source: SourceName,
    pub received_at: Timestamp,
    /// Identifies a repeated delivery.
    pub dedupe_hash: KeyedHash,
    /// The end of the deduplication window; `None` for as long as the delivery is kept.
    pub dedupe_until: Option<Timestamp>,
    /// The time that the signature covers.
    pub signed_at: Option<Timestamp>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body, sealed by [`NewDelivery::seal`].
    pub sealed_body: Vec<u8>,
}

impl NewDelivery {
    /// Seals a body for the delivery `id`.
    pub fn seal(key: &MasterKey, id: DeliveryId, body: &[u8]) -> Vec<u8> {
        key.seal(id.as_bytes(), body)
    }

    /// Whether the vendor gave it an id, so that it is not identified by its body alone.
    fn has_id(&self) -> bool {
        self.dedupe_until.is_none()
    }
}

/// The result of an insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// The delivery is stored.
    New(DeliveryId),
    /// The delivery was stored before. This is the id of the first one.
    Duplicate(DeliveryId),
}

/// A delivery that the router has not read yet.
#[derive(Debug)]
pub struct UnroutedDelivery {
    pub id: DeliveryId,
    pub source: SourceName,
    pub received_at: Timestamp,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body as received; `None` when it has expired.
    pub body: Option<Vec<u8>>,
    /// The identity by which it is compared with earlier deliveries.
    pub origin: Origin,
    /// The number of its items that are routed already.
    pub items_routed: u32,
    /// The number of crashes while this delivery was routed.
    pub crashes: u32,
    /// Whether events of an earlier reading are stored.
    pub replayed: bool,
    /// Whether the vendor used its id before, for another body.
    pub reuses_id: bool,
}

/// The status of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// Stored, not read yet.
    Received,
    /// Its events are known.
    Routed,
    Unreadable,
}

named!(DeliveryStatus { Received = "received", Routed = "routed", Unreadable = "unreadable" });

/// A delivery in a list: without its body.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub source: SourceName,
    pub received_at: Timestamp,
    pub status: DeliveryStatus,
    pub routed_at: Option<Timestamp>,
    /// The reason why it could not be read.
    pub problem: Option<String>,
    /// Whether its body is still stored, so that it can be replayed.
    pub replayable: bool,
}

/// The deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub source: Option<SourceName>,
    pub status: Option<DeliveryStatus>,
    /// The last delivery of the previous page.
    pub cursor: Option<i64>,
    /// The maximum number of deliveries.
    pub limit: usize,
}

impl Tx {
    /// Queues a delivery for the router again. Returns false if there is none, or its body has expired.
    #[instrument(name = "store.delivery.replay", skip_all, fields(delivery.id = %id), err)]
    pub async fn replay(&mut self, id: DeliveryId) -> Result<bool, StoreError> {
        let done = query(
            "UPDATE deliveries
             SET status = 'received',
                 routed_at = NULL,
                 problem = NULL,
                 crashes = 0,
                 partly_read = 0,
                 items_routed = CASE status WHEN 'received' THEN items_routed ELSE 0 END,
                 replayed = CASE status WHEN 'received' THEN replayed ELSE 1 END
             WHERE id = $1 AND body IS NOT NULL",
        )
        .bind(id.to_string())
        .execute(&mut **self)
        .await?
        .rows_affected();
        Ok(done == 1)
    }
}

impl Store {
    /// Stores deliveries. Returns for each, in their order, whether it is new. They are on the disk when this returns.
    #[instrument(name = "store.delivery.insert", skip_all, fields(count = deliveries.len()), err)]
    pub async fn insert_deliveries(&self, deliveries: &[NewDelivery]) -> Result<Vec<Inserted>, StoreError> {
        let mut accepted = Vec::with_capacity(deliveries.len());
        // Held to the end, so that no hash that identifies a repetition expires meanwhile. (Over PostgreSQL one may.)
        let mut turn = self.writer.begin_for_intake().await?;
        let mut newest = 0;
        for group in deliveries.chunks(dialect::MOST_DELIVERIES) {
            let inserted = insert(&mut turn, group).await?;
            if inserted.count > 0 {
                newest = inserted.last_seq;
            }
            if inserted.count == group.len() {
                accepted.extend(group.iter().map(|delivery| Inserted::New(delivery.id)));
            } else {
                // A read that becomes a write later fails immediately while the log is being emptied: the lock is
                // acquired first.
                turn.share_transaction().await?;
                accepted.extend(distinguish(&mut turn, group).await?);
            }
        }
        turn.complete(Effects { newest_delivery: newest, ..Effects::default() }).await?;
        Ok(accepted)
    }

    /// Deliveries, newest first.
    #[instrument(name = "store.delivery.list", skip_all, err)]
    pub async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Page<DeliveryRow>, StoreError> {
        let rows = query(
            "SELECT seq, id, source, received_at, status, routed_at, problem, body IS NOT NULL AS replayable
             FROM deliveries
             WHERE ($1 IS NULL OR source = $1) AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR seq < $3)
             ORDER BY seq DESC
             LIMIT $4",
        )
        .bind(filter.source.as_ref().map(SourceName::as_str))
        .bind(filter.status.map(DeliveryStatus::as_str))
        .bind(filter.cursor)
        .bind(i64::try_from(filter.limit.saturating_add(1)).unwrap_or(i64::MAX))
        .fetch_all(&self.reader)
        .await?;
        let rows: Result<Vec<(i64, DeliveryRow)>, StoreError> =
            rows.iter().map(|row| Ok((row.try_get("seq")?, delivery_row(row)?))).collect();
        let page = Page::of(rows?, filter.limit, |(seq, _)| seq.to_string());
        Ok(Page { items: page.items.into_iter().map(|(_, row)| row).collect(), next: page.next })
    }

    /// The deliveries whose id ends with these hexadecimal digits: at most two, since more than one is ambiguous.
    #[instrument(name = "store.delivery.ending", skip_all, err)]
    pub async fn deliveries_ending(&self, end: &str) -> Result<Vec<DeliveryId>, StoreError> {
        let rows = query("SELECT id FROM deliveries WHERE substr(id, LENGTH(id) - LENGTH($1) + 1) = $1 LIMIT 2")
            .bind(end)
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(|row| RowReader { what: "delivery", row }.word("id")).collect()
    }

    #[instrument(name = "store.delivery.find", skip_all, fields(delivery.id = %id), err)]
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>, StoreError> {
        let row = query(
            "SELECT id, source, received_at, status, routed_at, problem, body IS NOT NULL AS replayable
             FROM deliveries
             WHERE id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(delivery_row).transpose()
    }
}

/// The stored body of a delivery.
#[derive(Debug)]
pub struct StoredBody {
    pub source: SourceName,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// As received, after the headers that the mapping reads; `None` when it has expired or cannot be opened.
    pub body: Option<Vec<u8>>,
}

impl Store {
    #[instrument(name = "store.delivery.body", skip_all, fields(delivery.id = %id), err)]
    pub async fn body_of(&self, id: DeliveryId) -> Result<Option<StoredBody>, StoreError> {
        let row = query("SELECT id, source, content_type, body FROM deliveries WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let reader = RowReader { what: "delivery", row: &row };
        let body = reader.bytes_if_any("body")?.and_then(|sealed| self.key.open(id.as_bytes(), &sealed).ok());
        Ok(Some(StoredBody { source: reader.word("source")?, content_type: reader.text_if_any("content_type")?, body }))
    }
}

/// The result of one insert statement.
struct InsertedRows {
    count: usize,
    last_seq: i64,
}

impl InsertedRows {
    /// Fails if another replica has just stored the same delivery: the repetition finds that.
    fn require_one(&self, id: DeliveryId) -> Result<(), StoreError> {
        if self.count == 1 { Ok(()) } else { Err(StoreError::inconsistent("delivery", id, "it was not inserted")) }
    }
}

/// Inserts the deliveries that are new.
async fn insert(connection: &mut Connection, group: &[NewDelivery]) -> Result<InsertedRows, StoreError> {
    let done = match connection.kind() {
        Kind::Sqlite => insert_rows(group).execute(connection).await?,
        Kind::Postgres => insert_columns(group).execute(connection).await?,
    };
    let count = usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
    Ok(InsertedRows { count, last_seq: done.last_rowid() })
}

fn insert_rows(group: &[NewDelivery]) -> Query {
    let mut insert = query(dialect::insert_deliveries(group.len()));
    for delivery in group {
        insert = insert
            .bind(delivery.id.to_string())
            .bind(delivery.source.as_str())
            .bind(millis(delivery.received_at))
            .bind(delivery.dedupe_hash.0.as_slice())
            .bind(millis_if_any(delivery.dedupe_until))
            .bind(delivery.content_type.as_deref())
            .bind(delivery.sealed_body.as_slice())
            .bind(millis_if_any(delivery.signed_at));
    }
    insert
}

fn insert_columns(group: &[NewDelivery]) -> ColumnsQuery {
    let rows = || group.iter();
    columns_query(dialect::INSERT_DELIVERIES)
        .bind(rows().map(|delivery| delivery.id.to_string()))
        .bind(rows().map(|delivery| delivery.source.to_string()))
        .bind(rows().map(|delivery| millis(delivery.received_at)))
        .bind(rows().map(|delivery| delivery.dedupe_hash.0.to_vec()))
        .bind(rows().map(|delivery| millis_if_any(delivery.dedupe_until)))
        .bind(rows().map(|delivery| delivery.content_type.clone()))
        .bind(rows().map(|delivery| delivery.sealed_body.clone()))
        .bind(rows().map(|delivery| millis_if_any(delivery.signed_at)))
}

/// Returns for each delivery of a partly inserted group whether it is new.
///
/// A body that arrived before is stored again while any later delivery is unread: that delivery may be about the same
/// person. The router knows, and ignores a mere duplicate. The newest copy replaces the earlier one as the reference,
/// so that a body that is repeated many times is not stored many times.
async fn distinguish(connection: &mut Connection, group: &[NewDelivery]) -> Result<Vec<Inserted>, StoreError> {
    let mut accepted = Vec::with_capacity(group.len());
    for delivery in group {
        let first = query(
            // The sign prevents SQLite from reading all later deliveries, routed or not.
            "SELECT d.id, EXISTS (SELECT 1 FROM deliveries w WHERE w.status = 'received' AND +w.seq > d.seq) AS unread
             FROM deliveries d
             WHERE d.dedupe_hash = $1 AND d.dedupes = 1",
        )
        .bind(delivery.dedupe_hash.0.as_slice())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(first) = first else {
            insert(connection, std::slice::from_ref(delivery)).await?.require_one(delivery.id)?;
            accepted.push(Inserted::New(delivery.id));
            continue;
        };
        let id: DeliveryId = RowReader { what: "delivery", row: &first }.word("id")?;
        if id == delivery.id {
            accepted.push(Inserted::New(id));
        } else if !delivery.has_id() && first.try_get("unread")? {
            query("UPDATE deliveries SET dedupes = 0 WHERE id = $1")
                .bind(id.to_string())
                .execute(&mut *connection)
                .await?;
            insert(connection, std::slice::from_ref(delivery)).await?.require_one(delivery.id)?;
            accepted.push(Inserted::New(delivery.id));
        } else {
            accepted.push(Inserted::Duplicate(id));
        }
    }
    Ok(accepted)
}

fn delivery_row(row: &Row) -> Result<DeliveryRow, StoreError> {
    let reader = RowReader { what: "delivery", row };
    Ok(DeliveryRow {
        id: reader.word("id")?,
        source: reader.word("source")?,
        received_at: reader.at("received_at")?,
        status: reader.word("status")?,
        routed_at: reader.at_if_any("routed_at")?,
        problem: reader.text_if_any("problem")?,
        replayable: row.try_get("replayable")?,
    })
}

/// The latest `routed_at` of a body that has expired.
pub(super) fn expiry_limit(now: Timestamp, keep: SignedDuration) -> i64 {
    millis(now.saturating_sub(keep).unwrap_or(Timestamp::MIN))
}
