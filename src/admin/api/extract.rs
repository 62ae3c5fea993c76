//! Reading a request: query parameters, path and body, each refused with what was expected, never repeating a value.

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

use crate::admin::error::ApiError;
use crate::domain::case::Stage;

/// How many items a page has if nothing is said, and at most.
const LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The query parameters of a request. Each is taken out as it is read; [`Params::finish`] refuses what is left.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        // `state=` says as little as no `state` at all.
        Ok(Self(pairs.into_owned().filter(|(_, value)| !value.is_empty()).collect()))
    }
}

impl Params {
    /// A parameter, if it is there.
    pub(super) fn read<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        let Some(at) = self.0.iter().position(|(given, _)| given == name) else { return Ok(None) };
        let (name, value) = self.0.remove(at);
        parse(&value).map(Some).map_err(|error| ApiError::Parameter { name, problem: error.to_string() })
    }

    /// A parameter that is one of our own words.
    pub(super) fn word<T>(&mut self, name: &'static str) -> Result<Option<T>, ApiError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.read(name, str::parse)
    }

    /// Where the page begins.
    pub(super) fn cursor<T: FromStr>(&mut self) -> Result<Option<T>, ApiError> {
        self.read("cursor", |text| text.parse().map_err(|_not_ours| "expected the `next` of an earlier page"))
    }

    /// How many items the page has.
    pub(super) fn limit(&mut self) -> Result<usize, ApiError> {
        let limit = self.read("limit", |text| match text.parse() {
            Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            _ => Err(format!("expected a number from 1 to {MAX_LIMIT}")),
        })?;
        Ok(limit.unwrap_or(LIMIT))
    }

    /// Refuses what nobody read: a misspelt filter would show everything.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                Err(ApiError::Parameter { name, problem: "not known here, or given more than once".to_owned() })
            }
        }
    }
}

/// What a path names: a `case`, a `source`. What cannot be a name names nothing.
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
    /// The case that the path names.
    CasePath(crate::domain::ids::CaseId) = "case",
    /// The delivery that the path names.
    DeliveryPath(crate::domain::ids::DeliveryId) = "delivery",
    /// The source that the path names.
    SourcePath(crate::domain::ids::SourceName) = "source",
    /// The site that the path names.
    SitePath(crate::domain::ids::SiteName) = "site",
}

/// A JSON body. None at all counts as `{}`.
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

/// ReasonBody an operator does something.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    /// In the operator's own words.
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// Which action is approved, or no longer approved, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalBody {
    /// The action. Required: without it the answer names the field.
    #[serde(default, rename = "for")]
    stage: Option<Stage>,
    /// In the operator's own words.
    #[serde(default)]
    reason: Option<String>,
}

impl ApprovalBody {
    /// The action and the reason.
    pub(super) fn named(self) -> Result<(Stage, ReasonBody), ApiError> {
        let missing =
            || ApiError::Body { key: "for".to_owned(), problem: "expected one of: revoke, delete".to_owned() };
        Ok((self.stage.ok_or_else(missing)?, ReasonBody { reason: self.reason }))
    }
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

/// What serde says, without the value that it met (which may be somebody's) and without the place in the text.
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
    #[expect(dead_code, reason = "only how it is refused matters")]
    struct Sample {
        email: crate::domain::person::EmailAddress,
    }

    fn refusal(text: &str) -> String {
        read::<Sample>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_body_is_refused_with_what_was_expected_and_without_what_was_there() {
        assert_eq!(refusal(r#"{"email":"ann at example.com"}"#), "`email`: not an e-mail address");
        assert_eq!(refusal(r#"{"email":42}"#), "`email`: expected a string");
        assert_eq!(refusal(r#"{"emial":"ann@example.com"}"#), "`emial`: expected `email`");
        assert_eq!(refusal("{}"), "`.`: missing field `email`");
        assert_eq!(refusal(r#"{"email":"ann@example.com"} x"#), "the body is not JSON");
        assert_eq!(refusal("ann@example.com"), "the body is not JSON");
    }

    #[test]
    fn parameters_are_read_once_and_what_is_left_is_refused() {
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
