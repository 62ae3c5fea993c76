//! Moving a database to the other engine: all rows, in one transaction of the target, which is verified after that.
//!
//! The journal is copied as it is, so that its chain stays unbroken. What is sealed with the secret of a period is sealed again
//! for a server: there is no file beside it for such secrets. The previous database keeps its rows and gets a fence, so that no
//! daemon that still uses it makes a change.

mod copy;
mod progress;

use std::path::Path;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use tracing::instrument;

pub use self::progress::MoveProgress;
use self::progress::Progress;

use super::files::file_error;
use super::integrity::{self, FenceReason, Finding};
use super::journal::JournalCheck;
use super::open::{is_sealed, load_keys_of_copy};
use super::paths::with_suffix;
use super::sql::{Connection, Options, ServerUrl, Sharing};
use super::{Database, StoreError, files, period_keys};
use crate::proof::ring::Period;
use crate::proof::seal::MasterKey;

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    pub rows: u64,
    /// The number of journal entries.
    pub entries: i64,
}

impl Database {
    /// The database of this URL, `sqlite:PATH` or `postgres://…`, with the key of this one.
    pub fn elsewhere(&self, url: &str) -> Result<Self, StoreError> {
        let path = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        let copy = self.copy_at(Path::new(path.unwrap_or_default()))?;
        let server = if path.is_none() { Some(url.parse()?) } else { None };
        Ok(Self { server, ..copy })
    }

    /// Copies everything to the other engine. `target` must not hold a database yet, and no daemon may run.
    #[instrument(name = "store.move", skip_all, err)]
    pub async fn move_to(
        &self,
        target: &Self,
        progress: impl Fn(MoveProgress) + Send + Sync,
    ) -> Result<Moved, StoreError> {
        match (&self.server, &target.server) {
            (None, Some(server)) => self.move_to_server(target, server, &progress).await,
            (Some(server), None) => self.move_to_file(server, target, &progress).await,
            (None, None) | (Some(_), Some(_)) => {
                Err(unusable(&target.place(), "it is of the same engine: use its own tools for a copy"))
            }
        }
    }

    async fn move_to_server(
        &self,
        target: &Self,
        server: &ServerUrl,
        progress: Progress<'_>,
    ) -> Result<Moved, StoreError> {
        if !files::examine(&self.path)? {
            return Err(files::unusable(&self.path, "it does not exist"));
        }
        let lock = self.claim().await?;
        self.bring_up_to_date().await?;
        let mut from = SqliteConnection::connect_with(&self.options()).await?;
        let options = Options::PostgresLocked(server.options().clone(), Sharing::Alone);
        let mut locked = options.claimed().await?;
        server.migrate().await?;
        if is_sealed(&mut locked).await? {
            return Err(unusable(&target.place(), "it holds a database already: name an empty one"));
        }
        let mut to = PgConnection::connect_with(&server.without_timeouts()).await?;
        let rows = copy::to_server(&mut from, &mut to, &self.key_without_periods().await?, progress).await?;
        to.close().await?;
        locked.close().await?;
        from.close().await?;
        let moved = Moved { rows, entries: target.verify_moved(self, progress).await? };
        drop(lock);
        self.fence_off(target).await?;
        Ok(moved)
    }

    async fn move_to_file(
        &self,
        server: &ServerUrl,
        target: &Self,
        progress: Progress<'_>,
    ) -> Result<Moved, StoreError> {
        if files::examine(&target.path)? {
            return Err(files::unusable(&target.path, "it exists already: name a new file"));
        }
        server.require_schema().await?;
        let locked = Options::PostgresLocked(server.options().clone(), Sharing::Alone).claimed().await?;
        let mut from = PgConnection::connect_with(&server.without_timeouts()).await?;
        let copied = async {
            let lock = target.claim().await?;
            target.bring_up_to_date().await?;
            let mut to = SqliteConnection::connect_with(&target.options()).await?;
            let rows = copy::to_file(&mut from, &mut to, progress).await?;
            to.close().await?;
            period_keys::read_or_make(&target.period_file(), false)?;
            drop(lock);
            Ok(Moved { rows, entries: target.verify_moved(self, progress).await? })
        };
        let copied = copied.await;
        from.close().await?;
        locked.close().await?;
        match copied {
            Ok(moved) => {
                self.fence_off(target).await?;
                Ok(moved)
            }
            Err(error) => {
                for suffix in ["", "-wal", "-shm", ".keys"] {
                    let path = with_suffix(&target.path, suffix);
                    if path.exists() {
                        std::fs::remove_file(&path).map_err(|source| file_error(&path, source))?;
                    }
                }
                Err(error)
            }
        }
    }

    /// The key of the file, which opens what was sealed with a period, and seals without one.
    async fn key_without_periods(&self) -> Result<MasterKey, StoreError> {
        let mut connection = Connection::sqlite(&self.options()).await?;
        let key = load_keys_of_copy(&mut connection, &self.keys(true)?).await?;
        connection.close().await?;
        let without = Period::new(0, 0, [0; 32]);
        key.set_periods(&[period_keys::read(&self.period_file())?.as_slice(), &[without]].concat());
        Ok(key)
    }

    /// Verifies all rows of a copy, and that its journal ends as that of the original. Returns the number of entries.
    async fn verify_moved(&self, original: &Self, progress: Progress<'_>) -> Result<i64, StoreError> {
        let faulty = |why: String| unusable(&self.place(), &why);
        let verified = |entries| progress(MoveProgress::Verified(entries));
        let (ours, theirs) = (self.verify_journal_with(&[], verified), original.verify_journal_with(&[], |_| ()));
        let (ours, theirs) = (ours.await?, theirs.await?);
        let JournalCheck::Intact { entries, .. } = ours else {
            return Err(faulty("the journal of the copy is broken: the original is unchanged".to_owned()));
        };
        if ours != theirs {
            return Err(faulty("the journal of the copy differs from the original, which is unchanged".to_owned()));
        }
        match self.verify_history().await?.first() {
            Some(finding) => {
                Err(faulty(format!("the copy does not verify ({}): the original is unchanged", finding.detail)))
            }
            None => Ok(entries),
        }
    }

    /// Raises the fence in the previous database.
    async fn fence_off(&self, target: &Self) -> Result<(), StoreError> {
        let detail = format!("this database was moved to {}: use that one", target.place());
        let finding = Finding { reason: FenceReason::Older, detail };
        let options = match &self.server {
            Some(server) => Options::Postgres(server.options().clone()),
            None => Options::Sqlite(self.options()),
        };
        let mut connection: Connection = options.connect().await?;
        integrity::raise_at_opening(&mut connection, &finding).await?;
        connection.close().await?;
        Ok(())
    }
}

fn unusable(place: &str, why: &str) -> StoreError {
    StoreError::Unusable { path: place.to_owned(), why: why.to_owned() }
}
