//! Senders of genuine deliveries, which record what was acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use offboardd::clock::{Clock as _, SystemClock};
use offboardd::sources::{Outgoing, Source, Spec};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::binary::{HR_KEY, own_loopback_address};

/// Settings of a daemon with one site and one source; `database` is where its file lies.
pub(crate) fn settings(site: &str, database: &str) -> String {
    let webhooks = own_loopback_address();
    format!(
        "mode = \"enforce\"
         server = {{ webhooks = \"{webhooks}\", admin = \"127.0.0.1:0\" }}
         store.url = \"sqlite:{database}\"
         retry = {{ base = \"200ms\", max = \"1s\" }}
         [sites.acme]
         url = \"{site}\"
         gateway = \"{site}\"
         cloud_id = \"11111111-2222-3333-4444-555555555555\"
         auth = {{ email = \"admin@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}
         deletion_grace = \"1s\"
         look_again = [\"1s\", \"2s\"]
         [policies.leavers]
         departed = \"revoke_then_delete\"
         local_grace = \"1s\"
         brake = {{ per_hour = 1000000, per_day = 1000000 }}
         [sources.hr]
         preset = \"standard-webhooks\"
         site = \"acme\"
         policy = \"leavers\"
         secrets = [{{ env = \"HR_KEY\" }}]"
    )
}

/// The URL of a site that does not exist, for daemons that only take deliveries.
pub(super) const UNREACHABLE: &str = "http://127.0.0.1:9";

pub(crate) fn email(person: usize) -> String {
    format!("person{person}@example.com")
}

/// The seed of a sandbox in which these people are customers.
pub(crate) fn seed(people: usize) -> String {
    let people = (0..people).map(|person| json!({ "email": email(person) }));
    let admin = json!({ "email": "admin@example.com", "account_type": "atlassian" });
    json!({ "accounts": people.chain([admin]).collect::<Vec<_>>() }).to_string()
}

/// The source `hr`, as its vendor has it.
pub(crate) fn hr_source() -> Source {
    let spec = Spec { preset: Some("standard-webhooks".to_owned()), secrets: vec![HR_KEY.into()], ..Spec::default() };
    Source::compile(&"hr".parse().unwrap(), spec).unwrap()
}

/// Sends one delivery of `hr`, signed now. `None` when there was no whole answer.
pub(crate) async fn post(
    http: &reqwest::Client,
    hr: &Source,
    to: SocketAddr,
    id: &str,
    body: &str,
) -> Option<(u16, Value)> {
    post_as(http, hr, "hr", to, id, body).await
}

/// Sends one delivery to the route of another source, signed with the same secret.
pub(super) async fn post_as(
    http: &reqwest::Client,
    hr: &Source,
    source: &str,
    to: SocketAddr,
    id: &str,
    body: &str,
) -> Option<(u16, Value)> {
    let message = Outgoing { method: "POST", query: None, id, at: SystemClock.now(), body: body.as_bytes() };
    let url = format!("http://{to}/webhooks/{source}");
    let mut request = http.post(url).body(body.to_owned()).timeout(Duration::from_secs(30));
    for (name, value) in hr.sign(&message).unwrap() {
        request = request.header(name, value);
    }
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}

/// Several senders. Each reports one person after the other, again and again until that is acknowledged.
pub(super) struct Load {
    senders: JoinSet<Vec<(usize, String)>>,
    daemon: watch::Sender<SocketAddr>,
    enough: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    refusals: Arc<AtomicU32>,
}

impl Load {
    /// Begins: `departed` of as many people as there is time for, at most `people`.
    pub(super) fn start(daemon: SocketAddr, people: usize, senders: usize, pause: Duration) -> Self {
        let (daemon_address, current) = watch::channel(daemon);
        let enough = Arc::new(AtomicBool::new(false));
        let (acknowledged, refusals) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU32::new(0)));
        let mut all = JoinSet::new();
        for sender in 0..senders {
            let (current, enough) = (current.clone(), Arc::clone(&enough));
            let (acknowledged, refusals) = (Arc::clone(&acknowledged), Arc::clone(&refusals));
            all.spawn(async move {
                let (http, hr) = (crate::http::client(), hr_source());
                let mut mine = Vec::new();
                for person in (sender..people).step_by(senders) {
                    let body = json!({ "type": "departed", "person": { "email": email(person) } }).to_string();
                    let id = format!("msg_{person}");
                    while !enough.load(Ordering::Relaxed) {
                        let to = *current.borrow();
                        match post(&http, &hr, to, &id, &body).await {
                            Some((200 | 202, answer)) => {
                                acknowledged.fetch_add(1, Ordering::Relaxed);
                                mine.push((person, answer["delivery"].as_str().unwrap().to_owned()));
                                break;
                            }
                            Some((503, _)) => {
                                refusals.fetch_add(1, Ordering::Relaxed);
                            }
                            Some((status, answer)) => panic!("what is genuine was refused: {status} {answer}"),
                            None => {}
                        }
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    tokio::time::sleep(pause).await;
                }
                mine
            });
        }
        Self { senders: all, daemon: daemon_address, enough, acknowledged, refusals }
    }

    /// Says where the daemon is now.
    pub(super) fn send_to(&self, daemon: SocketAddr) {
        self.daemon.send_replace(daemon);
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How often the answer was 503.
    pub(super) fn refusals(&self) -> u32 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Ends it: who is at it says no more. The people of whom it was acknowledged, and the ids of the deliveries.
    pub(super) async fn end(mut self) -> BTreeMap<usize, String> {
        self.enough.store(true, Ordering::Relaxed);
        let mut acknowledged = BTreeMap::new();
        while let Some(sender) = self.senders.join_next().await {
            acknowledged.extend(sender.unwrap());
        }
        acknowledged
    }
}

/// A connection to a database file, beside the daemon or after it.
pub(super) async fn open(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(30));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// One number of the database.
pub(super) async fn count(file: &Path, query: &'static str) -> i64 {
    let mut database = open(file).await;
    let row = sqlx::query(query).fetch_one(&mut database).await.unwrap();
    database.close().await.unwrap();
    row.get(0)
}

/// Which of these acknowledged deliveries the database does not hold: lost.
pub(super) async fn lost_deliveries(file: &Path, acknowledged: &BTreeMap<usize, String>) -> Vec<usize> {
    let mut database = open(file).await;
    let mut lost = Vec::new();
    for (person, delivery) in acknowledged {
        let found = sqlx::query("SELECT 1 FROM deliveries WHERE id = ?").bind(delivery);
        if found.fetch_optional(&mut database).await.unwrap().is_none() {
            lost.push(*person);
        }
    }
    database.close().await.unwrap();
    lost
}

/// How many changes of this kind the site saw, and to how many accounts.
pub(super) async fn changes(site: SocketAddr, call: &str) -> (usize, usize) {
    let request = crate::http::client().get(format!("http://{site}/_sandbox/calls"));
    let calls: Value = request.send().await.unwrap().json().await.unwrap();
    let done = calls["items"].as_array().unwrap().iter().filter(|made| made["changed"] == true && made["call"] == call);
    let accounts: Vec<_> = done.map(|made| made["account_id"].as_str().unwrap()).collect();
    (accounts.len(), accounts.iter().collect::<std::collections::BTreeSet<_>>().len())
}
