//! Addresses as the settings write them: of web sites, and of our own listeners.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::text;

/// An `http://` or `https://` address without credentials, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

impl HttpUrl {
    /// The address as such.
    pub const fn get(&self) -> &Url {
        &self.0
    }

    /// Whether what is sent there can be read on the way: plain HTTP to another machine.
    pub fn is_exposed(&self) -> bool {
        let here = self.0.host().is_some_and(|host| match host {
            url::Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            url::Host::Ipv4(ip) => ip.is_loopback(),
            url::Host::Ipv6(ip) => ip.is_loopback(),
        });
        self.0.scheme() == "http" && !here
    }

    /// The address of something below it.
    pub fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl FromStr for HttpUrl {
    type Err = HttpUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or(HttpUrlError::NotHttp)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(HttpUrlError::TooLong);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl Serialize for HttpUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HttpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, "an address like \"https://acme.example\"")
    }
}

/// A text that is no address that can be used. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// Another scheme, or none.
    #[error("not an HTTP URL: write it with its scheme, like \"https://acme.example\"")]
    NotHttp,
    /// `https://user:password@…`.
    #[error("the URL contains credentials: write them in their own key, as {{ env = … }} or {{ file = … }}")]
    Credentials,
    /// `?…` or `#…`.
    #[error("the URL contains `?` or `#`: write it without them")]
    TooLong,
}

/// Where one of our listeners listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

impl ListenAddress {
    /// On this machine only, at this port.
    pub const fn loopback(port: u16) -> Self {
        Self(SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port)))
    }

    /// The address as such.
    pub const fn get(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_ignored: std::net::AddrParseError| ListenAddressError)
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, "an IP address and a port like \"127.0.0.1:8080\"")
    }
}

/// A text that is not where a listener can listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid listen address: use IP:PORT, like \"127.0.0.1:8080\" or \"[::]:8080\"")]
pub struct ListenAddressError;

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> HttpUrl {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_without_its_scheme_or_with_too_much_is_refused() {
        for (text, why) in [
            ("acme.example", HttpUrlError::NotHttp),
            ("", HttpUrlError::NotHttp),
            ("ftp://acme.example", HttpUrlError::NotHttp),
            ("https://", HttpUrlError::NotHttp),
            ("https://bot:hunter2@acme.example", HttpUrlError::Credentials),
            ("https://acme.example/?a=b", HttpUrlError::TooLong),
        ] {
            assert_eq!(text.parse::<HttpUrl>(), Err(why), "{text}");
        }
    }

    #[test]
    fn what_lies_below_keeps_the_path_of_the_proxy() {
        for base in ["https://acme.example/hooks", "https://acme.example/hooks/"] {
            assert_eq!(url(base).below(&["webhooks", "hr"]).as_str(), "https://acme.example/hooks/webhooks/hr");
        }
    }

    #[test]
    fn only_plain_http_to_another_machine_is_exposed() {
        for here in ["http://127.0.0.1:4000", "http://[::1]:4000", "http://localhost:4000", "https://acme.example"] {
            assert!(!url(here).is_exposed(), "{here}");
        }
        assert!(url("http://acme.example").is_exposed());
    }
}
