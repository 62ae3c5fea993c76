//! One story: a site, a daemon, a clock that stands still until it is moved, and everything that can be seen of them from
//! outside. The site is the product's own sandbox, over real sockets; the database is a file in a temporary folder.
//!
//! A story ends with [`Harness::finish`], which says everything that was changed at the site: a call that the story did not
//! expect fails it.

mod command;
pub(crate) mod conformity;
mod daemon;
pub(crate) mod postgres;
mod queries;
mod requests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Span, Timestamp};
use offboardd::clock::{Clock as _, ManualClock};
use offboardd::domain::ids::{DeliveryId, SiteName};
use offboardd::sandbox::{CallName, Fault, Sandbox, Seed};
use offboardd::store::{JournalCheck, Store};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) use self::command::redacted;
pub(crate) use self::requests::{ROSA, Reply, TOM};

/// When every story begins: a Monday noon.
pub(crate) const START: &str = "2026-09-07T12:00:00Z";

/// What is waited for comes within this time, or never. Real time, generous for a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A credential that nothing but the `Authorization` header may show.
const TOKEN: &str = "t0ken-that-is-never-shown";

/// How a story differs from the usual one.
pub(crate) struct Setup {
    pub(crate) mode: &'static str,
    /// Who is on the site.
    pub(crate) seed: Seed,
    /// The keys of `[policies.leavers]`.
    pub(crate) policy: &'static str,
    /// More keys of `[server]`, each with a comma before it.
    pub(crate) server: &'static str,
    /// More keys of `[sites.acme]`.
    pub(crate) site: &'static str,
    /// More admin tokens, as entries of a list.
    pub(crate) tokens: &'static str,
    /// Tables to add.
    pub(crate) more: &'static str,
    /// The free space that the daemon assumes, instead of the disk's.
    pub(crate) free_bytes: Option<u64>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            mode: "enforce",
            seed: Seed::sample(),
            policy: "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\ntimezone = \"Europe/Berlin\"",
            server: "",
            // The last read has its own tests; everywhere else the end of the grace is the end.
            site: "look_back = \"0s\"",
            tokens: "",
            more: "",
            free_bytes: None,
        }
    }
}

/// One story.
pub(crate) struct Harness {
    /// The sandbox, to be set up and read.
    pub(crate) site: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    site_address: SocketAddr,
    folder: tempfile::TempDir,
    settings: String,
    /// The database of a story over PostgreSQL.
    server: Option<postgres::StoryDatabase>,
    free_bytes: Option<u64>,
    running: Option<daemon::Running>,
    http: reqwest::Client,
    sent: AtomicU32,
    finished: bool,
    tampered: AtomicBool,
    _site_tasks: JoinSet<()>,
}

impl Harness {
    /// The usual story.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// A story that differs.
    pub(crate) async fn with(setup: Setup) -> Self {
        let clock = Arc::new(ManualClock::at(START.parse().unwrap()));
        let site =
            Sandbox::new(offboardd::sandbox::SandboxOptions::default(), setup.seed, Arc::<ManualClock>::clone(&clock))
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site_address = listener.local_addr().unwrap();
        let mut site_tasks = JoinSet::new();
        let serving = site.clone().serve(listener, std::future::pending());
        site_tasks.spawn(async { serving.await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let database = if postgres::is_chosen() { Some(postgres::StoryDatabase::create().await) } else { None };
        let store_table = store_settings(folder.path(), database.is_some());
        let Setup { mode, policy, server, site: site_keys, tokens, more, .. } = setup;
        let settings = format!(
            "mode = \"{mode}\"
             server = {{ webhooks = \"127.0.0.1:0\", admin = \"127.0.0.1:0\"{server} }}
             {store_table}
             admin.tokens = [
                {{ name = \"rosa\", role = \"approver\", token = {{ env = \"ROSA_TOKEN\" }} }},
                {{ name = \"tom\", role = \"approver\", token = {{ env = \"TOM_TOKEN\" }} }},
                {tokens}
             ]
             [sites.acme]
             url = \"http://{site_address}\"
             gateway = \"http://{site_address}\"
             cloud_id = \"11111111-2222-3333-4444-555555555555\"
             auth = {{ email = \"admin@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}
             probe_idle = \"0s\"
             {site_keys}
             [policies.leavers]
             {policy}
             [sources.hr]
             preset = \"standard-webhooks\"
             site = \"acme\"
             policy = \"leavers\"
             secrets = [{{ env = \"HR_KEY\" }}]
             [sources.bamboohr]
             preset = \"bamboohr\"
             site = \"acme\"
             policy = \"leavers\"
             secrets = [{{ env = \"BAMBOOHR_KEY\" }}]
             {more}"
        );
        let mut story = Self {
            site,
            clock,
            site_address,
            folder,
            settings,
            server: database,
            free_bytes: setup.free_bytes,
            running: None,
            http: crate::http::client(),
            sent: AtomicU32::new(0),
            finished: false,
            tampered: AtomicBool::new(false),
            _site_tasks: site_tasks,
        };
        story.start_daemon().await;
        story
    }

    /// Moves the clock, and waits until all that is due is done.
    pub(crate) async fn advance(&self, by: &str) {
        self.clock.advance(duration(by));
        self.wake_tasks();
        self.settle().await;
    }

    /// Waits until an account that is not there was looked at as often as the site's settings want by default.
    pub(crate) async fn advance_past_rechecks(&self) {
        for wait in ["1m", "10m", "1h"] {
            self.advance(wait).await;
        }
    }

    /// Sets the clock, and waits until all that is due is done.
    pub(crate) async fn advance_to(&self, at: Timestamp) {
        self.clock.set(at);
        self.wake_tasks();
        self.settle().await;
    }

    /// Waits for `time`: until a second before, nothing is called and nothing changes.
    pub(crate) async fn advance_quiet(&self, time: &str) {
        let second = SignedDuration::from_secs(1);
        let before = (self.site.calls().len(), self.states().await);
        self.clock.advance(duration(time) - second);
        self.wake_tasks();
        self.settle().await;
        assert_eq!(
            before,
            (self.site.calls().len(), self.states().await),
            "something happened before {time} were over"
        );
        self.clock.advance(second);
        self.wake_tasks();
        self.settle().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn wake_tasks(&self) {
        self.running().wakeups.notify_all();
    }

    /// Waits until everything that is due has been done.
    pub(crate) async fn settle(&self) {
        let mut database = self.running().database.lock().await;
        let now = [self.clock.now().as_millisecond()];
        self.wait_until("nothing to be left that is due", async || {
            let is_busy = database.is_true(
                "SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'received')
                     OR EXISTS (SELECT 1 FROM events WHERE status = 'waiting' AND person_hash IS NULL)
                     OR EXISTS (SELECT 1 FROM lookups WHERE due_at <= $1)
                     OR EXISTS (SELECT 1 FROM jobs WHERE state = 'running')
                     OR EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND due_at <= $1
                         AND NOT EXISTS (SELECT 1 FROM fences WHERE lifted_at IS NULL)
                         AND site NOT IN (SELECT name FROM sites WHERE paused_at IS NOT NULL)
                         AND NOT EXISTS (SELECT 1 FROM paused_kinds p WHERE p.site = jobs.site AND p.kind = jobs.kind)
                         AND (source IS NULL OR source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))) AS is_true",
                &now,
            );
            !is_busy.await
        })
        .await;
    }

    /// Waits until the column `is_true` of this query is true.
    pub(crate) async fn wait_until_true(&self, what: &str, query: &'static str) {
        let mut database = self.running().database.lock().await;
        self.wait_until(what, async || database.is_true(query, &[]).await).await;
    }

    /// Waits until the site received this call.
    pub(crate) async fn wait_for_call(&self, call: CallName) {
        self.wait_until("the call", async || self.site.calls().iter().any(|record| record.call == call)).await;
    }

    /// Waits until the site has carried out this call, whether or not it has answered.
    pub(crate) async fn wait_for_change(&self, call: CallName) {
        self.wait_until("the change", async || {
            self.site.calls().iter().any(|record| record.call == call && record.changed)
        })
        .await;
    }

    /// Waits until a delivery was read.
    pub(crate) async fn wait_until_routed(&self, id: DeliveryId) {
        self.wait_until("the router", async || self.delivery(id).await.routed_at.is_some()).await;
    }

    pub(crate) async fn wait_until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        self.wait_with_timeout(TIMEOUT, what, &mut condition).await;
    }

    /// Waits for something that takes longer than anything else.
    pub(crate) async fn wait_at_most(&self, timeout: Duration, mut condition: impl AsyncFnMut() -> bool) {
        self.wait_with_timeout(timeout, "what takes long", &mut condition).await;
    }

    async fn wait_with_timeout(&self, timeout: Duration, what: &str, condition: &mut impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !condition().await {
            if let Ok(ended) = self.running().ended.lock().unwrap().try_recv() {
                panic!("the daemon ended by itself: {ended:?}");
            }
            assert!(begun.elapsed() < timeout, "waited for {what} in vain; cases: {:?}", self.states().await);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    pub(crate) fn inject(&self, fault: Fault) {
        self.site.inject(fault).unwrap();
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database_file(&self) -> PathBuf {
        self.folder.path().join("offboardd.db")
    }

    /// A connection to the file, beside the daemon.
    pub(crate) async fn database(&self) -> SqliteConnection {
        assert!(
            self.server.is_none(),
            "this story is about SQLite: add it to the list in tests/it/harness/postgres.rs"
        );
        let options = SqliteConnectOptions::new().filename(self.database_file()).busy_timeout(TIMEOUT);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.running().store
    }

    pub(crate) fn site_address(&self) -> SocketAddr {
        self.site_address
    }

    fn running(&self) -> &daemon::Running {
        self.running.as_ref().expect("the daemon is running")
    }

    /// Ends the story: nothing is left that is due, the daemon stops cleanly, its journal is whole, and exactly these
    /// changes were made at the site, in whatever order.
    pub(crate) async fn finish(self, expected: &[&str]) {
        let verdict = self.end(expected).await;
        assert!(matches!(verdict, JournalCheck::Intact { .. }), "{verdict:?}");
    }

    /// [`Harness::finish`] for a story in which the journal was changed.
    pub(crate) async fn finish_with_broken_journal(self, expected: &[&str]) {
        let verdict = self.end(expected).await;
        assert!(matches!(verdict, JournalCheck::Broken(_)), "{verdict:?}");
    }

    async fn end(mut self, expected: &[&str]) -> JournalCheck {
        let database = match &self.running {
            Some(running) => offboardd::app::database(&running.settings),
            None => offboardd::app::database(&self.read_settings()),
        };
        if self.running.is_some() {
            self.settle().await;
            self.verify_rows().await;
            self.stop().await;
        }
        self.finished = true;
        let mut changes = self.changes();
        changes.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(changes, expected, "what was changed at the site");
        let verdict = database.unwrap().verify_journal_with(&[], |_entries| ()).await.unwrap();
        if let Some(server) = &self.server {
            server.remove().await;
        }
        verdict
    }

    /// Every row that decides is as the daemon wrote it, unless the story changed one itself.
    async fn verify_rows(&self) {
        let found = self.store().verify_history().await.unwrap();
        if !self.tampered.load(Ordering::Relaxed) {
            assert_eq!(found, [], "the daemon wrote rows that its own walk does not accept");
        }
    }

    /// From now on the story changes rows beside the daemon.
    pub(crate) fn tampers(&self) {
        self.tampered.store(true, Ordering::Relaxed);
    }
}

/// The keys of the database. That of PostgreSQL has no files beside it, so that all keys are given.
fn store_settings(folder: &Path, is_on_server: bool) -> String {
    if !is_on_server {
        return format!("store.url = \"sqlite:{}\"", folder.join("offboardd.db").display());
    }
    offboardd::store::read_or_make_evidence_key(&folder.join("offboardd.db")).unwrap();
    "store.url = { env = \"STORE_URL\" }
             store.key = { env = \"STORE_KEY\" }
             evidence.key = { file = \"offboardd.db.evidence-key\" }"
        .to_owned()
}

impl Drop for Harness {
    fn drop(&mut self) {
        let ended = self.finished || std::thread::panicking();
        assert!(ended, "a story ends with `finish`, which says what was changed at the site");
    }
}

pub(crate) fn site_name() -> SiteName {
    "acme".parse().unwrap()
}

/// A duration as settings write it, like `30d`.
pub(crate) fn duration(text: &str) -> SignedDuration {
    text.parse::<Span>().unwrap().to_duration(jiff::SpanRelativeTo::days_are_24_hours()).unwrap()
}
