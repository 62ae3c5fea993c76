//! The one remote system that we change: calls by intent, wire types, failures classified once, pacing.

mod site;

pub use site::{Auth, DeleteWith, Site};
