//! The replicas of a PostgreSQL database: the renewal of their terms, their settings, and the notifications between them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use sqlx::postgres::PgListener;
use tokio::time::timeout;
use tracing::instrument;

use super::row::RowReader;
use super::schema::newest_version;
use super::sql::{Connection, Pool, query};
use super::terms::{Duty, HandedOver, Shared, TERM, Term};
use super::{Store, StoreError, dialect};
use crate::domain::ids::SiteName;

/// How long before the end of a term its holder stops.
const MARGIN: Duration = Duration::from_millis(250);

/// The longest wait for a renewal.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The channel of the notifications between replicas.
const CHANNEL: &str = "offboardd";

/// The longest silence on the connection that listens, before it is replaced: it may be cut off.
const SILENCE: Duration = Duration::from_mins(1);

const DELETE_REPLICA: &str = "DELETE FROM replicas WHERE id = $1";

/// A replica that uses the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    pub id: String,
    /// The fingerprint of its settings.
    pub settings: String,
    pub seen_at: Timestamp,
}

/// Renews the terms of this replica, on a connection of its own: no unit of work delays it.
#[derive(Debug)]
pub struct TermKeeper {
    pub(super) store: Store,
    pub(super) shared: Arc<Shared>,
    duties: Vec<Duty>,
    pub(super) settings: String,
    pub(super) connection: Option<Connection>,
    /// Whether other replicas were alive at the last renewal.
    pub(super) has_others: bool,
    /// The last site that was handed over to another replica.
    pub(super) handed_over: Option<HandedOver>,
}

impl TermKeeper {
    /// The keeper of one of several replicas; `None` for the only daemon. `settings` is the fingerprint of its settings.
    pub fn new(store: &Store, duties: Vec<Duty>, settings: String) -> Option<Self> {
        let shared = Arc::clone(store.terms.among_others()?);
        let settings = shared.settings.get_or_init(|| settings).clone();
        Some(Self {
            store: store.clone(),
            shared,
            duties,
            settings,
            connection: None,
            has_others: false,
            handed_over: None,
        })
    }

    /// Renews the terms, and takes those that no replica holds. [`StoreError::Newer`] if a newer version has migrated the database:
    /// then this one must stop. Returns whether this replica has other duties than before.
    pub async fn renew(&mut self) -> Result<bool, StoreError> {
        let answer = timeout(PATIENCE, self.renew_all()).await;
        let renewed = answer.unwrap_or_else(|_elapsed| Err(sqlx::Error::PoolTimedOut.into()));
        if renewed.is_err() {
            self.connection = None;
        }
        renewed
    }

    async fn renew_all(&mut self) -> Result<bool, StoreError> {
        let resigned = self.shared.resigned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keys =
            |duties: &mut dyn Iterator<Item = &Duty>| json!(duties.map(Duty::key).collect::<Vec<_>>()).to_string();
        let handed_over = self.handed_over.as_ref().filter(|handed_over| handed_over.is_recent()).map(|it| &it.duty);
        let wanted = self.duties.iter().filter(|duty| !resigned.contains(duty) && Some(*duty) != handed_over);
        let wanted: Vec<_> = wanted.collect();
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none @ None => none.insert(self.store.writer.another(None).await?),
        };
        if !resigned.is_empty() {
            query(dialect::RESIGN)
                .bind(&self.shared.replica)
                .bind(keys(&mut resigned.iter()))
                .execute(&mut *connection)
                .await?;
        }
        let newest = query("SELECT MAX(version) AS version FROM _sqlx_migrations WHERE success");
        let found: i64 = newest.fetch_one(&mut *connection).await?.try_get("version")?;
        if found > newest_version() {
            self.shared.held.send_replace(BTreeMap::new());
            let path = "store.url".to_owned();
            return Err(StoreError::Newer { path, found, newest: newest_version() });
        }
        let until = Instant::now() + TERM.saturating_sub(MARGIN);
        let rows = query(dialect::RENEW_TERMS)
            .bind(&self.shared.replica)
            .bind(keys(&mut wanted.iter().copied()))
            .bind(i64::try_from(TERM.as_millis()).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        let mut tokens = BTreeMap::new();
        for row in &rows {
            tokens.insert(row.try_get::<String>("duty")?, row.try_get::<i64>("token")?);
        }
        if resigned.is_empty() {
            let seen = query(dialect::SEE_REPLICA).bind(&self.shared.replica).bind(&self.settings);
            seen.execute(&mut *connection).await?;
        } else {
            // It stops: no other replica hands a site over to it.
            query(DELETE_REPLICA).bind(&self.shared.replica).execute(&mut *connection).await?;
        }
        let mut has_others = false;
        for row in query(dialect::LIVE_REPLICAS).fetch_all(&mut *connection).await? {
            has_others |= row.try_get::<&str>("id")? != self.shared.replica;
        }
        self.has_others = has_others;
        let held = wanted.into_iter().filter_map(|duty| {
            let token = *tokens.get(&duty.key())?;
            Some((duty.clone(), Term { token, until }))
        });
        let has_changed = self.report(held.collect());
        let is_stopping = !resigned.is_empty();
        Ok((!is_stopping && self.balance().await?) || has_changed)
    }

    /// Replaces the terms. One that was given up meanwhile is not held. Returns whether the duties are others than before.
    fn report(&self, mut held: BTreeMap<Duty, Term>) -> bool {
        let resigned = self.shared.resigned.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|duty, _| !resigned.contains(duty));
        let mut has_changed = false;
        self.shared.held.send_modify(|before| {
            for (duty, term) in &held {
                let held_before = before.get(duty);
                if held_before.is_none_or(|before| before.token != term.token) {
                    has_changed = true;
                    self.count_lost(held_before.is_some().into());
                    tracing::info!(duty = duty.key(), term = term.token, "replica: took over {}", duty.key());
                }
            }
            for duty in before.keys().filter(|duty| !held.contains_key(duty)) {
                has_changed = true;
                self.count_lost(1);
                tracing::warn!(duty = duty.key(), "replica: lost {}, another one has taken over", duty.key());
            }
            *before = held;
        });
        has_changed
    }

    fn count_lost(&self, terms: u64) {
        self.shared.lost.fetch_add(terms, Ordering::Relaxed);
    }

    /// Waits until the terms should be renewed before their time.
    pub async fn awaits_renewal(&self) {
        self.shared.renewal.notified().await;
    }

    /// Waits until this replica has committed something that others should see.
    pub async fn committed(&self) {
        self.store.committed.notified().await;
    }

    /// Notifies the other replicas. They find the changes without it, too, but later.
    pub async fn notify_others(&mut self) -> Result<(), StoreError> {
        let Some(connection) = self.connection.as_mut().filter(|_| self.has_others && self.shared.has_sessions) else {
            return Ok(());
        };
        let notify = query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(&self.shared.replica);
        match timeout(PATIENCE, notify.fetch_all(connection)).await {
            Ok(Ok(_sent)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_elapsed) => {
                self.connection = None;
                Err(sqlx::Error::PoolTimedOut.into())
            }
        }
    }

    /// Gives up all terms, so that the others take over immediately.
    pub async fn leave(mut self) -> Result<(), StoreError> {
        self.shared.held.send_replace(BTreeMap::new());
        let leaving = async {
            let connection = match &mut self.connection {
                Some(connection) => connection,
                none @ None => none.insert(self.store.writer.another(None).await?),
            };
            query("UPDATE terms SET until = 0 WHERE owner = $1")
                .bind(&self.shared.replica)
                .execute(&mut *connection)
                .await?;
            query(DELETE_REPLICA).bind(&self.shared.replica).execute(connection).await?;
            self.notify_others().await
        };
        let left = timeout(PATIENCE, leaving).await.unwrap_or_else(|_elapsed| Err(sqlx::Error::PoolTimedOut.into()));
        if let Some(connection) = self.connection.take().filter(|_| left.is_ok()) {
            connection.close().await?;
        }
        left
    }
}

/// Receives the notifications of other replicas.
#[derive(Debug)]
pub struct ReplicaListener {
    store: Store,
    shared: Arc<Shared>,
    listener: Option<PgListener>,
}

impl ReplicaListener {
    /// `None` for the only daemon, and behind a pooler.
    pub fn new(store: &Store) -> Option<Self> {
        let shared = Arc::clone(store.terms.among_others()?);
        if !shared.has_sessions {
            return None;
        }
        Some(Self { store: store.clone(), shared, listener: None })
    }

    /// Waits for a notification of another replica.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        loop {
            let listener = match &mut self.listener {
                Some(listener) => listener,
                none @ None => {
                    let Pool::Postgres(pool) = &self.store.reader else { return std::future::pending().await };
                    let mut listener = PgListener::connect_with(pool).await?;
                    listener.listen(CHANNEL).await?;
                    none.insert(listener)
                }
            };
            match timeout(SILENCE, listener.recv()).await {
                Ok(Ok(notification)) if notification.payload() == self.shared.replica => {}
                Ok(Ok(_of_another)) => {
                    self.shared.renewal.notify_one();
                    return Ok(());
                }
                Ok(Err(error)) => {
                    self.listener = None;
                    return Err(error.into());
                }
                Err(_elapsed) => self.listener = None,
            }
        }
    }
}

impl Store {
    /// Reads again what other replicas may have changed and this one keeps in memory.
    #[instrument(name = "store.replica.refresh", skip_all, err)]
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let before = self.paused_sources.load_full();
        let rows =
            query("SELECT name AS id, name FROM sources WHERE paused_at IS NOT NULL").fetch_all(&self.reader).await?;
        let paused = rows.iter().map(|row| RowReader { what: "source", row }.word("name"));
        let paused = paused.collect::<Result<_, StoreError>>()?;
        // A change that this replica committed meanwhile is newer.
        self.paused_sources.compare_and_swap(&before, Arc::new(paused));
        Ok(())
    }

    /// The id of this replica; `None` for the only daemon.
    pub fn replica_id(&self) -> Option<&str> {
        Some(&self.terms.among_others()?.replica)
    }

    /// The fingerprint of this replica's settings; `None` for the only daemon.
    pub fn settings_fingerprint(&self) -> Option<&str> {
        Some(self.terms.among_others()?.settings.get()?)
    }

    /// The number of terms of this daemon that ended before they were renewed or given up.
    pub fn terms_lost(&self) -> u64 {
        self.terms.among_others().map_or(0, |shared| shared.lost.load(Ordering::Relaxed))
    }

    /// The sites that this replica works, of those that the terms are about.
    pub fn sites_on_duty(&self) -> Vec<SiteName> {
        let Some(shared) = self.terms.among_others() else { return Vec::new() };
        let (now, held) = (Instant::now(), shared.held.borrow());
        let sites = held.iter().filter(|(_, term)| now < term.until).filter_map(|(duty, _)| match duty {
            Duty::Site(site) => Some(site.clone()),
            Duty::Background => None,
        });
        sites.collect()
    }

    /// The replicas that were seen within the last seconds.
    #[instrument(name = "store.replica.list", skip_all, err)]
    pub async fn replicas(&self) -> Result<Vec<Replica>, StoreError> {
        let rows = query(dialect::LIVE_REPLICAS).fetch_all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "replica", row };
                Ok(Replica {
                    id: reader.text("id")?,
                    settings: reader.text("settings")?,
                    seen_at: reader.at("seen_at")?,
                })
            })
            .collect()
    }
}
