//! The story: one file a scene, in the order of the days.

mod ending;
mod forgery;
mod future;
mod leaver;
mod namesakes;
mod rehire;

use super::calendar::{days, later};
use super::stage::Stage;

/// Tells the whole story; an error is the first line that could not be told.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let before = stage.sandbox.accounts();
    let namesakes = namesakes::are_found(stage).await?;
    let left = leaver::leaves(stage).await?;
    stage.calendar.reach(4).await;
    forgery::is_told_twice(stage, &left).await?;
    stage.calendar.reach(6).await;
    forgery::is_forged(stage).await?;
    stage.calendar.reach(9).await;
    let planned = future::is_planned(stage).await?;
    stage.calendar.reach(12).await;
    future::is_cancelled(stage).await?;
    stage.calendar.reach(15).await;
    let rehired = rehire::leaves(stage).await?;
    stage.calendar.reach(20).await;
    rehire::returns(stage).await?;
    stage.calendar.reach(24).await;
    rehire::is_granted(stage).await?;
    leaver::is_deleted(stage, &left).await?;
    leaver::is_erased(stage).await?;
    stage.calendar.reach_instant(later(planned.max(rehired), days(1))).await;
    future::stays(stage, planned)?;
    rehire::stays(stage, rehired)?;
    namesakes::are_left_alone(stage, &namesakes)?;
    ending::is_true(stage, &before).await
}
