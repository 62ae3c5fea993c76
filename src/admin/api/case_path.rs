//! The case that a path names: by its id, by a unique end of it, or by an email address.

use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::admin::auth::Caller;
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::ids::{CaseId, SiteName};
use crate::domain::person::EmailAddress;
use crate::proof::seal::KeyedHash;
use crate::store::{CaseFilter, StoreError};

/// The minimum number of characters of an end.
pub(crate) const SHORTEST_END: usize = 4;

const ID_LENGTH: usize = 36;

/// Enough to find the open cases of one email address: there is one for each site.
const MOST_OF_ADDRESS: usize = 500;

/// What an email address does not find. A closed case is found by the keyed hash of its address until it expires.
const CASE_OF_ADDRESS: &str =
    "case: none that is kept has this email address; name it by its id, or list the cases of the person id";

#[derive(Debug)]
pub(super) struct CasePath(pub(super) CaseId);

impl FromRequestParts<Arc<AdminState>> for CasePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<AdminState>) -> Result<Self, ApiError> {
        let Path(name) = parts.extract::<Path<String>>().await.map_err(|_not_text| ApiError::NotFound("case"))?;
        let caller = parts.extensions.get::<Caller>().ok_or(ApiError::Unauthorized)?;
        find(admin, caller, &name).await.map(Self)
    }
}

/// Finds the case that a caller names.
async fn find(admin: &AdminState, caller: &Caller, name: &str) -> Result<CaseId, ApiError> {
    if name.contains('@') {
        caller.require_personal_data_access()?;
        let email = EmailAddress::parse(name).map_err(|_not_an_address| ApiError::NotFound(CASE_OF_ADDRESS))?;
        return of_address(admin, &email).await;
    }
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let end = end_of_id(name).ok_or(ApiError::NotFound("case"))?;
    match admin.store.cases_ending(&end).await?.as_slice() {
        [] => Err(ApiError::NotFound("case")),
        [id] => Ok(*id),
        _ => Err(ApiError::Conflict("several cases end like this: write more of the id".to_owned())),
    }
}

/// The end of an id, as ids are stored.
pub(super) fn end_of_id(name: &str) -> Option<String> {
    let end = name.to_ascii_lowercase();
    let is_end = end.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (is_end && (SHORTEST_END..ID_LENGTH).contains(&end.len())).then_some(end)
}

/// The open case of an email address or, without one, the newest closed case.
async fn of_address(admin: &AdminState, email: &EmailAddress) -> Result<CaseId, ApiError> {
    let hashes = address_hashes(admin, None, email).await?;
    let filter = CaseFilter { email_hashes: Some(hashes), limit: MOST_OF_ADDRESS, ..CaseFilter::default() };
    let cases = admin.store.cases(&filter).await?.items;
    let open: Vec<_> = cases.iter().filter(|record| record.case.closed_at().is_none()).collect();
    match (open.as_slice(), cases.first()) {
        ([record], _) => Ok(record.case.id),
        ([], Some(newest)) => Ok(newest.case.id),
        ([], None) => Err(ApiError::NotFound(CASE_OF_ADDRESS)),
        (several, _) => {
            let ids: Vec<String> = several.iter().map(|record| record.case.id.to_string()).collect();
            Err(ApiError::Conflict(format!(
                "this address has several open cases, name one by its id: {}",
                ids.join(", ")
            )))
        }
    }
}

/// The hash of an email address includes the site. Without a site, returns a hash for every configured site and for every
/// site that only old cases have.
pub(super) async fn address_hashes(
    admin: &AdminState,
    site: Option<&SiteName>,
    email: &EmailAddress,
) -> Result<Vec<KeyedHash>, StoreError> {
    let mut sites: Vec<SiteName> = site.cloned().into_iter().collect();
    if sites.is_empty() {
        sites.extend(admin.sites.keys().cloned());
        sites.extend(admin.store.sites_of_cases().await?);
        sites.sort_unstable();
        sites.dedup();
    }
    Ok(sites.iter().map(|site| admin.store.key().hash_email(site, email)).collect())
}
