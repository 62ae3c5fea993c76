//! Where an admin clicks. Atlassian's administration comes in two layouts, and nothing tells from outside which one an
//! organization has: *centralized* (Users and Groups are under Directory) and *original* (they are under the site). The names
//! are those of Atlassian's support pages.

use crate::atlassian::Auth;

/// To be given a global permission of Jira.
pub(super) fn permission(name: &str) -> String {
    format!(
        "in Jira: Settings → System → Global permissions: see which groups have \"{name}\", and grant it to one if none has. \
         Then make our account a member of it. Centralized layout: admin.atlassian.com → Directory → Groups → the group → \
         Add group members. Original layout: admin.atlassian.com → the site → Groups → the group → Add members"
    )
}

/// To be a site admin, which revoking needs.
pub(super) const SITE_ADMIN: &str = "centralized layout: admin.atlassian.com → Directory → Users → our account → the site's roles. Original layout: \
     admin.atlassian.com → the site → Users → our account → Role";

/// To be let in to the service projects.
pub(super) const SERVICE_PROJECTS: &str = "give our account the app Jira Service Management. Centralized layout: admin.atlassian.com → Directory → Users → our \
     account → Add apps. Original layout: admin.atlassian.com → the site → Users → our account → Product access. In each \
     service project: Project settings → People";

/// To get new credentials.
pub(super) const fn credentials(auth: &Auth) -> &'static str {
    match auth {
        Auth::Basic { .. } => {
            "signed in as our account: id.atlassian.com → Security → API tokens → Create API token; put it where the settings \
             read it. It lives a year at most"
        }
        Auth::Bearer(_) => {
            "make a new token where this one came from, and put it where the settings read it. A token of a service account: \
             admin.atlassian.com → Directory → Service accounts → our account → Create credentials"
        }
        Auth::Client { .. } => {
            "admin.atlassian.com → Directory → Service accounts → our account → Create credentials → OAuth 2.0 (centralized \
             layout only); put id and secret where the settings read them"
        }
    }
}
