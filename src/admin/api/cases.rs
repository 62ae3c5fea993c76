//! `/cases`: list, one case, history.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::extract::{CasePath, Params};
use super::list::List;
use super::view::{self, CaseView, HistoryView};
use crate::admin::auth::Viewer;
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::ids::{CaseId, SiteName};
use crate::domain::person::EmailAddress;
use crate::proof::seal::KeyedHash;
use crate::store::{CaseFilter, CaseRecord, StoreError};

/// Newest first. A viewer cannot filter by email address.
pub(super) async fn list(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    mut params: Params,
) -> Result<Json<List<CaseView>>, ApiError> {
    let email = params.read("email", EmailAddress::parse)?;
    let mut filter = CaseFilter {
        state: params.word("state")?,
        source: params.word("source")?,
        site: params.word("site")?,
        email_hashes: None,
        attention: params.read("attention", |text| text.parse().map_err(|_neither| "expected true or false"))?,
        cursor: params.cursor::<CaseId>()?,
        limit: params.limit()?,
    };
    params.finish()?;
    if let Some(email) = email {
        caller.require_personal_data_access()?;
        filter.email_hashes = Some(hashes(&admin, filter.site.as_ref(), &email).await?);
    }
    let page = admin.store.cases(&filter).await?;
    let items = view::show_all(&admin, page.items, &caller).await?;
    Ok(Json(List { items, next: page.next }))
}

pub(super) async fn show(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    CasePath(id): CasePath,
) -> Result<Json<CaseView>, ApiError> {
    let record = find(&admin, id).await?;
    Ok(Json(view::show(&admin, record, &caller).await?))
}

/// Oldest entry first.
pub(super) async fn history(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    CasePath(id): CasePath,
) -> Result<Json<List<HistoryView>>, ApiError> {
    let record = find(&admin, id).await?;
    let entries = admin.store.history(&record).await?;
    Ok(Json(List::whole(entries.into_iter().map(|entry| HistoryView::of(entry, &caller)).collect())))
}

async fn find(admin: &AdminState, id: CaseId) -> Result<CaseRecord, ApiError> {
    admin.store.case(id).await?.ok_or(ApiError::NotFound("case"))
}

/// The hash of an email address includes the site. Without a site, returns a hash for every configured site and for every
/// site that only old cases have.
async fn hashes(
    admin: &AdminState,
    site: Option<&SiteName>,
    email: &EmailAddress,
) -> Result<Vec<KeyedHash>, StoreError> {
    let mut sites: Vec<SiteName> = site.cloned().into_iter().collect();
    if sites.is_empty() {
        sites.extend(admin.sites.keys().cloned());
        sites.extend(admin.store.count_cases().await?.into_iter().map(|(site, _, _)| site));
        sites.sort_unstable();
        sites.dedup();
    }
    Ok(sites.iter().map(|site| admin.store.key().hash_email(site, email)).collect())
}
