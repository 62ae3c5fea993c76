//! Extractors for query parameters, path and body. An error names the expected form and never repeats the value.

use std::fmt::Display;
use std::str::FromStr;

use axum::RequestPartsExt as _;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::case::Stage;
use crate::domain::ids::{SiteName, SourceName};

/// The default page size.
const LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The query parameters. Reading one removes it; [`Params::finish`] rejects the rest.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        // `state=` is the same as no `state`.
        Ok(Self(pairs.into_owned().filter(|(_, value)| !value.is_empty()).collect()))
    }
}

impl Params {
    /// A configured site, or one that has cases.
    pub(super) async fn known_site(&mut self, admin: &AdminState) -> Result<Option<SiteName>, ApiError> {
        let Some(site) = self.word::<SiteName>("site")? else { return Ok(None) };
        if admin.sites.contains_key(&site) || admin.store.is_known_site(&site).await? {
            return Ok(Some(site));
        }
        Err(unknown("site", admin.sites.keys()))
    }

    /// A configured source, or one that delivered or has cases.
    pub(super) async fn known_source(&mut self, admin: &AdminState) -> Result<Option<SourceName>, ApiError> {
        let Some(source) = self.word::<SourceName>("source")? else { return Ok(None) };
        if admin.sources.contains_key(&source) || admin.store.is_known_source(&source).await? {
            return Ok(Some(source));
        }
        Err(unknown("source", admin.sources.keys()))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ApiError> {
        self.read(name, |text| text.parse().map_err(|_neither| "expected true or false"))
    }

    pub(super) fn read<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        let Some(at) = self.0.iter().position(|(given, _)| given == name) else { return Ok(None) };
        let (name, value) = self.0.remove(at);
        parse(&value).map(Some).map_err(|error| ApiError::Parameter { name, problem: error.to_string() })
    }

    pub(super) fn word<T>(&mut self, name: &'static str) -> Result<Option<T>, ApiError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.read(name, str::parse)
    }

    pub(super) fn cursor<T: FromStr>(&mut self) -> Result<Option<T>, ApiError> {
        self.read("cursor", |text| text.parse().map_err(|_not_ours| "expected the `next` of an earlier page"))
    }

    pub(super) fn limit(&mut self) -> Result<usize, ApiError> {
        let limit = self.read("limit", |text| match text.parse() {
            Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            _ => Err(format!("expected a number from 1 to {MAX_LIMIT}")),
        })?;
        Ok(limit.unwrap_or(LIMIT))
    }

    /// Rejects unread parameters: a misspelled filter would return every item.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                Err(ApiError::Parameter { name, problem: "unknown, or given more than once".to_owned() })
            }
        }
    }
}

fn unknown(name: &str, known: impl Iterator<Item = impl Display>) -> ApiError {
    let known: Vec<String> = known.map(|name| name.to_string()).collect();
    ApiError::Parameter { name: name.to_owned(), problem: format!("expected one of: {}", known.join(", ")) }
}

/// Parses the path parameter. An invalid name is reported as not found.
async fn named<T: FromStr>(parts: &mut Parts, what: &'static str) -> Result<T, ApiError> {
    let Path(text) = parts.extract::<Path<String>>().await.map_err(|_not_text| ApiError::NotFound(what))?;
    text.parse().map_err(|_not_a_name| ApiError::NotFound(what))
}

macro_rules! path_extractors {
    ($($(#[$doc:meta])* $extractor:ident($type:ty) = $what:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $extractor(pub(super) $type);

        impl<S: Sync> FromRequestParts<S> for $extractor {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
                named(parts, $what).await.map(Self)
            }
        }
    )+};
}

path_extractors! {
    SourcePath(SourceName) = "source",
    SitePath(SiteName) = "site",
}

/// A JSON body. An empty body counts as `{}`.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let too_large = rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
            if too_large { ApiError::TooLarge } else { ApiError::NotJson }
        })?;
        if bytes.trim_ascii().is_empty() {
            read(b"{}").map(Self)
        } else if is_json {
            read(&bytes).map(Self)
        } else {
            Err(ApiError::MediaType)
        }
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// A reason, and the link of a notice that the decision uses up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldBody {
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// The one-time link of a notice that was opened for this decision.
    #[serde(default)]
    pub(super) link: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WithdrawBody {
    /// The action of the approval. Optional here, so that the error of a missing value names the key.
    #[serde(default, rename = "for")]
    #[schema(value_type = Stage, required = true)]
    pub(super) stage: Option<Stage>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalBody {
    /// The approved action. Optional here, so that the error of a missing value names the key.
    #[serde(default, rename = "for")]
    #[schema(value_type = Stage, required = true)]
    pub(super) stage: Option<Stage>,
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// The one-time link of a notice that was opened for this decision.
    #[serde(default)]
    pub(super) link: Option<String>,
}

/// The action that a body must name.
pub(super) fn named_stage(stage: Option<Stage>) -> Result<Stage, ApiError> {
    let missing = || ApiError::Body { key: "for".to_owned(), problem: "expected one of: revoke, delete".to_owned() };
    stage.ok_or_else(missing)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let key = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            ApiError::Body { key, problem: without_value(&error.to_string()) }
        } else {
            ApiError::NotJson
        }
    })?;
    reader.end().map_err(|_trailing| ApiError::NotJson)?;
    Ok(value)
}

/// Removes the value, which may be personal data, and the position from a message of serde.
fn without_value(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are tested")]
    struct Sample {
        email: crate::domain::person::EmailAddress,
    }

    fn error_of(text: &str) -> String {
        read::<Sample>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn invalid_body_is_reported_by_expectation_without_its_value() {
        assert_eq!(error_of(r#"{"email":"ann at example.com"}"#), "`email`: not an e-mail address");
        assert_eq!(error_of(r#"{"email":42}"#), "`email`: expected a string");
        assert_eq!(error_of(r#"{"emial":"ann@example.com"}"#), "`emial`: expected `email`");
        assert_eq!(error_of("{}"), "`.`: missing field `email`");
        assert_eq!(error_of(r#"{"email":"ann@example.com"} x"#), "the body is not valid JSON");
        assert_eq!(error_of("ann@example.com"), "the body is not valid JSON");
    }

    #[test]
    fn unread_parameters_are_rejected() {
        let params = |text: &str| {
            Params(
                form_urlencoded::parse(text.as_bytes()).into_owned().filter(|(_, value)| !value.is_empty()).collect(),
            )
        };
        assert_eq!(params("limit=").limit().unwrap(), LIMIT);
        assert_eq!(params("limit=500").limit().unwrap(), 500);
        for bad in ["limit=0", "limit=501", "limit=-1", "limit=many"] {
            assert!(params(bad).limit().is_err(), "{bad}");
        }
        let mut twice = params("limit=1&limit=2");
        assert_eq!(twice.limit().unwrap(), 1);
        assert!(twice.finish().is_err());
        assert!(params("emial=x").finish().is_err());
    }
}
