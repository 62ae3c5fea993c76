//! Tests of the private listener over real sockets with a real database.

mod actions;
mod bulk;
mod cases;
mod health;
mod opening;
mod people;
mod problems;
mod resources;
mod roles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{Access, AdminState, ConfiguredSite, ConfiguredSource, FreeSpace, Ports};
use crate::admin::access::Tokens;
use crate::clock::{self, Clock as _, ManualClock};
use crate::domain::account::{AccountId, AccountType};
use crate::domain::brake::Brake;
use crate::domain::case::{Cause, State, Terms};
use crate::domain::ids::{CaseId, DeliveryId};
use crate::domain::operator::{AdminToken, Role, TokenDigest};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::domain::policy::{Action, Approvals, DayEdge, Policy};
use crate::domain::site_health::SiteHealth;
use crate::proof::signature::SigningKey;
use crate::store::{CaseRecord, Database, KeyLocation, KnownAccount, NewCase, NewDelivery, Note, Store};

/// A listener with its own database.
pub(crate) struct Daemon {
    pub(crate) address: String,
    pub(crate) store: Store,
    /// The admin tokens; a reload replaces them.
    tokens: Tokens,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) worker: Arc<Notify>,
    pub(crate) worker_ticked_at: Arc<AtomicI64>,
    client: reqwest::Client,
    _server: JoinSet<()>,
    _dir: TempDir,
}

/// Names of admin tokens; each token equals its name.
pub(crate) const ROSA: &str = "rosa"; // approver
pub(crate) const ADA: &str = "ada"; // approver
pub(crate) const OTTO: &str = "otto"; // operator
pub(crate) const VERA: &str = "vera"; // viewer

#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl TestResponse {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

impl Daemon {
    pub(crate) async fn observing() -> Self {
        Self::start(false).await
    }

    pub(crate) async fn enforcing() -> Self {
        Self::start(true).await
    }

    async fn start(enforce: bool) -> Self {
        Self::with_console(enforce, |_state| axum::Router::new()).await
    }

    /// With the pages that `console` makes.
    pub(crate) async fn with_console(enforce: bool, console: impl FnOnce(Arc<AdminState>) -> axum::Router) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::file(dir.path().join("test.db"), KeyLocation::Given([7; 32]));
        let store = database.open().await.unwrap();
        let clock = Arc::new(ManualClock::at("2026-06-01T08:00:00Z".parse().unwrap()));
        let worker = Arc::new(Notify::new());
        let worker_ticked_at = Arc::new(AtomicI64::new(clock.now().as_millisecond()));
        let people = [(ROSA, Role::Approver), (ADA, Role::Approver), (OTTO, Role::Operator), (VERA, Role::Viewer)];
        let tokens = people.map(|(name, role)| AdminToken { name: name.into(), role, digest: TokenDigest::of(name) });
        let access = Access::new(tokens.to_vec());
        let tokens = Arc::clone(&access.tokens);
        let state = Arc::new(AdminState {
            store: store.clone(),
            access,
            clock: Arc::<ManualClock>::clone(&clock),
            enforce,
            sites: ["acme", "globex"].map(|name| (name.parse().unwrap(), site(name))).into(),
            sources: BTreeMap::from([
                ("bamboohr".parse().unwrap(), source("acme", "leavers")),
                ("crm".parse().unwrap(), source("acme", "careful")),
            ]),
            policies: BTreeMap::from([
                ("leavers".parse().unwrap(), policy(0)),
                ("careful".parse().unwrap(), policy(2)),
            ]),
            importer: Arc::default(),
            listers: Arc::default(),
            worker: Arc::clone(&worker),
            router: Arc::default(),
            secrets: Arc::default(),
            worker_ticked_at: Arc::clone(&worker_ticked_at),
            journal_end: Arc::default(),
            registry: Arc::new(Registry::default()),
            free_space: FreeSpace::Of(dir.path().to_owned()),
            rejections: Arc::default(),
            ports: ports(),
            evidence_key: Arc::new(SigningKey::from_seed(&[9; 32]).unwrap()),
        });
        let router = super::router(Arc::clone(&state), console(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = reqwest::Client::builder().build().unwrap();
        Self { address, store, tokens, clock, worker, worker_ticked_at, client, _server: server, _dir: dir }
    }

    /// Sends a request with a token, or without one if `who` is empty.
    pub(crate) async fn request(&self, method: Method, path: &str, who: &str, body: Option<Value>) -> TestResponse {
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        if !who.is_empty() {
            request = request.bearer_auth(who);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Self::answer(request).await
    }

    pub(crate) async fn get(&self, path: &str, who: &str) -> TestResponse {
        self.request(Method::GET, path, who, None).await
    }

    pub(crate) async fn post(&self, path: &str, who: &str, body: Value) -> TestResponse {
        self.request(Method::POST, path, who, Some(body)).await
    }

    pub(crate) fn raw(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    pub(crate) async fn answer(request: reqwest::RequestBuilder) -> TestResponse {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        TestResponse { status, headers, text: response.text().await.unwrap() }
    }

    /// Applies an action to a case as the operator otto.
    pub(crate) async fn act_on_case(&self, id: CaseId, verb: &str) -> TestResponse {
        self.post(&format!("/api/v1/cases/{id}/{verb}"), OTTO, serde_json::json!({})).await
    }

    /// A case of source `bamboohr` on site `acme`, in one hour.
    pub(crate) async fn case(&self, email: &str, action: Action, beginning: Option<State>) -> CaseRecord {
        self.clock.advance(SignedDuration::from_millis(1));
        let now = self.clock.now();
        let new = NewCase {
            site: "acme".parse().unwrap(),
            source: Some("bamboohr".parse().unwrap()),
            person: Person {
                id: Some(PersonId::parse(&format!("number-of-{email}")).unwrap()),
                email: Some(EmailAddress::parse(email).unwrap()),
            },
            terms: Terms::of(&policy(2), action),
            cause: Cause::Departed,
            effective_at: now + SignedDuration::from_hours(1),
            deadline: None,
        };
        let note = Note { by: None, remark: Some("a word about ann".into()), ..Note::default() };
        let mut tx = self.store.begin().await.unwrap();
        let mut record = tx.open_case(new, beginning, note, now).await.unwrap();
        record.account = Some(KnownAccount { id: AccountId::from("qm:secret:1".to_owned()), twin: false });
        record.account_type = Some(AccountType::Customer);
        tx.save_observed(&record).await.unwrap();
        tx.commit().await.unwrap();
        record
    }

    pub(crate) async fn scheduled(&self, email: &str) -> CaseId {
        self.case(email, Action::RevokeThenDelete, None).await.case.id
    }

    pub(crate) async fn delivery(&self, source: &str) -> DeliveryId {
        self.clock.advance(SignedDuration::from_millis(1));
        let now = self.clock.now();
        let id = DeliveryId::from(clock::new_id(now));
        let key = self.store.key();
        let source = source.parse().unwrap();
        let new = NewDelivery {
            id,
            received_at: now,
            dedupe_hash: key.hash_delivery(&source, "id", id.as_bytes()),
            dedupe_until: None,
            signed_at: None,
            content_type: None,
            sealed_body: NewDelivery::seal(key, id, b"{}"),
            source,
        };
        self.store.insert_deliveries(&[new]).await.unwrap();
        id
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// No site and no mapping.
fn ports() -> Ports {
    Ports {
        read_requests: Arc::new(|_, _| Box::pin(async { Ok(Vec::new()) })),
        explain: Arc::new(|_, _, _, _| None),
        health: Arc::new(|_| SiteHealth::default()),
    }
}

fn site(name: &str) -> ConfiguredSite {
    ConfiguredSite {
        url: format!("https://{name}.example.com").parse().unwrap(),
        deletion_grace: SignedDuration::from_hours(14 * 24),
        look_back: SignedDuration::from_hours(24),
    }
}

fn source(site: &str, policy: &str) -> ConfiguredSource {
    ConfiguredSource {
        sites: vec![site.parse().unwrap()],
        policy: policy.parse().unwrap(),
        preset: Some("bamboohr".into()),
        quiet_after: Some(SignedDuration::from_hours(24)),
        echoes_secret: true,
    }
}

fn policy(delete: u8) -> Policy {
    Policy {
        departed: Action::RevokeThenDelete,
        email_changed: Action::Ignore,
        erasure_requested: Action::Delete,
        local_grace: SignedDuration::from_hours(720),
        timezone: TimeZone::UTC,
        effective: DayEdge::EndOfDay,
        approvals: Approvals { revoke: 0, delete },
        detach: Vec::new(),
        reinvite: false,
        brake: Brake::default(),
        erasure_within: SignedDuration::from_hours(28 * 24),
    }
}
