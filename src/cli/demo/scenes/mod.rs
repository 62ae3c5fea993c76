//! The story: one file a scene, in the order of the days.

mod ending;
mod forgery;
mod future;
mod leaver;
mod namesakes;
mod rehire;

use super::calendar::{days, later};
use super::observer::Observer;

/// Tells the whole story; an error is the first line that could not be told.
pub(super) async fn play(observer: &Observer) -> anyhow::Result<()> {
    let before = observer.sandbox.accounts();
    let namesakes = namesakes::are_found(observer).await?;
    let left = leaver::leaves(observer).await?;
    observer.calendar.reach(4).await;
    forgery::is_told_twice(observer, &left).await?;
    observer.calendar.reach(6).await;
    forgery::is_forged(observer).await?;
    observer.calendar.reach(9).await;
    let planned = future::is_planned(observer).await?;
    observer.calendar.reach(12).await;
    future::is_cancelled(observer).await?;
    observer.calendar.reach(15).await;
    let rehired = rehire::leaves(observer).await?;
    observer.calendar.reach(20).await;
    rehire::returns(observer).await?;
    observer.calendar.reach(24).await;
    rehire::is_granted(observer).await?;
    leaver::is_deleted(observer, &left).await?;
    leaver::is_erased(observer).await?;
    observer.calendar.reach_instant(later(planned.max(rehired), days(1))).await;
    future::stays(observer, planned)?;
    rehire::stays(observer, rehired)?;
    namesakes::are_left_alone(observer, &namesakes)?;
    ending::is_true(observer, &before).await
}
