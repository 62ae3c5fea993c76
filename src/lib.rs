//! offboardd turns a signed "this person left" webhook into the revocation or deletion of a Jira Service Management (JSM)
//! portal-only customer: durably, once, on time, and with proof. One binary, one SQLite file, one container.
//!
//! # From webhook to call
//!
//! ```text
//! vendor ─POST─▶ intake ──commit──▶ deliveries ──▶ router ──▶ cases + jobs ──▶ worker ──▶ Atlassian
//!                verify raw bytes    (SQLite)      map to      (SQLite)        claim, call,
//!                answer 2xx                        events,                     read back, settle
//!                                                  decide
//! ```
//!
//! Intake, router, worker and admin do not import each other. They share the database, and wake each other through a
//! [`tokio::sync::Notify`] of [`app::Wakeups`]. Each of them can be killed at any time.
//!
//! # Modules
//!
//! | module | task |
//! |---|---|
//! | [`domain`] | the rules, pure: events, cases, guards, retries |
//! | [`sources`] | vendors: signatures, handshakes, mappings, address lookups; presets are data |
//! | [`intake`] | the public listener: verify, deduplicate, commit in groups, respond |
//! | [`router`] | deliveries to events, events to cases |
//! | [`worker`] | due jobs to calls, calls to settled cases |
//! | [`atlassian`] | the client of a site: calls by intent, failures classified once, pacing |
//! | [`store`] | SQLite: the only module with SQL |
//! | [`proof`] | encryption of personal data, the chain of the journal |
//! | `admin` | the private listener: health, metrics, API, roles |
//! | `console` | pages on the private listener: a client of the API within the process |
//! | `explain` | the events of a body and their consequences, in sentences |
//! | [`sandbox`] | a fake Atlassian site |
//! | [`settings`] | the settings file. Loading validates everything that can be validated offline. |
//! | [`app`] | the composition root: builds all parts and runs them until a stop |
//! | [`cli`] | one file per command |
//! | `import` | CSV files of operators to cases |
//! | [`listing`] | lists of a site's customers, page by page |
//! | [`notices`] | messages to people by webhook, chat and mail |
//! | [`upkeep`] | retention, and the report of quiet sources |
//! | [`listener`], [`shutdown`], [`telemetry`], [`clock`], [`duration`] | sockets, stop tokens, logs, time and randomness, the duration type |
//!
//! `tests/it/layers.rs` contains the allowed imports and enforces them. `sandbox` does not import `atlassian`, so that an error
//! of the client is not repeated by the server that it is tested against.
//!
//! Invariants: only [`clock`] reads the time; only [`store`] contains SQL; only [`atlassian`], [`sources::lookup`] and
//! [`notices`] open connections in the daemon; no transaction is open during a call; only the durable queue retries.
//!
//! # A departure
//!
//! [`intake`] verifies the bytes and commits the encrypted body; the vendor receives 202. [`router`] maps the body to events
//! and calls [`domain::routing::decide`] for each. For a departure it writes the case, the journal entry and the `revoke` job
//! in one transaction. When the job is due, [`worker`] claims it, finds the account by its exact email address, applies
//! [`domain::guard`] and requests the dispatch right before the call. A stop, a hold, a missing approval, observe mode and the
//! brake prevent the dispatch. The journal contains the intent before the call and the outcome after a read confirmed it.
//! [`domain::case`] returns the next state, which is written together with its job, here the `delete` job after the local
//! grace. After Atlassian's deletion grace, a last read closes the case as `erased`, and its key is shredded.
//!
//! # A failure
//!
//! [`atlassian`] classifies every status and transport error as a [`domain::retry::Failure`]. A transient failure requeues the
//! job. A 429 requeues it without counting an attempt. A 401 pauses the site, a 403 pauses that kind of call; neither counts an
//! attempt. Any other failure sets the case to `needs_attention`. If the process dies, the lease expires, and the next attempt
//! reads first whether the call had an effect.

pub(crate) mod admin;
pub mod app;
pub mod atlassian;
pub mod cli;
pub mod clock;
pub(crate) mod console;
pub mod domain;
pub mod duration;
pub(crate) mod explain;
pub(crate) mod import;
pub mod intake;
pub mod listener;
pub mod listing;
pub mod notices;
pub mod outbound;
pub mod proof;
pub mod router;
pub mod sandbox;
pub mod settings;
pub mod shutdown;
pub mod sources;
pub mod store;
pub mod telemetry;
pub mod upkeep;
pub mod worker;
