//! Prints to standard output and standard error. No other file prints.

use std::io::Write as _;

use serde_json::Value;

/// Prints to standard output. A closed pipe is not an error.
pub(super) fn print_out(text: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        tracing::debug!("standard output is closed");
    }
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
