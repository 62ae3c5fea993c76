//! `/jobs`: what is queued, and what was.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::List;
use super::extract::Params;
use crate::admin::AdminState;
use crate::admin::auth::Viewer;
use crate::admin::error::ApiError;
use crate::domain::case::JobKind;
use crate::domain::ids::{CaseId, JobId, SiteName};
use crate::store::{JobFilter, JobRow, JobState};

/// A job as it is shown with its case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// What to do.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// When it is due.
    pub due_at: Timestamp,
    /// How many attempts failed or finished it.
    pub attempts: u32,
    /// What the last attempt came to, if it failed.
    pub last_error: Option<String>,
}

/// A job as it is listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobListing {
    /// The job.
    #[serde(flatten)]
    pub job: JobView,
    /// Whose.
    pub case: CaseId,
    /// Where.
    pub site: SiteName,
}

impl From<JobRow> for JobView {
    fn from(row: JobRow) -> Self {
        let JobRow { id, kind, state, due_at, attempts, last_error, case_id: _, site: _ } = row;
        Self { id, kind, state, due_at, attempts, last_error }
    }
}

/// Jobs, newest first.
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
