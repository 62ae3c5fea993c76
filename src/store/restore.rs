//! Replaces the database by a backup, after a check of the backup. The restored database is fenced.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use tracing::instrument;

use super::files::{self, Acknowledged, Files, file_error};
use super::integrity::{self, FenceReason, Finding};
use super::open::{is_sealed, load_keys};
use super::paths::{nofollow, sync_folder, with_suffix};
use super::private_file::open_private;
use super::sql::{Connection, query};
use super::{Database, StoreError, period_keys, stamp};
use crate::proof::ring::Period;
use crate::proof::seal::MasterKey;

/// The result of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The number of entries in its journal.
    pub journal_entries: i64,
    pub newest_entry: Option<Timestamp>,
    /// The backup was copied under a running daemon and not made by `backup`: it lacks the contents of the log.
    pub without_its_log: bool,
    /// The path of the previous database and its log.
    pub previous: Option<PathBuf>,
}

impl Database {
    /// Replaces the database by a copy of `backup`. An existing one is renamed if `replace`. No daemon may run.
    #[instrument(name = "store.restore", skip_all, err)]
    pub async fn restore(&self, backup: &Path, replace: bool, now: Timestamp) -> Result<Restored, StoreError> {
        self.require_backup(backup)?;
        let log = with_suffix(&self.path, "-wal");
        let exists = files::examine(&self.path)?;
        if (exists || log.exists()) && !replace {
            let what = if exists { "it exists already" } else { "the write-ahead log of a database is there" };
            let why = format!("{what}: `--replace` sets it aside and puts the backup in its place");
            return Err(files::unusable(&self.path, why));
        }
        // Held to the end, so that no daemon starts in between.
        let lock = if exists { Some(Files::lock(&self.path)?) } else { None };
        let target = lock.as_ref().map_or(self.path.as_path(), Files::path);
        let draft = with_suffix(target, ".restoring");
        let checked = self.draft(backup, &draft).await;
        let (mut restored, acknowledged) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                for left in [draft.clone(), with_suffix(&draft, "-journal")] {
                    if left.exists() {
                        std::fs::remove_file(&left).map_err(|source| file_error(&left, source))?;
                    }
                }
                return Err(error);
            }
        };
        let periods = self.periods_with(backup)?;
        restored.previous = keep_previous(target, now)?;
        if periods.is_empty() {
            period_keys::read_or_make(&self.period_file(), false)?;
        } else {
            period_keys::write(&self.period_file(), &periods)?;
        }
        rename(&draft, target)?;
        sync_folder(target).map_err(|source| file_error(target, source))?;
        drop(lock);
        // The record beside the database belonged to the previous one.
        Files::lock(&self.path)?.reset_acknowledged(acknowledged)?;
        Ok(restored)
    }

    fn require_backup(&self, backup: &Path) -> Result<(), StoreError> {
        let cannot = |why: String| StoreError::Backup { path: backup.display().to_string(), why };
        let file = std::fs::metadata(backup).map_err(|error| cannot(error.to_string()))?;
        if !file.is_file() {
            return Err(cannot("it is not a file".to_owned()));
        }
        if let (Ok(ours), Ok(theirs)) = (self.path.canonicalize(), backup.canonicalize())
            && ours == theirs
        {
            return Err(cannot("it is the database itself".to_owned()));
        }
        let log = with_suffix(backup, "-wal");
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(cannot(format!(
                "the write-ahead log `{}` lies beside it, so that it is not complete by itself: open it there once \
                 with `offboardd backup`, and restore that copy",
                log.display()
            )));
        }
        Ok(())
    }

    /// The periods beside the database, and those beside the backup.
    fn periods_with(&self, backup: &Path) -> Result<Vec<Period>, StoreError> {
        let read = |path: &Path| if path.exists() { period_keys::read(path) } else { Ok(Vec::new()) };
        Ok(period_keys::merged(&read(&self.period_file())?, &read(&with_suffix(backup, ".keys"))?))
    }

    /// Creates a checked copy beside the database.
    async fn draft(&self, backup: &Path, draft: &Path) -> Result<(Restored, Acknowledged), StoreError> {
        let cannot = |why: String| StoreError::Backup { path: backup.display().to_string(), why };
        if std::fs::symlink_metadata(draft).is_ok() {
            std::fs::remove_file(draft).map_err(|source| file_error(draft, source))?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).custom_flags(nofollow());
        let mut copy = open_private(&mut options, draft).map_err(|source| file_error(draft, source))?;
        let mut from = File::open(backup).map_err(|error| cannot(error.to_string()))?;
        std::io::copy(&mut from, &mut copy).map_err(|source| file_error(draft, source))?;
        copy.sync_all().map_err(|source| file_error(draft, source))?;
        drop(copy);
        let options = SqliteConnectOptions::new().filename(draft).synchronous(SqliteSynchronous::Full);
        // SQLite's errors about a file that is not a database are reported in one form.
        let broken = |error: sqlx::Error| cannot(format!("it cannot be read as a database: {error}"));
        let mut connection = Connection::sqlite(&options).await.map_err(broken)?;
        let checked = async {
            if let Some(fault) = stamp::quick_check(&mut connection).await.map_err(broken)? {
                return Err(cannot(format!("it is damaged: {fault}")));
            }
            if stamp::schema_version(&mut connection, backup).await?.is_none() {
                return Err(cannot("it is empty".to_owned()));
            }
            let sealed = is_sealed(&mut connection).await?;
            let key = load_keys(&mut connection, &self.keys(sealed)?).await?;
            key.set_periods(&self.periods_with(backup)?);
            let lost = count_unreadable_cases(&mut connection, &key).await?;
            if lost > 0 {
                return Err(cannot(format!(
                    "the personal data of {lost} open cases in it cannot be read: it is older than store.keep_backups, or \
                     the file `{}` of that time is missing",
                    with_suffix(backup, ".keys").display()
                )));
            }
            let without_its_log = stamp::separate(&mut connection).await?;
            let acknowledged = integrity::acknowledged(&mut connection, &key).await?;
            let row = query("SELECT COUNT(*) AS entries, MAX(at) AS newest FROM journal");
            let row = row.fetch_one(&mut connection).await?;
            let newest: Option<i64> = row.try_get("newest")?;
            let entries: i64 = row.try_get("entries")?;
            let detail = format!("a backup was restored: nothing after journal entry {entries} is known");
            let finding = Finding { reason: FenceReason::Restored, detail };
            integrity::raise_at_opening(&mut connection, &finding).await?;
            let restored = Restored {
                journal_entries: entries,
                newest_entry: newest.and_then(|millis| Timestamp::from_millisecond(millis).ok()),
                without_its_log,
                previous: None,
            };
            Ok((restored, acknowledged))
        };
        let checked = checked.await;
        connection.close().await?;
        checked
    }
}

/// The number of open cases whose key cannot be opened: its period is over.
async fn count_unreadable_cases(connection: &mut Connection, key: &MasterKey) -> Result<usize, StoreError> {
    let open = query(
        "SELECT k.sealed
         FROM case_keys k
             JOIN cases c ON c.id = k.case_id
         WHERE c.closed_at IS NULL",
    );
    let rows = open.fetch_all(connection).await?;
    let sealed: Vec<&[u8]> = rows.iter().map(|row| row.try_get("sealed")).collect::<Result<_, _>>()?;
    Ok(sealed.into_iter().filter(|sealed| !key.knows(sealed)).count())
}

/// Renames the database and its log, the log first: a database without its log is rejected, one with a different log
/// would not be.
fn keep_previous(path: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    let aside = with_suffix(path, &format!(".replaced-{}", now.as_millisecond()));
    let shared = with_suffix(path, "-shm");
    if shared.exists() {
        std::fs::remove_file(&shared).map_err(|source| file_error(&shared, source))?;
    }
    let mut moved = false;
    for suffix in ["-wal", "-journal", ""] {
        let from = with_suffix(path, suffix);
        if from.exists() {
            rename(&from, &with_suffix(&aside, suffix))?;
            moved = true;
        }
    }
    Ok(moved.then_some(aside))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|source| file_error(from, source))
}
