//! `offboardd check --online`: checks URL, credentials, permissions and APIs of each site, and what an admin has to fix.
//!
//! It only reads. A permission that no read can show is reported as unknown.

use std::sync::Arc;

use prometheus_client::registry::Registry;

use super::admin_steps;
use super::report::{CheckStatus, Finding, SiteReport};
use crate::app;
use crate::atlassian::{ALLOWLIST, Auth, Client, DeleteWith, Site};
use crate::clock::{Clock, SystemClock};
use crate::domain::retry::Failure;
use crate::duration::ConfigDuration;
use crate::settings::Settings;

/// Checks every configured site.
pub(super) async fn inspect(settings: &Settings) -> anyhow::Result<Vec<SiteReport>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let clients = app::sites(settings, &clock, &mut Registry::default())?;
    let mut reports = Vec::new();
    for client in clients.values() {
        reports.push(check_site(client).await);
    }
    Ok(reports)
}

/// Checks one site. A failed check omits the checks that depend on it.
async fn check_site(client: &Client) -> SiteReport {
    let site = client.site();
    let mut findings = vec![url(client).await];
    if findings.iter().all(|finding| finding.status == CheckStatus::Ok) {
        findings.push(cloud_id(client).await);
        let account = account(client).await;
        let authenticated =
            account.iter().all(|finding| finding.what != "credentials" || finding.status == CheckStatus::Ok);
        let permitted = account.iter().all(|finding| finding.status != CheckStatus::Fix);
        findings.extend(account);
        if authenticated {
            findings.push(search(client).await);
            // Without the permission to browse users, the list of users is empty.
            if permitted {
                findings.push(addresses(client).await);
            }
            findings.push(service_desks(client).await);
            findings.push(customer_service(client).await);
            findings.push(Finding::unknown(
                "revoking",
                format!(
                    "requires a site admin, which no read can show; a rejected revoke pauses only the revokes. {}",
                    admin_steps::SITE_ADMIN
                ),
            ));
            findings.push(token(client).await);
        }
    }
    SiteReport { site: site.name.clone(), url: site.url.to_string(), findings }
}

async fn url(client: &Client) -> Finding {
    const WHAT: &str = "url";
    let fix = format!(
        "set sites.{}.url to the URL of Jira in a browser, like https://acme.atlassian.net",
        client.site().name
    );
    match client.server_info().await {
        Ok(info) if info.deployment_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("cloud")) => {
            Finding::ok(WHAT, "Jira Cloud responds")
        }
        Ok(info) => {
            let kind = info.deployment_type.unwrap_or_default();
            Finding::fix(WHAT, format!("this is Jira {kind}; only Jira Cloud is supported"), fix)
        }
        // The request had no credentials, so they are not the cause.
        Err(failure @ Failure::AccessDenied { .. }) => Finding::fix(WHAT, failure.detail(), NOT_THE_CREDENTIALS),
        Err(failure) => Finding::fix(WHAT, failure.detail(), fix),
    }
}

const NOT_THE_CREDENTIALS: &str = "allow this machine's IP address: an IP allowlist of the organization \
     (admin.atlassian.com → Security → IP allowlists) or a proxy rejects it";

async fn cloud_id(client: &Client) -> Finding {
    const WHAT: &str = "cloud id";
    let site = client.site();
    match (client.tenant_info().await, &site.cloud_id) {
        (Ok(theirs), Some(ours)) if theirs.eq_ignore_ascii_case(ours) => Finding::ok(WHAT, theirs),
        (Ok(theirs), Some(_)) => Finding::fix(
            WHAT,
            "the configured cloud id belongs to another site: calls through the gateway would reach that site",
            format!("set sites.{}.cloud_id = \"{theirs}\"", site.name),
        ),
        (Ok(theirs), None) => Finding::ok(WHAT, format!("{theirs} (not configured, and not needed)")),
        (Err(failure), Some(ours)) => Finding::unknown(
            WHAT,
            format!("{ours} is configured; the site does not report its own ({})", failure.detail()),
        ),
        (Err(_), None) => Finding::ok(WHAT, "not configured, and not needed"),
    }
}

/// Checks the credentials and the permissions of the configured account.
async fn account(client: &Client) -> Vec<Finding> {
    let site = client.site();
    let standing = match client.probe().await {
        Ok(standing) => standing,
        Err(failure) => return vec![Finding::fix("credentials", failure.detail(), remedy(site, &failure))],
    };
    let name = standing.me.name.as_deref().unwrap_or("unnamed");
    let mut findings = vec![Finding::ok("credentials", format!("accepted for the account {name}"))];
    let missing = standing.missing();
    findings.extend(missing.iter().map(|permission| {
        Finding::fix(
            "permissions",
            format!("the configured account lacks \"{permission}\""),
            admin_steps::permission(permission),
        )
    }));
    if missing.is_empty() {
        findings.push(match (standing.administer, standing.browse_users) {
            (Some(_), Some(_)) => Finding::ok("permissions", "Administer Jira; Browse users and groups"),
            _ => Finding::unknown("permissions", "the site did not report all required permissions"),
        });
    }
    findings
}

async fn search(client: &Client) -> Finding {
    const WHAT: &str = "search";
    match client.search_answers().await {
        Ok(()) => Finding::ok(WHAT, "users can be searched"),
        Err(failure) => Finding::fix(WHAT, failure.detail(), remedy(client.site(), &failure)),
    }
}

/// Checks whether the configured account sees the email addresses of customers.
async fn addresses(client: &Client) -> Finding {
    const WHAT: &str = "email addresses";
    let survey = match client.first_page().await {
        Ok(survey) => survey,
        Err(failure) => return Finding::fix(WHAT, failure.detail(), remedy(client.site(), &failure)),
    };
    let (customers, hidden) = (survey.customers, survey.hidden);
    if customers == 0 {
        Finding::unknown(WHAT, "not checked: the first page of users contains no customer")
    } else if survey.hides_too_many() {
        Finding::fix(
            WHAT,
            format!(
                "{hidden} of {customers} customers on the first page of users are visible without an email address: such an \
                 account cannot be found"
            ),
            "grant the token the scope read:email-address:jira, or use an API token of an account that sees the addresses",
        )
    } else {
        Finding::ok(WHAT, format!("hidden for {hidden} of {customers} customers on the first page of users"))
    }
}

async fn service_desks(client: &Client) -> Finding {
    const WHAT: &str = "service desks";
    match client.service_desks().await {
        Ok(desks) if desks.is_empty() => {
            Finding::fix(WHAT, "the configured account sees no service desk", admin_steps::SERVICE_PROJECTS)
        }
        Ok(desks) => Finding::ok(WHAT, format!("the configured account sees {}", desks.len())),
        Err(failure) if failure.detail().contains(ALLOWLIST) => {
            Finding::fix(WHAT, failure.detail(), NOT_THE_CREDENTIALS)
        }
        Err(failure) => Finding::fix(WHAT, failure.detail(), admin_steps::SERVICE_PROJECTS),
    }
}

/// Checks the API of `delete_with = "customer-account"`.
async fn customer_service(client: &Client) -> Finding {
    const WHAT: &str = "customer service management";
    let site = client.site();
    match (site.delete_with, client.customer_service_answers().await) {
        (_, Ok(())) => Finding::ok(WHAT, "responds for this cloud id"),
        (DeleteWith::JiraUser, Err(_)) => Finding::ok(WHAT, "not needed: delete_with is \"jira-user\""),
        (DeleteWith::CustomerAccount, Err(failure)) => Finding::fix(
            WHAT,
            failure.detail(),
            format!(
                "{}; or use the older call: sites.{}.delete_with = \"jira-user\"",
                remedy(site, &failure),
                site.name
            ),
        ),
    }
}

async fn token(client: &Client) -> Finding {
    const WHAT: &str = "token lifetime";
    match (&client.site().auth, client.access_token_life().await) {
        (Auth::Client { .. }, Some(life)) => {
            Finding::ok(WHAT, format!("{}; renewed automatically", ConfigDuration::from_secs(life.as_secs())))
        }
        (Auth::Client { .. }, None) => Finding::ok(WHAT, "not reported; renewed automatically"),
        (Auth::Basic { .. }, _) => Finding::unknown(
            WHAT,
            "not reported by Atlassian, one year at most: see id.atlassian.com → Security → API tokens. An expired token pauses \
             the site",
        ),
        (Auth::Bearer(_), _) => Finding::unknown(WHAT, "not reported by Atlassian. An expired token pauses the site"),
    }
}

fn remedy(site: &Site, failure: &Failure) -> String {
    match failure {
        failure if failure.detail().contains(ALLOWLIST) => NOT_THE_CREDENTIALS.to_owned(),
        Failure::AccessDenied { .. } => admin_steps::credentials(&site.auth).to_owned(),
        Failure::CallRefused { forbidden: true, .. } => {
            "grant the configured account the permission, or the token the scope".to_owned()
        }
        Failure::Transient { .. } | Failure::RateLimited { .. } => "try again: the failure may be temporary".to_owned(),
        Failure::SiteUnavailable { .. } | Failure::CallRefused { .. } | Failure::Permanent { .. } => {
            format!("check sites.{0}.url, sites.{0}.gateway and sites.{0}.cloud_id", site.name)
        }
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

    struct FakeSite {
        site: Sandbox,
        settings: String,
        _serving: JoinSet<std::io::Result<()>>,
    }

    async fn fake_site(keys: &str) -> FakeSite {
        let seed = Seed { cloud_id: Some(CLOUD.to_owned()), ..Seed::sample() };
        let site = Sandbox::new(sandbox::SandboxOptions::default(), seed, Arc::new(SystemClock)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(site.clone().serve(listener, std::future::pending()));
        let settings = format!("[sites.acme]\nurl = \"{url}\"\ngateway = \"{url}\"\n{keys}");
        FakeSite { site, settings, _serving: serving }
    }

    fn keys(cloud_id: &str) -> String {
        format!("cloud_id = \"{cloud_id}\"\nauth = {{ email = \"rosa@example.com\", token = {{ env = \"T\" }} }}")
    }

    impl FakeSite {
        async fn check(&self) -> SiteReport {
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

    fn to_fix(report: &SiteReport) -> Vec<&'static str> {
        report
            .findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Fix)
            .map(|finding| finding.what)
            .collect()
    }

    #[tokio::test]
    async fn correct_site_has_nothing_to_fix_and_names_what_no_read_can_show() {
        let fake = fake_site(&keys(CLOUD)).await;
        let report = fake.check().await;
        assert!(report.is_fine(), "{report}");
        let found: Vec<_> = report.findings.iter().map(|finding| (finding.what, finding.status)).collect();
        assert_eq!(
            found,
            [
                ("url", CheckStatus::Ok),
                ("cloud id", CheckStatus::Ok),
                ("credentials", CheckStatus::Ok),
                ("permissions", CheckStatus::Ok),
                ("search", CheckStatus::Ok),
                ("email addresses", CheckStatus::Ok),
                ("service desks", CheckStatus::Ok),
                ("customer service management", CheckStatus::Ok),
                ("revoking", CheckStatus::Unknown),
                ("token lifetime", CheckStatus::Unknown),
            ]
        );
        assert!(report.to_string().contains("accepted for the account Rosa"), "{report}");
        assert!(!report.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn cloud_id_of_another_site_is_reported_with_the_correct_one() {
        let report = fake_site(&keys("another")).await.check().await;
        assert!(to_fix(&report).contains(&"cloud id"));
        assert!(report.to_string().contains(&format!("set sites.acme.cloud_id = \"{CLOUD}\"")), "{report}");
    }

    #[tokio::test]
    async fn rejected_credentials_are_reported_with_where_to_create_new_ones() {
        let fake = fake_site(&keys(CLOUD)).await;
        fake.site.change_options(|options| options.tokens = Some(Vec::new()));
        let report = fake.check().await;
        assert_eq!(to_fix(&report), ["credentials"]);
        assert!(report.to_string().contains("id.atlassian.com → Security → API tokens"), "{report}");
    }

    #[tokio::test]
    async fn missing_permission_is_reported_with_the_steps_for_both_layouts() {
        let fake = fake_site(&keys(CLOUD)).await;
        fake.site.change_options(|options| options.permissions.browse_users = false);
        let report = fake.check().await;
        assert_eq!(to_fix(&report), ["permissions"]);
        let text = report.to_string();
        assert!(text.contains("lacks \"Browse users and groups\""), "{text}");
        assert!(text.contains("Centralized layout: ") && text.contains("Original layout: "), "{text}");
    }

    #[tokio::test]
    async fn rejected_apis_are_reported() {
        let fake = fake_site(&keys(CLOUD)).await;
        fake.site.inject(Fault { call: Some(CallName::ListDesks), status: Some(403), ..Fault::default() }).unwrap();
        fake.site
            .inject(Fault { path_contains: Some("/jsm/csm/".to_owned()), status: Some(403), ..Fault::default() })
            .unwrap();
        let report = fake.check().await;
        assert_eq!(to_fix(&report), ["service desks", "customer service management"]);
        assert!(report.to_string().contains("delete_with = \"jira-user\""), "{report}");
    }

    #[tokio::test]
    async fn url_without_a_jira_ends_the_checks() {
        let fake = fake_site(&keys(CLOUD)).await;
        fake.site.inject(Fault { call: Some(CallName::ServerInfo), status: Some(404), ..Fault::default() }).unwrap();
        let report = fake.check().await;
        assert_eq!(to_fix(&report), ["url"]);
        assert_eq!(report.findings.len(), 1);
    }

    #[tokio::test]
    async fn oauth_client_shows_its_token_lifetime() {
        let auth =
            format!("cloud_id = \"{CLOUD}\"\nauth = {{ client_id = \"robot\", client_secret = {{ env = \"T\" }} }}");
        let report = fake_site(&auth).await.check().await;
        assert!(report.is_fine(), "{report}");
        assert!(report.to_string().contains("token lifetime: 1h; renewed automatically"), "{report}");
    }
}
