//! Logs: for people when a terminal is watching, JSON otherwise. `RUST_LOG` chooses what is said.
//!
//! The same thing has the same name everywhere: `case.id`, `case.state`, `job.id`, `job.kind`, `delivery.id`, `source`,
//! `site`, `attempt`, `duration_ms`, `http.status`, `error` (the whole chain). Never said: addresses, names, account ids,
//! bodies, signatures, tokens, header values. Who a case is about stands in the database alone.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What is said without `RUST_LOG`.
const DEFAULT: &str = "info,sqlx=warn,hyper=warn,reqwest=warn";

/// Starts logging to standard error. To be called once.
pub fn start() {
    start_with(DEFAULT);
}

/// Starts logging to standard error, saying by default what `default` names.
pub fn start_with(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start is no harm: the first one's settings stay.
    let started = if std::io::stderr().is_terminal() {
        logs.compact().try_init()
    } else {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
