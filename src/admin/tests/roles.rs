//! Tests of the role that each route requires.

use futures_util::future::join_all;
use reqwest::Method;

use super::{Daemon, OTTO, ROSA, VERA};
use crate::domain::operator::Role;

/// Every route of the API, and its required role.
const ROUTES: [(Method, &str, Role); 34] = [
    (Method::GET, "/status", Role::Viewer),
    (Method::GET, "/cases", Role::Viewer),
    (Method::POST, "/cases", Role::Operator),
    (Method::POST, "/cases/bulk", Role::Operator),
    (Method::GET, "/cases/{id}", Role::Viewer),
    (Method::GET, "/cases/{id}/history", Role::Viewer),
    (Method::GET, "/cases/{id}/requests", Role::Operator),
    (Method::GET, "/cases/{id}/evidence", Role::Operator),
    (Method::POST, "/cases/{id}/approve", Role::Approver),
    (Method::POST, "/cases/{id}/withdraw", Role::Approver),
    (Method::POST, "/cases/{id}/cancel", Role::Operator),
    (Method::POST, "/cases/{id}/hold", Role::Operator),
    (Method::POST, "/cases/{id}/release", Role::Operator),
    (Method::POST, "/cases/{id}/retry", Role::Operator),
    (Method::POST, "/cases/{id}/resolve", Role::Operator),
    (Method::GET, "/evidence", Role::Operator),
    (Method::GET, "/evidence/key", Role::Viewer),
    (Method::POST, "/import", Role::Operator),
    (Method::GET, "/imports/{id}", Role::Operator),
    (Method::GET, "/jobs", Role::Viewer),
    (Method::GET, "/sources", Role::Viewer),
    (Method::POST, "/sources/bamboohr/pause", Role::Operator),
    (Method::POST, "/sources/bamboohr/resume", Role::Operator),
    (Method::POST, "/sources/bamboohr/release", Role::Approver),
    (Method::POST, "/sources/bamboohr/accept", Role::Approver),
    (Method::GET, "/sites", Role::Viewer),
    (Method::POST, "/sites/acme/pause", Role::Operator),
    (Method::POST, "/sites/acme/resume", Role::Operator),
    (Method::GET, "/fence", Role::Viewer),
    (Method::POST, "/fence/lift", Role::Approver),
    (Method::GET, "/deliveries", Role::Viewer),
    (Method::GET, "/deliveries/{id}", Role::Viewer),
    (Method::GET, "/deliveries/{id}/explain", Role::Operator),
    (Method::POST, "/deliveries/{id}/replay", Role::Operator),
];

fn path(route: &str) -> String {
    format!("/api/v1{}", route.replace("{id}", "01980000-0000-7000-8000-000000000000"))
}

#[test]
fn table_contains_every_route() {
    let document: serde_json::Value = serde_json::from_str(crate::admin::openapi()).unwrap();
    let of_api = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api/v1/"));
    let operations: usize = of_api.map(|(_, item)| item.as_object().unwrap().len()).sum();
    assert_eq!(operations, ROUTES.len());
}

#[tokio::test]
async fn every_route_requires_a_token() {
    let daemon = Daemon::enforcing().await;
    let beside = [(Method::GET, "/nothing/here", Role::Viewer), (Method::DELETE, "/cases", Role::Viewer)];
    for token in ["", "wrong", "ros"] {
        // All at the same time: each is answered late.
        let routes: Vec<_> =
            ROUTES.into_iter().chain(beside.clone()).map(|(method, route, _)| (method, route)).collect();
        let requests = routes.iter().map(async |(method, route)| {
            let path = path(route);
            daemon.request(method.clone(), &path, token, None).await
        });
        for (answer, (method, route)) in join_all(requests).await.into_iter().zip(&routes) {
            assert_eq!(answer.status, 401, "{method} {route} with `{token}`");
            assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"offboardd\"", "{method} {route}");
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{method} {route}");
        }
    }
}

#[tokio::test]
async fn each_route_requires_exactly_its_role() {
    let daemon = Daemon::enforcing().await;
    for (method, route, needs) in ROUTES {
        for (token, role) in [(VERA, Role::Viewer), (OTTO, Role::Operator), (ROSA, Role::Approver)] {
            let answer = daemon.request(method.clone(), &path(route), token, None).await;
            if role < needs {
                assert_eq!(answer.status, 403, "{method} {route} as {role}");
                assert_eq!(answer.detail(), format!("this requires the role `{needs}`; the token has `{role}`"));
            } else {
                assert_ne!(answer.status, 401, "{method} {route} as {role}");
                assert_ne!(answer.status, 403, "{method} {route} as {role}");
                assert!(!answer.text.contains("no such route"), "{method} {route} as {role}");
            }
        }
    }
}

#[tokio::test]
async fn health_and_metrics_require_no_token() {
    let daemon = Daemon::enforcing().await;
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(daemon.get(path, "").await.status, 200, "{path}");
    }
}
