//! This daemon among others over the same PostgreSQL database: its terms are renewed and its changes announced for as long as any
//! of its parts works. A daemon over a file is alone, and does nothing here.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::wakeups::Wakeups;
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::store::{Duty, ReplicaListener, Store, StoreError, TermKeeper};

/// The interval of renewals, and the wait after a failed one.
const PERIOD: Duration = Duration::from_millis(500);

/// The time in which several commits are announced, and several announcements are followed, together.
const GATHER: Duration = Duration::from_millis(20);

/// How often a replica reads what it may not have been notified of.
const POLL: Duration = Duration::from_secs(1);

/// This daemon as one of several.
pub(super) struct Replica {
    keeper: Option<TermKeeper>,
    listener: Option<ReplicaListener>,
    store: Store,
    wakeups: Wakeups,
    /// Notified when accepted secrets may have changed.
    secrets: Arc<Notify>,
}

impl Replica {
    pub(super) fn new(store: &Store, settings: &Settings, wakeups: &Wakeups, secrets: &Arc<Notify>) -> Self {
        let sites = settings.sites.keys().cloned().map(Duty::Site);
        let duties = sites.chain([Duty::Background]).collect();
        Self {
            keeper: TermKeeper::new(store, duties, fingerprint(settings, store)),
            listener: ReplicaListener::new(store),
            store: store.clone(),
            wakeups: wakeups.clone(),
            secrets: Arc::clone(secrets),
        }
    }

    /// Keeps the terms until `working` ends, then gives them up. A newer schema stops the daemon.
    pub(super) async fn run_beside<T>(self, working: impl Future<Output = T>, shutdown: &Shutdown) -> T {
        let Self { keeper, listener, store, wakeups, secrets } = self;
        let Some(mut keeper) = keeper else { return working.await };
        let others = async {
            let listening = async {
                if let Some(listener) = listener {
                    listen(listener, &store, &wakeups, &secrets).await;
                }
            };
            tokio::join!(listening, poll(&store, &wakeups, &secrets));
        };
        let keeping = async {
            if let Err(error) = keep(&mut keeper, &wakeups).await {
                tracing::error!(%error, "stopping: {error}");
                shutdown.begin();
            }
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = working => ended,
            ((), ()) = async { tokio::join!(others, keeping) } => std::future::pending().await,
        };
        if let Err(error) = keeper.leave().await {
            tracing::warn!(%error, "the terms were not given up: the other replicas take over when they end");
        }
        ended
    }
}

/// Renews the terms. Returns only when a newer version has migrated the database.
async fn keep(keeper: &mut TermKeeper, wakeups: &Wakeups) -> Result<(), StoreError> {
    let mut is_failing = false;
    loop {
        match keeper.renew().await {
            Ok(has_changed) => {
                is_failing = false;
                if has_changed {
                    wakeups.worker.notify_one();
                }
            }
            Err(error @ StoreError::Newer { .. }) => return Err(error),
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    let error = anyhow::Error::new(error);
                    tracing::error!(
                        error = format!("{error:#}"),
                        "the terms of this replica cannot be renewed: its sites wait or are taken over"
                    );
                }
            }
        }
        let next = sleep(PERIOD);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => break,
                () = keeper.awaits_renewal() => break,
                () = keeper.committed() => {}
            }
            sleep(GATHER).await;
            if let Err(error) = keeper.notify_others().await {
                tracing::debug!(%error, "the other replicas are not notified: they find the changes by themselves");
            }
        }
    }
}

/// Wakes the parts when another replica has changed something.
async fn listen(mut listener: ReplicaListener, store: &Store, wakeups: &Wakeups, secrets: &Notify) {
    loop {
        match listener.next().await {
            Ok(()) => {
                read_again(store, wakeups, secrets).await;
                sleep(GATHER).await;
            }
            Err(error) => {
                tracing::debug!(%error, "no notifications from other replicas: their changes are polled");
                sleep(POLL).await;
            }
        }
    }
}

async fn poll(store: &Store, wakeups: &Wakeups, secrets: &Notify) {
    loop {
        sleep(POLL).await;
        read_again(store, wakeups, secrets).await;
    }
}

async fn read_again(store: &Store, wakeups: &Wakeups, secrets: &Notify) {
    if let Err(error) = store.refresh().await {
        tracing::debug!(%error, "the pauses of sources are not read");
    }
    secrets.notify_one();
    wakeups.notify_all();
}

/// The settings that must be the same for all replicas, with the key. Listen addresses may differ.
fn fingerprint(settings: &Settings, store: &Store) -> String {
    let text = settings.file.to_toml().unwrap_or_default();
    let shared = text.lines().filter(|line| !(line.starts_with("webhooks = \"") || line.starts_with("admin = \"")));
    let mut hash = Sha256::new();
    for line in shared {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hash.update(format!("{:?}", store.key().newest_id()).as_bytes());
    let hash = hex::encode(hash.finalize());
    hash.chars().take(FINGERPRINT).collect()
}

/// The length of a fingerprint.
const FINGERPRINT: usize = 16;
