//! `offboardd sandbox`: runs only the sandbox Atlassian site, for tests of integrators.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;

use super::output::print_out;
use crate::clock::SystemClock;
use crate::duration::ConfigDuration;
use crate::sandbox::{Sandbox, SandboxOptions, Seed};
use crate::shutdown;

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd sandbox --listen 127.0.0.1:8090 --deletion-grace 5s")]
pub(super) struct Arguments {
    /// Listen address
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// JSON file with the accounts [default: a dozen sample customers]
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Time for which a deleted email address cannot be invited again, like 14d or 5s
    #[arg(long, value_name = "DURATION")]
    deletion_grace: Option<ConfigDuration>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let signal = shutdown::Signal::listen()?;
    let seed = match &arguments.seed {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read the seed `{}`", path.display()))?;
            Seed::from_json(&text).with_context(|| format!("cannot use the seed `{}`", path.display()))?
        }
        None => Seed::sample(),
    };
    let mut options = SandboxOptions::default();
    if let Some(grace) = arguments.deletion_grace {
        options.deletion_grace = grace;
    }
    let sandbox = Sandbox::new(options, seed, Arc::new(SystemClock))?;
    let listener =
        TcpListener::bind(arguments.listen).await.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    print_out(&format!(
        "the sandbox is at http://{}: see http://{0}/_sandbox for its description\n",
        listener.local_addr()?
    ));
    sandbox.serve(listener, signal.received()).await?;
    Ok(())
}
