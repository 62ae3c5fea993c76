//! Everything that goes in: deliveries as a vendor sends them, and the requests of operators to the admin API.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use offboardd::clock::Clock as _;
use offboardd::domain::ids::DeliveryId;
use offboardd::sources::Outgoing;
use serde_json::{Value, json};

use super::Harness;
use super::conformity::{self, Answer};

/// The tokens of two people who may approve.
pub(crate) const ROSA: &str = "t0ken-of-rosa-never-shown";
pub(crate) const TOM: &str = "t0ken-of-tom-never-shown";

/// The response to a sender.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Reply {
    /// The id of the delivery, of a reply that takes it.
    pub(crate) fn delivery(&self) -> DeliveryId {
        self.body["delivery"].as_str().expect("the reply names a delivery").parse().unwrap()
    }
}

impl Harness {
    /// Sends an event of `hr`, signed now; it is taken and dealt with.
    pub(crate) async fn send_event(&self, event: Value) -> DeliveryId {
        let reply = self.send("hr", &event).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        self.settle().await;
        reply.delivery()
    }

    /// `hr` reports that the person with this address left.
    pub(crate) async fn send_departed(&self, email: &str) -> DeliveryId {
        self.send_event(json!({ "type": "departed", "person": { "email": email } })).await
    }

    /// `hr` reports that the person with this address leaves then.
    pub(crate) async fn send_departed_at(&self, email: &str, at: impl Display) -> DeliveryId {
        let person = json!({ "email": email });
        self.send_event(json!({ "type": "departed", "person": person, "effective_at": at.to_string() })).await
    }

    /// `hr` reports that the person with this address came back.
    pub(crate) async fn send_returned(&self, email: &str) -> DeliveryId {
        self.send_event(json!({ "type": "returned", "person": { "email": email } })).await
    }

    /// Sends a body as a source's vendor would, with an id of its own and signed now.
    pub(crate) async fn send(&self, source: &str, body: &Value) -> Reply {
        self.send_bytes(source, body.to_string().as_bytes()).await
    }

    pub(crate) async fn send_bytes(&self, source: &str, body: &[u8]) -> Reply {
        self.post(source, body, &self.sign(source, &self.new_id(), self.clock.now(), body)).await
    }

    /// An id that no delivery had.
    pub(crate) fn new_id(&self) -> String {
        format!("msg_{}", self.sent.fetch_add(1, Ordering::Relaxed))
    }

    /// The headers with which a source's vendor would send this body.
    pub(crate) fn sign(&self, source: &str, id: &str, at: Timestamp, body: &[u8]) -> Vec<(String, String)> {
        let source = &self.running().settings.sources[&source.parse().unwrap()];
        source.compiled.sign(&Outgoing { method: "POST", query: None, id, at, body }).unwrap()
    }

    pub(crate) async fn post(&self, source: &str, body: &[u8], headers: &[(String, String)]) -> Reply {
        self.request(reqwest::Method::POST, &format!("/webhooks/{source}"), body, headers).await
    }

    pub(crate) async fn request(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &[u8],
        headers: &[(String, String)],
    ) -> Reply {
        let mut request = self.http.request(method, format!("http://{}{path}", self.webhooks())).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        read(request).await
    }

    /// Where the admin API is.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.running().admin
    }

    /// What `/metrics` shows.
    pub(crate) async fn metrics(&self) -> String {
        let reply = read_documented(self.http.get(format!("http://{}/metrics", self.admin()))).await;
        reply.body.as_str().unwrap().to_owned()
    }

    /// Where the webhooks are.
    pub(crate) fn webhooks(&self) -> SocketAddr {
        self.running().webhooks
    }

    /// Rosa, who may approve, calls the admin API; a body makes it a POST.
    pub(crate) async fn api(&self, path: &str, body: Option<Value>) -> Reply {
        self.api_as(ROSA, path, body).await
    }

    /// The same with this token.
    pub(crate) async fn api_as(&self, token: &str, path: &str, body: Option<Value>) -> Reply {
        let url = format!("http://{}/api/v1{path}", self.running().admin);
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        read_documented(request.bearer_auth(token)).await
    }

    /// Rosa imports a file, with these query parameters.
    pub(crate) async fn import(&self, query: &str, csv: &str) -> Reply {
        self.import_as(ROSA, query, csv).await
    }

    pub(crate) async fn import_as(&self, token: &str, query: &str, csv: &str) -> Reply {
        let url = format!("http://{}/api/v1/import?{query}", self.running().admin);
        let request = self.http.post(url).header("content-type", "text/csv").body(csv.to_owned());
        read(request.bearer_auth(token)).await
    }

    /// An operator moves the case of this address, as `retry` or `release` do.
    pub(crate) async fn act(&self, email: &str, what: &str) {
        self.act_as(ROSA, email, what).await;
    }

    pub(crate) async fn act_as(&self, token: &str, email: &str, what: &str) {
        let reply = self.try_action(token, email, what).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        self.settle().await;
    }

    /// An operator tries to move the case of this address.
    pub(crate) async fn try_action(&self, token: &str, email: &str, what: &str) -> Reply {
        self.try_action_with(token, email, what, json!({ "reason": "because" })).await
    }

    /// The same with a body of the caller's.
    pub(crate) async fn try_action_with(&self, token: &str, email: &str, what: &str, body: Value) -> Reply {
        let path = format!("/cases/{}/{what}", self.case(email).await.case.id);
        self.api_as(token, &path, Some(body)).await
    }

    /// Rosa approves an action of the case of this address: `revoke` or `delete`.
    pub(crate) async fn approve(&self, token: &str, email: &str, stage: &str) -> Reply {
        let reply = self.try_action_with(token, email, "approve", json!({ "reason": "because", "for": stage })).await;
        self.settle().await;
        reply
    }

    /// An operator resumes the site.
    pub(crate) async fn resume_site(&self) {
        self.post_action("sites/acme/resume").await;
    }

    /// An operator resumes the site and its kinds of calls, if no probe has.
    pub(crate) async fn resume_site_if_paused(&self) {
        let sites = self.store().sites().await.unwrap();
        if sites.iter().any(|site| site.paused_at.is_some() || !site.paused_kinds.is_empty()) {
            self.resume_site().await;
        }
    }

    /// An operator pauses or resumes a source or a site, as in `sites/acme/resume`.
    pub(crate) async fn post_action(&self, path: &str) {
        let reply = self.api(&format!("/{path}"), Some(json!({ "reason": "because" }))).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        self.settle().await;
    }
}

/// The answer of the admin listener, compared with its document.
async fn read_documented(request: reqwest::RequestBuilder) -> Reply {
    let (client, request) = request.build_split();
    let request = request.expect("the request is complete");
    let (method, path) = (request.method().to_string(), request.url().path().to_owned());
    let answer = client.execute(request).await.expect("the daemon answers");
    let status = answer.status().as_u16();
    let content_type = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let content_type = content_type.unwrap_or_default();
    let text = answer.text().await.expect("the answer is whole");
    let path = path.as_str();
    conformity::check(&Answer { method: &method, path, status, content_type: &content_type, body: &text });
    Reply { status, retry_after: None, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

async fn read(request: reqwest::RequestBuilder) -> Reply {
    let answer = request.send().await.expect("the daemon answers");
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let text = answer.text().await.expect("the answer is whole");
    Reply { status, retry_after, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}
