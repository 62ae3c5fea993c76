//! Connections: one that writes, and a pool of those that read.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Database, PgPool, SqlSafeStr, SqlitePool, Transaction};

use super::server::{self, Sharing};
use crate::store::error::StoreError;

/// The longest wait for a server, to connect and to answer a statement. The server's own limits are shorter, except for a commit
/// that waits for a synchronous standby: a server that lost its power answers nothing at all.
const CONNECT: Duration = Duration::from_secs(5);
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// The longest wait for a sign of life of a connection that was not used for a while.
const LIFE: Duration = Duration::from_secs(2);

/// How to connect.
#[derive(Debug, Clone)]
pub(in crate::store) enum Options {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
    /// A connection with a lock on the whole database.
    PostgresLocked(PgConnectOptions, Sharing),
}

/// The kind of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Sqlite,
    Postgres,
}

/// A connection to the database. Only the store uses it.
#[derive(Debug)]
pub struct Connection(pub(super) Engine);

#[derive(Debug)]
pub(super) enum Engine {
    Sqlite(Handle<Sqlite>),
    Postgres(Remote),
}

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Remote {
    handle: Handle<Postgres>,
    /// A statement was not answered in time: its effect is unknown, and the connection must not be used again.
    is_lost: bool,
}

/// The owner of a connection.
#[derive(Debug)]
pub(super) enum Handle<D: Database> {
    Own(D::Connection),
    Pooled(PoolConnection<D>),
    Snapshot(Transaction<'static, D>),
}

/// The connections that read.
#[derive(Debug, Clone)]
pub(in crate::store) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Where a statement runs.
#[derive(Debug)]
pub(in crate::store) enum On<'a> {
    Connection(&'a mut Connection),
    Pool(&'a Pool),
}

impl Options {
    pub(in crate::store) async fn connect(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite(options) => Ok(Connection::sqlite(options).await?),
            Self::Postgres(options) | Self::PostgresLocked(options, _) => {
                let connecting = tokio::time::timeout(CONNECT, PgConnection::connect_with(options));
                let connection = connecting.await.map_err(|_elapsed| no_answer())??;
                Ok(Connection(Engine::Postgres(Remote::new(Handle::Own(connection)))))
            }
        }
    }

    /// [`Options::connect`] and [`Options::claim`].
    pub(in crate::store) async fn claimed(&self) -> Result<Connection, StoreError> {
        let mut connection = self.connect().await?;
        self.claim(&mut connection).await?;
        Ok(connection)
    }

    /// Gives a new connection the lock on the whole database, where there is one. Call it when the previous one is dropped.
    pub(in crate::store) async fn claim(&self, connection: &mut Connection) -> Result<(), StoreError> {
        match (self, &mut connection.0) {
            (Self::PostgresLocked(options, sharing), Engine::Postgres(remote)) => {
                server::lock(remote.handle.get(), options, *sharing).await
            }
            (Self::Sqlite(_) | Self::Postgres(_) | Self::PostgresLocked(..), _) => Ok(()),
        }
    }

    /// Another time for which a connection waits for a lock of SQLite.
    pub(in crate::store) fn with_busy_timeout(&self, patience: Duration) -> Self {
        match self {
            Self::Sqlite(options) => Self::Sqlite(options.clone().busy_timeout(patience)),
            Self::Postgres(options) | Self::PostgresLocked(options, _) => Self::Postgres(options.clone()),
        }
    }
}

impl Connection {
    pub(in crate::store) async fn sqlite(options: &SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        Ok(Self(Engine::Sqlite(Handle::Own(SqliteConnection::connect_with(options).await?))))
    }

    pub(in crate::store) const fn kind(&self) -> Kind {
        match self.0 {
            Engine::Sqlite(_) => Kind::Sqlite,
            Engine::Postgres(_) => Kind::Postgres,
        }
    }

    /// Whether the other end is still there. A server that was started again has closed its connections.
    pub(in crate::store) async fn is_alive(&mut self) -> bool {
        match &mut self.0 {
            Engine::Sqlite(_) => true,
            Engine::Postgres(remote) => {
                let answer = tokio::time::timeout(LIFE, remote.handle.get().ping()).await;
                matches!(answer, Ok(Ok(())))
            }
        }
    }

    /// Runs statements without parameters and without results.
    pub(in crate::store) async fn run(&mut self, statements: impl SqlSafeStr + Send) -> Result<(), sqlx::Error> {
        let statements = sqlx::raw_sql(statements);
        match &mut self.0 {
            Engine::Sqlite(handle) => statements.execute(handle.get()).await.map(drop),
            Engine::Postgres(remote) => {
                remote.require_answers()?;
                let statements = Box::pin(tokio::time::timeout(ANSWER, statements.execute(remote.handle.get())));
                let answer = statements.await;
                remote.answered(answer).map(drop)
            }
        }
    }

    /// Ends the connection, or a snapshot.
    pub(in crate::store) async fn close(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Engine::Sqlite(handle) => handle.close().await,
            Engine::Postgres(remote) if remote.is_lost => Ok(()),
            Engine::Postgres(remote) => remote.handle.close().await,
        }
    }
}

impl Remote {
    const fn new(handle: Handle<Postgres>) -> Self {
        Self { handle, is_lost: false }
    }

    pub(super) fn get(&mut self) -> &mut PgConnection {
        self.handle.get()
    }

    /// Fails after a statement that was not answered.
    pub(super) fn require_answers(&self) -> Result<(), sqlx::Error> {
        if self.is_lost { Err(no_answer()) } else { Ok(()) }
    }

    /// The answer to a statement.
    pub(super) fn answered<T>(&mut self, answer: Answer<T>) -> Result<T, sqlx::Error> {
        answer.unwrap_or_else(|_elapsed| {
            self.is_lost = true;
            Err(no_answer())
        })
    }
}

/// The answer to a statement in a pool. A connection without an answer does not return to the pool.
pub(super) fn answered<T>(answer: Answer<T>, connection: PoolConnection<Postgres>) -> Result<T, sqlx::Error> {
    answer.unwrap_or_else(|_elapsed| {
        drop(connection.detach());
        Err(no_answer())
    })
}

pub(super) type Answer<T> = Result<Result<T, sqlx::Error>, tokio::time::error::Elapsed>;

fn no_answer() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database server does not answer"))
}

impl Pool {
    pub(in crate::store) const fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// A connection for several reads.
    pub(in crate::store) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => Ok(Connection(Engine::Sqlite(Handle::Pooled(pool.acquire().await?)))),
            Self::Postgres(pool) => {
                Ok(Connection(Engine::Postgres(Remote::new(Handle::Pooled(pool.acquire().await?)))))
            }
        }
    }

    /// A connection whose reads are all of one instant. To be closed.
    pub(in crate::store) async fn snapshot(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => Ok(Connection(Engine::Sqlite(Handle::Snapshot(pool.begin().await?)))),
            Self::Postgres(pool) => {
                let snapshot = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                Ok(Connection(Engine::Postgres(Remote::new(Handle::Snapshot(snapshot)))))
            }
        }
    }

    pub(in crate::store) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl<D: Database> Handle<D> {
    pub(super) fn get(&mut self) -> &mut D::Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(connection) => connection,
            Self::Snapshot(transaction) => transaction,
        }
    }

    async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Own(connection) => connection.close().await,
            Self::Pooled(connection) => {
                drop(connection);
                Ok(())
            }
            Self::Snapshot(transaction) => transaction.rollback().await,
        }
    }
}

impl<'a> From<&'a mut Connection> for On<'a> {
    fn from(connection: &'a mut Connection) -> Self {
        Self::Connection(connection)
    }
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}
