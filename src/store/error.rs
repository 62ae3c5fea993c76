//! What can go wrong with the database.

use crate::domain::case::InvalidTransition;
use crate::proof::seal::UnsealError;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought to this version.
    #[error("the database's schema cannot be brought to this version")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row says what cannot be.
    #[error("the {what} `{id}` in the database contradicts itself: {why}")]
    Inconsistent {
        /// What kind of row.
        what: &'static str,
        /// Which one.
        id: String,
        /// In what.
        why: String,
    },
    /// Sealed data does not open.
    #[error("the {what} in the database cannot be opened")]
    Sealed {
        /// What was sealed.
        what: &'static str,
        /// Why.
        #[source]
        source: UnsealError,
    },
    /// A file beside the database cannot be read or made.
    #[error("cannot use the file `{path}`")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key is not the one that this database was sealed with.
    #[error("this database was sealed with another key: set store.key to the key that it was made with")]
    WrongKey,
    /// What was sealed is there, and the file with the key that opens it is not.
    #[error("the key of this database is gone: put its file back at {path}; without it nothing that is sealed opens")]
    KeyLost {
        /// Where it lay.
        path: String,
    },
    /// Somebody else works with the database.
    #[error("another daemon uses this database: {path}")]
    InUse {
        /// Which file.
        path: String,
    },
    /// The file that the settings name is not, and cannot become, a database of this program.
    #[error("cannot use `{path}` as the database (store.url): {why}")]
    Unusable {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
    /// A newer version of this program wrote it.
    #[error(
        "the database `{path}` (store.url) has schema version {found}, and this version of offboardd knows {newest}: run \
         the newer offboardd, or restore a backup from before the upgrade"
    )]
    Newer {
        /// Which file.
        path: String,
        /// Its schema version.
        found: i64,
        /// The newest one that is known here.
        newest: i64,
    },
    /// What an unclean stop or a copied file left does not fit together.
    #[error("refusing to open the database `{path}` (store.url): {why}")]
    Unsound {
        /// Which file.
        path: String,
        /// What does not fit, and what to do.
        why: String,
    },
    /// The file to restore cannot take the place of the database.
    #[error("cannot restore `{path}`: {why}")]
    Backup {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
    /// A file was replaced or removed under the running daemon.
    #[error("{why}")]
    FilesChanged {
        /// Which file, and what to do.
        why: String,
    },
    /// The transaction that it was to be written in, together with others, was given up; the log says why.
    #[error("it was not written down: the log says why")]
    NotCommitted,
    /// A panic, caught.
    #[error("an error of our own: see the log of this time, and report it")]
    Panicked,
    /// A write that depends on a lease came after the lease was lost.
    #[error("the lease of the job was lost")]
    LeaseLost,
}

impl StoreError {
    /// Whether the trouble is one row's and not the whole database's: then the others can go on without it.
    pub const fn is_about_one_row(&self) -> bool {
        match self {
            Self::Inconsistent { .. } | Self::Sealed { .. } | Self::Panicked => true,
            Self::Database(_)
            | Self::Migrate(_)
            | Self::File { .. }
            | Self::WrongKey
            | Self::KeyLost { .. }
            | Self::InUse { .. }
            | Self::Unusable { .. }
            | Self::Newer { .. }
            | Self::Unsound { .. }
            | Self::Backup { .. }
            | Self::FilesChanged { .. }
            | Self::NotCommitted
            | Self::LeaseLost => false,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "errors are handed over where they end")]
    pub(super) fn inconsistent(what: &'static str, id: impl ToString, why: impl ToString) -> Self {
        Self::Inconsistent { what, id: id.to_string(), why: why.to_string() }
    }
}

/// Why something did not happen to a case.
#[derive(Debug, thiserror::Error)]
pub enum TransitionError {
    /// The case's rules forbid it.
    #[error(transparent)]
    Invalid(#[from] InvalidTransition),
    /// The call that it would stop is being made at this moment.
    #[error("it is too late: the call to Atlassian is being made at this moment")]
    TooLate,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::StoreError;

    #[test]
    fn what_is_wrong_with_the_database_is_not_one_rows_trouble() {
        assert!(StoreError::inconsistent("case", "1", "both open and closed").is_about_one_row());
        assert!(!StoreError::from(sqlx::Error::PoolTimedOut).is_about_one_row());
    }
}
