//! The switches of the sandbox: everything that differs between sites, that is not documented, or that a test varies. The
//! settings of the daemon are separate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::duration::ConfigDuration;

/// How this site behaves. `PATCH /_sandbox/settings` changes any of it while the sandbox runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxOptions {
    /// How long the address of a deleted customer cannot be invited again.
    pub deletion_grace: ConfigDuration,
    /// How long a new or changed account looks to searches as it did before. Reads by id do not wait
    /// for it.
    pub search_lag: ConfigDuration,
    /// How long reads by id see a changed account as it was, as if every change took its time.
    pub read_lag: ConfigDuration,
    /// What reading a revoked account by id gives.
    pub revoked_reads: RevokedAccount,
    /// What reading a deleted account gives.
    pub deletion_leaves: DeletedAccount,
    /// What revoking a revoked customer answers: 204, 404 or 400.
    pub second_revoke: u16,
    /// What revoking something that is no portal-only customer answers: 404, or 400 as in an earlier reference.
    pub invalid_revoke: u16,
    /// What a deletion through Customer Service Management answers: 204, 200 or 202.
    pub delete_answer: u16,
    /// Who may use the platform's deletion: Atlassian's articles disagree.
    pub platform_delete_needs: DeleteRole,
    /// How a hidden e-mail address is left out.
    pub hidden_address: HiddenEmail,
    /// Whether experimental calls insist on `X-ExperimentalApi: opt-in` (412 without).
    pub opt_in: bool,
    /// The largest page, whatever size is requested.
    pub page_caps: PageCaps,
    /// How many of the matches a user search can reach at all.
    pub search_window: usize,
    /// How long every call takes.
    pub latency: ConfigDuration,
    /// How far the clock of the `Date` headers is ahead.
    pub date_ahead: ConfigDuration,
    /// How far the clock of the `Date` headers is behind.
    pub date_behind: ConfigDuration,
    /// How much longer a revoke takes.
    pub revoke_latency: ConfigDuration,
    /// How much longer a deletion takes.
    pub delete_latency: ConfigDuration,
    /// Whether the documented burst limits are kept.
    pub burst_limits: bool,
    /// The API tokens (passwords of Basic) and access tokens that are accepted; without a list any that is not empty.
    pub tokens: Option<Vec<String>>,
    /// The OAuth clients, id to secret, that get an access token; without a list any.
    pub clients: Option<BTreeMap<String, String>>,
    /// How long an access token from `/oauth/token` lives.
    pub token_lifetime: ConfigDuration,
    /// Whether the site's own address takes Bearer tokens too. Atlassian's documentation has them at the gateway only.
    pub bearer_at_site: bool,
    /// Scopes that the credentials lack: their calls through the gateway are refused.
    pub missing_scopes: BTreeSet<String>,
    /// What the credentials may do.
    pub permissions: Permissions,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            deletion_grace: ConfigDuration::from_days(14),
            search_lag: ConfigDuration::ZERO,
            read_lag: ConfigDuration::ZERO,
            revoked_reads: RevokedAccount::Inactive,
            deletion_leaves: DeletedAccount::Gone,
            second_revoke: 204,
            invalid_revoke: 404,
            delete_answer: 204,
            platform_delete_needs: DeleteRole::SiteAdmin,
            hidden_address: HiddenEmail::Absent,
            opt_in: true,
            page_caps: PageCaps::default(),
            search_window: 1000,
            latency: ConfigDuration::ZERO,
            date_ahead: ConfigDuration::ZERO,
            date_behind: ConfigDuration::ZERO,
            revoke_latency: ConfigDuration::ZERO,
            delete_latency: ConfigDuration::ZERO,
            burst_limits: false,
            tokens: None,
            clients: None,
            token_lifetime: ConfigDuration::from_hours(1),
            bearer_at_site: true,
            missing_scopes: BTreeSet::new(),
            permissions: Permissions::default(),
        }
    }
}

impl SandboxOptions {
    /// These settings with the keys of `patch` put over them.
    pub(super) fn patched(&self, patch: serde_json::Value) -> Result<Self, String> {
        let mut whole = serde_json::to_value(self).map_err(|error| error.to_string())?;
        lay_over(&mut whole, patch);
        let options: Self = serde_json::from_value(whole).map_err(|error| error.to_string())?;
        allowed("second_revoke", &options.second_revoke, &[204, 404, 400])?;
        allowed("invalid_revoke", &options.invalid_revoke, &[404, 400])?;
        allowed("delete_answer", &options.delete_answer, &[204, 200, 202])?;
        Ok(options)
    }
}

fn lay_over(under: &mut serde_json::Value, over: serde_json::Value) {
    match (under, over) {
        // The clients are a table of the user's own names: it is replaced, not merged, so that one can be taken out.
        (serde_json::Value::Object(under), serde_json::Value::Object(over)) => {
            for (key, value) in over {
                if key == "clients" {
                    under.insert(key, value);
                } else {
                    lay_over(under.entry(key).or_insert(serde_json::Value::Null), value);
                }
            }
        }
        (under, over) => *under = over,
    }
}

fn allowed<T: PartialEq + Display>(key: &str, value: &T, choices: &[T]) -> Result<(), String> {
    if choices.contains(value) {
        return Ok(());
    }
    let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
    Err(format!("`{key}` is one of {}, not {value}", choices.join(", ")))
}

/// How a revoked account looks when it is read on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedAccount {
    /// `"active": false`, as the articles imply.
    Inactive,
    /// `"active": true`: the articles do not say.
    Active,
    /// Not at all: 404.
    Missing,
}

/// What is left of a deleted account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedAccount {
    /// Nothing: 404.
    Gone,
    /// A nameless, inactive shell called `Former user (Deactivated)`.
    FormerUser,
}

/// Who may delete with the platform's call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteRole {
    /// Site admins, as the older article says.
    SiteAdmin,
    /// Organization admins only, as the newer article says.
    OrganizationAdmin,
}

/// How an address that its owner hides is left out of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenEmail {
    /// No `emailAddress` at all.
    Absent,
    /// `"emailAddress": null`.
    Null,
    /// `"emailAddress": ""`.
    Empty,
}

/// The most that one page of each kind of list holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageCaps {
    /// `user/search`.
    pub search: usize,
    /// `users/search`.
    pub scan: usize,
    /// The lists of JSM.
    pub jsm: usize,
    /// `search/jql`.
    pub jql: usize,
}

impl Default for PageCaps {
    fn default() -> Self {
        Self { search: 1000, scan: 1000, jsm: 50, jql: 100 }
    }
}

/// What the credentials may do here. All of it, until something is taken away.
#[expect(clippy::struct_excessive_bools, reason = "each is a box that an administrator ticks")]
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Permissions {
    /// *Browse users and groups*: without it a search finds no account and a read is rejected.
    pub browse_users: bool,
    /// *Administer Jira*: inviting, and deleting customer accounts.
    pub administer: bool,
    /// Site administration: revoking, and the platform's deletion.
    pub site_admin: bool,
    /// Organization administration: revoking, and the platform's deletion.
    pub organization_admin: bool,
    /// An agent: organizations and requests, and reading customer accounts.
    pub agent: bool,
    /// Service desk administration: taking customers off a desk.
    pub desk_admin: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            browse_users: true,
            administer: true,
            site_admin: true,
            organization_admin: true,
            agent: true,
            desk_admin: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let options = SandboxOptions::default()
            .patched(json!({ "deletion_grace": "2d", "permissions": { "agent": false }, "second_revoke": 404 }))
            .unwrap();
        assert_eq!(options.deletion_grace, ConfigDuration::from_days(2));
        assert_eq!(options.second_revoke, 404);
        assert!(!options.permissions.agent);
        assert!(options.permissions.administer);
        assert_eq!(options.page_caps.jsm, PageCaps::default().jsm);
    }

    #[test]
    fn an_unknown_switch_and_a_wrong_choice_are_refused() {
        assert!(SandboxOptions::default().patched(json!({ "deletion_grase": "2d" })).is_err());
        assert!(SandboxOptions::default().patched(json!({ "second_revoke": 418 })).is_err());
        assert!(SandboxOptions::default().patched(json!({ "search_lag": "-1s" })).is_err());
    }
}
