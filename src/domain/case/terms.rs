//! What was agreed when a case was opened.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::ids::PolicyName;
use crate::domain::policy::{Action, Approvals, Detach, Policy};

/// What was agreed when a case was opened, made stricter by later demands. A later change of the policy does not affect it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub action: Action,
    /// The wait between the revoke and the deletion.
    pub local_grace: SignedDuration,
    /// How many different people must approve.
    pub approvals: Approvals,
    /// What the person leaves besides the site.
    pub detach: Vec<Detach>,
    /// Whether a person who returns during the deletion grace is invited again after it.
    pub reinvite: bool,
    /// The operator whose request it is, who cannot approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The policy of an operator's request; `None` where a source's policy applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
}

impl Terms {
    /// The terms of `policy` for an event that results in `action`.
    pub fn of(policy: &Policy, action: Action) -> Self {
        Self {
            action,
            local_grace: policy.local_grace,
            approvals: policy.approvals,
            detach: policy.detach.clone(),
            reinvite: policy.reinvite,
            requested_by: None,
            policy: None,
        }
    }
}
