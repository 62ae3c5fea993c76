//! The private listener, at every route that it has: who is let in, and as what.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::load::{self, UNREACHABLE};
use super::table::expect_row;
use crate::binary::{Daemon, Folder};

const TOKENS: [(&str, &str); 3] = [
    ("viewer", "v1ewer-secret-0123456789"),
    ("operator", "0perator-secret-0123456789"),
    ("approver", "4pprover-secret-0123456789"),
];

/// Every method and route of the API with the role that it needs, as its document lists them.
fn routes() -> Vec<(Method, String, usize)> {
    let printed = Folder::new("").run(&["openapi"]).stdout;
    let document: Value = serde_json::from_str(&printed).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(route) = path.strip_prefix("/api/v1") else { continue };
        for (word, method) in [("get", Method::GET), ("post", Method::POST)] {
            let Some(operation) = operations.get(word) else { continue };
            let needed = operation["security"][0]["token"][0].as_str().unwrap();
            let rank = TOKENS.iter().position(|(role, _)| *role == needed).unwrap();
            routes.push((method, route.to_owned(), rank));
        }
    }
    routes
}

fn path(route: &str) -> String {
    let name = if route.starts_with("/sites") { "acme" } else { "hr" };
    format!("/api/v1{}", route.replace("{id}", "01980000-0000-7000-8000-000000000000").replace("{name}", name))
}

fn daemon() -> (Folder, Daemon) {
    let tokens = TOKENS.map(|(role, _)| {
        format!("[[admin.tokens]]\nname = \"a-{role}\"\nrole = \"{role}\"\ntoken = {{ env = \"{role}_TOKEN\" }}\n")
    });
    let folder = Folder::new(&format!("{}\n{}", load::settings(UNREACHABLE, "offboardd.db"), tokens.concat()));
    let mut command = folder.command(&["serve"]);
    command.envs(TOKENS.map(|(role, token)| (format!("{role}_TOKEN"), token))).env("RUST_LOG", "info");
    let daemon = Folder::serve_as(&mut command);
    (folder, daemon)
}

async fn status(
    http: &reqwest::Client,
    to: std::net::SocketAddr,
    method: Method,
    path: &str,
    authorization: Option<&str>,
) -> u16 {
    let request = http.request(method, format!("http://{to}{path}"));
    let request = authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
    request.json(&json!({})).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn every_admin_route_requires_a_token_and_its_role() {
    let row = expect_row(
        "every admin route without a token, with a wrong one, as every role",
        "401, 401, 403 below its role",
    );
    let (_folder, daemon) = daemon();
    let http = crate::http::client();
    let routes = routes();
    assert!(routes.len() >= 20, "{routes:?}");
    let [(_, viewer), _, (_, approver)] = TOKENS;
    let nearly = [
        None,
        Some(String::new()),
        Some("Bearer ".to_owned()),
        Some(approver.to_owned()),
        Some(format!("Basic {approver}")),
        Some(format!("Bearer {}", approver.trim_start_matches('4'))),
        Some(format!("Bearer {approver}0")),
        Some(format!("Bearer {}", approver.to_uppercase())),
        Some(format!("Bearer {viewer} {approver}")),
        Some("Bearer a-approver".to_owned()),
    ];
    // All at the same time: each wrong token is answered late.
    let of_route = routes.iter().map(async |(method, route, needed)| {
        let path = path(route);
        let attempts = nearly
            .iter()
            .map(|authorization| status(&http, daemon.admin, method.clone(), &path, authorization.as_deref()));
        for (status, authorization) in join_all(attempts).await.into_iter().zip(&nearly) {
            assert_eq!(status, 401, "{method} {route} with {authorization:?}");
        }
        // Neither where a token does not belong, nor by a method that there is not.
        let elsewhere = [
            (method.clone(), format!("{path}?token={approver}&access_token={approver}")),
            (Method::DELETE, path.clone()),
            (Method::PUT, path.clone()),
            (Method::OPTIONS, path.clone()),
        ];
        let attempts = elsewhere.iter().map(|(method, path)| status(&http, daemon.admin, method.clone(), path, None));
        for (status, (method, path)) in join_all(attempts).await.into_iter().zip(&elsewhere) {
            assert_eq!(status, 401, "{method} {path}");
        }
        for (rank, (_, token)) in TOKENS.iter().enumerate() {
            let may = rank >= *needed;
            let status = status(&http, daemon.admin, method.clone(), &path, Some(&format!("Bearer {token}"))).await;
            assert_eq!(status == 403, !may, "{method} {route} with {token}: {status}");
            assert_ne!(status, 401, "{method} {route} with {token}");
        }
        // The public listener knows none of it.
        let outside = status(&http, daemon.webhooks, method.clone(), &path, Some(&format!("Bearer {approver}"))).await;
        assert_eq!(outside, 404, "{method} {route} outside");
    });
    join_all(of_route).await;
    let requests = routes.len() * (nearly.len() + 8);
    row.passed(requests, format!("{} routes: 0 let in", routes.len()));
}
