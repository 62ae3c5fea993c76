//! The formats of imported files.

use super::named;

/// The contents of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ImportFormat {
    /// The people who leave: `email`, and optionally `person_id`, `effective_at`, `action`.
    #[default]
    Departures,
    /// Atlassian's "Export customers".
    AtlassianExport,
    /// The people who stay: all other customers of the domain leave.
    Roster,
}

named!(ImportFormat { Departures = "departures", AtlassianExport = "atlassian-export", Roster = "roster" });
