//! `offboardd demo`: the whole thing on this machine, with no account anywhere.
//!
//! A sandbox site, an HR system that signs as vendors do, and the daemon as `serve` would run it, each behind a socket of
//! its own. Days pass in a quarter of a second, because durations are settings; there is no other clock. Every line of the
//! story is told after it was observed, and the first that cannot be told ends it.

mod bodies;
mod calendar;
mod cast;
mod folder;
mod hr;
mod narrator;
mod observer;
mod scenes;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use self::calendar::Calendar;
use self::folder::Folder;
use self::hr::HrSystem;
use self::observer::Observer;
use super::healthcheck::reachable;
use crate::app::App;
use crate::clock::{Clock, SystemClock};
use crate::sandbox::{self, Sandbox, Seed};
use crate::settings::Settings;
use crate::{atlassian, shutdown};

#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Tell the story to its end and stop: 0 if every step came out as told, 1 if not
    #[arg(long)]
    once: bool,
    /// Where the daemon takes webhooks; port 0 is any that is free
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    webhooks: SocketAddr,
    /// Where the daemon has its console, API and metrics
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    admin: SocketAddr,
    /// Where the sandbox site is
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    sandbox: SocketAddr,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let signal = shutdown::Signal::listen()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = TcpListener::bind(arguments.sandbox)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.sandbox))?;
    let site = reachable(listener.local_addr()?);
    let sandbox = Sandbox::new(
        sandbox::SandboxOptions { deletion_grace: calendar::DELETION_GRACE, ..sandbox::SandboxOptions::default() },
        Seed::sample(),
        Arc::clone(&clock),
    )?;
    let folder = Folder::make(&arguments, site, clock.now())?;
    let settings = Arc::new(Settings::load(&folder.settings())?);
    let app = App::build(Arc::clone(&settings), Arc::clone(&clock)).await?;
    let http = atlassian::http()?;
    let observer = Observer {
        hr: HrSystem::new(&settings, http.clone(), reachable(app.webhooks()?), Arc::clone(&clock)),
        calendar: Calendar::beginning_now(clock),
        sandbox: sandbox.clone(),
        site,
        admin: reachable(app.admin()?),
        store: app.store().clone(),
        folder,
        http,
    };

    let stop = CancellationToken::new();
    let mut parts = JoinSet::new();
    let served = sandbox.serve(listener, stop.clone().cancelled_owned());
    parts.spawn(async move { served.await.context("the sandbox failed") });
    parts.spawn(app.run(stop.clone().cancelled_owned()));
    let told = tokio::select! {
        told = play_demo(&observer, arguments.once) => told,
        () = signal.received() => interrupted(arguments.once),
        Some(ended) = parts.join_next() => ended_by_itself(ended),
    };
    stop.cancel();
    while let Some(ended) = parts.join_next().await {
        ended.context("a part of the demo failed")??;
    }
    observer.folder.remove()?;
    if told.is_ok() && !arguments.once {
        narrator::print_goodbye();
    }
    told
}

async fn play_demo(observer: &Observer, once: bool) -> anyhow::Result<()> {
    narrator::print_introduction(observer);
    let told = scenes::play(observer).await;
    told.map_err(|error| {
        anyhow::anyhow!("on day {} the story went another way: {error:#}", observer.calendar.today())
    })?;
    if !once {
        narrator::print_invitation(observer);
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn interrupted(once: bool) -> anyhow::Result<()> {
    anyhow::ensure!(!once, "interrupted before the story was told");
    Ok(())
}

fn ended_by_itself(ended: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    ended.context("a part of the demo failed")??;
    anyhow::bail!("the daemon or the sandbox ended by itself")
}
