//! Stamps: they show whether a write-ahead log belongs to the database file beside it.
//!
//! SQLite applies any intact log that has the right name: a backup copied beside yesterday's log becomes a mixture of
//! both. So the header of the database holds a stamp (`user_version`, which is on page 1 and thus in the log as well):
//!
//! - Each generation of the log is stamped soon after it began, with a hash of the previous stamp and of the log's first
//!   salt, which every reset increments. The main file therefore holds the stamp of its log, or the previous one.
//! - A backup and a restored database have a random stamp, to which no log belongs.
//! - The highest bit is set while a daemon uses the database. A clean stop clears it.
//!
//! The stamp also shows while the daemon runs that the main file was overwritten in place.
//!
//! After an unclean stop the database is checked without writes: the stamp, the structure, and that no acknowledged row
//! is missing. A copy of the main file that was taken under a running daemon, within the same generation of the log, is
//! sound together with that log. A copy from the previous generation is recognized by the structure only.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnectOptions;
use tracing::instrument;

use super::StoreError;
use super::files::Files;
use super::schema::newest_version;
use super::sql::{Connection, query};
use crate::clock;

/// The bit that is set while a daemon uses the database.
const IN_USE: u32 = 1 << 31;

/// Writing a stamp can begin a new log: the number of times that it is then written again.
const TRIES: usize = 3;

/// The state of a database file without a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    /// The stamp in the main file alone.
    main: u32,
    /// The stamp in the main file together with the log.
    all: u32,
    /// The log's first salt; `None` for an empty log.
    salt: Option<u32>,
}

impl Found {
    /// Whether the log was written over this main file.
    fn belongs_together(self) -> bool {
        let Some(salt) = self.salt else { return true };
        let (main, all) = (self.main & !IN_USE, self.all & !IN_USE);
        // A stamp that began a new log itself was made from the previous salt.
        all == main || all == next(main, salt) || all == next(main, salt.wrapping_sub(1))
    }
}

/// The stamp that follows `stamp` in a log with this salt.
fn next(stamp: u32, salt: u32) -> u32 {
    let mut hash = Sha256::new();
    hash.update(b"offboardd log v1");
    hash.update((stamp & !IN_USE).to_be_bytes());
    hash.update(salt.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d]) & !IN_USE
}

/// Rejects a database that is not in the state that the last daemon left. Writes nothing.
#[instrument(name = "store.stamp.verify", skip_all, err)]
pub(super) async fn verify(files: &Files, named: &Path) -> Result<(), StoreError> {
    let log = files.log_path();
    let log = log.display();
    let unsound = |why: String| StoreError::Unsound { path: named.display().to_string(), why };
    let size = files.log_size()?;
    let left = size.is_some_and(|bytes| bytes > 0);
    let Some(main) = files.main_version()? else {
        if left {
            return Err(unsound(format!(
                "it is empty, but the write-ahead log `{log}` beside it is not: put the file back that the log belongs \
                 to, or run `offboardd restore --replace BACKUP`, which sets both aside"
            )));
        }
        return Ok(());
    };
    if main & IN_USE == 0 && !left {
        return Ok(());
    }
    let options = SqliteConnectOptions::new().filename(files.path()).read_only(true);
    // Without a log there is none to read; SQLite would create one.
    let options = if size.is_none() { options.immutable(true) } else { options };
    let looked = look(&options).await;
    let Looked { version, broken, newest } = match looked {
        Ok(looked) => looked,
        Err(error) if left => {
            return Err(unsound(format!(
                "together with the write-ahead log `{log}` beside it, it cannot be read ({error}): the log is probably \
                 of another database. Put the right one back, or run `offboardd restore --replace BACKUP`, which sets \
                 both aside"
            )));
        }
        Err(error) => return Err(error.into()),
    };
    let found = Found { main, all: version, salt: files.log_salt()? };
    if left && !found.belongs_together() {
        let Found { main, all, salt } = found;
        tracing::error!(main_stamp = main, log_stamp = all, log_salt = salt, "database: the stamps do not match");
        return Err(unsound(format!(
            "the write-ahead log `{log}` beside it was written for another database file, as after copying a backup over \
             the database. Put the file back that the log belongs to, or run `offboardd restore --replace BACKUP`, \
             which sets both aside"
        )));
    }
    if let Some(broken) = broken {
        return Err(unsound(format!(
            "the check after an unclean stop failed ({broken}): run `offboardd restore --replace BACKUP`"
        )));
    }
    if version & IN_USE == 0 {
        return Ok(());
    }
    let gone = match files.acknowledged_before() {
        Some(before) => before.deliveries > newest.deliveries || before.entries() > newest.entries,
        // It was copied under a running daemon, without the files that belong to it.
        None => size.is_none(),
    };
    if gone {
        return Err(unsound(format!(
            "a daemon did not stop cleanly, and its newest changes are missing: they were in the write-ahead log `{log}`. \
             Put that file back beside the database, or run `offboardd restore --replace BACKUP`"
        )));
    }
    tracing::warn!("the database was not closed cleanly: checked, nothing is missing");
    Ok(())
}

/// Stamps the log that is in use, and marks the database as in use.
#[instrument(name = "store.stamp.begin", skip_all, err)]
pub(super) async fn begin(files: &Files, connection: &mut Connection) -> Result<(), StoreError> {
    query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await?;
    // This begins a log, whose salt is known after that.
    let version = version_of(connection).await?;
    write(connection, version | IN_USE).await?;
    renew(files, connection).await?;
    // Into the main file, which is all that is left if the log is removed.
    query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut *connection).await?;
    if let Some(main) = files.main_version()? {
        files.expect_stamp(main);
    }
    files.expect_stamp(version_of(connection).await?);
    Ok(())
}

/// Stamps the log if it began since the last stamp. Returns the salt for which it is stamped. No other writer may be
/// active.
pub(super) async fn renew(files: &Files, connection: &mut Connection) -> Result<Option<u32>, StoreError> {
    for _ in 0..TRIES {
        let Some(salt) = files.log_salt()? else { return Ok(None) };
        let version = version_of(connection).await?;
        // A log begins only after all earlier data is in the main file, including the stamp.
        let Some(main) = files.main_version()?.filter(|main| (main ^ version) & !IN_USE == 0) else {
            return Ok(Some(salt));
        };
        let stamp = next(main, salt) | IN_USE;
        files.expect_stamp(stamp);
        write(connection, stamp).await?;
        if files.log_salt()? == Some(salt) {
            return Ok(Some(salt));
        }
    }
    Ok(None)
}

/// Marks the database as no longer in use.
pub(super) async fn end(files: &Files, connection: &mut Connection) -> Result<(), StoreError> {
    let version = version_of(connection).await? & !IN_USE;
    files.expect_stamp(version);
    write(connection, version).await
}

/// Gives a copy a stamp to which no log belongs. Returns whether it was copied under a running daemon.
pub(super) async fn separate(connection: &mut Connection) -> Result<bool, StoreError> {
    let was_in_use = version_of(connection).await? & IN_USE != 0;
    write(connection, u32::from_be_bytes(clock::random()) & !IN_USE).await?;
    Ok(was_in_use)
}

/// The result of a check that writes nothing.
struct Looked {
    version: u32,
    broken: Option<String>,
    newest: NewestRows,
}

/// Whether the log and the main file would be accepted after a crash at this moment.
#[cfg(test)]
pub(super) async fn would_be_accepted(files: &Files, connection: &mut Connection) -> Result<bool, StoreError> {
    let all = version_of(connection).await?;
    let main = files.main_version()?.unwrap_or(all);
    Ok(Found { main, all, salt: files.log_salt()? }.belongs_together())
}

async fn look(options: &SqliteConnectOptions) -> Result<Looked, sqlx::Error> {
    let mut connection = Connection::sqlite(options).await?;
    let looked = async {
        let version = version_of(&mut connection).await?;
        let broken = quick_check(&mut connection).await?;
        let newest = newest_rows(&mut connection).await?;
        Ok(Looked { version, broken, newest })
    };
    let looked = looked.await;
    connection.close().await?;
    looked
}

/// The first fault in the structure of the database, if there is any.
pub(super) async fn quick_check(connection: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    let row = query("PRAGMA quick_check(1)").fetch_one(connection).await?;
    let found: String = row.try_get("quick_check")?;
    Ok((found != "ok").then_some(found))
}

/// The highest numbers of rows that may have been acknowledged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NewestRows {
    pub(super) deliveries: i64,
    pub(super) entries: i64,
}

pub(super) async fn newest_rows(connection: &mut Connection) -> Result<NewestRows, sqlx::Error> {
    let tables = "SELECT COUNT(*) AS tables
         FROM sqlite_schema
         WHERE type = 'table' AND name IN ('deliveries', 'journal')";
    let row = query(tables).fetch_one(&mut *connection).await?;
    if row.try_get::<i64>("tables")? < 2 {
        return Ok(NewestRows::default());
    }
    let newest = "SELECT
             COALESCE((SELECT MAX(seq) FROM deliveries), 0) AS deliveries,
             COALESCE((SELECT MAX(seq) FROM journal), 0) AS entries";
    let row = query(newest).fetch_one(connection).await?;
    Ok(NewestRows { deliveries: row.try_get("deliveries")?, entries: row.try_get("entries")? })
}

/// The newest applied schema version; `None` if there is none. Fails for tables of another program.
pub(super) async fn schema_version(connection: &mut Connection, named: &Path) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT
             COUNT(*) AS tables, COALESCE(SUM(name = '_sqlx_migrations'), 0) AS migrations,
             COALESCE(SUM(name = 'store_key'), 0) AS ours
         FROM sqlite_schema
         WHERE type = 'table'";
    let row = query(sql).fetch_one(&mut *connection).await?;
    let count = |name: &str| row.try_get::<i64>(name);
    if count("tables")? == 0 {
        return Ok(None);
    }
    if count("migrations")? == 0 {
        return Err(super::files::unusable(named, "it is the database of another program"));
    }
    let row = query("SELECT MAX(version) AS version FROM _sqlx_migrations WHERE success");
    let version: Option<i64> = row.fetch_one(connection).await?.try_get("version")?;
    let newest = newest_version();
    match version {
        Some(found) if found > newest => Err(StoreError::Newer { path: named.display().to_string(), found, newest }),
        // The first step creates `store_key`.
        Some(_) if count("ours")? == 0 => Err(super::files::unusable(named, "it is the database of another program")),
        version => Ok(version),
    }
}

async fn version_of(connection: &mut Connection) -> Result<u32, sqlx::Error> {
    let row = query("PRAGMA user_version").fetch_one(connection).await?;
    Ok(row.try_get::<i32>("user_version")?.cast_unsigned())
}

async fn write(connection: &mut Connection, version: u32) -> Result<(), StoreError> {
    let version = version.cast_signed();
    // The only text that is not static: a pragma accepts no parameters, and the stamp must be in the file header. This
    // is a number.
    connection.run(AssertSqlSafe(format!("PRAGMA user_version = {version}"))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_belongs_to_the_file_from_which_its_stamp_follows() {
        let (main, salt) = (7, 1000);
        let found = |all, salt| Found { main, all, salt }.belongs_together();
        assert!(found(next(main, salt), Some(salt)), "stamped");
        assert!(found(next(main, salt) | IN_USE, Some(salt)), "stamped by a running daemon");
        assert!(found(next(main, salt), Some(salt + 1)), "the stamp itself began the log");
        assert!(found(main, Some(salt)), "not stamped yet, or in the main file already");
        assert!(found(99, None), "an empty log");
        assert!(!found(next(main, salt), Some(salt + 2)));
        assert!(!found(next(8, salt), Some(salt)), "stamped over another file");
        assert!(!found(99, Some(salt)));
    }

    #[test]
    fn in_use_bit_is_not_part_of_the_chain() {
        assert_eq!(next(7, 1), next(7 | IN_USE, 1));
        assert_ne!(next(7, 1), next(7, 2));
        assert_eq!(next(7, 1) & IN_USE, 0);
    }
}
