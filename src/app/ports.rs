//! The functions of other parts that the admin API calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use jiff::Timestamp;

use crate::admin::{DeskPerson, Ports};
use crate::atlassian::Client;
use crate::domain::desk_request::DeskRequest;
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::retry::Failure;
use crate::explain::{Circumstances, Explanation, Lookup};
use crate::settings::{Mode, Settings};

pub(super) fn of(settings: Arc<Settings>, sites: BTreeMap<SiteName, Client>) -> Ports {
    let clients = Arc::new(sites);
    let of_health = Arc::clone(&clients);
    Ports {
        read_requests: Arc::new(move |site, person| read_requests(clients.get(&site).cloned(), person).boxed()),
        explain: Arc::new(move |source, content_type, body, now| {
            explain(&settings, source, content_type, body, now).ok()
        }),
        health: Arc::new(move |site| of_health.get(site).map(Client::health).unwrap_or_default()),
    }
}

async fn read_requests(client: Option<Client>, person: DeskPerson) -> Result<Vec<DeskRequest>, Failure> {
    let Some(client) = client else {
        return Err(Failure::Permanent { detail: "this site is not configured any more".to_owned() });
    };
    match person {
        DeskPerson::Account(id) => client.requests_of(&id).await,
        DeskPerson::Address(email) => client.requests_of_address(&email).await,
    }
}

/// Explains a body of a source with the current settings.
pub(crate) fn explain(
    settings: &Settings,
    source: &SourceName,
    content_type: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<Explanation> {
    let source = settings.sources.get(source).context("no such source in the settings")?;
    let policy =
        settings.policies.get(&source.table.policy).context("the settings checked that every policy exists")?;
    let lookup = if source.lookup.is_some() { Lookup::Configured } else { Lookup::None };
    let preset = source.spec.preset.as_deref();
    let circumstances = Circumstances { policy, preset, lookup, observes: settings.mode == Mode::Observe };
    let read = source.compiled.open(content_type, body).map(|items| items.explain());
    Ok(Explanation::new(format!("source {}", source.name), source.table.policy.to_string(), read, &circumstances, now))
}
