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
    for warning in check::warnings(&settings) {
        tracing::warn!(warning, "the settings can be used, but look at this");
    }
    let app = App::build(Arc::new(settings), Arc::new(SystemClock)).await?;
    tracing::info!(webhooks = %app.webhooks()?, admin = %app.admin()?, "serving");
    app.run(signal.received()).await
}
