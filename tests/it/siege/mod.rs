//! The daemon under siege: faults of the machine below it, and attacks on the listener in front of it.
//!
//! What is quick runs with all the other tests. What takes minutes, or a file system of its own (and with it root), is
//! ignored there. `.ci/siege` runs all of it, and ends with a table that has a row for each fault: how often, what was
//! promised, what was seen.

mod admin;
mod crowd;
mod disk;
mod files;
mod flood;
mod kills;
pub(crate) mod load;
mod memory;
mod requests;
mod said;
mod stops;
mod storm;
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

/// A sequence of numbers that is the same for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    /// Of the seed in `OFFBOARDD_TEST_SEED`, else of one that it prints.
    fn thrown() -> Self {
        let given = std::env::var("OFFBOARDD_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from_be_bytes(offboardd::clock::random()));
        println!("OFFBOARDD_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// How often something is done in the long run: `OFFBOARDD_SIEGE` times as often as usual.
fn times(usual: u32) -> u32 {
    let factor = std::env::var("OFFBOARDD_SIEGE").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1.0_f64);
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small count"
    )]
    let times = (f64::from(usual) * factor) as u32;
    times.max(1)
}
