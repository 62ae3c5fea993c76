//! The composition root: builds every part of the daemon from the settings, and runs them until a stop.

mod imports;
mod notify;
mod parts;
mod ports;
mod replica;
mod rotation;
mod systemd;
mod wakeups;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify};

pub(crate) use self::notify::channels;
use self::parts::Parts;
pub(crate) use self::ports::explain;
use self::replica::Replica;
use self::rotation::{AcceptedSecrets, Lookups, Rotation};
pub use self::wakeups::Wakeups;
use crate::admin::{Access, AdminState, ConfiguredSite, ConfiguredSource, FreeSpace, Ports};
use crate::atlassian::{self, Client};
use crate::clock::Clock;
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::recent_rejections::RecentRejections;
use crate::intake::{DeliveryCommitter, Intake, IntakeSources};
use crate::proof::signature::SigningKey;
use crate::router::{self, Route, Router};
use crate::settings::{Mode, Settings, SourceSettings};
use crate::shutdown::Shutdown;
use crate::store::{self, Anchor, Database, Duty, KeepFor, KeyLocation, Store, WatchLimits};
use crate::upkeep::{self, Upkeep};
use crate::worker::Worker;
use crate::{admin, console, intake, listener, settings, worker};

/// How long an import is stored at most, before it counts as incomplete; and how much the clocks of replicas may differ.
const INCOMPLETE: SignedDuration = SignedDuration::from_hours(1);
const CLOCKS: SignedDuration = SignedDuration::from_secs(5);

/// A daemon with bound sockets and an open database.
#[derive(Debug)]
pub struct App {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    store: Store,
    webhooks: TcpListener,
    admin: TcpListener,
    wakeups: Wakeups,
    accepted: AcceptedSecrets,
    evidence_key: Arc<SigningKey>,
    anchor: Arc<Mutex<Anchor>>,
    /// The time of the newest journal entry, if the clock was behind it at the start.
    journal_end: Option<Timestamp>,
    free_space: FreeSpace,
    /// Notified when accepted secrets may have changed.
    secrets: Arc<Notify>,
}

impl App {
    /// Opens the database and binds both listeners.
    pub async fn build(settings: Arc<Settings>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let store = database(&settings)?.open().await?;
        let evidence_key = Arc::new(evidence_key(&settings)?);
        let anchor = Anchor::new(store.clone(), Arc::clone(&evidence_key), settings.evidence.anchor.clone());
        let bind = async |name: &str, address: SocketAddr| {
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (server.{name})"))
        };
        let webhooks = bind("webhooks", settings.file.server.webhooks.get()).await?;
        let admin = bind("admin", settings.file.server.admin.get()).await?;
        let accepted = rotation::accepted(&store).await?;
        let sources: Vec<_> = settings.sources.values().flat_map(SourceSettings::sites).collect();
        store.turn_period(settings.file.store.keep_backups.get(), clock.now()).await?;
        let altered = store.verify_guarded().await?;
        let mut tx = store.begin().await?;
        tx.bind_sources(&sources).await?;
        for finding in &altered {
            tx.raise_fence_once(finding, clock.now()).await?;
        }
        if let Some(path) = &settings.evidence.anchor
            && let Some(finding) = store.compare_with_anchor(path).await?
        {
            tx.raise_fence(&finding, clock.now()).await?;
        }
        // Another replica may be storing an import.
        let before = if store.is_shared() { clock.now().saturating_sub(INCOMPLETE)? } else { Timestamp::MAX };
        tx.delete_incomplete_imports(before).await?;
        tx.follow_journal(&notify::channel_keys(&settings)).await?;
        tx.announce_fences(clock.now()).await?;
        let fences = tx.fences().await?;
        tx.commit().await?;
        for fence in &fences {
            upkeep::log_fence(fence.reason, &fence.detail);
        }
        let newest = store.newest_journal_entry().await?;
        // The clocks of other replicas may differ a little.
        let tolerance = if store.is_shared() { CLOCKS } else { SignedDuration::ZERO };
        let journal_end = newest.filter(|newest| newest.duration_since(clock.now()) > tolerance);
        if let Some(newest) = journal_end {
            tracing::error!(
                newest_at = %newest,
                "the clock of this machine is behind the newest journal entry: no change is made at Atlassian until the clock \
                 has passed it or agrees with Atlassian's"
            );
        }
        let free_space = FreeSpace::Of(folder_of(&settings.store.path));
        Ok(Self {
            free_space,
            settings,
            clock,
            store,
            webhooks,
            admin,
            wakeups: Wakeups::default(),
            accepted,
            evidence_key,
            anchor: Arc::new(Mutex::new(anchor)),
            journal_end,
            secrets: Arc::default(),
        })
    }

    pub fn webhooks(&self) -> std::io::Result<SocketAddr> {
        self.webhooks.local_addr()
    }

    pub fn admin(&self) -> std::io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// For tests of a disk that is nearly full: the free space is not read.
    pub fn assume_free_space(&mut self, bytes: u64) {
        self.free_space = FreeSpace::Assumed(bytes);
    }

    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// For callers that change the clock.
    pub fn wakeups(&self) -> Wakeups {
        self.wakeups.clone()
    }

    /// Runs until `stop` completes, then finishes the running steps.
    ///
    /// # Errors
    ///
    /// If a part ended early, or if the deadline of the shutdown passed. No state is lost in either case.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let deadline = self.settings.file.server.shutdown.get().unsigned_abs();
        let store = self.store.clone();
        let anchor = Arc::clone(&self.anchor);
        let shutdown = Shutdown::new();
        let replica = Replica::new(&store, &self.settings, &self.wakeups, &self.secrets);
        self.start(&shutdown)?;
        systemd::notify_ready();
        let working = Box::pin(async {
            let failed = tokio::select! {
                () = stop => false,
                () = shutdown.stopping().cancelled_owned() => true,
            };
            shutdown.begin();
            systemd::notify_stopping();
            tracing::info!("stopping: running requests and steps are finished first");
            let finished = shutdown.finished(deadline).await;
            if finished && store.term_of(&Duty::Background).is_some() {
                upkeep::write_anchor(&anchor).await;
            }
            (failed, finished)
        });
        let (failed, finished) = Box::pin(replica.run_beside(working, &shutdown)).await;
        store.close().await;
        anyhow::ensure!(
            finished,
            "the shutdown did not finish within {deadline:?}: the next start resumes the running jobs"
        );
        anyhow::ensure!(!failed, "a part of the daemon ended early: see the log");
        tracing::info!("stopped");
        Ok(())
    }

    fn start(self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Self {
            settings,
            clock,
            store,
            webhooks,
            admin,
            wakeups,
            accepted,
            evidence_key,
            anchor,
            journal_end,
            free_space,
            secrets,
        } = self;
        let mut parts = Parts {
            shutdown,
            settings: &settings,
            clock,
            store,
            wakeups,
            registry: Registry::default(),
            heartbeat: Arc::default(),
            journal_end: Arc::new(AtomicI64::new(journal_end.map_or(0, Timestamp::as_millisecond))),
        };
        parts.heartbeat.store(parts.clock.now().as_millisecond(), Ordering::Relaxed);
        let intake_sources = rotation::intake_sources(&settings, &accepted);
        let rejections = parts.start_intake(webhooks, Arc::clone(&intake_sources));
        let lookups = parts.start_router()?;
        let sites = parts.start_worker()?;
        parts.start_upkeep();
        let channels = parts.start_notices()?;
        parts.start_imports(&sites)?;
        parts.start_watchdog();
        let access = Access::new(settings.admin_tokens.clone());
        let adapters = ports::of(Arc::clone(&settings), sites.clone());
        let admin_tokens = Arc::clone(&access.tokens);
        let reloaded = rotation::Reloaded { intake_sources, lookups, sites, admin_tokens, channels };
        let rotation =
            Rotation::new(Arc::clone(&settings), parts.store.clone(), reloaded, accepted, Arc::clone(&secrets))?;
        shutdown.spawn("rotation", rotation.run(shutdown.stopping()));
        parts.spawn_on_duty("upkeep.anchor", parts.background(), move |stopping| {
            upkeep::anchor_journal(Arc::clone(&anchor), stopping)
        });
        let inward = Inward { access, secrets, evidence_key, free_space, rejections, ports: adapters };
        parts.start_admin(admin, inward);
        Ok(())
    }
}

/// What only the admin listener needs.
struct Inward {
    access: Access,
    secrets: Arc<Notify>,
    evidence_key: Arc<SigningKey>,
    free_space: FreeSpace,
    rejections: Arc<RecentRejections>,
    ports: Ports,
}

impl Parts<'_> {
    fn start_intake(&mut self, webhooks: TcpListener, sources: IntakeSources) -> Arc<RecentRejections> {
        let metrics = intake::Metrics::register(&mut self.registry);
        let (log, rejections) = (metrics.clone(), metrics.recent_rejections());
        let (writer, queue) =
            DeliveryCommitter::new(self.store.clone(), metrics.clone(), Arc::clone(&self.wakeups.router));
        let intake = Intake {
            sources,
            queue,
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            metrics,
            max_body: self.settings.file.server.max_body.bytes(),
        };
        self.shutdown.spawn("intake.writer", writer.run());
        self.shutdown.spawn("intake.log", log.run_log(self.shutdown.stopping()));
        let serving = listener::serve(webhooks, intake::router(intake), self.shutdown.stopping());
        self.shutdown.spawn("intake", serving);
        rejections
    }

    fn start_router(&mut self) -> anyhow::Result<Lookups> {
        let router = Router {
            store: self.background(),
            routes: routes(self.settings)?,
            clock: Arc::clone(&self.clock),
            metrics: router::Metrics::register(&mut self.registry),
            awakened: Arc::clone(&self.wakeups.router),
            worker: Arc::clone(&self.wakeups.worker),
            resolver: Arc::clone(&self.wakeups.resolver),
        };
        let lookups = router.routes.iter();
        let lookups = lookups.filter_map(|(name, route)| Some((name.clone(), Arc::clone(route.lookup.as_ref()?))));
        let lookups = lookups.collect();
        for resolver in router.resolvers(&crate::outbound::http()?, self.settings.retry) {
            self.spawn_on_duty("router.resolver", self.background(), move |stopping| resolver.clone().run(stopping));
        }
        self.spawn_on_duty("router", self.background(), move |stopping| router.clone().run(stopping));
        Ok(lookups)
    }

    fn start_worker(&mut self) -> anyhow::Result<BTreeMap<SiteName, Client>> {
        let sites = sites(self.settings, &self.clock, &mut self.registry)?;
        for client in sites.values() {
            client.set_journal_end(Arc::clone(&self.journal_end));
        }
        let context = worker::Context {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            metrics: worker::Metrics::register(&mut self.registry),
            retry: self.settings.retry,
            watch_limits: watch_limits(self.settings),
            enforce: self.settings.mode == Mode::Enforce,
            awakened: Arc::clone(&self.wakeups.worker),
            router: Arc::clone(&self.wakeups.router),
        };
        let heartbeat = Arc::clone(&self.heartbeat);
        let worker = Worker { context: Arc::new(context), sites: sites.clone(), heartbeat };
        self.shutdown.spawn("worker", worker.run(self.shutdown.stopping()));
        Ok(sites)
    }

    fn start_upkeep(&self) {
        let checkpoints = upkeep::checkpoint_wal(self.store.clone(), self.shutdown.stopping());
        self.shutdown.spawn("upkeep.wal", checkpoints);
        let sources = self.settings.sources.values();
        let store = &self.settings.file.store;
        let upkeep = Upkeep {
            store: self.background(),
            clock: Arc::clone(&self.clock),
            keep_payloads: store.keep_payloads.get(),
            keep_backups: store.keep_backups.get(),
            keep: KeepFor {
                deliveries: store.keep_deliveries.get(),
                people: store.keep_people.get(),
                attempts: store.keep_attempts.get(),
                cases: store.keep_cases.get(),
            },
            quiet_after: sources.map(|source| (source.name.clone(), source.table.quiet_after())).collect(),
        };
        self.spawn_on_duty("upkeep", self.background(), move |stopping| upkeep.clone().run(stopping));
    }

    fn start_watchdog(&self) {
        let Some(interval) = systemd::watchdog_interval() else { return };
        let (heartbeat, clock) = (Arc::clone(&self.heartbeat), Arc::clone(&self.clock));
        let pings = systemd::ping_watchdog(interval, heartbeat, clock, self.shutdown.stopping());
        self.shutdown.spawn("watchdog", pings);
    }

    fn start_admin(self, admin: TcpListener, inward: Inward) {
        let Inward { access, secrets, evidence_key, free_space, rejections, ports } = inward;
        self.shutdown.spawn("admin.rejections", access.clone().report(self.shutdown.stopping()));
        let settings = self.settings.file.to_toml().unwrap_or_else(|error| format!("# {error}\n"));
        let state = Arc::new(AdminState {
            store: self.store,
            access,
            clock: self.clock,
            enforce: self.settings.mode == Mode::Enforce,
            sites: configured_sites(self.settings),
            sources: configured_sources(self.settings),
            policies: self.settings.policies.clone(),
            importer: self.wakeups.importer,
            listers: self.wakeups.listers,
            worker: self.wakeups.worker,
            router: self.wakeups.router,
            secrets,
            worker_ticked_at: self.heartbeat,
            journal_end: self.journal_end,
            registry: Arc::new(self.registry),
            free_space,
            rejections,
            ports,
            evidence_key,
        });
        let console = console::router(Arc::clone(&state), settings);
        let serving = listener::serve_private(admin, admin::router(state, console), self.shutdown.stopping());
        self.shutdown.spawn("admin", serving);
    }
}

pub fn database(settings: &Settings) -> anyhow::Result<Database> {
    let store = &settings.store;
    let key = store.key.as_ref().map_or(KeyLocation::Beside, |key| KeyLocation::Read {
        bytes: *key.expose_secret(),
        old: store.old_keys.iter().map(|key| *key.expose_secret()).collect(),
        from: store.key_from.clone(),
        parse: settings::parse_keys,
    });
    let server = store.server.as_ref().map(|url| url.expose_secret().parse()).transpose();
    let server = server.context("cannot use the address of the database (store.url)")?;
    Ok(Database { path: store.path.clone(), key, server })
}

/// The database file, for a command that works on files. `instead` completes "for a PostgreSQL database, use …".
pub fn database_file(settings: &Settings, instead: &str) -> anyhow::Result<Database> {
    let database = database(settings)?;
    anyhow::ensure!(
        database.server.is_none(),
        "this command works on an SQLite file: for a PostgreSQL database, use {instead}"
    );
    Ok(database)
}

/// The key of the settings, or the one beside the database.
fn evidence_key(settings: &Settings) -> anyhow::Result<SigningKey> {
    match &settings.evidence.key {
        Some(text) => SigningKey::read(text.expose_secret()).context("cannot use the key of `evidence.key`"),
        None => Ok(store::read_or_make_evidence_key(&settings.store.path)?),
    }
}

fn routes(settings: &Settings) -> anyhow::Result<BTreeMap<SourceName, Route>> {
    let routes = settings.sources.values().map(|source| {
        let policy = settings.policies.get(&source.table.policy).context("loading validated every policy name")?;
        let route = Route {
            source: Arc::clone(&source.compiled),
            sites: source.table.all_sites(),
            policy: policy.clone(),
            lookup: source.lookup.as_ref().map(|lookup| Arc::new(ArcSwap::from_pointee(Arc::clone(lookup)))),
        };
        Ok((source.name.clone(), route))
    });
    routes.collect()
}

/// The strictest limits of the policies of each site's sources.
fn watch_limits(settings: &Settings) -> BTreeMap<SiteName, WatchLimits> {
    let mut limits = BTreeMap::<SiteName, WatchLimits>::new();
    for source in settings.sources.values() {
        let Some(policy) = settings.policies.get(&source.table.policy) else { continue };
        let (approvals, brake) = (policy.approvals, policy.brake);
        for (_, site) in source.sites() {
            limits
                .entry(site.clone())
                .and_modify(|strictest| {
                    strictest.approvals = strictest.approvals.strictest(approvals);
                    strictest.brake = strictest.brake.strictest(brake);
                })
                .or_insert(WatchLimits { approvals, brake });
        }
    }
    limits
}

pub fn sites(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    registry: &mut Registry,
) -> anyhow::Result<BTreeMap<SiteName, Client>> {
    let http = crate::outbound::http()?;
    let metrics = atlassian::Metrics::register(registry);
    let clients = settings.sites.values().map(|site| {
        let client = Client::new(Arc::new(site.clone()), http.clone(), Arc::clone(clock), metrics.clone());
        (site.name.clone(), client)
    });
    Ok(clients.collect())
}

fn configured_sites(settings: &Settings) -> BTreeMap<SiteName, ConfiguredSite> {
    let configured = |site: &atlassian::Site| ConfiguredSite {
        url: site.url.clone(),
        deletion_grace: site.deletion_grace,
        look_back: site.look_back,
    };
    settings.sites.values().map(|site| (site.name.clone(), configured(site))).collect()
}

fn configured_sources(settings: &Settings) -> BTreeMap<SourceName, ConfiguredSource> {
    let sources = settings.sources.values().map(|source| {
        let configured = ConfiguredSource {
            sites: source.table.all_sites(),
            policy: source.table.policy.clone(),
            preset: source.spec.preset.clone(),
            quiet_after: source.table.quiet_after(),
            echoes_secret: source.compiled.shows_a_token(),
        };
        (source.name.clone(), configured)
    });
    sources.collect()
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
