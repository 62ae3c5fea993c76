//! The daemon of a story: started, stopped, dropped in the middle of anything, and started again on the same files.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use offboardd::app::{self, App, Wakeups};
use offboardd::clock::ManualClock;
use offboardd::settings::Settings;
use offboardd::store::Store;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::requests::{ROSA, TOM};
use super::{Harness, TIMEOUT, TOKEN};

/// A daemon at work, in a runtime of its own so that it can be dropped in the middle of anything.
pub(super) struct Running {
    runtime: Option<Runtime>,
    pub(super) webhooks: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) wakeups: Wakeups,
    stop: CancellationToken,
    pub(super) ended: Mutex<oneshot::Receiver<anyhow::Result<()>>>,
    pub(super) settings: Arc<Settings>,
    pub(super) store: Store,
    /// For [`Harness::settle`].
    pub(super) database: tokio::sync::Mutex<TestDatabase>,
}

impl Running {
    /// Closes the test's own connections to the database.
    async fn close_database(&self) {
        self.store.close().await;
        let mut database = self.database.lock().await;
        match std::mem::replace(&mut *database, TestDatabase::Closed) {
            TestDatabase::Closed => {}
            TestDatabase::Sqlite(connection) => connection.close().await.unwrap(),
            TestDatabase::Postgres(connection) => connection.close().await.unwrap(),
        }
    }
}

/// A connection of the test beside the daemon.
pub(super) enum TestDatabase {
    Closed,
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl TestDatabase {
    /// The result `is_true` of a query with these numbers.
    pub(super) async fn is_true(&mut self, query: &'static str, numbers: &[i64]) -> bool {
        match self {
            Self::Closed => panic!("the daemon is not running"),
            Self::Sqlite(connection) => {
                let query = numbers.iter().fold(sqlx::query(query), |query, number| query.bind(*number));
                query.fetch_one(connection).await.unwrap().get("is_true")
            }
            Self::Postgres(connection) => {
                let query = numbers.iter().fold(sqlx::query(query), |query, number| query.bind(*number));
                query.fetch_one(connection).await.unwrap().get("is_true")
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Harness {
    /// Stops the daemon as SIGTERM would, and starts another one on the same files.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start_daemon().await;
        self.settle().await;
    }

    /// Starts another daemon, with the settings changed, on the same files.
    pub(crate) async fn restart_with(&mut self, change: impl FnOnce(String) -> String) {
        self.stop().await;
        self.settings = change(std::mem::take(&mut self.settings));
        self.start_daemon().await;
        self.settle().await;
    }

    /// Drops the daemon where it stands, as a power cut would, and starts another one on the same files.
    pub(crate) async fn crash(&mut self) {
        let running = self.running.take().expect("the daemon is running");
        running.close_database().await;
        drop(running);
        // A power cut ends SQLite's threads, too. Here they end a moment after their daemon.
        if self.server.is_none() {
            let database = std::fs::canonicalize(self.database_file()).unwrap();
            let begun = Instant::now();
            while is_open(&database) {
                assert!(begun.elapsed() < TIMEOUT, "the database is still open");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        self.start_daemon().await;
    }

    /// Stops the daemon as SIGTERM would.
    pub(crate) async fn stop(&mut self) {
        let mut running = self.running.take().expect("the daemon is running");
        running.close_database().await;
        running.stop.cancel();
        let ended = running.ended.get_mut().unwrap();
        let ended = tokio::time::timeout(TIMEOUT, ended).await.expect("the daemon stops in time");
        ended.expect("the daemon does not panic").expect("the daemon stops without an error");
    }

    pub(crate) async fn start_daemon(&mut self) {
        let settings = Arc::new(self.read_settings());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let begun = Instant::now();
        let mut app = loop {
            let building = App::build(Arc::clone(&settings), Arc::<ManualClock>::clone(&self.clock));
            match runtime.spawn(building).await.unwrap() {
                Ok(app) => break app,
                // A daemon that was dropped needs a moment to release its files.
                Err(error) if format!("{error:#}").contains("another daemon") && begun.elapsed() < TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("the daemon does not start: {error:#}"),
            }
        };
        if let Some(bytes) = self.free_bytes {
            app.assume_free_space(bytes);
        }
        let (webhooks, admin, wakeups) = (app.webhooks().unwrap(), app.admin().unwrap(), app.wakeups());
        let (stop, (ending, ended)) = (CancellationToken::new(), oneshot::channel());
        let stopping = stop.clone().cancelled_owned();
        runtime.spawn(async move { ending.send(app.run(stopping).await) });
        let store = app::database(&settings).unwrap().open_existing().await.unwrap();
        let database = match &self.server {
            Some(server) => TestDatabase::Postgres(PgConnection::connect(&server.url()).await.unwrap()),
            None => TestDatabase::Sqlite(self.database().await),
        };
        self.running = Some(Running {
            runtime: Some(runtime),
            webhooks,
            admin,
            wakeups,
            stop,
            ended: Mutex::new(ended),
            settings,
            store,
            database: tokio::sync::Mutex::new(database),
        });
    }

    pub(super) fn read_settings(&self) -> Settings {
        let store_url = self.server.as_ref().map(super::postgres::StoryDatabase::url);
        let env = |name: &str| match name {
            "ACME_TOKEN" => Some(TOKEN.to_owned()),
            "ROSA_TOKEN" => Some(ROSA.to_owned()),
            "TOM_TOKEN" => Some(TOM.to_owned()),
            "HR_KEY" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            "BAMBOOHR_KEY" => Some("123b929362d51613054f71e5e5d4bf2c".to_owned()),
            "STORE_URL" => store_url.clone(),
            "STORE_KEY" => Some("07".repeat(32)),
            "HIBOB_KEY" => Some("hibob-key".to_owned()),
            "HIBOB_USER" => Some("SERVICE-1".to_owned()),
            "HIBOB_TOKEN" => Some("hibob-t0ken".to_owned()),
            _ => None,
        };
        Settings::parse(&self.settings, self.folder.path(), &env).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Whether this process has a file open, as far as the system shows.
fn is_open(file: &Path) -> bool {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return false };
    open.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|path| path == file))
}
