//! What must not count: the same delivery again, and one that nobody signed.

use super::leaver::Left;
use crate::cli::demo::bodies;
use crate::cli::demo::cast::{ANN, JON};
use crate::cli::demo::folder::CRM;
use crate::cli::demo::narrator::{self, Speaker, short};
use crate::cli::demo::observer::Observer;
use crate::store::DeliveryFilter;

/// The vendor missed our answer and posts again.
pub(super) async fn is_told_twice(observer: &Observer, left: &Left) -> anyhow::Result<()> {
    narrator::title("The vendor missed the answer, and posts again.");
    observer.narrate(Speaker::Hr, &format!("BambooHR posts the departure of {} once more, signed anew", ANN.name));
    let before = deliveries(observer).await?;
    let answer = observer.hr.post(&observer.hr.sign_again(&left.webhook)?).await?;
    let first = left.delivery.to_string();
    anyhow::ensure!(
        answer.status == 200 && answer.body.duplicate && answer.body.delivery.as_ref() == Some(&first),
        "a repetition should be answered by 200 and the first id, not by {}",
        answer.status
    );
    anyhow::ensure!(deliveries(observer).await? == before, "the repetition was stored as another delivery");
    observer.narrate(Speaker::Daemon, &format!("knows it, answers 200 (a duplicate of delivery {})", short(&first)));
    Ok(())
}

/// Somebody on the way puts another name into a genuine webhook.
pub(super) async fn is_forged(observer: &Observer) -> anyhow::Result<()> {
    narrator::title("Somebody forges a departure.");
    let genuine = observer.hr.sign(CRM, &bodies::event("departed", &ANN, observer.calendar.now()))?;
    let forged = genuine.tampered(ANN.email, JON.email);
    observer.narrate(Speaker::Forger, &format!("puts {} into a webhook that was signed for {}", JON.email, ANN.email));
    let before = deliveries(observer).await?;
    let answer = observer.hr.post(&forged).await?;
    anyhow::ensure!(answer.status == 401, "a forged webhook should be answered by 401, not by {}", answer.status);
    anyhow::ensure!(deliveries(observer).await? == before, "the forged webhook was stored");
    anyhow::ensure!(observer.case_of(&JON).await?.is_none(), "the forged webhook opened a case");
    let proof = forged.proof();
    observer.narrate(Speaker::Daemon, &format!("finds that {proof} does not fit, answers 401, and stores nothing"));
    Ok(())
}

/// How many deliveries are stored.
async fn deliveries(observer: &Observer) -> anyhow::Result<usize> {
    Ok(observer.store.deliveries(&DeliveryFilter { limit: 1000, ..DeliveryFilter::default() }).await?.items.len())
}
