//! A small HR system: signs webhooks in the way of each vendor and posts them. It knows nothing of the daemon but where the
//! webhooks go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

use crate::clock::{self, Clock};
use crate::settings::Settings;
use crate::sources::{Outgoing, Source};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Signs and posts.
#[derive(Debug)]
pub(super) struct HrSystem {
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    pub(super) webhooks: SocketAddr,
    vendors: BTreeMap<String, Arc<Source>>,
}

/// A signed request that has not been posted yet.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) source: &'static str,
    pub(super) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

/// What the daemon answered.
#[derive(Debug)]
pub(super) struct WebhookResponse {
    pub(super) status: u16,
    pub(super) body: ResponseBody,
}

/// The body of an answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ResponseBody {
    pub(super) delivery: Option<String>,
    #[serde(default)]
    pub(super) duplicate: bool,
}

impl HrSystem {
    pub(super) fn new(settings: &Settings, http: reqwest::Client, webhooks: SocketAddr, clock: Arc<dyn Clock>) -> Self {
        let vendors = settings.sources.iter().map(|(name, source)| (name.to_string(), Arc::clone(&source.compiled)));
        Self { http, clock, webhooks, vendors: vendors.collect() }
    }

    /// Signs a body as the vendor of `source` would, now.
    pub(super) fn sign(&self, source: &'static str, body: &Value) -> anyhow::Result<Webhook> {
        self.sign_bytes(source, body.to_string().into_bytes())
    }

    /// The same body again, as vendors do who missed the answer: signed anew.
    pub(super) fn sign_again(&self, webhook: &Webhook) -> anyhow::Result<Webhook> {
        self.sign_bytes(webhook.source, webhook.body.clone())
    }

    fn sign_bytes(&self, source: &'static str, body: Vec<u8>) -> anyhow::Result<Webhook> {
        let vendor = self.vendors.get(source).with_context(|| format!("there is no source `{source}`"))?;
        let now = self.clock.now();
        let id = format!("msg_{}", clock::new_id(now).simple());
        let headers = vendor.sign(&Outgoing { method: "POST", query: None, id: &id, at: now, body: &body })?;
        Ok(Webhook { source, body, headers })
    }

    pub(super) async fn post(&self, webhook: &Webhook) -> anyhow::Result<WebhookResponse> {
        let url = format!("http://{}/webhooks/{}", self.webhooks, webhook.source);
        let mut request = self.http.post(url).timeout(TIMEOUT).header("content-type", "application/json");
        for (name, value) in &webhook.headers {
            request = request.header(name, value);
        }
        let response =
            request.body(webhook.body.clone()).send().await.context("the daemon does not answer webhooks")?;
        let status = response.status().as_u16();
        let body = response.json().await.context("the daemon's answer is not JSON")?;
        Ok(WebhookResponse { status, body })
    }
}

impl Webhook {
    /// The header that carries the proof.
    pub(super) fn proof(&self) -> &str {
        let mut names = self.headers.iter().map(|(name, _)| name.as_str());
        names.find(|name| name.to_lowercase().contains("signature")).unwrap_or("no header")
    }

    /// The same headers over other words: what somebody on the way could do who does not know the secret.
    pub(super) fn tampered(mut self, from: &str, to: &str) -> Self {
        self.body = String::from_utf8_lossy(&self.body).replace(from, to).into_bytes();
        self
    }
}
