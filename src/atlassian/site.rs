//! One Atlassian Cloud site, and the credentials for it.

use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use crate::domain::guard::Protection;
use crate::domain::ids::SiteName;
use crate::domain::named;

/// One Atlassian Cloud site, and the credentials for it.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the settings call it.
    pub name: SiteName,
    /// `https://SITE.atlassian.net`.
    pub url: Url,
    /// Needed for everything that goes through the gateway, and for the Customer Service Management API.
    pub cloud_id: Option<String>,
    /// `https://api.atlassian.com`.
    pub gateway: Url,
    /// Whether the Jira and JSM calls go through the gateway too: OAuth and scoped tokens work only there.
    pub via_gateway: bool,
    /// Who we are there.
    pub auth: Auth,
    /// Which call deletes.
    pub delete_with: DeleteWith,
    /// How long Atlassian keeps a deleted account before it is gone.
    pub deletion_grace: SignedDuration,
    /// How long after the end of the deletion grace a deleted account is looked for a last time; zero: not at all.
    pub look_back: SignedDuration,
    /// Who is never touched.
    pub protect: Protection,
    /// When an account that was not found is looked for again, each counted from the look before.
    pub look_again: Vec<SignedDuration>,
    /// How often a re-hired person's account is read, to see that access was granted.
    pub watch_grant: SignedDuration,
    /// What happens when an erased address has an account again.
    pub watch_erased: WatchErased,
    /// How often that is looked for.
    pub watch_erased_every: SignedDuration,
    /// How often a paused site is probed.
    pub probe_every: SignedDuration,
    /// How often a site that is not paused is probed when nothing is called there; zero: never.
    pub probe_idle: SignedDuration,
    /// How many jobs of this site run at the same time: this many that revoke or restore access, and this many others.
    pub concurrency: usize,
    /// How long one call may take.
    pub timeout: SignedDuration,
}

/// Who we are at a site.
#[derive(Debug, Clone)]
pub enum Auth {
    /// An API token, as the password of its owner's address.
    Basic {
        /// The owner's address.
        email: String,
        /// The token.
        token: SecretString,
    },
    /// An access token as it is.
    Bearer(SecretString),
    /// OAuth 2.0 client credentials of a service account: exchanged for an access token, and again when that expires.
    Client {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: SecretString,
    },
}

/// What happens when an erased email address has an account again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WatchErased {
    /// Nothing; it is not looked for.
    #[default]
    Ignore,
    /// A case needs attention.
    Attention,
    /// The access of the new account is revoked, within approvals and brake.
    Revoke,
}

named!(WatchErased { Ignore = "ignore", Attention = "attention", Revoke = "revoke" });

/// Which call deletes an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeleteWith {
    /// Customer Service Management's `DELETE /api/v1/customer/account/{id}`: takes customer accounts only.
    #[default]
    CustomerAccount,
    /// The Jira platform's `DELETE /rest/api/3/user`: takes any account, so only behind the type guard.
    JiraUser,
}

named!(DeleteWith { CustomerAccount = "customer-account", JiraUser = "jira-user" });
