//! Stories from outside: only HTTP in, only HTTP, the sandbox and the database out.
// So that the lints know it, too, where a function is no test itself.
#![cfg(test)]

mod access;
mod accounts;
mod approvals;
mod backlog;
mod binary;
mod brake;
mod cli;
mod clock;
mod corrupt_rows;
mod departures;
mod documents;
mod event_order;
mod fault_matrix;
mod files;
mod gate;
mod harness;
mod http;
mod ignored;
mod intake;
mod journal;
mod language;
mod layers;
mod leases;
mod lookup;
mod lost_responses;
mod migrations;
mod pacing;
mod privacy;
mod proxy;
mod random_histories;
mod recovery;
mod rehire;
mod rejections;
mod repeats;
mod restart;
mod retry_limits;
mod rng;
mod rotation;
mod site_errors;
mod stress;
mod two_processes;
mod unreliable_reads;
mod vendor_returns;
mod wal;
