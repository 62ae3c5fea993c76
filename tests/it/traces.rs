//! The way of a delivery as a linked trace, received by a collector.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::binary::{Folder, settings};

/// A collector for OTLP over HTTP, as JSON. It keeps the bodies.
#[derive(Clone)]
struct Collector {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let requests = Arc::clone(&collector.requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let requests = Arc::clone(&requests);
                std::thread::spawn(move || while take(stream.as_ref().unwrap(), &requests).is_some() {});
            }
        });
        collector
    }

    /// The heads and the bodies of all requests.
    fn requests(&self) -> Vec<(String, String)> {
        self.requests.lock().unwrap().clone()
    }

    fn spans(&self) -> Vec<Value> {
        let mut spans = Vec::new();
        for (_, body) in self.requests() {
            let body: Value = serde_json::from_str(&body).unwrap();
            spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned());
        }
        spans
    }
}

/// Reads one request of a connection and answers it; `None` at its end.
fn take(mut stream: &TcpStream, requests: &Mutex<Vec<(String, String)>>) -> Option<()> {
    let mut text = Vec::new();
    let end = loop {
        if let Some(end) = text.windows(4).position(|part| part == b"\r\n\r\n") {
            break end + 4;
        }
        let mut part = [0; 4096];
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&part[..read]);
    };
    let head = String::from_utf8(text[..end].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
    let mut body = text.split_off(end);
    let begun = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[begun..]).ok()?;
    requests.lock().unwrap().push((head, String::from_utf8(body).unwrap()));
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}").ok()
}

fn named<'s>(spans: &'s [Value], name: &str) -> Vec<&'s Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

fn attribute<'s>(span: &'s Value, name: &str) -> &'s Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == name);
    let value = &found.unwrap_or_else(|| panic!("no {name}: {span}"))["value"];
    if value["stringValue"].is_null() { &value["intValue"] } else { &value["stringValue"] }
}

#[test]
fn delivery_is_one_linked_trace_up_to_its_calls_without_personal_data() {
    let collector = Collector::start();
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&["--deletion-grace", "1s"]);
    folder.file("offboardd.toml", &settings(site, ""));
    let mut command = folder.command(&["serve"]);
    command
        .env("RUST_LOG", "info")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=token-of-the-collector");
    let mut daemon = Folder::serve_as(&mut command);
    let body =
        folder.file("body.json", r#"{"type":"departed","person":{"id":"staff-4711","email":"ann@example.com"}}"#);
    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    let sent = folder.run(&["send", "hr", "--json", "--body", &body, "--url", &url]);
    let sent: Value = serde_json::from_str(&sent.stdout).unwrap();
    let delivery = sent["response"]["delivery"].as_str().unwrap().to_owned();
    daemon.process.wait_for_lines("gone_confirmed", 1);
    assert!(daemon.process.terminate().success());

    let spans = collector.spans();
    let [intake] = named(&spans, "intake.delivery")[..] else { panic!("{spans:#?}") };
    assert_eq!(intake["traceId"], delivery.replace('-', ""));
    assert_eq!((&intake["parentSpanId"], attribute(intake, "source")), (&"".into(), &"hr".into()));
    let [routed] = named(&spans, "router.event")[..] else { panic!("{spans:#?}") };
    assert_eq!((&routed["traceId"], &routed["parentSpanId"]), (&intake["traceId"], &intake["spanId"]));

    // The case has a trace of its own, which a later delivery may continue: both link to each other.
    let [opened] = named(&spans, "case.opened")[..] else { panic!("{spans:#?}") };
    let place = |span: &Value| serde_json::json!([{ "traceId": span["traceId"], "spanId": span["spanId"] }]);
    assert_eq!((&routed["links"], &opened["links"]), (&place(opened), &place(routed)));
    let jobs = named(&spans, "worker.job");
    let kinds: BTreeSet<_> = jobs.iter().map(|job| attribute(job, "job.kind").as_str().unwrap()).collect();
    assert!(kinds.contains("revoke") && kinds.contains("delete") && kinds.contains("verify"), "{kinds:?}");
    for job in &jobs {
        assert_eq!((&job["traceId"], &job["parentSpanId"]), (&opened["traceId"], &opened["spanId"]), "{job}");
    }
    let calls = named(&spans, "atlassian.call");
    assert!(calls.len() > 3);
    let ids: BTreeSet<_> = jobs.iter().map(|job| job["spanId"].as_str().unwrap()).collect();
    for call in calls {
        assert!(ids.contains(call["parentSpanId"].as_str().unwrap()), "{call}");
        assert!(!attribute(call, "call").is_null() && !attribute(call, "http.status").is_null());
    }
    let known = BTreeSet::from(["intake.delivery", "router.event", "case.opened", "worker.job", "atlassian.call"]);
    for span in &spans {
        let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{span}");
        assert!(known.contains(span["name"].as_str().unwrap()), "{span}");
    }
    for (head, body) in collector.requests() {
        assert!(head.starts_with("post /v1/traces ") && head.contains("x-key: token-of-the-collector"), "{head}");
        for personal in ["ann", "example.com", "qm:", "staff-4711"] {
            assert!(!body.contains(personal), "`{personal}` in {body}");
        }
    }
    let log = daemon.process.output_lines().join("\n");
    assert!(log.contains("traces are exported") && !log.contains("token-of-the-collector"), "{log}");
}

#[test]
fn collector_that_is_away_costs_traces_and_nothing_else() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&[]);
    folder.file("offboardd.toml", &settings(site, ""));
    let mut command = folder.command(&["serve"]);
    command.env("RUST_LOG", "info").env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{closed}"));
    let mut daemon = Folder::serve_as(&mut command);
    let body = folder.file("body.json", r#"{"type":"departed","person":{"email":"ann@example.com"}}"#);
    let url = format!("http://{}/webhooks/hr", daemon.webhooks);
    assert_eq!(folder.run(&["send", "hr", "--body", &body, "--url", &url]).code, Some(0));
    daemon.process.wait_for_lines("revoke_confirmed", 1);
    assert!(daemon.process.terminate().success());
    let log = daemon.process.output_lines();
    let dropped = log.iter().filter(|line| line.contains("traces cannot be exported")).count();
    assert_eq!(dropped, 1, "{log:#?}");

    let wrong = folder.command(&["serve"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector").output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    let printed = String::from_utf8(wrong.stderr).unwrap();
    assert!(printed.contains("offboardd: OTEL_EXPORTER_OTLP_ENDPOINT is not a URL"), "{printed}");
}
