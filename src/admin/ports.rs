//! What the admin API requests from parts that it does not import: functions that the composition root provides.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::domain::account::AccountId;
use crate::domain::desk_request::DeskRequest;
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;
use crate::domain::site_health::SiteHealth;
use crate::explain::Explanation;

type ReadRequests = dyn Fn(SiteName, DeskPerson) -> BoxFuture<'static, Result<Vec<DeskRequest>, Failure>> + Send + Sync;
type Explain = dyn Fn(&SourceName, Option<&str>, &[u8], Timestamp) -> Option<Explanation> + Send + Sync;
type ReadHealth = dyn Fn(&SiteName) -> SiteHealth + Send + Sync;

/// The person whose requests are read: by the account, or by the email address while no account is known.
#[derive(Debug)]
pub(crate) enum DeskPerson {
    Account(AccountId),
    Address(EmailAddress),
}

/// The functions.
#[derive(Clone)]
pub(crate) struct Ports {
    /// Reads a person's open requests from the site.
    pub(crate) read_requests: Arc<ReadRequests>,
    /// Explains a stored body with the current settings; `None` for a source that is not configured.
    pub(crate) explain: Arc<Explain>,
    /// What the latest responses of a site show.
    pub(crate) health: Arc<ReadHealth>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ports(…)")
    }
}

/// The free space of the database's file system.
#[derive(Debug, Clone)]
pub(crate) enum FreeSpace {
    /// Read from the file system of this folder.
    Of(PathBuf),
    /// Assumed by a test.
    Assumed(u64),
}

impl FreeSpace {
    /// In bytes, for this process.
    pub(crate) fn bytes(&self) -> std::io::Result<u64> {
        match self {
            Self::Of(folder) => {
                let found = rustix::fs::statvfs(folder)?;
                Ok(found.f_bavail.saturating_mul(found.f_frsize))
            }
            Self::Assumed(bytes) => Ok(*bytes),
        }
    }
}
