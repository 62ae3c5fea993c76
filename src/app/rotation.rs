//! Reloads secrets: when a secret file changes, on SIGHUP, and when an operator accepted an offered secret.
//!
//! An invalid value is logged and the previous one stays valid. A source is replaced as a whole, so that a request is verified
//! either with the previous secrets or with the new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::notify::{self, Channels};
use crate::admin::Tokens;
use crate::atlassian::Client;
use crate::domain::ids::{SiteName, SourceName};
use crate::intake::{IntakeSource, IntakeSources};
use crate::settings::{self, Settings};
use crate::sources::{self, lookup::Lookup};
use crate::store::{Store, StoreError};

/// How often the files are checked for changes.
const PERIOD: Duration = Duration::from_secs(2);

pub(super) type Lookups = BTreeMap<SourceName, Arc<ArcSwap<Arc<Lookup>>>>;

pub(super) type AcceptedSecrets = BTreeMap<SourceName, Vec<SecretString>>;

/// Modification time, size and inode: detects a change without reading the file.
type Stamp = Option<(SystemTime, u64, u64)>;

#[derive(Debug)]
pub(super) struct Rotation {
    settings: Arc<Settings>,
    store: Store,
    intake_sources: IntakeSources,
    lookups: Lookups,
    sites: BTreeMap<SiteName, Client>,
    admin_tokens: Tokens,
    channels: Channels,
    /// Notified when an operator accepted a secret.
    secret_accepted: Arc<Notify>,
    /// The last valid specification of each source.
    specs: BTreeMap<SourceName, sources::Spec>,
    accepted: AcceptedSecrets,
    stamps: BTreeMap<PathBuf, Stamp>,
    hangup: Signal,
}

/// The shared values that a reload replaces.
#[derive(Debug)]
pub(super) struct Reloaded {
    pub(super) intake_sources: IntakeSources,
    pub(super) lookups: Lookups,
    pub(super) sites: BTreeMap<SiteName, Client>,
    pub(super) admin_tokens: Tokens,
    pub(super) channels: Channels,
}

/// Reads the accepted secrets from the database.
pub(super) async fn accepted(store: &Store) -> Result<AcceptedSecrets, StoreError> {
    let mut accepted = AcceptedSecrets::new();
    for offer in store.offered_secrets().await?.into_iter().filter(|offer| offer.accepted_at.is_some()) {
        accepted.entry(offer.source).or_default().push(offer.secret);
    }
    Ok(accepted)
}

/// Compiles the sources with the configured and the accepted secrets.
pub(super) fn intake_sources(settings: &Settings, accepted: &AcceptedSecrets) -> IntakeSources {
    let intake_sources = settings.sources.values().map(|source| {
        let compiled = match accepted.get(&source.name) {
            None => Arc::clone(&source.compiled),
            Some(more) => compile(&source.name, &source.spec, more).unwrap_or_else(|error| {
                tracing::error!(source = %source.name, error, "source {}: invalid accepted secret, ignored", source.name);
                Arc::clone(&source.compiled)
            }),
        };
        (source.name.clone(), IntakeSource { source: compiled, dedupe_window: source.table.dedupe_window.get() })
    });
    Arc::new(ArcSwap::from_pointee(intake_sources.collect()))
}

impl Rotation {
    pub(super) fn new(
        settings: Arc<Settings>,
        store: Store,
        reloaded: Reloaded,
        accepted: AcceptedSecrets,
        secret_accepted: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let Reloaded { intake_sources, lookups, sites, admin_tokens, channels } = reloaded;
        let specs = settings.sources.values().map(|source| (source.name.clone(), source.spec.clone())).collect();
        let stamps = settings.secret_files().into_iter().map(|path| (path.clone(), stamp(&path))).collect();
        let hangup = signal(SignalKind::hangup()).context("cannot handle SIGHUP")?;
        Ok(Self {
            settings,
            store,
            intake_sources,
            lookups,
            sites,
            admin_tokens,
            channels,
            secret_accepted,
            specs,
            accepted,
            stamps,
            hangup,
        })
    }

    /// Reloads until `stopping`.
    pub(super) async fn run(mut self, stopping: CancellationToken) {
        let secret_accepted = Arc::clone(&self.secret_accepted);
        // Its time does not begin again with each notification.
        let mut checks = tokio::time::interval(PERIOD);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = secret_accepted.notified() => self.load_accepted().await,
                _ = self.hangup.recv() => {
                    tracing::info!("SIGHUP: reloading all secrets");
                    let all: BTreeSet<PathBuf> = self.settings.secret_files().into_iter().collect();
                    self.stamps = all.into_iter().map(|path| { let stamp = stamp(&path); (path, stamp) }).collect();
                    self.reload(|_| true);
                    self.load_accepted().await;
                }
                _ = checks.tick() => {
                    let changed = self.changed();
                    if !changed.is_empty() {
                        self.reload(|files| files.iter().any(|file| changed.contains(file)));
                    }
                }
            }
        }
    }

    /// The files that changed since the last call.
    fn changed(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        for (path, before) in &mut self.stamps {
            let now = stamp(path);
            if now != *before {
                *before = now;
                changed.insert(path.clone());
            }
        }
        changed
    }

    /// Reloads the sources, sites and admin tokens whose files match `wanted`.
    fn reload(&mut self, wanted: impl Fn(&[PathBuf]) -> bool) {
        let settings = Arc::clone(&self.settings);
        let env = |name: &str| std::env::var(name).ok();
        for name in settings.sources.keys().filter(|name| wanted(&settings.secret_files_of_source(name))) {
            match settings.reload_source(name, &env) {
                Ok(source) => self.replace_source(name, &source),
                Err(problem) => {
                    tracing::error!(source = %name, %problem, "source {name}: reload of secrets failed, keeping the previous ones");
                }
            }
        }
        if wanted(&settings.secret_files_of_admin_tokens()) {
            self.reload_admin_tokens(&env);
        }
        if wanted(&settings.secret_files_of_notify()) {
            self.reload_channels(&env);
        }
        for (name, client) in self.sites.iter().filter(|(name, _)| wanted(&settings.secret_files_of_site(name))) {
            match settings.reload_site(name, &env) {
                Ok(site) => {
                    client.set_auth(site.auth);
                    tracing::info!(site = %name, "site {name}: credentials reloaded");
                }
                Err(problem) => {
                    tracing::error!(site = %name, %problem, "site {name}: reload of credentials failed, keeping the previous ones");
                }
            }
        }
    }

    /// Replaces the admin tokens. A token that cannot be read becomes invalid, because it may have been revoked.
    fn reload_admin_tokens(&self, env: &settings::Environment<'_>) {
        let (tokens, problems) = self.settings.reload_admin_tokens(env);
        for problem in problems {
            tracing::error!(%problem, "admin API: reload of a token failed, the token is invalid");
        }
        tracing::info!(count = tokens.len(), "admin API: {} tokens reloaded", tokens.len());
        self.admin_tokens.store(Arc::new(tokens));
    }

    fn reload_channels(&self, env: &settings::Environment<'_>) {
        match self.settings.reload_notify(env) {
            Ok(reloaded) => {
                notify::replace(&self.channels, &reloaded);
                tracing::info!("notices: secrets reloaded");
            }
            Err(problem) => {
                tracing::error!(%problem, "notices: reload of secrets failed, keeping the previous ones");
            }
        }
    }

    fn replace_source(&mut self, name: &SourceName, source: &settings::SourceSettings) {
        if let (Some(held), Some(lookup)) = (self.lookups.get(name), &source.lookup) {
            held.store(Arc::new(Arc::clone(lookup)));
        }
        self.specs.insert(name.clone(), source.spec.clone());
        self.publish(name);
    }

    async fn load_accepted(&mut self) {
        match accepted(&self.store).await {
            Ok(accepted) => {
                let before = std::mem::replace(&mut self.accepted, accepted);
                let names: BTreeSet<_> = before.keys().chain(self.accepted.keys()).cloned().collect();
                for name in names.iter().filter(|name| !same(before.get(*name), self.accepted.get(*name))) {
                    self.publish(name);
                }
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::error!(
                    error = format!("{error:#}"),
                    "reload of accepted secrets failed, keeping the previous ones"
                );
            }
        }
    }

    /// Replaces a source with one that has all current secrets.
    fn publish(&self, name: &SourceName) {
        let Some(spec) = self.specs.get(name) else { return };
        let more = self.accepted.get(name).map(Vec::as_slice).unwrap_or_default();
        match compile(name, spec, more) {
            Ok(compiled) => {
                self.intake_sources.rcu(|intake_sources| {
                    let mut intake_sources = BTreeMap::clone(intake_sources);
                    if let Some(intake_source) = intake_sources.get_mut(name) {
                        intake_source.source = Arc::clone(&compiled);
                    }
                    intake_sources
                });
                tracing::info!(source = %name, "source {name}: secrets reloaded");
            }
            Err(error) => {
                tracing::error!(source = %name, error, "source {name}: invalid secrets, keeping the previous ones");
            }
        }
    }
}

fn compile(name: &SourceName, spec: &sources::Spec, more: &[SecretString]) -> Result<Arc<sources::Source>, String> {
    let secrets = spec.secrets.iter().chain(more).cloned().collect();
    let spec = sources::Spec { secrets, ..spec.clone() };
    sources::Source::compile(name, spec).map(Arc::new).map_err(|error| error.to_string())
}

fn same(one: Option<&Vec<SecretString>>, other: Option<&Vec<SecretString>>) -> bool {
    texts(one).eq(texts(other))
}

fn texts(secrets: Option<&Vec<SecretString>>) -> impl Iterator<Item = &str> {
    secrets.into_iter().flatten().map(SecretString::expose_secret)
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}
