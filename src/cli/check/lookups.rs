//! What `check --online` finds out about the lookups: whether the vendor accepts the credentials. It only reads.

use std::fmt;

use serde::Serialize;

use super::online::{CheckStatus, Finding};
use crate::atlassian;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::ids::SourceName;
use crate::domain::person::PersonId;
use crate::domain::retry::Failure;
use crate::settings::Settings;
use crate::sources::lookup::{Auth, Http, Lookup};

/// Nobody has this id. It has the form of a UUID, because some vendors reject any other form before they look.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// What the vendor of one source answered.
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

/// Tries the credentials of every lookup.
pub(super) async fn inspect(settings: &Settings) -> anyhow::Result<Vec<LookupReport>> {
    let http = atlassian::http()?;
    let mut reports = Vec::new();
    for (source, lookup) in settings.sources.values().filter_map(|source| Some((source, source.lookup.as_ref()?))) {
        reports.push(LookupReport { source: source.name.clone(), finding: try_out(&source.name, lookup, &http).await });
    }
    Ok(reports)
}

async fn try_out(source: &SourceName, lookup: &Lookup, http: &Http) -> Finding {
    let (status, says, fix) = match PersonId::parse(NOBODY) {
        Err(_) => (CheckStatus::Unknown, "not tried".to_owned(), None),
        Ok(nobody) => match lookup.find_email(http, &nobody, SystemClock.now()).await {
            Ok(_) => (CheckStatus::Ok, "the vendor accepts the credentials".to_owned(), None),
            Err(failure @ (Failure::AccessDenied { .. } | Failure::CallRefused { .. })) => {
                (CheckStatus::Fix, failure.detail().to_owned(), Some(fix(source, lookup)))
            }
            Err(
                failure @ (Failure::Transient { .. } | Failure::RateLimited { .. } | Failure::SiteUnavailable { .. }),
            ) => (CheckStatus::Unknown, failure.detail().to_owned(), None),
            // Some vendors reject an id that nobody can have, and do so after the credentials.
            Err(failure @ Failure::Permanent { .. }) => {
                let says = format!("{}, for an id that nobody has: try it with a real delivery", failure.detail());
                (CheckStatus::Unknown, says, None)
            }
        },
    };
    Finding { what: "lookup", status, says, fix }
}

fn fix(source: &SourceName, lookup: &Lookup) -> String {
    let keys = match lookup.auth() {
        Auth::Bearer(_) => "bearer",
        Auth::InUrl(_) => "secret",
        Auth::Basic { .. } => "user and password",
        Auth::Header { .. } => "value",
        Auth::Client { .. } => "client_id, client_secret, scope and audience",
    };
    format!("look at {keys} in [sources.{source}.lookup]: the credentials must be allowed to read people")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn credentials_of_lookups_are_tried() {
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
        let told: Vec<_> = reports.iter().map(|report| (report.source.as_str(), report.finding.status)).collect();
        assert_eq!(told, [("bad", CheckStatus::Fix), ("good", CheckStatus::Ok)]);
        let text = reports.iter().map(ToString::to_string).collect::<String>();
        assert!(text.contains("look at bearer in [sources.bad.lookup]"), "{text}");
    }
}
