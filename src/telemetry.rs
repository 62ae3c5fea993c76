//! Logs on standard error: text on a terminal, JSON otherwise. `RUST_LOG` sets the filter.
//!
//! Field names are fixed, and a number with a unit carries it in its name:
//!
//! | field | value |
//! |---|---|
//! | `case.id`, `case.state` | a case |
//! | `job.id`, `job.kind`, `attempt` | a job, and the number of its attempt |
//! | `delivery.id` | a delivery |
//! | `source`, `site`, `policy` | a configured name |
//! | `by` | the name of an admin token |
//! | `part` | a part of the daemon |
//! | `count` | a number of items |
//! | `reason` | a short fixed text |
//! | `error` | the error with all of its sources |
//! | `http.method`, `http.route`, `http.status`, `request.id` | a request |
//! | `…_at` | a time, RFC 3339 |
//! | `…_ms`, `…_s`, `…_bytes` | a number with its unit |
//!
//! A message names its subject and the subject's id. No field and no message contains email addresses, names, account ids,
//! bodies, signatures, tokens or header values.

#[cfg(feature = "otel")]
pub(crate) mod spans;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The filter without `RUST_LOG`.
const DEFAULT: &str = "info,sqlx=warn,hyper=warn,reqwest=warn";

pub fn start() {
    start_with(DEFAULT);
}

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(default))
}

/// Starts logging with another default filter.
pub fn start_with(default: &str) {
    let logs = tracing_subscriber::fmt().with_env_filter(filter(default)).with_writer(std::io::stderr);
    // A second start has no effect.
    let started = if std::io::stderr().is_terminal() {
        logs.compact().try_init()
    } else {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging is already started");
    }
}
