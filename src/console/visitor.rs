//! Who looks at a page: the operator of the session, the language, the theme.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;
use super::fields::{Fields, Query};
use super::i18n::{Lang, Texts};
use super::session;
use super::time::Calendar;
use crate::admin::{AdminState, ApiResponse, Caller, InProcess};
use crate::domain::ids::PolicyName;
use crate::domain::operator::Role;

/// What every page needs.
#[derive(Debug)]
pub(crate) struct Console {
    pub(super) admin: Arc<AdminState>,
    pub(super) api: InProcess,
    /// The effective settings, with references to secrets only.
    pub(super) settings: String,
}

/// Language, theme and address of a page.
#[derive(Debug, Clone)]
pub(super) struct Preferences {
    pub(super) t: Texts,
    /// `light` or `dark`; otherwise the system's.
    pub(super) theme: &'static str,
    /// The path and query of this page, without the language.
    pub(super) here: String,
}

impl Preferences {
    pub(super) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let fields = Fields::of(uri);
        let language = fields
            .get("lang")
            .and_then(Lang::parse)
            .or_else(|| session::cookie(headers, "lang").and_then(Lang::parse))
            .or_else(|| {
                let header = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
                Some(Lang::preferred(header))
            });
        let theme = match session::cookie(headers, "theme") {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "auto",
        };
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let query = pairs.filter(|(name, _)| name != "lang");
        let query = query.fold(Query::default(), |query, (name, value)| query.with(&name, value));
        Self { t: Texts(language.unwrap_or(Lang::En)), theme, here: query.on(uri.path()) }
    }
}

/// A visitor who is signed in.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) console: Arc<Console>,
    pub(super) caller: Caller,
    pub(super) preferences: Preferences,
    pub(super) now: Timestamp,
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Failure> {
        let preferences = Preferences::of(&parts.headers, &parts.uri);
        let Some(caller) = session::caller(&console.admin, &parts.headers).await? else {
            // After the sign-in a form would be sent again without its values: its page is shown instead.
            let next = if parts.method == Method::GET { preferences.here } else { "/".to_owned() };
            return Err(Failure::SignIn(next));
        };
        Ok(Self { console: Arc::clone(console), caller, preferences, now: console.admin.clock.now() })
    }
}

impl Visitor {
    pub(super) fn t(&self) -> Texts {
        self.preferences.t
    }

    pub(super) fn admin(&self) -> &AdminState {
        &self.console.admin
    }

    pub(super) fn is_operator(&self) -> bool {
        self.caller.role >= Role::Operator
    }

    pub(super) fn is_approver(&self) -> bool {
        self.caller.role >= Role::Approver
    }

    pub(super) fn require(&self, role: Role) -> Result<(), Failure> {
        if self.caller.role >= role { Ok(()) } else { Err(Failure::RoleTooLow(role)) }
    }

    /// Reads from the API.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let response = self.console.api.call(&self.caller, Method::GET, path, None).await;
        read(&self.checked(response)?)
    }

    /// Reads what the API may not have yet for this object.
    pub(super) async fn get_if_any<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Failure> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a text from the API.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        let response = self.console.api.call(&self.caller, Method::GET, path, None).await;
        Ok(self.checked(response)?.text())
    }

    /// Changes something through the API.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        let response = self.console.api.call(&self.caller, Method::POST, path, Some(body)).await;
        read(&self.checked(response)?)
    }

    /// Sends a CSV file to the API.
    pub(super) async fn send_text<T: DeserializeOwned>(&self, path: &str, text: &str) -> Result<T, Failure> {
        let response = self.console.api.send_csv(&self.caller, path, text).await;
        read(&self.checked(response)?)
    }

    /// The response, unless it is a problem.
    fn checked(&self, response: ApiResponse) -> Result<ApiResponse, Failure> {
        if response.status.is_success() {
            return Ok(response);
        }
        let problem: Value = response.json().unwrap_or_default();
        let detail = problem.get("detail").and_then(Value::as_str).unwrap_or_default().to_owned();
        Err(match (response.status, self.caller.role) {
            (StatusCode::NOT_FOUND, _) => Failure::NotFound,
            (StatusCode::FORBIDDEN, Role::Viewer) => Failure::RoleTooLow(Role::Operator),
            (StatusCode::FORBIDDEN, Role::Operator) => Failure::RoleTooLow(Role::Approver),
            (StatusCode::CONFLICT | StatusCode::FORBIDDEN, _) => Failure::Refused(detail),
            (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, _) => Failure::Invalid(detail),
            _ => Failure::Unavailable,
        })
    }

    /// The zone of a policy.
    pub(super) fn calendar(&self, policy: Option<&PolicyName>) -> Calendar {
        let zone = policy.and_then(|policy| self.admin().policies.get(policy)).map(|policy| policy.timezone.clone());
        Calendar { language: self.t().0, zone: zone.unwrap_or_else(|| self.zone()) }
    }

    /// The zone of pages that are about no single case: that of most policies.
    fn zone(&self) -> TimeZone {
        let zones: Vec<&TimeZone> = self.admin().policies.values().map(|policy| &policy.timezone).collect();
        let count = |zone: &&TimeZone| zones.iter().filter(|other| other == &zone).count();
        // The first of equals, as the settings are sorted.
        let most = zones.iter().copied().rev().max_by_key(count);
        most.cloned().unwrap_or(TimeZone::UTC)
    }
}

fn read<T: DeserializeOwned>(response: &ApiResponse) -> Result<T, Failure> {
    response.json().map_err(|error| {
        tracing::error!(%error, "console: a response of the API cannot be read");
        Failure::Unavailable
    })
}
