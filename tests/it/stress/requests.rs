//! Requests in bad faith, over real sockets: bad framing, and what was recorded and comes again.

use offboardd::clock::{Clock as _, ManualClock};
use offboardd::domain::case::StateName;
use offboardd::sources::{Outgoing, Source, Spec};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::table::expect_row;
use crate::harness::{Harness, Setup};

const BODY: &[u8] = br#"{"type":"ignored"}"#;

/// Says that nothing comes after this request.
const LAST: &str = "connection: close\r\n";

/// More sources: two vendors with one secret, one that signs no id, and HubSpot's old and new scheme side by side.
const MORE: &str = r#"
    [sources.payroll]
    preset = "standard-webhooks"
    site = "acme"
    policy = "leavers"
    secrets = [{ env = "HR_KEY" }]
    [sources.github]
    preset = "github"
    site = "acme"
    policy = "leavers"
    secrets = [{ env = "BAMBOOHR_KEY" }]
"#;

async fn story() -> Harness {
    Harness::with(Setup { more: MORE, ..Setup::default() }).await
}

/// A genuine request of `hr` as its bytes; `framing` are the lines that say where it ends.
fn written(story: &Harness, framing: &str, body: &[u8]) -> Vec<u8> {
    let headers = story.sign("hr", &story.new_id(), story.now(), BODY).into_iter();
    let headers = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    [format!("POST /webhooks/hr HTTP/1.1\r\nhost: x\r\n{framing}\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// All that is answered to these bytes, until the daemon closes the connection or has no more to say.
async fn answers(story: &Harness, bytes: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(story.webhooks()).await.unwrap();
    // A client that is rejected early may lose its connection while it still sends.
    drop(stream.write_all(bytes).await);
    if !bytes.windows(LAST.len()).any(|line| line == LAST.as_bytes()) {
        drop(stream.shutdown().await);
    }
    let mut text = Vec::new();
    let reading = stream.read_to_end(&mut text);
    drop(tokio::time::timeout(std::time::Duration::from_secs(20), reading).await.expect("an answer in time"));
    let text = String::from_utf8_lossy(&text).into_owned();
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer.get(..3).unwrap().parse().unwrap()).collect()
}

async fn still_works(story: Harness) {
    story.send_departed("ann@example.com").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn pipelined_requests_are_verified_separately() {
    let row = expect_row("pipelined requests, good and forged", "each is judged by itself");
    let story = story().await;
    let length = format!("content-length: {}", BODY.len());
    let genuine = |story: &Harness| written(story, &length, BODY);
    let last = |story: &Harness| written(story, &format!("{LAST}{length}"), BODY);
    let mut forged = genuine(&story);
    let at = forged.len() - 3;
    forged[at] ^= 1;
    let again = genuine(&story);
    let all = [genuine(&story), forged, again.clone(), again, last(&story)].concat();
    assert_eq!(answers(&story, &all).await, [202, 401, 202, 200, 202]);
    let hundred: Vec<u8> = (0..99).flat_map(|_| genuine(&story)).chain(last(&story)).collect();
    assert_eq!(answers(&story, &hundred).await, [202; 100]);
    story.settle().await;
    still_works(story).await;
    row.passed(105, "105 answered in their order");
}

#[tokio::test]
async fn malformed_chunks_end_the_connection_and_hide_no_request() {
    let row =
        expect_row("bad chunks, with a request hidden behind them", "the connection ends, nothing behind is read");
    let story = story().await;
    let behind = written(&story, &format!("content-length: {}", BODY.len()), BODY);
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n",
        "12\r\nshort",
        "1\r\n{{\r\n",
        "1 \n{\r\n",
        "0x12\r\n",
        "\r\n",
        ";\r\n",
        "12;\r\n\n",
        "0\r\nbad trailer\r\n\r\n",
        "12\n",
    ] {
        let request = written(&story, "transfer-encoding: chunked", chunks.as_bytes());
        let statuses = answers(&story, &[request, behind.clone()].concat()).await;
        assert!(!statuses.contains(&202) && statuses.len() <= 1, "{chunks:?}: {statuses:?}");
    }
    // An endless extension of a chunk is as bad as an endless header.
    let extended = format!("12;{}\r\n", "x".repeat(1024 * 1024));
    let request = written(&story, "transfer-encoding: chunked", extended.as_bytes());
    assert!(!answers(&story, &[request, behind].concat()).await.contains(&202));
    still_works(story).await;
    row.passed(13, "0 taken");
}

#[tokio::test]
async fn ambiguous_framing_is_rejected() {
    let row =
        expect_row("smuggling: two lengths, a length and chunks, folded lines", "not taken, nor what is hidden in it");
    let story = story().await;
    let length = BODY.len();
    let smuggled = written(&story, &format!("content-length: {length}"), BODY);
    let chunked = [b"0\r\n\r\n".as_slice(), &smuggled].concat();
    for (framing, body) in [
        (format!("content-length: {}\r\ntransfer-encoding: chunked", chunked.len()), &chunked),
        (format!("transfer-encoding: chunked\r\ncontent-length: {}", chunked.len()), &chunked),
        (format!("content-length: 0\r\ncontent-length: {}", smuggled.len()), &smuggled),
        (format!("content-length: 0,{}", smuggled.len()), &smuggled),
        ("transfer-encoding: identity, chunked, identity".to_owned(), &chunked),
        ("transfer-encoding:\x0bchunked".to_owned(), &chunked),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity".to_owned(), &chunked),
        (" transfer-encoding: chunked".to_owned(), &chunked),
        ("x: y\r\n folded: z".to_owned(), &chunked),
        ("content-length: 0\rx: y".to_owned(), &smuggled),
    ] {
        let statuses = answers(&story, &written(&story, &framing, body)).await;
        assert!(!statuses.contains(&202) && !statuses.contains(&200), "{framing:?}: {statuses:?}");
    }
    still_works(story).await;
    row.passed(10, "0 taken");
}

#[tokio::test]
async fn invalid_utf8_is_rejected_in_significant_places() {
    let row = expect_row("bytes that are no UTF-8 in the target and in headers", "4xx where they mean something");
    let story = story().await;
    let genuine = || written(&story, &format!("{LAST}content-length: {}", BODY.len()), BODY);
    let replaced = |from: &str, to: &[u8]| {
        let genuine = genuine();
        let at = genuine.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
        [&genuine[..at], to, &genuine[at + from.len()..]].concat()
    };
    let mut refused = 0;
    for (from, to) in [
        ("/webhooks/hr", b"/webhooks/hr\xff".as_slice()),
        ("/webhooks/hr", b"/webhooks/\xc3\x28"),
        ("/webhooks/hr", b"/webhooks/hr\0"),
        ("POST", b"PO\xffST"),
        ("HTTP/1.1", b"HTTP/\xff"),
        ("webhook-id: ", b"webhook-id: \xff"),
        ("webhook-timestamp: ", b"webhook-timestamp: \xff"),
        ("webhook-timestamp: ", "webhook-timestamp: \u{661}".as_bytes()),
        ("webhook-signature: ", b"webhook-signature: \xff"),
        ("webhook-signature: v1", "webhook-signature: v\u{ff11}".as_bytes()),
        ("webhook-id", b"webhook-\xff"),
        ("host: x", b"host: x\r\nx: \0"),
        ("host: x", b"host: x\r\n\xff: x"),
        ("content-length: ", b"content-length: \xff"),
        ("content-length: ", "content-length: \u{661}".as_bytes()),
    ] {
        let statuses = answers(&story, &replaced(from, to)).await;
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{from:?}: {statuses:?}");
        refused += 1;
    }
    assert_eq!(answers(&story, &replaced("host: x", b"host: \xff")).await, [400], "a host is well-formed");
    // Elsewhere they are none of our business.
    for line in [b"host: x\r\nx: \xff\xfe".as_slice(), b"host: x\r\ncontent-type: \xff"] {
        assert_eq!(answers(&story, &replaced("host: x", line)).await, [202]);
    }
    story.settle().await;
    still_works(story).await;
    row.passed(refused + 3, format!("{refused} refused, 0 taken wrongly"));
}

#[tokio::test]
async fn replay_at_a_source_with_the_same_secret_is_a_new_delivery() {
    let row = expect_row("replay at another source that has the same secret", "it hides no delivery of either");
    let story = story().await;
    let headers = story.sign("hr", "msg_same", story.now(), BODY);
    let first = story.post("hr", BODY, &headers).await;
    let other = story.post("payroll", BODY, &headers).await;
    assert_eq!((first.status, other.status), (202, 202), "neither hides the other");
    assert_ne!(first.delivery(), other.delivery());
    assert_eq!(story.post("payroll", BODY, &headers).await.delivery(), other.delivery());
    story.settle().await;
    still_works(story).await;
    row.passed(3, "each source has its own");
}

#[tokio::test]
async fn replay_is_a_duplicate_inside_its_window_and_rejected_after() {
    let row = expect_row("replay inside the window, and after it", "200 with the id of the first inside, 401 after");
    let story = story().await;
    let headers = story.sign("hr", "msg_recorded", story.now(), BODY);
    assert_eq!(story.post("hr", BODY, &headers).await.status, 202);
    for (later, expected) in [("0s", 200), ("299s", 200), ("1s", 200), ("1s", 401), ("1d", 401), ("400d", 401)] {
        story.advance(later).await;
        assert_eq!(story.post("hr", BODY, &headers).await.status, expected, "after {later}");
    }
    // Back inside the window: the clock was set back.
    story.clock.advance(-crate::harness::duration("401d1s"));
    assert_eq!(story.post("hr", BODY, &headers).await.status, 200);
    story.settle().await;
    still_works(story).await;
    row.passed(7, "0 taken twice");
}

#[tokio::test]
async fn unsigned_id_creates_no_delivery_and_hides_none() {
    let row = expect_row("replay under an unsigned id", "no new delivery, and a genuine one with that id is taken");
    let story = story().await;
    let body = json!({ "type": "departed", "person": { "email": "ann@example.com" } }).to_string();
    let signed = |id: &str, body: &str| story.sign("github", id, story.now(), body.as_bytes());
    let first = story.post("github", body.as_bytes(), &signed("72d3162e", &body)).await;
    assert_eq!(first.status, 202);
    // As it was, with another id, and with none.
    let without: Vec<_> = signed("72d3162e", &body)
        .into_iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("x-github-delivery"))
        .collect();
    for headers in [signed("72d3162e", &body), signed("99999999", &body), without] {
        let again = story.post("github", body.as_bytes(), &headers).await;
        assert_eq!((again.status, again.delivery()), (200, first.delivery()), "{headers:?}");
    }
    // An attacker who knew the next id spends it on what was recorded: the genuine one is accepted all the same.
    let next = json!({ "type": "departed", "person": { "email": "ben@example.com" } }).to_string();
    assert_eq!(story.post("github", next.as_bytes(), &signed("99999999", &next)).await.status, 202);
    story.settle().await;
    assert_eq!(story.state("ben@example.com").await, StateName::Revoked);
    // Where the id is signed, equal bodies are different deliveries.
    assert_eq!(story.send("hr", &json!({ "type": "ignored" })).await.status, 202);
    assert_eq!(story.send("hr", &json!({ "type": "ignored" })).await.status, 202);
    story.settle().await;
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
    row.passed(3, "0 taken twice, 0 hidden");
}

#[test]
fn signature_of_one_scheme_is_rejected_by_every_other() {
    let row = expect_row("downgrade: what one scheme signed, before another", "only its own scheme takes it");
    let clock = ManualClock::at("2026-09-07T12:00:00Z".parse().unwrap());
    let of = |preset: &str| {
        let spec = Spec {
            preset: Some(preset.to_owned()),
            secrets: vec!["00112233445566778899aabbccddeeff".into()],
            public_url: Some("https://hooks.example.com/webhooks/hubspot".parse().unwrap()),
            ..Spec::default()
        };
        Source::compile(&"hubspot".parse().unwrap(), spec).unwrap()
    };
    let presets =
        ["hubspot", "hubspot-v1", "hubspot-v2", "github", "intercom", "zendesk", "standard-webhooks", "stripe"];
    for (signs, verifies) in presets.iter().flat_map(|signs| presets.iter().map(move |verifies| (signs, verifies))) {
        let message = Outgoing { method: "POST", query: None, id: "1", at: clock.now(), body: b"[]" };
        let mut headers = axum::http::HeaderMap::new();
        for (name, value) in of(signs).sign(&message).unwrap() {
            let name = axum::http::HeaderName::try_from(name).unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let request = offboardd::sources::Request { method: "POST", query: None, headers: &headers, body: b"[]" };
        let verdict = of(verifies).verify(&request, clock.now());
        assert_eq!(verdict.is_ok(), signs == verifies, "{signs} before {verifies}: {verdict:?}");
    }
    row.passed(presets.len() * presets.len(), "0 taken by another");
}
