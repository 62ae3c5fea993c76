//! Exports the spans of the daemon by OTLP over HTTP, as JSON.
//!
//! Traces may be lost, and never delay anything: spans wait in a bounded queue, and a collector that does not answer costs
//! its batch.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::clock::SystemClock;
use crate::telemetry;
use crate::telemetry::spans::{Place, Span};

const BATCH: usize = 512;
const PERIOD: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the spans go, by the variables that OpenTelemetry defines.
#[derive(Debug)]
pub(super) struct Target {
    url: Url,
    headers: HeaderMap,
    service: String,
}

impl Target {
    /// `None` unless an endpoint is set.
    pub(super) fn from_env(variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Option<Self>> {
        let named = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let below =
            variable("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| format!("{}/v1/traces", base.trim_end_matches('/')));
        let Some(url) = named.or(below) else { return Ok(None) };
        let url = Url::parse(&url).context("OTEL_EXPORTER_OTLP_ENDPOINT is not a URL like http://127.0.0.1:4318")?;
        if let Some(protocol) = variable("OTEL_EXPORTER_OTLP_PROTOCOL") {
            anyhow::ensure!(
                protocol.starts_with("http/"),
                "OTEL_EXPORTER_OTLP_PROTOCOL is `{protocol}`: only OTLP over HTTP is supported, remove the variable"
            );
        }
        let headers = headers(&variable("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default())?;
        let service = variable("OTEL_SERVICE_NAME").unwrap_or_else(|| "offboardd".to_owned());
        Ok(Some(Self { url, headers, service }))
    }
}

/// `name=value,name=value`. The values may be secrets, so that no error repeats them.
fn headers(text: &str) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').context("OTEL_EXPORTER_OTLP_HEADERS: write name=value,name=value")?;
        let name: HeaderName = name.trim().parse().context("OTEL_EXPORTER_OTLP_HEADERS: invalid name of a header")?;
        let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_secret| anyhow::anyhow!("OTEL_EXPORTER_OTLP_HEADERS: invalid value of `{name}`"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Starts the logs and, if a collector is configured, the export.
pub(super) fn start_telemetry() -> anyhow::Result<Option<Exporter>> {
    let Some(target) = Target::from_env(&|name| std::env::var(name).ok())? else {
        telemetry::start();
        return Ok(None);
    };
    let spans = telemetry::spans::start(Arc::new(SystemClock));
    Exporter::start(target, spans).map(Some)
}

/// The running exporter.
#[derive(Debug)]
pub(super) struct Exporter {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Exporter {
    pub(super) fn start(target: Target, spans: mpsc::Receiver<Span>) -> anyhow::Result<Self> {
        let http = crate::outbound::http()?;
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        tracing::info!(endpoint = %target.url.origin().ascii_serialization(), "traces are exported");
        tasks.spawn(export(target, http, spans, stop.clone()));
        Ok(Self { tasks, stop })
    }

    /// Exports what is left.
    pub(super) async fn finish(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn export(target: Target, http: Client, mut spans: mpsc::Receiver<Span>, stop: CancellationToken) {
    let (mut works, mut batch) = (true, Vec::with_capacity(BATCH));
    loop {
        let is_last = stop.is_cancelled();
        while batch.len() < BATCH {
            let Ok(span) = spans.try_recv() else { break };
            batch.push(span);
        }
        let is_full = batch.len() == BATCH;
        if !batch.is_empty() {
            works = report(&send(&target, &http, &batch).await, works);
            batch.clear();
        }
        if is_full {
            continue;
        }
        if is_last {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Logs a change only: an absent collector is no line for each batch. Returns whether the export works.
fn report(sent: &anyhow::Result<()>, worked: bool) -> bool {
    match (sent, worked) {
        (Err(error), true) => {
            tracing::warn!(error = format!("{error:#}"), "traces cannot be exported: they are dropped");
        }
        (Ok(()), false) => tracing::info!("traces are exported again"),
        (Ok(()), true) | (Err(_), false) => {}
    }
    sent.is_ok()
}

async fn send(target: &Target, http: &Client, batch: &[Span]) -> anyhow::Result<()> {
    let request = http.post(target.url.clone()).headers(target.headers.clone()).timeout(TIMEOUT);
    let response = request.json(&body(&target.service, batch)).send().await.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    anyhow::ensure!(status.is_success(), "the collector responded {status}");
    Ok(())
}

/// The request of the protocol, as JSON: ids in hexadecimal digits, 64-bit numbers as texts.
fn body(service: &str, batch: &[Span]) -> Json {
    let attribute = |name: &str, value: &str| json!({ "key": name, "value": { "stringValue": value } });
    let resource = [attribute("service.name", service), attribute("service.version", env!("CARGO_PKG_VERSION"))];
    let spans: Vec<Json> = batch.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "offboardd" }, "spans": spans }],
    }] })
}

fn span(span: &Span) -> Json {
    let attributes = span.attributes.iter().map(|(name, value)| json!({ "key": name, "value": value }));
    let attributes: Vec<Json> = attributes.collect();
    let links =
        span.links.iter().map(|Place { trace, span }| json!({ "traceId": hex128(*trace), "spanId": hex64(*span) }));
    let links: Vec<Json> = links.collect();
    json!({
        "traceId": hex128(span.place.trace),
        "spanId": hex64(span.place.span),
        "parentSpanId": span.parent.map(hex64).unwrap_or_default(),
        "name": span.name,
        "kind": span.kind.number(),
        "startTimeUnixNano": nanoseconds(span.began_at),
        "endTimeUnixNano": nanoseconds(span.ended_at),
        "attributes": attributes,
        "links": links,
    })
}

fn hex128(id: u128) -> String {
    format!("{id:032x}")
}

fn hex64(id: u64) -> String {
    format!("{id:016x}")
}

fn nanoseconds(at: Timestamp) -> String {
    at.as_nanosecond().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(variables: &[(&str, &str)]) -> anyhow::Result<Option<Target>> {
        Target::from_env(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_of_opentelemetry_name_the_collector() {
        assert!(target(&[]).unwrap().is_none());
        for (variables, url) in [
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")][..], "http://collector:4318/v1/traces"),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t.example/x")], "https://t.example/x"),
        ] {
            assert_eq!(target(variables).unwrap().unwrap().url.as_str(), url);
        }
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let set =
            target(&[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=1"), ("OTEL_SERVICE_NAME", "leavers")]);
        let set = set.unwrap().unwrap();
        assert_eq!((set.headers["api-key"].to_str().unwrap(), set.service.as_str()), ("a b", "leavers"));
        assert!(!format!("{set:?}").contains("a b"), "a header may be a secret");
        for wrong in [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_HEADERS", "secret")] {
            let error = format!("{:#}", target(&[endpoint, wrong]).unwrap_err());
            assert!(error.contains(wrong.0) && !error.contains("secret"), "{error}");
        }
        assert!(target(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")]).is_err());
    }
}
