//! The page of today: what it counts, and when.

use jiff::SignedDuration;

use super::size::open;
use super::{Visit, daemon};
use crate::admin::tests::ROSA;
use crate::domain::case::JobKind;
use crate::domain::ids::SiteName;
use crate::store::Planned;

#[tokio::test]
async fn planned_calls_are_counted_by_the_hour_and_overdue_ones_now() {
    let daemon = daemon().await;
    open(&daemon, 3).await;
    let site: SiteName = "acme".parse().unwrap();
    let (day, instant) = (SignedDuration::from_hours(24), SignedDuration::from_millis(1));
    let planned = async |until| daemon.store.planned(&[&site], daemon.now(), until).await.unwrap();
    let count = |planned: Vec<Planned>| planned.iter().map(|hour| hour.jobs).sum::<u32>();
    let first_due = daemon.now() + day - instant * 2;
    assert_eq!(count(planned(first_due).await), 0, "none is due before the end");
    assert_eq!(count(planned(first_due + instant).await), 1);
    let all = planned(daemon.now() + day * 14).await;
    assert!(all.iter().all(|hour| hour.kind == JobKind::Revoke && hour.hour <= first_due + day), "{all:?}");
    assert_eq!(count(all), 3);

    let visit = Visit::of(&daemon, ROSA).await;
    let label = "Planned calls of the next 14 days: 3 revokes and 0 deletions.";
    assert!(visit.get("/?lang=en").await.text.contains(label));
    // No worker runs here, so that they stay queued.
    daemon.clock.advance(day * 2);
    let visit = Visit::of(&daemon, ROSA).await;
    assert!(visit.get("/?lang=en").await.text.contains(label), "what is overdue counts for today");
}
