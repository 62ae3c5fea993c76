//! Who gets in at the two listeners: tokens that are taken away, wrong ones, and requests that are no good HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Harness, ROSA, Setup};

/// Sends raw bytes on a connection of their own; returns what comes back until the other side closes.
async fn raw(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is no failure of the answer.
    let _ended = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n")
}

async fn until_status(story: &Harness, token: &str, wanted: u16) {
    let begun = Instant::now();
    while story.api_as(token, "/cases", None).await.status != wanted {
        assert!(begun.elapsed() < Duration::from_secs(30), "{token} is still not answered {wanted}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn put(file: &Path, secret: &str) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, secret).unwrap();
    std::fs::rename(beside, file).unwrap();
}

#[tokio::test]
async fn replaced_or_removed_admin_token_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frank");
    std::fs::write(&file, "the-old-token-of-frank").unwrap();
    let tokens = format!("{{ name = \"frank\", role = \"viewer\", token = {{ file = {file:?} }} }}");
    let story = Harness::with(Setup { tokens: tokens.leak(), ..Setup::default() }).await;
    until_status(&story, "the-old-token-of-frank", 200).await;
    put(&file, "the-new-token-of-frank");
    until_status(&story, "the-old-token-of-frank", 401).await;
    until_status(&story, "the-new-token-of-frank", 200).await;
    // Another person's token in this file opens nothing in frank's name, and takes nothing from her.
    put(&file, ROSA);
    until_status(&story, "the-new-token-of-frank", 401).await;
    assert_eq!(story.api("/cases", None).await.status, 200);
    put(&file, "the-new-token-of-frank");
    until_status(&story, "the-new-token-of-frank", 200).await;
    std::fs::remove_file(&file).unwrap();
    until_status(&story, "the-new-token-of-frank", 401).await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn wrong_tokens_are_counted_and_delayed_and_valid_ones_are_not() {
    let story = Harness::start().await;
    let begun = Instant::now();
    for i in 0..30 {
        assert_eq!(story.api_as(&format!("guess-{i}"), "/cases", None).await.status, 401);
    }
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(story.api("/cases", None).await.status, 200);
    let metrics = story.metrics().await;
    let counted = "offboardd_admin_requests_total{route=\"/api/v1/cases\",status=\"401\"} 30";
    assert!(metrics.contains(counted), "{metrics}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn every_admin_response_is_no_store_and_nosniff() {
    let story = Harness::start().await;
    for path in ["/api/v1/cases", "/api/v1/nothing", "/livez", "/metrics", "/", "/nothing"] {
        let answer = raw(story.admin(), &get(path, "Host: a\r\n")).await.to_lowercase();
        assert!(answer.contains("cache-control: no-store"), "{path}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{path}: {answer}");
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn request_id_is_adopted_only_if_short_and_safe() {
    let story = Harness::start().await;
    let id_of = async |id: &str| {
        let answer = raw(story.admin(), &get("/livez", &format!("Host: a\r\nX-Request-Id: {id}\r\n"))).await;
        let line =
            answer.lines().find_map(|line| line.to_lowercase().strip_prefix("x-request-id: ").map(str::to_owned));
        line.unwrap_or_default()
    };
    assert_eq!(id_of("req-1_a.b").await, "req-1_a.b");
    for other in [&"a".repeat(65), "a b", "ann@example.com"] {
        let id = id_of(other).await;
        assert!(id != *other && id.len() == 36, "{other}: {id}");
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn host_that_is_missing_repeated_or_malformed_is_a_bad_request() {
    let story = Harness::start().await;
    for listener in [story.admin(), story.webhooks()] {
        assert_eq!(status(&raw(listener, &get("/livez", "Host: a.example:80\r\n")).await), 200);
        for headers in
            ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n", "Host: a b\r\n", "Host: \r\n", "Host: u@a\r\n"]
        {
            assert_eq!(status(&raw(listener, &get("/livez", headers)).await), 400, "{headers:?}");
        }
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn head_of_more_than_16_kib_is_rejected() {
    let story = Harness::start().await;
    for listener in [story.admin(), story.webhooks()] {
        let padded = |size: usize| get("/livez", &format!("Host: a\r\nX-Padding: {}\r\n", "x".repeat(size)));
        assert_eq!(status(&raw(listener, &padded(15 * 1024)).await), 200);
        assert_eq!(status(&raw(listener, &padded(17 * 1024)).await), 431);
    }
    story.finish(&[]).await;
}
