//! The reference servers: our listener and our verification, with less behind them. Each is a process of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::SignedDuration;
use offboardd::clock::{self, Clock as _, SystemClock};
use offboardd::domain::ids::{DeliveryId, SourceName};
use offboardd::intake::{self, DeliveryCommitter, Intake, IntakeSource};
use offboardd::sources::{Request, Source, Spec};
use offboardd::store::{Database, KeyLocation, NewDelivery, Store};
use offboardd::{listener, telemetry};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::calls;
use crate::daemon::{Process, wait_for};
use crate::folder::{Folder, KEY};

/// The variable that makes this program one of the servers.
pub(crate) const SERVER: &str = "OFFBOARDD_BENCH_SERVER";

/// Reads, verifies, answers: what no storage could be faster than.
pub(crate) const NO_STORAGE: &str = "no-storage";

/// Reads, verifies, seals, commits each delivery in a transaction of its own, answers.
pub(crate) const ONE_EACH: &str = "one-each";

/// Our intake, without a router that reads the stored deliveries.
pub(crate) const INTAKE: &str = "intake";

/// Starts one of them in this folder.
pub(crate) fn start(kind: &str, folder: &Folder) -> (Process, SocketAddr) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(SERVER, kind).env("RUST_LOG", "info").current_dir(folder.path());
    let log = folder.path().join("server.log");
    let process = Process::start(&mut command, &log);
    let address = wait_for(&log, |line| line.strip_prefix("serving on ")?.parse().ok());
    (process, address)
}

/// Is one of them.
pub(crate) fn run(kind: &str) {
    telemetry::start();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        if kind == calls::CALLS {
            return calls::run().await;
        }
        let router = match kind {
            NO_STORAGE => Router::new().route("/webhooks/hr0", post(verify)).with_state(Arc::new(hr())),
            ONE_EACH => {
                let store = store().await;
                let options = SqliteConnectOptions::new().filename("offboardd.db").synchronous(SqliteSynchronous::Full);
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
                let state = Arc::new((hr(), store, pool));
                Router::new().route("/webhooks/hr0", post(commit)).with_state(state)
            }
            INTAKE => intake().await,
            other => panic!("there is no server {other:?}"),
        };
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("serving on {}", socket.local_addr().unwrap());
        listener::serve(socket, router, CancellationToken::new()).await;
    });
}

pub(crate) fn hr() -> Source {
    let spec = Spec { preset: Some("standard-webhooks".to_owned()), secrets: vec![KEY.into()], ..Spec::default() };
    Source::compile(&name(), spec).unwrap()
}

fn name() -> SourceName {
    "hr0".parse().unwrap()
}

async fn store() -> Store {
    Database::file(Path::new("offboardd.db").to_owned(), KeyLocation::Beside).open().await.unwrap()
}

fn verified(source: &Source, headers: &HeaderMap, body: &[u8]) -> Result<String, StatusCode> {
    let request = Request { method: "POST", query: None, headers, body };
    let verified = source.verify(&request, SystemClock.now()).map_err(|_rejection| StatusCode::UNAUTHORIZED)?;
    Ok(verified.delivery_id.unwrap())
}

fn taken(id: DeliveryId) -> (StatusCode, String) {
    (StatusCode::ACCEPTED, format!("{{\"delivery\":\"{id}\"}}"))
}

async fn verify(
    State(source): State<Arc<Source>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, String), StatusCode> {
    verified(&source, &headers, &body)?;
    Ok(taken(clock::new_id(SystemClock.now()).into()))
}

async fn commit(
    State(state): State<Arc<(Source, Store, SqlitePool)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, String), StatusCode> {
    let (source, store, pool) = state.as_ref();
    let delivery_id = verified(source, &headers, &body)?;
    let received_at = SystemClock.now();
    let id = DeliveryId::from(clock::new_id(received_at));
    let insert = sqlx::query(
        "INSERT INTO deliveries (id, source, received_at, dedupe_hash, content_type, body) VALUES (?, ?, ?, ?, ?, ?)",
    );
    let insert = insert
        .bind(id.to_string())
        .bind("hr0")
        .bind(received_at.as_millisecond())
        .bind(store.key().hash_delivery(&name(), "id", delivery_id.as_bytes()).0.to_vec())
        .bind("application/json")
        .bind(NewDelivery::seal(store.key(), id, &body));
    let mut tx = pool.begin().await.unwrap();
    insert.execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    Ok(taken(id))
}

async fn intake() -> Router {
    let store = store().await;
    let metrics = intake::Metrics::register(&mut prometheus_client::registry::Registry::default());
    let (writer, queue) = DeliveryCommitter::new(store.clone(), metrics.clone(), Arc::default());
    tokio::task::spawn(writer.run());
    let intake_source = IntakeSource { source: Arc::new(hr()), dedupe_window: SignedDuration::from_hours(24) };
    let intake_sources = Arc::new(ArcSwap::from_pointee(BTreeMap::from([(name(), intake_source)])));
    intake::router(Intake {
        sources: intake_sources,
        queue,
        store,
        clock: Arc::new(SystemClock),
        metrics,
        max_body: 1024 * 1024,
    })
}
