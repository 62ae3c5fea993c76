//! The public listener, over real sockets: every row of its table, and what is sent to it in error or in bad faith. None of
//! it loses what was acknowledged, and none of it stops the daemon: after each, a good delivery is taken.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use offboardd::domain::case::StateName;
use offboardd::store::DeliveryFilter;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Harness, Reply};
use crate::stress::table::expect_row;

/// Of no consequence, and as good as any.
const BODY: &[u8] = br#"{"type":"ignored"}"#;

const TWO_MEBIBYTES: usize = 2 * 1024 * 1024;

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

impl Harness {
    /// Headers that are as they should be.
    fn genuine(&self, body: &[u8]) -> Vec<(String, String)> {
        self.sign("hr", &self.new_id(), self.now(), body)
    }

    /// A genuine request as its bytes; `more` are lines of headers.
    fn written(&self, body: &[u8], more: &str) -> Vec<u8> {
        let headers = self.genuine(body).into_iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers: String = headers.collect();
        let head = format!("POST /webhooks/hr HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}{headers}\r\n");
        [head.as_bytes(), body].concat()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.webhooks()).await.unwrap()
    }

    /// Writes these bytes, and reads until the daemon closes the connection.
    async fn raw(&self, bytes: &[u8]) -> String {
        let (mut reader, mut writer) = self.connect().await.into_split();
        // A server that rejects early closes the connection before it has read everything.
        let (_, response) = tokio::join!(writer.write_all(bytes), read_all(&mut reader));
        response
    }

    async fn stored(&self) -> usize {
        self.store().deliveries(&DeliveryFilter { limit: 1000, ..DeliveryFilter::default() }).await.unwrap().items.len()
    }

    /// Ends a story in which `stored` deliveries were taken: one more is, and leads to its revoke.
    async fn still_takes_deliveries(self, stored: usize) {
        assert_eq!(self.stored().await, stored);
        self.send_departed("ann@example.com").await;
        assert_eq!(self.state("ann@example.com").await, StateName::Revoked);
        self.finish(&["revoke ann@example.com"]).await;
    }
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // A reset after the answer is as good as an end.
    drop(tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the daemon answers in time"));
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

#[track_caller]
fn refused(reply: &Reply) {
    assert_eq!((reply.status, &reply.body), (401, &json!({ "error": "unauthorized" })), "{reply:?}");
}

#[tokio::test]
async fn new_delivery_is_accepted_and_a_replay_returns_its_id() {
    let story = Harness::start().await;
    let headers = story.genuine(BODY);
    let first = story.post("hr", BODY, &headers).await;
    assert_eq!((first.status, &first.body), (202, &json!({ "delivery": first.delivery() })));
    for _ in 0..3 {
        let again = story.post("hr", BODY, &headers).await;
        assert_eq!((again.status, &again.body), (200, &json!({ "delivery": first.delivery(), "duplicate": true })));
    }
    // The same again, signed anew and with the same id, as Standard Webhooks retries.
    story.advance("5h").await;
    let id = &headers.iter().find(|(name, _)| name == "webhook-id").unwrap().1;
    let again = story.post("hr", BODY, &story.sign("hr", id, story.now(), BODY)).await;
    assert_eq!((again.status, again.delivery()), (200, first.delivery()));
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn delivery_without_an_id_is_deduplicated_by_body_within_the_window() {
    let story = Harness::start().await;
    let body = json!({ "employees": [] });
    let first = story.send("bamboohr", &body).await;
    assert_eq!(first.status, 202);
    story.advance("2d23h").await;
    let again = story.send("bamboohr", &body).await;
    assert_eq!((again.status, again.delivery()), (200, first.delivery()));
    let other = story.send("bamboohr", &json!({ "employees": [ ] , "more": 1 })).await;
    assert_eq!(other.status, 202);
    story.still_takes_deliveries(2).await;
}

#[tokio::test]
async fn same_id_from_another_source_is_another_delivery() {
    let story = Harness::start().await;
    let body = json!({ "employees": [] });
    assert_eq!(story.send("bamboohr", &body).await.status, 202);
    assert_eq!(story.send("hr", &body).await.status, 202);
    story.settle().await;
    story.still_takes_deliveries(2).await;
}

#[tokio::test]
async fn concurrent_copies_are_each_stored_once() {
    let story = Harness::start().await;
    let headers: Vec<_> = (0..60).map(|_| story.genuine(BODY)).collect();
    let twice = headers.iter().chain(&headers).map(|headers| story.post("hr", BODY, headers));
    let replies = futures_util::future::join_all(twice).await;
    for status in [202, 200] {
        assert_eq!(replies.iter().filter(|reply| reply.status == status).count(), 60, "{status}");
    }
    story.settle().await;
    story.still_takes_deliveries(60).await;
}

#[tokio::test]
async fn forged_delivery_is_rejected_without_a_reason() {
    let row =
        expect_row("signatures that are missing, stripped, changed, or of another source", "401, and no word of why");
    let story = Harness::start().await;
    let headers = story.genuine(BODY);
    refused(&story.post("hr", b"{\"type\":\"departed\"}", &headers).await);
    refused(&story.post("hr", BODY, &[]).await);
    refused(&story.post("hr", b"", &[]).await);
    for (at, (name, value)) in headers.iter().enumerate() {
        let mut without = headers.clone();
        without.remove(at);
        refused(&story.post("hr", BODY, &without).await);
        for forged in [String::new(), value.replace(['a', 'A', '0', '1'], "b") + "c", value.to_uppercase() + "="] {
            let mut changed = headers.clone();
            changed[at].1.clone_from(&forged);
            refused(&story.post("hr", BODY, &changed).await);
        }
        assert!(!name.is_empty());
    }
    // A signature of another source, and of the scheme that this one does not use.
    refused(&story.post("hr", BODY, &story.sign("bamboohr", "x", story.now(), BODY)).await);
    refused(&story.post("bamboohr", BODY, &headers).await);
    story.still_takes_deliveries(0).await;
    row.passed(headers.len() * 4 + 5, "0 taken");
}

#[tokio::test]
async fn stale_or_future_timestamp_is_rejected_to_the_second() {
    let row = expect_row(
        "times of signing at the edges of the window, and beyond",
        "taken inside, 401 outside, to the second",
    );
    let story = Harness::start().await;
    for (source, past) in [("hr", 300), ("bamboohr", 3 * 3600)] {
        for (off, taken) in [(-past, true), (-past - 1, false), (300, true), (301, false), (-86_400, false)] {
            let body = format!("{{\"employees\":[],\"off\":{off}}}");
            let headers = story.sign(source, &story.new_id(), story.now() + seconds(off), body.as_bytes());
            let reply = story.post(source, body.as_bytes(), &headers).await;
            if taken {
                assert_eq!(reply.status, 202, "{source} {off}");
            } else {
                refused(&reply);
            }
        }
    }
    story.settle().await;
    story.still_takes_deliveries(4).await;
    row.passed(10, "0 taken outside");
}

#[tokio::test]
async fn body_over_the_limit_is_413_however_it_is_framed() {
    let row = expect_row("bodies over the limit, announced, chunked, or only announced", "413");
    let story = Harness::start().await;
    let large = vec![b' '; TWO_MEBIBYTES];
    let announced = story.written(&large, &format!("content-length: {TWO_MEBIBYTES}\r\n"));
    assert_eq!(status(&story.raw(&announced).await), 413);
    // Announced only: who waits for a word before the body, as `Expect: 100-continue` does, gets it.
    for length in [TWO_MEBIBYTES.to_string(), i64::MAX.to_string()] {
        let head = story.written(b"", &format!("content-length: {length}\r\nexpect: 100-continue\r\n"));
        assert_eq!(status(&story.raw(&head).await), 413, "{length}");
    }
    let mut chunked = story.written(b"", "transfer-encoding: chunked\r\n");
    for chunk in large.chunks(64 * 1024) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
    }
    assert_eq!(status(&story.raw(&chunked).await), 413);

    let just = [vec![b' '; 1024 * 1024 - BODY.len()], BODY.to_vec()].concat();
    assert_eq!(story.send_bytes("hr", &just).await.status, 202);
    assert_eq!(story.send_bytes("hr", &[b" ".as_slice(), &just].concat()).await.status, 413);
    story.settle().await;
    story.still_takes_deliveries(1).await;
    row.passed(5, "5 × 413");
}

#[tokio::test]
async fn chunked_body_is_accepted() {
    let story = Harness::start().await;
    let mut request = story.written(BODY, "transfer-encoding: chunked\r\n");
    request.truncate(request.len() - BODY.len());
    for byte in BODY {
        request.extend(format!("1\r\n{}\r\n", char::from(*byte)).bytes());
    }
    request.extend(b"0\r\n\r\n");
    assert_eq!(status(&story.raw(&request).await), 202);
    story.settle().await;
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn expect_100_continue_is_answered() {
    let story = Harness::start().await;
    let expectant = format!("content-length: {}\r\nexpect: 100-continue\r\n", BODY.len());
    let request = story.written(BODY, &expectant);
    let (head, body) = request.split_at(request.len() - BODY.len());
    let mut stream = story.connect().await;
    stream.write_all(head).await.unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body).await.unwrap();
    assert_eq!(status(&read_all(&mut stream).await), 202);
    story.settle().await;
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn truncated_body_is_never_stored() {
    let story = Harness::start().await;
    for more in ["content-length: 1000\r\n", "transfer-encoding: chunked\r\n"] {
        let mut stream = story.connect().await;
        let mut request = story.written(b"", more);
        request.extend(if more.contains("chunked") { b"3e8\r\n{\"type\"" } else { b"{\"type\":\"ign" });
        stream.write_all(&request).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(answer.is_empty() || status(&answer) == 400, "{answer}");
    }
    story.still_takes_deliveries(0).await;
}

#[tokio::test]
async fn content_encoding_is_rejected_with_415() {
    let row = expect_row("encoded bodies", "415, and nothing is unpacked");
    let story = Harness::start().await;
    for encoding in ["gzip", "deflate", "br", "gzip, identity", "x"] {
        let mut headers = story.genuine(BODY);
        headers.push(("content-encoding".to_owned(), encoding.to_owned()));
        assert_eq!(story.post("hr", BODY, &headers).await.status, 415, "{encoding}");
    }
    let mut plain = story.genuine(BODY);
    plain.push(("content-encoding".to_owned(), "Identity".to_owned()));
    assert_eq!(story.post("hr", BODY, &plain).await.status, 202);
    story.settle().await;
    story.still_takes_deliveries(1).await;
    row.passed(5, "5 × 415");
}

#[tokio::test]
async fn signed_but_unreadable_delivery_is_accepted_and_shown() {
    let row = expect_row(
        "signed bodies of invalid UTF-8, half JSON, ten thousand levels",
        "taken, shown as unreadable, no value repeated",
    );
    let story = Harness::start().await;
    let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
    let deeper = "{\"a\":".repeat(10_000).into_bytes();
    let unreadable: [&[u8]; 13] = [
        b"",
        b"not JSON",
        b"{\"type\":\"departed\"",
        b"\xff\xfe{}",
        b"{\"type\":\"departed\",\"person\":{\"email\":\"a\xc3\x28@example.com\"}}",
        b"null",
        b"\"departed\"",
        b"{\"type\":\"fired\",\"person\":{\"email\":\"ann@example.com\"}}",
        b"{\"type\":\"departed\"}",
        b"{\"type\":\"departed\",\"person\":{\"email\":[\"ann@example.com\",\"ben@example.com\"]}}",
        b"{\"type\":\"departed\",\"person\":{\"email\":\"ann@example.com\"},\"effective_at\":\"soon\"}",
        &deep,
        &deeper,
    ];
    for body in unreadable {
        let reply = story.send_bytes("hr", body).await;
        let beginning = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(reply.status, 202, "{beginning}");
        story.settle().await;
        let delivery = story.delivery(reply.delivery()).await;
        assert_eq!(delivery.status.as_str(), "unreadable", "{beginning}");
        let problem = delivery.problem.unwrap();
        assert!(!problem.contains("example.com") && !problem.contains("soon"), "a value is repeated: {problem}");
    }
    assert!(story.cases().await.is_empty());
    story.still_takes_deliveries(unreadable.len()).await;
    row.passed(unreadable.len(), "0 acted on");
}

#[tokio::test]
async fn duplicate_json_key_leads_to_no_wrong_action() {
    let story = Harness::start().await;
    let twice = br#"{"type":"departed","type":"profile","person":{"id":"1","email":"ann@example.com"}}"#;
    assert_eq!(story.send_bytes("hr", twice).await.status, 202);
    story.settle().await;
    // The last one counts, as in every JSON reader that vendors use: it is a profile.
    assert!(story.cases().await.is_empty());
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn unknown_source_is_404() {
    let row = expect_row("path tricks in place of a source", "404 or 400");
    let story = Harness::start().await;
    let long = format!("/webhooks/{}", "a".repeat(10_000));
    for path in [
        "/webhooks/nobody",
        "/webhooks/",
        "/webhooks",
        "/webhooks/HR",
        "/webhooks/hr/",
        "/webhooks/hr/hr",
        "/webhooks//hr",
        "//webhooks/hr",
        "/webhooks/hr%2f",
        "/webhooks/..%2fhr",
        "/webhooks/%2e%2e/webhooks/hr",
        "/webhooks/hr%00",
        "/webhooks/hr%0d%0ax:%20y",
        "/webhooks/%ff",
        "/webhooks/hr;x=1",
        "/webhooks/.",
        "/",
        "/metrics",
        "/readyz",
        "/api/v1/cases",
        "/console",
        &long,
    ] {
        for (name, value) in [("host", "127.0.0.1:9090"), ("x-forwarded-prefix", "/api")] {
            let request = format!(
                "POST {path} HTTP/1.1\r\n{name}: {value}\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            );
            let answer = story.raw(request.as_bytes()).await;
            assert!(matches!(status(&answer), 400 | 404), "{path}: {answer}");
        }
    }
    let whole = "POST http://elsewhere.example.com/webhooks/nobody HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&story.raw(whole.as_bytes()).await), 404);
    story.still_takes_deliveries(0).await;
    row.passed(44, "0 found");
}

#[tokio::test]
async fn percent_encoded_path_names_the_same_source() {
    let story = Harness::start().await;
    let reply = story.request(Method::POST, "/webhooks/%68r?from=vendor", BODY, &story.genuine(BODY)).await;
    assert_eq!(reply.status, 202);
    story.settle().await;
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn header_with_two_values_counts_as_missing() {
    let row = expect_row("headers that are sent twice and differ", "401");
    let story = Harness::start().await;
    let headers = story.genuine(BODY);
    for (name, value) in &headers {
        let mut twice = headers.clone();
        twice.push((name.clone(), format!("{value}0")));
        refused(&story.post("hr", BODY, &twice).await);
        twice.rotate_right(1);
        refused(&story.post("hr", BODY, &twice).await);
    }
    // Said twice in the same words it is only said loudly.
    let loudly = [headers.clone(), headers.clone()].concat();
    assert_eq!(story.post("hr", BODY, &loudly).await.status, 202);
    story.settle().await;
    story.still_takes_deliveries(1).await;
    row.passed(headers.len() * 2, "0 taken");
}

#[tokio::test]
async fn repeated_content_length_cannot_smuggle_a_request() {
    let row = expect_row("smuggling: lengths that contradict each other", "nothing hidden is taken");
    let story = Harness::start().await;
    let smuggled = story.written(BODY, &format!("content-length: {}\r\n", BODY.len()));
    for lengths in [
        "content-length: 0\r\ncontent-length: 5000\r\n",
        "content-length: 5000\r\ncontent-length: 0\r\n",
        "content-length: 0, 5000\r\n",
        "content-length: -1\r\n",
        "content-length: +0\r\n",
        "content-length: 0x0\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 0\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
    ] {
        let request = format!("POST /webhooks/hr HTTP/1.1\r\nhost: x\r\n{lengths}\r\n");
        let answer = story.raw(&[request.as_bytes(), &smuggled].concat()).await;
        assert!(!answer.contains(" 202 "), "{lengths}: {answer}");
    }
    story.still_takes_deliveries(0).await;
    row.passed(10, "0 taken");
}

#[tokio::test]
async fn input_that_is_not_http_closes_the_connection() {
    let row = expect_row("no HTTP, heads of 100 KiB, a thousand header lines", "hung up on, or 4xx");
    let story = Harness::start().await;
    let large = format!("POST /webhooks/hr HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(100 * 1024));
    let many = format!("POST /webhooks/hr HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(1000));
    for nonsense in
        ["\x16\x03\x01\x02\0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "hello\r\n\r\n", "\r\n\r\n\0", &large, &many]
    {
        let mut stream = story.connect().await;
        drop(stream.write_all(nonsense.as_bytes()).await);
        drop(stream.shutdown().await);
        let answer = read_all(&mut stream).await;
        assert!(answer.is_empty() || (400..500).contains(&status(&answer)), "{answer}");
    }
    story.still_takes_deliveries(0).await;
    row.passed(6, "0 taken");
}

#[tokio::test]
async fn wrong_method_is_405_with_the_allowed_one() {
    let story = Harness::start().await;
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"] {
        let request = format!("{method} /webhooks/hr HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = story.raw(request.as_bytes()).await;
        assert_eq!(status(&answer), 405, "{method}");
        assert!(answer.contains("allow: POST\r\n"), "{method}: {answer}");
    }
    story.still_takes_deliveries(0).await;
}

#[tokio::test]
async fn slow_clients_delay_neither_others_nor_the_shutdown() {
    let row = expect_row("requests that stop half-way", "others are taken, a stop is not held up");
    let mut story = Harness::start().await;
    let request = story.written(BODY, &format!("content-length: {}\r\n", BODY.len()));
    let mut slow = Vec::new();
    for begun in (0..200).map(|number| number * request.len() / 200) {
        let mut stream = story.connect().await;
        stream.write_all(&request[..begun]).await.unwrap();
        slow.push(stream);
    }
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(story.send_bytes("hr", BODY).await.status, 202);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // A slow one that comes to its end is taken like any other.
    let mut last = slow.pop().unwrap();
    last.write_all(&request[199 * request.len() / 200..]).await.unwrap();
    assert_eq!(status(&read_all(&mut last).await), 202);
    story.settle().await;
    // Nor do they hold up a stop: a client that has not said all by then is hung up on.
    let begun = Instant::now();
    story.restart().await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop(slow);
    story.still_takes_deliveries(21).await;
    row.passed(200, "20 others taken meanwhile");
}

#[tokio::test]
async fn delivery_to_a_paused_source_is_503() {
    let story = Harness::start().await;
    story.post_action("sources/hr/pause").await;
    for headers in [story.genuine(BODY), Vec::new()] {
        let reply = story.post("hr", BODY, &headers).await;
        assert_eq!((reply.status, reply.retry_after.as_deref()), (503, Some("60")));
    }
    assert_eq!(story.send("bamboohr", &json!({ "employees": [] })).await.status, 202, "the others are heard");
    story.post_action("sources/hr/resume").await;
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn internal_failure_is_503() {
    let story = Harness::start().await;
    let mut database = story.database().await;
    let full = "CREATE TRIGGER full BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    sqlx::query(full).execute(&mut database).await.unwrap();
    let headers = story.genuine(BODY);
    for _ in 0..3 {
        let reply = story.post("hr", BODY, &headers).await;
        assert_eq!((reply.status, reply.retry_after.as_deref()), (503, Some("5")));
    }
    refused(&story.post("hr", BODY, &[]).await);
    sqlx::query("DROP TRIGGER full").execute(&mut database).await.unwrap();
    // The vendor comes again, as it was asked to: nothing was half taken.
    assert_eq!(story.post("hr", BODY, &headers).await.status, 202);
    story.settle().await;
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn public_listener_answers_livez_only() {
    let story = Harness::start().await;
    let reply = story.request(Method::GET, "/livez", b"", &[]).await;
    assert_eq!((reply.status, reply.body), (200, Value::String("alive\n".to_owned())));
    story.still_takes_deliveries(0).await;
}
