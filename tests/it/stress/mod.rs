//! The daemon under siege: faults of the machine below it, and attacks on the listener in front of it.
//!
//! What is quick runs with all the other tests. What takes minutes, or a file system of its own (and with it root), is
//! ignored there. `.ci/siege` runs all of it, and ends with a table that has a row for each fault: how often, what was
//! promised, what was seen.

mod admin;
mod batches;
mod disclosure;
pub(crate) mod disk;
mod files;
mod flood;
mod idle_connections;
mod kills;
pub(crate) mod load;
mod memory;
mod random_faults;
mod requests;
mod stops;
pub(crate) mod table;
mod time;

use std::process::Command;

use crate::binary::Folder;

/// A log that says where the daemon is, and else only what is wrong.
const QUIET: &str = "error,offboardd::cli=info";

/// The binary, started by a shell that does something first: whatever that sets, it inherits.
fn after(prelude: &str, folder: &Folder, arguments: &[&str]) -> Command {
    let bare = folder.command(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{prelude}; exec \"$0\" \"$@\"")]).arg(bare.get_program()).args(bare.get_args());
    command.current_dir(folder.path()).env_remove("RUST_LOG");
    for (name, value) in bare.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

/// Whether everything is wanted, as in `.ci/run` and `.ci/siege`. `cargo test` takes less, chosen at random.
pub(crate) fn is_full_run() -> bool {
    std::env::var_os("OFFBOARDD_STRESS").is_some()
}

/// How often something is done in the long run: `OFFBOARDD_STRESS` times as often as usual.
pub(crate) fn times(usual: u32) -> u32 {
    let factor = std::env::var("OFFBOARDD_STRESS").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1.0_f64);
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small count"
    )]
    let times = (f64::from(usual) * factor) as u32;
    times.max(1)
}
