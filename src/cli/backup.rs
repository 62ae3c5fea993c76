//! `offboardd backup`: a consistent copy of a running database.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{Config, say};
use crate::app;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the copy goes; the file must not be there yet
    file: PathBuf,
}

pub(super) async fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let settings = config.load()?;
    let file = &arguments.file;
    anyhow::ensure!(!file.exists(), "`{}` is there already: a backup overwrites nothing", file.display());
    let database = app::database(&settings);
    let store = database.open_existing().await.context("cannot open the database that the settings name")?;
    store.backup(file).await.with_context(|| format!("cannot write the copy to `{}`", file.display()))?;
    store.close().await;
    say(&format!("copied to {}: keep it together with the key, without which it cannot be opened\n", file.display()));
    Ok(())
}
