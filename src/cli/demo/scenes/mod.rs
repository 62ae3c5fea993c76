//! The steps of the demo: one file per topic.

mod ending;
mod forgery;
mod future;
mod leaver;
mod namesakes;
mod rehire;

use super::calendar::{days, later};
use super::observer::Observer;

/// Runs all steps in the order of the days. Fails at the first step that fails.
pub(super) async fn play(observer: &Observer) -> anyhow::Result<()> {
    let before = observer.sandbox.accounts();
    let namesakes = namesakes::search(observer).await?;
    let left = leaver::leave(observer).await?;
    observer.calendar.reach(4).await;
    forgery::repeat_delivery(observer, &left).await?;
    observer.calendar.reach(6).await;
    forgery::forge_delivery(observer).await?;
    observer.calendar.reach(9).await;
    let planned = future::announce(observer).await?;
    observer.calendar.reach(12).await;
    future::cancel(observer).await?;
    observer.calendar.reach(15).await;
    let rehired = rehire::leave(observer).await?;
    observer.calendar.reach(20).await;
    rehire::rehire(observer).await?;
    observer.calendar.reach(24).await;
    rehire::grant_access(observer).await?;
    leaver::delete(observer, &left).await?;
    leaver::erase(observer).await?;
    observer.calendar.reach_instant(later(planned.max(rehired), days(1))).await;
    future::check_account(observer, planned)?;
    rehire::check_account(observer, rehired)?;
    namesakes::check_accounts(observer, &namesakes)?;
    ending::check_all(observer, &before).await
}
