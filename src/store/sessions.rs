//! The sessions of the console. A row holds no secret: only the holder of the cookie can use it.

use jiff::Timestamp;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::{Store, StoreError, Tx};

#[derive(Debug, Clone)]
pub struct Session {
    /// The name of the admin token with which it was begun.
    pub operator: String,
    /// The token's digest, bound to the secret of the cookie.
    pub bound: Vec<u8>,
    pub expires_at: Timestamp,
}

impl Tx {
    /// Stores a session, and deletes expired ones. `hash` is the hash of the secret that the cookie holds.
    #[instrument(name = "store.session.begin", skip_all, err)]
    pub async fn begin_session(
        &mut self,
        hash: &[u8; 32],
        session: &Session,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query("DELETE FROM sessions WHERE expires_at <= $1").bind(millis(now)).execute(&mut **self).await?;
        query("INSERT INTO sessions (hash, operator, bound, began_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(hash.as_slice())
            .bind(&session.operator)
            .bind(session.bound.as_slice())
            .bind(millis(now))
            .bind(millis(session.expires_at))
            .exec_one(self, "session", &session.operator)
            .await
    }

    #[instrument(name = "store.session.end", skip_all, err)]
    pub async fn end_session(&mut self, hash: &[u8; 32]) -> Result<(), StoreError> {
        query("DELETE FROM sessions WHERE hash = $1").bind(hash.as_slice()).execute(&mut **self).await?;
        Ok(())
    }

    /// Ends all sessions of an operator. Returns their number.
    #[instrument(name = "store.session.end_all", skip_all, err)]
    pub async fn end_sessions_of(&mut self, operator: &str) -> Result<u64, StoreError> {
        let ended = query("DELETE FROM sessions WHERE operator = $1").bind(operator).execute(&mut **self).await?;
        Ok(ended.rows_affected())
    }
}

impl Store {
    /// The session with this hash, unless it has expired.
    #[instrument(name = "store.session.find", skip_all, err)]
    pub async fn session(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row = query(
            "SELECT operator AS id, operator, bound, expires_at
             FROM sessions
             WHERE hash = $1 AND expires_at > $2",
        )
        .bind(hash.as_slice())
        .bind(millis(now))
        .fetch_optional(&self.reader)
        .await?;
        row.map(|row| {
            let reader = RowReader { what: "session", row: &row };
            Ok(Session {
                operator: reader.text("operator")?,
                bound: reader.bytes_if_any("bound")?.unwrap_or_default(),
                expires_at: reader.at("expires_at")?,
            })
        })
        .transpose()
    }
}
