//! Secrets that a vendor offered in its handshake: sealed, and not used until an operator accepts one.
//!
//! Any client may offer one, because nothing is signed yet. So only a few wait at a time, and the first ones stay: no
//! later offer replaces an earlier one within a day. An operator accepts an offer by its id. Pausing and resuming the
//! source deletes the waiting offers, and the next ones are the first again.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::sums::Guarded;
use super::{Store, StoreError, Tx};
use crate::domain::ids::SourceName;
use crate::proof::seal::{KeyedHash, MasterKey};

/// The maximum number of offers of a source that wait for an operator.
const WAITING: u32 = 20;

/// The time for which no other offer replaces a waiting one.
const WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Faster offers of one source are rejected: a vendor makes one subscription at a time.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// A secret that a vendor offered.
#[derive(Debug, Clone)]
pub struct OfferedSecret {
    pub source: SourceName,
    /// Identifies this secret without revealing it.
    pub id: String,
    pub secret: SecretString,
    pub offered_at: Timestamp,
    /// When it became one of the source's secrets.
    pub accepted_at: Option<Timestamp>,
}

impl Tx {
    /// Stores an offered secret until an operator accepts it. Returns false if offers are too frequent: the vendor must
    /// repeat it.
    #[instrument(name = "store.offered_secret.store", skip_all, fields(source = %source), err)]
    pub async fn store_offered_secret(
        &mut self,
        source: &SourceName,
        secret: &SecretString,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let hash = self.key.hash_delivery(source, "offer", secret.expose_secret().as_bytes());
        let row = query(
            "SELECT '' AS id, COUNT(CASE WHEN hash = $2 THEN 1 END) AS known, MAX(offered_at) AS newest
             FROM offered_secrets
             WHERE source = $1",
        )
        .bind(source.as_str())
        .bind(hash.0.as_slice())
        .fetch_one(&mut **self)
        .await?;
        if row.try_get::<i64>("known")? > 0 {
            return Ok(true);
        }
        let newest = RowReader { what: "offer", row: &row }.at_if_any("newest")?;
        if newest.is_some_and(|newest| now.duration_since(newest) < PACE) {
            return Ok(false);
        }
        query("DELETE FROM offered_secrets WHERE source = $1 AND accepted_at IS NULL AND offered_at <= $2")
            .bind(source.as_str())
            .bind(millis(now.saturating_sub(WAIT).unwrap_or(Timestamp::MIN)))
            .execute(&mut **self)
            .await?;
        let sealed = self.key.seal(&hash.0, secret.expose_secret().as_bytes());
        let kept = query(
            "INSERT INTO offered_secrets (source, hash, sealed, offered_at)
             SELECT $1, $2, $3, $4
             WHERE (SELECT COUNT(*) FROM offered_secrets WHERE source = $1 AND accepted_at IS NULL) < $5",
        )
        .bind(source.as_str())
        .bind(hash.0.as_slice())
        .bind(sealed)
        .bind(millis(now))
        .bind(WAITING)
        .execute(&mut **self)
        .await?
        .rows_affected();
        Ok(kept == 1)
    }

    /// Deletes the waiting offers, so that the next one is the first.
    #[instrument(name = "store.offered_secret.delete_waiting", skip_all, fields(source = %source))]
    pub(super) async fn delete_waiting_secrets(&mut self, source: &SourceName) -> Result<(), StoreError> {
        query("DELETE FROM offered_secrets WHERE source = $1 AND accepted_at IS NULL")
            .bind(source.as_str())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Accepts an offered secret, in addition to or in place of those accepted before. Returns false if there is no
    /// such offer.
    #[instrument(name = "store.offered_secret.accept", skip_all, fields(source = %source), err)]
    pub async fn accept_offered_secret(
        &mut self,
        source: &SourceName,
        id: &str,
        alone: bool,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(hash) = hash_of(id) else { return Ok(false) };
        let before = self.secrets_of(source).await?;
        let done = query(
            "UPDATE offered_secrets
             SET accepted_at = COALESCE(accepted_at, $1), accepted_by = COALESCE(accepted_by, $2)
             WHERE source = $3 AND hash = $4",
        )
        .bind(millis(now))
        .bind(by)
        .bind(source.as_str())
        .bind(hash.0.as_slice())
        .execute(&mut **self)
        .await?
        .rows_affected();
        if done == 0 {
            return Ok(false);
        }
        if alone {
            query("DELETE FROM offered_secrets WHERE source = $1 AND accepted_at IS NOT NULL AND hash <> $2")
                .bind(source.as_str())
                .bind(hash.0.as_slice())
                .execute(&mut **self)
                .await?;
        }
        let after = self.secrets_of(source).await?;
        self.guarded_removed(Guarded::Secrets, &before)?;
        self.guarded_added(Guarded::Secrets, &after)?;
        let detail = json!({ "source": source, "offer": id, "alone": alone, "by": by });
        self.write_journal(None, "secret_accepted", &detail, now).await?;
        Ok(true)
    }

    async fn secrets_of(&mut self, source: &SourceName) -> Result<Vec<Row>, StoreError> {
        let secrets = query("SELECT * FROM offered_secrets WHERE source = $1");
        Ok(secrets.bind(source.as_str()).fetch_all(&mut **self).await?)
    }
}

impl Store {
    /// All offers, the oldest first, accepted or not.
    #[instrument(name = "store.offered_secret.list", skip_all, err)]
    pub async fn offered_secrets(&self) -> Result<Vec<OfferedSecret>, StoreError> {
        let rows = query("SELECT source AS id, * FROM offered_secrets ORDER BY source, offered_at")
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(|row| read_offer(row, &self.key)).collect()
    }
}

fn read_offer(row: &Row, key: &MasterKey) -> Result<OfferedSecret, StoreError> {
    let reader = RowReader { what: "offer", row };
    let source: SourceName = reader.word("source")?;
    let hash: Vec<u8> = row.try_get("hash")?;
    let sealed = reader.bytes_if_any("sealed")?.unwrap_or_default();
    let plain =
        key.open(&hash, &sealed).map_err(|cannot_open| StoreError::Sealed { what: "offer", source: cannot_open })?;
    Ok(OfferedSecret {
        id: hex::encode(&hash),
        secret: SecretString::from(String::from_utf8_lossy(&plain).into_owned()),
        offered_at: reader.at("offered_at")?,
        accepted_at: reader.at_if_any("accepted_at")?,
        source,
    })
}

fn hash_of(id: &str) -> Option<KeyedHash> {
    hex::decode(id).ok()?.try_into().ok().map(KeyedHash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, KeyLocation};

    async fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Database::file(dir.path().join("x.db"), KeyLocation::Given([7; 32])).open().await.unwrap();
        (dir, store)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    async fn offer(store: &Store, secret: &str, second: i64) -> bool {
        let mut tx = store.begin().await.unwrap();
        let kept = tx.store_offered_secret(&"hr".parse().unwrap(), &secret.into(), at(second)).await.unwrap();
        tx.commit().await.unwrap();
        kept
    }

    async fn listed(store: &Store) -> Vec<(String, bool)> {
        let offers = store.offered_secrets().await.unwrap().into_iter();
        offers.map(|offer| (offer.secret.expose_secret().to_owned(), offer.accepted_at.is_some())).collect()
    }

    #[tokio::test]
    async fn flood_of_offers_is_limited_and_replaces_no_earlier_offer() {
        let (_dir, store) = store().await;
        assert!(offer(&store, "genuine", 0).await);
        assert!(offer(&store, "genuine", 0).await, "a repeated offer is not a new one");
        assert!(!offer(&store, "too fast", 0).await);
        for second in 10..29 {
            assert!(offer(&store, &format!("forged {second}"), second).await);
        }
        for second in 29..100 {
            assert!(!offer(&store, &format!("forged {second}"), second).await);
        }
        let waiting = listed(&store).await;
        assert_eq!((waiting.len(), waiting[0].0.as_str()), (20, "genuine"));
        // The first offers expire after a day.
        assert!(offer(&store, "late", 86_400 + 50).await);
        assert_eq!(listed(&store).await.len(), 1);
    }

    #[tokio::test]
    async fn pause_deletes_waiting_offers_only() {
        let (_dir, store) = store().await;
        let source: SourceName = "hr".parse().unwrap();
        for (second, secret) in [(0, "a"), (10, "b")] {
            assert!(offer(&store, secret, second).await);
        }
        let id = store.offered_secrets().await.unwrap().swap_remove(0).id;
        let mut tx = store.begin().await.unwrap();
        tx.accept_offered_secret(&source, &id, false, "rosa", at(20)).await.unwrap();
        tx.delete_waiting_secrets(&source).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(listed(&store).await, [("a".to_owned(), true)]);
    }

    #[tokio::test]
    async fn accepted_secret_stays_until_another_replaces_it() {
        let (_dir, store) = store().await;
        let source: SourceName = "hr".parse().unwrap();
        for (second, secret) in [(0, "a"), (10, "b")] {
            assert!(offer(&store, secret, second).await);
        }
        let ids: Vec<_> = store.offered_secrets().await.unwrap().into_iter().map(|offer| offer.id).collect();
        let accept = async |id: &str, alone| {
            let mut tx = store.begin().await.unwrap();
            let done = tx.accept_offered_secret(&source, id, alone, "rosa", at(20)).await.unwrap();
            tx.commit().await.unwrap();
            done
        };
        assert!(!accept("00", false).await && !accept(&"00".repeat(32), false).await);
        assert!(accept(&ids[0], false).await);
        assert!(accept(&ids[1], false).await);
        assert_eq!(listed(&store).await, [("a".to_owned(), true), ("b".to_owned(), true)]);
        assert!(accept(&ids[1], true).await);
        assert_eq!(listed(&store).await, [("b".to_owned(), true)]);
    }
}
