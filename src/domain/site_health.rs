//! What the latest responses of a site show.

use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SiteHealth {
    /// When the site last answered a call successfully, since the start of the daemon.
    pub last_ok_at: Option<Timestamp>,
    /// How far this machine's clock is ahead of the site's, by its latest response.
    pub clock_offset: Option<SignedDuration>,
}
