//! Every page: its headers, its size, its languages, and what a role sees.

use reqwest::Method;

use super::client::{OTTO, VERA, Visitor, tokens};
use crate::harness::{Harness, ROSA, Setup};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const PAGES: [&str; 10] = [
    "/",
    "/cases",
    "/sources",
    "/sites",
    "/deliveries",
    "/journal",
    "/evidence",
    "/settings",
    "/api",
    "/sign-in?lang=en",
];

#[tokio::test]
async fn every_page_has_the_policy_and_both_languages() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    for path in PAGES {
        for (language, other) in [("en", "de"), ("de", "en")] {
            let page = rosa.get(&format!("{path}{}lang={language}", if path.contains('?') { "&" } else { "?" })).await;
            if path.starts_with("/sign-in") {
                assert_eq!(page.status, 303, "{path}");
                continue;
            }
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            assert!(
                page.shows(&format!("<html lang=\"{language}\"")) && page.shows(&format!("lang={other}")),
                "{path}"
            );
            assert_eq!(page.headers["content-security-policy"], CSP, "{path}");
            assert_eq!(page.headers["cache-control"], "no-store", "{path}");
            assert_eq!(page.headers["referrer-policy"], "same-origin", "{path}");
            let most = if path == "/api" { 150_000 } else { 60_000 };
            assert!(page.text.len() < most, "{path}: {} bytes", page.text.len());
            assert!(page.cookies.iter().any(|cookie| cookie.starts_with(&format!("lang={language};"))), "{path}");
        }
    }
    // The selected language stays, and errors have the policy, too.
    for path in ["/cases/no-such-case", "/no-such-page", "/assets/other.css", "/livez", "/api/v1/cases"] {
        assert_eq!(rosa.get(path).await.headers["content-security-policy"], CSP, "{path}");
    }
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn unknown_address_is_a_page_for_browsers_and_a_problem_for_programs() {
    let story = Harness::start().await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let accepts = [("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")];
    for path in ["/no-such-page", "/cases/no-such-case", "/sign-out"] {
        let page = rosa.send(Method::GET, &format!("{path}?lang=de"), &accepts, "").await;
        assert_eq!(page.status, 404, "{path}: {}", page.text);
        assert!(page.shows("Diese Seite gibt es nicht") && page.shows("href=\"/\""), "{path}: {}", page.text);
        assert_eq!(page.headers["content-security-policy"], CSP, "{path}");
    }
    let problem = rosa.get("/no-such-page").await;
    assert_eq!(problem.headers["content-type"], "application/problem+json");
    assert!(problem.status == 404 && problem.shows("no such route"), "{}", problem.text);
    // The API answers a browser as it answers programs.
    let problem = rosa.send(Method::GET, "/api/v1/no-such-route", &accepts, "").await;
    assert_eq!(problem.headers["content-type"], "application/problem+json");
    story.finish(&[]).await;
}

#[tokio::test]
async fn api_page_shows_operations_with_their_parameters_bodies_answers_and_roles() {
    let story = Harness::start().await;
    let page = Visitor::signed_in(&story, ROSA).await.get("/api?lang=de").await;
    for text in [
        "<b>POST</b> /api/v1/cases/{id}/approve",
        "Rolle approver oder höher.",
        "<dt><code>email</code></dt>",
        "<a href=\"#schema-BulkRequest\">BulkRequest</a>",
        "<details id=\"schema-CaseView\">",
        "list of <a href=\"#schema-ApprovalView\">ApprovalView</a>",
        "<b>GET</b> /livez",
        "Ohne Token.",
    ] {
        assert!(page.shows(text), "{text}: {}", page.text);
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn assets_are_small_immutable_and_named_by_their_content() {
    let story = Harness::start().await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let page = rosa.get("/").await;
    let mut bytes = 0;
    for path in page.text.split('"').filter(|text| text.starts_with("/assets/")) {
        let asset = Visitor::unknown(&story).get(path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert_eq!(asset.headers["cache-control"], "public, max-age=31536000, immutable");
        bytes += asset.text.len();
    }
    assert!((1_000..=30_000).contains(&bytes), "{bytes} bytes");
    story.finish(&[]).await;
}

#[tokio::test]
async fn viewer_sees_no_personal_data_and_no_button() {
    let folder = tempfile::tempdir().unwrap();
    let story = Harness::with(Setup { tokens: tokens(folder.path()), ..Setup::default() }).await;
    story.send_departed("ann@example.com").await;
    story.send_departed_at("ben@example.com", "2026-12-01").await;
    let id = story.case("ann@example.com").await.case.id;
    let (vera, otto) = (Visitor::signed_in(&story, VERA).await, Visitor::signed_in(&story, OTTO).await);
    let paths = PAGES.iter().map(|path| (*path).to_owned()).chain([format!("/cases/{id}")]);
    for path in paths {
        let page = vera.get(&path).await;
        assert!(!page.shows("@example.com"), "{path}: {}", page.text);
        // This page names the routes of the API.
        if path == "/api" {
            continue;
        }
        for button in
            ["/cancel", "/hold", "/approve", "/pause", "/resume", "/release", "/cases/new", "/replay", "/bulk"]
        {
            assert!(!page.shows(button), "{path} shows {button} to a viewer");
        }
    }
    assert!(vera.get(&format!("/cases/{id}")).await.shows("Operators (rosa, tom, otto)"));
    // What is not drawn is not allowed either, and the page says who may.
    for (path, role) in [
        (format!("/cases/{id}/cancel"), "operator"),
        (format!("/cases/{id}/evidence"), "operator"),
        (format!("/cases/{id}/requests"), "operator"),
        ("/cases?email=ann@example.com".to_owned(), "operator"),
        ("/evidence/period?from=2026-01-01&to=2026-12-31".to_owned(), "operator"),
        ("/sources/hr/pause".to_owned(), "operator"),
        ("/sources/hr/release".to_owned(), "approver"),
    ] {
        let page = vera.get(&path).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(page.shows(&format!("requires the role {role}")), "{path}: {}", page.text);
        assert_eq!(
            vera.post(&path, &[("reason", "x")]).await.status,
            if path.contains("evidence") || path.contains("requests") || path.contains('?') { 405 } else { 403 }
        );
    }
    assert_eq!(otto.get(&format!("/cases/{id}/approve")).await.status, 403);
    assert_eq!(otto.get(&format!("/cases/{id}/hold")).await.status, 200);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn closed_case_is_found_by_its_address_and_names_no_person() {
    let story = Harness::start().await;
    story.send_departed_at("ann@example.com", "2026-12-01").await;
    story.act("ann@example.com", "cancel").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let list = rosa.get("/cases?q=ANN@example.com").await;
    let id = story.case("ann@example.com").await.case.id;
    assert!(list.shows(&format!("/cases/{id}")), "{}", list.text);
    let page = rosa.get(&format!("/cases/{id}")).await;
    assert!(page.shows("Cancelled") && !page.shows("ann@example.com"), "{}", page.text);
    let evidence = rosa.get(&format!("/cases/{id}/evidence")).await;
    assert!(evidence.shows("-----BEGIN SSH SIGNATURE-----"), "{}", evidence.text);
    story.finish(&[]).await;
}

#[tokio::test]
async fn first_start_shows_the_next_step() {
    let story = Harness::with(Setup { mode: "observe", ..Setup::default() }).await;
    let page = Visitor::signed_in(&story, ROSA).await.get("/").await;
    for text in ["No departures yet", "Your turn", "offboardd send bamboohr --body sample.json", "Observe mode"] {
        assert!(page.shows(text), "{text}: {}", page.text);
    }
    story.finish(&[]).await;
}
