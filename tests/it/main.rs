//! Stories from outside: only HTTP in, only HTTP, the sandbox and the database out.
#![cfg(test)]

mod accounts;
mod binary;
mod brake;
mod chance;
mod cli;
mod far_side;
mod harness;
mod intake;
mod journal;
mod layers;
mod leaver;
mod lookup;
mod matrix;
mod migrations;
mod pace;
mod privacy;
mod recovery;
mod rehire;
mod restart;
mod rotation;
mod trouble;
mod two_processes;
