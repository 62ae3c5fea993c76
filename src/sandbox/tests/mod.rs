//! The sandbox as its callers see it: through real sockets, against a clock that stands still.

mod access;
mod control;
mod directory;
mod faults;
mod memberships;

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{CallName, Sandbox, SandboxOptions, Seed};
use crate::clock::ManualClock;

const CLOUD: &str = "11111111-2222-3333-4444-555555555555";
/// `ann@example.com` in the sample.
const ANN: &str = "qm:11111111-2222-3333-4444-555555555555:00000000-0000-4000-8000-000000000101";
const BEN: &str = "qm:11111111-2222-3333-4444-555555555555:00000000-0000-4000-8000-000000000105";
const EVE: &str = "qm:11111111-2222-3333-4444-555555555555:00000000-0000-4000-8000-000000000110";
const FINN: &str = "712020:00000000-0000-4000-8000-000000000111";
const APP: &str = "712020:00000000-0000-4000-8000-000000000112";
const GUS: &str = "qm:11111111-2222-3333-4444-555555555555:00000000-0000-4000-8000-000000000113";

/// A served sandbox with the sample in it. Dropping it ends the service.
struct Site {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    base: String,
    http: Client,
    _service: JoinSet<std::io::Result<()>>,
}

impl Site {
    async fn open() -> Self {
        Self::with(SandboxOptions::default(), Seed::sample()).await
    }

    async fn with(options: SandboxOptions, seed: Seed) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-01T09:00:00Z".parse().unwrap()));
        let sandbox = Sandbox::new(options, seed, Arc::<ManualClock>::clone(&clock)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut service = JoinSet::new();
        service.spawn(sandbox.clone().serve(listener, std::future::pending()));
        let http = Client::builder().no_proxy().build().unwrap();
        Self { sandbox, clock, base, http, _service: service }
    }

    fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
    }

    fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", self.base))
    }

    /// A call with credentials and consent to experiments.
    fn call(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).basic_auth("admin@example.com", Some("token")).header("X-ExperimentalApi", "opt-in")
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        reply(self.call("GET", path)).await
    }

    async fn put(&self, path: &str) -> u16 {
        reply(self.call("PUT", path)).await.0
    }

    async fn delete(&self, path: &str) -> u16 {
        reply(self.call("DELETE", path)).await.0
    }

    async fn delete_with(&self, path: &str, accounts: &[&str]) -> (u16, Value) {
        reply(self.call("DELETE", path).json(&json!({ "accountIds": accounts }))).await
    }

    async fn revoke(&self, id: &str) -> u16 {
        self.put(&revoke(id)).await
    }

    /// Display names that a search finds, in the order of their ids.
    async fn search(&self, query: &str) -> Vec<String> {
        let (status, found) = reply(self.call("GET", "/rest/api/3/user/search").query(&[("query", query)])).await;
        assert_eq!(status, 200);
        names(&found)
    }

    fn last_call(&self) -> (CallName, Option<u16>, bool) {
        let calls = self.sandbox.calls();
        let last = calls.last().unwrap();
        (last.call, last.status, last.changed)
    }
}

async fn reply(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn names(users: &Value) -> Vec<String> {
    users.as_array().unwrap().iter().map(|user| user["displayName"].as_str().unwrap().to_owned()).collect()
}

fn encoded(id: &str) -> String {
    id.replace(':', "%3A")
}

fn revoke(id: &str) -> String {
    format!("/rest/servicedeskapi/customer/user/{}/revoke-portal-only-access", encoded(id))
}

fn user(id: &str) -> String {
    format!("/rest/api/3/user?accountId={}", encoded(id))
}

fn customer(id: &str) -> String {
    customer_at(CLOUD, id)
}

fn customer_at(cloud_id: &str, id: &str) -> String {
    format!("/jsm/csm/cloudid/{cloud_id}/api/v1/customer/account/{}", encoded(id))
}
