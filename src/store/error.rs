//! The errors of the database.

use crate::domain::case::InvalidTransition;
use crate::proof::seal::UnsealError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite returned an error.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be migrated to this version.
    #[error("the database's schema cannot be brought to this version")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row was written without the key.
    #[error("{what} {id} was changed by another hand: its authentication code does not match")]
    Tampered { what: &'static str, id: String },
    /// A row is inconsistent.
    #[error("the {what} `{id}` in the database contradicts itself: {why}")]
    Inconsistent {
        /// The kind of the row.
        what: &'static str,
        id: String,
        /// The contradiction in the row.
        why: String,
    },
    #[error("the {what} in the database cannot be opened")]
    Sealed {
        /// The kind of the sealed data.
        what: &'static str,
        #[source]
        source: UnsealError,
    },
    /// A file beside the database cannot be read or created.
    #[error("cannot use the file `{path}`")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// The key is not the one that this database was sealed with.
    #[error("this database was sealed with another key: set store.key to the key that it was made with")]
    WrongKey,
    /// The sealed data exists, but the file with its key is missing.
    #[error("the key of this database is gone: put its file back at {path}; without it nothing that is sealed opens")]
    KeyLost {
        /// The path where the key is expected.
        path: String,
    },
    /// A rotation needs two keys.
    #[error(
        "store.key holds one key: write the new key before the old one, each on a line of its own, then run this again"
    )]
    NoNewKey,
    /// Another process uses the database.
    #[error("another daemon uses this database: {path}")]
    InUse { path: String },
    /// The configured file is not, and cannot become, a database of this program.
    #[error("cannot use `{path}` as the database (store.url): {why}")]
    Unusable { path: String, why: String },
    /// A newer version of this program wrote it.
    #[error(
        "the database `{path}` (store.url) has schema version {found}, and this version of offboardd knows {newest}: run \
         the newer offboardd, or restore a backup from before the upgrade"
    )]
    Newer {
        path: String,
        /// Its schema version.
        found: i64,
        /// The newest schema version that this program supports.
        newest: i64,
    },
    /// The files are inconsistent after an unclean stop, or because a file was copied.
    #[error("refusing to open the database `{path}` (store.url): {why}")]
    Unsound {
        path: String,
        /// The inconsistency, and the remedy.
        why: String,
    },
    /// The file to restore cannot replace the database.
    #[error("cannot restore `{path}`: {why}")]
    Backup { path: String, why: String },
    /// A file was replaced or removed under the running daemon.
    #[error("{why}")]
    FilesChanged {
        /// The file, and the remedy.
        why: String,
    },
    /// The shared transaction of this and other writes failed; the log has the reason.
    #[error("it was not written down: the log says why")]
    NotCommitted,
    /// A panic was caught.
    #[error("an error of our own: see the log of this time, and report it")]
    Panicked,
    /// A write that depends on a lease arrived after the lease was lost.
    #[error("the lease of the job was lost")]
    LeaseLost,
    /// Another replica has taken over what this one did.
    #[error("the term of this replica is over: another one has the duty")]
    TermOver,
}

impl StoreError {
    /// Whether the error concerns one row and not the whole database. Then the others can continue without that row.
    pub const fn is_about_one_row(&self) -> bool {
        match self {
            Self::Inconsistent { .. } | Self::Tampered { .. } | Self::Sealed { .. } | Self::Panicked => true,
            Self::Database(_)
            | Self::Migrate(_)
            | Self::File { .. }
            | Self::WrongKey
            | Self::KeyLost { .. }
            | Self::NoNewKey
            | Self::InUse { .. }
            | Self::Unusable { .. }
            | Self::Newer { .. }
            | Self::Unsound { .. }
            | Self::Backup { .. }
            | Self::FilesChanged { .. }
            | Self::NotCommitted
            | Self::LeaseLost
            | Self::TermOver => false,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "errors are handed over where they end")]
    pub(super) fn inconsistent(what: &'static str, id: impl ToString, why: impl ToString) -> Self {
        Self::Inconsistent { what, id: id.to_string(), why: why.to_string() }
    }
}

/// The reason why a transition failed.
#[derive(Debug, thiserror::Error)]
pub enum TransitionError {
    /// The case's rules forbid it.
    #[error(transparent)]
    Invalid(#[from] InvalidTransition),
    /// The call that it would stop is in progress.
    #[error("it is too late: the call to Atlassian is being made at this moment")]
    TooLate,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TransitionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::StoreError;

    #[test]
    fn failure_of_the_database_is_not_about_one_row() {
        assert!(StoreError::inconsistent("case", "1", "both open and closed").is_about_one_row());
        assert!(!StoreError::from(sqlx::Error::PoolTimedOut).is_about_one_row());
    }
}
