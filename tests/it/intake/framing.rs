//! Requests that no vendor sends: sizes, encodings, paths, methods and bytes that are no HTTP.

use super::*;

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

/// The response is sent before the upload ends. It must arrive although the client continues to send.
#[tokio::test]
async fn response_during_an_upload_reaches_the_client() {
    let story = Harness::start().await;
    let large = vec![b' '; TWO_MEBIBYTES];
    let unannounced = [format!("{TWO_MEBIBYTES:x}\r\n").as_bytes(), &large, b"\r\n0\r\n\r\n"].concat();
    for (path, length, body, expected) in [
        ("/webhooks/hr", format!("content-length: {TWO_MEBIBYTES}"), &large, 413),
        ("/webhooks/hr", "transfer-encoding: chunked".to_owned(), &unannounced, 413),
        ("/webhooks/hr", "transfer-encoding: chunked\r\nexpect: 100-continue".to_owned(), &unannounced, 413),
        ("/webhooks/unknown", format!("content-length: {TWO_MEBIBYTES}"), &large, 404),
        ("/livez", format!("content-length: {TWO_MEBIBYTES}"), &large, 405),
    ] {
        let mut stream = story.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        for part in body.chunks(TWO_MEBIBYTES / 4) {
            stream.write_all(part).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let answer = read_all(&mut stream).await;
        assert!(answer.contains(&format!("HTTP/1.1 {expected} ")), "{path}, {length}: {answer}");
    }
    story.still_takes_deliveries(0).await;
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
    // The same value twice is not ambiguous.
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
    // Nor do they hold up a stop: the connection of a client that has not sent everything by then is closed.
    let begun = Instant::now();
    story.restart().await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop(slow);
    story.still_takes_deliveries(21).await;
    row.passed(200, "20 others taken meanwhile");
}

#[tokio::test]
async fn public_listener_answers_livez_only() {
    let story = Harness::start().await;
    let reply = story.request(Method::GET, "/livez", b"", &[]).await;
    assert_eq!((reply.status, reply.body), (200, Value::String("alive\n".to_owned())));
    story.still_takes_deliveries(0).await;
}

#[tokio::test]
async fn unknown_source_is_404() {
    let row = expect_row("path tricks in place of a source", "404 or 400");
    let story = Harness::start().await;
    let long = format!("/webhooks/{}", "a".repeat(10_000));
    for path in [
        "/webhooks/unknown",
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
    let whole = "POST http://elsewhere.example.com/webhooks/unknown HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&story.raw(whole.as_bytes()).await), 404);
    story.still_takes_deliveries(0).await;
    row.passed(44, "0 found");
}
