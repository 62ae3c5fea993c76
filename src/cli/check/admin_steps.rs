//! Instructions for Atlassian's administration. It has two layouts, and no API reports which one an organization uses:
//! *centralized* (Users and Groups are under Directory) and *original* (they are under the site). The names are those of
//! Atlassian's support pages.

use crate::atlassian::Auth;

/// How to grant a global permission of Jira.
pub(super) fn permission(name: &str) -> String {
    format!(
        "in Jira: Settings → System → Global permissions: find a group that has \"{name}\", or grant it to one. \
         Add the configured account to that group. Centralized layout: admin.atlassian.com → Directory → Groups → the group → \
         Add group members. Original layout: admin.atlassian.com → the site → Groups → the group → Add members"
    )
}

/// How to make the account a site admin, which the revoke requires.
pub(super) const SITE_ADMIN: &str = "centralized layout: admin.atlassian.com → Directory → Users → the configured account → the site's roles. Original layout: \
     admin.atlassian.com → the site → Users → the configured account → Role";

/// How to give the account access to the service projects.
pub(super) const SERVICE_PROJECTS: &str = "give the configured account the app Jira Service Management. Centralized layout: admin.atlassian.com → Directory → Users → the \
     configured account → Add apps. Original layout: admin.atlassian.com → the site → Users → the configured account → Product access. In each \
     service project: Project settings → People";

/// How to create new credentials.
pub(super) const fn credentials(auth: &Auth) -> &'static str {
    match auth {
        Auth::Basic { .. } => {
            "sign in as the configured account: id.atlassian.com → Security → API tokens → Create API token; store it where \
             the settings read it. It is valid for one year at most"
        }
        Auth::Bearer(_) => {
            "create a new token and store it where the settings read it. A token of a service account: \
             admin.atlassian.com → Directory → Service accounts → the configured account → Create credentials"
        }
        Auth::Client { .. } => {
            "admin.atlassian.com → Directory → Service accounts → the configured account → Create credentials → OAuth 2.0 (centralized \
             layout only); store id and secret where the settings read them"
        }
    }
}
