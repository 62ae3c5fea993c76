//! `offboardd check --online`: checks whether the vendors accept the credentials of the lookups. It only reads.

use std::fmt;

use serde::Serialize;

use super::report::{CheckStatus, Finding};
use crate::clock::{Clock as _, SystemClock};
use crate::domain::ids::SourceName;
use crate::domain::person::PersonId;
use crate::domain::retry::Failure;
use crate::settings::Settings;
use crate::sources::lookup::{Auth, Http, Lookup};

/// No person has this id. It is a UUID, because some vendors reject any other form.
const UNUSED_ID: &str = "00000000-0000-4000-8000-000000000000";

#[derive(Debug, Serialize)]
pub(super) struct LookupReport {
    source: SourceName,
    finding: Finding,
}

impl LookupReport {
    pub(super) fn is_fine(&self) -> bool {
        self.finding.status != CheckStatus::Fix
    }
}

impl fmt::Display for LookupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source {}\n{}", self.source, self.finding)
    }
}

/// Checks the credentials of every lookup.
pub(super) async fn inspect(settings: &Settings) -> anyhow::Result<Vec<LookupReport>> {
    let http = crate::outbound::http()?;
    let mut reports = Vec::new();
    for (source, lookup) in settings.sources.values().filter_map(|source| Some((source, source.lookup.as_ref()?))) {
        reports.push(LookupReport {
            source: source.name.clone(),
            finding: check_lookup(&source.name, lookup, &http).await,
        });
    }
    Ok(reports)
}

async fn check_lookup(source: &SourceName, lookup: &Lookup, http: &Http) -> Finding {
    let (status, detail, fix) = match PersonId::parse(UNUSED_ID) {
        Err(_) => (CheckStatus::Unknown, "not checked".to_owned(), None),
        Ok(unused) => match lookup.find_email(http, &unused, SystemClock.now()).await {
            Ok(_) => (CheckStatus::Ok, "the vendor accepts the credentials".to_owned(), None),
            Err(failure @ (Failure::AccessDenied { .. } | Failure::CallRefused { .. })) => {
                (CheckStatus::Fix, failure.detail().to_owned(), Some(fix(source, lookup)))
            }
            Err(
                failure @ (Failure::Transient { .. } | Failure::RateLimited { .. } | Failure::SiteUnavailable { .. }),
            ) => (CheckStatus::Unknown, failure.detail().to_owned(), None),
            // Some vendors check the credentials first, then reject an unknown id.
            Err(failure @ Failure::Permanent { .. }) => {
                let detail = format!("{}, for an unused id: test it with a real delivery", failure.detail());
                (CheckStatus::Unknown, detail, None)
            }
        },
    };
    Finding { what: "lookup", status, detail, fix }
}

fn fix(source: &SourceName, lookup: &Lookup) -> String {
    let keys = match lookup.auth() {
        Auth::Bearer(_) => "bearer",
        Auth::InUrl(_) => "secret",
        Auth::Basic { .. } => "user and password",
        Auth::Header { .. } => "value",
        Auth::Client { .. } => "client_id, client_secret, scope and audience",
    };
    format!("check {keys} in [sources.{source}.lookup]: the credentials must be allowed to read people")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn credentials_of_lookups_are_checked() {
        let vendor = |headers: HeaderMap| async move {
            let shown =
                headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            if shown == "Bearer good" { StatusCode::NOT_FOUND } else { StatusCode::UNAUTHORIZED }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/people/{{person_id}}", listener.local_addr().unwrap());
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move { axum::serve(listener, Router::new().fallback(vendor)).await });
        let source = |name: &str| {
            format!(
                "[sources.{name}]\npreset = \"okta\"\nsite = \"acme\"\npolicy = \"p\"\nsecrets = [{{ env = \"KEY\" }}]\n[sources.{name}.lookup]\nurl = \"{url}\"\nemail = \"$.mail\"\nauth = {{ bearer = {{ env = \"{name}\" }} }}\n"
            )
        };
        let text = format!(
            "[sites.acme]\nurl = \"https://acme.example\"\ncloud_id = \"c\"\nauth = {{ bearer = {{ env = \"T\" }} }}\n[policies.p]\ndeparted = \"revoke\"\n{}{}",
            source("good"),
            source("bad")
        );
        let settings = Settings::parse(&text, Path::new(""), &|name| Some(name.to_owned())).unwrap();
        let reports = inspect(&settings).await.unwrap();
        serving.abort_all();
        let found: Vec<_> = reports.iter().map(|report| (report.source.as_str(), report.finding.status)).collect();
        assert_eq!(found, [("bad", CheckStatus::Fix), ("good", CheckStatus::Ok)]);
        let text = reports.iter().map(ToString::to_string).collect::<String>();
        assert!(text.contains("check bearer in [sources.bad.lookup]"), "{text}");
    }
}
