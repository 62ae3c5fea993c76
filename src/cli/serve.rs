//! `offboardd serve`: runs the daemon.

use std::sync::Arc;

use super::config::Config;
use crate::app::App;
use crate::cli::check;
use crate::clock::SystemClock;
use crate::settings::Settings;
use crate::{listener, shutdown};

#[cfg(feature = "otel")]
mod traces;

#[cfg(feature = "otel")]
pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let exporter = traces::start_telemetry()?;
    let ended = Box::pin(serve(config.load()?)).await;
    if let Some(exporter) = exporter {
        exporter.finish().await;
    }
    ended
}

#[cfg(not(feature = "otel"))]
pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    crate::telemetry::start();
    if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
        tracing::warn!(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this build exports no traces: build it with `--features otel`"
        );
    }
    Box::pin(serve(config.load()?)).await
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    // First, because the first process of a container ignores unhandled signals.
    let signal = shutdown::Signal::listen()?;
    listener::raise_file_limit();
    forbid_core_dumps();
    for note in check::notes(&settings) {
        tracing::info!("settings: {note}");
    }
    for warning in [check::warnings(&settings), check::server_warnings(&settings).await].concat() {
        tracing::warn!("settings: {warning}");
    }
    let app = App::build(Arc::new(settings), Arc::new(SystemClock)).await?;
    tracing::info!(webhooks = %app.webhooks()?, admin = %app.admin()?, "serving");
    Box::pin(app.run(signal.received())).await
}

/// A core dump would write keys and email addresses to a disk. The limit alone does not prevent a dump that the kernel pipes
/// to a program.
fn forbid_core_dumps() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%error, "cannot set the limit of core dumps");
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "cannot disable core dumps");
    }
}
