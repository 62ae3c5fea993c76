//! The targets of performance, each a ratio inside one run: ours beside its reference, round by round, on this machine.
//!
//! ```text
//! cargo bench                      # all of them, about ten minutes
//! cargo bench -- T1 T9             # some of them
//! ```
//!
//! Absolute figures belong to the machine that they were measured on; the ratios carry over, roughly. The load generator
//! shares the machine with what it measures, and each round runs every server once, so that a noisy minute hits them all.
//! The peers of T4 and T5 are measured where they are installed (`benches/README.md`).
// So that the lints know that a panic is an answer here: a bench that cannot measure ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a benchmark: it panics where it cannot measure, and prints what it measured"
)]

mod calls;
mod daemon;
mod folder;
mod intake;
mod load;
mod memory;
mod peers;
mod postgres;
mod queue;
mod raw;
mod router;
mod servers;
mod table;

use crate::table::Table;

/// What to run: everything, or what the command line names.
struct WantedJob(Vec<String>);

impl WantedJob {
    /// Whether any of these targets is wanted.
    fn any(&self, targets: &[&str]) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| targets.contains(&wanted.as_str()))
    }
}

fn main() {
    if let Ok(kind) = std::env::var(servers::SERVER) {
        return servers::run(&kind);
    }
    if let Ok(many) = std::env::var("OFFBOARDD_BENCH_PRESIGN") {
        return load::presign(many.parse().unwrap());
    }
    let wanted = WantedJob(std::env::args().skip(1).filter(|argument| argument.starts_with('T')).collect());
    let mut table = Table::default();
    if wanted.any(&["T1", "T2", "T3", "T6"]) {
        intake::side_by_side(&mut table);
    }
    if wanted.any(&["T4", "T5"]) {
        peers::webhooks(&mut table);
    }
    if wanted.any(&["T7"]) {
        intake::one_by_one(&mut table);
    }
    if wanted.any(&["T8"]) {
        intake::while_draining(&mut table);
    }
    if wanted.any(&["T8b"]) {
        router::beside_a_saturated_intake(&mut table);
    }
    if wanted.any(&["T9"]) {
        queue::backlog(&mut table);
    }
    if wanted.any(&["T10"]) {
        intake::in_a_flood(&mut table);
    }
    if wanted.any(&["T11", "T12"]) {
        memory::after_a_million(&mut table);
    }
    if wanted.any(&["T13"]) {
        queue::at_the_documented_pace(&mut table);
    }
    if wanted.any(&["T14"]) {
        queue::drained(&mut table);
    }
    if wanted.any(&["T15"]) {
        router::beside_a_large_delivery(&mut table);
    }
    if wanted.any(&["T16"]) {
        router::by_items(&mut table);
    }
    if wanted.any(&["T17"]) {
        postgres::beside_inserts_by_hand(&mut table);
    }
    table.print();
}
