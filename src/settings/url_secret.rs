//! Secrets in what a lookup sends: in its URL named by `{secret}`, never written out, never printed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serializer;

use super::problem::Problem;
use crate::sources::lookup::SECRET;

/// Parameters whose value is a secret, without `-` and `_`.
const SECRET_PARAMETERS: [&str; 16] = [
    "key",
    "apikey",
    "xapikey",
    "token",
    "apitoken",
    "accesstoken",
    "authtoken",
    "secret",
    "clientsecret",
    "appkey",
    "password",
    "passwd",
    "pwd",
    "auth",
    "sig",
    "signature",
];

/// Rejects the URL under `key` with a secret written out, and a `{secret}` without a reference or the other way around.
pub(super) fn check(key: &str, url: &str, is_named: bool) -> Result<(), Problem> {
    if pieces(url)
        .any(|(name, value)| name.is_some_and(is_secret_parameter) && !value.is_empty() && !is_placeholder(value))
    {
        return Err(Problem::at(
            key,
            "a secret must not be written in the settings: write {secret} in its place, and auth = { secret = { env = \"NAME\" } }",
        ));
    }
    match (url.contains(SECRET), is_named) {
        (true, false) => {
            Err(Problem::at("auth", "the URL contains {secret}: write auth = { secret = { env = \"NAME\" } }"))
        }
        (false, true) => Err(Problem::at(key, "`auth.secret` is not used: write {secret} in place of the key")),
        (true, true) | (false, false) => Ok(()),
    }
}

/// Whether a header of this name carries a secret.
pub(super) fn is_secret_header(name: &str) -> bool {
    const ENDINGS: [&str; 6] = ["key", "token", "secret", "password", "authorization", "cookie"];
    let name = bare(name);
    ENDINGS.iter().any(|ending| name.ends_with(ending)) || SECRET_PARAMETERS.contains(&name.as_str())
}

/// Writes a URL or a body with `…` for every piece that may be a secret.
#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
pub(super) fn masked<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match url {
        Some(url) => serializer.serialize_str(&mask(url)),
        None => serializer.serialize_none(),
    }
}

/// Writes the values of headers in the same way.
pub(super) fn masked_values<S: Serializer>(
    headers: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(name, value)| (name, mask(value))))
}

fn mask(url: &str) -> Cow<'_, str> {
    let suspicious = pieces(url).map(|(_, value)| value).filter(|value| looks_secret(value));
    suspicious.fold(Cow::Borrowed(url), |url, value| url.replace(value, "…").into())
}

/// The steps of the path, the parameters with their names, and the words and texts of a body.
fn pieces(url: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    url.split(['/', '?', '&', ';', '#', '@', '"', ' ']).map(|piece| match piece.split_once('=') {
        Some((name, value)) => (Some(name), value),
        None => (None, piece),
    })
}

fn is_secret_parameter(name: &str) -> bool {
    SECRET_PARAMETERS.contains(&bare(name).as_str())
}

fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn is_placeholder(value: &str) -> bool {
    value.contains('{') && value.ends_with('}')
}

/// Long, with letters and digits: a generated key or id.
fn looks_secret(value: &str) -> bool {
    let has = |wanted: fn(&char) -> bool| value.chars().any(|c| wanted(&c));
    value.len() >= 16 && !value.contains(['{', '.', ':']) && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_out_key_is_rejected_without_being_shown() {
        for url in [
            "https://hr.example.com/{person_id}?api_key=hunter2",
            "https://hr.example.com/{person_id}?x=1&X-Api-Key=hunter2",
            "https://hr.example.com/{person_id}?access_token=hunter2",
        ] {
            let problem = check("url", url, false).unwrap_err().to_string();
            assert!(problem.contains("{secret}") && !problem.contains("hunter2"), "{problem}");
        }
        assert!(check("url", "https://hr.example.com/{person_id}?fields=workEmail", false).is_ok());
    }

    #[test]
    fn placeholder_and_reference_belong_together() {
        let url = "https://hr.example.com/{person_id}?api_key={secret}";
        assert!(check("url", url, true).is_ok() && check("url", url, false).is_err());
        assert!(check("url", "https://hr.example.com/{person_id}", true).is_err());
    }

    #[test]
    fn what_may_be_a_secret_is_masked() {
        let masked =
            mask("https://hr.example.com/hook/abcdef0123456789/{person_id}?k=hunter2-very-secret-0123&f=workEmail");
        assert_eq!(masked, "https://hr.example.com/hook/…/{person_id}?k=…&f=workEmail");
        let body = mask(r#"{"id": "{person_id}", "k": "hunter2-very-secret-0123"}"#);
        assert_eq!(body, r#"{"id": "{person_id}", "k": "…"}"#);
        assert_eq!(mask("2020-09-17"), "2020-09-17");
    }

    #[test]
    fn header_that_carries_a_secret_is_recognized_by_its_name() {
        for name in ["Authorization", "cookie", "X-Api-Key", "x_auth_token", "Proxy-Authorization", "API-Secret"] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in ["Finch-API-Version", "Accept-Language", "X-Company-Id"] {
            assert!(!is_secret_header(name), "{name}");
        }
    }
}
