//! A PostgreSQL server: its address, how its sessions are configured, and the lock on a whole database.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Row as _};

use crate::store::error::StoreError;
use crate::store::schema::{POSTGRES_MIGRATOR, newest_version};

/// The settings of every session. A session whose client is frozen or cut off must not hold a lock for long, and a commit
/// is answered only when it is durable. A unit of work sees what the units before it committed.
const SESSION: [(&str, &str); 8] = [
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "25s"),
    ("lock_timeout", "20s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// The maximum number of concurrent reads, and the longest wait for a connection.
const READERS: u32 = 4;
const LISTENERS: u32 = 1;
const PATIENCE: Duration = Duration::from_secs(5);

/// The maximum number of prepared statements per connection.
const STATEMENTS: usize = 512;

/// How often the lock on the database is tried, and the time between two tries.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// Shared by the sessions of all daemons, so that no command moves the database meanwhile. "offb" in ASCII.
const DAEMON_LOCK: i64 = 0x6f66_6662;

/// Who may hold the lock on the whole database at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Sharing {
    /// Any number of daemons.
    Daemons,
    /// A command that moves the database.
    Alone,
}

/// The address of a database on a server: `postgres://user:password@host/database`.
#[derive(Clone)]
pub struct ServerUrl {
    options: PgConnectOptions,
    /// Without the settings of our sessions.
    plain: PgConnectOptions,
}

impl FromStr for ServerUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let plain = PgConnectOptions::from_str(url)?.application_name("offboardd").statement_cache_capacity(STATEMENTS);
        Ok(Self { options: plain.clone().options(SESSION), plain })
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
        f.write_str(&name(&self.options))
    }
}

impl ServerUrl {
    pub(in crate::store) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The same for statements that read or write everything.
    pub(in crate::store) fn without_timeouts(&self) -> PgConnectOptions {
        self.options.clone().options([("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0")])
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
        let alone = PgPoolOptions::new().max_connections(1).connect_with(self.options.clone()).await?;
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
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let is_free = try_lock(&mut connection, Sharing::Alone).await;
        connection.close().await?;
        Ok(!is_free?)
    }

    /// Whether the server applies the settings of our sessions. A pooler ignores them, and gives a session's statements to several
    /// connections of the server.
    pub(in crate::store) async fn has_sessions(&self) -> Result<bool, StoreError> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let setting = "SELECT current_setting('statement_timeout') AS statement_timeout";
        let row = sqlx::query(setting).fetch_one(&mut connection).await?;
        connection.close().await?;
        let limit: String = row.try_get("statement_timeout")?;
        Ok(SESSION.contains(&("statement_timeout", limit.as_str())))
    }

    /// What the server does not promise about a commit, for `check` and the start.
    pub(in crate::store) async fn warnings(&self) -> Vec<String> {
        let answer = tokio::time::timeout(PATIENCE, self.durability());
        // Settings are also checked where the server cannot be reached. The daemon reports that at its start.
        let Ok(Ok((commit, standbys))) = answer.await else { return Vec::new() };
        let mut warnings = Vec::new();
        if commit == "off" || commit == "local" {
            warnings.push(format!(
                "store.url: synchronous_commit is {commit} on the server: a pooler may pass it on, and a 2xx would not be durable; \
                 set it to on for the user or the database"
            ));
        }
        if standbys.is_empty() {
            warnings.push(
                "store.url: the server has no synchronous standby (synchronous_standby_names): a 2xx is lost with its disk"
                    .to_owned(),
            );
        }
        warnings
    }

    /// The server's own settings: `synchronous_commit` and `synchronous_standby_names`.
    async fn durability(&self) -> Result<(String, String), sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.plain).await?;
        let settings = "SELECT current_setting('synchronous_commit') AS commit,
                            current_setting('synchronous_standby_names') AS standbys";
        let row = sqlx::query(settings).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok((row.try_get("commit")?, row.try_get("standbys")?))
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
        let readers =
            PgPoolOptions::new().max_connections(READERS + LISTENERS).min_connections(1).acquire_timeout(PATIENCE);
        Ok(readers.connect_with(self.options.clone()).await?)
    }
}

fn name(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    format!("postgres://{host}:{port}/{}", options.get_database().unwrap_or_default())
}

/// Gives this session the lock on the database. The server releases the lock with the session, which may take a moment after its
/// connection is closed.
pub(super) async fn lock(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
    sharing: Sharing,
) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        if try_lock(connection, sharing).await? {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Err(StoreError::InUse { path: name(options) })
}

async fn try_lock(connection: &mut PgConnection, sharing: Sharing) -> Result<bool, StoreError> {
    let lock = match sharing {
        Sharing::Daemons => "SELECT pg_try_advisory_lock_shared($1) AS locked",
        Sharing::Alone => "SELECT pg_try_advisory_lock($1) AS locked",
    };
    let row = sqlx::query(lock).bind(DAEMON_LOCK).fetch_one(connection).await?;
    Ok(row.try_get("locked")?)
}
