//! The checks that every call passes, and the operation that carries it out.

use axum::http::StatusCode;
use jiff::Timestamp;

use super::call::{Call, Operation};
use super::inbound::{Credentials, Inbound};
use super::limits::BurstStatus;
use super::options::DeleteRole;
use super::response::{ApiError, ErrorFormat, SiteResponse};
use super::state::SandboxState;
use super::{customer_service, gateway, platform, service_desk};

impl SandboxState {
    /// Carries out a call, or rejects it.
    pub(super) fn handle(&mut self, request: &Inbound, call: &Call, now: Timestamp) -> SiteResponse {
        let burst_status = match self.authorize(request, call, now) {
            Ok(burst_status) => burst_status,
            Err(error) => return error.into_response(call.error_format),
        };
        let response = self.execute(request, call, now).unwrap_or_else(|error| error.into_response(call.error_format));
        match burst_status {
            Some(burst_status) => burst_status.add_headers(response),
            None => response,
        }
    }

    /// Checks credentials, scope, rate limit and permission of a call.
    fn authorize(&mut self, request: &Inbound, call: &Call, now: Timestamp) -> Result<Option<BurstStatus>, ApiError> {
        let operation = &call.operation;
        if !operation.is_anonymous() && !self.accepts(request.credentials().as_ref(), call.via_gateway, now) {
            let error =
                ApiError::new(StatusCode::UNAUTHORIZED, "Client must be authenticated to access this resource.");
            return Err(if call.via_gateway { error.in_format(ErrorFormat::Gateway) } else { error });
        }
        let lacks_scope = operation.scope().is_some_and(|scope| self.options.missing_scopes.contains(scope));
        if call.via_gateway && lacks_scope {
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "Unauthorized; scope does not match")
                .in_format(ErrorFormat::Gateway));
        }
        let burst_status = if self.options.burst_limits {
            Some(self.burst_buckets.take(operation, &request.method, now)?)
        } else {
            None
        };
        if self.options.opt_in && operation.is_experimental() && !request.opted_in() {
            let message = "This API is experimental. Set the header X-ExperimentalApi to opt-in to use it.";
            return Err(ApiError::new(StatusCode::PRECONDITION_FAILED, message));
        }
        let permissions = self.options.permissions;
        let platform_delete = permissions.organization_admin
            || (permissions.site_admin && self.options.platform_delete_needs == DeleteRole::SiteAdmin);
        if !operation.may(permissions, platform_delete) {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "You do not have permission to do this."));
        }
        Ok(burst_status)
    }

    fn accepts(&self, credentials: Option<&Credentials>, via_gateway: bool, now: Timestamp) -> bool {
        let listed = |token: &String| self.options.tokens.as_ref().is_none_or(|tokens| tokens.contains(token));
        match credentials {
            None => false,
            Some(Credentials::Basic { password, .. }) => listed(password),
            Some(Credentials::Bearer(_)) if !via_gateway && !self.options.bearer_at_site => false,
            Some(Credentials::Bearer(token)) => match self.access_tokens.get(token) {
                Some(expires_at) => now < *expires_at,
                None => listed(token),
            },
        }
    }

    fn execute(&mut self, request: &Inbound, call: &Call, now: Timestamp) -> Result<SiteResponse, ApiError> {
        match &call.operation {
            Operation::TenantInfo => Ok(gateway::tenant_info(self)),
            Operation::Token => gateway::token(self, request, now),
            Operation::ServerInfo => Ok(platform::server_info(request, now)),
            Operation::Myself => platform::myself(self, request, call),
            Operation::Permissions => platform::permissions(self, request),
            Operation::Search => platform::search(self, request, call, now),
            Operation::Scan => platform::scan(self, request, call, now),
            Operation::ReadUser => platform::read(self, request, call, now),
            Operation::DeleteUser => platform::delete(self, request, now),
            Operation::SearchRequests => platform::search_requests(self, request, call),
            Operation::Revoke { account } => service_desk::revoke(self, account, now),
            Operation::Invite => service_desk::invite(self, request, call, now),
            Operation::ListOrganizations => service_desk::organizations(self, request, call),
            Operation::OrganizationMembers { organization } => {
                service_desk::organization_members(self, request, call, organization)
            }
            Operation::DetachOrganization { organization } => {
                service_desk::leave_organization(self, request, organization)
            }
            Operation::ListDesks => service_desk::desks(self, request, call),
            Operation::DeskCustomers { desk } => service_desk::desk_customers(self, request, call, desk, now),
            Operation::DetachDesk { desk } => service_desk::leave_desk(self, request, desk),
            Operation::DetachRequest { key } => service_desk::leave_request(self, request, call, key),
            Operation::ReadCustomer { account } => customer_service::read(self, account, now),
            Operation::DeleteCustomer { account } => customer_service::delete(self, account, now),
            Operation::Unknown => Err(unknown_path(request)),
        }
    }
}

fn unknown_path(request: &Inbound) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("The sandbox does not know {} {}.", request.method, request.path))
}
