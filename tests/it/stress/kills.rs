//! SIGKILL at random instants under load, hundreds of times. (`recovery.rs` does so ten times with every run.)

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::load::{self, Load};
use super::table::expect_row;
use super::{QUIET, times};
use crate::binary::Folder;
use crate::rng::SeededRng;

const SENDERS: usize = 8;

/// How long the work that is left may take after the last fault.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Waits until all cases are closed, and returns how many deliveries are lost and how many changes were made twice; the
/// journal is whole.
pub(super) async fn count_lost_and_doubled(
    folder: &Folder,
    database: &std::path::Path,
    site: SocketAddr,
    acknowledged: &std::collections::BTreeMap<usize, String>,
) -> (usize, usize) {
    let begun = Instant::now();
    let open = "SELECT (SELECT COUNT(*) FROM deliveries WHERE status = 'received')
                     + (SELECT COUNT(*) FROM cases WHERE state <> 'erased')";
    while load::count(database, open).await > 0 {
        assert!(begun.elapsed() < TIMEOUT, "{} are left", load::count(database, open).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let lost = load::lost_deliveries(database, acknowledged).await.len();
    let mut doubled = 0;
    for call in ["revoke", "delete"] {
        let (changes, accounts) = load::changes(site, call).await;
        assert!(
            accounts >= acknowledged.len(),
            "{accounts} of {} had their {call}, {lost} are lost",
            acknowledged.len()
        );
        doubled += changes - accounts;
    }
    let verified = folder.run(&["journal", "verify", &database.display().to_string()]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    (lost, doubled)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: see the module `stress`"]
async fn hundreds_of_kills_under_load_lose_and_repeat_nothing() {
    let row = expect_row(
        "SIGKILL at a random instant under load",
        "every 2xx is kept, no change twice, the journal is whole",
    );
    let (kills, mut rng) = (times(300), SeededRng::from_environment());
    let people = usize::try_from(kills).unwrap() * 30;
    let folder = Folder::new("");
    let seed = folder.file("seed.json", &load::seed(people));
    let (_sandbox, site) = folder.sandbox(&["--seed", &seed, "--deletion-grace", "1s"]);
    folder.file("offboardd.toml", &load::settings(&format!("http://{site}"), "offboardd.db"));
    let mut daemon = folder.serve(QUIET);
    let load = Load::start(daemon.webhooks, people, SENDERS, Duration::from_millis(200));
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(20 + rng.below(400))).await;
        daemon.process.kill();
        daemon = folder.serve(QUIET);
        load.send_to(daemon.webhooks);
    }
    let acknowledged = load.end().await;
    let (lost, doubled) = count_lost_and_doubled(&folder, &folder.database(), site, &acknowledged).await;
    assert_eq!((lost, doubled), (0, 0));
    row.passed(kills, format!("{} acknowledged: {lost} lost, {doubled} doubled", acknowledged.len()));
}
