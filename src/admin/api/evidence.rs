//! `/evidence` and `/cases/{id}/evidence`: signed files as plain text, and the public key.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::case_path::CasePath;
use super::extract::Params;
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::ids::PolicyName;

/// Which end of a period a date names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The beginning of the day.
    From,
    /// The end of the day: the period includes it.
    To,
}

/// Not for viewers: the salt lets the reader check which email address a case is about.
#[utoipa::path(
    get,
    path = "/cases/{id}/evidence",
    tag = "evidence",
    security(("token" = ["operator"])),
    operation_id = "evidence_of_case",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    responses(
        (status = 200, description = "The signed proof of the case", body = String, content_type = "text/plain"),
    )
)]
pub(super) async fn of_case(
    Operator(_): Operator,
    State(admin): State<Arc<AdminState>>,
    CasePath(id): CasePath,
) -> Result<Response, ApiError> {
    let policy_of_source =
        |source: &str| -> Option<PolicyName> { Some(admin.sources.get(&source.parse().ok()?)?.policy.clone()) };
    let now = admin.clock.now();
    let file = admin.store.evidence_of_case(id, policy_of_source, &admin.evidence_key, now).await?;
    Ok(text(file.ok_or(ApiError::NotFound("case"))?))
}

/// The signed list of all cases of a period.
#[utoipa::path(
    get,
    path = "/evidence",
    tag = "evidence",
    security(("token" = ["operator"])),
    operation_id = "evidence_of_period",
    params(
        ("from" = String, Query, description = "The first day in UTC, or a time with a zone", example = "2026-01-01"),
        ("to" = String, Query, description = "The last day in UTC, which is included, or a time with a zone", example = "2026-03-31"),
    ),
    responses(
        (status = 200, description = "The signed list of all cases of the period", body = String, content_type = "text/plain"),
    )
)]
pub(super) async fn of_period(
    Operator(_): Operator,
    State(admin): State<Arc<AdminState>>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let from = params.read("from", |text| read_instant(text, End::From))?;
    let to = params.read("to", |text| read_instant(text, End::To))?;
    params.finish()?;
    let from = from.ok_or_else(|| missing("from"))?;
    let to = to.ok_or_else(|| missing("to"))?;
    if from >= to {
        return Err(ApiError::Parameter { name: "to".to_owned(), problem: "must be later than `from`".to_owned() });
    }
    Ok(text(admin.store.evidence_of_period(from, to, &admin.evidence_key, admin.clock.now()).await?))
}

/// The public key that verifies evidence.
#[utoipa::path(
    get,
    path = "/evidence/key",
    tag = "evidence",
    security(("token" = ["viewer"])),
    operation_id = "evidence_key",
    responses(
        (status = 200, description = "The public key that verifies evidence", body = String, content_type = "text/plain"),
    )
)]
pub(super) async fn key(Viewer(_): Viewer, State(admin): State<Arc<AdminState>>) -> Response {
    text(admin.evidence_key.public().line() + "\n")
}

fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn missing(name: &str) -> ApiError {
    ApiError::Parameter { name: name.to_owned(), problem: "required: a date or a time with a zone".to_owned() }
}

/// A time with a zone, or a day in UTC.
fn read_instant(text: &str, end: End) -> Result<Timestamp, &'static str> {
    const EXPECTED: &str = "expected a date like 2026-01-31, or a time with a zone like 2026-01-31T12:00:00Z";
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let day: Date = text.parse().map_err(|_not_a_date| EXPECTED)?;
    let day = match end {
        End::From => day,
        End::To => day.checked_add(1.day()).map_err(|_out_of_range| EXPECTED)?,
    };
    day.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).map_err(|_out_of_range| EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_day_of_a_period_is_included() {
        let read = |text, end| read_instant(text, end).map(|instant| instant.to_string());
        assert_eq!(read("2026-01-31", End::From).as_deref(), Ok("2026-01-31T00:00:00Z"));
        assert_eq!(read("2026-01-31", End::To).as_deref(), Ok("2026-02-01T00:00:00Z"));
        assert_eq!(read("2026-01-31T10:00:00+02:00", End::To).as_deref(), Ok("2026-01-31T08:00:00Z"));
        assert!(read("January", End::From).is_err());
    }
}
