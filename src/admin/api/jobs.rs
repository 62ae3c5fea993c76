//! `/jobs`: open and finished jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::extract::Params;
use super::list::List;
use crate::admin::auth::Viewer;
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::case::JobKind;
use crate::domain::ids::{CaseId, JobId, SiteName};
use crate::store::{JobFilter, JobRow, JobState};

/// A job inside its case.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobListing {
    #[serde(flatten)]
    pub(crate) job: JobView,
    pub(crate) case: CaseId,
    pub(crate) site: SiteName,
}

impl From<JobRow> for JobView {
    fn from(row: JobRow) -> Self {
        let JobRow { id, kind, state, due_at, attempts, last_error, case_id: _, site: _ } = row;
        Self { id, kind, state, due_at, attempts, last_error }
    }
}

/// Newest first.
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
    let view = |row: JobRow| JobListing { case: row.case_id, site: row.site.clone(), job: row.into() };
    Ok(Json(List::of(page, view)))
}
