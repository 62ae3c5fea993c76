//! Bodies that would fill the memory: large and slow ones, or ones in small pieces.

use std::time::Duration;

use futures_util::future::join_all;
use offboardd::clock::{Clock as _, SystemClock};
use offboardd::sources::Outgoing;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::QUIET;
use super::load::{self, UNREACHABLE};
use super::table::expect_row;
use crate::binary::{Daemon, Folder};

/// How many come together, each with a body of the largest size.
const CONNECTIONS: usize = 300;

const MEBIBYTE: usize = 1024 * 1024;

/// The most memory that the daemon ever had, in MiB. `None` where the machine does not say.
pub(super) fn peak(daemon: &Daemon) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.process.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().unwrap() / 1024)
}

async fn taken(daemon: &Daemon, id: &str, bytes: usize) -> Option<u16> {
    let body = json!({ "type": "ignored", "x": "x".repeat(bytes) }).to_string();
    let http = crate::http::client();
    load::post(&http, &load::hr_source(), daemon.webhooks, id, &body).await.map(|(status, _)| status)
}

/// Says these bytes after the head of a request, and falls silent; gives up when it is not listened to.
async fn say(daemon: std::net::SocketAddr, framing: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(daemon).await.unwrap();
    let head = format!("POST /webhooks/hr HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n");
    let saying = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await
    };
    // It may have been refused in the middle of it.
    drop(tokio::time::timeout(Duration::from_secs(10), saying).await);
    stream
}

/// Whether a client that is still sending was rejected with a `Retry-After`.
async fn was_deferred(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 1024];
    let read = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut answer)).await;
    let Ok(Ok(length)) = read else { return false };
    let answer = String::from_utf8_lossy(&answer[..length]);
    answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5\r\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_unfinished_bodies_stay_within_memory_and_block_no_delivery() {
    let row = expect_row(
        "large bodies that never end",
        "memory stays bounded; genuine deliveries are taken, small ones and large ones",
    );
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    let daemon = folder.serve(QUIET);
    let (Some(before), at) = (peak(&daemon), daemon.webhooks) else {
        return row.skipped("this machine does not say how much memory a process has");
    };
    let mut saying = JoinSet::new();
    for _ in 0..CONNECTIONS {
        saying.spawn(async move { say(at, &format!("content-length: {MEBIBYTE}"), &vec![b' '; MEBIBYTE - 1]).await });
    }
    let mut sitting = Vec::new();
    for number in 0..CONNECTIONS {
        sitting.push(saying.join_next().await.unwrap().unwrap());
        if number % 30 == 29 {
            for bytes in [100, 10_000, 500_000] {
                let id = format!("msg_{number}_{bytes}");
                assert_eq!(taken(&daemon, &id, bytes).await, Some(202), "{bytes} bytes, after {number}");
            }
        }
    }
    let refused = join_all(sitting.iter_mut().map(was_deferred)).await.into_iter().filter(|deferred| *deferred).count();
    assert!(refused > CONNECTIONS / 2, "{refused} of {CONNECTIONS} were deferred");
    let grown = peak(&daemon).unwrap() - before;
    assert!(grown < 200, "{grown} MiB for {CONNECTIONS} MiB of bodies");
    row.passed(
        format!("{CONNECTIONS} × 1 MiB"),
        format!("{grown} MiB at most, {refused} × 503; 30 genuine ones taken, 0 lost"),
    );
}

/// Sends 16 unsigned bodies at the same time. Each is rejected, after its last byte.
async fn reject_together(daemon: std::net::SocketAddr, framing: &str, body: &[u8]) {
    join_all((0..16).map(async |_| {
        let mut stream = say(daemon, framing, body).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_in_one_byte_chunks_take_no_more_memory_than_their_bytes() {
    const BYTES: usize = 40_000;
    let row = expect_row("bodies in chunks of one byte", "they cost no more memory than their bytes");
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    let daemon = folder.serve(QUIET);
    let at = daemon.webhooks;
    let framing = format!("content-length: {BYTES}");
    reject_together(at, &framing, &b"x".repeat(BYTES)).await;
    // After the same bodies in one piece, so that what a daemon needs once is not counted.
    let Some(before) = peak(&daemon) else {
        return row.skipped("this machine does not say how much memory a process has");
    };
    reject_together(at, "transfer-encoding: chunked", &[b"1\r\nx\r\n".repeat(BYTES).as_slice(), b"0\r\n\r\n"].concat())
        .await;
    assert_eq!(taken(&daemon, "one", 100).await, Some(202));
    let grown = peak(&daemon).unwrap() - before;
    // To keep the chunks would take as much: a `Bytes` is 32 bytes.
    assert!(grown < 16 * BYTES * 32 / MEBIBYTE, "{grown} MiB for 16 bodies of {BYTES} bytes");
    row.passed(format!("16 × {BYTES} bytes"), format!("{grown} MiB at most"));
}

/// Gzip that is `bytes` long and unpacks to 158 times as much: one zero, repeated.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // The last block, with fixed codes; the literal 0; and from then on "258 times what was before it".
    let head = [1, 1, 0].into_iter().chain([0, 0, 1, 1, 0, 0, 0, 0]);
    let bits = head.chain([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0].into_iter().cycle());
    let bits: Vec<u8> = bits.take((bytes - packed.len()) * 8).collect();
    packed.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit)));
    packed
}

#[tokio::test]
async fn compressed_bodies_are_never_decompressed() {
    const BYTES: usize = MEBIBYTE - 1024;
    let row =
        expect_row("compressed bombs", "415 where they say what they are, else taken as they are; nothing is unpacked");
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    let daemon = folder.serve(QUIET);
    let Some(before) = peak(&daemon) else {
        return row.skipped("this machine does not say how much memory a process has");
    };
    let (bomb, http, hr) = (bomb(BYTES), crate::http::client(), load::hr_source());
    for (number, (header, value, expected)) in [
        ("content-encoding", "gzip", 415),
        ("content-encoding", "identity, gzip", 415),
        ("content-encoding", "x-gzip", 415),
        ("content-type", "application/gzip", 202),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, at) = (format!("msg_{number}"), SystemClock.now());
        let message = Outgoing { method: "POST", query: None, id: &id, at, body: &bomb };
        let mut request = http.post(format!("http://{}/webhooks/hr", daemon.webhooks)).body(bomb.clone());
        for (name, value) in hr.sign(&message).unwrap() {
            request = request.header(name, value);
        }
        let answer = request.header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{header}: {value}");
    }
    // In this place it would be for the connection, not for us.
    let packed = say(daemon.webhooks, "transfer-encoding: gzip, chunked", &bomb).await;
    let unreadable = "SELECT COUNT(*) FROM deliveries WHERE status = 'unreadable'";
    while load::count(&folder.database(), unreadable).await < 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let grown = peak(&daemon).unwrap() - before;
    assert!(grown < 60, "{grown} MiB for bombs of {BYTES} bytes");
    drop(packed);
    row.passed("5 × 1 MiB for 158 MiB", format!("3 × 415, {grown} MiB at most"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_responses_stay_within_memory_and_delay_no_shutdown() {
    const SENDERS: usize = 40;
    let row = expect_row(
        "requests one behind the other, and no client reads the responses",
        "memory stays bounded, others are taken",
    );
    let folder = Folder::new(&load::settings(UNREACHABLE, "offboardd.db"));
    let mut daemon = folder.serve(QUIET);
    let (Some(before), at) = (peak(&daemon), daemon.webhooks) else {
        return row.skipped("this machine does not say how much memory a process has");
    };
    let mut saying = JoinSet::new();
    for _ in 0..SENDERS {
        let many = b"POST /webhooks/hr HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".repeat(50_000);
        saying.spawn(async move {
            let mut stream = TcpStream::connect(at).await.unwrap();
            drop(tokio::time::timeout(Duration::from_secs(5), stream.write_all(&many)).await);
            stream
        });
    }
    let sitting = saying.join_all().await;
    assert_eq!(taken(&daemon, "one", 10_000).await, Some(202));
    let grown = peak(&daemon).unwrap() - before;
    assert!(grown < 60, "{grown} MiB");
    assert!(daemon.process.terminate().success(), "{:#?}", daemon.process.output_lines());
    drop(sitting);
    row.passed(format!("{SENDERS} × 50000"), format!("{grown} MiB at most"));
}
