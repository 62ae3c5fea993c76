//! Which call a request is. One table: method and path on the left, the call on the right.

use axum::http::Method;
use serde::{Deserialize, Serialize};

use super::inbound::Inbound;
use super::options::Permissions;
use super::response::ErrorFormat;

/// The calls by the names that the log and the faults use. They name what is wanted, not the path: `read` is both the
/// platform's and Customer Service Management's, and so is `delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallName {
    /// `GET /_edge/tenant_info`
    TenantInfo,
    /// `POST /oauth/token`
    Token,
    /// `GET /rest/api/3/serverInfo`
    ServerInfo,
    /// `GET /rest/api/3/myself`
    Myself,
    /// `GET /rest/api/3/mypermissions`
    Permissions,
    /// `GET /rest/api/3/user/search`
    Search,
    /// `GET /rest/api/3/users/search`
    Scan,
    /// `GET /rest/api/3/user`, or the customer account of Customer Service Management
    Read,
    /// `PUT /rest/servicedeskapi/customer/user/{accountId}/revoke-portal-only-access`
    Revoke,
    /// `DELETE /rest/api/3/user`, or the customer account of Customer Service Management
    Delete,
    /// `POST /rest/servicedeskapi/customer`
    Invite,
    /// `GET /rest/servicedeskapi/organization`
    ListOrganizations,
    /// `GET /rest/servicedeskapi/organization/{id}/user`
    OrganizationMembers,
    /// `DELETE /rest/servicedeskapi/organization/{id}/user`
    DetachOrganization,
    /// `GET /rest/servicedeskapi/servicedesk`
    ListDesks,
    /// `GET /rest/servicedeskapi/servicedesk/{id}/customer`
    DeskCustomers,
    /// `DELETE /rest/servicedeskapi/servicedesk/{id}/customer`
    DetachDesk,
    /// `POST /rest/api/3/search/jql`
    SearchRequests,
    /// `DELETE /rest/servicedeskapi/request/{key}/participant`
    DetachRequest,
    /// Anything else.
    Unknown,
}

/// The requested operation.
#[derive(Debug)]
pub(super) enum Operation {
    TenantInfo,
    Token,
    ServerInfo,
    Myself,
    Permissions,
    Search,
    Scan,
    ReadUser,
    ReadCustomer { account: String },
    Revoke { account: String },
    DeleteUser,
    DeleteCustomer { account: String },
    Invite,
    ListOrganizations,
    OrganizationMembers { organization: String },
    DetachOrganization { organization: String },
    ListDesks,
    DeskCustomers { desk: String },
    DetachDesk { desk: String },
    SearchRequests,
    DetachRequest { key: String },
    Unknown,
}

/// A request understood.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) operation: Operation,
    /// Whether it came through the gateway's address.
    pub(super) via_gateway: bool,
    pub(super) error_format: ErrorFormat,
}

impl Call {
    /// Parses a request; `is_here` returns whether a cloud id is that of this site.
    pub(super) fn of(request: &Inbound, is_here: impl Fn(&str) -> bool) -> Self {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["ex", "jira", cloud, rest @ ..] if is_here(cloud) => Self::at(&request.method, rest, true),
            ["jsm", "csm", "cloudid", cloud, rest @ ..] if is_here(cloud) => Self {
                operation: customer_service(&request.method, rest),
                via_gateway: true,
                error_format: ErrorFormat::Gateway,
            },
            ["oauth", "token"] if request.method == Method::POST => {
                Self { operation: Operation::Token, via_gateway: true, error_format: ErrorFormat::Authorization }
            }
            ["ex" | "jsm" | "oauth", ..] => {
                Self { operation: Operation::Unknown, via_gateway: true, error_format: ErrorFormat::Gateway }
            }
            segments => Self::at(&request.method, segments, false),
        }
    }

    fn at(method: &Method, segments: &[&str], via_gateway: bool) -> Self {
        let (operation, error_format) = match segments {
            ["rest", "api", "3", rest @ ..] => (platform(method, rest), ErrorFormat::Platform),
            ["rest", "servicedeskapi", rest @ ..] => (service_desk(method, rest), ErrorFormat::ServiceDesk),
            ["_edge", "tenant_info"] if *method == Method::GET => (Operation::TenantInfo, ErrorFormat::Platform),
            _ => (Operation::Unknown, ErrorFormat::Platform),
        };
        Self { operation, via_gateway, error_format }
    }
}

fn platform(method: &Method, path: &[&str]) -> Operation {
    match (method.as_str(), path) {
        ("GET", ["serverInfo"]) => Operation::ServerInfo,
        ("GET", ["myself"]) => Operation::Myself,
        ("GET", ["mypermissions"]) => Operation::Permissions,
        ("GET", ["user", "search"]) => Operation::Search,
        ("GET", ["users", "search"] | ["users"]) => Operation::Scan,
        ("GET", ["user"]) => Operation::ReadUser,
        ("DELETE", ["user"]) => Operation::DeleteUser,
        ("POST", ["search", "jql"]) => Operation::SearchRequests,
        _ => Operation::Unknown,
    }
}

fn service_desk(method: &Method, path: &[&str]) -> Operation {
    let owned = |text: &str| text.to_owned();
    match (method.as_str(), path) {
        ("POST", ["customer"]) => Operation::Invite,
        ("PUT", ["customer", "user", account, "revoke-portal-only-access"]) => {
            Operation::Revoke { account: owned(account) }
        }
        ("GET", ["organization"]) => Operation::ListOrganizations,
        ("GET", ["organization", id, "user"]) => Operation::OrganizationMembers { organization: owned(id) },
        ("DELETE", ["organization", id, "user"]) => Operation::DetachOrganization { organization: owned(id) },
        ("GET", ["servicedesk"]) => Operation::ListDesks,
        ("GET", ["servicedesk", id, "customer"]) => Operation::DeskCustomers { desk: owned(id) },
        ("DELETE", ["servicedesk", id, "customer"]) => Operation::DetachDesk { desk: owned(id) },
        ("DELETE", ["request", key, "participant"]) => Operation::DetachRequest { key: owned(key) },
        _ => Operation::Unknown,
    }
}

fn customer_service(method: &Method, path: &[&str]) -> Operation {
    match (method.as_str(), path) {
        ("GET", ["api", "v1", "customer", "account", account]) => {
            Operation::ReadCustomer { account: (*account).to_owned() }
        }
        ("DELETE", ["api", "v1", "customer", "account", account]) => {
            Operation::DeleteCustomer { account: (*account).to_owned() }
        }
        _ => Operation::Unknown,
    }
}

impl Operation {
    /// Its name in the log.
    pub(super) const fn name(&self) -> CallName {
        match self {
            Self::TenantInfo => CallName::TenantInfo,
            Self::Token => CallName::Token,
            Self::ServerInfo => CallName::ServerInfo,
            Self::Myself => CallName::Myself,
            Self::Permissions => CallName::Permissions,
            Self::Search => CallName::Search,
            Self::Scan => CallName::Scan,
            Self::ReadUser | Self::ReadCustomer { .. } => CallName::Read,
            Self::Revoke { .. } => CallName::Revoke,
            Self::DeleteUser | Self::DeleteCustomer { .. } => CallName::Delete,
            Self::Invite => CallName::Invite,
            Self::ListOrganizations => CallName::ListOrganizations,
            Self::OrganizationMembers { .. } => CallName::OrganizationMembers,
            Self::DetachOrganization { .. } => CallName::DetachOrganization,
            Self::ListDesks => CallName::ListDesks,
            Self::DeskCustomers { .. } => CallName::DeskCustomers,
            Self::DetachDesk { .. } => CallName::DetachDesk,
            Self::SearchRequests => CallName::SearchRequests,
            Self::DetachRequest { .. } => CallName::DetachRequest,
            Self::Unknown => CallName::Unknown,
        }
    }

    /// The account that the call is about, if it is about one.
    pub(super) fn account(&self, request: &Inbound) -> Option<String> {
        match self {
            Self::ReadCustomer { account } | Self::Revoke { account } | Self::DeleteCustomer { account } => {
                Some(account.clone())
            }
            Self::DetachOrganization { .. } | Self::DetachDesk { .. } | Self::DetachRequest { .. } => {
                request.json::<AccountIds>().ok()?.account_ids.into_iter().next()
            }
            Self::ReadUser | Self::DeleteUser | Self::ListOrganizations => request.parameter("accountId"),
            Self::TenantInfo
            | Self::Token
            | Self::ServerInfo
            | Self::Myself
            | Self::Permissions
            | Self::Search
            | Self::Scan
            | Self::Invite
            | Self::OrganizationMembers { .. }
            | Self::ListDesks
            | Self::DeskCustomers { .. }
            | Self::SearchRequests
            | Self::Unknown => None,
        }
    }

    /// Whether it is answered without credentials.
    pub(super) const fn is_anonymous(&self) -> bool {
        matches!(self, Self::TenantInfo | Self::Token | Self::ServerInfo)
    }

    /// Whether it needs `X-ExperimentalApi: opt-in`.
    pub(super) const fn is_experimental(&self) -> bool {
        matches!(self, Self::DeskCustomers { .. } | Self::DetachDesk { .. } | Self::DeleteCustomer { .. })
    }

    /// Whether these permissions are sufficient. A search is always allowed; without the permission it finds no account.
    pub(super) const fn may(&self, permissions: Permissions, platform_delete: bool) -> bool {
        match self {
            Self::Scan | Self::ReadUser => permissions.browse_users,
            Self::Revoke { .. } => permissions.site_admin || permissions.organization_admin,
            Self::DeleteUser => platform_delete,
            Self::DeleteCustomer { .. } | Self::Invite => permissions.administer,
            Self::ReadCustomer { .. }
            | Self::ListOrganizations
            | Self::OrganizationMembers { .. }
            | Self::DetachOrganization { .. }
            | Self::ListDesks
            | Self::DeskCustomers { .. }
            | Self::SearchRequests
            | Self::DetachRequest { .. } => permissions.agent,
            Self::DetachDesk { .. } => permissions.desk_admin,
            Self::TenantInfo
            | Self::Token
            | Self::ServerInfo
            | Self::Myself
            | Self::Permissions
            | Self::Search
            | Self::Unknown => true,
        }
    }

    /// The scope that a token at the gateway needs for it.
    pub(super) const fn scope(&self) -> Option<&'static str> {
        match self {
            Self::Myself | Self::Permissions | Self::Search | Self::Scan | Self::ReadUser => Some("read:jira-user"),
            Self::SearchRequests => Some("read:jira-work"),
            Self::DeleteUser => Some("manage:jira-configuration"),
            Self::ReadCustomer { .. } => Some("read:customer:jira-service-management"),
            Self::DeleteCustomer { .. } => Some("write:customer:jira-service-management"),
            Self::Revoke { .. }
            | Self::Invite
            | Self::DetachOrganization { .. }
            | Self::DeskCustomers { .. }
            | Self::DetachDesk { .. } => Some("manage:servicedesk-customer"),
            Self::ListOrganizations | Self::OrganizationMembers { .. } | Self::ListDesks => {
                Some("read:servicedesk-request")
            }
            Self::DetachRequest { .. } => Some("write:servicedesk-request"),
            Self::TenantInfo | Self::Token | Self::ServerInfo | Self::Unknown => None,
        }
    }
}

/// The body of the calls that take accounts off something.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountIds {
    pub(super) account_ids: Vec<String>,
}
