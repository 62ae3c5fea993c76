//! Connections: one that writes, and a pool of those that read.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions};
use sqlx::{Connection as _, Database, SqlSafeStr, SqlitePool, Transaction};

/// How to connect.
#[derive(Debug, Clone)]
pub(in crate::store) enum Options {
    Sqlite(SqliteConnectOptions),
}

/// A connection to the database. Only the store uses it.
#[derive(Debug)]
pub struct Connection(pub(super) Engine);

#[derive(Debug)]
pub(super) enum Engine {
    Sqlite(Handle<Sqlite>),
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
}

/// Where a statement runs.
#[derive(Debug)]
pub(in crate::store) enum On<'a> {
    Connection(&'a mut Connection),
    Pool(&'a Pool),
}

impl Options {
    pub(in crate::store) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(options) => Connection::sqlite(options).await,
        }
    }

    /// Another time for which a connection waits for a lock of SQLite.
    pub(in crate::store) fn with_busy_timeout(&self, patience: Duration) -> Self {
        match self {
            Self::Sqlite(options) => Self::Sqlite(options.clone().busy_timeout(patience)),
        }
    }
}

impl Connection {
    pub(in crate::store) async fn sqlite(options: &SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        Ok(Self(Engine::Sqlite(Handle::Own(sqlx::SqliteConnection::connect_with(options).await?))))
    }

    /// Runs statements without parameters and without results.
    pub(in crate::store) async fn run(&mut self, statements: impl SqlSafeStr + Send) -> Result<(), sqlx::Error> {
        match &mut self.0 {
            Engine::Sqlite(handle) => sqlx::raw_sql(statements).execute(handle.get()).await.map(drop),
        }
    }

    /// Ends the connection, or a snapshot.
    pub(in crate::store) async fn close(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Engine::Sqlite(handle) => handle.close().await,
        }
    }
}

impl Pool {
    /// A connection for several reads.
    pub(in crate::store) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => Ok(Connection(Engine::Sqlite(Handle::Pooled(pool.acquire().await?)))),
        }
    }

    /// A connection whose reads are all of one instant. To be closed.
    pub(in crate::store) async fn snapshot(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => Ok(Connection(Engine::Sqlite(Handle::Snapshot(pool.begin().await?)))),
        }
    }

    pub(in crate::store) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
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
