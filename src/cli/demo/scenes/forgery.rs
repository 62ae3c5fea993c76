//! A repeated delivery and a forged one: neither has an effect.

use super::leaver::Left;
use crate::cli::demo::bodies;
use crate::cli::demo::cast::{ANN, JON};
use crate::cli::demo::folder::CRM;
use crate::cli::demo::narrator::{self, Speaker, short};
use crate::cli::demo::observer::Observer;
use crate::store::DeliveryFilter;

/// The vendor received no response and posts again.
pub(super) async fn repeat_delivery(observer: &Observer, left: &Left) -> anyhow::Result<()> {
    narrator::title("A vendor repeats a delivery.");
    observer.narrate(Speaker::Hr, &format!("BambooHR posts the departure of {} again, with a new signature", ANN.name));
    let before = deliveries(observer).await?;
    let answer = observer.hr.post(&observer.hr.sign_again(&left.webhook)?).await?;
    let first = left.delivery.to_string();
    anyhow::ensure!(
        answer.status == 200 && answer.body.duplicate && answer.body.delivery.as_ref() == Some(&first),
        "expected status 200 and the first id for a repetition, received {}",
        answer.status
    );
    anyhow::ensure!(deliveries(observer).await? == before, "the repetition was stored as a new delivery");
    observer.narrate(Speaker::Daemon, &format!("recognizes the duplicate of delivery {}, answers 200", short(&first)));
    Ok(())
}

/// An attacker replaces the email address in a signed webhook.
pub(super) async fn forge_delivery(observer: &Observer) -> anyhow::Result<()> {
    narrator::title("An attacker forges a departure.");
    let genuine = observer.hr.sign(CRM, &bodies::event("departed", &ANN, observer.calendar.now()))?;
    let forged = genuine.tampered(ANN.email, JON.email);
    observer.narrate(Speaker::Forger, &format!("replaces {1} with {0} in a signed webhook", JON.email, ANN.email));
    let before = deliveries(observer).await?;
    let answer = observer.hr.post(&forged).await?;
    anyhow::ensure!(answer.status == 401, "expected status 401 for a forged webhook, received {}", answer.status);
    anyhow::ensure!(deliveries(observer).await? == before, "the forged webhook was stored");
    anyhow::ensure!(observer.case_of(&JON).await?.is_none(), "the forged webhook opened a case");
    let header = forged.signature_header();
    observer.narrate(Speaker::Daemon, &format!("rejects {header}, answers 401, stores nothing"));
    Ok(())
}

async fn deliveries(observer: &Observer) -> anyhow::Result<usize> {
    Ok(observer.store.deliveries(&DeliveryFilter { limit: 1000, ..DeliveryFilter::default() }).await?.items.len())
}
