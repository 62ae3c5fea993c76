//! `[sources.NAME.lookup]`: whom to ask for a person's address when deliveries carry only an id.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;

use super::address::HttpUrl;
use super::header_safe;
use super::near::listed;
use super::problem::Problem;
use super::secret::{Env, SecretRef};
use super::url_secret;
use crate::sources::lookup::{self, Auth, Lookup, PERSON_ID, ReadyMade, SECRET};

/// What stands for the customer's name in a ready-made address.
const COMPANY: &str = "{company}";

/// `[sources.NAME.lookup]`: whom to ask for a person's address when deliveries carry only an id.
///
/// For the vendors that `offboardd preset show` says it of, only `auth` is needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupTable {
    /// Whose ready-made lookup it is; that of the preset, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// What stands for `{company}` in the ready-made address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The address to read, with `{person_id}` in it; the ready-made one, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "url_secret::masked")]
    pub url: Option<String>,
    /// What is posted there, as JSON; without it, it is a GET.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where the e-mail address is in the answer, as a JSONPath like `"$.workEmail"`; the ready-made place, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Who we are there. No default.
    pub auth: LookupAuthTable,
}

/// `auth`: `{ bearer }`, `{ secret }`, `{ user, password }`, `{ header, value }` or `{ client_id, client_secret }`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupAuthTable {
    /// What stands for `{secret}` in the address, where the vendor wants its key there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// A token for `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<SecretRef>,
    /// The user for `Authorization: Basic`; a secret too, since some vendors put the key there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<SecretRef>,
    /// The password for it; without one it is sent empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// The name of a header of the vendor's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<SecretRef>,
    /// The id of an OAuth client, which is exchanged for access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<SecretRef>,
    /// Its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
    /// Where it is exchanged; the ready-made address, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<HttpUrl>,
}

impl LookupTable {
    /// `preset` is that of the source.
    pub(super) fn convert(&self, preset: Option<&str>, base_dir: &Path, env: &Env<'_>) -> Result<Lookup, Problem> {
        let ready = self.ready(preset)?;
        let url = self.address(ready)?;
        let email = self.email.as_deref().or_else(|| ready.map(|ready| ready.email.as_str()));
        let email = email.ok_or_else(|| {
            Problem::at("email", "this key is missing: write where the address is in the answer, like \"$.workEmail\"")
        })?;
        let email = JsonPath::parse(email).map_err(|error| {
            Problem::at("email", format!("not a JSONPath (RFC 9535) like \"$.workEmail\": {}", error.message()))
        })?;
        url_secret::check(&url, self.auth.secret.is_some())?;
        let auth = self.auth.convert(ready, base_dir, env).map_err(|problem| problem.under("auth"))?;
        Ok(Lookup::new(url, self.content(ready), email, auth))
    }

    /// The secrets that it refers to.
    pub(super) fn references(&self) -> impl Iterator<Item = &SecretRef> {
        let LookupAuthTable {
            secret,
            bearer,
            user,
            password,
            header: _,
            value,
            client_id,
            client_secret,
            token_url: _,
        } = &self.auth;
        [secret, bearer, user, password, value, client_id, client_secret].into_iter().flatten()
    }

    fn ready(&self, preset: Option<&str>) -> Result<Option<&'static ReadyMade>, Problem> {
        let Some(vendor) = &self.vendor else { return Ok(preset.and_then(lookup::of_preset)) };
        lookup::find(vendor).map(Some).ok_or_else(|| {
            Problem::at(
                "vendor",
                format!("no lookup is ready-made for that one; there are {}", listed(lookup::names())),
            )
        })
    }

    fn address(&self, ready: Option<&ReadyMade>) -> Result<String, Problem> {
        let url = self.url.as_deref().or_else(|| ready.map(|ready| ready.url.as_str()));
        let url = url.ok_or_else(|| {
            Problem::at("url", "this key is missing: write the address to read, with {person_id} where the id goes")
        })?;
        let url = match (&self.company, url.contains(COMPANY)) {
            (Some(company), true) => url.replace(COMPANY, &utf8_percent_encode(company, NON_ALPHANUMERIC).to_string()),
            (None, true) => {
                return Err(Problem::at("company", "this key is missing: the address needs what the vendor calls you"));
            }
            (Some(_), false) => {
                return Err(Problem::at("company", "the address has no {company} in it: take this key out"));
            }
            (None, false) => url.to_owned(),
        };
        if !url.contains(PERSON_ID) {
            return Err(Problem::at(
                "url",
                "this would read the same for everybody: write {person_id} where the id goes",
            ));
        }
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        if query.contains('#') || path.replace(PERSON_ID, "42").replace(SECRET, "s").parse::<HttpUrl>().is_err() {
            return Err(Problem::at(
                "url",
                "not a web address: write it like \"https://acme.example/people/{person_id}\"",
            ));
        }
        Ok(url)
    }

    /// What is posted belongs to the address: another address has another one.
    fn content(&self, ready: Option<&ReadyMade>) -> Option<String> {
        let ready = ready.filter(|_| self.url.is_none()).and_then(|ready| ready.body.clone());
        self.body.clone().or(ready)
    }
}

impl LookupAuthTable {
    fn is_empty(&self) -> bool {
        let Self { secret, bearer, user, password, header, value, client_id, client_secret, token_url } = self;
        let secrets = [secret, bearer, user, password, value, client_id, client_secret];
        secrets.into_iter().all(Option::is_none) && header.is_none() && token_url.is_none()
    }

    fn convert(&self, ready: Option<&ReadyMade>, base_dir: &Path, env: &Env<'_>) -> Result<Auth, Problem> {
        let read = |key: &str, reference: &SecretRef| -> Result<SecretString, Problem> {
            let secret = reference.based_on(base_dir).read(env).map_err(|error| Problem::from(error).under(key))?;
            header_safe(&secret).map_err(|problem| problem.under(key))?;
            Ok(secret)
        };
        if let Some(secret) = &self.secret {
            let alone = Self { secret: None, ..self.clone() };
            return if alone.is_empty() {
                Ok(Auth::InUrl(read("secret", secret)?))
            } else {
                Err(Problem::here("write { secret = … } alone: the address holds it, and nothing else is sent"))
            };
        }
        let Self { secret: _, bearer, user, password, header, value, client_id, client_secret, token_url } = self;
        match (bearer, (user, password), (header, value), (client_id, client_secret, token_url)) {
            (Some(bearer), (None, None), (None, None), (None, None, None)) => Ok(Auth::Bearer(read("bearer", bearer)?)),
            (None, (Some(user), password), (None, None), (None, None, None)) => {
                let password = match password {
                    Some(password) => Some(read("password", password)?),
                    None => ready.and_then(|ready| ready.password.clone()).map(SecretString::from),
                };
                Ok(Auth::Basic { user: read("user", user)?, password })
            }
            (None, (None, None), (Some(name), Some(value)), (None, None, None)) => {
                let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
                if !fits {
                    return Err(Problem::at("header", "not the name of a header: write it like \"X-Api-Key\""));
                }
                Ok(Auth::Header { name: name.to_lowercase(), value: read("value", value)? })
            }
            (None, (None, None), (None, None), (Some(client_id), Some(client_secret), given)) => {
                let ready = || ready.and_then(|ready| ready.token_url.as_ref()?.parse::<HttpUrl>().ok());
                let token_url = given.clone().or_else(ready).ok_or_else(|| {
                    Problem::at("token_url", "this key is missing: write where the client is exchanged for a token")
                })?;
                let token_url = token_url.get().clone();
                let client_id = read("client_id", client_id)?;
                Ok(Auth::Client { token_url, client_id, client_secret: read("client_secret", client_secret)? })
            }
            _ => Err(Problem::here(
                "write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and \
                 { client_id = …, client_secret = … }",
            )),
        }
    }
}
