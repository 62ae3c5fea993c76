//! Where a call goes: at the site, or through the gateway.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use super::call::{Api, Call};
use super::site::Site;

/// What RFC 3986 calls unreserved stays; everything else is encoded, the colons of `qm:` ids too.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why there is no address for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlError {
    /// It goes through the gateway, and the settings do not name the site's cloud id.
    NoCloudId,
    /// An id is empty or a dot segment: the path would be another endpoint's.
    UnusableId,
}

/// The address of `call` at `site`, `id` standing for the `{}` in its path.
pub(super) fn endpoint_url(site: &Site, call: Call, id: Option<&str>, query: &[(&str, &str)]) -> Result<Url, UrlError> {
    let endpoint = call.endpoint();
    let (base, door) = match endpoint.api {
        Api::Jira if site.via_gateway => (&site.gateway, format!("/ex/jira/{}", cloud_id(site)?)),
        Api::Jira | Api::Anonymous => (&site.url, String::new()),
        Api::CustomerService => (&site.gateway, format!("/jsm/csm/cloudid/{}", cloud_id(site)?)),
        Api::OAuth => return Ok(token_address(&site.gateway)),
    };
    if query.iter().any(|(_, value)| value.is_empty()) {
        return Err(UrlError::UnusableId);
    }
    let path = match id {
        Some(id) => endpoint.path.replace("{}", &segment(id).ok_or(UrlError::UnusableId)?),
        None => endpoint.path.to_owned(),
    };
    let mut url = under(base, &format!("{door}{path}"));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// Atlassian's own token endpoint has a host of its own. Behind another gateway (a proxy, the sandbox) it is the gateway's
/// `/oauth/token`, so that nothing gets around the proxy.
fn token_address(gateway: &Url) -> Url {
    let mut url = under(gateway, "/oauth/token");
    if gateway.host() == Some(Host::Domain("api.atlassian.com")) {
        // The host is a constant that parses, so that this cannot fail.
        if url.set_host(Some("auth.atlassian.com")).is_ok() {
            url.set_path("/oauth/token");
        }
    }
    url
}

fn cloud_id(site: &Site) -> Result<String, UrlError> {
    site.cloud_id.as_deref().and_then(segment).ok_or(UrlError::NoCloudId)
}

fn segment(text: &str) -> Option<String> {
    let fits = !matches!(text, "" | "." | "..");
    fits.then(|| utf8_percent_encode(text, RESERVED).to_string())
}

/// `path`, already encoded, below whatever path `base` has.
fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::site_at;
    use super::*;

    fn site(url: &str, gateway: &str) -> Site {
        Site { gateway: Url::parse(gateway).unwrap(), ..site_at(&Url::parse(url).unwrap()) }
    }

    #[test]
    fn ids_are_encoded_in_paths_and_queries() {
        let site = site("https://acme.atlassian.net", "https://api.atlassian.com");
        let revoke = endpoint_url(&site, Call::Revoke, Some("qm:a/b?c"), &[]).unwrap();
        assert_eq!(
            revoke.as_str(),
            "https://acme.atlassian.net/rest/servicedeskapi/customer/user/qm%3Aa%2Fb%3Fc/revoke-portal-only-access"
        );
        let read = endpoint_url(&site, Call::Read, None, &[("accountId", "qm:a&b")]).unwrap();
        assert_eq!(read.as_str(), "https://acme.atlassian.net/rest/api/3/user?accountId=qm%3Aa%26b");
        let search = endpoint_url(&site, Call::Search, None, &[("query", "ann+jira@example.com")]).unwrap();
        assert_eq!(search.query(), Some("query=ann%2Bjira%40example.com"));
    }

    #[test]
    fn the_gateway_form_names_the_cloud_id() {
        let site = Site { via_gateway: true, ..site("https://acme.atlassian.net", "https://api.atlassian.com") };
        let read = endpoint_url(&site, Call::Read, None, &[("accountId", "qm:1")]).unwrap();
        assert_eq!(read.as_str(), "https://api.atlassian.com/ex/jira/cloud-1/rest/api/3/user?accountId=qm%3A1");
        let delete = endpoint_url(&site, Call::DeleteCustomerAccount, Some("qm:1"), &[]).unwrap();
        assert_eq!(delete.as_str(), "https://api.atlassian.com/jsm/csm/cloudid/cloud-1/api/v1/customer/account/qm%3A1");
        let info = endpoint_url(&site, Call::TenantInfo, None, &[]).unwrap();
        assert_eq!(info.as_str(), "https://acme.atlassian.net/_edge/tenant_info", "read at the site itself");
    }

    #[test]
    fn a_base_with_a_path_keeps_it() {
        for base in ["http://127.0.0.1:1/proxy/acme", "http://127.0.0.1:1/proxy/acme/"] {
            let site = site(base, base);
            let read = endpoint_url(&site, Call::Read, None, &[("accountId", "1")]).unwrap();
            assert_eq!(read.as_str(), "http://127.0.0.1:1/proxy/acme/rest/api/3/user?accountId=1");
            let delete = endpoint_url(&site, Call::DeleteCustomerAccount, Some("1"), &[]).unwrap();
            assert_eq!(
                delete.as_str(),
                "http://127.0.0.1:1/proxy/acme/jsm/csm/cloudid/cloud-1/api/v1/customer/account/1"
            );
        }
    }

    #[test]
    fn tokens_come_from_atlassian_or_from_the_gateway_in_its_place() {
        let token = |gateway: &str| {
            endpoint_url(&site("https://acme.atlassian.net", gateway), Call::Token, None, &[]).unwrap().to_string()
        };
        assert_eq!(token("https://api.atlassian.com"), "https://auth.atlassian.com/oauth/token");
        assert_eq!(token("http://127.0.0.1:1/acme"), "http://127.0.0.1:1/acme/oauth/token");
    }

    #[test]
    fn an_id_that_would_change_the_path_is_refused() {
        let site = site("https://acme.atlassian.net", "https://api.atlassian.com");
        for id in ["", ".", ".."] {
            assert_eq!(endpoint_url(&site, Call::DeleteCustomerAccount, Some(id), &[]), Err(UrlError::UnusableId));
        }
        assert_eq!(endpoint_url(&site, Call::DeleteUser, None, &[("accountId", "")]), Err(UrlError::UnusableId));
    }

    #[test]
    fn the_gateway_without_a_cloud_id_is_no_address() {
        let site = Site { cloud_id: None, ..site("https://acme.atlassian.net", "https://api.atlassian.com") };
        assert_eq!(endpoint_url(&site, Call::DeleteCustomerAccount, Some("1"), &[]), Err(UrlError::NoCloudId));
    }
}
