//! The shapes of the answers, as Atlassian's OpenAPI documents have them: users, JSM's users, and pages.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::account::{Account, Facts, State};
use super::call::Call;
use super::inbound::Inbound;
use super::options::HiddenEmail;
use super::state::SandboxState;

const TIME_ZONE: &str = "Europe/Berlin";

/// Builds answers for one caller: links lead back to the address that was called.
#[derive(Debug)]
pub(super) struct Shapes {
    base: String,
    hidden: HiddenEmail,
}

impl Shapes {
    pub(super) fn of(state: &SandboxState, request: &Inbound, call: &Call) -> Self {
        let mut base = request.base();
        if call.via_gateway {
            base = format!("{base}/ex/jira/{}", state.cloud_id());
        }
        Self { base, hidden: state.options.hidden_address }
    }

    /// The platform's `User`, as it stands in lists.
    pub(super) fn user(&self, account: &Account, facts: &Facts) -> Map<String, Value> {
        let mut user = Map::new();
        user.insert("self".to_owned(), self.user_link(&account.id).into());
        user.insert("accountId".to_owned(), account.id.clone().into());
        user.insert("accountType".to_owned(), facts.account_type.name().into());
        if let Some(address) = self.address(facts) {
            user.insert("emailAddress".to_owned(), address);
        }
        user.insert("avatarUrls".to_owned(), self.avatars());
        user.insert("displayName".to_owned(), facts.shown_name().into());
        user.insert("active".to_owned(), facts.active().into());
        user.insert("timeZone".to_owned(), TIME_ZONE.into());
        user.insert("locale".to_owned(), "en_US".into());
        user
    }

    /// The platform's `User`, as a read of one gives it.
    pub(super) fn whole_user(&self, account: &Account, facts: &Facts) -> Map<String, Value> {
        let mut user = self.user(account, facts);
        user.insert("groups".to_owned(), json!({ "size": 0, "items": [] }));
        user.insert("applicationRoles".to_owned(), json!({ "size": 0, "items": [] }));
        user.insert("expand".to_owned(), "groups,applicationRoles".into());
        user
    }

    /// JSM's `UserDTO`.
    pub(super) fn customer(&self, account: &Account, facts: &Facts) -> Value {
        let mut customer = Map::new();
        customer.insert("accountId".to_owned(), account.id.clone().into());
        if let Some(address) = self.address(facts) {
            customer.insert("emailAddress".to_owned(), address);
        }
        customer.insert("displayName".to_owned(), facts.shown_name().into());
        customer.insert("active".to_owned(), facts.active().into());
        customer.insert("timeZone".to_owned(), TIME_ZONE.into());
        let link = self.user_link(&account.id);
        customer.insert("_links".to_owned(), json!({ "jiraRest": link, "avatarUrls": self.avatars(), "self": link }));
        customer.into()
    }

    /// A link to something of JSM's.
    pub(super) fn service_desk_link(&self, path: &str) -> String {
        format!("{}/rest/servicedeskapi/{path}", self.base)
    }

    /// A link to an issue.
    pub(super) fn issue_link(&self, id: &str) -> String {
        format!("{}/rest/api/3/issue/{id}", self.base)
    }

    /// JSM's paged list: the part of `all` that `start` and `limit` request and `cap` allows.
    pub(super) fn page(
        &self,
        request: &Inbound,
        cap: usize,
        all: &[Value],
    ) -> Result<Value, super::response::ApiError> {
        let start = request.number("start", 0)?;
        let limit = request.number("limit", cap)?.clamp(1, cap.max(1));
        let values: Vec<&Value> = all.iter().skip(start).take(limit).collect();
        let end = start + values.len();
        let is_last = end >= all.len();
        let link = |start: usize| format!("{}{}?start={start}&limit={limit}", self.base, request.path);
        let mut links = json!({ "base": self.base, "context": "", "self": link(start) });
        if let Some(links) = links.as_object_mut() {
            if !is_last {
                links.insert("next".to_owned(), link(end).into());
            }
            if start > 0 {
                links.insert("prev".to_owned(), link(start.saturating_sub(limit)).into());
            }
        }
        Ok(json!({
            "_expands": [],
            "size": values.len(),
            "start": start,
            "limit": limit,
            "isLastPage": is_last,
            "_links": links,
            "values": values,
        }))
    }

    /// The address as others see it: `None` when the property is missing.
    fn address(&self, facts: &Facts) -> Option<Value> {
        let shown = if facts.state == State::Deleted || facts.hidden { None } else { facts.email.clone() };
        match (shown, self.hidden) {
            (Some(address), _) => Some(address.into()),
            (None, HiddenEmail::Absent) => None,
            (None, HiddenEmail::Null) => Some(Value::Null),
            (None, HiddenEmail::Empty) => Some("".into()),
        }
    }

    fn user_link(&self, id: &str) -> String {
        format!("{}/rest/api/3/user?accountId={}", self.base, utf8_percent_encode(id, NON_ALPHANUMERIC))
    }

    fn avatars(&self) -> Value {
        let avatar = |size: u32| format!("{}/secure/useravatar?size={size}", self.base);
        json!({ "48x48": avatar(48), "24x24": avatar(24), "16x16": avatar(16), "32x32": avatar(32) })
    }
}
