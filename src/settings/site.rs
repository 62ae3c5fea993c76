//! `[sites.NAME]`: one Atlassian Cloud site, and the credentials for it.

use std::collections::HashSet;
use std::path::Path;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::defaults;
use super::http_url::HttpUrl;
use super::problem::{Faults, Problem};
use super::secret::{Environment, SecretRef};
use super::wait::{all_positive, positive};
use crate::atlassian::{Auth, DeleteWith, Site, WatchErased};
use crate::domain::account::AccountId;
use crate::domain::guard::Protection;
use crate::domain::ids::SiteName;
use crate::domain::named;
use crate::domain::person::{EmailAddress, canonical_domain};
use crate::duration::ConfigDuration;

/// What part of the deletion grace the last look waits: a day of fourteen.
const LOOK_BACK_SHARE: i64 = 14;

/// `[sites.NAME]`: one Atlassian Cloud site, and the credentials for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteTable {
    /// URL of the site, without a path. Example: `"https://acme.atlassian.net"`.
    pub url: HttpUrl,
    /// Cloud id of the site, as `https://SITE.atlassian.net/_edge/tenant_info` returns it. Required for `via = "gateway"`
    /// and for `delete_with = "customer-account"`. Example: `"11111111-2222-3333-4444-555555555555"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// URL of Atlassian's API gateway. Default: `"https://api.atlassian.com"`. Example: `"http://127.0.0.1:4000"`.
    #[serde(default = "defaults::gateway")]
    pub gateway: HttpUrl,
    /// Whether Jira and JSM calls go straight to the `site` or through the `gateway`, which OAuth clients and scoped
    /// tokens need. Default: `site` for an email address with a token, else `gateway`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The credentials of the account that makes the calls.
    pub auth: AuthTable,
    /// The call that deletes an account. `customer-account` deletes portal-only customers; `jira-user` deletes any
    /// account, and the daemon checks its type before. Example: `"jira-user"`.
    #[serde(default)]
    pub delete_with: DeleteWith,
    /// How long Atlassian keeps a deleted account before it is gone. Default: `"14d"`. Example: `"14d"`.
    #[serde(default = "defaults::deletion_grace")]
    pub deletion_grace: ConfigDuration,
    /// How long after the end of the deletion grace the account is read once more before the case is `erased`; `"0s"`
    /// omits this read. Default: a fourteenth of `deletion_grace` (a day of 14). Example: `"1d"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_back: Option<ConfigDuration>,
    /// The accounts that are never touched. Default: none by name.
    #[serde(default)]
    pub protect: ProtectTable,
    /// Waits before an account that was not found is searched again, each counted from the search before. Default:
    /// `["1m", "10m", "1h"]`. Example: `["5m", "1h", "1d"]`.
    #[serde(default = "defaults::look_again", deserialize_with = "all_positive")]
    pub look_again: Vec<ConfigDuration>,
    /// How often the account of a re-hired person is read, until access was granted again. Default: `"5m"`. Example:
    /// `"15m"`.
    #[serde(default = "defaults::watch_grant", deserialize_with = "positive")]
    pub watch_grant: ConfigDuration,
    /// What happens when an erased email address has an account again, for instance because the person wrote to the help
    /// desk: `attention` opens a case for a human, `revoke` one that revokes the access. Accounts that hide their email
    /// address are not found. Default: `"ignore"`. Example: `"attention"`.
    #[serde(default)]
    pub watch_erased: WatchErased,
    /// How often the list of all users is read for `watch_erased`, in pages of up to 1000. Default: `"1d"`. Example: `"12h"`.
    #[serde(default = "defaults::watch_erased_every", deserialize_with = "positive")]
    pub watch_erased_every: ConfigDuration,
    /// How often a paused site is probed. The interval grows when the site rejects calls although the probe succeeded.
    /// Default: `"1m"`. Example: `"5m"`.
    #[serde(default = "defaults::probe_every", deserialize_with = "positive")]
    pub probe_every: ConfigDuration,
    /// How often the credentials of a site that is not paused are tested, so that an expired token is reported before a
    /// call is due; `"0s"` disables this. Default: `"15m"`. Example: `"1h"`.
    #[serde(default = "defaults::probe_idle")]
    pub probe_idle: ConfigDuration,
    /// How many jobs run at the same time: this many that revoke or restore access, and this many others. Default: 4.
    /// Example: `8`.
    #[serde(default = "defaults::concurrency")]
    pub concurrency: u32,
    /// Time limit of one call. Default: `"30s"`. Example: `"1m"`.
    #[serde(default = "defaults::timeout", deserialize_with = "positive")]
    pub timeout: ConfigDuration,
}

/// Which way the Jira and JSM calls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Straight to the site.
    Site,
    /// Through the gateway, by the site's cloud id.
    Gateway,
}

named!(Via { Site = "site", Gateway = "gateway" });

/// `auth`: `{ email, token }`, `{ bearer }` or `{ client_id, client_secret }`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthTable {
    /// Email address of the account that owns the API token. Example: `"bot@acme.example"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// API token of that account. Example: `{ env = "ACME_TOKEN" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
    /// Access token that is sent as it is. Example: `{ env = "ACME_BEARER" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<SecretRef>,
    /// Id of an OAuth 2.0 client of a service account. Example: `"abcdefgh12345678"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Secret of that client. Example: `{ env = "ACME_CLIENT_SECRET" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
}

/// `protect`: the accounts that are never touched, whatever a source reports.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProtectTable {
    /// Exact email addresses. Example: `["ceo@acme.example"]`.
    pub emails: Vec<EmailAddress>,
    /// Domains of email addresses, without subdomains. Example: `["acme.example"]`.
    pub domains: Vec<String>,
    /// Atlassian account ids. Example: `["712020:6f8f0d7e-0000-0000-0000-000000000000"]`.
    pub account_ids: Vec<AccountId>,
}

impl SiteTable {
    /// Writes down what follows from other keys, so that `check` shows it.
    pub(super) fn complete(&mut self) {
        let usual = if self.auth.token.is_some() { Via::Site } else { Via::Gateway };
        self.via.get_or_insert(usual);
        let look_back = self.deletion_grace.nth(LOOK_BACK_SHARE);
        self.look_back.get_or_insert(look_back);
    }

    pub(super) fn convert(
        &self,
        name: &SiteName,
        base_dir: &Path,
        env: &Environment<'_>,
    ) -> Result<Site, Vec<Problem>> {
        let mut faults = Faults::default();
        faults.take(self.only_the_origin());
        let via_gateway = self.via == Some(Via::Gateway);
        let cloud_id = faults.take(self.checked_cloud_id(via_gateway)).flatten();
        if self.concurrency == 0 {
            faults.add(Problem::at("concurrency", "no job would ever run: write 1 or more"));
        }
        let auth = faults.take(self.auth.convert(base_dir, env).map_err(|problem| problem.under("auth")));
        let protect = faults.take_all("protect", self.protect.convert());
        faults.or(auth.zip(protect).map(|(auth, protect)| Site {
            name: name.clone(),
            url: self.url.get().clone(),
            cloud_id,
            gateway: self.gateway.get().clone(),
            via_gateway,
            auth,
            delete_with: self.delete_with,
            deletion_grace: self.deletion_grace.get(),
            look_back: self.look_back.unwrap_or_else(|| self.deletion_grace.nth(LOOK_BACK_SHARE)).get(),
            protect,
            look_again: self.look_again.iter().map(|wait| wait.get()).collect(),
            watch_grant: self.watch_grant.get(),
            watch_erased: self.watch_erased,
            watch_erased_every: self.watch_erased_every.get(),
            probe_every: self.probe_every.get(),
            probe_idle: self.probe_idle.get(),
            concurrency: usize::try_from(self.concurrency).unwrap_or(usize::MAX),
            timeout: self.timeout.get(),
        }))
    }

    /// The secrets that it refers to.
    pub(super) fn references(&self) -> impl Iterator<Item = &SecretRef> {
        self.auth.secrets().into_iter().map(|(_, reference)| reference)
    }

    /// People copy the address out of their browser, with the page that they were on.
    fn only_the_origin(&self) -> Result<(), Problem> {
        let url = self.url.get();
        let host = url.host_str().unwrap_or_default();
        if host.ends_with(".atlassian.net") && url.path() != "/" {
            return Err(Problem::at("url", format!("more than the URL of the site: write \"https://{host}\"")));
        }
        Ok(())
    }

    fn checked_cloud_id(&self, via_gateway: bool) -> Result<Option<String>, Problem> {
        match &self.cloud_id {
            Some(id) if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                Err(Problem::at("cloud_id", format!("not a cloud id: {} shows it", self.tenant_info())))
            }
            None if via_gateway || self.delete_with == DeleteWith::CustomerAccount => {
                let what = if via_gateway { "via = \"gateway\"" } else { "delete_with = \"customer-account\"" };
                Err(Problem::at("cloud_id", format!("{what} needs this key: {} shows it", self.tenant_info())))
            }
            id => Ok(id.clone()),
        }
    }

    fn tenant_info(&self) -> url::Url {
        self.url.below(&["_edge", "tenant_info"])
    }
}

impl AuthTable {
    /// The secrets that it refers to, by their keys.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let Self { email: _, token, bearer, client_id: _, client_secret } = self;
        let all = [("token", token), ("bearer", bearer), ("client_secret", client_secret)];
        all.into_iter().filter_map(|(key, reference)| Some((key, reference.as_ref()?))).collect()
    }

    fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<Auth, Problem> {
        let read = |key: &str, reference: &SecretRef| -> Result<SecretString, Problem> {
            reference.based_on(base_dir).read(env).map_err(|error| Problem::from(error).under(key))
        };
        match (&self.email, &self.token, &self.bearer, &self.client_id, &self.client_secret) {
            (Some(email), Some(token), None, None, None) => {
                EmailAddress::parse(email).map_err(|error| Problem::at("email", error.to_string()))?;
                Ok(Auth::Basic { email: email.trim().to_owned(), token: read("token", token)? })
            }
            (None, None, Some(bearer), None, None) => {
                let token = bearer.based_on(base_dir).read_token(env);
                Ok(Auth::Bearer(token.map_err(|error| Problem::from(error).under("bearer"))?))
            }
            (None, None, None, Some(id), Some(secret)) if !id.trim().is_empty() => {
                Ok(Auth::Client { client_id: id.trim().to_owned(), client_secret: read("client_secret", secret)? })
            }
            _ => Err(Problem::here(
                "write exactly one of { email = …, token = … }, { bearer = … } and { client_id = …, client_secret = … }",
            )),
        }
    }
}

impl ProtectTable {
    fn convert(&self) -> Result<Protection, Vec<Problem>> {
        let mut faults = Faults::default();
        let mut domains = HashSet::new();
        for (i, text) in self.domains.iter().enumerate() {
            let domain = protected_domain(text).map_err(|problem| problem.under_index(i).under("domains"));
            domains.extend(faults.take(domain));
        }
        let is_an_id = |id: &AccountId| {
            let id = id.as_str();
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.'))
        };
        for (i, _) in self.account_ids.iter().enumerate().filter(|(_, id)| !is_an_id(id)) {
            let message = "not an account id: copy it from the URL of the profile at \
                           admin.atlassian.com, like \"712020:6f8f0d7e-…\" or \"qm:…\"";
            faults.add(Problem::here(message).under_index(i).under("account_ids"));
        }
        faults.or(Some(Protection {
            emails: self.emails.iter().cloned().collect(),
            domains,
            account_ids: self.account_ids.iter().cloned().collect(),
        }))
    }
}

/// A domain in the spelling in which addresses are compared. An entry that cannot match any address is rejected: a
/// typing error in a protect list would otherwise be noticed only after the wrong account was deleted.
fn protected_domain(text: &str) -> Result<String, Problem> {
    let example = "write only what follows the @, like \"example.com\"";
    let domain = canonical_domain(text).map_err(|_not_repeated| {
        let what = if text.contains("://") {
            "a URL"
        } else if text.contains('@') {
            "an email address"
        } else if text.contains('*') {
            "a pattern"
        } else if text.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
            "a domain with a port"
        } else if text.chars().any(char::is_whitespace) {
            "a text with blanks"
        } else if !text.is_ascii() {
            "a text with invisible or other impossible characters"
        } else {
            "no domain"
        };
        Problem::here(format!("this is {what}, which matches no account: {example}"))
    })?;
    if domain.contains('.') || domain.starts_with('[') {
        Ok(domain)
    } else {
        Err(Problem::here(format!("a domain without a dot matches no account: {example}")))
    }
}
