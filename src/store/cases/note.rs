//! What an entry of the journal states besides the transition.

use serde_json::{Value, json};

use crate::domain::case::Approval;

/// The additions to a transition in the journal.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// The name of the admin token; `None` for the daemon itself.
    pub by: Option<String>,
    /// The remark of an operator. Sealed, because it may name a person.
    pub remark: Option<String>,
    /// Details without personal data.
    pub detail: Value,
}

impl Note {
    /// A note with details only. They must hold no personal data.
    pub fn detail(detail: Value) -> Self {
        Self { detail, ..Self::default() }
    }

    pub(in crate::store) fn set(&mut self, key: &str, value: Value) {
        if !self.detail.is_object() {
            self.detail = json!({});
        }
        if let Some(object) = self.detail.as_object_mut() {
            object.insert(key.to_owned(), value);
        }
    }

    /// Names the approvals that lapsed: evidence does not count them later.
    pub(in crate::store) fn add_lapsed(&mut self, lapsed: &[&Approval]) {
        if !lapsed.is_empty() {
            let named = |approval: &&Approval| json!({ "by": approval.by, "for": approval.stage });
            self.set("approvals_lapsed", lapsed.iter().map(named).collect());
        }
    }
}
