//! `offboardd demo`: a local demonstration without any account.
//!
//! It starts a sandbox site, an HR system that signs as vendors do, and the daemon as `serve` runs it, each with its own
//! socket. The clock is real; the configured durations make a day take 250 ms. Each line is printed after its step was
//! observed, and the first failed step ends the demo.

mod banner;
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
use crate::shutdown;

#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: offboardd demo --once")]
pub(super) struct Arguments {
    /// Stop after the last step: exit with 0 if all steps succeeded, with 1 if not
    #[arg(long)]
    once: bool,
    /// Listen address of the webhooks; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    webhooks: SocketAddr,
    /// Listen address of the console, the API and the metrics
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    admin: SocketAddr,
    /// Listen address of the sandbox site
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
        sandbox::SandboxOptions { deletion_grace: calendar::SITE_DELETION_GRACE, ..sandbox::SandboxOptions::default() },
        Seed::sample(),
        Arc::clone(&clock),
    )?;
    let folder = Folder::create(arguments.webhooks, arguments.admin, site, clock.now())?;
    let settings = Arc::new(Settings::load(&folder.settings())?);
    let app = App::build(Arc::clone(&settings), Arc::clone(&clock)).await?;
    let http = crate::outbound::http()?;
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
    let outcome = tokio::select! {
        outcome = play_demo(&observer, arguments.once) => outcome,
        () = signal.received() => interrupted(arguments.once),
        Some(ended) = parts.join_next() => ended_early(ended),
    };
    stop.cancel();
    while let Some(ended) = parts.join_next().await {
        ended.context("a part of the demo failed")??;
    }
    observer.folder.remove()?;
    if outcome.is_ok() && !arguments.once {
        banner::print_goodbye();
    }
    outcome
}

async fn play_demo(observer: &Observer, once: bool) -> anyhow::Result<()> {
    banner::print_introduction(observer);
    let played = scenes::play(observer).await;
    played.map_err(|error| anyhow::anyhow!("a step failed on day {}: {error:#}", observer.calendar.today()))?;
    if !once {
        banner::print_invitation(observer);
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn interrupted(once: bool) -> anyhow::Result<()> {
    anyhow::ensure!(!once, "interrupted before the last step");
    Ok(())
}

fn ended_early(ended: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    ended.context("a part of the demo failed")??;
    anyhow::bail!("the daemon or the sandbox ended early")
}
