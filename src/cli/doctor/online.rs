//! Each open case beside the account at its site: after a restore, the site may be further than the case.

use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::registry::Registry;
use serde::Serialize;

use super::finding::Finding;
use crate::app;
use crate::atlassian::Client;
use crate::clock::{Clock, SystemClock};
use crate::domain::case::{JobKind, StateName};
use crate::domain::ids::{CaseId, SiteName};
use crate::settings::Settings;
use crate::store::{BulkFilter, CaseRecord, Database, Store, StoreError};

#[derive(Debug, Clone, Serialize)]
pub(super) struct OpenCase {
    case: CaseId,
    site: SiteName,
    state: StateName,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<JobKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    /// `active`, `no access`, `no account`, or why it is not known.
    at_site: String,
    /// Whether the site is further than the case, or behind it.
    differs: bool,
}

/// What the site shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AtSite {
    Active,
    NoAccess,
    NoAccount,
    Unknown(String),
}

impl OpenCase {
    pub(super) fn line(&self) -> String {
        let Self { case, site, state, next, due_at, at_site, differs } = self;
        let next = next.map(|kind| format!(", next {kind}")).unwrap_or_default();
        let due = due_at.map(|at| format!(" at {at}")).unwrap_or_default();
        let mark = if *differs { " (differs)" } else { "" };
        format!("{case}: {state}{next}{due}; at site {site}: {at_site}{mark}")
    }

    pub(super) fn finding(&self) -> Option<Finding> {
        let detail = format!("the case is {}, and the site {} shows: {}", self.state, self.site, self.at_site);
        self.differs.then(|| Finding { kind: "site", place: format!("case {}", self.case), detail })
    }
}

/// Reads the account of every open case. Changes nothing.
pub(super) async fn compare(settings: &Settings, database: &Database) -> anyhow::Result<Vec<OpenCase>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let clients = app::sites(settings, &clock, &mut Registry::default())?;
    let store = database.open_existing().await?;
    let records = open_records(&store).await;
    store.close().await;
    let mut compared = Vec::new();
    for record in records? {
        let at_site = match clients.get(&record.case.site) {
            Some(client) => look(client, &record).await,
            None => AtSite::Unknown("the site is not configured".to_owned()),
        };
        let state = record.case.state.name();
        let wanted = record.case.job_wanted();
        compared.push(OpenCase {
            case: record.case.id,
            site: record.case.site.clone(),
            state,
            next: wanted.map(|wanted| wanted.kind),
            due_at: wanted.map(|wanted| wanted.due_at),
            differs: differs(&record, &at_site),
            at_site: match at_site {
                AtSite::Active => "active".to_owned(),
                AtSite::NoAccess => "no access".to_owned(),
                AtSite::NoAccount => "no account".to_owned(),
                AtSite::Unknown(why) => why,
            },
        });
    }
    Ok(compared)
}

async fn open_records(store: &Store) -> Result<Vec<CaseRecord>, StoreError> {
    let mut records = Vec::new();
    for case in store.open_cases(&BulkFilter::default()).await? {
        records.extend(store.case(case.id).await?);
    }
    Ok(records)
}

async fn look(client: &Client, record: &CaseRecord) -> AtSite {
    let read = match (&record.account, &record.person.email) {
        (Some(known), _) => client.read(&known.id).await.map(|account| account.filter(|account| !account.former)),
        (None, Some(email)) => client.survey(email).await.map(|survey| survey.found.into_iter().next()),
        (None, None) => return AtSite::Unknown("no email address is known".to_owned()),
    };
    match read {
        Ok(Some(account)) if account.active => AtSite::Active,
        Ok(Some(_)) => AtSite::NoAccess,
        Ok(None) => AtSite::NoAccount,
        Err(failure) => AtSite::Unknown(format!("cannot be read: {}", failure.detail())),
    }
}

/// Whether the site is not as the case left it.
fn differs(record: &CaseRecord, at_site: &AtSite) -> bool {
    let progress = &record.case.progress;
    let expected = if progress.deletion_requested_at.is_some() {
        AtSite::NoAccount
    } else if progress.revoked_at.is_some() {
        AtSite::NoAccess
    } else {
        AtSite::Active
    };
    *at_site != expected
}
