//! `offboardd serve`: the daemon.

use std::sync::Arc;

use crate::app::App;
use crate::cli::check;
use crate::clock::SystemClock;
use crate::settings::Settings;
use crate::{listener, shutdown};

pub(super) async fn run(settings: Settings) -> anyhow::Result<()> {
    // Before anything else: the first process of a container that handles no signal cannot be stopped.
    let signal = shutdown::Signal::listen()?;
    listener::raise_file_limit();
    forbid_core_dumps();
    for note in check::notes(&settings) {
        tracing::info!(note, "about the settings");
    }
    for warning in check::warnings(&settings) {
        tracing::warn!(warning, "the settings can be used, but look at this");
    }
    let app = App::build(Arc::new(settings), Arc::new(SystemClock)).await?;
    tracing::info!(webhooks = %app.webhooks()?, admin = %app.admin()?, "serving");
    app.run(signal.received()).await
}

/// Keys and email addresses are in the memory: a core dump would write them to a disk. A limit alone does not stop a dump that
/// the kernel pipes to a program.
fn forbid_core_dumps() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be limited");
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
}
