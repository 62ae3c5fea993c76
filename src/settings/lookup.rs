//! `[sources.NAME.lookup]`: whom to ask for a person's address when deliveries carry only an id.

use std::path::Path;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;

use super::address::HttpUrl;
use super::header_safe;
use super::problem::Problem;
use super::secret::{Env, SecretRef};

/// `[sources.NAME.lookup]`: whom to ask for a person's address when deliveries carry only an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupTable {
    /// The address to read, with `{person_id}` in it. No default.
    pub url: String,
    /// Where the e-mail address is in the answer, as a JSONPath like `"$.workEmail"`. No default.
    pub email: String,
    /// Who we are there. No default.
    pub auth: LookupAuthTable,
}

/// `auth`: `{ bearer }`, `{ user, password }` or `{ header, value }`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupAuthTable {
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
}

/// Whom to ask for a person's address.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The address to read, with [`Lookup::PERSON_ID`] in it.
    pub url: String,
    /// Where the e-mail address is in the answer.
    pub email: JsonPath,
    /// Who we are there.
    pub auth: LookupAuth,
}

impl Lookup {
    /// What stands for the person's id in the address.
    pub const PERSON_ID: &'static str = "{person_id}";
}

/// Who we are at a vendor.
#[derive(Debug, Clone)]
pub enum LookupAuth {
    /// `Authorization: Bearer`.
    Bearer(SecretString),
    /// `Authorization: Basic`.
    Basic {
        /// The user.
        user: SecretString,
        /// The password, if there is one.
        password: Option<SecretString>,
    },
    /// A header of the vendor's own.
    Header {
        /// Its name, in lower case.
        name: String,
        /// Its value.
        value: SecretString,
    },
}

impl LookupTable {
    pub(super) fn convert(&self, base_dir: &Path, env: &Env<'_>) -> Result<Lookup, Problem> {
        if !self.url.contains(Lookup::PERSON_ID) {
            return Err(Problem::at(
                "url",
                "this would read the same for everybody: write {person_id} where the id goes",
            ));
        }
        let (path, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let credible = !query.contains('#') && path.replace(Lookup::PERSON_ID, "42").parse::<HttpUrl>().is_ok();
        if !credible {
            return Err(Problem::at(
                "url",
                "not a web address: write it like \"https://acme.example/people/{person_id}\"",
            ));
        }
        let email = JsonPath::parse(&self.email).map_err(|error| {
            Problem::at("email", format!("not a JSONPath (RFC 9535) like \"$.workEmail\": {}", error.message()))
        })?;
        let auth = self.auth.convert(base_dir, env).map_err(|problem| problem.under("auth"))?;
        Ok(Lookup { url: self.url.clone(), email, auth })
    }
}

impl LookupAuthTable {
    fn convert(&self, base_dir: &Path, env: &Env<'_>) -> Result<LookupAuth, Problem> {
        let read = |key: &str, reference: &SecretRef| -> Result<SecretString, Problem> {
            let secret = reference.based_on(base_dir).read(env).map_err(|error| Problem::from(error).under(key))?;
            header_safe(&secret).map_err(|problem| problem.under(key))?;
            Ok(secret)
        };
        match (&self.bearer, &self.user, &self.password, &self.header, &self.value) {
            (Some(bearer), None, None, None, None) => Ok(LookupAuth::Bearer(read("bearer", bearer)?)),
            (None, Some(user), password, None, None) => {
                let password = password.as_ref().map(|password| read("password", password)).transpose()?;
                Ok(LookupAuth::Basic { user: read("user", user)?, password })
            }
            (None, None, None, Some(name), Some(value)) => {
                let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
                if !fits {
                    return Err(Problem::at("header", "not the name of a header: write it like \"X-Api-Key\""));
                }
                Ok(LookupAuth::Header { name: name.to_lowercase(), value: read("value", value)? })
            }
            _ => Err(Problem::here(
                "write exactly one of { bearer = … }, { user = …, password = … } and { header = …, value = … }",
            )),
        }
    }
}
