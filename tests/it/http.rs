//! The HTTP client of the tests.

/// A client for one test. It trusts no certificate authority: to load those of the system takes longer than most tests,
/// and no test uses TLS.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .build()
        .unwrap()
}
