//! The Jira platform's calls: `/rest/api/3`.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::account::{Account, AccountType, Facts, State};
use super::call::Call;
use super::inbound::{Credentials, Inbound};
use super::jql::{self, Condition};
use super::options::{DeletedAccount, RevokedAccount};
use super::response::{ApiError, SiteResponse};
use super::shapes::Shapes;
use super::state::SandboxState;

/// `GET serverInfo`
pub(super) fn server_info(request: &Inbound, now: Timestamp) -> SiteResponse {
    SiteResponse::ok(&json!({
        "baseUrl": request.base(),
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_283,
        "buildDate": "2026-09-01T00:00:00.000+0000",
        "serverTime": now.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
        "scmInfo": "0000000000000000000000000000000000000000",
        "serverTitle": "Jira",
        "defaultLocale": { "locale": "en_US" },
    }))
}

/// `GET myself`
pub(super) fn myself(state: &SandboxState, request: &Inbound, call: &Call) -> Result<SiteResponse, ApiError> {
    let people = || {
        state
            .accounts
            .values()
            .filter(|account| account.facts.active() && account.facts.account_type == AccountType::Atlassian)
    };
    let named = match request.credentials() {
        Some(Credentials::Basic { user, .. }) => people().find(|account| account.facts.has_address(&user)),
        Some(Credentials::Bearer(_)) | None => None,
    };
    let me = named.or_else(|| people().next()).ok_or_else(no_user)?;
    Ok(SiteResponse::ok(&Shapes::of(state, request, call).whole_user(me, &me.facts).into()))
}

/// `GET mypermissions`
pub(super) fn permissions(state: &SandboxState, request: &Inbound) -> Result<SiteResponse, ApiError> {
    let keys = request
        .parameter("permissions")
        .filter(|keys| !keys.is_empty())
        .ok_or_else(|| ApiError::bad_request("The 'permissions' query parameter is required."))?;
    let mut response = Map::new();
    for key in keys.split(',').map(str::trim) {
        let (id, name, kind, have) = match key {
            "ADMINISTER" => ("0", "Administer Jira", "GLOBAL", state.options.permissions.administer),
            "USER_PICKER" => ("27", "Browse users and groups", "GLOBAL", state.options.permissions.browse_users),
            "SERVICEDESK_AGENT" => ("-1", "Service ServiceDesk Agent", "PROJECT", state.options.permissions.agent),
            "ADMINISTER_PROJECTS" => ("23", "Administer Projects", "PROJECT", state.options.permissions.desk_admin),
            other => return Err(ApiError::bad_request(format!("Unrecognized permission: {other}"))),
        };
        let permission = json!({
            "id": id, "key": key, "name": name, "type": kind, "description": name, "havePermission": have,
        });
        response.insert(key.to_owned(), permission);
    }
    Ok(SiteResponse::ok(&json!({ "permissions": response })))
}

/// `GET user/search`: prefixes, active accounts only, as they were before the lag; none without the permission.
pub(super) fn search(
    state: &SandboxState,
    request: &Inbound,
    call: &Call,
    now: Timestamp,
) -> Result<SiteResponse, ApiError> {
    let query = request.parameter("query").map(|query| query.to_lowercase());
    let id = request.parameter("accountId");
    if query.is_none() && id.is_none() {
        return Err(ApiError::bad_request("One of 'accountId', 'query' or 'property' must be given."));
    }
    let matches = |account: &Account, facts: &Facts| {
        facts.active()
            && query.as_ref().is_none_or(|query| facts.matches(query))
            && id.as_ref().is_none_or(|id| account.id == *id)
    };
    let found = if state.options.permissions.browse_users { indexed(state, now, matches) } else { Vec::new() };
    let reachable = found.get(..state.options.search_window).unwrap_or(&found);
    list_users(state, request, call, reachable, state.options.page_caps.search)
}

/// `GET users/search`: all accounts, including inactive ones and apps.
pub(super) fn scan(
    state: &SandboxState,
    request: &Inbound,
    call: &Call,
    now: Timestamp,
) -> Result<SiteResponse, ApiError> {
    let all = indexed(state, now, |_, facts| facts.state != State::Deleted);
    list_users(state, request, call, &all, state.options.page_caps.scan)
}

/// The accounts that fit, as searches know them.
pub(super) fn indexed(
    state: &SandboxState,
    now: Timestamp,
    fits: impl Fn(&Account, &Facts) -> bool,
) -> Vec<(&Account, &Facts)> {
    let then = earlier(now, state.options.search_lag.get());
    let known = state.accounts.values().filter_map(|account| Some((account, account.as_of(then)?)));
    known.filter(|(account, facts)| fits(account, facts)).collect()
}

/// The instant `lag` before `now`.
pub(super) fn earlier(now: Timestamp, lag: SignedDuration) -> Timestamp {
    now.saturating_sub(lag).unwrap_or(Timestamp::MIN)
}

fn list_users(
    state: &SandboxState,
    request: &Inbound,
    call: &Call,
    found: &[(&Account, &Facts)],
    cap: usize,
) -> Result<SiteResponse, ApiError> {
    let start = request.number("startAt", 0)?;
    let limit = request.number("maxResults", 50)?.min(cap);
    let shapes = Shapes::of(state, request, call);
    let page = found.iter().skip(start).take(limit);
    let users: Vec<Value> = page.map(|(account, facts)| shapes.user(account, facts).into()).collect();
    Ok(SiteResponse::ok(&users.into()))
}

/// `GET user`
pub(super) fn read(
    state: &SandboxState,
    request: &Inbound,
    call: &Call,
    now: Timestamp,
) -> Result<SiteResponse, ApiError> {
    let id = account_id(request)?;
    let account = state.accounts.get(&id).ok_or_else(no_user)?;
    let facts = account.as_of(earlier(now, state.options.read_lag.get())).ok_or_else(no_user)?;
    let shown_active = match facts.state {
        State::Present => true,
        State::Revoked => match state.options.revoked_reads {
            RevokedAccount::Inactive => false,
            RevokedAccount::Active => true,
            RevokedAccount::Missing => return Err(no_user()),
        },
        State::Deleted => match state.options.deletion_leaves {
            DeletedAccount::Gone => return Err(no_user()),
            DeletedAccount::FormerUser => false,
        },
    };
    let mut user = Shapes::of(state, request, call).whole_user(account, facts);
    user.insert("active".to_owned(), shown_active.into());
    Ok(SiteResponse::ok(&user.into()))
}

/// `DELETE user`: takes any account, licensed people too. Only apps are safe.
pub(super) fn delete(state: &mut SandboxState, request: &Inbound, now: Timestamp) -> Result<SiteResponse, ApiError> {
    let id = account_id(request)?;
    let account = state.existing_account(&id).ok_or_else(no_user)?;
    if account.facts.account_type == AccountType::App {
        return Err(ApiError::bad_request("The user cannot be removed."));
    }
    account.delete(now);
    Ok(SiteResponse::empty(StatusCode::NO_CONTENT).with_changed(true))
}

/// `POST search/jql`: requests only, and only by the conditions that the removal of a participant needs.
pub(super) fn search_requests(state: &SandboxState, request: &Inbound, call: &Call) -> Result<SiteResponse, ApiError> {
    let body: SearchBody = request.json()?;
    let conditions = jql::parse(&body.jql).map_err(|clause| {
        ApiError::bad_request(format!("Error in the JQL Query: the sandbox cannot read '{clause}'."))
    })?;
    let start = match body.next_page_token {
        None => 0,
        Some(token) => usize::from_str_radix(token.trim_start_matches("page-"), 16)
            .ok()
            .ok_or_else(|| ApiError::bad_request("The provided next page token is invalid or expired."))?,
    };
    let limit = body.max_results.unwrap_or(50).clamp(1, state.options.page_caps.jql.max(1));
    let shapes = Shapes::of(state, request, call);
    let fits = |request: &super::memberships::Request| {
        conditions.iter().all(|condition| match condition {
            Condition::Participant(account) => request.participants.contains(account),
            Condition::Reporter(account) => request.reporter == *account,
            Condition::NotDone => !request.done,
        })
    };
    let numbered = (10_001..).zip(state.memberships.requests.values());
    let found: Vec<Value> = numbered
        .filter(|(_, request)| fits(request))
        .map(|(id, request): (u32, _)| {
            let id = id.to_string();
            let fields = issue_fields(request, &body.fields);
            json!({ "expand": "", "id": id, "self": shapes.issue_link(&id), "key": request.key, "fields": fields })
        })
        .collect();
    let issues: Vec<&Value> = found.iter().skip(start).take(limit).collect();
    let end = start + issues.len();
    let mut response = json!({ "issues": issues, "isLast": end >= found.len() });
    if let Some(response) = response.as_object_mut()
        && end < found.len()
    {
        response.insert("nextPageToken".to_owned(), format!("page-{end:x}").into());
    }
    Ok(SiteResponse::ok(&response))
}

/// The requested fields of an issue.
fn issue_fields(request: &super::memberships::Request, wanted: &[String]) -> Value {
    let all = [("summary", json!(request.summary)), ("status", json!({ "name": request.status_name() }))];
    let wanted = |name: &str| wanted.iter().any(|field| field == name);
    all.into_iter().filter(|(name, _)| wanted(name)).map(|(name, value)| (name.to_owned(), value)).collect()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchBody {
    jql: String,
    #[serde(default)]
    fields: Vec<String>,
    max_results: Option<usize>,
    next_page_token: Option<String>,
}

fn account_id(request: &Inbound) -> Result<String, ApiError> {
    request.parameter("accountId").ok_or_else(|| ApiError::bad_request("The 'accountId' query parameter is required."))
}

fn no_user() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "Specified user does not exist or you do not have required permissions")
}
