//! Time and Atlassian: clocks that jump, days that are longer than others, and a site that is away for days.

use std::time::{Duration, Instant};

use offboardd::domain::case::StateName;
use offboardd::sandbox::{CallName, Fault, Seed};
use serde_json::json;
use sqlx::Row as _;

use super::table::expect_row;
use super::{load, times};
use crate::harness::{Harness, Setup, duration};

const ANN: &str = "ann@example.com";

fn fault(call: CallName) -> Fault {
    Fault { call: Some(call), ..Fault::default() }
}

#[tokio::test]
async fn clock_jump_during_a_call_does_not_repeat_it() {
    let row = expect_row("the clock jumps while a call is made", "the call is made once");
    for jump in ["1d", "-1d"] {
        let story = Harness::start().await;
        story.inject(Fault { delay_ms: 400, times: Some(1), ..fault(CallName::Revoke) });
        let departed = json!({ "type": "departed", "person": { "email": ANN } });
        assert_eq!(story.send("hr", &departed).await.status, 202);
        story.wait_for_call(CallName::Revoke).await;
        // Every lease is over now, or lasts another day; the one who holds it is alive and at it.
        story.clock.advance(duration(jump));
        story.wake_tasks();
        story.settle().await;
        assert_eq!(story.count(CallName::Revoke), 1, "{jump}");
        story.advance("1d").await;
        assert_eq!(story.state(ANN).await, StateName::Revoked, "{jump}");
        story.finish(&["revoke ann@example.com"]).await;
    }
    row.passed(2, "0 doubled");
}

#[tokio::test]
async fn clock_jumps_run_nothing_early_or_twice() {
    let row = expect_row("the clock jumps ahead and back", "nothing early, nothing twice");
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    // Set back by a day, ahead to where it was, and so on: the 30 days are those of the first reading.
    for jump in ["-1d", "1d", "29d", "-20d", "20d"] {
        story.clock.advance(if let Some(back) = jump.strip_prefix('-') { -duration(back) } else { duration(jump) });
        story.wake_tasks();
        story.settle().await;
        assert_eq!(story.state(ANN).await, StateName::Revoked, "{jump}");
    }
    story.advance_quiet("1d").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.clock.advance(-duration("13d"));
    story.wake_tasks();
    story.settle().await;
    story.advance_quiet("27d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
    row.passed(6, "0 early, 0 doubled");
}

#[tokio::test]
async fn day_ends_at_local_midnight_whatever_its_length() {
    let row = expect_row(
        "days of 23 and 25 hours, leap days, days without a midnight",
        "a day ends when it ends there, to the second",
    );
    for (zone, day, ends) in [
        // The clocks go back: the day has 25 hours.
        ("Europe/Berlin", "2026-10-25", "2026-10-25T23:00:00Z"),
        // They go ahead: it has 23.
        ("Europe/Berlin", "2027-03-28", "2027-03-28T22:00:00Z"),
        // A day that is not in every year, and the last one of the year that has it.
        ("Europe/Berlin", "2028-02-29", "2028-02-29T23:00:00Z"),
        ("Europe/Berlin", "2028-12-31", "2028-12-31T23:00:00Z"),
        // Midnight itself is skipped: the next day begins at one.
        ("America/Santiago", "2027-09-04", "2027-09-05T04:00:00Z"),
        // The day before the one that this island left out.
        ("Pacific/Apia", "2026-12-30", "2026-12-30T11:00:00Z"),
        ("UTC", "2027-06-30", "2027-07-01T00:00:00Z"),
    ] {
        let policy = format!("departed = \"revoke\"\ntimezone = \"{zone}\"");
        let story = Harness::with(Setup { policy: policy.leak(), ..Setup::default() }).await;
        story.send_event(json!({ "type": "departed", "person": { "email": ANN }, "effective_at": day })).await;
        let ends: jiff::Timestamp = ends.parse().unwrap();
        story.advance_to(ends - jiff::SignedDuration::from_secs(1)).await;
        assert_eq!(story.state(ANN).await, StateName::Scheduled, "{day} in {zone}");
        story.advance_to(ends).await;
        assert_eq!(story.state(ANN).await, StateName::Revoked, "{day} in {zone}");
        story.finish(&["revoke ann@example.com"]).await;
    }
    row.passed(7, "0 early, 0 late");
}

#[tokio::test]
async fn grace_counts_hours_across_daylight_saving_changes() {
    let row = expect_row("a grace over a leap day and a change of the clocks", "its hours are counted");
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\ntimezone = \"Europe/Berlin\"";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    // From the 29th of February; the clocks go ahead on the 26th of March.
    story
        .send_event(json!({ "type": "departed", "person": { "email": ANN }, "effective_at": "2028-02-28T23:00:00Z" }))
        .await;
    story.advance_to("2028-02-28T23:00:00Z".parse().unwrap()).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.advance_quiet("30d").await;
    assert_eq!(story.now().to_string(), "2028-03-29T23:00:00Z");
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
    row.passed(1, "0 early, 0 late");
}

/// Waits until nothing is due: with thousands of jobs longer than a story usually does.
async fn worked_off(story: &Harness) {
    let (begun, due) = (Instant::now(), story.now().as_millisecond());
    let mut database = story.database().await;
    loop {
        let left = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM deliveries WHERE status = 'received')
                  + (SELECT COUNT(*) FROM jobs WHERE state = 'running' OR (state = 'queued' AND due_at <= ?))",
        );
        let row = left.bind(due).fetch_one(&mut database).await.unwrap();
        if row.get::<i64, _>(0) == 0 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(10), "{} are left", row.get::<i64, _>(0));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// So many people leave while the site is away for three days; then it is back. Says how many were revoked, how many
/// changes were made twice, and how many calls each person cost.
async fn three_days_without_the_site(people: usize) -> (usize, usize, usize) {
    let email = |person: usize| format!("person{person}@example.com");
    let accounts = (0..people).map(|person| json!({ "email": email(person) }));
    let admin = json!({ "email": "admin@example.com", "account_type": "atlassian" });
    let seed: Seed =
        serde_json::from_value(json!({ "accounts": accounts.chain([admin]).collect::<Vec<_>>() })).unwrap();
    let policy = "departed = \"revoke\"\nbrake = { per_hour = 1000000, per_day = 1000000 }";
    let more = "[retry]\ngive_up_after = \"7d\"";
    let story = Harness::with(Setup { seed, policy, more, ..Setup::default() }).await;
    story.inject(Fault { status: Some(503), ..Fault::default() });
    let departed: Vec<_> =
        (0..people).map(|person| json!({ "type": "departed", "person": { "email": email(person) } })).collect();
    for some in departed.chunks(500) {
        assert_eq!(story.send("hr", &json!(some)).await.status, 202);
    }
    worked_off(&story).await;
    for _ in 0..6 {
        story.clock.advance(duration("12h"));
        story.wake_tasks();
        worked_off(&story).await;
    }
    let before = story.site.calls().len();
    assert!(story.changes().is_empty());
    story.site.clear_faults();
    story.clock.advance(duration("1h"));
    story.wake_tasks();
    worked_off(&story).await;
    let revoked = load::count(&story.database_file(), "SELECT COUNT(*) FROM cases WHERE state = 'revoked'").await;
    let cases = usize::try_from(revoked).unwrap();
    let calls = story.site.calls().len() - before;
    let changes = story.changes();
    let distinct: std::collections::BTreeSet<_> = changes.iter().collect();
    let doubled = changes.len() - distinct.len();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    (cases, doubled, calls / people)
}

#[tokio::test]
async fn site_outage_of_three_days_loses_no_job() {
    let (revoked, doubled, _) = three_days_without_the_site(40).await;
    assert_eq!((revoked, doubled), (40, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: see the module `stress`"]
async fn site_outage_of_three_days_keeps_thousands_of_jobs() {
    let row = expect_row(
        "the site is away for three days while people leave",
        "all are revoked within the longest wait of a retry, none twice",
    );
    let people = usize::try_from(times(10_000)).unwrap();
    let (revoked, doubled, calls) = three_days_without_the_site(people).await;
    assert_eq!((revoked, doubled), (people, 0));
    row.passed(
        format!("{people} jobs waiting"),
        format!("{revoked} revoked: 0 lost, {doubled} doubled, {calls} calls each"),
    );
}
