//! Stories from outside: only HTTP in, only HTTP, the sandbox and the database out.
#![cfg(test)]

mod accounts;
mod binary;
mod brake;
mod cli;
mod far_side;
mod harness;
mod intake;
mod journal;
mod layers;
mod leaver;
mod migrations;
mod privacy;
mod recovery;
mod rehire;
mod restart;
mod trouble;
mod two_processes;
