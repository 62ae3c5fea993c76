//! The option `--config`.

use std::path::PathBuf;

use clap::Args;

use crate::settings::Settings;

#[derive(Debug, Clone, Args)]
pub(super) struct Config {
    /// Settings file
    #[arg(long, env = "OFFBOARDD_CONFIG", default_value = "offboardd.toml", value_name = "FILE", global = true)]
    pub(super) config: PathBuf,
}

impl Config {
    pub(super) fn load(&self) -> anyhow::Result<Settings> {
        Ok(Settings::load(&self.config)?)
    }
}
