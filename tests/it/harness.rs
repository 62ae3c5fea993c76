//! One story: a site, a daemon, a clock that stands still until it is moved, and everything that can be seen of them from
//! outside. The site is the product's own sandbox, over real sockets; the database is a file in a temporary folder.
//!
//! A story ends with [`Harness::finish`], which says everything that was changed at the site: a call that the story did not
//! expect fails it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Span, Timestamp};
use offboardd::app::{self, App, Bells};
use offboardd::atlassian;
use offboardd::clock::{Clock as _, ManualClock};
use offboardd::domain::case::{Happening, Reason, State, StateName};
use offboardd::domain::ids::{DeliveryId, SiteName};
use offboardd::domain::person::EmailAddress;
use offboardd::sandbox::{AccountType, AccountView, CallName, Fault, Sandbox, Seed};
use offboardd::settings::Settings;
use offboardd::sources::Outgoing;
use offboardd::store::{CaseFilter, DeliveryRow, Dossier, EventRow, HistoryEntry, JobRow, Note, Store};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// When every story begins: a Monday noon.
pub(crate) const START: &str = "2026-09-07T12:00:00Z";

/// What is waited for comes within this time, or never. Real time, generous for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A credential that nothing but the `Authorization` header may show.
const TOKEN: &str = "t0ken-that-nobody-may-see";

/// How a story differs from the usual one.
pub(crate) struct Setup {
    pub(crate) mode: &'static str,
    /// Who is on the site.
    pub(crate) seed: Seed,
    /// The keys of `[policies.leavers]`.
    pub(crate) policy: &'static str,
    /// More keys of `[sites.acme]`.
    pub(crate) site: &'static str,
    /// Tables to add.
    pub(crate) more: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            mode: "enforce",
            seed: Seed::sample(),
            policy: "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\ntimezone = \"Europe/Berlin\"",
            // The story of the last look is told in `far_side`; everywhere else the end of the grace is the end.
            site: "look_back = \"0s\"",
            more: "",
        }
    }
}

/// One story.
pub(crate) struct Harness {
    /// The far side, to be set up and looked at.
    pub(crate) site: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    site_address: SocketAddr,
    folder: tempfile::TempDir,
    settings: String,
    running: Option<Running>,
    http: reqwest::Client,
    sent: AtomicU32,
    finished: bool,
    _far: JoinSet<()>,
}

/// A daemon at work, in a runtime of its own so that it can be dropped in the middle of anything.
struct Running {
    runtime: Option<Runtime>,
    webhooks: SocketAddr,
    admin: SocketAddr,
    bells: Bells,
    stop: CancellationToken,
    ended: Mutex<oneshot::Receiver<anyhow::Result<()>>>,
    settings: Arc<Settings>,
    store: Store,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a sender is told.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Reply {
    /// The id of the delivery, of a reply that takes it.
    pub(crate) fn delivery(&self) -> DeliveryId {
        self.body["delivery"].as_str().expect("the reply names a delivery").parse().unwrap()
    }
}

impl Harness {
    /// The usual story.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// A story that differs.
    pub(crate) async fn with(setup: Setup) -> Self {
        let clock = Arc::new(ManualClock::at(START.parse().unwrap()));
        let site = Sandbox::new(offboardd::sandbox::Settings::default(), setup.seed, Arc::<ManualClock>::clone(&clock))
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site_address = listener.local_addr().unwrap();
        let mut far = JoinSet::new();
        let serving = site.clone().serve(listener, std::future::pending());
        far.spawn(async { serving.await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("offboardd.db");
        let database = database.display();
        let Setup { mode, policy, site: site_keys, more, .. } = setup;
        let settings = format!(
            "mode = \"{mode}\"
             server = {{ webhooks = \"127.0.0.1:0\", admin = \"127.0.0.1:0\" }}
             store.url = \"sqlite:{database}\"
             admin.tokens = [{{ name = \"rosa\", role = \"approver\", token = {{ env = \"ROSA_TOKEN\" }} }}]
             [sites.acme]
             url = \"http://{site_address}\"
             gateway = \"http://{site_address}\"
             cloud_id = \"11111111-2222-3333-4444-555555555555\"
             auth = {{ email = \"admin@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}
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
            running: None,
            http: atlassian::http().unwrap(),
            sent: AtomicU32::new(0),
            finished: false,
            _far: far,
        };
        story.start_daemon().await;
        story
    }

    // Sending.

    /// Sends an event of `hr`, signed now; it is taken and dealt with.
    pub(crate) async fn tell(&self, event: Value) -> DeliveryId {
        let reply = self.send("hr", &event).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        self.settle().await;
        reply.delivery()
    }

    /// `hr` says that whoever has this address left.
    pub(crate) async fn departs(&self, email: &str) -> DeliveryId {
        self.tell(json!({ "type": "departed", "person": { "email": email } })).await
    }

    /// `hr` says that whoever has this address came back.
    pub(crate) async fn returns(&self, email: &str) -> DeliveryId {
        self.tell(json!({ "type": "returned", "person": { "email": email } })).await
    }

    /// Sends a body as a source's vendor would, with an id of its own and signed now.
    pub(crate) async fn send(&self, source: &str, body: &Value) -> Reply {
        self.send_bytes(source, body.to_string().as_bytes()).await
    }

    pub(crate) async fn send_bytes(&self, source: &str, body: &[u8]) -> Reply {
        self.post(source, body, &self.sign(source, &self.new_id(), self.clock.now(), body)).await
    }

    /// An id that no delivery had.
    pub(crate) fn new_id(&self) -> String {
        format!("msg_{}", self.sent.fetch_add(1, Ordering::Relaxed))
    }

    /// The headers with which a source's vendor would send this body.
    pub(crate) fn sign(&self, source: &str, id: &str, at: Timestamp, body: &[u8]) -> Vec<(String, String)> {
        let source = &self.running().settings.sources[&source.parse().unwrap()];
        source.compiled.sign(&Outgoing { method: "POST", query: None, id, at, body }).unwrap()
    }

    pub(crate) async fn post(&self, source: &str, body: &[u8], headers: &[(String, String)]) -> Reply {
        self.request(reqwest::Method::POST, &format!("/webhooks/{source}"), body, headers).await
    }

    pub(crate) async fn request(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &[u8],
        headers: &[(String, String)],
    ) -> Reply {
        let mut request = self.http.request(method, format!("http://{}{path}", self.webhooks())).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.expect("the daemon answers");
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let text = answer.text().await.expect("the answer is whole");
        Reply { status, retry_after, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Where the webhooks are.
    pub(crate) fn webhooks(&self) -> SocketAddr {
        self.running().webhooks
    }

    // Time.

    /// Moves the clock, and waits until all that is due is done.
    pub(crate) async fn advance(&self, by: &str) {
        self.clock.advance(duration(by));
        self.ring();
        self.settle().await;
    }

    /// Moves the clock to the instant at which the only job falls due.
    pub(crate) async fn advance_to(&self, at: Timestamp) {
        self.clock.set(at);
        self.ring();
        self.settle().await;
    }

    /// Waits for `time`: until a second before nothing is asked and nothing moves, then whatever happens happens.
    pub(crate) async fn nothing_happens_for(&self, time: &str) {
        let second = SignedDuration::from_secs(1);
        let before = (self.site.calls().len(), self.states().await);
        self.clock.advance(duration(time) - second);
        self.ring();
        self.settle().await;
        assert_eq!(
            before,
            (self.site.calls().len(), self.states().await),
            "something happened before {time} were over"
        );
        self.clock.advance(second);
        self.ring();
        self.settle().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn ring(&self) {
        self.running().bells.ring();
    }

    /// Waits until everything that is due has been done.
    pub(crate) async fn settle(&self) {
        let mut database = self.database().await;
        self.until("nothing to be left that is due", async || {
            let row = sqlx::query(
                "SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'received')
                     OR EXISTS (SELECT 1 FROM events WHERE status = 'waiting')
                     OR EXISTS (SELECT 1 FROM jobs WHERE state = 'running')
                     OR EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND due_at <= ?
                         AND site NOT IN (SELECT name FROM sites WHERE paused_at IS NOT NULL)
                         AND source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))",
            )
            .bind(self.clock.now().as_millisecond())
            .fetch_one(&mut database)
            .await
            .unwrap();
            !row.get::<bool, _>(0)
        })
        .await;
        database.close().await.unwrap();
    }

    /// Waits until the site was asked for this.
    pub(crate) async fn until_called(&self, call: CallName) {
        self.until("the call", async || self.site.calls().iter().any(|record| record.call == call)).await;
    }

    /// Waits until a delivery was read.
    pub(crate) async fn until_routed(&self, id: DeliveryId) {
        self.until("the router", async || self.delivery(id).await.routed_at.is_some()).await;
    }

    /// Moves the clock by `time`: until a second before, nothing is asked; then waits for something to happen.
    pub(crate) async fn nothing_happens_until(&self, time: &str, is_so: impl AsyncFnMut() -> bool) {
        let second = SignedDuration::from_secs(1);
        let asked = self.site.calls().len();
        self.clock.advance(duration(time) - second);
        self.ring();
        self.settle().await;
        assert_eq!(asked, self.site.calls().len(), "something was asked before {time} were over");
        self.clock.advance(second);
        self.ring();
        self.until("what was to happen", is_so).await;
    }

    pub(crate) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !is_so().await {
            if let Ok(ended) = self.running().ended.lock().unwrap().try_recv() {
                panic!("the daemon ended by itself: {ended:?}");
            }
            assert!(begun.elapsed() < PATIENCE, "waited for {what} in vain; cases: {:?}", self.states().await);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    // Looking.

    /// The newest case of whoever has this address, also after it has forgotten it.
    pub(crate) async fn case(&self, email: &str) -> Dossier {
        self.cases_of(email).await.into_iter().next().unwrap_or_else(|| panic!("there is no case of {email}"))
    }

    pub(crate) async fn cases_of(&self, email: &str) -> Vec<Dossier> {
        let hash = self.store().key().hash_email(&site_name(), &EmailAddress::parse(email).unwrap());
        let filter = CaseFilter { email_hashes: Some(vec![hash]), limit: 1000, ..CaseFilter::default() };
        self.store().cases(&filter).await.unwrap().items
    }

    /// All cases, the newest first.
    pub(crate) async fn cases(&self) -> Vec<Dossier> {
        self.store().cases(&CaseFilter { limit: 1000, ..CaseFilter::default() }).await.unwrap().items
    }

    pub(crate) async fn state(&self, email: &str) -> StateName {
        self.case(email).await.case.state.name()
    }

    async fn states(&self) -> Vec<StateName> {
        self.cases().await.iter().map(|dossier| dossier.case.state.name()).collect()
    }

    /// Why a human is needed for the case of this address.
    pub(crate) async fn attention(&self, email: &str) -> Reason {
        let state = self.case(email).await.case.state;
        let State::NeedsAttention(attention) = state else { panic!("{email} needs nobody: it is {}", state.name()) };
        attention.reason
    }

    /// The open job of the case of this address.
    pub(crate) async fn job(&self, email: &str) -> Option<JobRow> {
        self.store().job_of(self.case(email).await.case.id).await.unwrap()
    }

    pub(crate) async fn history(&self, email: &str) -> Vec<HistoryEntry> {
        self.store().history(&self.case(email).await).await.unwrap()
    }

    /// The history of the case of this address, a line an entry: when, what, how.
    pub(crate) async fn told(&self, email: &str) -> String {
        let lines = self.history(email).await.into_iter().map(|entry| {
            let how = entry.detail["how"].as_str().map(|how| format!(" ({how})")).unwrap_or_default();
            format!("{} {}{how}", entry.at, entry.kind)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn delivery(&self, id: DeliveryId) -> DeliveryRow {
        self.store().delivery(id).await.unwrap().expect("the delivery is stored")
    }

    pub(crate) async fn events(&self, id: DeliveryId) -> Vec<EventRow> {
        self.store().events_of(id).await.unwrap()
    }

    /// What became of the only event of a delivery: its status, and why it led to nothing.
    pub(crate) async fn outcome(&self, id: DeliveryId) -> (String, Option<String>) {
        let mut events = self.events(id).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let event = events.remove(0);
        (event.status.to_string(), event.because)
    }

    /// The only account of this address at the site.
    pub(crate) fn account(&self, email: &str) -> AccountView {
        let mut accounts = self.site.accounts();
        accounts.retain(|account| account.email.as_deref() == Some(email));
        assert_eq!(accounts.len(), 1, "accounts of {email}");
        accounts.remove(0)
    }

    /// How often the site was asked for this.
    pub(crate) fn count(&self, call: CallName) -> usize {
        self.site.calls().iter().filter(|record| record.call == call).count()
    }

    /// Everything that was changed at the site, as `revoke ann@example.com`, in order.
    pub(crate) fn changes(&self) -> Vec<String> {
        let changed = self.site.calls().into_iter().filter(|record| record.changed);
        let named = changed.map(|record| {
            let call = serde_json::to_value(record.call).unwrap();
            let account = record.account_id.as_deref().and_then(|id| self.site.account(id));
            let email = account.as_ref().and_then(|account| account.email.clone()).unwrap_or_default();
            let stranger = account.is_some_and(|account| account.account_type != AccountType::Customer);
            let stranger = if stranger { " (no customer)" } else { "" };
            format!("{} {email}{stranger}", call.as_str().unwrap_or_default()).trim_end().to_owned()
        });
        named.collect()
    }

    // Doing.

    pub(crate) fn fault(&self, fault: Fault) {
        self.site.inject(fault).unwrap();
    }

    /// An operator does something to the case of this address, as the admin API would.
    pub(crate) async fn operator(&self, email: &str, happening: Happening) {
        let dossier = self.case(email).await;
        let note = Note { by: Some("rosa".to_owned()), ..Note::default() };
        let mut tx = self.store().begin().await.unwrap();
        tx.interfere(dossier, &happening, note, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.ring();
        self.settle().await;
    }

    /// Rosa, who may approve, asks the admin API; a body makes it a POST.
    pub(crate) async fn api(&self, path: &str, body: Option<Value>) -> Reply {
        let url = format!("http://{}/api/v1{path}", self.running().admin);
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let answer = request.bearer_auth(TOKEN).send().await.unwrap();
        let status = answer.status().as_u16();
        Reply { status, retry_after: None, body: answer.json().await.unwrap() }
    }

    /// Whether the site refuses us.
    pub(crate) async fn is_paused(&self) -> bool {
        self.store().sites().await.unwrap().iter().any(|site| site.paused_at.is_some())
    }

    /// An operator resumes the site, if nothing else has.
    pub(crate) async fn resume_site_if_paused(&self) {
        let mut tx = self.store().begin().await.unwrap();
        tx.resume_site(&site_name(), "rosa", self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.ring();
        self.settle().await;
    }

    /// An operator resumes the site.
    pub(crate) async fn resume_site(&self) {
        let mut tx = self.store().begin().await.unwrap();
        assert!(tx.resume_site(&site_name(), "rosa", self.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
        self.ring();
        self.settle().await;
    }

    // The daemon.

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
        running.store.close().await;
        drop(running);
        self.start_daemon().await;
    }

    /// Stops the daemon as SIGTERM would.
    pub(crate) async fn stop(&mut self) {
        let mut running = self.running.take().expect("the daemon is running");
        running.store.close().await;
        running.stop.cancel();
        let ended = running.ended.get_mut().unwrap();
        let ended = tokio::time::timeout(PATIENCE, ended).await.expect("the daemon stops in time");
        ended.expect("the daemon does not panic").expect("the daemon stops without an error");
    }

    pub(crate) async fn start_daemon(&mut self) {
        let settings = Arc::new(self.read_settings());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let begun = Instant::now();
        let app = loop {
            let building = App::build(Arc::clone(&settings), Arc::<ManualClock>::clone(&self.clock));
            match runtime.spawn(building).await.unwrap() {
                Ok(app) => break app,
                // A daemon that was dropped needs a moment to let go of its files.
                Err(error) if format!("{error:#}").contains("another daemon") && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("the daemon does not start: {error:#}"),
            }
        };
        let (webhooks, admin, bells) = (app.webhooks().unwrap(), app.admin().unwrap(), app.bells());
        let (stop, (ending, ended)) = (CancellationToken::new(), oneshot::channel());
        let stopping = stop.clone().cancelled_owned();
        runtime.spawn(async move { ending.send(app.run(stopping).await) });
        let store = app::database(&settings).open_existing().await.unwrap();
        self.running = Some(Running {
            runtime: Some(runtime),
            webhooks,
            admin,
            bells,
            stop,
            ended: Mutex::new(ended),
            settings,
            store,
        });
    }

    fn read_settings(&self) -> Settings {
        let env = |name: &str| match name {
            "ACME_TOKEN" | "ROSA_TOKEN" => Some(TOKEN.to_owned()),
            "HR_KEY" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            "BAMBOOHR_KEY" => Some("123b929362d51613054f71e5e5d4bf2c".to_owned()),
            _ => None,
        };
        Settings::parse(&self.settings, self.folder.path(), &env).unwrap_or_else(|error| panic!("{error}"))
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
        let options = SqliteConnectOptions::new().filename(self.database_file()).busy_timeout(PATIENCE);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.running().store
    }

    pub(crate) fn site_address(&self) -> SocketAddr {
        self.site_address
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the daemon is running")
    }

    /// Ends the story: nothing is left that is due, the daemon stops cleanly, its journal is whole, and exactly these
    /// changes were made at the site, in whatever order.
    pub(crate) async fn finish(mut self, expected: &[&str]) {
        self.settle().await;
        self.stop().await;
        self.finished = true;
        let verdict = offboardd::store::verify_journal(&self.database_file()).await.unwrap();
        assert!(matches!(verdict, offboardd::store::Verdict::Intact { .. }), "{verdict:?}");
        let mut changes = self.changes();
        changes.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(changes, expected, "what was changed at the site");
    }
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
