//! `/cases`: list, one case, history, requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::case_path::{CasePath, address_hashes};
use super::extract::Params;
use super::list::List;
use super::view::{self, CaseView, HistoryView};
use crate::admin::auth::{Operator, Viewer};
use crate::admin::error::{ApiError, ProblemView};
use crate::admin::ports::DeskPerson;
use crate::admin::state::AdminState;
use crate::domain::case::{Hold, StateName};
use crate::domain::desk_request::DeskRequest;
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::person::{EmailAddress, PersonId};
use crate::proof::seal::KeyedHash;
use crate::store::{CaseFilter, CaseRecord, CaseSort, StoreError};

/// Newest first, or with `sort=next` by what happens next. A viewer cannot filter by person.
#[utoipa::path(
    get,
    path = "/cases",
    tag = "cases",
    security(("token" = ["viewer"])),
    operation_id = "cases_list",
    params(
        ("state" = Option<StateName>, Query, description = "Only cases in this state"),
        ("source" = Option<SourceName>, Query, description = "Only cases of this source"),
        ("site" = Option<SiteName>, Query, description = "Only cases of this site"),
        ("email" = Option<String>, Query, description = "Only cases of exactly this email address, also after it was shredded; not for viewers"),
        ("person_id" = Option<String>, Query, description = "Only cases of exactly this person id, also after it was shredded; not for viewers"),
        ("held" = Option<Hold>, Query, description = "Only cases held for this reason"),
        ("attention" = Option<bool>, Query, description = "Only cases that need attention, or only those that do not"),
        ("sort" = Option<CaseSort>, Query, description = "`newest` (default), or `next`: by the due time of the open job"),
        ("limit" = Option<u16>, Query, description = "The maximum number of items: 1 to 500, default 50", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "The `next` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of cases", body = List<CaseView>),
        (status = 403, description = "A viewer sees no personal data", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    mut params: Params,
) -> Result<Json<List<CaseView>>, ApiError> {
    let email = params.read("email", EmailAddress::parse)?;
    let person_id = params.read("person_id", PersonId::parse)?;
    let mut filter = CaseFilter {
        state: params.word("state")?,
        source: params.known_source(&admin).await?,
        site: params.known_site(&admin).await?,
        email_hashes: None,
        person_hashes: None,
        held: params.word("held")?,
        attention: params.flag("attention")?,
        sort: params.word("sort")?.unwrap_or_default(),
        cursor: params.cursor::<CaseId>()?,
        limit: params.limit()?,
    };
    params.finish()?;
    if email.is_some() || person_id.is_some() {
        caller.require_personal_data_access()?;
    }
    if let Some(email) = email {
        filter.email_hashes = Some(address_hashes(&admin, filter.site.as_ref(), &email).await?);
    }
    if let Some(id) = person_id {
        filter.person_hashes = Some(person_hashes(&admin, filter.source.as_ref(), &id).await?);
    }
    let page = admin.store.cases(&filter).await?;
    let items = view::show_all(&admin, page.items, &caller).await?;
    Ok(Json(List { items, next: page.next }))
}

/// One case.
#[utoipa::path(
    get,
    path = "/cases/{id}",
    tag = "cases",
    security(("token" = ["viewer"])),
    operation_id = "cases_show",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    responses(
        (status = 200, description = "The case", body = CaseView),
    )
)]
pub(super) async fn show(
    Viewer(caller): Viewer,
    State(admin): State<Arc<AdminState>>,
    CasePath(id): CasePath,
) -> Result<Json<CaseView>, ApiError> {
    let record = find(&admin, id).await?;
    Ok(Json(view::show(&admin, record, &caller).await?))
}

/// Oldest entry first.
#[utoipa::path(
    get,
    path = "/cases/{id}/history",
    tag = "cases",
    security(("token" = ["viewer"])),
    operation_id = "cases_history",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    responses(
        (status = 200, description = "The entries of the journal about the case", body = List<HistoryView>),
    )
)]
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

/// The person's open requests at the help desk, read from the site now and stored nowhere. Not for viewers.
#[utoipa::path(
    get,
    path = "/cases/{id}/requests",
    tag = "cases",
    security(("token" = ["operator"])),
    operation_id = "cases_requests",
    params(
        ("id" = String, Path, description = "The id of the case, a unique end of it from 4 characters on, or an email address"),
    ),
    responses(
        (status = 200, description = "The open requests", body = List<DeskRequest>),
        (status = 502, description = "The site did not answer as expected", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(super) async fn requests(
    Operator(_): Operator,
    State(admin): State<Arc<AdminState>>,
    CasePath(id): CasePath,
) -> Result<Json<List<DeskRequest>>, ApiError> {
    let record = find(&admin, id).await?;
    let person = match (record.account, record.person.email) {
        (Some(account), _) => DeskPerson::Account(account.id),
        (None, Some(email)) => DeskPerson::Address(email),
        (None, None) => {
            let why = "the email address of this case is not known, or was shredded when the case closed";
            return Err(ApiError::Conflict(why.to_owned()));
        }
    };
    let requests = (admin.ports.read_requests)(record.case.site, person).await;
    let requests = requests.map_err(|failure| ApiError::Site(failure.detail().to_owned()))?;
    Ok(Json(List::whole(requests)))
}

/// The hash of a person id includes the source.
async fn person_hashes(
    admin: &AdminState,
    source: Option<&SourceName>,
    id: &PersonId,
) -> Result<Vec<KeyedHash>, StoreError> {
    let mut sources: Vec<SourceName> = source.cloned().into_iter().collect();
    if sources.is_empty() {
        sources.extend(admin.sources.keys().cloned());
        sources.extend(admin.store.sources_of_cases().await?);
        sources.sort_unstable();
        sources.dedup();
    }
    Ok(sources.iter().map(|source| admin.store.key().hash_person_id(source, id)).collect())
}
