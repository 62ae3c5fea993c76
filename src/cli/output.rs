//! Prints to standard output and standard error. No other file prints.

use std::io::{ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

/// Whether standard output did not take all that was printed.
static IS_CUT: AtomicBool = AtomicBool::new(false);

/// Prints to standard output. A closed pipe is not an error; [`is_cut`] reports any other failure.
pub(super) fn print_out(text: &str) {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => tracing::debug!("standard output is closed"),
        Err(error) => {
            // Once: the demo prints many lines.
            if !IS_CUT.swap(true, Ordering::Relaxed) {
                print_err(&format!("offboardd: cannot write to standard output\n  because: {error}\n"));
            }
        }
    }
}

/// Whether some of the output is lost, for instance because the disk is full: then the command failed.
pub(super) fn is_cut() -> bool {
    IS_CUT.load(Ordering::Relaxed)
}

/// Prints a report: as JSON on one line, or as text.
pub(super) fn print_report(as_json: bool, json: &Value, text: &str) {
    print_out(&if as_json { format!("{json}\n") } else { text.to_owned() });
}

pub(super) fn print_err(text: &str) {
    let mut out = std::io::stderr().lock();
    if out.write_all(text.as_bytes()).is_err() {
        tracing::debug!("standard error is closed");
    }
}
