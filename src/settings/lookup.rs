//! `[sources.NAME.lookup]`: the vendor API that returns the email address when deliveries carry only an id.

use std::collections::BTreeMap;
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;

use super::http_url::HttpUrl;
use super::problem::{Faults, Problem};
use super::secret::{Environment, SecretRef};
use super::url_secret;
use crate::sources::json_path_error;
use crate::sources::lookup::{self, Auth, Lookup, LookupEndpoint, LookupPreset, PERSON_ID, SECRET};
use crate::sources::near::listed;

/// What stands for the customer's name in a address of the lookup preset.
const COMPANY: &str = "{company}";

/// `[sources.NAME.lookup]`: the vendor API that returns the email address when deliveries carry only an id. With a lookup
/// preset, only `auth` is required.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupTable {
    /// Name of the lookup preset. Default: that of the source's preset. Example: `"personio"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Replaces `{company}` in the URL of the lookup preset. Example: `"acme"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// URL to read, with `{person_id}` in place of the id. Default: that of the lookup preset. Example:
    /// `"https://api.vendor.example/people/{person_id}"`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "url_secret::masked")]
    pub url: Option<String>,
    /// URL to read when `url` returns 404, such as a list of deleted people. Example:
    /// `"https://api.vendor.example/deleted/{person_id}"`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "url_secret::masked")]
    pub fallback_url: Option<String>,
    /// Headers that the vendor requires, such as its API version. Secrets belong into `auth`. Example: `{ Api-Version =
    /// "2024-01-01" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "url_secret::masked_values")]
    pub headers: BTreeMap<String, String>,
    /// JSON body to post, with `{person_id}` in place of the id. Without it, the request is a GET. Example:
    /// `'{"id":"{person_id}"}'`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "url_secret::masked")]
    pub body: Option<String>,
    /// JSONPath of the email address in the response, or a list of them; the first with a value counts. Default: that of
    /// the lookup preset. Example: `"$.workEmail"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<OneOrMany>,
    /// The credentials at the vendor.
    pub auth: LookupAuthTable,
}

/// A text, or a list of texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "a JSONPath like \"$.workEmail\", or a list of them")]
pub enum OneOrMany {
    /// A text.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// `auth`: `{ bearer }`, `{ secret }`, `{ user, password }`, `{ header, value }` or `{ client_id, client_secret }`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupAuthTable {
    /// Replaces `{secret}` in the URL. Example: `{ env = "HR_API_KEY" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// Token for `Authorization: Bearer`. Example: `{ env = "HR_API_TOKEN" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<SecretRef>,
    /// User for `Authorization: Basic`. It is a secret because some vendors put the API key there. Example: `{ env =
    /// "HR_API_KEY" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<SecretRef>,
    /// Password for `Authorization: Basic`. Default: that of the lookup preset, or empty. Example: `{ env =
    /// "HR_API_PASSWORD" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Name of a header that carries the credential. Example: `"X-Api-Key"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Value of that header. Example: `{ env = "HR_API_KEY" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<SecretRef>,
    /// Id of an OAuth 2.0 client, exchanged for access tokens. Example: `{ env = "HR_CLIENT" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<SecretRef>,
    /// Secret of that client. Example: `{ env = "HR_CLIENT_SECRET" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
    /// URL that issues access tokens. Default: that of the lookup preset. Example:
    /// `"https://auth.vendor.example/oauth/token"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<HttpUrl>,
    /// Scope of the token request. Default: that of the lookup preset. Example: `"people:read"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Audience of the token request. Default: that of the lookup preset. Example: `"https://api.vendor.example"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

impl LookupTable {
    /// `preset` is that of the source.
    pub(super) fn convert(
        &self,
        preset: Option<&str>,
        base_dir: &Path,
        env: &Environment<'_>,
    ) -> Result<Lookup, Vec<Problem>> {
        let mut faults = Faults::default();
        // Without knowing the vendor nothing else can be judged.
        let lookup_preset = self.lookup_preset(preset).map_err(|problem| vec![problem])?;
        faults.take(self.company_fits(lookup_preset));
        let mut urls = vec![faults.take(self.first_url(lookup_preset))];
        let fallback =
            self.fallback_url.as_deref().or_else(|| self.lookup_preset_of_url(lookup_preset)?.fallback_url.as_deref());
        urls.extend(fallback.map(|url| faults.take(self.address("fallback_url", url))));
        let headers = self.headers(lookup_preset, &mut faults);
        let emails = self.emails(lookup_preset, &mut faults);
        let auth = self.auth.convert(lookup_preset, self.company.as_deref(), base_dir, env);
        let auth = faults.take(auth.map_err(|problem| problem.under("auth")));
        let id_in_front =
            self.lookup_preset_of_url(lookup_preset).is_some_and(|lookup_preset| lookup_preset.id_in_front);
        let body = self.body.clone().or_else(|| self.lookup_preset_of_url(lookup_preset)?.body.clone());
        let urls: Option<Vec<String>> = urls.into_iter().collect();
        let endpoint = urls.map(|urls| LookupEndpoint { urls, headers, body, emails, id_in_front });
        faults.or(endpoint.zip(auth).map(|(endpoint, auth)| Lookup::new(endpoint, auth)))
    }

    /// The secrets that it refers to.
    pub(super) fn references(&self) -> impl Iterator<Item = &SecretRef> {
        self.auth.secrets().into_iter().map(|(_, reference)| reference)
    }

    fn lookup_preset(&self, preset: Option<&str>) -> Result<Option<&'static LookupPreset>, Problem> {
        let Some(vendor) = &self.vendor else { return Ok(preset.and_then(lookup::of_preset)) };
        lookup::find(vendor).map(Some).ok_or_else(|| {
            Problem::at("vendor", format!("no lookup preset has this name; there are {}", listed(lookup::names())))
        })
    }

    /// What belongs to the URL of the lookup preset: with a URL of one's own none of it applies.
    fn lookup_preset_of_url(&self, lookup_preset: Option<&'static LookupPreset>) -> Option<&'static LookupPreset> {
        lookup_preset.filter(|_| self.url.is_none())
    }

    fn first_url(&self, lookup_preset: Option<&'static LookupPreset>) -> Result<String, Problem> {
        let url = self.url.as_deref().or_else(|| lookup_preset.map(|lookup_preset| lookup_preset.url.as_str()));
        let url = url.ok_or_else(|| {
            Problem::at("url", "this key is missing: write the address to read, with {person_id} in place of the id")
        })?;
        self.address("url", url)
    }

    fn company_fits(&self, lookup_preset: Option<&'static LookupPreset>) -> Result<(), Problem> {
        let urls = [self.url.as_deref(), self.fallback_url.as_deref()];
        let wanted = urls.into_iter().flatten().any(|url| url.contains(COMPANY))
            || self.url.is_none() && lookup_preset.is_some_and(LookupPreset::needs_company);
        match (&self.company, wanted) {
            (None, true) => {
                Err(Problem::at("company", "this key is missing: the URL contains {company}, your name at the vendor"))
            }
            (Some(_), false) => Err(Problem::at("company", "the URL contains no {company}: remove this key")),
            (Some(_), true) | (None, false) => Ok(()),
        }
    }

    fn address(&self, key: &str, url: &str) -> Result<String, Problem> {
        let url = with_company(url, self.company.as_deref());
        // An id may stand in what is posted instead.
        let posts_id = self.body.as_deref().is_some_and(|body| body.contains(PERSON_ID)) || self.url.is_none();
        if !url.contains(PERSON_ID) && !posts_id {
            let message = "the URL is the same for every person: write {person_id} in place of the id";
            return Err(Problem::at(key, message));
        }
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        if query.contains('#') || path.replace(PERSON_ID, "42").replace(SECRET, "s").parse::<HttpUrl>().is_err() {
            return Err(Problem::at(key, "not an HTTP URL: write it like \"https://acme.example/people/{person_id}\""));
        }
        url_secret::check(key, &url, self.auth.secret.is_some())?;
        Ok(url)
    }

    fn headers(&self, lookup_preset: Option<&'static LookupPreset>, faults: &mut Faults) -> Vec<(String, String)> {
        for (name, value) in &self.headers {
            let problem = if !is_header_name(name) {
                "not the name of a header: write it like \"Api-Version\""
            } else if url_secret::is_secret_header(name) {
                "a secret must not be written in the settings: write it in `auth`, as { env = \"NAME\" } or { file = \"PATH\" }"
            } else if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
                "no header can carry this value: write printable ASCII characters"
            } else {
                continue;
            };
            faults.add(Problem::at(name, problem).under("headers"));
        }
        let lookup_preset =
            self.lookup_preset_of_url(lookup_preset).map(|lookup_preset| &lookup_preset.headers).into_iter().flatten();
        let lookup_preset =
            lookup_preset.filter(|(name, _)| !self.headers.keys().any(|own| own.eq_ignore_ascii_case(name)));
        self.headers.iter().chain(lookup_preset).map(|(name, value)| (name.to_lowercase(), value.clone())).collect()
    }

    fn emails(&self, lookup_preset: Option<&'static LookupPreset>, faults: &mut Faults) -> Vec<JsonPath> {
        let lookup_preset = lookup_preset.map(|lookup_preset| lookup_preset.email.as_slice());
        let paths = self.email.as_ref().map(OneOrMany::as_slice).or(lookup_preset).unwrap_or_default();
        if paths.is_empty() {
            let message =
                "this key is missing: write the place of the email address in the response, like \"$.workEmail\"";
            faults.add(Problem::at("email", message));
        }
        let mut emails = Vec::new();
        for (i, path) in paths.iter().enumerate() {
            match JsonPath::parse(path) {
                Ok(path) => emails.push(path),
                Err(error) => {
                    let problem = Problem::here(json_path_error::describe(path, &error, 0));
                    let alone = matches!(self.email, Some(OneOrMany::One(_)));
                    let problem = if alone { problem } else { problem.under_index(i) };
                    faults.add(problem.under("email"));
                }
            }
        }
        emails
    }
}

fn with_company(url: &str, company: Option<&str>) -> String {
    match company {
        Some(company) => url.replace(COMPANY, &utf8_percent_encode(company, NON_ALPHANUMERIC).to_string()),
        None => url.to_owned(),
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

impl LookupAuthTable {
    /// The secrets that it refers to, by their keys.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let Self { secret, bearer, user, password, value, client_id, client_secret, .. } = self;
        let all = [
            ("secret", secret),
            ("bearer", bearer),
            ("user", user),
            ("password", password),
            ("value", value),
            ("client_id", client_id),
            ("client_secret", client_secret),
        ];
        all.into_iter().filter_map(|(key, reference)| Some((key, reference.as_ref()?))).collect()
    }

    /// Whether nothing but `secret` is written.
    fn is_secret_alone(&self) -> bool {
        let Self { header, token_url, scope, audience, .. } = self;
        let others = header.is_some() || token_url.is_some() || scope.is_some() || audience.is_some();
        !others && self.secrets().iter().all(|(key, _)| *key == "secret")
    }

    fn convert(
        &self,
        lookup_preset: Option<&LookupPreset>,
        company: Option<&str>,
        base_dir: &Path,
        env: &Environment<'_>,
    ) -> Result<Auth, Problem> {
        let read = |key: &str, reference: &SecretRef| -> Result<SecretString, Problem> {
            reference.based_on(base_dir).read_token(env).map_err(|error| Problem::from(error).under(key))
        };
        if let Some(secret) = &self.secret {
            return if self.is_secret_alone() {
                Ok(Auth::InUrl(read("secret", secret)?))
            } else {
                Err(Problem::here("write { secret = … } without other keys: the secret is sent in the URL only"))
            };
        }
        let Self {
            bearer, user, password, header, value, client_id, client_secret, token_url, scope, audience, ..
        } = self;
        if client_id.is_none() {
            for (key, written) in [("scope", scope), ("audience", audience)] {
                if written.is_some() {
                    return Err(Problem::at(
                        key,
                        "only a token request carries it: it goes with client_id and client_secret",
                    ));
                }
            }
        }
        match (bearer, (user, password), (header, value), (client_id, client_secret, token_url)) {
            (Some(bearer), (None, None), (None, None), (None, None, None)) => Ok(Auth::Bearer(read("bearer", bearer)?)),
            (None, (Some(user), password), (None, None), (None, None, None)) => {
                let password = match password {
                    Some(password) => Some(read("password", password)?),
                    None => {
                        lookup_preset.and_then(|lookup_preset| lookup_preset.password.clone()).map(SecretString::from)
                    }
                };
                Ok(Auth::Basic { user: read("user", user)?, password })
            }
            (None, (None, None), (Some(name), Some(value)), (None, None, None)) => {
                if !is_header_name(name) {
                    return Err(Problem::at("header", "not the name of a header: write it like \"X-Api-Key\""));
                }
                Ok(Auth::Header { name: name.to_lowercase(), value: read("value", value)? })
            }
            (None, (None, None), (None, None), (Some(client_id), Some(client_secret), given)) => {
                let preset_url = || with_company(lookup_preset?.token_url.as_deref()?, company).parse::<HttpUrl>().ok();
                let token_url = given.clone().or_else(preset_url).ok_or_else(|| {
                    Problem::at("token_url", "this key is missing: write the URL that issues access tokens")
                })?;
                let token_url = token_url.get().clone();
                let client_id = read("client_id", client_id)?;
                let client_secret = read("client_secret", client_secret)?;
                // What the lookup preset says belongs to its own token endpoint.
                let lookup_preset = lookup_preset.filter(|_| given.is_none());
                let scope = scope.clone().or_else(|| lookup_preset?.scope.clone());
                let audience = audience.clone().or_else(|| lookup_preset?.audience.clone());
                Ok(Auth::Client { token_url, client_id, client_secret, scope, audience })
            }
            _ => Err(Problem::here(
                "write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and \
                 { client_id = …, client_secret = … }",
            )),
        }
    }
}
