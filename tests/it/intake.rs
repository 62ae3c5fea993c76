//! The public listener, over real sockets: every row of its table, and what is sent to it in error or in bad faith. None of
//! it loses what was acknowledged, and none of it stops the daemon: after each, a good delivery is taken.

mod framing;

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

    /// Ends a story in which `stored` deliveries were taken: one more is, and results in its revoke.
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
    // The same again, with a new signature and with the same id, as Standard Webhooks retries.
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
async fn duplicate_json_key_causes_no_wrong_action() {
    let story = Harness::start().await;
    let twice = br#"{"type":"departed","type":"profile","person":{"id":"1","email":"ann@example.com"}}"#;
    assert_eq!(story.send_bytes("hr", twice).await.status, 202);
    story.settle().await;
    // The last one counts, as in every JSON reader that vendors use: it is a profile.
    assert!(story.cases().await.is_empty());
    story.still_takes_deliveries(1).await;
}

#[tokio::test]
async fn delivery_to_a_paused_source_is_503() {
    let story = Harness::start().await;
    story.post_action("sources/hr/pause").await;
    for headers in [story.genuine(BODY), Vec::new()] {
        let reply = story.post("hr", BODY, &headers).await;
        assert_eq!((reply.status, reply.retry_after.as_deref()), (503, Some("60")));
    }
    assert_eq!(story.send("bamboohr", &json!({ "employees": [] })).await.status, 202, "the others are accepted");
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
    // The vendor sends it again after the 503: nothing was half stored.
    assert_eq!(story.post("hr", BODY, &headers).await.status, 202);
    story.settle().await;
    story.still_takes_deliveries(1).await;
}
