//! Stories from outside: only HTTP in, only HTTP, the sandbox and the database out.
// So that the lints know it, too, where a function is no test itself.
#![cfg(test)]

mod access;
mod accounts;
mod backlog;
mod binary;
mod brake;
mod cli;
mod clock;
mod consent;
mod damage;
mod dice;
mod documents;
mod far_side;
mod files;
mod gate;
mod giving_up;
mod harness;
mod ignored;
mod intake;
mod journal;
mod layers;
mod leases;
mod leaver;
mod log;
mod lookup;
mod lost_answers;
mod matrix;
mod migrations;
mod order;
mod pace;
mod privacy;
mod proxy;
mod random_histories;
mod recovery;
mod rehire;
mod rejections;
mod repeats;
mod restart;
mod returns;
mod rotation;
mod siege;
mod trouble;
mod two_processes;
