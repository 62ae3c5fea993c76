//! `offboardd check --online`: what each site says of itself and of us, and what an admin has to mend. It only reads.
//!
//! What cannot be found out without changing something is said as such, instead of being passed over.

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use serde::Serialize;

use super::admin_steps;
use crate::app;
use crate::atlassian::{ALLOWLIST, Auth, Client, DeleteWith, Site};
use crate::clock::{Clock, SystemClock};
use crate::domain::ids::SiteName;
use crate::domain::retry::Failure;
use crate::duration::ConfigDuration;
use crate::settings::Settings;

/// What one site said.
#[derive(Debug, Serialize)]
pub struct SiteReport {
    /// Which.
    pub site: SiteName,
    /// Where.
    pub url: String,
    /// What was looked at, in the order in which it has to be mended.
    pub findings: Vec<Finding>,
}

/// What came of one look.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// In one word.
    pub status: CheckStatus,
    /// In a sentence.
    pub says: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// What came of one look, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Fine.
    Ok,
    /// Something has to be mended.
    Fix,
    /// It cannot be told from outside.
    Unknown,
}

impl SiteReport {
    /// Whether nothing has to be mended.
    pub fn is_fine(&self) -> bool {
        self.findings.iter().all(|finding| finding.status != CheckStatus::Fix)
    }
}

impl Finding {
    fn ok(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, status: CheckStatus::Ok, says: says.into(), fix: None }
    }

    fn fix(what: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what, status: CheckStatus::Fix, says: says.into(), fix: Some(fix.into()) }
    }

    fn unknown(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, status: CheckStatus::Unknown, says: says.into(), fix: None }
    }
}

/// Asks every site of the settings.
pub async fn inspect(settings: &Settings) -> anyhow::Result<Vec<SiteReport>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let clients = app::sites(settings, &clock, &mut Registry::default())?;
    let mut reports = Vec::new();
    for client in clients.values() {
        reports.push(ask(client).await);
    }
    Ok(reports)
}

/// Asks one site. What cannot be asked because something before it failed is left out: one trouble at a time.
async fn ask(client: &Client) -> SiteReport {
    let site = client.site();
    let mut findings = vec![address(client).await];
    if findings.iter().all(|finding| finding.status == CheckStatus::Ok) {
        findings.push(cloud_id(client).await);
        let us = us(client).await;
        let let_in = us.iter().all(|finding| finding.what != "credentials" || finding.status == CheckStatus::Ok);
        let may_look = us.iter().all(|finding| finding.status != CheckStatus::Fix);
        findings.extend(us);
        if let_in {
            findings.push(search(client).await);
            // Who may not browse users sees nobody, with or without an address.
            if may_look {
                findings.push(addresses(client).await);
            }
            findings.push(service_desks(client).await);
            findings.push(customer_service(client).await);
            findings.push(Finding::unknown(
                "revoking",
                format!(
                    "it takes a site admin, which no read tells; if it is refused, only revoking is paused and says so. {}",
                    admin_steps::SITE_ADMIN
                ),
            ));
            findings.push(token(client).await);
        }
    }
    SiteReport { site: site.name.clone(), url: site.url.to_string(), findings }
}

async fn address(client: &Client) -> Finding {
    const WHAT: &str = "address";
    let fix = format!(
        "sites.{}.url is the address that people open Jira with, like https://acme.atlassian.net",
        client.site().name
    );
    match client.server_info().await {
        Ok(info) if info.deployment_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("cloud")) => {
            Finding::ok(WHAT, "Jira Cloud answers here")
        }
        Ok(info) => {
            let kind = info.deployment_type.unwrap_or_default();
            Finding::fix(WHAT, format!("this is Jira {kind}, which has no portal-only customers of this kind"), fix)
        }
        // It was asked without credentials, so that they are not the cause.
        Err(failure @ Failure::AccessDenied { .. }) => Finding::fix(WHAT, failure.detail(), NOT_THE_CREDENTIALS),
        Err(failure) => Finding::fix(WHAT, failure.detail(), fix),
    }
}

const NOT_THE_CREDENTIALS: &str = "let this machine's IP address through: an IP allowlist of the organization \
     (admin.atlassian.com → Security → IP allowlists) or a proxy is in the way";

async fn cloud_id(client: &Client) -> Finding {
    const WHAT: &str = "cloud id";
    let site = client.site();
    match (client.tenant_info().await, &site.cloud_id) {
        (Ok(theirs), Some(ours)) if theirs.eq_ignore_ascii_case(ours) => Finding::ok(WHAT, theirs),
        (Ok(theirs), Some(_)) => Finding::fix(
            WHAT,
            "the settings name another site's: the gateway leads there, and nobody would be found or deleted here",
            format!("write sites.{}.cloud_id = \"{theirs}\"", site.name),
        ),
        (Ok(theirs), None) => Finding::ok(WHAT, format!("{theirs} (the settings name none, and need none)")),
        (Err(failure), Some(ours)) => {
            Finding::unknown(WHAT, format!("{ours}; the site does not tell its own ({})", failure.detail()))
        }
        (Err(_), None) => Finding::ok(WHAT, "the settings name none, and need none"),
    }
}

/// Who we are, and what we may do.
async fn us(client: &Client) -> Vec<Finding> {
    let site = client.site();
    let standing = match client.probe().await {
        Ok(standing) => standing,
        Err(failure) => return vec![Finding::fix("credentials", failure.detail(), remedy(site, &failure))],
    };
    let name = standing.me.name.as_deref().unwrap_or("an account that does not tell its name");
    let mut findings = vec![Finding::ok("credentials", format!("accepted; we are {name}"))];
    let missing = standing.missing();
    findings.extend(missing.iter().map(|permission| {
        Finding::fix("permissions", format!("our account lacks \"{permission}\""), admin_steps::permission(permission))
    }));
    if missing.is_empty() {
        findings.push(match (standing.administer, standing.browse_users) {
            (Some(_), Some(_)) => Finding::ok("permissions", "Administer Jira; Browse users and groups"),
            _ => Finding::unknown("permissions", "the site did not say whether we have all that are needed"),
        });
    }
    findings
}

/// The search by which everybody is found.
async fn search(client: &Client) -> Finding {
    const WHAT: &str = "search";
    match client.search_answers().await {
        Ok(()) => Finding::ok(WHAT, "users can be searched"),
        Err(failure) => Finding::fix(WHAT, failure.detail(), remedy(client.site(), &failure)),
    }
}

/// Whether we see by which address a customer is to be found.
async fn addresses(client: &Client) -> Finding {
    const WHAT: &str = "email addresses";
    let survey = match client.first_page().await {
        Ok(survey) => survey,
        Err(failure) => return Finding::fix(WHAT, failure.detail(), remedy(client.site(), &failure)),
    };
    let (customers, hidden) = (survey.customers, survey.hidden);
    if customers == 0 {
        Finding::unknown(WHAT, "the first page of users holds no customer, so that nothing can be said")
    } else if survey.hides_too_many() {
        Finding::fix(
            WHAT,
            format!(
                "{hidden} of the {customers} customers on the first page of users hide theirs from our account: whoever is \
                 not found may be one of them"
            ),
            "give the token the scope read:email-address:jira, or use an API token of an account that sees them",
        )
    } else {
        Finding::ok(WHAT, format!("{hidden} of the {customers} customers on the first page of users hide theirs"))
    }
}

async fn service_desks(client: &Client) -> Finding {
    const WHAT: &str = "service desks";
    match client.service_desks().await {
        Ok(desks) if desks.is_empty() => Finding::fix(
            WHAT,
            "our account sees none: is it Jira Service Management at all?",
            admin_steps::SERVICE_PROJECTS,
        ),
        Ok(desks) => Finding::ok(WHAT, format!("our account sees {}", desks.len())),
        Err(failure) if failure.detail().contains(ALLOWLIST) => {
            Finding::fix(WHAT, failure.detail(), NOT_THE_CREDENTIALS)
        }
        Err(failure) => Finding::fix(WHAT, failure.detail(), admin_steps::SERVICE_PROJECTS),
    }
}

/// The API behind the preferred deletion.
async fn customer_service(client: &Client) -> Finding {
    const WHAT: &str = "customer service management";
    let site = client.site();
    match (site.delete_with, client.customer_service_answers().await) {
        (_, Ok(())) => Finding::ok(WHAT, "answers under this cloud id"),
        (DeleteWith::JiraUser, Err(_)) => Finding::ok(WHAT, "not needed: deletions go by delete_with = \"jira-user\""),
        (DeleteWith::CustomerAccount, Err(failure)) => Finding::fix(
            WHAT,
            failure.detail(),
            format!(
                "{}; or delete with the older call: sites.{}.delete_with = \"jira-user\"",
                remedy(site, &failure),
                site.name
            ),
        ),
    }
}

async fn token(client: &Client) -> Finding {
    const WHAT: &str = "life of the token";
    match (&client.site().auth, client.access_token_life().await) {
        (Auth::Client { .. }, Some(life)) => {
            Finding::ok(WHAT, format!("{}; renewed by itself", ConfigDuration::from_secs(life.as_secs())))
        }
        (Auth::Client { .. }, None) => Finding::ok(WHAT, "not told; renewed by itself"),
        (Auth::Basic { .. }, _) => Finding::unknown(
            WHAT,
            "Atlassian does not tell; a year at most: id.atlassian.com → Security → API tokens shows the day. When it is over, \
             the site is paused and says so",
        ),
        (Auth::Bearer(_), _) => {
            Finding::unknown(WHAT, "Atlassian does not tell. When it is over, the site is paused and says so")
        }
    }
}

fn remedy(site: &Site, failure: &Failure) -> String {
    match failure {
        failure if failure.detail().contains(ALLOWLIST) => NOT_THE_CREDENTIALS.to_owned(),
        Failure::AccessDenied { .. } => admin_steps::credentials(&site.auth).to_owned(),
        Failure::CallRefused { forbidden: true, .. } => {
            "give our account what the call needs, or the token the scope".to_owned()
        }
        Failure::Transient { .. } | Failure::RateLimited { .. } => "it may pass: try again".to_owned(),
        Failure::SiteUnavailable { .. } | Failure::CallRefused { .. } | Failure::Permanent { .. } => {
            format!("look at sites.{0}.url, sites.{0}.gateway and sites.{0}.cloud_id", site.name)
        }
    }
}

impl fmt::Display for SiteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "site {} at {}", self.site, self.url)?;
        self.findings.iter().try_for_each(|finding| finding.fmt(f))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, status, says, fix } = self;
        let status = match status {
            CheckStatus::Ok => "ok ",
            CheckStatus::Fix => "FIX",
            CheckStatus::Unknown => " ? ",
        };
        writeln!(f, "  {status}  {what}: {says}")?;
        fix.iter().try_for_each(|fix| writeln!(f, "         → {fix}"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;
    use crate::sandbox::{self, CallName, Fault, Sandbox, Seed};

    const CLOUD: &str = "11111111-2222-3333-4444-555555555555";

    struct Far {
        site: Sandbox,
        settings: String,
        _serving: JoinSet<std::io::Result<()>>,
    }

    async fn far(keys: &str) -> Far {
        let seed = Seed { cloud_id: Some(CLOUD.to_owned()), ..Seed::sample() };
        let site = Sandbox::new(sandbox::SandboxOptions::default(), seed, Arc::new(SystemClock)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(site.clone().serve(listener, std::future::pending()));
        let settings = format!("[sites.acme]\nurl = \"{url}\"\ngateway = \"{url}\"\n{keys}");
        Far { site, settings, _serving: serving }
    }

    fn keys(cloud_id: &str) -> String {
        format!("cloud_id = \"{cloud_id}\"\nauth = {{ email = \"rosa@example.com\", token = {{ env = \"T\" }} }}")
    }

    impl Far {
        async fn ask(&self) -> SiteReport {
            let settings = Settings::parse(&self.settings, Path::new(""), &|_| Some("hunter2".to_owned())).unwrap();
            let report = inspect(&settings).await.unwrap().remove(0);
            assert!(
                self.site
                    .calls()
                    .iter()
                    .all(|call| !call.changed && (call.method == "GET" || call.call == CallName::Token))
            );
            report
        }
    }

    /// What has to be mended.
    fn troubles(report: &SiteReport) -> Vec<&'static str> {
        report
            .findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Fix)
            .map(|finding| finding.what)
            .collect()
    }

    #[tokio::test]
    async fn a_site_that_is_right_has_nothing_to_mend_and_what_nobody_can_tell_is_said() {
        let far = far(&keys(CLOUD)).await;
        let report = far.ask().await;
        assert!(report.is_fine(), "{report}");
        let told: Vec<_> = report.findings.iter().map(|finding| (finding.what, finding.status)).collect();
        assert_eq!(
            told,
            [
                ("address", CheckStatus::Ok),
                ("cloud id", CheckStatus::Ok),
                ("credentials", CheckStatus::Ok),
                ("permissions", CheckStatus::Ok),
                ("search", CheckStatus::Ok),
                ("email addresses", CheckStatus::Ok),
                ("service desks", CheckStatus::Ok),
                ("customer service management", CheckStatus::Ok),
                ("revoking", CheckStatus::Unknown),
                ("life of the token", CheckStatus::Unknown),
            ]
        );
        assert!(report.to_string().contains("we are Rosa"), "{report}");
        assert!(!report.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_cloud_id_of_another_site_is_told_with_the_right_one() {
        let report = far(&keys("another")).await.ask().await;
        assert!(troubles(&report).contains(&"cloud id"));
        assert!(report.to_string().contains(&format!("write sites.acme.cloud_id = \"{CLOUD}\"")), "{report}");
    }

    #[tokio::test]
    async fn credentials_that_are_refused_say_where_new_ones_are_made() {
        let far = far(&keys(CLOUD)).await;
        far.site.change_options(|options| options.tokens = Some(Vec::new()));
        let report = far.ask().await;
        assert_eq!(troubles(&report), ["credentials"]);
        assert!(report.to_string().contains("id.atlassian.com → Security → API tokens"), "{report}");
    }

    #[tokio::test]
    async fn a_permission_that_is_missing_is_told_with_the_clicks_in_both_layouts() {
        let far = far(&keys(CLOUD)).await;
        far.site.change_options(|options| options.permissions.browse_users = false);
        let report = far.ask().await;
        assert_eq!(troubles(&report), ["permissions"]);
        let text = report.to_string();
        assert!(text.contains("lacks \"Browse users and groups\""), "{text}");
        assert!(text.contains("Centralized layout: ") && text.contains("Original layout: "), "{text}");
    }

    #[tokio::test]
    async fn apis_that_are_closed_to_us_are_told() {
        let far = far(&keys(CLOUD)).await;
        far.site.inject(Fault { call: Some(CallName::ListDesks), status: Some(403), ..Fault::default() }).unwrap();
        far.site
            .inject(Fault { path_contains: Some("/jsm/csm/".to_owned()), status: Some(403), ..Fault::default() })
            .unwrap();
        let report = far.ask().await;
        assert_eq!(troubles(&report), ["service desks", "customer service management"]);
        assert!(report.to_string().contains("delete_with = \"jira-user\""), "{report}");
    }

    #[tokio::test]
    async fn an_address_where_no_jira_is_ends_the_questions() {
        let far = far(&keys(CLOUD)).await;
        far.site.inject(Fault { call: Some(CallName::ServerInfo), status: Some(404), ..Fault::default() }).unwrap();
        let report = far.ask().await;
        assert_eq!(troubles(&report), ["address"]);
        assert_eq!(report.findings.len(), 1);
    }

    #[tokio::test]
    async fn an_oauth_client_is_told_how_long_its_tokens_live() {
        let auth =
            format!("cloud_id = \"{CLOUD}\"\nauth = {{ client_id = \"robot\", client_secret = {{ env = \"T\" }} }}");
        let report = far(&auth).await.ask().await;
        assert!(report.is_fine(), "{report}");
        assert!(report.to_string().contains("life of the token: 1h; renewed by itself"), "{report}");
    }
}
