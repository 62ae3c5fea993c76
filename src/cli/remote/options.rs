//! The options that all of these commands share.

use std::io::Write;

use clap::Args;
use url::Url;

pub(crate) type Output<'a> = &'a mut (dyn Write + Send);

/// The token is no argument: other users of the machine can see arguments.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// URL of the admin listener
    #[arg(long, env = "OFFBOARDD_URL", hide_env_values = true, default_value = "http://127.0.0.1:9090", global = true)]
    pub(crate) url: Url,
    /// Print the JSON of the API
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Maximum number of items, 1 to 500 [default: 50]
    #[arg(long, conflicts_with = "all")]
    pub(crate) limit: Option<u16>,
    /// Cursor that an earlier page printed
    #[arg(long, conflicts_with = "all")]
    pub(crate) cursor: Option<String>,
    /// Print all pages
    #[arg(long)]
    pub(crate) all: bool,
}
