//! Idle connections: they send nothing, or send it slowly, and would keep others out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::after;
use super::load::{self, UNREACHABLE};
use super::table::expect_row;
use crate::binary::{Daemon, Folder};

/// How many sit there in the long run.
const CONNECTIONS: usize = 10_000;

/// What idle clients send before they fall silent.
const BEGINNINGS: [&str; 4] = [
    "",
    "P",
    "POST /webhooks/hr HTTP/1.1\r\nhost: x\r\nwebhook-id:",
    "POST /webhooks/hr HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{\"type\"",
];

async fn open_idle_connection(at: SocketAddr, number: usize) -> Option<TcpStream> {
    let mut stream = tokio::time::timeout(Duration::from_secs(2), TcpStream::connect(at)).await.ok()?.ok()?;
    stream.write_all(BEGINNINGS[number % BEGINNINGS.len()].as_bytes()).await.ok()?;
    Some(stream)
}

/// How long a genuine delivery on a new connection takes.
async fn genuine(daemon: &Daemon, id: &str) -> Duration {
    let begun = Instant::now();
    let body = json!({ "type": "ignored", "id": id }).to_string();
    let http = crate::http::client();
    let answer = load::post(&http, &load::hr_source(), daemon.webhooks, id, &body).await;
    assert_eq!(answer.map(|(status, _)| status), Some(202), "{:#?}", daemon.process.output_lines());
    begun.elapsed()
}

async fn ready(daemon: &Daemon) -> bool {
    let http = crate::http::client();
    let answer = http.get(format!("http://{}/readyz", daemon.admin)).send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn idle_connections_beyond_the_file_limit_block_no_delivery() {
    let row = expect_row(
        "more idle connections than there may be files",
        "genuine deliveries are taken within five seconds, and /readyz is 200",
    );
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    let daemon = Folder::serve_as(after("ulimit -n 200", &folder, &["serve"]).env("RUST_LOG", "debug"));
    let mut sitting = Vec::new();
    for number in 0..400 {
        sitting.extend(open_idle_connection(daemon.webhooks, number).await);
        if number % 80 == 79 {
            let took = genuine(&daemon, &format!("msg_{number}")).await;
            assert!(took < Duration::from_secs(5), "{took:?}");
            assert!(ready(&daemon).await, "{:#?}", daemon.process.output_lines());
        }
    }
    let lines = daemon.process.output_lines();
    assert!(!lines.iter().any(|line| line.contains("cannot accept")), "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.contains("connection closed at the connection limit")),
        "the connection limit was never reached"
    );
    row.passed("400 connections, 200 files", "all were");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten thousand connections: see the module `stress`"]
async fn ten_thousand_idle_connections_block_no_delivery() {
    let row = expect_row(
        "connections that say nothing, or begin and stop",
        "a genuine delivery on a new connection is taken within two seconds",
    );
    offboardd::listener::raise_file_limit();
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    let daemon = folder.serve("info");
    let alone = genuine(&daemon, "alone").await;
    let (mut sitting, mut longest) = (Vec::new(), Duration::ZERO);
    for number in 0..CONNECTIONS {
        sitting.extend(open_idle_connection(daemon.webhooks, number).await);
        if number % 500 == 499 {
            longest = longest.max(genuine(&daemon, &format!("msg_{number}")).await);
        }
    }
    assert!(ready(&daemon).await && longest < Duration::from_secs(2), "{longest:?}");
    row.passed(
        CONNECTIONS,
        format!("{} opened; it took {alone:?} alone, {longest:?} at most among them", sitting.len()),
    );
}
