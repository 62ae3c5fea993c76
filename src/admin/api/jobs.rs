//! `/jobs`: open and finished jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::blocked::{BlockedView, Blocks};
use super::extract::Params;
use super::list::List;
use crate::admin::auth::Viewer;
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::case::JobKind;
use crate::domain::ids::{CaseId, JobId, SiteName, SourceName};
use crate::store::{JobFilter, JobRow, JobState};

/// A job inside its case.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobView {
    pub(crate) id: JobId,
    pub(crate) kind: JobKind,
    pub(crate) state: JobState,
    pub(crate) due_at: Timestamp,
    /// The number of finished attempts.
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
}

/// A job in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobListing {
    #[serde(flatten)]
    pub(crate) job: JobView,
    pub(crate) case: CaseId,
    pub(crate) site: SiteName,
    /// `None` for a case that an operator opened.
    #[serde(default)]
    pub(crate) source: Option<SourceName>,
    /// What prevents an open job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) blocked: Vec<BlockedView>,
}

impl From<JobRow> for JobView {
    fn from(row: JobRow) -> Self {
        let JobRow { id, kind, state, due_at, attempts, last_error, case_id: _, site: _, source: _ } = row;
        Self { id, kind, state, due_at, attempts, last_error }
    }
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/jobs",
    tag = "jobs",
    security(("token" = ["viewer"])),
    operation_id = "jobs_list",
    params(
        ("state" = Option<JobState>, Query, description = "Only jobs in this state"),
        ("kind" = Option<JobKind>, Query, description = "Only jobs of this kind"),
        ("limit" = Option<u16>, Query, description = "The maximum number of items: 1 to 500, default 50", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "The `next` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of jobs", body = List<JobListing>),
    )
)]
pub(super) async fn list(
    Viewer(_): Viewer,
    State(admin): State<Arc<AdminState>>,
    mut params: Params,
) -> Result<Json<List<JobListing>>, ApiError> {
    let filter = JobFilter {
        state: params.word("state")?,
        kind: params.word("kind")?,
        cursor: params.cursor()?,
        limit: params.limit()?,
    };
    params.finish()?;
    let page = admin.store.jobs(&filter).await?;
    let blocks = Blocks::read(&admin.store).await?;
    let view = |row: JobRow| {
        let is_open = matches!(row.state, JobState::Queued | JobState::Running);
        let blocked = if is_open { blocks.of(&row.site, row.source.as_ref(), Some(row.kind)) } else { Vec::new() };
        let (case, site, source) = (row.case_id, row.site.clone(), row.source.clone());
        JobListing { case, site, source, blocked, job: row.into() }
    };
    Ok(Json(List::of(page, view)))
}
