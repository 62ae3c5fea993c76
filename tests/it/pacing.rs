//! Many jobs due together, at a site that keeps Atlassian's burst limits: not one 429 is of our making.
//!
//! `OFFBOARDD_PACE=1000` takes that many people instead of a few.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use offboardd::clock::ManualClock;
use offboardd::domain::case::StateName;
use offboardd::sandbox::{CallName, NewAccount};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Harness, Setup};

#[tokio::test]
async fn many_revokes_and_deletions_stay_below_the_burst_limits() {
    let people: usize = std::env::var("OFFBOARDD_PACE").map_or(150, |text| text.parse().unwrap());
    let policy =
        "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\nbrake = { per_hour = 100000, per_day = 100000 }";
    let site = "concurrency = 16\ndeletion_grace = \"1000d\"";
    let story = Harness::with(Setup { policy, site, ..Setup::default() }).await;
    let address = |kind: &str, nth: usize| format!("{kind}-{nth}@example.com");
    let some = |kind: &'static str| (0..people).map(move |nth| address(kind, nth));
    for email in some("old").chain(some("new")) {
        story.site.add(NewAccount::customer(&email, "A Person")).unwrap();
    }
    let departures =
        |kind| some(kind).map(|email| json!({ "type": "departed", "person": { "email": email } })).collect::<Value>();
    story.site.change_options(|options| options.burst_limits = true);
    let _running = let_time_run(&story.clock);

    // The old ones are revoked, and thirty days later deleted while the new ones are revoked.
    assert_eq!(story.send("hr", &departures("old")).await.status, 202);
    let begun = Instant::now();
    story.wait_at_most(Duration::from_mins(10), async || story.count(CallName::Revoke) >= people).await;
    let alone = begun.elapsed();
    story.settle().await;
    story.clock.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(story.send("hr", &departures("new")).await.status, 202);
    let begun = Instant::now();
    story.wake_tasks();
    story.wait_at_most(Duration::from_mins(10), async || story.count(CallName::Revoke) >= 2 * people).await;
    eprintln!("{people} revokes alone: {alone:?}; beside as many deletions: {:?}", begun.elapsed());
    story.wait_at_most(Duration::from_mins(10), async || story.count(CallName::Delete) >= people).await;
    story.settle().await;

    let refused: Vec<_> = story.site.calls().into_iter().filter(|call| call.status == Some(429)).collect();
    assert!(refused.is_empty(), "{} of {} calls: {:?}", refused.len(), story.site.calls().len(), refused.first());
    let states: Vec<_> = story.cases().await.into_iter().map(|record| record.case.state.name()).collect();
    let count = |state| states.iter().filter(|other| **other == state).count();
    assert_eq!((count(StateName::DeletionGrace), count(StateName::Revoked)), (people, people));
    for call in [CallName::Revoke, CallName::Delete] {
        let times = if call == CallName::Revoke { 2 * people } else { people };
        assert_eq!(story.count(call), times, "{call:?}: each person once");
    }
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

/// The clock advances by itself until this is dropped. The bursts are counted by it.
fn let_time_run(clock: &Arc<ManualClock>) -> JoinSet<()> {
    let clock = Arc::clone(clock);
    let mut running = JoinSet::new();
    running.spawn(async move {
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let now = Instant::now();
            let passed = (now - last).as_millis();
            last += Duration::from_millis(u64::try_from(passed).unwrap());
            clock.advance(SignedDuration::from_millis(i64::try_from(passed).unwrap()));
        }
    });
    running
}
