//! Connections: one that writes, and a pool of those that read.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Database, PgPool, SqlSafeStr, SqlitePool, Transaction};

use super::server;
use crate::store::error::StoreError;

/// How to connect.
#[derive(Debug, Clone)]
pub(in crate::store) enum Options {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
    /// The connection of the only daemon.
    PostgresLocked(PgConnectOptions),
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
    Postgres(Handle<Postgres>),
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
            Self::Postgres(options) | Self::PostgresLocked(options) => {
                let connection = PgConnection::connect_with(options).await?;
                Ok(Connection(Engine::Postgres(Handle::Own(connection))))
            }
        }
    }

    /// [`Options::connect`] and [`Options::claim`].
    pub(in crate::store) async fn claimed(&self) -> Result<Connection, StoreError> {
        let mut connection = self.connect().await?;
        self.claim(&mut connection).await?;
        Ok(connection)
    }

    /// Makes a new connection the one of the only daemon, where that needs a lock. Call it when the previous one is dropped.
    pub(in crate::store) async fn claim(&self, connection: &mut Connection) -> Result<(), StoreError> {
        match (self, &mut connection.0) {
            (Self::PostgresLocked(options), Engine::Postgres(handle)) => server::lock(handle.get(), options).await,
            (Self::Sqlite(_) | Self::Postgres(_) | Self::PostgresLocked(_), _) => Ok(()),
        }
    }

    /// Another time for which a connection waits for a lock of SQLite.
    pub(in crate::store) fn with_busy_timeout(&self, patience: Duration) -> Self {
        match self {
            Self::Sqlite(options) => Self::Sqlite(options.clone().busy_timeout(patience)),
            Self::Postgres(options) | Self::PostgresLocked(options) => Self::Postgres(options.clone()),
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

    /// Runs statements without parameters and without results.
    pub(in crate::store) async fn run(&mut self, statements: impl SqlSafeStr + Send) -> Result<(), sqlx::Error> {
        let statements = sqlx::raw_sql(statements);
        match &mut self.0 {
            Engine::Sqlite(handle) => statements.execute(handle.get()).await.map(drop),
            Engine::Postgres(handle) => statements.execute(handle.get()).await.map(drop),
        }
    }

    /// Ends the connection, or a snapshot.
    pub(in crate::store) async fn close(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Engine::Sqlite(handle) => handle.close().await,
            Engine::Postgres(handle) => handle.close().await,
        }
    }
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
            Self::Postgres(pool) => Ok(Connection(Engine::Postgres(Handle::Pooled(pool.acquire().await?)))),
        }
    }

    /// A connection whose reads are all of one instant. To be closed.
    pub(in crate::store) async fn snapshot(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => Ok(Connection(Engine::Sqlite(Handle::Snapshot(pool.begin().await?)))),
            Self::Postgres(pool) => {
                let snapshot = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                Ok(Connection(Engine::Postgres(Handle::Snapshot(snapshot))))
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
