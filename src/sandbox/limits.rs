//! The documented burst limits: per endpoint and method, a bucket that refills every second.
//!
//! Atlassian documents the limits, the headers and that `Retry-After` is in seconds; that it is a bucket which refills
//! evenly is our reading.

use std::collections::HashMap;

use axum::http::{HeaderName, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::call::Operation;
use super::response::{ApiError, SiteResponse};

/// What is left of each bucket.
#[derive(Debug, Default)]
pub(super) struct BurstBuckets(HashMap<(&'static str, Method), Bucket>);

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

/// What the headers of an answer say about the bucket that the call was taken from.
#[derive(Debug, Clone, Copy)]
pub(super) struct BurstStatus {
    limit: u32,
    remaining: f64,
}

impl BurstBuckets {
    /// Takes one call out of its bucket, or refuses it.
    pub(super) fn take(&mut self, call: &Operation, method: &Method, now: Timestamp) -> Result<BurstStatus, ApiError> {
        let limit = per_second(call, method);
        let full = f64::from(limit);
        let bucket = self.0.entry((endpoint(call), method.clone())).or_insert_with(|| Bucket { left: full, at: now });
        let since = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.left = (bucket.left + since * full).min(full);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(exceeded(limit, now));
        }
        bucket.left -= 1.0;
        Ok(BurstStatus { limit, remaining: bucket.left })
    }
}

impl BurstStatus {
    /// The same response with the headers that state the remaining budget.
    pub(super) fn add_headers(self, response: SiteResponse) -> SiteResponse {
        let near = self.remaining < f64::from(self.limit) * 0.2;
        response
            .with_header(HeaderName::from_static("x-ratelimit-limit"), &self.limit.to_string())
            .with_header(HeaderName::from_static("x-ratelimit-remaining"), &format!("{:.0}", self.remaining.floor()))
            .with_header(HeaderName::from_static("x-ratelimit-nearlimit"), if near { "true" } else { "false" })
    }
}

fn exceeded(limit: u32, now: Timestamp) -> ApiError {
    let reset = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now);
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.")
        .with_header("retry-after", "1")
        .with_header("x-ratelimit-limit", limit.to_string())
        .with_header("x-ratelimit-remaining", "0")
        .with_header("x-ratelimit-reset", reset.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .with_header("x-ratelimit-nearlimit", "true")
        .with_header("ratelimit-reason", "jira-burst-based")
}

fn per_second(call: &Operation, method: &Method) -> u32 {
    if matches!(call, Operation::ReadUser) {
        150
    } else if matches!(call, Operation::DeskCustomers { .. }) {
        5
    } else if matches!(*method, Method::PUT | Method::DELETE) {
        50
    } else {
        100
    }
}

/// A name for each path, whatever ids are in it.
const fn endpoint(call: &Operation) -> &'static str {
    match call {
        Operation::TenantInfo => "tenant_info",
        Operation::Token => "token",
        Operation::ServerInfo => "serverInfo",
        Operation::Myself => "myself",
        Operation::Permissions => "mypermissions",
        Operation::Search => "user/search",
        Operation::Scan => "users/search",
        Operation::ReadUser | Operation::DeleteUser => "user",
        Operation::ReadCustomer { .. } | Operation::DeleteCustomer { .. } => "customer/account",
        Operation::Revoke { .. } => "revoke",
        Operation::Invite => "customer",
        Operation::ListOrganizations => "organization",
        Operation::OrganizationMembers { .. } | Operation::DetachOrganization { .. } => "organization/user",
        Operation::ListDesks => "servicedesk",
        Operation::DeskCustomers { .. } | Operation::DetachDesk { .. } => "servicedesk/customer",
        Operation::SearchRequests => "search/jql",
        Operation::DetachRequest { .. } => "request/participant",
        Operation::Unknown => "unknown",
    }
}
