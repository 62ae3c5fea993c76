//! offboardd turns a signed "this person left" webhook into the revocation or deletion of a Jira Service Management (JSM)
//! portal-only customer: durably, once, on time, and with proof. One binary, one SQLite file, one container.
//!
//! # The way of a delivery
//!
//! ```text
//! vendor ─POST─▶ intake ──commit──▶ deliveries ──▶ router ──▶ cases + jobs ──▶ worker ──▶ Atlassian
//!                verify raw bytes    (SQLite)      map to      (SQLite)        claim, call,
//!                answer 2xx                        events,                     read back, settle
//!                                                  decide
//! ```
//!
//! Intake, router, worker and admin do not know each other. They meet in the database, and only wake each other by a
//! [`tokio::sync::Notify`] that [`app`] hands out; any of them can be killed at any instant.
//!
//! # The rooms
//!
//! | room | what it is |
//! |---|---|
//! | [`domain`] | the rules, pure: what an event means, what a case does next, who may not be touched, when to try again |
//! | [`sources`] | inbound knowledge: how vendors sign, shake hands and name things, and whom to ask for an address; the presets are data |
//! | [`intake`] | the public listener: verify, deduplicate, commit in groups, answer |
//! | [`router`] | deliveries become events, events become cases |
//! | [`worker`] | due jobs become calls, calls settle cases |
//! | [`atlassian`] | the one remote system that we change: calls by intent, failures classified once, pacing |
//! | [`store`] | SQLite: the only place that contains SQL |
//! | [`proof`] | sealing of personal data, the journal's chain |
//! | [`admin`] | the private listener: health, metrics, the API, who may do what |
//! | [`sandbox`] | a site that behaves like Atlassian's: just a URL for everybody else |
//! | [`settings`] | the settings file: after loading, nothing can be wrong that could have been seen |
//! | [`app`] | the composition root: makes every part and runs them until a stop |
//! | [`cli`] | one file a command |
//! | [`upkeep`] | what has to be done now and then: forgetting, and noticing silence |
//! | [`listener`], [`shutdown`], [`telemetry`], [`clock`] | what all of them stand on |
//!
//! # The arrows
//!
//! `domain` and `clock` import nothing of ours. `sources`, `atlassian`, `proof` import `domain`; `store` imports `domain`
//! and `proof`. `intake`, `router`, `worker`, `admin` import these and never each other. `sandbox` imports only `clock`,
//! so that a mistake of the client is not repeated by the far side that it is tested against. A test holds the arrows
//! (`tests/it/layers.rs`).
//!
//! What is deliberately absent: nothing but [`clock`] reads the time; nothing but [`store`] contains SQL; nothing of the
//! daemon but [`atlassian`] and [`sources::lookup`] opens an outbound connection; no transaction is open across a call; nothing but the durable
//! queue retries.
//!
//! # A person leaves
//!
//! [`intake`] verifies the bytes and commits the sealed body; the vendor gets its 202. [`router`] reads events out of it and
//! asks [`domain::routing::decide`]; for a departure [`store::Tx::open_case`] writes the case, the journal entry and the
//! `revoke` job in one transaction. When that is due, [`worker`] claims it, finds the account by its exact address, passes
//! [`domain::guard`], and asks [`store::Tx::dispatch`] right before the call: there a stop, a hold, an approval that is
//! missing, observe mode and the brake win. The intent is in the journal before the call, the outcome after a read said
//! so: [`store::Tx::happen`] asks [`domain::case`] for the next state and writes it together with the job that it wants, here
//! the `delete` after the local grace. Weeks later the same way once more; after Atlassian's deletion grace a last read, the
//! case is `erased`, and its key is shredded.
//!
//! # A step fails
//!
//! [`atlassian`] turns every status and transport error into one [`domain::retry::Failure`]. A transient one puts the job
//! back with its next time; a 429 does so without counting; a 401 or 403 pauses the site in the database and burns no
//! attempt; anything else hands the case to a human. If the process dies in the middle, the lease expires, the next
//! attempt *reads* first, and finds out whether the deed was done.

pub(crate) mod admin;
pub mod app;
pub mod atlassian;
pub mod cli;
pub mod clock;
pub mod domain;
pub mod duration;
pub mod intake;
pub mod listener;
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
