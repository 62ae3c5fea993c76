//! Lookups against a stub vendor over real sockets.

mod presets;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::response::LONGEST_BODY;
use super::*;

/// A vendor with one fixed response, and its recorded requests.
struct Vendor {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Vendor {
    async fn says(status: u16, headers: &'static [(&'static str, &'static str)], body: impl Into<String>) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (body, notes) = (body.into(), Arc::clone(&seen));
        let answer = move |request: Request| {
            let (body, notes) = (body.clone(), Arc::clone(&notes));
            async move {
                let header = |name: &str| {
                    request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
                };
                let line = format!(
                    "{} {} {}{}",
                    request.method(),
                    request.uri(),
                    header("authorization"),
                    header("x-api-key")
                );
                notes.lock().unwrap().push(line);
                let token = request.uri().path() == "/token";
                let body = if token { r#"{"access_token":"t1","expires_in":60}"#.to_owned() } else { body };
                let mut response = axum::http::Response::builder().status(if token { 200 } else { status });
                for (name, value) in headers {
                    response = response.header(*name, *value);
                }
                response.body(Body::from(body)).unwrap()
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        Self { url, seen, _serving: serving }
    }

    fn lookup(&self, auth: Auth) -> Lookup {
        let url = format!("{}/people/{PERSON_ID}?fields=email", self.url);
        lookup(url, "$.work.email", auth)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn lookup(url: String, email: &str, auth: Auth) -> Lookup {
    let emails = vec![JsonPath::parse(email).unwrap()];
    Lookup::new(LookupEndpoint { urls: vec![url], headers: Vec::new(), body: None, emails, id_in_front: false }, auth)
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn now() -> Timestamp {
    "2026-09-07T12:00:00Z".parse().unwrap()
}

async fn find_email(lookup: &Lookup, id: &str) -> Result<LookupOutcome, Failure> {
    lookup.find_email(&http(), &PersonId::parse(id).unwrap(), now()).await
}

fn bearer() -> Auth {
    Auth::Bearer("s3cret".into())
}

async fn outcome(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &str,
) -> Result<LookupOutcome, Failure> {
    let vendor = Vendor::says(status, headers, body).await;
    find_email(&vendor.lookup(bearer()), "42").await
}

fn ann() -> LookupOutcome {
    LookupOutcome::Found(EmailAddress::parse("ann@example.com").unwrap())
}

#[tokio::test]
async fn secret_in_url_is_sent_to_fallback_and_cannot_be_requested_by_id() {
    let vendor = Vendor::says(404, &[], "").await;
    let urls = ["people", "deleted"].map(|step| format!("{}/{step}/{PERSON_ID}?key={SECRET}", vendor.url));
    let place = LookupEndpoint {
        urls: urls.to_vec(),
        headers: Vec::new(),
        body: None,
        emails: vec![JsonPath::parse("$.email").unwrap()],
        id_in_front: false,
    };
    let lookup = Lookup::new(place, Auth::InUrl("s3cr&t".into()));
    assert_eq!(find_email(&lookup, "42").await, Ok(LookupOutcome::UnknownPerson));
    assert_eq!(find_email(&lookup, SECRET).await, Ok(LookupOutcome::UnknownPerson));
    assert_eq!(
        vendor.seen(),
        [
            "GET /people/42?key=s3cr%26t ",
            "GET /deleted/42?key=s3cr%26t ",
            "GET /people/%7Bsecret%7D?key=s3cr%26t ",
            "GET /deleted/%7Bsecret%7D?key=s3cr%26t ",
        ]
    );
}

#[tokio::test]
async fn response_is_found_unknown_person_or_no_address() {
    assert_eq!(outcome(200, &[], r#"{"work":{"email":"Ann@example.com"}}"#).await, Ok(ann()));
    for body in [
        "{}",
        r#"{"work":{"email":null}}"#,
        r#"{"work":{"email":""}}"#,
        r#"{"work":{"email":"not an address"}}"#,
        r#"{"work":{"email":["ann@example.com"]}}"#,
        r#"{"other":{"email":"boss@example.com"}}"#,
    ] {
        assert_eq!(outcome(200, &[], body).await, Ok(LookupOutcome::NoAddress), "{body}");
    }
    assert_eq!(outcome(404, &[("content-type", "application/json")], "{}").await, Ok(LookupOutcome::UnknownPerson));
    assert_eq!(outcome(410, &[], "").await, Ok(LookupOutcome::UnknownPerson));
}

#[tokio::test]
async fn two_different_addresses_count_as_none() {
    let vendor = Vendor::says(200, &[], r#"{"mails":["ann@example.com","bea@example.com"]}"#).await;
    let lookup = lookup(format!("{}/{PERSON_ID}", vendor.url), "$.mails.*", bearer());
    assert_eq!(find_email(&lookup, "42").await, Ok(LookupOutcome::NoAddress));
}

#[tokio::test]
async fn every_failure_has_its_kind_and_no_personal_data() {
    let kind = |failure: &Failure| match failure {
        Failure::Transient { .. } => "transient",
        Failure::RateLimited { .. } => "rate limited",
        Failure::AccessDenied { .. } | Failure::SiteUnavailable { .. } | Failure::CallRefused { .. } => "refused",
        Failure::Permanent { .. } => "permanent",
    };
    for (status, expected) in [
        (401, "refused"),
        (403, "refused"),
        (429, "rate limited"),
        (500, "transient"),
        (503, "transient"),
        (204, "transient"),
        (302, "permanent"),
        (400, "permanent"),
    ] {
        let failure = outcome(status, &[("location", "/elsewhere")], "ann@example.com").await.unwrap_err();
        assert_eq!(kind(&failure), expected, "{status}");
        assert!(!failure.detail().contains("ann") && !failure.detail().contains("127.0.0.1"), "{failure:?}");
    }
    let page = outcome(404, &[("content-type", "text/html; charset=utf-8")], "<html>").await.unwrap_err();
    assert_eq!(kind(&page), "permanent");
    let garbage = outcome(200, &[], "ann@example.com").await.unwrap_err();
    assert_eq!(garbage.detail(), "lookup: the answer is not JSON: line 1, column 1");
    let endless = outcome(200, &[], &"x".repeat(LONGEST_BODY + 1)).await.unwrap_err();
    assert_eq!(endless.detail(), "lookup: the response is too long");
    let redirect = outcome(302, &[("location", "/elsewhere")], "").await.unwrap_err();
    assert_eq!(redirect.detail(), "lookup: 302: a redirect, which is not followed: correct the `url`");
}

#[tokio::test]
async fn long_response_in_chunks_is_read() {
    let ann_is_found = r#"{"work":{"email":"ann@example.com"}}"#;
    let body = ann_is_found.to_owned() + &" ".repeat(LONGEST_BODY - ann_is_found.len());
    assert_eq!(outcome(200, &[], &body).await, Ok(ann()));
}

#[tokio::test]
async fn rejected_token_is_not_sent_again() {
    let vendor = Vendor::says(401, &[], "").await;
    let auth = Auth::Client {
        token_url: format!("{}/token", vendor.url).parse().unwrap(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        scope: None,
        audience: None,
    };
    let lookup = vendor.lookup(auth);
    for _ in 0..2 {
        assert!(matches!(find_email(&lookup, "1").await, Err(Failure::AccessDenied { .. })));
    }
    let refused = "GET /people/1?fields=email Bearer t1";
    assert_eq!(vendor.seen(), ["POST /token ", refused, "POST /token ", refused]);
}

#[tokio::test]
async fn retry_after_of_the_vendor_is_used() {
    let failure = outcome(503, &[("retry-after", "120")], "").await.unwrap_err();
    let Failure::Transient { retry_at, .. } = failure else { panic!("{failure:?}") };
    assert_eq!(retry_at, Some(now() + SignedDuration::from_secs(120)));
}

#[tokio::test]
async fn failed_connection_is_reported_without_the_person_id() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/{PERSON_ID}", listener.local_addr().unwrap());
    drop(listener);
    let lookup = lookup(url, "$.email", bearer());
    assert_eq!(find_email(&lookup, "person-7").await.unwrap_err().detail(), "lookup: cannot connect to the vendor");
}

#[tokio::test]
async fn id_cannot_change_the_url_around_it() {
    let vendor = Vendor::says(200, &[], r#"{"work":{"email":"ann@example.com"}}"#).await;
    let lookup = vendor.lookup(bearer());
    for id in ["../../admin?x=1#y", "..", "a/b", "ü & +"] {
        find_email(&lookup, id).await.unwrap();
    }
    assert_eq!(
        vendor.seen(),
        [
            "GET /people/%2E%2E%2F%2E%2E%2Fadmin%3Fx%3D1%23y?fields=email Bearer s3cret",
            "GET /people/a%2Fb?fields=email Bearer s3cret",
            "GET /people/%C3%BC%20%26%20%2B?fields=email Bearer s3cret",
        ]
    );
}

#[tokio::test]
async fn credentials_are_sent_in_the_vendors_form() {
    let vendor = Vendor::says(200, &[], r#"{"work":{"email":"ann@example.com"}}"#).await;
    let header = Auth::Header { name: "x-api-key".to_owned(), value: "k3y".into() };
    let basic = Auth::Basic { user: "service".into(), password: Some("token".into()) };
    let client = Auth::Client {
        token_url: format!("{}/token", vendor.url).parse().unwrap(),
        client_id: "id".into(),
        client_secret: "secret".into(),
        scope: None,
        audience: None,
    };
    for auth in [header, basic] {
        assert_eq!(find_email(&vendor.lookup(auth), "1").await, Ok(ann()));
    }
    let lookup = vendor.lookup(client);
    for id in ["2", "3"] {
        assert_eq!(find_email(&lookup, id).await, Ok(ann()));
    }
    // The token lives one minute and is renewed when a tenth of it is left.
    for (id, seconds) in [("4", 53), ("5", 54)] {
        let later = now() + SignedDuration::from_secs(seconds);
        assert_eq!(lookup.find_email(&http(), &PersonId::parse(id).unwrap(), later).await, Ok(ann()));
    }
    assert_eq!(
        vendor.seen(),
        [
            "GET /people/1?fields=email k3y",
            "GET /people/1?fields=email Basic c2VydmljZTp0b2tlbg==",
            "POST /token ",
            "GET /people/2?fields=email Bearer t1",
            "GET /people/3?fields=email Bearer t1",
            "GET /people/4?fields=email Bearer t1",
            "POST /token ",
            "GET /people/5?fields=email Bearer t1",
        ]
    );
}
