//! Two daemons over a primary with a synchronous standby, a site, and vendors that send all the time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::Row as _;

use super::TIMEOUT;
use super::vendors::{Load, PEOPLE, Seen};
use crate::binary::{Daemon, Folder, Process, sandbox_list};
use crate::postgres::cluster::{self, Cluster};
use crate::postgres::network::Network;
use crate::stress::load;

/// Two replicas, each with a network of its own, and all that is around them.
pub(super) struct Pair {
    folder: Folder,
    site: SocketAddr,
    _sandbox: Process,
    pub(super) networks: [Network; 2],
    pub(super) daemons: [Daemon; 2],
    pub(super) load: Load,
    // Last, so that the servers end last.
    pub(super) cluster: Cluster,
}

impl Pair {
    pub(super) async fn start() -> Self {
        Self::over(tokio::task::spawn_blocking(Cluster::start).await.unwrap()).await
    }

    pub(super) async fn over(cluster: Cluster) -> Self {
        let folder = Folder::new("");
        let seed = folder.file("seed.json", &load::seed(PEOPLE));
        let (sandbox, site) = folder.sandbox(&["--seed", &seed, "--deletion-grace", "1s"]);
        folder.file("key", &"07".repeat(32));
        offboardd::store::read_or_make_evidence_key(&folder.database()).unwrap();
        let settings = load::settings(&format!("http://{site}"), "x").replace(
            "store.url = \"sqlite:x\"",
            "store = { url = { env = \"STORE_URL\" }, key = { file = \"key\" } }
             evidence.key = { file = \"offboardd.db.evidence-key\" }",
        );
        folder.file("offboardd.toml", &settings.replace("look_again", "timeout = \"2s\"\n look_again"));
        let networks = [Network::to(cluster.primary()).await, Network::to(cluster.primary()).await];
        let daemons = [serve(&folder, &networks[0]), serve(&folder, &networks[1])];
        let load = Load::start(daemons.each_ref().map(|daemon| daemon.webhooks));
        let pair = Self { folder, site, _sandbox: sandbox, networks, daemons, load, cluster };
        pair.wait_until_one_works(&[0, 1]).await;
        pair
    }

    pub(super) fn restart(&mut self, index: usize) {
        self.daemons[index] = serve(&self.folder, &self.networks[index]);
        self.load.send_to(self.daemons.each_ref().map(|daemon| daemon.webhooks));
    }

    /// The replica that works the site. Waits until it is one of these.
    pub(super) async fn wait_until_one_works(&self, of: &[usize]) -> usize {
        let begun = Instant::now();
        loop {
            for index in of {
                if self.daemons[*index].readiness().await["sites"] == json!(["acme"]) {
                    return *index;
                }
            }
            assert!(begun.elapsed() < TIMEOUT, "no replica works the site");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal to a replica.
    pub(super) fn signal(&self, index: usize, signal: &str) {
        let id = self.daemons[index].process.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until all cases are closed. Returns what was seen, with the lost, the doubled and the early ones.
    pub(super) async fn end(self, server: SocketAddr) -> (Seen, [usize; 3]) {
        let Self { folder, site, daemons, load, cluster, .. } = self;
        let seen = load.end().await;
        let mut database = cluster::connect(server).await;
        let open = "SELECT (SELECT COUNT(*) FROM deliveries WHERE status = 'received')
                        + (SELECT COUNT(*) FROM cases WHERE state NOT IN ('erased', 'no_account')) AS count";
        let begun = Instant::now();
        loop {
            let left: i64 = sqlx::query(open).fetch_one(&mut database).await.unwrap().get("count");
            if left == 0 {
                break;
            }
            assert!(
                begun.elapsed() < TIMEOUT,
                "{left} are left; {:#?}",
                daemons.each_ref().map(|it| it.process.output_lines())
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let mut lost = 0;
        for delivery in seen.acknowledged.values() {
            let found = sqlx::query("SELECT 1 FROM deliveries WHERE id = $1").bind(delivery);
            lost += usize::from(found.fetch_optional(&mut database).await.unwrap().is_none());
        }
        let (doubled, early) = changes(site, seen.acknowledged.len()).await;
        for mut daemon in daemons {
            assert!(daemon.process.terminate().success(), "{:#?}", daemon.process.output_lines());
        }
        let verified = folder.command(&["journal", "verify"]).env("STORE_URL", cluster::url(server)).output().unwrap();
        assert!(verified.status.success(), "{verified:?}");
        drop(cluster);
        (seen, [lost, doubled, early])
    }
}

fn serve(folder: &Folder, network: &Network) -> Daemon {
    let log = "warn,offboardd::cli=info,offboardd::store::replicas=info";
    let mut command = folder.command(&["serve"]);
    Folder::serve_as(command.env("RUST_LOG", log).env("STORE_URL", cluster::url(network.address)))
}

/// The number of changes that were made twice, and of deletions before the grace was over.
async fn changes(site: SocketAddr, people: usize) -> (usize, usize) {
    let mut times = BTreeMap::<(String, String), Vec<Timestamp>>::new();
    for call in sandbox_list(site, "calls").await {
        if call["changed"] == true && ["revoke", "delete"].contains(&call["call"].as_str().unwrap()) {
            let text = |name: &str| call[name].as_str().unwrap().to_owned();
            times.entry((text("call"), text("account_id"))).or_default().push(text("at").parse().unwrap());
        }
    }
    let doubled = times.values().map(|times| times.len() - 1).sum();
    let deletions = times.iter().filter(|((call, _), _)| call == "delete");
    let grace = SignedDuration::from_secs(1);
    let is_early = |account: &String, deleted: &Vec<Timestamp>| {
        let revoked = &times[&("revoke".to_owned(), account.clone())];
        deleted[0].duration_since(revoked[0]) < grace
    };
    let early = deletions.clone().filter(|((_, account), deleted)| is_early(account, deleted)).count();
    assert!(deletions.count() >= people, "some accounts were not deleted");
    (doubled, early)
}
