//! Opening the database: the file, its key, its schema.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::files::{self, Files};
use super::schema::{MIGRATOR, newest_version};
use super::sql::{Connection, Options, Pool, ServerUrl, Sharing, query};
use super::terms::Terms;
use super::writer::Writer;
use super::{Store, StoreError, integrity, key_file, paths, period_keys, stamp};
use crate::proof::seal::MasterKey;

/// The maximum number of prepared statements per connection.
const STATEMENTS: usize = 512;

/// The number of rows that SQLite's thread reads ahead: it waits for the reader of each further row.
const ROWS: usize = 256;

/// The maximum number of concurrent reads. Each connection takes a third of a megabyte.
const READERS: u32 = 3;

/// The number of file checks before the database is rejected, and the time between two checks.
const CHECKS: u32 = 5;
const BETWEEN_CHECKS: Duration = Duration::from_millis(50);

/// The source of the master key.
#[derive(Clone)]
pub enum KeyLocation {
    /// The key was configured.
    Given([u8; 32]),
    /// The key was configured, and read from this file, if it was a file.
    Read {
        bytes: [u8; 32],
        /// Keys that open and do not seal: the key is being rotated.
        old: Vec<[u8; 32]>,
        from: Option<PathBuf>,
        /// Reads the keys in the file, the newest first.
        parse: fn(&[u8]) -> Option<Vec<[u8; 32]>>,
    },
    /// The key is in a file beside the database, created at the first start.
    Beside,
}

impl std::fmt::Debug for KeyLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given(…)",
            Self::Read { .. } => "Read(…)",
            Self::Beside => "Beside",
        })
    }
}

/// One database and the location of its key.
#[derive(Debug, Clone)]
pub struct Database {
    /// The file of SQLite.
    pub path: PathBuf,
    pub key: KeyLocation,
    /// The database on a server, in place of the file.
    pub server: Option<ServerUrl>,
}

impl Database {
    /// A file of SQLite.
    pub fn file(path: impl Into<PathBuf>, key: KeyLocation) -> Self {
        Self { path: path.into(), key, server: None }
    }

    /// Opens the database for a daemon: creates the file and migrates the schema where needed.
    pub async fn open(&self) -> Result<Store, StoreError> {
        if let Some(server) = &self.server {
            let options = Options::PostgresLocked(server.options().clone(), Sharing::Daemons);
            let locked = options.claimed().await?;
            server.migrate().await?;
            let intake = Options::Postgres(server.options().clone());
            let for_intake = intake.connect().await?;
            let store = self.on_server(server, options, locked).await?;
            let intake = Writer::start(intake, for_intake, None, Arc::default(), Arc::clone(&store.committed));
            let writer = store.writer.clone().with_intake(intake);
            let terms = Terms::shared(server.has_sessions().await?);
            return Ok(Store { writer, terms, ..store });
        }
        let files = self.claim().await?;
        files.make_private();
        self.bring_up_to_date().await?;
        self.with(Some(files)).await
    }

    /// Opens an existing database for a command beside the daemon; its schema must be of this version.
    pub async fn open_existing(&self) -> Result<Store, StoreError> {
        if let Some(server) = &self.server {
            server.require_schema().await?;
            let options = Options::Postgres(server.options().clone());
            let connection = options.connect().await?;
            return self.on_server(server, options, connection).await;
        }
        if !files::examine(&self.path)? {
            return Err(files::unusable(&self.path, "it does not exist: `offboardd serve` creates it"));
        }
        match Files::lock(&self.path) {
            // No daemon runs, so that the state after the last one is checked here. The lock is released after that: a
            // daemon that starts meanwhile causes no harm.
            Ok(files) => self.verify(&files).await?,
            // The running daemon has checked it.
            Err(StoreError::InUse { .. }) => {}
            Err(error) => return Err(error),
        }
        self.with(None).await
    }

    /// Migrates the schema to this version. Returns the number of steps.
    pub async fn migrate(&self) -> Result<usize, StoreError> {
        if let Some(server) = &self.server {
            // Also while daemons run: those of an earlier version stop by themselves.
            return server.migrate().await;
        }
        let files = self.claim().await?;
        let steps = self.bring_up_to_date().await;
        drop(files);
        steps
    }

    /// Warnings about the server of the database, for `check` and the start. Queries the server.
    pub async fn server_warnings(&self) -> Vec<String> {
        match &self.server {
            Some(server) => server.warnings().await,
            None => Vec::new(),
        }
    }

    /// Warnings about the location of the database, for `check` and the start.
    pub fn warnings(&self) -> Vec<String> {
        if self.server.is_some() {
            return Vec::new();
        }
        let path = self.path.display();
        let mut warnings = Vec::new();
        if let Some(kind) = files::network_file_system(&self.path) {
            warnings.push(format!(
                "store.url: `{path}` is on a network file system ({kind}), where SQLite's locks and log are not reliable: \
                 use a local disk"
            ));
        }
        let key = match &self.key {
            KeyLocation::Given(_) => None,
            KeyLocation::Read { from, .. } => from.clone(),
            KeyLocation::Beside => Some(self.key_file()),
        };
        let database = [self.path.clone(), paths::with_suffix(&self.path, "-wal")].map(|path| ("store.url", path));
        for (setting, path) in database.into_iter().chain(key.map(|path| ("store.key", path))) {
            if let Some(mode) = files::open_to_others(&path) {
                warnings.push(format!(
                    "{setting}: other users can access `{}` (mode {mode:o}): run chmod 600",
                    path.display()
                ));
            }
        }
        warnings
    }

    /// Locks the database for one process, creates the file if there is none, and checks the state after the last
    /// process.
    ///
    /// One daemon for one database: two daemons would each treat the other's leases as those of a dead process.
    pub(super) async fn claim(&self) -> Result<Files, StoreError> {
        if !files::examine(&self.path)? {
            files::create(&self.path)?;
            let path = self.path.display().to_string();
            if matches!(self.key, KeyLocation::Beside) && self.key_file().exists() {
                tracing::warn!(
                    path,
                    "created a new database, although the key file of one is there: if the database was moved, stop and \
                     put it back"
                );
            } else {
                tracing::info!(path, "created a new database");
            }
        }
        let files = Files::lock(&self.path)?;
        self.verify(&files).await?;
        Ok(files)
    }

    /// Rejects a file that is not a database of this program, or not in the state that the last daemon left. Writes
    /// nothing.
    async fn verify(&self, files: &Files) -> Result<(), StoreError> {
        files.require_sqlite(&self.path)?;
        let mut checks = 1;
        while let Err(error) = stamp::verify(files, &self.path).await {
            // A command that ends right now moves the log into the main file while both are read.
            if checks == CHECKS || !matches!(error, StoreError::Unsound { .. }) {
                return Err(error);
            }
            checks += 1;
            tokio::time::sleep(BETWEEN_CHECKS).await;
        }
        if files.main_version()?.is_some() {
            // Without a log there is none to read; SQLite would create one.
            let options = SqliteConnectOptions::new().filename(files.path()).read_only(true);
            let options = options.immutable(files.log_size()?.is_none());
            let mut connection = Connection::sqlite(&options).await?;
            let version = stamp::schema_version(&mut connection, &self.path).await;
            connection.close().await?;
            version?;
        }
        Ok(())
    }

    pub(super) async fn bring_up_to_date(&self) -> Result<usize, StoreError> {
        let alone = SqlitePoolOptions::new().max_connections(1).connect_with(self.options()).await?;
        let before = applied(&alone).await;
        MIGRATOR.run(&alone).await?;
        let after = applied(&alone).await;
        alone.close().await;
        Ok(after.saturating_sub(before))
    }

    /// The name of the database in messages.
    pub fn place(&self) -> String {
        self.server.as_ref().map_or_else(|| self.path.display().to_string(), ToString::to_string)
    }

    /// Whether the key is known: it is configured, or in the file beside the database.
    pub fn has_key(&self) -> bool {
        !matches!(self.key, KeyLocation::Beside) || self.key_file().exists()
    }

    /// The path of the key if none is configured.
    pub fn key_file(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".key");
        name.into()
    }

    /// The path of the secrets of the periods.
    pub fn period_file(&self) -> PathBuf {
        paths::with_suffix(&self.path, ".keys")
    }

    /// `files` are the locked files of a daemon, which watches them and marks the database as in use.
    async fn with(&self, files: Option<Files>) -> Result<Store, StoreError> {
        let mut connection = Connection::sqlite(&self.options()).await?;
        if files.is_none() {
            self.require_schema(&mut connection).await?;
        }
        let is_sealed = is_sealed(&mut connection).await?;
        let keys = self.keys(is_sealed)?;
        let key = Arc::new(load_keys(&mut connection, &keys).await?);
        let period_file = self.period_file();
        key.set_periods(&period_keys::read_or_make(&period_file, is_sealed)?);
        key.reload_periods_with(Box::new(move || period_keys::read(&period_file).ok()));
        let reader = Pool::Sqlite(readers().connect_with(self.options().read_only(true)).await?);
        let files = match files {
            Some(mut files) => {
                match &self.key {
                    KeyLocation::Given(_) => {}
                    KeyLocation::Read { from, parse, .. } => {
                        if let Some(from) = from {
                            files.watch_key(from, Arc::clone(&key), *parse)?;
                        }
                    }
                    KeyLocation::Beside => files.watch_key(&self.key_file(), Arc::clone(&key), key_file::parse)?,
                }
                stamp::begin(&files, &mut connection).await?;
                let recorded = files.acknowledged_before().and_then(|before| before.journal);
                // A new database has no history, whatever the record of an earlier one says.
                if let Some(recorded) = recorded.filter(|_| is_sealed)
                    && let Some(finding) = integrity::compare_with_record(&mut connection, &key, recorded).await?
                {
                    integrity::raise_at_opening(&mut connection, &finding).await?;
                }
                files.reset_acknowledged(integrity::acknowledged(&mut connection, &key).await?)?;
                files.watch_log()?;
                Some(files)
            }
            None => None,
        };
        self.store(reader, Options::Sqlite(self.options()), connection, files, key).await
    }

    /// Fails unless the schema is of this version. A daemon brings it there; a command beside it does not.
    async fn require_schema(&self, connection: &mut Connection) -> Result<(), StoreError> {
        if stamp::schema_version(connection, &self.path).await? == Some(newest_version()) {
            return Ok(());
        }
        Err(files::unusable(&self.path, "it has no schema of this version: `offboardd migrate` makes it"))
    }

    /// The database on a server.
    async fn on_server(
        &self,
        server: &ServerUrl,
        options: Options,
        mut connection: Connection,
    ) -> Result<Store, StoreError> {
        let is_sealed = is_sealed(&mut connection).await?;
        let key = Arc::new(load_keys(&mut connection, &self.keys(is_sealed)?).await?);
        self.store(Pool::Postgres(server.readers().await?), options, connection, None, key).await
    }

    async fn store(
        &self,
        reader: Pool,
        options: Options,
        connection: Connection,
        files: Option<Files>,
        key: Arc<MasterKey>,
    ) -> Result<Store, StoreError> {
        let (paused_sources, committed) = (Arc::default(), Arc::default());
        let files = files.map(Arc::new);
        let writer = Writer::start(options, connection, files, Arc::clone(&paused_sources), Arc::clone(&committed));
        let path = self.path.as_path().into();
        let (shredded, terms) = (Arc::default(), Terms::default());
        let store = Store { reader, writer, path, key, paused_sources, shredded, committed, terms, duty: None };
        let paused = store.begin().await?.paused_sources().await?;
        store.paused_sources.store(Arc::new(paused));
        Ok(store)
    }

    pub(super) fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .journal_mode(SqliteJournalMode::Wal)
            // A 2xx is a promise: every commit reaches the disk.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            // Deleted data is overwritten, not only unlinked.
            .pragma("secure_delete", "ON")
            // The `WalCheckpointer` empties the log long before; this is the fallback.
            .pragma("wal_autocheckpoint", "16000")
            // Large enough for all statements of the program: each is prepared once.
            .statement_cache_capacity(STATEMENTS)
            .row_buffer_size(ROWS)
    }

    /// The master keys, the newest first. `sealed`: data is already sealed with the key, so that a new one is useless.
    pub(super) fn keys(&self, sealed: bool) -> Result<Vec<[u8; 32]>, StoreError> {
        match &self.key {
            KeyLocation::Given(bytes) => Ok(vec![*bytes]),
            KeyLocation::Read { bytes, old, .. } => Ok([&[*bytes], old.as_slice()].concat()),
            KeyLocation::Beside => key_file::read_or_make(&self.key_file(), sealed),
        }
    }
}

/// The read connections. A file does not go away like a server does, so they are neither tested before each use nor
/// replaced over time: one of them keeps the write-ahead log in place when the writer has to reconnect.
fn readers() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Whether any data is sealed in this database: the first daemon to open it seals the hash key.
pub(super) async fn is_sealed(connection: &mut Connection) -> Result<bool, StoreError> {
    Ok(query("SELECT 1 FROM store_key").fetch_optional(connection).await?.is_some())
}

/// The keys of this database, created when it is opened for the first time. Fails if it was sealed with another key.
pub(super) async fn load_keys(connection: &mut Connection, keys: &[[u8; 32]]) -> Result<MasterKey, StoreError> {
    let (_, sealed) = MasterKey::generate(keys.first().ok_or(StoreError::WrongKey)?);
    query("INSERT INTO store_key (sole, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING")
        .bind(sealed)
        .execute(&mut *connection)
        .await?;
    let row = query("SELECT sealed FROM store_key").fetch_one(connection).await?;
    MasterKey::unseal(keys, row.try_get("sealed")?).map_err(|_other_key| StoreError::WrongKey)
}

/// The keys of an existing database, which is not written to.
pub(super) async fn load_keys_of_copy(connection: &mut Connection, keys: &[[u8; 32]]) -> Result<MasterKey, StoreError> {
    let row = query("SELECT sealed FROM store_key").fetch_optional(connection).await?;
    let row = row.ok_or(StoreError::WrongKey)?;
    MasterKey::unseal(keys, row.try_get("sealed")?).map_err(|_other_key| StoreError::WrongKey)
}

async fn applied(pool: &SqlitePool) -> usize {
    // The table does not exist before the first migration.
    let steps = sqlx::query("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(pool).await;
    steps.map_or(0, |steps| steps.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn key_file_that_cannot_be_opened_is_left_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::file(dir.path().join("x.db"), KeyLocation::Beside);
        std::os::unix::fs::symlink(database.key_file(), database.key_file()).unwrap();
        let refused = database.open().await.unwrap_err();
        assert!(matches!(refused, StoreError::File { .. }), "{refused}");
        assert!(std::fs::symlink_metadata(database.key_file()).unwrap().is_symlink());
    }
}
