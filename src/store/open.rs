//! Opening the database: the file, its key, its schema.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Row as _, SqlitePool};

use super::writer::Writer;
use super::{Store, StoreError};
use crate::clock;
use crate::proof::seal::MasterKey;

/// The schema's history.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// How many different texts a connection keeps prepared.
const STATEMENTS: usize = 512;

/// How many reads go on at once.
const READERS: u32 = 4;

/// What the sealed text of `key_check` says.
const KNOWN: &[u8] = b"offboardd";

/// Where the master key comes from.
#[derive(Clone)]
pub enum Key {
    /// It was configured.
    Given([u8; 32]),
    /// It lies in a file beside the database, made at the first start.
    Beside,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given(…)",
            Self::Beside => "Beside",
        })
    }
}

/// One database file, and how its key is found.
#[derive(Debug, Clone)]
pub struct Database {
    /// The file.
    pub path: PathBuf,
    /// Its key.
    pub key: Key,
}

impl Database {
    /// Opens the database, making the file and bringing the schema to this version where needed.
    pub async fn open(&self) -> Result<Store, StoreError> {
        let lock = self.lock()?;
        self.make_private()?;
        self.bring_up_to_date().await?;
        self.with(Some(Arc::new(lock))).await
    }

    /// Opens a database that is there, for a command beside the daemon; its schema must be of this version.
    pub async fn open_existing(&self) -> Result<Store, StoreError> {
        self.with(None).await
    }

    /// Brings the schema to this version; says how many steps that took.
    pub async fn migrate(&self) -> Result<usize, StoreError> {
        self.make_private()?;
        self.bring_up_to_date().await
    }

    async fn bring_up_to_date(&self) -> Result<usize, StoreError> {
        let alone = SqlitePoolOptions::new().max_connections(1).connect_with(self.options()).await?;
        let before = applied(&alone).await;
        MIGRATOR.run(&alone).await?;
        let after = applied(&alone).await;
        alone.close().await;
        Ok(after.saturating_sub(before))
    }

    /// Where the key lies when none is configured.
    pub fn key_file(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".key");
        name.into()
    }

    async fn with(&self, lock: Option<Arc<File>>) -> Result<Store, StoreError> {
        let mut connection = SqliteConnection::connect_with(&self.options()).await?;
        let key = Arc::new(MasterKey::new(&self.key_bytes(is_sealed(&mut connection).await?)?));
        check_key(&mut connection, &key).await?;
        let writer = Writer::new(self.options(), connection);
        let reader = readers().connect_with(self.options().read_only(true)).await?;
        let store = Store {
            reader,
            writer,
            path: self.path.as_path().into(),
            key,
            paused_sources: Arc::default(),
            _lock: lock,
        };
        let paused = store.begin().await?.paused_sources().await?;
        store.paused_sources.store(Arc::new(paused));
        Ok(store)
    }

    /// Makes the file, when it is not there, so that only its owner may read it, whatever the umask says; SQLite gives the
    /// files that it makes beside it the same permissions.
    fn make_private(&self) -> Result<(), StoreError> {
        let unusable = |source| StoreError::File { path: self.path.display().to_string(), source };
        match private(OpenOptions::new().write(true).create_new(true), &self.path) {
            Ok(_made) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(unusable(error)),
        }
    }

    /// One daemon for one database: two would each believe that the other's leases are those of a dead one.
    fn lock(&self) -> Result<File, StoreError> {
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        let unusable = |source| StoreError::File { path: PathBuf::from(&name).display().to_string(), source };
        let file = private(OpenOptions::new().write(true).create(true).truncate(false), Path::new(&name));
        let file = file.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: self.path.display().to_string() }),
            Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .journal_mode(SqliteJournalMode::Wal)
            // A 2xx is a promise: every commit reaches the disk.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            // What is forgotten is overwritten, not only unlinked.
            .pragma("secure_delete", "ON")
            // The log is emptied by the `LogKeeper` long before; this is for when that fails.
            .pragma("wal_autocheckpoint", "16000")
            // Room for every text that we ever send: each is prepared once.
            .statement_cache_capacity(STATEMENTS)
    }

    /// `sealed`: something was sealed with the key already, so that another one is of no use.
    fn key_bytes(&self, sealed: bool) -> Result<[u8; 32], StoreError> {
        match &self.key {
            Key::Given(bytes) => Ok(*bytes),
            Key::Beside => {
                let path = self.key_file();
                let found = match File::open(&path) {
                    Ok(file) => read(file),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                        if sealed {
                            return Err(StoreError::KeyLost { path: path.display().to_string() });
                        }
                        make(&path)
                    }
                    Err(error) => Err(error),
                };
                found.map_err(|source| StoreError::File { path: path.display().to_string(), source })
            }
        }
    }
}

/// The connections that read. They are not asked whether they still live before each use: a file does not go away like a
/// server does.
fn readers() -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false)
}

/// Opens a file that only its owner may read from the moment it is made.
pub(super) fn private(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    let file = options.mode(0o600).open(path)?;
    // A file that was there keeps what its owner allowed; one that is empty holds nothing that was allowed to anybody.
    if file.metadata()?.len() == 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// The key file: 64 hexadecimal digits, readable by its owner alone.
fn read(file: File) -> std::io::Result<[u8; 32]> {
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(std::io::Error::other("others may read it: allow it to its owner only (chmod 600)"));
    }
    let mut key = [0; 32];
    hex::decode_to_slice(std::io::read_to_string(file)?.trim(), &mut key)
        .map_err(|_not_hex| std::io::Error::other("it does not hold 64 hexadecimal digits"))?;
    Ok(key)
}

/// Written under another name and renamed, so that a crash leaves no half key, and synced with its folder: what is sealed
/// with a key that a power cut took back is lost.
fn make(path: &Path) -> std::io::Result<[u8; 32]> {
    let key = clock::random::<32>();
    let draft = path.with_extension("key.new");
    let mut file = private(OpenOptions::new().write(true).create(true).truncate(true), &draft)?;
    writeln!(file, "{}", hex::encode(key))?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(key)
}

/// Whether anything was sealed in this database: the first daemon to open it seals a known text.
async fn is_sealed(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query("SELECT 1 FROM key_check").fetch_optional(connection).await?.is_some())
}

async fn check_key(connection: &mut SqliteConnection, key: &MasterKey) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO key_check (only, sealed) VALUES (1, ?) ON CONFLICT DO NOTHING")
        .bind(key.seal(b"key_check", KNOWN))
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query("SELECT sealed FROM key_check").fetch_one(connection).await?;
    match key.open(b"key_check", row.try_get("sealed")?) {
        Ok(known) if known == KNOWN => Ok(()),
        _ => Err(StoreError::WrongKey),
    }
}

async fn applied(pool: &SqlitePool) -> usize {
    // The table is not there before the first migration.
    let steps = sqlx::query("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(pool).await;
    steps.map_or(0, |steps| steps.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_file_that_cannot_be_opened_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database { path: dir.path().join("x.db"), key: Key::Beside };
        std::os::unix::fs::symlink(database.key_file(), database.key_file()).unwrap();
        let refused = database.open().await.unwrap_err();
        assert!(matches!(refused, StoreError::File { .. }), "{refused}");
        assert!(std::fs::symlink_metadata(database.key_file()).unwrap().is_symlink());
    }

    #[test]
    fn a_file_that_is_there_keeps_what_its_owner_allowed_unless_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (text, expected) in [("", 0o600), ("something", 0o644)] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            let file = private(OpenOptions::new().write(true), &path).unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, expected, "{text:?}");
        }
    }
}
