//! What the router knows of a source.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::ids::SiteName;
use crate::domain::policy::Policy;
use crate::sources::Source;
use crate::sources::lookup::Lookup;

/// The settings of a source that the router needs.
#[derive(Debug, Clone)]
pub struct Route {
    /// The rules by which its bodies are read.
    pub source: Arc<Source>,
    /// The sites on which its people have accounts, at least one.
    pub sites: Vec<SiteName>,
    /// The terms of the cases that its events open.
    pub policy: Policy,
    /// The client for lookups of email addresses. It is replaced as a whole when secrets are reloaded.
    pub lookup: Option<Arc<ArcSwap<Arc<Lookup>>>>,
}

impl Route {
    /// The site of a stored event: the named one, as long as it is configured, or the only one.
    pub(super) fn site_of(&self, stored: Option<&SiteName>) -> Option<&SiteName> {
        match stored {
            Some(stored) => self.sites.iter().find(|site| *site == stored),
            None => self.sites.first(),
        }
    }
}
