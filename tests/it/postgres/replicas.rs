//! The sites of several replicas: an even share for each, and the metrics that show who works what.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Story;
use crate::binary::Daemon;
use crate::harness::postgres::StoryDatabase;

/// A replica gets its share within this time. One site is handed over every five seconds.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A story with the sites `acme`, `b`, `c` and `d`.
async fn four_sites() -> Story {
    let story = Story::begin(StoryDatabase::create().await);
    let settings = std::fs::read_to_string(story.folder.path().join("offboardd.toml")).unwrap();
    let more = ["b", "c", "d"].map(|name| {
        let site = story.site;
        format!(
            "[sites.{name}]\nurl = \"http://{site}\"\ngateway = \"http://{site}\"
             cloud_id = \"11111111-2222-3333-4444-555555555555\"
             auth = {{ email = \"admin@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}"
        )
    });
    story.folder.file("offboardd.toml", &format!("{settings}\n{}", more.join("\n")));
    story
}

async fn sites_of(daemon: &Daemon) -> BTreeSet<String> {
    let sites: Value = daemon.readiness().await["sites"].clone();
    serde_json::from_value(sites).unwrap()
}

/// Waits until each replica works two of the four sites.
async fn wait_until_shared(first: &Daemon, second: &Daemon) {
    let begun = Instant::now();
    loop {
        let (here, there) = (sites_of(first).await, sites_of(second).await);
        if here.len() == 2 && there.len() == 2 && here.is_disjoint(&there) {
            return;
        }
        assert!(begun.elapsed() < TIMEOUT, "not shared: {here:?}, {there:?}; {:#?}", first.process.output_lines());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn metrics(daemon: &Daemon) -> String {
    let scrape = crate::http::client().get(format!("http://{}/metrics", daemon.admin)).send().await.unwrap();
    scrape.text().await.unwrap()
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn replicas_share_the_sites_and_a_killed_one_leaves_its_share_to_the_others() {
    let story = four_sites().await;
    let first = story.folder.serve("info");
    first.wait_until_it_works(&["acme", "b", "c", "d"]).await;
    let mut second = story.folder.serve("info");
    // While a site is handed over.
    assert_eq!(story.send(&second, "one", "ann@example.com").code, Some(0));
    wait_until_shared(&first, &second).await;
    let shares = (sites_of(&first).await, sites_of(&second).await);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((sites_of(&first).await, sites_of(&second).await), shares, "an even share is kept");
    let shown = metrics(&second).await;
    for site in ["acme", "b", "c", "d"] {
        let works = i32::from(shares.1.contains(site));
        assert!(shown.contains(&format!("offboardd_site_worked{{site=\"{site}\"}} {works}\n")), "{shown}");
    }
    for line in ["background_duty 0", "replicas{settings=\"same\"} 2", "replicas{settings=\"other\"} 0"] {
        assert!(shown.contains(&format!("\noffboardd_{line}\n")), "{line}: {shown}");
    }
    assert!(metrics(&first).await.contains("\noffboardd_background_duty 1\n"));
    assert!(
        metrics(&first).await.contains("\noffboardd_terms_lost_total 0\n"),
        "a site that is handed over is not lost"
    );

    second.process.kill();
    let killed_at = Instant::now();
    first.wait_until_it_works(&["acme", "b", "c", "d"]).await;
    assert!(killed_at.elapsed() < Duration::from_secs(5), "taken over after {:?}", killed_at.elapsed());
    let begun = Instant::now();
    while story.deleted().await != ["ann@example.com"] {
        assert!(begun.elapsed() < TIMEOUT, "{:#?}", first.process.output_lines());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let verified = story.folder.run(&["journal", "verify"]);
    assert!(verified.stdout.starts_with("intact: "), "{verified:?}");
    drop(first);
    story.database.remove().await;
}

#[tokio::test]
#[ignore = "needs the programs of PostgreSQL"]
async fn stopping_replica_gets_no_site_back_and_one_with_other_settings_gets_none() {
    let story = four_sites().await;
    let mut first = story.folder.serve("info");
    first.wait_until_it_works(&["acme", "b", "c", "d"]).await;
    let mut second = story.folder.serve("info");
    wait_until_shared(&first, &second).await;
    first.process.send_sigterm();
    second.wait_until_it_works(&["acme", "b", "c", "d"]).await;
    assert!(first.process.wait().success());

    let settings = std::fs::read_to_string(story.folder.path().join("offboardd.toml")).unwrap();
    story.folder.file("offboardd.toml", &settings.replace("local_grace = \"1s\"", "local_grace = \"2s\""));
    let third = story.folder.serve("info");
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(third.readiness().await["sites"], json!([]));
    let shown = metrics(&third).await;
    assert!(shown.contains("offboardd_replicas{settings=\"other\"} 1\n"), "{shown}");
    assert!(second.process.terminate().success());
    drop(third);
    story.database.remove().await;
}
