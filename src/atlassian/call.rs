//! Every endpoint that the daemon calls: its name in metrics and failures, its path, its rate limit, and the required
//! permissions. Facts are from Atlassian's API reference (JSM, Jira platform v3, Customer Service Management v1).
//! Management v1).

use reqwest::Method;

use crate::domain::named;

/// One endpoint and method: what Atlassian's burst limits go by, and so do pacing and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Users whose name or address begins with a text.
    Search,
    /// Everyone, page by page.
    Scan,
    /// One account.
    Read,
    /// Take the access to the portal away.
    Revoke,
    /// One account, as Customer Service Management has it.
    ReadCustomerAccount,
    /// Delete a customer account.
    DeleteCustomerAccount,
    /// Delete an account of any type.
    DeleteUser,
    /// The organizations of an account, or all.
    Organizations,
    /// The members of an organization.
    OrganizationMembers,
    /// Take an account out of an organization.
    LeaveOrganization,
    /// All service desks.
    ServiceDesks,
    /// Take an account off a service desk.
    LeaveServiceDesk,
    /// The open requests in which an account takes part.
    OpenRequests,
    /// Take an account off a request.
    LeaveRequest,
    /// Invite a customer.
    Reinvite,
    /// Who we are.
    Myself,
    /// What we may do.
    Permissions,
    /// What the site is.
    ServerInfo,
    /// Which cloud id the site has.
    TenantInfo,
    /// An access token for an OAuth client.
    Token,
}

named!(Call {
    Search = "search",
    Scan = "scan",
    Read = "read",
    Revoke = "revoke",
    ReadCustomerAccount = "read_customer_account",
    DeleteCustomerAccount = "delete_customer_account",
    DeleteUser = "delete_user",
    Organizations = "organizations",
    OrganizationMembers = "organization_members",
    LeaveOrganization = "leave_organization",
    ServiceDesks = "service_desks",
    LeaveServiceDesk = "leave_service_desk",
    OpenRequests = "open_requests",
    LeaveRequest = "leave_request",
    Reinvite = "reinvite",
    Myself = "myself",
    Permissions = "permissions",
    ServerInfo = "server_info",
    TenantInfo = "tenant_info",
    Token = "token",
});

/// The API that an endpoint belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// Jira and JSM: at the site, or through the gateway.
    Jira,
    /// Customer Service Management: only through the gateway.
    CustomerService,
    /// At the site itself and without credentials, whatever the settings say: it shows whether the URL is right.
    Anonymous,
    /// Where OAuth clients get their access tokens.
    OAuth,
}

/// Where an endpoint is. `{}` in the path stands for the one id in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    pub(super) method: &'static Method,
    pub(super) api: Api,
    pub(super) path: &'static str,
    /// Whether the call requires `X-ExperimentalApi: opt-in` (412 otherwise).
    pub(super) experimental: bool,
}

impl Call {
    /// Whether the call changes anything at Atlassian.
    pub(super) const fn changes_something(self) -> bool {
        match self {
            Self::Revoke
            | Self::DeleteCustomerAccount
            | Self::DeleteUser
            | Self::LeaveOrganization
            | Self::LeaveServiceDesk
            | Self::LeaveRequest
            | Self::Reinvite => true,
            Self::Search
            | Self::Scan
            | Self::Read
            | Self::ReadCustomerAccount
            | Self::Organizations
            | Self::OrganizationMembers
            | Self::ServiceDesks
            | Self::OpenRequests
            | Self::Myself
            | Self::Permissions
            | Self::ServerInfo
            | Self::TenantInfo
            | Self::Token => false,
        }
    }

    pub(super) const fn endpoint(self) -> Endpoint {
        const GET: &Method = &Method::GET;
        const POST: &Method = &Method::POST;
        const PUT: &Method = &Method::PUT;
        const DELETE: &Method = &Method::DELETE;
        match self {
            Self::Search => jira(GET, "/rest/api/3/user/search"),
            Self::Scan => jira(GET, "/rest/api/3/users/search"),
            Self::Read => jira(GET, "/rest/api/3/user"),
            Self::Revoke => jira(PUT, "/rest/servicedeskapi/customer/user/{}/revoke-portal-only-access"),
            Self::ReadCustomerAccount => Endpoint {
                method: GET,
                api: Api::CustomerService,
                path: "/api/v1/customer/account/{}",
                experimental: true,
            },
            Self::DeleteCustomerAccount => Endpoint {
                method: DELETE,
                api: Api::CustomerService,
                path: "/api/v1/customer/account/{}",
                experimental: true,
            },
            Self::DeleteUser => jira(DELETE, "/rest/api/3/user"),
            Self::Organizations => jira(GET, "/rest/servicedeskapi/organization"),
            Self::OrganizationMembers => jira(GET, "/rest/servicedeskapi/organization/{}/user"),
            Self::LeaveOrganization => jira(DELETE, "/rest/servicedeskapi/organization/{}/user"),
            Self::ServiceDesks => jira(GET, "/rest/servicedeskapi/servicedesk"),
            Self::LeaveServiceDesk => {
                Endpoint { experimental: true, ..jira(DELETE, "/rest/servicedeskapi/servicedesk/{}/customer") }
            }
            Self::OpenRequests => jira(POST, "/rest/api/3/search/jql"),
            Self::LeaveRequest => jira(DELETE, "/rest/servicedeskapi/request/{}/participant"),
            Self::Reinvite => jira(POST, "/rest/servicedeskapi/customer"),
            Self::Myself => jira(GET, "/rest/api/3/myself"),
            Self::Permissions => jira(GET, "/rest/api/3/mypermissions"),
            Self::ServerInfo => Endpoint { api: Api::Anonymous, ..jira(GET, "/rest/api/3/serverInfo") },
            Self::TenantInfo => Endpoint { api: Api::Anonymous, ..jira(GET, "/_edge/tenant_info") },
            Self::Token => Endpoint { api: Api::OAuth, ..jira(POST, "/oauth/token") },
        }
    }

    /// The documented burst: so many requests a second for each tenant, endpoint and method.
    pub(super) fn burst(self) -> u32 {
        let method = self.endpoint().method;
        if self == Self::Read {
            150
        } else if method == Method::PUT || method == Method::DELETE {
            50
        } else {
            100
        }
    }

    /// Whether the call is about the site and the daemon's account only, so that its response attributes other
    /// rejections.
    pub(super) const fn is_about_the_site(self) -> bool {
        matches!(self, Self::Myself | Self::Permissions | Self::ServerInfo | Self::TenantInfo | Self::Token)
    }

    /// Whether a 404 concerns one account. For every other call it means that the API does not exist.
    pub(super) const fn is_about_an_account(self) -> bool {
        matches!(
            self,
            Self::Read
                | Self::Revoke
                | Self::ReadCustomerAccount
                | Self::DeleteCustomerAccount
                | Self::DeleteUser
                | Self::LeaveOrganization
                | Self::LeaveServiceDesk
                | Self::LeaveRequest
        )
    }

    /// Which calls share one limit: Atlassian counts those that search for users together.
    pub(super) const fn limit(self) -> Self {
        if matches!(self, Self::Scan) { Self::Search } else { self }
    }

    /// What our account needs for it, for an admin who has to grant it.
    pub(super) const fn needs(self) -> &'static str {
        match self {
            Self::Search | Self::Scan | Self::Read => "the global permission \"Browse users and groups\"",
            Self::Revoke => "to be a site admin (OAuth and scoped tokens: the scope manage:servicedesk-customer)",
            Self::DeleteCustomerAccount => {
                "the global permission \"Administer Jira\", in some organizations the role organization admin (OAuth and \
                 scoped tokens: the scope write:customer:jira-service-management)"
            }
            Self::ReadCustomerAccount => {
                "access to Jira Service Management (OAuth and scoped tokens: the scope \
                 read:customer:jira-service-management)"
            }
            Self::DeleteUser => "to be an organization admin or, in some organizations, a site admin",
            Self::Organizations
            | Self::OrganizationMembers
            | Self::LeaveOrganization
            | Self::OpenRequests
            | Self::LeaveRequest => "to be an agent of the service projects",
            Self::ServiceDesks | Self::LeaveServiceDesk => "to be an administrator of the service projects",
            Self::Reinvite => "the global permission \"Administer Jira\"",
            Self::Myself | Self::Permissions => "access to Jira",
            Self::ServerInfo | Self::TenantInfo => "nothing: a proxy or an allowlist of addresses is in the way",
            Self::Token => "an OAuth client that is not disabled",
        }
    }
}

const fn jira(method: &'static Method, path: &'static str) -> Endpoint {
    Endpoint { method, api: Api::Jira, path, experimental: false }
}
