//! A departure that is announced for later, and taken back in time.

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::demo::bodies;
use crate::cli::demo::calendar::{days, later};
use crate::cli::demo::cast::BEN;
use crate::cli::demo::folder::PAYROLL;
use crate::cli::demo::narrator::{self, Speaker};
use crate::cli::demo::observer::Observer;
use crate::domain::case::StateName;

/// The HR system announces a departure. Says for when.
pub(super) async fn is_planned(observer: &Observer) -> anyhow::Result<Timestamp> {
    narrator::title("Somebody is going to leave, and does not.");
    let now = observer.calendar.now();
    let effective_at = later(now, days(30));
    let day = observer.calendar.day_of(effective_at);
    observer.narrate(Speaker::Hr, &format!("the payroll posts: {} ({}) leaves on day {day}", BEN.name, BEN.email));
    observer.deliver(&observer.hr.sign(PAYROLL, &bodies::departure(&BEN, effective_at, now))?).await?;
    let opened = observer.soon(&BEN, "opened").await?;
    let case = &opened.dossier.case;
    opened.require_state(StateName::Scheduled)?;
    let wanted = case.job_wanted().context("no job waits for the departure")?;
    anyhow::ensure!(wanted.due_at == effective_at, "the job is due at another time than the departure");
    observer.narrate_at(
        opened.at,
        Speaker::Daemon,
        &format!(
            "opens a case: scheduled, with a {} job for day {}",
            wanted.kind,
            observer.calendar.day_of(wanted.due_at)
        ),
    );
    Ok(effective_at)
}

/// The HR system takes it back.
pub(super) async fn is_cancelled(observer: &Observer) -> anyhow::Result<()> {
    observer.narrate(Speaker::Hr, &format!("the payroll posts: the departure of {} is cancelled", BEN.name));
    let body = bodies::event("departure_cancelled", &BEN, observer.calendar.now());
    observer.deliver(&observer.hr.sign(PAYROLL, &body)?).await?;
    let stopped = observer.soon(&BEN, "stopped").await?;
    stopped.require_state(StateName::Cancelled)?;
    anyhow::ensure!(!is_known(observer)?, "a call about Ben was made before his day");
    observer.narrate_at(stopped.at, Speaker::Daemon, "closes the case: cancelled. Atlassian never heard of it");
    Ok(())
}

/// His day has come and gone.
pub(super) fn stays(observer: &Observer, planned: Timestamp) -> anyhow::Result<()> {
    narrator::title("Those who stay have stayed.");
    let account = observer.account_of(&BEN)?;
    anyhow::ensure!(account.active && !is_known(observer)?, "Ben stays, but something was done to his account");
    let day = observer.calendar.day_of(planned);
    observer.narrate(
        Speaker::Atlassian,
        &format!("day {day} is over: {} has access, and no call ever named him", BEN.name),
    );
    Ok(())
}

/// Whether any call named his account, reads included.
fn is_known(observer: &Observer) -> anyhow::Result<bool> {
    let account = observer.account_of(&BEN)?;
    Ok(observer.sandbox.calls().iter().any(|call| call.account_id.as_ref() == Some(&account.account_id)))
}
