//! SQLite: the only place that contains SQL.
