//! The actions that people approve, and their approvals.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::named;

/// An action that people approve: one that changes or removes the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    Revoke,
    Delete,
}

named!(Stage { Revoke = "revoke", Delete = "delete" });

/// One person's approval of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The name of the admin token.
    pub by: String,
    #[serde(rename = "for")]
    pub stage: Stage,
    pub at: Timestamp,
    /// The planned time of the action when the approval was given. It does not cover an earlier time.
    pub not_before: Timestamp,
    /// The keyed hash of the account, if one was known. The approval does not cover another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// How a transition changes the destructive actions that a case plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Escalation {
    /// The case begins to lead to an action.
    Opened,
    /// An action is planned for an earlier time.
    Earlier,
    /// The case results in a stronger action.
    Stronger,
}

named!(Escalation { Opened = "opened", Earlier = "earlier", Stronger = "stronger" });
