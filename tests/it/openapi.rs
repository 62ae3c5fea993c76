//! The OpenAPI document: complete, served and printed alike, and the one that every story's answers are compared with.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::conformity::{checked, document};
use crate::harness::{Harness, ROSA};

const METHODS: [&str; 2] = ["get", "post"];

/// All operations with their path and method.
fn operations() -> Vec<(String, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'static Value)| {
        let of_method = |method: &'static str| Some((path.clone(), method, item.get(method)?));
        METHODS.into_iter().filter_map(of_method).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn served_document_is_the_printed_one() {
    let story = Harness::start().await;
    let url = format!("http://{}/openapi.json", story.admin());
    let answer = crate::http::client().get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let served: Value = answer.json().await.unwrap();
    assert_eq!(&served, document());
    assert_eq!(served["openapi"], "3.1.0");
    story.finish(&[]).await;
}

#[test]
fn every_operation_has_an_id_a_tag_a_summary_and_its_role() {
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let text = |key: &str| operation[key].as_str().unwrap_or_default();
        assert!(ids.insert(text("operationId")), "{method} {path}: the id is used twice");
        assert!(!text("operationId").is_empty() && operation["tags"][0].is_string(), "{method} {path}");
        assert!(!text("summary").is_empty(), "{method} {path} has no summary");
        if path.starts_with("/api/") {
            let role = operation["security"][0]["token"][0].as_str();
            assert!(role.is_some(), "{method} {path} names no role");
            assert!(text("description").contains("role") || text("description").contains("Role"), "{method} {path}");
            assert!(operation["responses"].get("401").is_some(), "{method} {path}");
        }
    }
    assert!(ids.len() > 30, "{ids:?}");
}

#[tokio::test]
async fn documented_role_is_the_role_that_the_daemon_requires() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = ["viewer", "operator"].map(|role| {
        let file = folder.path().join(role);
        std::fs::write(&file, format!("t0ken-of-a-{role}-never-shown")).unwrap();
        format!("{{ name = \"{role}\", role = \"{role}\", token = {{ file = {file:?} }} }},")
    });
    let story = Harness::with(crate::harness::Setup { tokens: tokens.concat().leak(), ..Default::default() }).await;
    let ranks = ["viewer", "operator", "approver"];
    for (path, method, operation) in operations().into_iter().filter(|(path, ..)| path.starts_with("/api/")) {
        let needed = operation["security"][0]["token"][0].as_str().unwrap();
        let needed = ranks.iter().position(|rank| *rank == needed).unwrap();
        let path = path
            .replace("/api/v1", "")
            .replace("{id}", "00000000-0000-7000-8000-000000000000")
            .replace("{name}", "none");
        for (rank, role) in ranks.iter().enumerate() {
            let own = format!("t0ken-of-a-{role}-never-shown");
            let token = if *role == "approver" { ROSA } else { own.as_str() };
            let reply = story.api_as(token, &path, (method == "post").then(|| json!({}))).await;
            assert_eq!(reply.status == 403, rank < needed, "{role}: {method} {path}: {reply:?}");
        }
    }
    story.finish(&[]).await;
}

#[test]
fn every_reference_of_the_document_resolves() {
    let text = document().to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    let references: BTreeSet<&str> = references.collect();
    assert!(references.len() > 10, "{references:?}");
    for reference in references {
        assert!(document().pointer(reference).is_some(), "{reference} does not exist");
    }
}

#[tokio::test]
async fn answers_of_stories_are_compared_with_the_document() {
    let story = Harness::start().await;
    let before = checked();
    assert_eq!(story.api("/cases", None).await.status, 200);
    assert_eq!(story.api("/cases?state=x", None).await.status, 400);
    assert_eq!(story.api_as("wrong", "/cases", None).await.status, 401);
    assert!(checked() >= before + 3);
    story.finish(&[]).await;
}
