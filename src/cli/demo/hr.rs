//! A small HR system: signs webhooks as each vendor does and posts them to the daemon's webhook listener.

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

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct HrSystem {
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    pub(super) webhooks: SocketAddr,
    vendors: BTreeMap<String, Arc<Source>>,
}

/// A signed request.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) source: &'static str,
    pub(super) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct WebhookResponse {
    pub(super) status: u16,
    pub(super) body: ResponseBody,
}

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

    /// Signs the same body again, as a vendor does that received no response.
    pub(super) fn sign_again(&self, webhook: &Webhook) -> anyhow::Result<Webhook> {
        self.sign_bytes(webhook.source, webhook.body.clone())
    }

    fn sign_bytes(&self, source: &'static str, body: Vec<u8>) -> anyhow::Result<Webhook> {
        let vendor = self.vendors.get(source).with_context(|| format!("no source `{source}`"))?;
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
        let response = request.body(webhook.body.clone()).send().await.context("no response to the webhook")?;
        let status = response.status().as_u16();
        let body = response.json().await.context("the response is not JSON")?;
        Ok(WebhookResponse { status, body })
    }
}

impl Webhook {
    pub(super) fn signature_header(&self) -> &str {
        let mut names = self.headers.iter().map(|(name, _)| name.as_str());
        names.find(|name| name.to_lowercase().contains("signature")).unwrap_or("no header")
    }

    /// Changes the body and keeps the headers, as an attacker without the secret could.
    pub(super) fn tampered(mut self, from: &str, to: &str) -> Self {
        self.body = String::from_utf8_lossy(&self.body).replace(from, to).into_bytes();
        self
    }
}
