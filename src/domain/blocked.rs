//! What prevents the calls of a case, although its own state allows them.

use super::named;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockedBy {
    /// No change is made at any site.
    Fence,
    SitePaused,
    /// One kind of calls of the site is paused.
    CallPaused,
    SourcePaused,
    /// The brake of the source tripped.
    SourceFrozen,
}

named!(BlockedBy {
    Fence = "fence",
    SitePaused = "site_paused",
    CallPaused = "call_paused",
    SourcePaused = "source_paused",
    SourceFrozen = "source_frozen",
});
