//! offboardd turns a signed "this person left" webhook into the revocation or deletion of a Jira Service Management
//! portal-only customer: durably, once, on time, and with proof.

pub mod admin;
pub mod app;
pub mod atlassian;
pub mod cli;
pub mod clock;
pub mod domain;
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
