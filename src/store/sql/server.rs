//! A PostgreSQL server: its address, how its sessions are configured, and the lock of the only daemon.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Row as _};

use crate::store::error::StoreError;
use crate::store::schema::{POSTGRES_MIGRATOR, newest_version};

/// The settings of every session. A session whose client is frozen or cut off must not hold a lock for long, and a commit
/// is answered only when it is durable.
const SESSION: [(&str, &str); 7] = [
    ("synchronous_commit", "on"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "20s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// The maximum number of concurrent reads.
const READERS: u32 = 4;

/// The maximum number of prepared statements per connection.
const STATEMENTS: usize = 512;

/// How often the lock of the only daemon is tried, and the time between two tries.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// Held by the session of the daemon that works. "offb" in ASCII.
const DAEMON_LOCK: i64 = 0x6f66_6662;

/// The address of a database on a server: `postgres://user:password@host/database`.
#[derive(Clone)]
pub struct ServerUrl(PgConnectOptions);

impl FromStr for ServerUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?;
        let options = options.application_name("offboardd").options(SESSION).statement_cache_capacity(STATEMENTS);
        Ok(Self(options))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

/// Without the user and the password.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&name(&self.0))
    }
}

impl ServerUrl {
    pub(in crate::store) const fn options(&self) -> &PgConnectOptions {
        &self.0
    }

    /// The same for statements that read or write everything.
    pub(in crate::store) fn without_timeouts(&self) -> PgConnectOptions {
        self.0.clone().options([("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0")])
    }

    /// Migrates the schema to this version. Returns the number of steps.
    pub(in crate::store) async fn migrate(&self) -> Result<usize, StoreError> {
        let alone = PgPoolOptions::new().max_connections(1).connect_with(self.without_timeouts()).await?;
        let before = self.schema_version(&alone).await?;
        self.reject_newer(before)?;
        POSTGRES_MIGRATOR.run(&alone).await?;
        alone.close().await;
        Ok(POSTGRES_MIGRATOR.iter().filter(|step| before.is_none_or(|before| step.version > before)).count())
    }

    /// Fails unless the schema is of this version.
    pub(in crate::store) async fn require_schema(&self) -> Result<(), StoreError> {
        let alone = PgPoolOptions::new().max_connections(1).connect_with(self.0.clone()).await?;
        let found = self.schema_version(&alone).await?;
        alone.close().await;
        self.reject_newer(found)?;
        if found == Some(newest_version()) {
            return Ok(());
        }
        let why = "it has no schema of this version: `offboardd migrate` makes it".to_owned();
        Err(StoreError::Unusable { path: self.to_string(), why })
    }

    /// Whether a daemon works with the database.
    pub(in crate::store) async fn is_in_use(&self) -> Result<bool, StoreError> {
        let mut connection = PgConnection::connect_with(&self.0).await?;
        let is_free = try_lock(&mut connection).await;
        connection.close().await?;
        Ok(!is_free?)
    }

    fn reject_newer(&self, found: Option<i64>) -> Result<(), StoreError> {
        let newest = newest_version();
        match found {
            Some(found) if found > newest => Err(StoreError::Newer { path: self.to_string(), found, newest }),
            Some(_) | None => Ok(()),
        }
    }

    /// The newest applied schema version; `None` before the first step.
    async fn schema_version(&self, pool: &PgPool) -> Result<Option<i64>, StoreError> {
        let known = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS known";
        if !sqlx::query(known).fetch_one(pool).await?.try_get("known")? {
            return Ok(None);
        }
        let newest = "SELECT MAX(version) AS version FROM _sqlx_migrations WHERE success";
        Ok(sqlx::query(newest).fetch_one(pool).await?.try_get("version")?)
    }

    pub(in crate::store) async fn readers(&self) -> Result<PgPool, StoreError> {
        let readers = PgPoolOptions::new().max_connections(READERS).min_connections(1);
        Ok(readers.connect_with(self.0.clone()).await?)
    }
}

fn name(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    format!("postgres://{host}:{port}/{}", options.get_database().unwrap_or_default())
}

/// Makes this session the one of the only daemon. The server releases the lock with the session, which may take a moment
/// after its connection is closed.
pub(super) async fn lock(connection: &mut PgConnection, options: &PgConnectOptions) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        if try_lock(connection).await? {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Err(StoreError::InUse { path: name(options) })
}

async fn try_lock(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT pg_try_advisory_lock($1) AS locked").bind(DAEMON_LOCK).fetch_one(connection).await?;
    Ok(row.try_get("locked")?)
}
