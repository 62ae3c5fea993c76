//! Who gets into the console, and for how long.

use std::time::{Duration, Instant};

use reqwest::Method;

use super::client::{OTTO, VERA, Visitor, tokens};
use crate::harness::{Harness, ROSA, Setup, TOM};

#[tokio::test]
async fn page_without_a_session_redirects_to_the_sign_in_and_back() {
    let story = Harness::start().await;
    let mut visitor = Visitor::unknown(&story);
    let page = visitor.get("/cases?state=held").await;
    assert_eq!((page.status, page.location.as_deref()), (303, Some("/sign-in?next=%2Fcases%3Fstate%3Dheld")));
    let page = visitor.post("/sign-in", &[("token", ROSA), ("next", "/cases?state=held")]).await;
    assert_eq!((page.status, page.location.as_deref()), (303, Some("/cases?state=held")));
    let cookie = page.cookies.first().unwrap();
    assert!(cookie.ends_with("; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict"), "{cookie}");
    visitor.keep(&page);
    assert_eq!(visitor.get("/cases?state=held").await.status, 200);
    // The token opens the API, the cookie does not, and neither is in the database.
    let api = visitor.send(Method::GET, "/api/v1/cases", &[], "").await;
    assert_eq!(api.status, 401);
    let secret = visitor.cookie.split_once('=').unwrap().1.to_owned();
    for entry in std::fs::read_dir(story.folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&secret) && !text.contains(ROSA));
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn cookie_of_a_page_over_tls_is_bound_to_the_host_and_secure() {
    let story = Harness::start().await;
    let visitor = Visitor::unknown(&story);
    let headers = [("host", "console.example"), ("origin", "https://console.example")];
    let page = visitor.send(Method::POST, "/sign-in", &headers, &format!("token={ROSA}")).await;
    let cookie = page.cookies.first().unwrap();
    assert!(cookie.starts_with("__Host-offboardd=") && cookie.ends_with("; SameSite=Strict; Secure"), "{cookie}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn wrong_token_is_refused_delayed_and_counted() {
    let story = Harness::start().await;
    let visitor = Visitor::unknown(&story);
    let begun = Instant::now();
    for i in 0..20 {
        let page = visitor.post("/sign-in", &[("token", &format!("guess-{i}"))]).await;
        assert_eq!(page.status, 401);
        assert!(page.cookies.is_empty() && page.shows("No token matches"), "{page:?}");
    }
    assert!(begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());
    let metrics = story.metrics().await;
    assert!(metrics.contains("offboardd_admin_requests_total{route=\"/sign-in\",status=\"401\"} 20"), "{metrics}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn session_ends_by_sign_out_by_time_and_everywhere() {
    let story = Harness::start().await;
    let (first, second) = (Visitor::signed_in(&story, ROSA).await, Visitor::signed_in(&story, ROSA).await);
    let tom = Visitor::signed_in(&story, TOM).await;
    assert_eq!(first.post("/sign-out", &[]).await.status, 303);
    assert_eq!(first.get("/").await.status, 303);
    assert_eq!(second.get("/").await.status, 200);
    let third = Visitor::signed_in(&story, ROSA).await;
    third.post("/sign-out", &[("everywhere", "1")]).await;
    for ended in [&second, &third] {
        assert_eq!(ended.get("/").await.status, 303);
    }
    assert_eq!(tom.get("/").await.status, 200);
    story.advance("7h 59m").await;
    assert_eq!(tom.get("/").await.status, 200);
    story.advance("1m").await;
    assert_eq!(tom.get("/").await.status, 303);
    story.finish(&[]).await;
}

#[tokio::test]
async fn session_survives_a_restart() {
    let mut story = Harness::start().await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    story.restart().await;
    let mut again = Visitor::unknown(&story);
    again.cookie = rosa.cookie;
    assert_eq!(again.get("/").await.status, 200);
    story.finish(&[]).await;
}

#[tokio::test]
async fn session_ends_when_its_token_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let story = Harness::with(Setup { tokens: tokens(folder.path()), ..Setup::default() }).await;
    let (otto, vera) = (Visitor::signed_in(&story, OTTO).await, Visitor::signed_in(&story, VERA).await);
    assert_eq!((otto.get("/").await.status, vera.get("/").await.status), (200, 200));
    std::fs::write(folder.path().join("otto"), "another-token-of-otto-since-now").unwrap();
    let begun = Instant::now();
    while otto.get("/").await.status != 303 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the session outlives its token");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(vera.get("/").await.status, 200);
    story.finish(&[]).await;
}

#[tokio::test]
async fn change_from_another_origin_is_refused() {
    let story = Harness::start().await;
    story.send_departed_at("ann@example.com", "2026-12-01").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let id = story.case("ann@example.com").await.case.id;
    let host = story.admin().to_string();
    let same = format!("http://{host}");
    let refused: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", &same)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for headers in refused {
        for path in
            [format!("/cases/{id}/cancel"), "/sign-out".to_owned(), "/sign-in".to_owned(), "/display".to_owned()]
        {
            let page = rosa.send(Method::POST, &path, headers, "reason=x").await;
            assert_eq!(page.status, 403, "{path} {headers:?}: {}", page.text);
        }
    }
    assert_eq!(story.state("ann@example.com").await.as_str(), "scheduled");
    let page = rosa.send(Method::POST, &format!("/cases/{id}/cancel"), &[("origin", &same)], "reason=x").await;
    assert_eq!(page.status, 303, "{}", page.text);
    story.finish(&[]).await;
}
