//! The composition root: makes every part of what the settings say, and runs them until a stop.

mod rotation;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use self::rotation::{AcceptedSecrets, Rotation};
use crate::admin::{Access, AdminState, ConfiguredSite, ConfiguredSource};
use crate::atlassian::{self, Client};
use crate::clock::Clock;
use crate::domain::ids::{SiteName, SourceName};
use crate::intake::{Intake, Writer};
use crate::router::{self, Route, Router};
use crate::settings::{Mode, Settings};
use crate::shutdown::Shutdown;
use crate::store::{Database, Key, Store};
use crate::upkeep::{self, Upkeep};
use crate::worker::Worker;
use crate::{admin, intake, listener, worker};

/// A daemon, ready to run: its sockets are bound and its database is open.
#[derive(Debug)]
pub struct App {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    store: Store,
    webhooks: TcpListener,
    admin: TcpListener,
    wakeups: Wakeups,
    accepted: AcceptedSecrets,
    /// The newest journal entry, where our clock was behind it at the start.
    journal_end: Option<Timestamp>,
}

/// What wakes the parts: they meet in the database, and only tell each other that there may be something new in it.
#[derive(Debug, Clone, Default)]
pub struct Wakeups {
    /// Something was accepted, or a call was settled.
    pub router: Arc<Notify>,
    /// A case may want a job.
    pub worker: Arc<Notify>,
    /// Somebody's address may have to be looked up.
    pub resolver: Arc<Notify>,
}

impl Wakeups {
    /// Wakes everybody.
    pub fn notify_all(&self) {
        self.router.notify_one();
        self.worker.notify_one();
        self.resolver.notify_waiters();
    }
}

impl App {
    /// Opens the database and binds both listeners.
    pub async fn build(settings: Arc<Settings>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let store = database(&settings).open().await?;
        let bind = async |name: &str, address: SocketAddr| {
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (server.{name})"))
        };
        let webhooks = bind("webhooks", settings.server.webhooks).await?;
        let admin = bind("admin", settings.server.admin).await?;
        let accepted = rotation::accepted(&store).await?;
        let sources: Vec<_> = settings.sources.values().map(|source| (&source.name, &source.site)).collect();
        let mut tx = store.begin().await?;
        tx.bind_sources(&sources).await?;
        tx.commit().await?;
        let newest = store.newest_journal_entry().await?;
        let journal_end = newest.filter(|newest| *newest > clock.now());
        if let Some(newest) = journal_end {
            tracing::error!(
                %newest,
                "this machine's clock is behind the newest journal entry: no change is made at Atlassian until the clock has \
                 passed it or agrees with Atlassian's"
            );
        }
        Ok(Self { settings, clock, store, webhooks, admin, wakeups: Wakeups::default(), accepted, journal_end })
    }

    /// Where the webhooks are.
    pub fn webhooks(&self) -> std::io::Result<SocketAddr> {
        self.webhooks.local_addr()
    }

    /// Where the admin API is.
    pub fn admin(&self) -> std::io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// The database, for whoever watches.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What wakes the parts, for whoever moves the clock.
    pub fn wakeups(&self) -> Wakeups {
        self.wakeups.clone()
    }

    /// Runs until `stop` is ready, then finishes what is under way. An error when a part ended by itself, or when the
    /// deadline passed; nothing is lost by either.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let deadline = self.settings.server.shutdown.unsigned_abs();
        let store = self.store.clone();
        let shutdown = Shutdown::new();
        self.start(&shutdown)?;
        let failed = tokio::select! {
            () = stop => false,
            () = shutdown.stopping().cancelled_owned() => true,
        };
        shutdown.begin();
        tracing::info!("stopping: what is under way is finished");
        let finished = shutdown.finished(deadline).await;
        store.close().await;
        anyhow::ensure!(finished, "not everything ended within {deadline:?}; the next start takes it up again");
        anyhow::ensure!(!failed, "a part of the daemon ended by itself: see the log");
        tracing::info!("stopped");
        Ok(())
    }

    fn start(self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Self { settings, clock, store, webhooks, admin, wakeups, accepted, journal_end } = self;
        let mut registry = Registry::default();
        let heartbeat = Arc::new(AtomicI64::new(clock.now().as_millisecond()));

        let metrics = intake::Metrics::register(&mut registry);
        let log = metrics.clone();
        let (writer, queue) = Writer::new(store.clone(), metrics.clone(), Arc::clone(&wakeups.router));
        let intake_sources = rotation::intake_sources(&settings, &accepted);
        let intake = Intake {
            sources: Arc::clone(&intake_sources),
            queue,
            store: store.clone(),
            clock: Arc::clone(&clock),
            metrics,
            max_body: settings.server.max_body,
        };
        shutdown.spawn("intake.writer", writer.run());
        shutdown.spawn("intake.log", log.run_log(shutdown.stopping()));
        shutdown.spawn("intake", listener::serve(webhooks, intake::router(intake), shutdown.stopping()));

        let router = Router {
            store: store.clone(),
            routes: routes(&settings)?,
            clock: Arc::clone(&clock),
            metrics: router::Metrics::register(&mut registry),
            awakened: Arc::clone(&wakeups.router),
            worker: Arc::clone(&wakeups.worker),
            resolver: Arc::clone(&wakeups.resolver),
        };
        let with_lookup = router.routes.iter();
        let with_lookup =
            with_lookup.filter_map(|(name, route)| Some((name.clone(), Arc::clone(route.lookup.as_ref()?))));
        let lookups = with_lookup.collect();
        for resolver in router.resolvers(&atlassian::http()?, settings.retry) {
            shutdown.spawn("router.resolver", resolver.run(shutdown.stopping()));
        }
        shutdown.spawn("router", router.run(shutdown.stopping()));

        let access = Access::new(settings.admin_tokens.clone());
        let sites = sites(&settings, &clock, &mut registry)?;
        let journal_end = Arc::new(AtomicI64::new(journal_end.map_or(0, Timestamp::as_millisecond)));
        for client in sites.values() {
            client.set_journal_end(Arc::clone(&journal_end));
        }
        let secrets: Arc<Notify> = Arc::default();
        let parts =
            rotation::Parts { intake_sources, lookups, sites: sites.clone(), admin_tokens: Arc::clone(&access.tokens) };
        let rotation = Rotation::new(Arc::clone(&settings), store.clone(), parts, accepted, Arc::clone(&secrets))?;
        shutdown.spawn("rotation", rotation.run(shutdown.stopping()));

        let worker = Arc::new(Worker {
            store: store.clone(),
            sites,
            retry: settings.retry,
            enforce: settings.mode == Mode::Enforce,
            clock: Arc::clone(&clock),
            metrics: worker::Metrics::register(&mut registry),
            awakened: Arc::clone(&wakeups.worker),
            router: Arc::clone(&wakeups.router),
            heartbeat: Arc::clone(&heartbeat),
        });
        shutdown.spawn("worker", worker.run(shutdown.stopping()));

        shutdown.spawn("upkeep.log", upkeep::checkpoint_wal(store.clone(), shutdown.stopping()));
        let upkeep = Upkeep {
            store: store.clone(),
            clock: Arc::clone(&clock),
            keep_payloads: settings.store.keep_payloads,
            quiet_after: settings.sources.values().map(|source| (source.name.clone(), source.quiet_after)).collect(),
        };
        shutdown.spawn("upkeep", upkeep.run(shutdown.stopping()));

        shutdown.spawn("admin.rejections", access.clone().report(shutdown.stopping()));
        let state = AdminState {
            store,
            access,
            clock,
            enforce: settings.mode == Mode::Enforce,
            sites: configured_sites(&settings),
            sources: configured_sources(&settings),
            policies: settings.policies.clone(),
            worker: wakeups.worker,
            router: wakeups.router,
            secrets,
            worker_ticked_at: heartbeat,
            journal_end,
            registry: Arc::new(registry),
            data_dir: folder_of(&settings.store.path),
        };
        shutdown.spawn("admin", listener::serve_private(admin, admin::router(state), shutdown.stopping()));
        Ok(())
    }
}

/// The database that the settings name, and its key.
pub fn database(settings: &Settings) -> Database {
    let store = &settings.store;
    let key = match (&store.key, &store.key_from) {
        (Some(key), Some(from)) => Key::Read { bytes: *key.expose_secret(), from: from.clone() },
        (Some(key), None) => Key::Given(*key.expose_secret()),
        (None, _) => Key::Beside,
    };
    Database { path: store.path.clone(), key }
}

fn routes(settings: &Settings) -> anyhow::Result<BTreeMap<SourceName, Route>> {
    let routes = settings.sources.values().map(|source| {
        let policy = settings.policies.get(&source.policy).context("the settings checked that every policy exists")?;
        let route = Route {
            source: Arc::clone(&source.compiled),
            site: source.site.clone(),
            policy: policy.clone(),
            lookup: source.lookup.as_ref().map(|lookup| Arc::new(ArcSwap::from_pointee(Arc::clone(lookup)))),
        };
        Ok((source.name.clone(), route))
    });
    routes.collect()
}

/// A client for each site of the settings.
pub fn sites(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    registry: &mut Registry,
) -> anyhow::Result<BTreeMap<SiteName, Client>> {
    let http = atlassian::http()?;
    let metrics = atlassian::Metrics::register(registry);
    let clients = settings.sites.values().map(|site| {
        let client = Client::new(Arc::new(site.clone()), http.clone(), Arc::clone(clock), metrics.clone());
        (site.name.clone(), client)
    });
    Ok(clients.collect())
}

fn configured_sites(settings: &Settings) -> BTreeMap<SiteName, ConfiguredSite> {
    settings.sites.values().map(|site| (site.name.clone(), ConfiguredSite { url: site.url.clone() })).collect()
}

fn configured_sources(settings: &Settings) -> BTreeMap<SourceName, ConfiguredSource> {
    let sources = settings.sources.values().map(|source| {
        let configured = ConfiguredSource {
            site: source.site.clone(),
            policy: source.policy.clone(),
            preset: source.spec.preset.clone(),
            quiet_after: source.quiet_after,
            echoes_secret: source.compiled.shows_a_token(),
        };
        (source.name.clone(), configured)
    });
    sources.collect()
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
