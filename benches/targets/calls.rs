//! The calls of revokes with nothing behind them: no database, no case, no journal. The reference of T14.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use offboardd::app;
use offboardd::atlassian::Client;
use offboardd::clock::{Clock, SystemClock};
use offboardd::domain::person::EmailAddress;
use offboardd::settings::Settings;
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;

use crate::folder::{Folder, email, with_secrets};
use crate::servers::SERVER;

/// Revokes people by the daemon's own client for Atlassian, at its pace, and ends.
pub(crate) const CALLS: &str = "calls";

/// The variable that states how many people there are.
const PEOPLE: &str = "OFFBOARDD_BENCH_PEOPLE";

/// Revokes the first `people` of the sandbox that the folder's settings name. Returns how many that were a second.
pub(crate) fn revokes_per_second(folder: &Folder, people: u64) -> f64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(SERVER, CALLS).env(PEOPLE, people.to_string()).current_dir(folder.path());
    let output = with_secrets(&mut command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Is that program.
pub(crate) async fn run() {
    let people: usize = std::env::var(PEOPLE).unwrap().parse().unwrap();
    let settings = Settings::load(Path::new("offboardd.toml")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let clients = app::sites(&settings, &clock, &mut Registry::default()).unwrap();
    let (begun, sites) = (Instant::now(), clients.len());
    let mut lanes = JoinSet::new();
    for (number, client) in clients.into_values().enumerate() {
        // As the load generator distributes the people: one site after the other.
        let next = Arc::new(AtomicUsize::new(number));
        for _ in 0..client.site().concurrency {
            let (client, next) = (client.clone(), Arc::clone(&next));
            lanes.spawn(async move {
                loop {
                    let person = next.fetch_add(sites, Ordering::Relaxed);
                    if person >= people {
                        break;
                    }
                    revoke(&client, person).await;
                }
            });
        }
    }
    lanes.join_all().await;
    println!("{}", people as f64 / begun.elapsed().as_secs_f64());
}

/// The four calls of a revoke: search, read, revoke, read back.
async fn revoke(client: &Client, person: usize) {
    let found = client.search(&EmailAddress::parse(&email(person)).unwrap()).await.unwrap();
    let id = &found.first().unwrap().id;
    assert!(client.read(id).await.unwrap().unwrap().active);
    client.revoke(id).await.unwrap();
    assert!(!client.read(id).await.unwrap().unwrap().active);
}
